public import AssentCore

/// What the ledger is asked to make durable. All requests of one ``Store/commit(_:)`` are one transaction.
public enum LedgerRequest: Sendable {
    /// A consent was given.
    case grant(NewConsent)
    /// A visitor without a consent said no: one count, nothing else. The day is the site's local date.
    case refuse(site: String, day: Day)
    /// A visitor takes the consent back. With `erase`, all events of the visitor are gone for every reader when the
    /// answer is there. The day is the site's local date.
    case withdraw(site: String, visitor: VisitorNumber, erase: Bool, at: Instant, day: Day)
    /// A visitor wants everything erased and goes on being counted: all events are gone for every reader when the answer
    /// is there, and the consent stays.
    case erase(site: String, visitor: VisitorNumber, at: Instant)
    /// The ground on which imported events are held.
    case ground(site: String, basis: String, at: Instant)
    /// Events that were not stored, by reason, on a local date of the site.
    case refusals(site: String, day: Day, reason: Refusal, count: UInt64)

    /// Of whom nothing more is to be stored under the number of now, and whether what is stored goes.
    var leaver: (site: String, visitor: VisitorNumber, erases: Bool)? {
        switch self {
        case .withdraw(let site, let visitor, let erases, _, _): (site, visitor, erases)
        case .erase(let site, let visitor, _): (site, visitor, true)
        default: nil
        }
    }

    /// Whether a drain has to finish it: an erasure.
    public var leavesWork: Bool { leaver?.erases == true }
}

/// A consent before it is recorded.
public struct NewConsent: Sendable, Equatable {
    /// The site's id.
    public var site: String
    /// The visitor whose consent is renewed; nil gives a new one.
    public var visitor: VisitorNumber?
    /// The notice that was shown: its text is kept in the ledger, once for each version.
    public var notice: Notice
    /// How it was given: `click` or `key`.
    public var act: String
    /// Where it was given: `banner`, `settings`, `api` or `cmp:<name>`.
    public var source: String
    /// Whether the browser said `Sec-GPC: 1`.
    public var underGPC: Bool
    /// Whether the browser said `DNT: 1`.
    public var underDNT: Bool
    /// The server's time.
    public var at: Instant
    /// The site's local date at that time, for the tally.
    public var day: Day

    /// A consent by its parts.
    public init(
        site: String, visitor: VisitorNumber? = nil, notice: Notice, act: String, source: String,
        underGPC: Bool = false, underDNT: Bool = false, at: Instant, day: Day
    ) {
        self.site = site
        self.visitor = visitor
        self.notice = notice
        self.act = act
        self.source = source
        self.underGPC = underGPC
        self.underDNT = underDNT
        self.at = at
        self.day = day
    }
}

/// What the ledger made of a ``LedgerRequest``, in the same place of the answer.
public enum LedgerAnswer: Sendable, Equatable {
    /// The consent record.
    case granted(ConsentRecord)
    /// The withdrawal is in force.
    case withdrawn(Withdrawal)
    /// What the visitor had is erased, and the consent stays; nil for one who has none.
    case erased(Withdrawal?)
    /// The number of the ground.
    case ground(RecordNumber)
    /// It was counted.
    case counted
}

/// A consent record as the ledger holds it.
public struct ConsentRecord: Sendable, Equatable {
    /// Its number within the ledger.
    public var number: RecordNumber
    /// Its public name.
    public var id: RecordID
    /// The visitor's number on the site.
    public var visitor: VisitorNumber
    /// The visitor's id.
    public var visitorID: VisitorID
    /// The server's time of the act.
    public var issued: Instant

    /// A record by its parts.
    public init(number: RecordNumber, id: RecordID, visitor: VisitorNumber, visitorID: VisitorID, issued: Instant) {
        self.number = number
        self.id = id
        self.visitor = visitor
        self.visitorID = visitorID
        self.issued = issued
    }
}

/// What a withdrawal, or an erasure without one, did. Doing it again gives counts of 0.
public struct Withdrawal: Sendable, Equatable {
    /// Events that were erased.
    public var events: Int
    /// Partitions (and journal days) in which they lay.
    public var partitions: Int
    /// A text that names what was done and when, signed with the server's key; it does not name the visitor.
    public var receipt: String

    /// A withdrawal by its parts.
    public init(events: Int, partitions: Int, receipt: String) {
        self.events = events
        self.partitions = partitions
        self.receipt = receipt
    }
}
