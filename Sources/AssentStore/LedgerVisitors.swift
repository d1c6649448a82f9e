internal import AssentCore

// Whom a number stands for: the only way from the events of a visitor to the id, and the row that goes with an erasure.
//
// There is a row for every visitor, so it is kept small: a key that is a number and 16 random bytes, and an index over
// the first and the last three of them, which leads to the few rows among which the id is. Ids that were imported may all
// begin or end alike: counted, or with the time in front.
extension Ledger {
    /// The tables of visitors, from version 2 on.
    static let visitorTables = [
        "CREATE TABLE site(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, last INTEGER NOT NULL)",
        "CREATE TABLE visitor(key INTEGER PRIMARY KEY, id BLOB NOT NULL)",
    ]

    /// The index of visitors, from version 3 on.
    static let visitorEnds = "CREATE INDEX visitor_ends ON visitor(substr(id,1,3),substr(id,14))"
    /// What leads from an id to its number by that index.
    static let visitorSearch =
        "SELECT key>>10 FROM visitor WHERE substr(id,1,3)=? AND substr(id,14)=? AND id=? AND key&1023=?"

    /// From version 1 to 2: a site has a number, and its visitors lie below that.
    static let visitorUpgrade =
        ["ALTER TABLE visitor RENAME TO visitor_1", "DROP INDEX visitor_id"] + visitorTables + [
            "INSERT INTO site SELECT row_number() OVER (ORDER BY site), site, last FROM numbering",
            """
            INSERT INTO visitor SELECT visitor_1.number<<10|site.number, visitor_1.id FROM visitor_1
                JOIN site ON site.id=visitor_1.site ORDER BY 1
            """,
            "DROP TABLE visitor_1", "DROP TABLE numbering",
        ]

    private static func key(_ visitor: VisitorNumber, _ site: Int64) -> Int64 { Int64(visitor) << 10 | site }

    /// The number of a site; nil if it has had no visitors.
    private func siteNumber(_ site: String) throws(StoreError) -> Int64? {
        try database.first("SELECT number FROM site WHERE id=?", .text(site)) { $0.integer(0) }
    }

    /// The id of a visitor; nil for one that was erased.
    func id(of visitor: VisitorNumber, site: String) throws(StoreError) -> VisitorID? {
        guard let site = try siteNumber(site) else { return nil }
        return try database.first("SELECT id FROM visitor WHERE key=?", .integer(Ledger.key(visitor, site))) {
            VisitorID(bytes: $0.blob(0))
        } ?? nil
    }

    /// The number of an id that was not erased; nil for one that is unknown.
    func number(of id: VisitorID, site: String) throws(StoreError) -> VisitorNumber? {
        guard let site = try siteNumber(site) else { return nil }
        return try number(of: id, site)
    }

    private func number(of id: VisitorID, _ site: Int64) throws(StoreError) -> VisitorNumber? {
        let bytes = id.bytes
        return try database.first(
            Ledger.visitorSearch, .blob(Array(bytes[..<3])), .blob(Array(bytes[13...])), .blob(bytes), .integer(site)
        ) { (row) throws(StoreError) in try row.number(0) }
    }

    /// Numbers of ids, new ones where they have none; 0 for one that was erased.
    func numbers(importing ids: [VisitorID], site: String) throws(StoreError) -> [VisitorNumber] {
        let erasesAny = try database.first("SELECT 1 FROM erasure WHERE site=? LIMIT 1", .text(site)) { $0.integer(0) }
        // A site gets its own number with its first visitor.
        var siteNumber = try siteNumber(site)
        var numbers: [VisitorNumber] = []
        numbers.reserveCapacity(ids.count)
        for id in ids {
            if let siteNumber, let known = try number(of: id, siteNumber) {
                numbers.append(known)
            } else if erasesAny != nil, try erasure(of: id, site: site) != nil {
                numbers.append(0)
            } else {
                numbers.append(try newNumber(for: id, site: site))
                if siteNumber == nil { siteNumber = try self.siteNumber(site) }
            }
        }
        return numbers
    }

    /// Gives the next number of a site to an id that has none.
    func newNumber(for id: VisitorID, site: String) throws(StoreError) -> VisitorNumber {
        let given = try database.first(
            """
            INSERT INTO site VALUES((SELECT coalesce(max(number),0)+1 FROM site),?,
                1+coalesce((SELECT last FROM site WHERE id=''),0))
                ON CONFLICT(id) DO UPDATE SET last=last+1 RETURNING number, last
            """, .text(site)
        ) { (site: $0.integer(0), last: $0.integer(1)) }
        guard let given, let visitor = VisitorNumber(exactly: given.last), given.site <= Limits.sitesMax else {
            throw StoreError(.full, "\(database.path) has given every number that it has for sites and their visitors.")
        }
        try database.run(
            "INSERT INTO visitor VALUES(?,?)", .integer(Ledger.key(visitor, given.site)), .blob(id.bytes))
        return visitor
    }

    /// Forgets the id of a visitor.
    func forget(_ visitor: VisitorNumber, site: String) throws(StoreError) {
        guard let site = try siteNumber(site) else { return }
        try database.run("DELETE FROM visitor WHERE key=?", .integer(Ledger.key(visitor, site)))
    }

    /// The id of a visitor, from a ledger that no process may have brought up to date; nil for one that was erased.
    static func visitorID(_ database: SQLite, of visitor: VisitorNumber, site: String) throws(StoreError) -> VisitorID?
    {
        try database.first(
            try Format.version(of: database) < 2
                ? "SELECT id FROM visitor WHERE number=? AND site=?"
                : "SELECT id FROM visitor WHERE key=(SELECT ?<<10|number FROM site WHERE id=?)",
            .integer(Int64(visitor)), .text(site)
        ) { VisitorID(bytes: $0.blob(0)) } ?? nil
    }

    /// Ids of a site's visitors, from a ledger that no process may have brought up to date.
    static func visitorIDs(_ database: SQLite, site: String) throws(StoreError) -> [VisitorNumber: VisitorID] {
        let isOld = try Format.version(of: database) < 2
        var ids: [VisitorNumber: VisitorID] = [:]
        try database.rows(
            isOld
                ? "SELECT number, id FROM visitor WHERE site=?"
                : "SELECT key>>10, id FROM visitor WHERE key&1023=(SELECT number FROM site WHERE id=?)", .text(site)
        ) { (row) throws(StoreError) in
            if let id = VisitorID(bytes: row.blob(1)) { ids[try row.number(0)] = id }
        }
        return ids
    }
}
