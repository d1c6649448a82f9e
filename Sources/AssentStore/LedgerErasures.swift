internal import AssentCore
internal import Crypto

// Erasures: who is to go, what was found of them, and the end of it.
extension Ledger {
    /// What an erasure that is under way has found, by day: what waited in the journal as `turn` 0, then each rewriting of
    /// the partition. The rows go with the transaction that completes it.
    static let erasureParts = """
        CREATE TABLE erasure_part(entry INTEGER NOT NULL, day TEXT NOT NULL, turn INTEGER NOT NULL,
            events INTEGER NOT NULL, segments INTEGER NOT NULL, events_before INTEGER, content_before TEXT,
            events_after INTEGER, content_after TEXT, PRIMARY KEY(entry, day, turn)) WITHOUT ROWID
        """

    /// Erasures of one site: whose, and the entries that asked for them.
    struct Erasures {
        var entries: [VisitorNumber: Int64] = [:]

        var visitors: Set<VisitorNumber> { Set(entries.keys) }
        /// The last of the entries.
        var through: Int64 { entries.values.max() ?? 0 }

        mutating func add(_ others: [VisitorNumber: Int64]) { entries.merge(others) { $1 } }
    }

    /// One erasure.
    struct Erasure {
        var site: String
        var visitor: VisitorNumber
        /// The keyed hash of the id.
        var idHash: [UInt8]
        /// The entry that asked for it.
        var entry: RecordNumber
        var entryHash: [UInt8]
        var asked: Instant
        var completed: Instant?
    }

    private static func erasures(where condition: String) -> String {
        """
        SELECT erasure.site, erasure.visitor, id_hash, entry, hash, at, completed
        FROM erasure JOIN entry ON number=entry WHERE \(condition)
        """
    }

    private static func erasure(_ row: SQLite.Row) throws(StoreError) -> Erasure {
        Erasure(
            site: row.text(0), visitor: try row.number(1), idHash: row.blob(2), entry: try row.number(3),
            entryHash: row.blob(4), asked: Instant(milliseconds: row.integer(5)),
            completed: row.isNull(6) ? nil : Instant(milliseconds: row.integer(6)))
    }

    /// The last erasure of an id; nil if there is none.
    func erasure(of id: VisitorID, site: String) throws(StoreError) -> Erasure? {
        try database.first(
            Ledger.erasures(where: "erasure.site=? AND id_hash=? ORDER BY entry DESC LIMIT 1"), .text(site),
            .blob(hash(of: id)),
            take: Ledger.erasure)
    }

    /// Erasures of which something may still lie in some file, by site.
    func pendingErasures() throws(StoreError) -> [String: Erasures] { try erasures("WHERE completed IS NULL") }

    /// Every erasure, by site.
    func erasures() throws(StoreError) -> [String: Erasures] { try erasures("") }

    private func erasures(_ condition: String) throws(StoreError) -> [String: Erasures] {
        var found: [String: Erasures] = [:]
        try database.rows("SELECT site, visitor, entry FROM erasure \(condition)") { (row) throws(StoreError) in
            found[row.text(0), default: Erasures()].entries[try row.number(1)] = row.integer(2)
        }
        return found
    }

    // MARK: What was found

    /// Notes what waits of visitors in the journal, before it is passed over. From an erasure's entry on that can only
    /// become less, so the larger count stays: the smaller one is what a crash has left to be done again.
    func noteWaiting(
        _ counts: [VisitorNumber: Int], _ erasures: Erasures, site: String, day: Day
    ) throws(StoreError) {
        try transaction { () throws(StoreError) in
            for (visitor, count) in counts {
                guard let entry = erasures.entries[visitor] else { continue }
                try reopen(visitor, site: site)
                try database.run(
                    """
                    INSERT INTO erasure_part VALUES(?,?,0,?,0,NULL,NULL,NULL,NULL)
                    ON CONFLICT DO UPDATE SET events=max(events,excluded.events)
                    """, .integer(entry), .text(day.description), .integer(Int64(count)))
            }
        }
    }

    /// Notes a rewriting before it is durable, in the place of one that was noted for the same content and did not come
    /// about.
    func note(
        _ rewriting: Partition.Rewriting, _ erasures: Erasures, site: String, day: Day
    ) throws(StoreError) {
        try transaction { () throws(StoreError) in
            for (visitor, found) in rewriting.found {
                guard let entry = erasures.entries[visitor] else { continue }
                try reopen(visitor, site: site)
                let last = try database.first(
                    "SELECT turn, content_before FROM erasure_part WHERE entry=? AND day=? ORDER BY turn DESC LIMIT 1",
                    .integer(entry), .text(day.description)
                ) { (turn: $0.integer(0), before: $0.text(1)) }
                let isAgain = last?.before == rewriting.before.text
                try database.run(
                    "INSERT OR REPLACE INTO erasure_part VALUES(?,?,?,?,?,?,?,?,?)", .integer(entry),
                    .text(day.description), .integer((last?.turn ?? 0) + (isAgain ? 0 : 1)),
                    .integer(Int64(found.events)), .integer(Int64(found.segments)),
                    .integer(Int64(rewriting.before.count)), .text(rewriting.before.text),
                    .integer(Int64(rewriting.after.count)), .text(rewriting.after.text))
            }
        }
    }

    /// An erasure of which something is found is under way, if need be once more: a backup has brought events back.
    private func reopen(_ visitor: VisitorNumber, site: String) throws(StoreError) {
        try database.run(
            "UPDATE erasure SET completed=NULL WHERE site=? AND visitor=?", .text(site), .integer(Int64(visitor)))
    }

    // MARK: Receipts

    /// A receipt without a state of its own: what was found so far, and earlier completions.
    func receipt(
        _ state: ErasureReceipt.State, of erasure: Erasure, completed: Instant?
    ) throws(StoreError) -> ErasureReceipt {
        var receipt = ErasureReceipt(
            state: state, site: erasure.site, visitorHash: Hex.text(erasure.idHash), asked: erasure.asked,
            completed: completed, entry: erasure.entry, entryHash: Hex.text(erasure.entryHash))
        try database.rows(
            """
            SELECT day, turn, events, segments, events_before, content_before, events_after, content_after
            FROM erasure_part WHERE entry=? ORDER BY day, turn
            """, .integer(Int64(erasure.entry))
        ) { (row) throws(StoreError) in
            guard let day = Day(row.text(0)) else {
                throw StoreError(.damaged, "\(database.path) is damaged: it holds a day that is none.")
            }
            if row.integer(1) == 0 {
                receipt.journalEvents += Int(row.integer(2))
            } else {
                receipt.rewritings.append(
                    ErasureReceipt.Rewriting(
                        day: day, events: Int(row.integer(2)), segments: Int(row.integer(3)),
                        before: .init(events: try row.number(4), sha256: row.text(5)),
                        after: .init(events: try row.number(6), sha256: row.text(7))))
            }
        }
        receipt.earlier = try Ledger.completions(
            database, site: erasure.site, visitor: erasure.visitor, erasure: erasure.entry
        ).map(\.completion)
        return receipt
    }

    /// Completions of an erasure by the chain, each with the SHA-256 of its receipt in hex.
    static func completions(
        _ database: SQLite, site: String, visitor: VisitorNumber, erasure: RecordNumber
    ) throws(StoreError) -> [(completion: ErasureReceipt.Completion, receipt: String)] {
        var found: [(completion: ErasureReceipt.Completion, receipt: String)] = []
        try database.rows(
            """
            SELECT number, at, body->>'events', body->>'partitions', body->>'receipt' FROM entry
            WHERE site=? AND visitor=? AND kind='erased' AND body->>'erasure'=? ORDER BY number
            """, .text(site), .integer(Int64(visitor)), .integer(Int64(erasure))
        ) { (row) throws(StoreError) in
            let completion = ErasureReceipt.Completion(
                entry: try row.number(0), at: Instant(milliseconds: row.integer(1)), events: Int(row.integer(2)),
                partitions: Int(row.integer(3)))
            found.append((completion, row.text(4)))
        }
        return found
    }

    /// Records that nothing of visitors is left, once no byte of their ids is left in the ledger's own files, and what was
    /// found of them: the chain keeps the sums and the hash of a receipt, and the days go.
    /// - Returns: the receipts by the erasures' entries; nil if a reader still holds the ledger's log.
    func complete(_ finished: [String: Erasures], at now: Instant) throws(StoreError) -> [RecordNumber: [UInt8]]? {
        guard try database.checkpoint() else { return nil }
        let documents = try transaction { () throws(StoreError) in
            var documents: [RecordNumber: [UInt8]] = [:]
            for (site, erasures) in finished.sorted(by: { $0.key < $1.key }) {
                for visitor in erasures.visitors.sorted() {
                    guard let (entry, document) = try complete(visitor, site: site, at: now) else { continue }
                    if documents.count < Limits.receiptsKeptMax { documents[entry] = document }
                }
            }
            return documents
        }
        // What the parts said goes from the log too; a reader that holds it makes that wait for the next erasure.
        _ = try database.checkpoint()
        return documents
    }

    private func complete(
        _ visitor: VisitorNumber, site: String, at now: Instant
    ) throws(StoreError) -> (entry: RecordNumber, document: [UInt8])? {
        let query = Ledger.erasures(where: "erasure.site=? AND erasure.visitor=?")
        let erasure = try database.first(query, .text(site), .integer(Int64(visitor)), take: Ledger.erasure)
        guard let erasure else { return nil }
        let receipt = try receipt(.erased, of: erasure, completed: now)
        let document = receipt.document(key: key)
        try append("erased", site: site, visitor: (visitor, erasure.idHash), at: now) { body in
            body.key("erasure")
            body.integer(erasure.entry)
            body.key("events")
            body.integer(receipt.events)
            body.key("partitions")
            body.integer(receipt.partitions)
            body.key("receipt")
            body.string(Hex.text(Array(SHA256.hash(data: document))))
        }
        try database.run(
            "UPDATE erasure SET completed=? WHERE site=? AND visitor=?", .integer(now.milliseconds), .text(site),
            .integer(Int64(visitor)))
        try database.run("DELETE FROM erasure_part WHERE entry=?", .integer(Int64(erasure.entry)))
        return (erasure.entry, document)
    }
}
