public import AssentStore

extension StoreReader {
    /// The first thing that is wrong with the ledger; nil if nothing is.
    public func ledgerFault() throws -> String? { try verifyLedger().faults.first }
}
