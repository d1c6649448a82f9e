internal import AssentCore

/// The events of one site and UTC day: one SQLite file, for one thread at a time.
///
/// Events lie in segments, and segments in runs: a run is in the order of visitor, time, arrival, and runs stand in the
/// order in which their events arrived. A small run is joined with what comes next, and eight runs of a size with one
/// another, so that an open day has few runs and each event is written anew only a few times. A sealed day has one run.
final class Partition {
    let site: String
    let day: Day
    let database: SQLite

    /// A segment without its columns.
    struct Segment {
        var number: Int64
        var run: Int64
        var events: Int
        var firstVisitor: VisitorNumber
        var lastVisitor: VisitorNumber
        var firstTime: Int64
        var lastTime: Int64
    }

    /// Segments that are in order together.
    struct Run {
        var number: Int64
        var segments: [Segment]

        var events: Int { segments.reduce(0) { $0 + $1.events } }

        /// Runs of a level have about the same size, that of eight of the level below.
        var level: Int {
            var (level, size) = (0, Limits.segmentEventsMax)
            while size < events { (level, size) = (level + 1, size * Limits.runsPerLevelMax) }
            return level
        }
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

    /// Removes the files of days of a site, those of which only a log was left included.
    /// - Returns: the days, ascending.
    static func remove(
        _ directory: String, _ site: String, where isOver: (Day) -> Bool
    ) throws(StoreError) -> [Day] {
        let folder = folder(directory, site)
        var removed: Set<Day> = []
        // In this order the database goes before its log: SQLite throws a log away that has no database.
        for name in try Files.names(in: folder) {
            guard let day = Day(name.prefix(10)), name.dropFirst(10).hasPrefix(".sqlite"), isOver(day) else { continue }
            try Files.remove("\(folder)/\(name)")
            removed.insert(day)
        }
        if !removed.isEmpty { try Files.synchronize(directory: folder) }
        return removed.sorted()
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
                    events INTEGER NOT NULL, content_sum BLOB NOT NULL, drained_through INTEGER NOT NULL,
                    erased_through INTEGER NOT NULL)
                """)
            try database.run(
                """
                CREATE TABLE segment(number INTEGER PRIMARY KEY, run INTEGER NOT NULL, events INTEGER NOT NULL,
                    first_visitor INTEGER NOT NULL, last_visitor INTEGER NOT NULL,
                    first_time INTEGER NOT NULL, last_time INTEGER NOT NULL)
                """)
            try database.run(
                """
                CREATE TABLE stream(number INTEGER PRIMARY KEY, inflated INTEGER NOT NULL, crc INTEGER NOT NULL,
                    bytes BLOB NOT NULL)
                """)
            try database.run(
                "INSERT INTO partition VALUES(?,?,'open',0,?,0,0)", .text(site), .text(day.description),
                .blob(ContentHash().sum))
        }
    }

    /// A stream's number: its segment's, and below it the column's.
    static func stream(_ segment: Int64, _ column: EncodedColumn.ID) -> Int64 {
        segment << 5 | Int64(column.rawValue)
    }

    // MARK: State

    /// Version of the format.
    func format() throws(StoreError) -> Int { Int(try Format.version(of: database)) }

    /// The last row of the journal whose events are in here.
    func drainedThrough() throws(StoreError) -> Int64 {
        try database.first("SELECT drained_through FROM partition") { $0.integer(0) } ?? 0
    }

    /// The last entry of the ledger whose erasure was done in here.
    func erasedThrough() throws(StoreError) -> Int64 {
        try database.first("SELECT erased_through FROM partition") { $0.integer(0) } ?? 0
    }

    /// Whether ``seal()`` has nothing left to do.
    func isSealedAndCut() throws(StoreError) -> Bool {
        guard try isSealed() else { return false }
        return try free() == 0
    }

    /// Pages of the file that hold nothing.
    func free() throws(StoreError) -> Int64 {
        try database.first("PRAGMA freelist_count") { $0.integer(0) } ?? 0
    }

    /// Whether it is one run without ids to which nothing was added since.
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
            let arrived = [EventColumns.arrived(waiting)]
            for run in Partition.runs(of: arrived, only: Partition.identities(of: arrived)) { add(run, in: times) }
        }

        /// Events from the journal, none a duplicate.
        fileprivate mutating func add(_ events: EventColumns, in times: Range<Int64>) {
            content.add(events)
            let asked = (0..<events.count).filter { times.contains(events.times[$0]) }
            if !asked.isEmpty { segments.append(asked.count == events.count ? events : events.selecting(asked)) }
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
                    let found = try read(segment, isAsked ? columns.union(.order) : [])
                    let hasErased = Partition.holds(found.visitors, anyOf: erased)
                    if hasErased {
                        // What is erased and not yet rewritten is taken out of the hash, wherever it lies.
                        let whole = try read(segment, .all.subtracting(.ids))
                        reading.content.remove(whole.events(of: erased), of: whole)
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
            let rest = EventColumns.arrived(waiting.lazy.filter { $0.number > drained }.map(\.event))
            for run in try new([rest], beside: held) { reading.add(run, in: times) }
            return reading
        }
    }

    /// Whether any of the visitors has events. Cost: one look-up for each visitor that has.
    static func holds(_ ascending: [VisitorNumber], anyOf visitors: Set<VisitorNumber>) -> Bool {
        guard !visitors.isEmpty else { return false }
        var last: VisitorNumber?
        for visitor in ascending where visitor != last {
            if visitors.contains(visitor) { return true }
            last = visitor
        }
        return false
    }

    /// Hands over the times of each segment that can be read.
    func times(_ each: ([Int64]) -> Void) throws(StoreError) {
        try database.snapshot { () throws(StoreError) in
            for segment in try segments() {
                if let columns = try? read(segment, .order) { each(columns.times) }
            }
        }
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

    /// Those events that are no duplicates, as runs: no earlier one of them, and none in the segments that can be read, has
    /// the same visitor and id. Memory has the identities of what arrives and one segment.
    /// - Parameter arrivals: events in the order in which they arrived.
    func new(_ arrivals: [EventColumns], beside segments: [Segment]) throws(StoreError) -> [EventColumns] {
        var left = Partition.identities(of: arrivals)
        let visitors = Set(arrivals.lazy.flatMap(\.visitors))
        for segment in segments where has(segment, anyOf: visitors) {
            do throws(StoreError) {
                let columns = try read(segment, .ids, idsOf: visitors)
                for event in columns.ids.indices {
                    if let identity = columns.identity(of: event) { left.remove(identity) }
                }
            } catch  where error.kind == .damaged {
                continue
            }
        }
        return Partition.runs(of: arrivals, only: left)
    }

    private static func identities(of arrivals: [EventColumns]) -> HashTable {
        var identities = HashTable()
        for events in arrivals {
            for event in events.ids.indices {
                if let identity = events.identity(of: event) { identities.insert(identity) }
            }
        }
        return identities
    }

    /// Events in order: those without an id, and of each identity that is new the first.
    private static func runs(of arrivals: [EventColumns], only new: HashTable) -> [EventColumns] {
        var left = new
        let unique = arrivals.map { events in
            let kept = (0..<events.count).filter { event in
                events.identity(of: event).map { left.remove($0) } ?? true
            }
            return kept.count == events.count ? events : events.selecting(kept)
        }
        return concurrently(unique.filter { $0.count > 0 }) { $0.inOrder() }
    }

    func segments() throws(StoreError) -> [Segment] {
        var segments: [Segment] = []
        try database.rows(
            """
            SELECT number, run, events, first_visitor, last_visitor, first_time, last_time FROM segment
            ORDER BY run, number
            """
        ) { (row) throws(StoreError) in
            segments.append(
                Segment(
                    number: row.integer(0), run: row.integer(1), events: Int(row.integer(2)),
                    firstVisitor: try row.number(3), lastVisitor: try row.number(4), firstTime: row.integer(5),
                    lastTime: row.integer(6)))
        }
        return segments
    }

    static func runs(_ segments: [Segment]) -> [Run] {
        var runs: [Run] = []
        for segment in segments {
            if let last = runs.indices.last, runs[last].number == segment.run {
                runs[last].segments.append(segment)
            } else {
                runs.append(Run(number: segment.run, segments: [segment]))
            }
        }
        return runs
    }

    /// The columns of a segment.
    /// - Parameter visitors: those whose ids are asked for, others' are empty; nil for all.
    /// - Throws: ``StoreError`` of kind `damaged` that names it.
    func read(
        _ segment: Segment, _ columns: ColumnSet, idsOf visitors: Set<VisitorNumber>? = nil
    ) throws(StoreError) -> EventColumns {
        let decoded = try SegmentCodec.decode(count: segment.events, columns: columns, idsOf: visitors) {
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

    func has(_ segment: Segment, anyOf visitors: Set<VisitorNumber>) -> Bool {
        visitors.contains { $0 >= segment.firstVisitor && $0 <= segment.lastVisitor }
    }
}
