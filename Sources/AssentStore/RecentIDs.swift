public import AssentCore

/// A bounded memory of the event ids of the last 24 hours, as keyed 64-bit hashes. Safe from any thread.
public final class RecentIDs: Sendable {
    /// No ids.
    public init(key: (UInt64, UInt64)) { fatalError() }

    /// The hash of an event's identity.
    public func hash(site: String, visitor: VisitorNumber, id: String) -> UInt64 { fatalError() }
    /// Remembers an id. False if it was known: the event is a duplicate.
    public func claim(_ hash: UInt64, at now: Instant) -> Bool { fatalError() }
    /// Forgets ids whose events did not become durable.
    public func release(_ hashes: [UInt64]) { fatalError() }
}
