internal import AssentCore

/// The events of one site and UTC day, in segments: one SQLite file, for one thread at a time.
///
/// Segments stand in the order in which their events arrived. New events are merged with the last segments as long as
/// those are smaller than what is added, so that a day has few segments and each event is written anew only a few times.
final class Partition {
    /// The version of the format in `user_version`.
    static let version = 1
    /// `ASNT`, in the file's header.
    private static let applicationID = 0x4153_4E54

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
            try Format.check(database, path, Partition.version)
            return
        }
        try Format.check(database, path, Partition.version) { (database) throws(StoreError) in
            try database.run("PRAGMA application_id=\(Partition.applicationID)")
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

    /// Reads in one snapshot.
    func snapshot<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try database.snapshot(body)
    }

    // MARK: Reading

    /// The events of `[from, to)`, a value for each segment that has any.
    /// - Parameters:
    ///   - erased: visitors of whom nothing may be seen.
    ///   - damaged: told of each segment that cannot be read, by a sentence.
    func segments(
        from: Instant = Instant(milliseconds: .min), to: Instant = Instant(milliseconds: .max), columns: ColumnSet,
        erased: Set<VisitorNumber> = [], damaged: (StoreError) throws(StoreError) -> Void
    ) throws(StoreError) -> [EventColumns] {
        var found: [EventColumns] = []
        for segment in try segments()
        where segment.lastTime >= from.milliseconds && segment.firstTime < to.milliseconds {
            do throws(StoreError) {
                let columns = try read(segment, columns)
                let isWhole = segment.firstTime >= from.milliseconds && segment.lastTime < to.milliseconds
                let hasErased = !erased.isEmpty && columns.visitors.contains(where: erased.contains)
                if isWhole, !hasErased {
                    found.append(columns)
                } else {
                    let times = from.milliseconds..<to.milliseconds
                    let kept = (0..<columns.count).filter { event in
                        times.contains(columns.times[event]) && !erased.contains(columns.visitors[event])
                    }
                    if !kept.isEmpty { found.append(columns.selecting(kept)) }
                }
            } catch  where error.kind == .damaged {
                try damaged(error)
            }
        }
        return found
    }

    private func segments() throws(StoreError) -> [Segment] {
        var segments: [Segment] = []
        try database.rows(
            "SELECT number, events, first_visitor, last_visitor, first_time, last_time FROM segment ORDER BY number"
        ) { row in
            segments.append(
                Segment(
                    number: row.integer(0), events: Int(row.integer(1)),
                    firstVisitor: VisitorNumber(truncatingIfNeeded: row.integer(2)),
                    lastVisitor: VisitorNumber(truncatingIfNeeded: row.integer(3)), firstTime: row.integer(4),
                    lastTime: row.integer(5)))
        }
        return segments
    }

    private func read(_ segment: Segment, _ columns: ColumnSet) throws(StoreError) -> EventColumns {
        let decoded = try SegmentCodec.decode(count: segment.events, columns: columns) {
            (id: EncodedColumn.ID) throws(StoreError) -> EncodedColumn? in
            try database.first(
                "SELECT bytes, inflated, crc FROM stream WHERE number=?",
                .integer(Partition.stream(segment.number, id))
            ) { row in
                EncodedColumn(
                    id: id, bytes: row.blob(0), inflatedCount: Int(row.integer(1)),
                    crc: UInt32(truncatingIfNeeded: row.integer(2)))
            }
        }
        switch decoded {
        case .success(let columns): return columns
        case .failure(let damage):
            throw StoreError(.damaged, "\(database.path), segment \(segment.number), \(damage).")
        }
    }

    // MARK: Writing

    /// Adds events, all or none.
    /// - Parameters:
    ///   - events: in order of arrival.
    ///   - through: the row of the journal from which the last of them came; nil if they came from none.
    func add(_ events: [Event], through: Int64?) throws(StoreError) {
        try database.transaction { () throws(StoreError) in
            guard try !isSealed() else {
                throw StoreError(.readOnly, "\(database.path) is sealed: it takes no more events.")
            }
            var content = try content()
            for event in events { content.add(event) }
            var parts = [EventColumns(events)]
            var total = events.count
            var last = try segments()
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
            let (merged, duplicates) = ColumnMerge.merge(parts)
            for event in duplicates { content.remove(event) }
            try write(merged)
            try database.run(
                "UPDATE partition SET events=?, content_sum=?, drained_through=max(drained_through,?)",
                .integer(Int64(content.count)), .blob(content.sum), .integer(through ?? 0))
        }
    }

    /// Removes all events of visitors, then every trace of them in the file and its write-ahead log.
    /// - Returns: false if a reader still holds the log, so that it must be tried again.
    func erase(_ visitors: Set<VisitorNumber>) throws(StoreError) -> Bool {
        try database.transaction { () throws(StoreError) in
            var content = try content()
            for segment in try segments() where has(segment, anyOf: visitors) {
                let columns = try read(segment, .all)
                let gone = (0..<columns.count).filter { visitors.contains(columns.visitors[$0]) }
                guard !gone.isEmpty else { continue }
                for event in gone { content.remove(columns.event(at: event)) }
                let kept = ColumnMerge.merge([columns], keeping: { !visitors.contains($0) }).columns
                try remove(segment)
                if kept.count > 0 { try write(kept, as: segment.number) }
            }
            try database.run(
                "UPDATE partition SET events=?, content_sum=?", .integer(Int64(content.count)), .blob(content.sum))
        }
        return try database.checkpoint()
    }

    /// How many events a visitor has in here.
    func count(of visitor: VisitorNumber) throws(StoreError) -> Int {
        var count = 0
        for segment in try segments() where has(segment, anyOf: [visitor]) {
            count += try read(segment, .order).visitors.count { $0 == visitor }
        }
        return count
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
