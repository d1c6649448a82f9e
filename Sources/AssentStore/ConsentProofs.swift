public import AssentCore

extension StoreReader {
    /// Everything that the ledger has about a consent record, beside a running collector, and whether its chain holds.
    ///
    /// Cost: the ledger's whole chain is hashed.
    /// - Parameters:
    ///   - key: the server's key, with which the keyed hash of the visitor is computed anew; nil where there is none.
    ///   - now: the time at which its state is told.
    /// - Returns: nil if the ledger has no such record.
    public func proof(
        of record: RecordID, key: ServerKey?, at now: Instant
    ) throws(StoreError) -> ConsentProof? {
        let ledger = try ledger()
        return try ledger.snapshot { () throws(StoreError) in
            guard var proof = try Ledger.proof(ledger, of: record, at: now) else { return nil }
            let findings = try Ledger.findings(ledger)
            proof.faults = findings.faults
            if let last = findings.last { proof.last = last }
            if let visitor = proof.visitor, let key {
                let hash = Hex.text(key.mac(domain: Ledger.visitorDomain, visitor.bytes))
                proof.isVisitorsHash = hash == proof.visitorHash
                if hash != proof.visitorHash {
                    proof.faults.append(
                        "\(ledger.path): entry \(proof.entry.number) names another visitor than the table of visitors.")
                }
            }
            return proof
        }
    }
}

extension Ledger {
    /// What the ledger says of a record, whether or not that is true.
    fileprivate static func proof(
        _ database: SQLite, of record: RecordID, at now: Instant
    ) throws(StoreError) -> ConsentProof? {
        let found = try database.first(
            """
            SELECT number, kind, site, visitor, body, hash, at, body->>'notice', body->>'locale', body->>'act',
                body->>'source', body->>'gpc', body->>'dnt', body->>'expires', body->>'visitor_hash',
                (SELECT text FROM notice WHERE version=this.body->>'notice'),
                (SELECT hash FROM entry WHERE number<this.number ORDER BY number DESC LIMIT 1)
            FROM entry AS this
            WHERE kind IN ('grant','renewal') AND instr(body, ?1)>0 AND json_valid(body) AND body->>'record'=?1
            """, .text(record.description)
        ) { (row) throws(StoreError) -> (proof: ConsentProof, visitor: VisitorNumber?) in
            let given = Instant(milliseconds: row.integer(6))
            let entry = LedgerAnchor(number: row.integer(0), hash: row.blob(5))
            let proof = ConsentProof(
                record: record, site: row.text(2), given: given,
                expires: Instant(rfc3339: row.text(13)) ?? given.advanced(by: Limits.consentMilliseconds),
                isRenewal: row.text(1) == "renewal", notice: row.text(7),
                noticeText: row.isNull(15) ? nil : row.text(15),
                locale: row.text(8), act: row.text(9), source: row.text(10), underGPC: row.integer(11) != 0,
                underDNT: row.integer(12) != 0, visitorHash: row.text(14), visitor: nil, entry: entry,
                previousHash: Hex.text(row.blob(16)), body: row.text(4), last: entry, now: now)
            return (proof, row.isNull(3) ? nil : try row.number(3))
        }
        guard let found else { return nil }
        var proof = found.proof
        guard let visitor = found.visitor else { return proof }
        // Whoever had everything erased and kept the consent has a new number since; that erasure is not the consent's end.
        var last = visitor
        try database.rows(
            """
            WITH RECURSIVE held(visitor) AS (VALUES(?2) UNION SELECT entry.visitor FROM entry JOIN held
                ON kind='restart' AND site=?1 AND json_valid(body) AND body->>'before'=held.visitor),
            restart(erasure) AS (SELECT body->>'erasure' FROM entry
                WHERE kind='restart' AND site=?1 AND json_valid(body) AND visitor IN (SELECT visitor FROM held))
            SELECT number, CASE WHEN kind='erased' AND json_valid(body)
                AND body->>'erasure' IN (SELECT erasure FROM restart) THEN 'cleared' ELSE kind END, at, CASE WHEN json_valid(body) THEN body->>'record' END, visitor FROM entry
            WHERE site=?1 AND visitor IN (SELECT visitor FROM held) AND number>?3
            AND kind IN ('renewal','withdrawal','erasure','erased','restart')
            AND number NOT IN (SELECT erasure FROM restart)
            ORDER BY number
            """, .text(proof.site), .integer(Int64(visitor)), .integer(proof.entry.number)
        ) { (row) throws(StoreError) in
            last = max(last, try row.number(4))
            proof.events.append(
                ConsentProof.Event(
                    entry: try row.number(0), kind: row.text(1), at: Instant(milliseconds: row.integer(2)),
                    record: row.isNull(3) ? nil : row.text(3)))
        }
        proof.visitor = try visitorID(database, of: last, site: proof.site)
        proof.erasureCompleted =
            try database.first(
                "SELECT completed FROM erasure WHERE site=? AND visitor=?", .text(proof.site), .integer(Int64(last))
            ) { $0.isNull(0) ? nil : Instant(milliseconds: $0.integer(0)) } ?? nil
        return proof
    }
}
