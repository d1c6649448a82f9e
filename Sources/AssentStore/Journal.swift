internal import AssentCore

/// Where events become durable first: one row for each commit, of all sites and days together.
///
/// The number of a row is never given twice, so that a partition can say up to which row it holds its events.
final class Journal {
    /// The version of the format in `user_version`.
    static let version = 1

    private let database: SQLite

    /// Opens the journal of a data directory, or makes it.
    init(path: String, durable: Bool) throws(StoreError) {
        database = try SQLite(path, .write(durable: durable))
        try Format.check(database, path, Journal.version) { (database) throws(StoreError) in
            try database.run(
                """
                CREATE TABLE batch(number INTEGER PRIMARY KEY AUTOINCREMENT, events INTEGER NOT NULL,
                    crc INTEGER NOT NULL, rows BLOB NOT NULL)
                """)
        }
    }

    /// Makes batches durable in one row.
    func append(_ batches: [EventBatch]) throws(StoreError) {
        let rows = EventBatch.encode(batches)
        let events = batches.reduce(0) { $0 + $1.count }
        try database.run(
            "INSERT INTO batch(events, crc, rows) VALUES(?,?,?)", .integer(Int64(events)),
            .integer(Int64(Deflate.crc(rows))), .blob(rows))
    }

    /// Number of the last row; 0 if there is none.
    func last() throws(StoreError) -> Int64 {
        try database.first("SELECT max(number) FROM batch") { $0.integer(0) } ?? 0
    }

    /// Removes rows whose events are durable in partitions, and with them every trace in the write-ahead log.
    /// - Parameter damaged: rows that could not be read: they stay where they are.
    /// - Returns: false if a reader still holds the log.
    func remove(through number: Int64, except damaged: [Int64]) throws(StoreError) -> Bool {
        let kept = damaged.map(String.init).joined(separator: ",")
        try database.run("DELETE FROM batch WHERE number<=? AND number NOT IN (\(kept))", .integer(number))
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

    /// Hands over the batches of the rows in `numbers`, in order.
    /// - Parameter damaged: told of each row that cannot be read, by its number and a sentence.
    static func batches(
        _ database: SQLite, _ numbers: ClosedRange<Int64>, damaged: (Int64, String) throws(StoreError) -> Void,
        each: (Int64, [EventBatch]) throws(StoreError) -> Void
    ) throws(StoreError) {
        try database.rows(
            "SELECT number, crc, rows FROM batch WHERE number BETWEEN ? AND ? ORDER BY number",
            .integer(numbers.lowerBound), .integer(numbers.upperBound)
        ) { (row) throws(StoreError) in
            let bytes = row.blob(2)
            let number = row.integer(0)
            guard Int64(Deflate.crc(bytes)) == row.integer(1), let batches = try? EventBatch.decode(bytes) else {
                return try damaged(number, "\(database.path), batch \(number): its CRC or content is wrong.")
            }
            try each(number, batches)
        }
    }
}
