public import AssentCore

/// What a look at the whole ledger found.
public struct LedgerFindings: Sendable, Equatable {
    /// Entries that were read.
    public var entries = 0
    /// The last entry that was read; nil if there is none.
    public var last: LedgerAnchor?
    /// What is wrong, a sentence each: which entry, what. Of more than ``Limits/ledgerFaultsNamedMax`` the last one says
    /// how many there are beside.
    public var faults: [String] = []

    /// Nothing was read.
    public init() {}
}

extension StoreReader {
    /// Reads the whole ledger in one snapshot, beside a running collector: each number must be the next, each hash that of
    /// the one before and the body, the columns what the body says, each text that of its hash, and what an entry refers
    /// to must be there.
    ///
    /// Cost: the chain is hashed once. Memory holds an entry.
    /// - Parameters:
    ///   - anchor: an entry that was noted earlier and must stand there still. Without one, entries that were cut off at
    ///     the end leave no mark.
    ///   - progress: told of the number of an entry now and then.
    /// - Throws: ``StoreError`` only where the ledger cannot be opened; the rest is a fault.
    public func verifyLedger(
        expecting anchor: LedgerAnchor? = nil, progress: (RecordNumber) -> Void = { _ in }
    ) throws(StoreError) -> LedgerFindings {
        let ledger = try ledger()
        return try ledger.snapshot { () throws(StoreError) in
            var findings = LedgerFindings()
            do throws(StoreError) {
                findings = try Ledger.findings(ledger, expecting: anchor, progress: progress)
                findings.faults += try ledger.faults()
            } catch  where error.kind == .damaged {
                findings.faults.append(error.description)
            }
            return findings
        }
    }
}

extension Ledger {
    /// What an entry lacks of that to which it refers, as the rest of a sentence; NULL if nothing.
    private static let objection = """
        CASE WHEN NOT json_valid(body) THEN 'has a body that is no JSON'
        WHEN kind IN ('notice', 'grant', 'renewal') AND NOT EXISTS(
            SELECT 1 FROM notice WHERE version=this.body->>'notice') THEN 'names a notice whose text is missing'
        WHEN kind='renewal' AND NOT EXISTS(
            SELECT 1 FROM entry AS earlier WHERE site=this.site AND visitor=this.visitor
            AND kind IN ('grant', 'renewal', 'restart')
            AND number<this.number AND json_valid(body) AND body->>'visitor_hash'=this.body->>'visitor_hash')
            THEN 'renews a consent that no entry gave'
        WHEN kind='restart' AND NOT EXISTS(
            SELECT 1 FROM entry AS earlier WHERE number=this.body->>'erasure' AND kind='erasure' AND site=this.site
            AND visitor=this.body->>'before' AND number=this.number-1 AND json_valid(body)
            AND body->>'visitor_hash'=this.body->>'visitor_hash') THEN 'gives a new number without an erasure of the old one'
        WHEN kind='restart' AND NOT EXISTS(
            SELECT 1 FROM entry AS earlier WHERE site=this.site AND visitor=this.body->>'before'
            AND kind IN ('grant', 'renewal', 'restart') AND number<this.number AND json_valid(body)
            AND body->>'visitor_hash'=this.body->>'visitor_hash') THEN 'goes on with a consent that no entry gave'
        WHEN kind='withdrawal' AND body->>'visitor_hash' IS NULL AND NOT EXISTS(
            SELECT 1 FROM entry AS earlier WHERE site=this.site AND visitor=this.visitor
            AND kind IN ('grant', 'renewal', 'restart')
            AND number<this.number) THEN 'withdraws a consent that no entry gave'
        WHEN kind='erasure' AND NOT EXISTS(
            SELECT 1 FROM entry AS earlier WHERE site=this.site AND visitor=this.visitor AND kind='withdrawal'
            AND number<this.number) AND NOT EXISTS(
            SELECT 1 FROM entry AS next WHERE number=this.number+1 AND kind='restart' AND site=this.site
            AND json_valid(body) AND body->>'erasure'=this.number) THEN 'asks for an erasure without a withdrawal'
        WHEN kind='erasure' AND NOT EXISTS(
            SELECT 1 FROM erasure WHERE site=this.site AND visitor=this.visitor AND entry=this.number
            AND lower(hex(id_hash))=this.body->>'visitor_hash') THEN 'asks for an erasure that readers do not know of'
        WHEN kind='erased' AND NOT EXISTS(
            SELECT 1 FROM entry AS earlier WHERE number=this.body->>'erasure' AND number<this.number AND kind='erasure'
            AND site=this.site AND visitor=this.visitor) THEN 'completes an erasure that no entry asked for'
        WHEN kind='closed' AND NOT EXISTS(
            SELECT 1 FROM entry AS earlier WHERE number=this.body->>'request' AND number<this.number AND kind='request'
            AND site=this.site AND visitor IS this.visitor) THEN 'closes a request that no entry noted'
        END
        """

    /// Looks at every entry, and at the tables beside the chain for which it vouches.
    static func findings(
        _ database: SQLite, expecting anchor: LedgerAnchor? = nil, progress: (RecordNumber) -> Void = { _ in }
    ) throws(StoreError) -> LedgerFindings {
        var findings = LedgerFindings()
        var faults = Faults(path: database.path)
        var previous: (number: Int64, hash: [UInt8]) = (0, [])
        var isAnchored = anchor == nil
        try database.rows(
            "SELECT number, kind, site, visitor, at, body, hash, \(objection) FROM entry AS this ORDER BY number"
        ) { (row) throws(StoreError) in
            let (number, hash) = (row.integer(0), row.blob(6))
            if number > previous.number + 1 {
                let isOne = number == previous.number + 2
                faults.add(
                    isOne
                        ? "entry \(number - 1) is missing"
                        : "entries \(previous.number + 1) to \(number - 1) are missing")
            } else if let fault = try fault(of: row, after: previous.hash) {
                faults.add("entry \(number) \(fault)")
            } else if !row.isNull(7) {
                faults.add("entry \(number) \(row.text(7))")
            }
            if let anchor, anchor.number == number {
                isAnchored = true
                if anchor.hash != hash {
                    faults.add("entry \(number) has another hash than is expected: entries up to it were written anew")
                }
            }
            previous = (number, hash)
            findings.entries += 1
            if findings.entries % Limits.segmentEventsMax == 0 { progress(try row.number(0)) }
        }
        if findings.entries > 0 { findings.last = LedgerAnchor(number: previous.number, hash: previous.hash) }
        if let anchor, !isAnchored {
            faults.add("entry \(anchor.number), which is expected, is missing: the ledger ends with \(previous.number)")
        }
        try lookBeside(database, &faults)
        findings.faults = faults.sentences
        return findings
    }

    /// What is wrong with an entry by itself, as the rest of a sentence.
    private static func fault(of row: SQLite.Row, after previous: [UInt8]) throws(StoreError) -> String? {
        let (number, body) = (row.integer(0), row.text(5))
        if chain(previous, Array(body.utf8)) != row.blob(6) {
            let isOfAnother = body.hasPrefix("{\"number\":") && !body.hasPrefix("{\"number\":\(number),")
            return isOfAnother ? "was changed: its body is that of another entry" : "or its hash was changed"
        }
        let visitor: VisitorNumber? = row.isNull(3) ? nil : try row.number(3)
        var head = JSONWriter(capacity: 256)
        head.object { head in
            begin(
                &head, number: number, kind: row.text(1), site: row.text(2), visitor: visitor,
                at: Instant(milliseconds: row.integer(4)))
        }
        let said = head.text.dropLast()
        guard body.hasPrefix(said), visitor != nil || !body.hasPrefix("\(said),\"visitor_number\"") else {
            return "has columns that are not what its body says"
        }
        return nil
    }

    /// Looks at notices and erasures, which readers take from tables of their own.
    private static func lookBeside(_ database: SQLite, _ faults: inout Faults) throws(StoreError) {
        try database.rows(
            """
            SELECT version, locale, text, EXISTS(SELECT 1 FROM entry
                WHERE number IN (SELECT number FROM entry WHERE kind='notice') AND json_valid(body)
                AND body->>'notice'=version AND body->>'locale'=notice.locale AND site=notice.site)
            FROM notice ORDER BY version
            """
        ) { row in
            let version = row.text(0)
            if Notice(locale: row.text(1), text: row.text(2)).version != version {
                faults.add("the text of the notice \(version) was changed: its SHA-256 is another")
            } else if row.integer(3) == 0 {
                faults.add("no entry says that the notice \(version) was shown there and in that language")
            }
        }
        try database.rows(
            """
            SELECT entry FROM erasure WHERE NOT EXISTS(SELECT 1 FROM entry WHERE number=erasure.entry AND kind='erasure'
                AND site=erasure.site AND visitor=erasure.visitor) ORDER BY entry
            """
        ) { faults.add("readers are told of an erasure that entry \($0.integer(0)) does not ask for") }
    }

    /// Sentences about a file, as many as somebody reads.
    private struct Faults {
        let path: String
        private var named: [String] = []
        private var others = 0

        init(path: String) { self.path = path }

        mutating func add(_ fault: String) {
            if named.count < Limits.ledgerFaultsNamedMax { named.append("\(path): \(fault).") } else { others += 1 }
        }

        var sentences: [String] { named + (others == 0 ? [] : ["\(path): \(others) more faults."]) }
    }
}
