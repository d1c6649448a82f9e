public import AssentCore

/// The events of a stretch of time, as a report and an export read them.
public struct PeriodEvents: Sendable {
    /// Segments by day, within a day in the order in which their events arrived; what still lies in the journal comes
    /// last.
    ///
    /// Every segment is in the order of visitor, time, arrival. Only events of the asked interval are in it, none of an
    /// erased visitor, and none of which the same day has another with the same visitor and id.
    public var segments: [EventColumns]
    /// Partitions that were read, by day.
    public var partitions: [PartitionState]
    /// One sentence for each damaged segment that was left out: which file, which segment, what is wrong.
    public var damage: [String]

    /// A period by its parts.
    public init(segments: [EventColumns] = [], partitions: [PartitionState] = [], damage: [String] = []) {
        self.segments = segments
        self.partitions = partitions
        self.damage = damage
    }
}

/// What a report says of a partition that it read.
public struct PartitionState: Sendable, Equatable {
    /// UTC day of the events.
    public var day: Day
    /// Whether events can still arrive.
    public var isSealed: Bool
    /// Events in it, those in the journal included.
    public var events: UInt64
    /// SHA-256 over its content, 64 hex digits: the same for the same events, however they lie on the disk.
    public var contentSHA256: String

    /// A state by its parts.
    public init(day: Day, isSealed: Bool, events: UInt64, contentSHA256: String) {
        self.day = day
        self.isSealed = isSealed
        self.events = events
        self.contentSHA256 = contentSHA256
    }
}

/// Choices and refusals of a range of local dates, as the ledger tallied them.
public struct ChoiceTallies: Sendable, Equatable {
    /// Consents given, renewals included.
    public var granted: UInt64 = 0
    /// Refusals chosen by visitors.
    public var refused: UInt64 = 0
    /// Consents taken back.
    public var withdrawn: UInt64 = 0
    /// Events that were not stored, by reason on the wire.
    public var refusals: [String: UInt64] = [:]

    /// Nothing was chosen.
    public init() {}
}
