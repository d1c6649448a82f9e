public import AssentCore

/// The data directory, held by this process: consent ledger, journal and partitions. Calls block and may come from any
/// thread; those that write wait for one another.
///
/// `append` a batch, `commit` a choice, `drain` into partitions, `importEvents`: these verbs are all that writes.
public final class Store: Sendable {
    /// Ids of the last 24 hours, filled from the disk when the store is opened.
    public let recentIDs: RecentIDs

    private init() { fatalError() }

    /// Opens a data directory, makes it if it is missing, and finishes what a crash left.
    /// - Throws: ``StoreError``: held by another process, not writable, damaged, of a newer format.
    public static func open(
        directory: String, key: ServerKey, durability: Configuration.Durability
    ) throws(StoreError) -> Store { fatalError() }

    /// Makes choices durable, all or none; answers stand in the order of the requests. One fsync.
    public func commit(_ requests: [LedgerRequest]) throws(StoreError) -> [LedgerAnswer] { fatalError() }

    /// Makes events durable: one row of the journal, one fsync. Events of erased visitors are left out.
    /// - Returns: whether enough waits in the journal for a segment, so that a drain is worth it now.
    public func append(_ batches: [EventBatch]) throws(StoreError) -> Bool { fatalError() }

    /// Moves what waits in the journal into partitions and finishes erasures that are under way.
    /// Crash-safe at any point.
    public func drain() throws(StoreError) { fatalError() }

    /// Visitors of a site whose consent is withdrawn, kept up to date. Ask once for a site, keep it.
    public func withdrawn(site: String) -> WithdrawnVisitors { fatalError() }

    /// Events and bytes that wait in the journal.
    public var waiting: (events: Int, bytes: Int) { fatalError() }

    /// Numbers for imported visitors, given where they are new. 0 for one that was erased and must not come back.
    public func numbers(of visitors: [VisitorID], site: String, at now: Instant) throws(StoreError) -> [VisitorNumber] {
        fatalError()
    }

    /// Stores imported events straight into partitions, durable when it returns, leaving out those that agree in
    /// visitor, time, kind, URL and name with one that is held or came before in `events`.
    /// - Returns: how many were stored.
    public func importEvents(_ events: [ConsentedEvent], site: String) throws(StoreError) -> Int { fatalError() }

    /// Drains, checkpoints and gives the data directory back. Further calls throw.
    public func close() throws(StoreError) { fatalError() }
}

/// Visitors of one site who have withdrawn. Safe from any thread.
public final class WithdrawnVisitors: Sendable {
    init() { fatalError() }
    /// Whether that visitor has withdrawn.
    public func contains(_ visitor: VisitorNumber) -> Bool { fatalError() }
}
