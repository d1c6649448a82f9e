/// The number of a visitor within one site, given by the ledger at opt-in, from 1.
///
/// Partitions and journal hold only numbers. The ledger alone leads from a number to the random 128-bit id, and an
/// erasure removes that row, so that what a number once meant cannot be found again.
public typealias VisitorNumber = UInt32

/// The number of a consent record within the ledger, from 1. An import's ground is a record too.
public typealias RecordNumber = UInt32

/// What is stored of one page view, stretch of attention, or act of a visitor who agreed.
public struct Event: Sendable, Equatable {
    /// The three kinds of event. Raw values are those of the partition format.
    public enum Kind: UInt8, Sendable, CaseIterable {
        case pageview = 0
        case engagement = 1
        case action = 2

        /// The kind's name on the wire.
        public var name: String {
            switch self {
            case .pageview: "pageview"
            case .engagement: "engagement"
            case .action: "action"
            }
        }

        /// The kind with that name on the wire.
        public init?(name: String) {
            guard let kind = Kind.allCases.first(where: { $0.name == name }) else { return nil }
            self = kind
        }
    }

    /// No `scroll` was said.
    public static let noScroll: UInt8 = 255

    /// 8 to 64 of `[A-Za-z0-9_-]`, unique per site and visitor; empty once the partition is sealed.
    public var id: String
    /// Time of receipt minus age, never before the consent.
    public var time: Instant
    /// Who.
    public var visitor: VisitorNumber
    /// Under which consent record.
    public var record: RecordNumber
    /// What.
    public var kind: Kind
    /// Where.
    public var page: Page
    /// The page's title, cleaned; empty if there was none.
    public var title: String
    /// Where the visitor came from.
    public var referrer: Referrer
    /// The page's language as the script said it (`ar`); empty if it did not.
    public var locale: String
    /// ISO 3166-1 code from the browser's time zone; empty if unknown.
    public var country: String
    /// Families of device, browser and system.
    public var client: Client
    /// An action's name; empty for the other kinds.
    public var name: String
    /// An action's target without query and fragment; empty if there was none.
    public var target: String
    /// Visible and focused time of an engagement event, in milliseconds, at most 3,600,000.
    public var engagedMilliseconds: UInt32
    /// Largest scroll in percent, 0 to 100, or ``noScroll``.
    public var scroll: UInt8

    /// An event with every field; those that a kind does not have keep their empty defaults.
    public init(
        id: String, time: Instant, visitor: VisitorNumber, record: RecordNumber, kind: Kind, page: Page,
        title: String = "", referrer: Referrer = .none, locale: String = "", country: String = "",
        client: Client = .unknown, name: String = "", target: String = "", engagedMilliseconds: UInt32 = 0,
        scroll: UInt8 = Event.noScroll
    ) {
        self.id = id
        self.time = time
        self.visitor = visitor
        self.record = record
        self.kind = kind
        self.page = page
        self.title = title
        self.referrer = referrer
        self.locale = locale
        self.country = country
        self.client = client
        self.name = name
        self.target = target
        self.engagedMilliseconds = engagedMilliseconds
        self.scroll = scroll
    }
}

/// The address of a page as it is stored: no scheme, no port, only allow-listed query parameters.
public struct Page: Sendable, Hashable {
    /// Host in lower case, without port.
    public var host: String
    /// Path as it came, percent-decoded where that gives valid UTF-8, cleaned, with its leading slash.
    public var path: String
    /// Allow-listed parameters as `name=value` joined by `&`, in the order of the URL, values percent-encoded as
    /// little as needed; empty if none.
    public var query: String
    /// One word of 1 to 64 letters, digits or `_`, percent-decoded; else empty.
    public var fragment: String

    /// A page by its parts.
    public init(host: String, path: String, query: String = "", fragment: String = "") {
        self.host = host
        self.path = path
        self.query = query
        self.fragment = fragment
    }
}

/// Where a page view came from: the host and what kind of page it was, never its address.
public struct Referrer: Sendable, Hashable {
    /// How deep in its site the referring page was. Raw values are those of the partition format.
    public enum PathClass: UInt8, Sendable, CaseIterable {
        /// No referrer.
        case none = 0
        /// The home page (or a referrer cut to its origin).
        case root = 1
        /// Any page below.
        case page = 2
    }

    /// Host in lower case, without port; empty if there was none.
    public var host: String
    /// Class of the path.
    public var pathClass: PathClass

    /// No referrer.
    public static let none = Referrer(host: "", pathClass: .none)

    /// A referrer by its parts.
    public init(host: String, pathClass: PathClass) {
        self.host = host
        self.pathClass = pathClass
    }
}

/// What kind of client sent an event: families only, never a version or the full User-Agent.
public struct Client: Sendable, Hashable {
    /// Class of device. Raw values are those of the partition format.
    public enum Device: UInt8, Sendable, CaseIterable {
        case other = 0
        case desktop = 1
        case mobile = 2
        case tablet = 3

        /// The device's name in reports, imports and exports.
        public var name: String {
            switch self {
            case .other: "other"
            case .desktop: "desktop"
            case .mobile: "mobile"
            case .tablet: "tablet"
            }
        }

        /// The device with that name.
        public init?(name: String) {
            guard let device = Device.allCases.first(where: { $0.name == name }) else { return nil }
            self = device
        }
    }

    /// Class of device.
    public var device: Device
    /// Family of browser, such as `Firefox`; empty if unknown.
    public var browser: String
    /// Family of operating system, such as `Android`; empty if unknown.
    public var system: String

    /// Nothing is known.
    public static let unknown = Client(device: .other, browser: "", system: "")

    /// A client by its families.
    public init(device: Device, browser: String, system: String) {
        self.device = device
        self.browser = browser
        self.system = system
    }
}
