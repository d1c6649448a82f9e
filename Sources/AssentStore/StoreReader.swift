public import AssentCore

/// Reads a data directory beside a running collector, without its lock.
public struct StoreReader: Sendable {
    /// - Throws: ``StoreError`` if there is no data directory there.
    public init(directory: String) throws(StoreError) { fatalError() }

    /// The events of a site in `[from, to)`. Only the columns asked for are inflated. Journal first, then partitions,
    /// so that a drain in between loses and doubles nothing.
    public func events(
        site: String, from: Instant, to: Instant, columns: ColumnSet
    ) throws(StoreError) -> PeriodEvents { fatalError() }

    /// Choices and refusals of local dates of a site.
    public func tallies(site: String, days: ClosedRange<Day>) throws(StoreError) -> ChoiceTallies { fatalError() }

    /// Ids of all visitors of a site that were not erased.
    public func visitorIDs(site: String) throws(StoreError) -> [VisitorNumber: VisitorID] { fatalError() }

    /// UTC days of a site of which there are events, ascending, those in the journal included.
    public func days(site: String) throws(StoreError) -> [Day] { fatalError() }
}
