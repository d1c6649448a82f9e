internal import AssentCore

/// Where events become durable first: one row for each commit, of all sites and days together.
///
/// The number of a row is never given twice, so that a partition can say up to which row it holds its events. Numbers
/// begin anew at each opening, at the server's time in milliseconds × 1,024: so they are new also where the file was
/// lost, or is an older one from a backup, beside partitions that know later rows.
final class Journal {
    private let database: SQLite
    private var next: Int64
    private var failure: StoreError?

    /// Opens the journal of a data directory, or makes it.
    init(path: String, durable: Bool, now: Instant) throws(StoreError) {
        database = try SQLite(path, .write(durable: durable))
        next = 0
        try Format.journal.prepare(database) { () throws(StoreError) in
            try database.run(
                """
                CREATE TABLE batch(number INTEGER PRIMARY KEY, events INTEGER NOT NULL, crc INTEGER NOT NULL,
                    rows BLOB NOT NULL)
                """)
            try database.run("CREATE TABLE numbering(last INTEGER NOT NULL)")
            try database.run("INSERT INTO numbering VALUES(0)")
        }
        let given = try database.first("SELECT max(last, coalesce((SELECT max(number) FROM batch), 0)) FROM numbering")
        {
            $0.integer(0)
        }
        next = max((given ?? 0) + 1, max(0, now.milliseconds) << 10)
    }

    /// Makes batches durable in one row.
    /// - Throws: ``StoreError``. After an error of the disk nothing more is taken until the store is opened again, for
    ///   what the disk holds is unknown; a full disk is tried again each time.
    func append(_ batches: [EventBatch]) throws(StoreError) {
        if let failure { throw failure }
        let rows = EventBatch.encode(batches)
        let events = batches.reduce(0) { $0 + $1.count }
        do throws(StoreError) {
            try database.run(
                "INSERT INTO batch VALUES(?,?,?,?)", .integer(next), .integer(Int64(events)),
                .integer(Int64(Deflate.crc(rows))), .blob(rows))
        } catch {
            if error.kind == .inputOutput { failure = error }
            throw error
        }
        next += 1
    }

    /// Writes as a commit does, and changes nothing.
    func probe() throws(StoreError) {
        if let failure { throw failure }
        try database.run("UPDATE numbering SET last=last")
    }

    /// Number of the last row; 0 if there is none.
    func last() throws(StoreError) -> Int64 {
        try database.first("SELECT max(number) FROM batch") { $0.integer(0) } ?? 0
    }

    /// Removes rows whose events are durable in partitions, and with them every trace in the write-ahead log.
    /// - Parameter kept: rows that must stay where they are.
    /// - Returns: false if a reader still holds the log.
    func remove(through number: Int64, except kept: Set<Int64>) throws(StoreError) -> Bool {
        try database.transaction { () throws(StoreError) in
            try database.run("UPDATE numbering SET last=max(last,?)", .integer(number))
            var start: Int64 = 0
            for end in kept.sorted() + [number + 1] {
                try database.run(
                    "DELETE FROM batch WHERE number>=? AND number<?", .integer(start), .integer(end))
                start = end + 1
            }
        }
        return try database.checkpoint()
    }

    /// Events and bytes that wait.
    func waiting() throws(StoreError) -> (events: Int, bytes: Int) {
        try database.first("SELECT coalesce(sum(events),0), coalesce(sum(length(rows)),0) FROM batch") { row in
            (events: Int(row.integer(0)), bytes: Int(row.integer(1)))
        } ?? (0, 0)
    }

    /// The row up to which those of `numbers` have at least that many events; the last of them if they have fewer.
    static func portion(
        _ database: SQLite, _ numbers: ClosedRange<Int64>, events: Int
    ) throws(StoreError) -> Int64 {
        let sums = "SELECT number, sum(events) OVER (ORDER BY number) AS total FROM batch WHERE number BETWEEN ? AND ?"
        return try database.first(
            "SELECT min(number) FROM (\(sums)) WHERE total>=?", .integer(numbers.lowerBound),
            .integer(numbers.upperBound), .integer(Int64(events))
        ) { $0.isNull(0) ? numbers.upperBound : $0.integer(0) } ?? numbers.upperBound
    }

    /// Hands over the events of the rows in `numbers`, in order, a call for each site of a row.
    /// - Parameters:
    ///   - visitor: whose events alone are decoded; nil for everybody's.
    ///   - damaged: told of each row that cannot be read, by its number and a sentence; nothing of it is handed over.
    static func events(
        _ database: SQLite, _ numbers: ClosedRange<Int64>, of site: String? = nil, _ visitor: VisitorNumber? = nil,
        damaged: (Int64, String) -> Void, each: (Int64, String, [Event]) -> Void
    ) throws(StoreError) {
        try database.rows(
            "SELECT number, crc, rows FROM batch WHERE number BETWEEN ? AND ? ORDER BY number",
            .integer(numbers.lowerBound), .integer(numbers.upperBound)
        ) { row in
            let number = row.integer(0)
            let bytes = row.blob(2)
            do {
                guard Int64(Deflate.crc(bytes)) == row.integer(1) else { throw ByteReader.Malformed() }
                let batches = try EventBatch.decode(bytes).filter { site == nil || $0.site == site }
                let decoded = try batches.map { batch in
                    try visitor.map { visitor in try batch.removing { $0 != visitor } }?.events() ?? batch.events()
                }
                for (batch, events) in zip(batches, decoded) { each(number, batch.site, events) }
            } catch {
                damaged(number, "\(database.path), batch \(number): its CRC or content is wrong.")
            }
        }
    }
}
