public import AssentCore

/// Events of one site, encoded for the journal by whoever received them, so that the writer only joins bytes.
public struct EventBatch: Sendable {
    /// The site's id.
    public let site: String
    /// How many events.
    public let count: Int
    /// The journal rows of the events.
    public let bytes: [UInt8]

    /// Encodes admitted events. Cost: one pass, one allocation that grows.
    public init(site: String, events: [ConsentedEvent]) {
        self.site = site
        count = events.count
        bytes = []
        fatalError("EventBatch.init")
    }
}
