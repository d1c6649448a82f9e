internal import AssentCore

// What changes a partition: each is one transaction, so that a kill at any point leaves it as it was or as it is to be.
extension Partition {
    /// Adds events that are no duplicates of one in here, all or none; a sealed partition is open again.
    /// - Parameters:
    ///   - arrivals: events in the order in which they arrived.
    ///   - through: the row of the journal from which the last of them came; nil if they came from none.
    /// - Returns: how many were no duplicates.
    func add(_ arrivals: [EventColumns], through: Int64?) throws(StoreError) -> Int {
        let added = try database.transaction { () throws(StoreError) in
            let held = try segments()
            var joined = try new(arrivals, beside: held).map { [$0] }
            let added = joined.joined().reduce(0) { $0 + $1.count }
            let hashing = Errand { [joined, content = try content()] in
                joined.joined().reduce(into: content) { $0.add($1) }
            }
            var total = added
            for run in Partition.runs(held).reversed() {
                // A damaged segment stays where it is, and what comes is written behind it.
                guard run.events < 2 * total, total + run.events <= Limits.segmentEventsMax,
                    let columns = try? run.segments.map({ (segment) throws(StoreError) in try read(segment, .all) })
                else { break }
                joined.insert(columns, at: 0)
                total += run.events
                for segment in run.segments { try remove(segment) }
            }
            var merge = ColumnMerge(joined)
            try write(&merge, keepingIDs: true) { $0 }
            try write(merge.content(of: hashing.wait()))
            try database.run(
                "UPDATE partition SET state='open', drained_through=max(drained_through,?)", .integer(through ?? 0))
            return added
        }
        try joinRuns()
        return added
    }

    /// Joins the last runs where there are enough of one level.
    private func joinRuns() throws(StoreError) {
        while true {
            let runs = Partition.runs(try segments())
            guard let level = runs.last?.level else { return }
            let tail = runs.suffix(runs.reversed().prefix { $0.level == level }.count)
            guard tail.count >= Limits.runsPerLevelMax else { return }
            do throws(StoreError) {
                try database.transaction { () throws(StoreError) in try join(Array(tail), keepingIDs: true) }
            } catch  where error.kind == .damaged {
                return
            }
        }
    }

    private func join(_ runs: [Run], keepingIDs: Bool) throws(StoreError) {
        var merge = ColumnMerge(runs.map(\.segments))
        let columns: ColumnSet = keepingIDs ? .all : .all.subtracting(.ids)
        try write(&merge, keepingIDs: keepingIDs) { (segment) throws(StoreError) in try read(segment, columns) }
        try write(merge.content(of: try content()))
        for segment in runs.flatMap(\.segments) { try remove(segment) }
    }

    /// Makes it one run without ids, which are needed only as long as events can come twice, and cuts the file to its
    /// size. Killed at any point it is open or sealed, and the next call does what is left. Memory holds a segment of
    /// each run.
    /// - Throws: ``StoreError`` of kind `damaged` if a segment cannot be read: then it stays open.
    func seal() throws(StoreError) {
        if try !isSealed() {
            try database.transaction { () throws(StoreError) in
                try join(Partition.runs(try segments()), keepingIDs: false)
                try database.run("UPDATE partition SET state='sealed'")
            }
        }
        guard try free() > 0 else { return }
        try database.run("VACUUM")
        _ = try database.checkpoint()
    }

    /// What a rewriting removes, and the content around it.
    struct Rewriting {
        var before: ContentHash
        var after: ContentHash
        /// Events, and segments in which they lay, by visitor.
        var found: [VisitorNumber: (events: Int, segments: Int)] = [:]
    }

    /// Removes all events of visitors, then every trace of them in the file and its write-ahead log.
    /// - Parameters:
    ///   - through: the entry of the ledger that is the last of these erasures.
    ///   - noting: is told what is removed, if there is anything, just before that becomes durable.
    ///   - damaged: told of each segment that cannot be read and may hold events of them: it stays as it is.
    /// - Returns: visitors of whom a damaged segment may hold events; and whether a reader still holds the log, so that
    ///   it must be tried again.
    func erase(
        _ visitors: Set<VisitorNumber>, through: Int64, noting: (Rewriting) throws(StoreError) -> Void,
        damaged: (StoreError) -> Void
    ) throws(StoreError) -> (left: Set<VisitorNumber>, isHeld: Bool) {
        var left: Set<VisitorNumber> = []
        func readable(_ segment: Segment, _ columns: ColumnSet) throws(StoreError) -> EventColumns? {
            do throws(StoreError) {
                return try read(segment, columns)
            } catch  where error.kind == .damaged {
                damaged(error)
                left.formUnion(visitors.filter { $0 >= segment.firstVisitor && $0 <= segment.lastVisitor })
                return nil
            }
        }
        var affected: [Segment] = []
        for segment in try segments() where has(segment, anyOf: visitors) {
            guard let columns = try readable(segment, []) else { continue }
            if Partition.holds(columns.visitors, anyOf: visitors) { affected.append(segment) }
        }
        try database.transaction { () throws(StoreError) in
            let before = try content()
            var rewriting = Rewriting(before: before, after: before)
            let keepsIDs = try !isSealed()
            for segment in affected {
                guard let columns = try readable(segment, .all) else { continue }
                var counts: [VisitorNumber: Int] = [:]
                let gone = columns.events(of: visitors)
                for event in gone { counts[columns.visitors[event], default: 0] += 1 }
                rewriting.after.remove(gone, of: columns)
                for (visitor, events) in counts {
                    let found = rewriting.found[visitor] ?? (0, 0)
                    rewriting.found[visitor] = (found.events + events, found.segments + 1)
                }
                let kept = columns.selecting((0..<columns.count).filter { !visitors.contains(columns.visitors[$0]) })
                try remove(segment)
                if kept.count > 0 {
                    try write(
                        kept, SegmentCodec.encode(kept, keepingIDs: keepsIDs), run: segment.run, as: segment.number)
                }
            }
            try write(rewriting.after)
            if left.isEmpty {
                try database.run("UPDATE partition SET erased_through=max(erased_through,?)", .integer(through))
            }
            if !rewriting.found.isEmpty { try noting(rewriting) }
        }
        return (left, try !database.checkpoint())
    }

    /// How many events a visitor has in here, and up to which row of the journal; damaged segments count for none.
    func count(of visitor: VisitorNumber) throws(StoreError) -> (events: Int, drainedThrough: Int64) {
        try database.snapshot { () throws(StoreError) in
            var count = 0
            for segment in try segments() where has(segment, anyOf: [visitor]) {
                guard let columns = try? read(segment, []) else { continue }
                count += columns.visitors.count { $0 == visitor }
            }
            return (count, try drainedThrough())
        }
    }

    private func remove(_ segment: Segment) throws(StoreError) {
        try database.run("DELETE FROM segment WHERE number=?", .integer(segment.number))
        try database.run(
            "DELETE FROM stream WHERE number BETWEEN ? AND ?", .integer(segment.number << 5),
            .integer(segment.number << 5 | 31))
    }

    /// Writes a merge as one run behind all others.
    private func write<Part>(
        _ merge: inout ColumnMerge<Part>, keepingIDs: Bool,
        read: (Part) throws(StoreError) -> EventColumns
    ) throws(StoreError) {
        let run = (try database.first("SELECT max(run) FROM segment") { $0.integer(0) } ?? 0) + 1
        var next = try merge.next(atMost: Limits.segmentEventsMax, read: read)
        while let columns = next {
            // Long texts can make a segment too large before it has its number of events.
            let parts = SegmentCodec.cuts(columns).map { range in
                range.count == columns.count ? columns : columns.selecting(range)
            }
            // What takes longest is done beside the merging of the next segment.
            let encoding = Errand { parts.map { SegmentCodec.encode($0, keepingIDs: keepingIDs) } }
            next = try merge.next(atMost: Limits.segmentEventsMax, read: read)
            for (part, encoded) in zip(parts, encoding.wait()) { try write(part, encoded, run: run, as: nil) }
        }
    }

    private func write(_ content: ContentHash) throws(StoreError) {
        try database.run(
            "UPDATE partition SET events=?, content_sum=?", .integer(Int64(content.count)), .blob(content.sum))
    }

    private func write(
        _ columns: EventColumns, _ encoded: [EncodedColumn], run: Int64, as number: Int64?
    ) throws(StoreError) {
        try database.run(
            "INSERT INTO segment VALUES(?,?,?,?,?,?,?)", number.map { .integer($0) } ?? .null, .integer(run),
            .integer(Int64(columns.count)), .integer(Int64(columns.visitors.first ?? 0)),
            .integer(Int64(columns.visitors.last ?? 0)), .integer(columns.times.min() ?? 0),
            .integer(columns.times.max() ?? 0))
        let segment = database.lastInserted
        for column in encoded {
            try database.run(
                "INSERT INTO stream VALUES(?,?,?,?)", .integer(Partition.stream(segment, column.id)),
                .integer(Int64(column.inflatedCount)), .integer(Int64(column.crc)), .blob(column.bytes))
        }
    }
}
