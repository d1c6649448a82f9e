internal import AssentCore
internal import Crypto

/// Consent records, withdrawals, erasures and their ends, grounds of imports and notices, each an entry of a hash chain
/// that is only ever appended to; beside it what the chain must not hold: which id a visitor's number stands for, and the tallies.
///
/// An entry's body is JSON. It names a visitor by number and by a keyed hash of the id, so that an erasure, which
/// removes the row of the id, leaves the chain as it is. The hash of an entry is SHA-256 over the hash of the one before
/// and the body.
final class Ledger {
    let database: SQLite
    let key: ServerKey

    /// Opens the ledger of a data directory, makes it, or brings it up to date.
    init(path: String, key: ServerKey, durable: Bool) throws(StoreError) {
        database = try SQLite(path, .write(durable: durable))
        self.key = key
        try Ledger.prepare(database)
    }

    /// Makes the tables of a new ledger, or brings those of an older one up to date.
    static func prepare(_ database: SQLite) throws(StoreError) {
        try Format.ledger.prepare(database) { () throws(StoreError) in
            for statement in Ledger.schema { try database.run(statement) }
        } upgrade: { (found) throws(StoreError) in
            // From 1 to 2: erasures say what they found, and visitors take less room. From 2 to 3: visitors are found by
            // both ends of their ids.
            let statements =
                found == 1
                ? [Ledger.erasureParts] + Ledger.visitorUpgrade
                : ["DROP INDEX IF EXISTS visitor_beginning", Ledger.visitorEnds]
            for statement in statements { try database.run(statement) }
        }
    }

    private static let schema =
        [
            """
            CREATE TABLE entry(number INTEGER PRIMARY KEY, kind TEXT NOT NULL, site TEXT NOT NULL, visitor INTEGER,
                at INTEGER NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL)
            """,
            "CREATE INDEX entry_visitor ON entry(site, visitor, kind)",
            "CREATE TABLE notice(version TEXT PRIMARY KEY, site TEXT NOT NULL, locale TEXT NOT NULL, text TEXT NOT NULL)",
            """
            CREATE TABLE erasure(site TEXT NOT NULL, visitor INTEGER NOT NULL, id_hash BLOB NOT NULL,
                entry INTEGER NOT NULL, completed INTEGER, PRIMARY KEY(site, visitor)) WITHOUT ROWID
            """,
            "CREATE INDEX erasure_hash ON erasure(site, id_hash)",
            erasureParts,
            """
            CREATE TABLE tally(site TEXT NOT NULL, day TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,
                PRIMARY KEY(site, day, kind)) WITHOUT ROWID
            """,
        ] + visitorTables + [visitorEnds]

    /// All or nothing.
    func transaction<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try database.transaction(body)
    }

    // MARK: Entries

    /// Records a consent. A visitor without a number gets one and a new random id; so does one who has withdrawn since
    /// the renewal was asked for.
    func grant(_ consent: NewConsent) throws(StoreError) -> ConsentRecord {
        var generator = SystemRandomNumberGenerator()
        let visitor: VisitorNumber
        let id: VisitorID
        if let renewed = consent.visitor, let known = try self.id(of: renewed, site: consent.site),
            try !hasWithdrawn(renewed, site: consent.site)
        {
            (visitor, id) = (renewed, known)
        } else {
            id = VisitorID(random: &generator)
            visitor = try newNumber(for: id, site: consent.site)
        }
        let version = consent.notice.version
        if try database.first("SELECT 1 FROM notice WHERE version=?", .text(version), take: { $0.integer(0) }) == nil {
            try database.run(
                "INSERT INTO notice VALUES(?,?,?,?)", .text(version), .text(consent.site), .text(consent.notice.locale),
                .text(consent.notice.text))
            try append("notice", site: consent.site, visitor: nil, at: consent.at) { body in
                body.key("notice")
                body.string(version)
                body.key("locale")
                body.string(consent.notice.locale)
            }
        }
        let record = RecordID(random: &generator)
        let isRenewal = visitor == consent.visitor
        let number = try append(
            isRenewal ? "renewal" : "grant", site: consent.site, visitor: (visitor, hash(of: id)), at: consent.at
        ) { body in
            body.key("record")
            body.string(record.description)
            body.key("notice")
            body.string(version)
            body.key("locale")
            body.string(consent.notice.locale)
            body.key("act")
            body.string(consent.act)
            body.key("source")
            body.string(consent.source)
            body.key("gpc")
            body.boolean(consent.underGPC)
            body.key("dnt")
            body.boolean(consent.underDNT)
            body.key("expires")
            body.string(consent.at.advanced(by: Limits.consentMilliseconds).rfc3339)
        }
        try count("granted", 1, site: consent.site, day: consent.day)
        return ConsentRecord(number: number, id: record, visitor: visitor, visitorID: id, issued: consent.at)
    }

    /// Whether there is an id to forget: the visitor was not erased before.
    func isKnown(_ visitor: VisitorNumber, site: String) throws(StoreError) -> Bool {
        try id(of: visitor, site: site) != nil
    }

    /// Records a withdrawal, once; with `erase` also the wish that every event go, and forgets the visitor's id.
    /// - Returns: whether this was the first wish to erase.
    func withdraw(
        site: String, visitor: VisitorNumber, erase: Bool, at now: Instant, day: Day
    ) throws(StoreError) -> Bool {
        let isNew = try !hasWithdrawn(visitor, site: site)
        let id = try id(of: visitor, site: site)
        if isNew {
            try append("withdrawal", site: site, visitor: (visitor, id.map(hash)), at: now) { body in
                body.key("erase")
                body.boolean(erase)
            }
            try count("withdrawn", 1, site: site, day: day)
        }
        guard erase, let id else { return false }
        _ = try self.erase(visitor, id, site: site, at: now)
        return true
    }

    /// Records the wish that every event under a number go, and forgets whose it was.
    func erase(
        _ visitor: VisitorNumber, _ id: VisitorID, site: String, at now: Instant
    ) throws(StoreError) -> RecordNumber {
        let entry = try append("erasure", site: site, visitor: (visitor, hash(of: id)), at: now) { _ in }
        try database.run(
            "INSERT INTO erasure VALUES(?,?,?,?,NULL)", .text(site), .integer(Int64(visitor)), .blob(hash(of: id)),
            .integer(Int64(entry)))
        try forget(visitor, site: site)
        return entry
    }

    /// Records the ground of an import; the same words are one ground.
    func ground(site: String, basis: String, at now: Instant) throws(StoreError) -> RecordNumber {
        let known = try database.first(
            "SELECT number FROM entry WHERE kind='ground' AND site=?1 AND substr(body, -length(?2))=?2",
            .text(site), .text(Ledger.basisSuffix(basis))
        ) { (row) throws(StoreError) -> RecordNumber in try row.number(0) }
        if let known { return known }
        return try append("ground", site: site, visitor: nil, at: now) { body in
            body.key("basis")
            body.string(basis)
        }
    }

    private static func basisSuffix(_ basis: String) -> String {
        var writer = JSONWriter()
        writer.object { body in
            body.key("basis")
            body.string(basis)
        }
        return String(writer.text.dropFirst())
    }

    func hasWithdrawn(_ visitor: VisitorNumber, site: String) throws(StoreError) -> Bool {
        try database.first(
            "SELECT 1 FROM entry WHERE site=? AND visitor=? AND kind='withdrawal'", .text(site),
            .integer(Int64(visitor))
        ) { $0.integer(0) } != nil
    }

    @discardableResult func append(
        _ kind: String, site: String, visitor: (number: VisitorNumber, hash: [UInt8]?)?, at: Instant,
        _ fields: (inout JSONWriter) -> Void
    ) throws(StoreError) -> RecordNumber {
        let last = try database.first("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1") { row in
            (number: row.integer(0), hash: row.blob(1))
        }
        let number = (last?.number ?? 0) + 1
        var body = JSONWriter(capacity: 512)
        body.object { body in
            Ledger.begin(&body, number: number, kind: kind, site: site, visitor: visitor?.number, at: at)
            if let visitor {
                body.key("visitor_hash")
                body.string(visitor.hash.map { Hex.text($0) })
            }
            fields(&body)
        }
        try database.run(
            "INSERT INTO entry VALUES(?,?,?,?,?,?,?)", .integer(number), .text(kind), .text(site),
            visitor.map { .integer(Int64($0.number)) } ?? .null, .integer(at.milliseconds), .text(body.text),
            .blob(Ledger.chain(last?.hash ?? [], body.bytes)))
        return RecordNumber(number)
    }

    /// The fields that every body begins with: what stands in the entry's columns too.
    static func begin(
        _ body: inout JSONWriter, number: Int64, kind: String, site: String, visitor: VisitorNumber?, at: Instant
    ) {
        body.key("number")
        body.integer(number)
        body.key("kind")
        body.string(kind)
        body.key("site")
        body.string(site)
        body.key("at")
        body.string(at.rfc3339)
        guard let visitor else { return }
        body.key("visitor_number")
        body.integer(visitor)
    }

    /// The hash of an entry: SHA-256 over the hash of the one before (nothing before the first) and the body.
    static func chain(_ previous: [UInt8], _ body: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: previous + body)) }

    // MARK: Visitors

    /// The keyed hash by which the chain names a visitor.
    func hash(of id: VisitorID) -> [UInt8] { key.mac(domain: Ledger.visitorDomain, id.bytes) }

    /// The domain of that hash.
    static let visitorDomain = "visitor"

    // MARK: Tallies

    /// Adds to the count of a kind of choice or refusal.
    func count(_ kind: String, _ count: UInt64, site: String, day: Day) throws(StoreError) {
        try database.run(
            "INSERT INTO tally VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET count=count+excluded.count", .text(site),
            .text(day.description), .text(kind), .integer(Int64(count)))
    }

    // MARK: Reading beside a writer

    /// Choices and refusals of local dates.
    static func tallies(
        _ database: SQLite, site: String, days: ClosedRange<Day>
    ) throws(StoreError) -> ChoiceTallies {
        var tallies = ChoiceTallies()
        try database.rows(
            "SELECT kind, sum(count) FROM tally WHERE site=? AND day BETWEEN ? AND ? GROUP BY kind", .text(site),
            .text(days.lowerBound.description), .text(days.upperBound.description)
        ) { (row) throws(StoreError) in
            let count: UInt64 = try row.number(1)
            switch row.text(0) {
            case "granted": tallies.granted = count
            case "refused": tallies.refused = count
            case "withdrawn": tallies.withdrawn = count
            case let reason: tallies.refusals[String(reason.dropFirst("refusal:".count))] = count
            }
        }
        return tallies
    }

    /// The tally's name for events that were not stored.
    static func kind(of reason: Refusal) -> String { "refusal:\(reason.rawValue)" }

    /// Visitors of a site that no reader may see.
    static func erased(_ database: SQLite, site: String) throws(StoreError) -> Set<VisitorNumber> {
        var visitors: Set<VisitorNumber> = []
        try database.rows("SELECT visitor FROM erasure WHERE site=?", .text(site)) { (row) throws(StoreError) in
            visitors.insert(try row.number(0))
        }
        return visitors
    }
}
