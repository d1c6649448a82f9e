internal import AssentCore

/// The events of one site and UTC day, in segments: one SQLite file, for one thread at a time.
///
/// Segments stand in the order in which their events arrived. New events are merged with the last segments as long as
/// those are smaller than what is added, so that a day has few segments and each event is written anew only a few times.
final class Partition {
    let site: String
    let day: Day
    private let database: SQLite

    /// A segment without its columns.
    private struct Segment {
        var number: Int64
        var events: Int
        var firstVisitor: VisitorNumber
        var lastVisitor: VisitorNumber
        var firstTime: Int64
        var lastTime: Int64
    }

    /// Where a day of a site lies in a data directory.
    static func path(_ directory: String, _ site: String, _ day: Day) -> String {
        "\(folder(directory, site))/\(day).sqlite"
    }

    /// Where the partitions of a site lie.
    static func folder(_ directory: String, _ site: String) -> String { "\(directory)/partitions/\(site)" }

    /// The days of which a site has partitions, ascending.
    static func days(_ directory: String, _ site: String) throws(StoreError) -> [Day] {
        try Files.names(in: folder(directory, site)).compactMap { name in
            name.hasSuffix(".sqlite") ? Day(name.dropLast(".sqlite".count)) : nil
        }
    }

    /// Opens a partition; for writing one that is missing is made.
    init(directory: String, site: String, day: Day, _ mode: SQLite.Mode) throws(StoreError) {
        let path = Partition.path(directory, site, day)
        self.site = site
        self.day = day
        database = try SQLite(path, mode)
        if mode == .read {
            try Format.partition.check(database)
            return
        }
        try Format.partition.prepare(database) { () throws(StoreError) in
            try database.run(
                """
                CREATE TABLE partition(site TEXT NOT NULL, day TEXT NOT NULL, state TEXT NOT NULL,
                    events INTEGER NOT NULL, content_sum BLOB NOT NULL, drained_through INTEGER NOT NULL)
                """)
            try database.run(
                """
                CREATE TABLE segment(number INTEGER PRIMARY KEY, events INTEGER NOT NULL,
                    first_visitor INTEGER NOT NULL, last_visitor INTEGER NOT NULL,
                    first_time INTEGER NOT NULL, last_time INTEGER NOT NULL)
                """)
            try database.run(
                """
                CREATE TABLE stream(number INTEGER PRIMARY KEY, inflated INTEGER NOT NULL, crc INTEGER NOT NULL,
                    bytes BLOB NOT NULL)
                """)
            try database.run(
                "INSERT INTO partition VALUES(?,?,'open',0,?,0)", .text(site), .text(day.description),
                .blob(ContentHash().sum))
        }
    }

    /// A stream's number: its segment's, and below it the column's.
    private static func stream(_ segment: Int64, _ column: EncodedColumn.ID) -> Int64 {
        segment << 5 | Int64(column.rawValue)
    }

    // MARK: State

    /// The last row of the journal whose events are in here.
    func drainedThrough() throws(StoreError) -> Int64 {
        try database.first("SELECT drained_through FROM partition") { $0.integer(0) } ?? 0
    }

    /// Whether no event can be added any more.
    func isSealed() throws(StoreError) -> Bool {
        try database.first("SELECT state='sealed' FROM partition") { $0.integer(0) == 1 } ?? false
    }

    /// The hash and count of all events in here.
    func content() throws(StoreError) -> ContentHash {
        let content = try database.first("SELECT content_sum, events FROM partition") { row in
            UInt64(exactly: row.integer(1)).flatMap { ContentHash(sum: row.blob(0), count: $0) }
        }
        guard let content = content ?? nil else {
            throw StoreError(.damaged, "\(database.path) has no valid content sum.")
        }
        return content
    }

    // MARK: Reading

    /// What a reader sees of a partition and of the rows of the journal that are not in it yet.
    struct Reading {
        /// The asked events of each segment, in the order of arrival; those from the journal are the last.
        var segments: [EventColumns] = []
        /// Hash and count of all events that may be seen, whenever they happened.
        var content = ContentHash()
        var isSealed = false

        /// Nothing yet.
        fileprivate init(content: ContentHash, isSealed: Bool) {
            self.content = content
            self.isSealed = isSealed
        }

        /// A day that has no partition yet.
        init(waiting: [Event], in times: Range<Int64>) {
            add(Partition.unique(waiting), in: times)
        }

        /// Events from the journal, none a duplicate.
        fileprivate mutating func add(_ events: [Event], in times: Range<Int64>) {
            for event in events { content.add(event) }
            let asked = events.filter { times.contains($0.time.milliseconds) }
            if !asked.isEmpty { segments.append(EventColumns(asked)) }
        }
    }

    /// Reads in one snapshot.
    /// - Parameters:
    ///   - times: the asked `[from, to)`, in milliseconds since 1970.
    ///   - erased: visitors of whom nothing may be seen.
    ///   - waiting: events of this day in the journal, none of an erased visitor, with the numbers of their rows.
    ///   - damaged: told of each segment that cannot be read, by a sentence.
    func read(
        _ times: Range<Int64>, _ columns: ColumnSet, erased: Set<VisitorNumber>,
        waiting: [(number: Int64, event: Event)], damaged: (StoreError) -> Void
    ) throws(StoreError) -> Reading {
        try database.snapshot { () throws(StoreError) in
            var reading = Reading(content: try content(), isSealed: try isSealed())
            let held = try segments()
            for segment in held {
                do throws(StoreError) {
                    let isAsked = segment.lastTime >= times.lowerBound && segment.firstTime < times.upperBound
                    guard isAsked || has(segment, anyOf: erased) else { continue }
                    let found = try read(segment, isAsked ? columns : .order)
                    let hasErased = Partition.holds(found.visitors, anyOf: erased)
                    if hasErased {
                        // What is erased and not yet rewritten is taken out of the hash, wherever it lies.
                        let whole = try read(segment, .all)
                        for event in 0..<whole.count where erased.contains(whole.visitors[event]) {
                            reading.content.remove(whole.event(at: event))
                        }
                    }
                    guard isAsked else { continue }
                    if !hasErased, segment.firstTime >= times.lowerBound, segment.lastTime < times.upperBound {
                        reading.segments.append(found)
                        continue
                    }
                    let kept = (0..<found.count).filter { event in
                        times.contains(found.times[event]) && !erased.contains(found.visitors[event])
                    }
                    if !kept.isEmpty { reading.segments.append(found.selecting(kept)) }
                } catch  where error.kind == .damaged {
                    damaged(error)
                }
            }
            let drained = try drainedThrough()
            reading.add(try new(waiting.filter { $0.number > drained }.map(\.event), beside: held), in: times)
            return reading
        }
    }

    /// Whether any of the visitors has events. Cost: one look-up for each visitor that has.
    private static func holds(_ ascending: [VisitorNumber], anyOf visitors: Set<VisitorNumber>) -> Bool {
        guard !visitors.isEmpty else { return false }
        var last: VisitorNumber?
        for visitor in ascending where visitor != last {
            if visitors.contains(visitor) { return true }
            last = visitor
        }
        return false
    }

    /// All events in here, by segments.
    /// - Throws: ``StoreError`` if a segment is damaged.
    func segments(_ columns: ColumnSet) throws(StoreError) -> [EventColumns] {
        try database.snapshot { () throws(StoreError) in
            var found: [EventColumns] = []
            for segment in try segments() { found.append(try read(segment, columns)) }
            return found
        }
    }

    /// Those events that are no duplicates: no earlier one of them, and none in the segments that can be read, has the
    /// same visitor and id.
    private func new(_ events: [Event], beside segments: [Segment]) throws(StoreError) -> [Event] {
        var held: Set<Identity> = []
        let visitors = Set(events.lazy.filter { !$0.id.isEmpty }.map(\.visitor))
        for segment in segments where has(segment, anyOf: visitors) {
            do throws(StoreError) {
                guard Partition.holds(try read(segment, .order).visitors, anyOf: visitors) else { continue }
                let columns = try read(segment, .ids)
                for event in columns.ids.indices where visitors.contains(columns.visitors[event]) {
                    held.insert(Identity(visitor: columns.visitors[event], id: columns.ids[event]))
                }
            } catch  where error.kind == .damaged {
                continue
            }
        }
        return Partition.unique(events, beside: held)
    }

    /// What makes two events one.
    private struct Identity: Hashable {
        var visitor: VisitorNumber
        var id: String
    }

    /// Those events of which neither an earlier one nor a held one has the same visitor and id.
    private static func unique(_ events: [Event], beside held: Set<Identity> = []) -> [Event] {
        var seen = held
        return events.filter { $0.id.isEmpty || seen.insert(Identity(visitor: $0.visitor, id: $0.id)).inserted }
    }

    private func segments() throws(StoreError) -> [Segment] {
        var segments: [Segment] = []
        try database.rows(
            "SELECT number, events, first_visitor, last_visitor, first_time, last_time FROM segment ORDER BY number"
        ) { (row) throws(StoreError) in
            segments.append(
                Segment(
                    number: row.integer(0), events: Int(row.integer(1)), firstVisitor: try row.number(2),
                    lastVisitor: try row.number(3), firstTime: row.integer(4), lastTime: row.integer(5)))
        }
        return segments
    }

    private func read(_ segment: Segment, _ columns: ColumnSet) throws(StoreError) -> EventColumns {
        let decoded = try SegmentCodec.decode(count: segment.events, columns: columns) {
            (id: EncodedColumn.ID) throws(StoreError) -> EncodedColumn? in
            do throws(StoreError) {
                return try database.first(
                    "SELECT bytes, inflated, crc FROM stream WHERE number=?",
                    .integer(Partition.stream(segment.number, id))
                ) { row in
                    EncodedColumn(
                        id: id, bytes: row.blob(0), inflatedCount: Int(row.integer(1)),
                        crc: UInt32(truncatingIfNeeded: row.integer(2)))
                }
            } catch  where error.kind == .damaged {
                throw StoreError(
                    .damaged, "\(database.path), segment \(segment.number), column \(id): SQLite cannot read it.")
            }
        }
        switch decoded {
        case .success(let columns): return columns
        case .failure(let damage):
            throw StoreError(.damaged, "\(database.path), segment \(segment.number), \(damage).")
        }
    }

    // MARK: Writing

    /// Adds events that are no duplicates of one in here, all or none.
    /// - Parameters:
    ///   - events: in order of arrival.
    ///   - through: the row of the journal from which the last of them came; nil if they came from none.
    /// - Returns: how many were no duplicates.
    func add(_ events: [Event], through: Int64?) throws(StoreError) -> Int {
        try database.transaction { () throws(StoreError) in
            guard try !isSealed() else {
                throw StoreError(.readOnly, "\(database.path) is sealed: it takes no more events.")
            }
            var last = try segments()
            let events = try new(events, beside: last)
            var content = try content()
            for event in events { content.add(event) }
            var parts = [EventColumns(events)]
            var total = events.count
            while let segment = last.last, segment.events < 2 * total,
                total + segment.events <= Limits.segmentEventsMax
            {
                // A damaged segment stays where it is, and what comes is written behind it.
                guard let columns = try? read(segment, .all) else { break }
                parts.insert(columns, at: 0)
                total += segment.events
                try remove(segment)
                last.removeLast()
            }
            try write(ColumnMerge.merge(parts).columns)
            try database.run(
                "UPDATE partition SET events=?, content_sum=?, drained_through=max(drained_through,?)",
                .integer(Int64(content.count)), .blob(content.sum), .integer(through ?? 0))
            return events.count
        }
    }

    /// Removes all events of visitors, then every trace of them in the file and its write-ahead log.
    /// - Parameter damaged: told of each segment that cannot be read and may hold events of them: it stays as it is.
    /// - Returns: false if a segment is damaged, or if a reader still holds the log, so that it must be tried again.
    func erase(
        _ visitors: Set<VisitorNumber>, damaged: (StoreError) -> Void
    ) throws(StoreError) -> Bool {
        var isWhole = true
        func readable(_ segment: Segment, _ columns: ColumnSet) throws(StoreError) -> EventColumns? {
            do throws(StoreError) {
                return try read(segment, columns)
            } catch  where error.kind == .damaged {
                damaged(error)
                isWhole = false
                return nil
            }
        }
        var affected: [Segment] = []
        for segment in try segments() where has(segment, anyOf: visitors) {
            guard let columns = try readable(segment, .order) else { continue }
            if Partition.holds(columns.visitors, anyOf: visitors) { affected.append(segment) }
        }
        if !affected.isEmpty {
            try database.transaction { () throws(StoreError) in
                var content = try content()
                for segment in affected {
                    guard let columns = try readable(segment, .all) else { continue }
                    for event in 0..<columns.count where visitors.contains(columns.visitors[event]) {
                        content.remove(columns.event(at: event))
                    }
                    let kept = ColumnMerge.merge([columns], keeping: { !visitors.contains($0) }).columns
                    try remove(segment)
                    if kept.count > 0 { try write(kept, as: segment.number) }
                }
                try database.run(
                    "UPDATE partition SET events=?, content_sum=?", .integer(Int64(content.count)),
                    .blob(content.sum))
            }
        }
        return try database.checkpoint() && isWhole
    }

    /// How many events a visitor has in here, and up to which row of the journal; damaged segments count for none.
    func count(of visitor: VisitorNumber) throws(StoreError) -> (events: Int, drainedThrough: Int64) {
        try database.snapshot { () throws(StoreError) in
            var count = 0
            for segment in try segments() where has(segment, anyOf: [visitor]) {
                guard let columns = try? read(segment, .order) else { continue }
                count += columns.visitors.count { $0 == visitor }
            }
            return (count, try drainedThrough())
        }
    }

    private func has(_ segment: Segment, anyOf visitors: Set<VisitorNumber>) -> Bool {
        visitors.contains { $0 >= segment.firstVisitor && $0 <= segment.lastVisitor }
    }

    private func remove(_ segment: Segment) throws(StoreError) {
        try database.run("DELETE FROM segment WHERE number=?", .integer(segment.number))
        try database.run(
            "DELETE FROM stream WHERE number BETWEEN ? AND ?", .integer(segment.number << 5),
            .integer(segment.number << 5 | 31))
    }

    /// Writes a run of events as segments as large as they may be, behind the others unless a number is
    /// given (for a run that is no larger than one).
    private func write(_ columns: EventColumns, as number: Int64? = nil) throws(StoreError) {
        for range in SegmentCodec.cuts(columns) {
            let part = range.count == columns.count ? columns : columns.selecting(range)
            try database.run(
                "INSERT INTO segment VALUES(?,?,?,?,?,?)", number.map { .integer($0) } ?? .null,
                .integer(Int64(part.count)), .integer(Int64(part.visitors.first ?? 0)),
                .integer(Int64(part.visitors.last ?? 0)), .integer(part.times.min() ?? 0),
                .integer(part.times.max() ?? 0))
            let segment = database.lastInserted
            for column in SegmentCodec.encode(part, keepingIDs: true) {
                try database.run(
                    "INSERT INTO stream VALUES(?,?,?,?)", .integer(Partition.stream(segment, column.id)),
                    .integer(Int64(column.inflatedCount)), .integer(Int64(column.crc)), .blob(column.bytes))
            }
        }
    }
}
