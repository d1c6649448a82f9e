public import AssentCore
internal import Crypto

/// What a look at a receipt found, in sentences.
public struct ReceiptFindings: Sendable, Equatable {
    /// What holds.
    public var holds: [String] = []
    /// What is wrong: a receipt of which anything is wrong proves nothing.
    public var faults: [String] = []
}

extension StoreReader {
    /// Compares the receipt of an erasure with the server's key and the ledger, beside a running collector.
    ///
    /// Cost: the ledger's whole chain is hashed.
    /// - Parameters:
    ///   - document: the receipt, byte for byte.
    ///   - visitor: whose it must be; nil if that is not asked.
    public func verify(
        receipt document: [UInt8], key: ServerKey, visitor: VisitorID? = nil
    ) throws(StoreError) -> ReceiptFindings {
        var findings = ReceiptFindings()
        let receipt: ErasureReceipt
        do throws(BadRequest) {
            receipt = try ErasureReceipt(document: document, key: key)
        } catch {
            findings.faults.append("This is no receipt of this server: \(error).")
            return findings
        }
        findings.holds.append("This server wrote the receipt, and no byte of it was changed.")
        let ledger = try ledger()
        try ledger.snapshot { () throws(StoreError) in
            // Nothing that a broken chain says is worth a comparison.
            if let fault = try Ledger.findings(ledger).faults.first {
                findings.faults.append(fault)
                return
            }
            findings.holds.append("The ledger's chain holds.")
            guard let visitor = try Ledger.visitor(ledger, askedBy: receipt) else {
                findings.faults.append(
                    "The ledger has no entry \(receipt.entry) that asked for this erasure, with this hash.")
                return
            }
            findings.holds.append(
                "Entry \(receipt.entry) of the ledger asked for this erasure at \(receipt.asked.rfc3339), with this hash."
            )
            let completions = try Ledger.completions(
                ledger, site: receipt.site, visitor: visitor, erasure: receipt.entry)
            findings.compare(receipt, SHA256.hash(data: document), completions)
        }
        if let visitor {
            if Hex.text(key.mac(domain: Ledger.visitorDomain, visitor.bytes)) == receipt.visitorHash {
                findings.holds.append("It is the receipt of that visitor.")
            } else {
                findings.faults.append("It is the receipt of another visitor.")
            }
        }
        return findings
    }
}

extension ReceiptFindings {
    /// What the ledger says of the end of the erasure.
    fileprivate mutating func compare(
        _ receipt: ErasureReceipt, _ hash: SHA256Digest,
        _ completions: [(completion: ErasureReceipt.Completion, receipt: String)]
    ) {
        switch receipt.state {
        case .erased:
            if let entry = completions.first(where: { $0.receipt == Hex.text(Array(hash)) })?.completion,
                entry.at == receipt.completed, entry.events == receipt.events, entry.partitions == receipt.partitions
            {
                holds.append(
                    "Entry \(entry.entry) says that it was complete at \(entry.at.rfc3339), with \(entry.events) events "
                        + "and \(entry.partitions) partitions, and has the SHA-256 of this receipt.")
            } else {
                faults.append("No entry of the ledger has the SHA-256 of this receipt.")
            }
        case .unfinished:
            holds.append("It was written before the erasure was complete: no entry has its SHA-256.")
            holds.append(
                completions.last.map { "The ledger says that it was complete at \($0.completion.at.rfc3339)." }
                    ?? "The ledger says that it is still under way.")
        case .erasedBefore:
            holds.append("It was written when the visitor had been erased before: no entry has its SHA-256.")
        }
        if receipt.earlier.contains(where: { earlier in !completions.contains { $0.completion == earlier } }) {
            faults.append("It names a completion that the ledger does not have.")
        }
        if !receipt.left.isEmpty {
            holds.append("It says that something may have been left: \(receipt.left.joined(separator: "; ")).")
        }
    }
}

extension Ledger {
    /// The number of the visitor whose erasure an entry asked for, if all that a receipt says of the entry is so.
    fileprivate static func visitor(
        _ database: SQLite, askedBy receipt: ErasureReceipt
    ) throws(StoreError) -> VisitorNumber? {
        try database.first(
            """
            SELECT visitor FROM entry WHERE number=? AND kind='erasure' AND site=? AND at=? AND hex(hash)=upper(?)
            AND body->>'visitor_hash'=?
            """, .integer(Int64(receipt.entry)), .text(receipt.site), .integer(receipt.asked.milliseconds),
            .text(receipt.entryHash), .text(receipt.visitorHash)
        ) { (row) throws(StoreError) in try row.number(0) }
    }
}
