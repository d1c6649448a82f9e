/// Somebody asks to see what is held of them, or to have it erased. The ledger's chain has the request and what became of
/// it; what it is now follows from both.
public struct PrivacyRequest: Sendable, Equatable {
    /// What is asked for.
    public enum Kind: String, Sendable, CaseIterable {
        /// What is held of the visitor (GDPR, article 15).
        case access
        /// That it be erased (article 17).
        case erase
    }

    /// What has become of it.
    public enum State: String, Sendable {
        /// It waits, and may still wait.
        case open
        /// It waits, and should not any more.
        case overdue
        /// It was met.
        case done
        /// It was answered with a reasoned no.
        case declined
    }

    /// Number of its entry.
    public var number: RecordNumber
    /// The site's id.
    public var site: String
    /// What is asked for.
    public var kind: Kind
    /// Whether the visitor asked on the site; else it came in another way, and the staff noted it.
    public var isFromSite: Bool
    /// The site's local date on which it came.
    public var received: Day
    /// When it was met or declined; nil as long as it is not.
    public var closed: Instant?
    /// Whether it was declined.
    public var isDeclined = false

    /// A request that waits.
    public init(number: RecordNumber, site: String, kind: Kind, isFromSite: Bool, received: Day) {
        self.number = number
        self.site = site
        self.kind = kind
        self.isFromSite = isFromSite
        self.received = received
    }

    /// The last day for an answer: one month after it came (GDPR, article 12(3)).
    public var due: Day { received.monthLater }

    /// What has become of it by a local date of the site.
    public func state(on today: Day) -> State {
        if closed != nil { return isDeclined ? .declined : .done }
        return today > due ? .overdue : .open
    }

    /// Writes it as an object of JSON.
    public func write(to json: inout JSONWriter, today: Day) {
        json.object { json in
            json.key("number")
            json.integer(number)
            for (name, value) in [
                ("site", site), ("kind", kind.rawValue), ("by", by), ("received", received.description),
                ("due", due.description), ("state", state(on: today).rawValue), ("closed", closed?.rfc3339),
            ] {
                json.key(name)
                json.string(value)
            }
        }
    }

    /// Who brought it into the ledger: `visitor` or `staff`.
    public var by: String { isFromSite ? "visitor" : "staff" }

    /// What is wrong with a date on which a request is said to have come, as the end of a sentence; nil if nothing is.
    public static func objection(toReceived received: Day, today: Day) -> String? {
        if received > today { return "must not be in the future" }
        guard received.distance(to: today) <= Limits.requestAgeDaysMax else {
            return "must not be more than \(Limits.requestAgeDaysMax) days ago"
        }
        return nil
    }
}

/// A request as the staff note it, and the body of `POST /v1/privacy/receive`.
public struct ReceivedRequest: Sendable, Equatable {
    /// What is asked for.
    public var kind: PrivacyRequest.Kind
    /// The site's id, not yet looked up.
    public var site: String
    /// Who asks; nil if that is not known yet.
    public var visitor: VisitorID?
    /// The site's local date on which it came.
    public var received: Day

    /// A request by its parts.
    public init(_ kind: PrivacyRequest.Kind, site: String, visitor: VisitorID? = nil, received: Day) {
        self.kind = kind
        self.site = site
        self.visitor = visitor
        self.received = received
    }

    /// What is said where the site knows no such id.
    public static let unknownVisitor = "The site knows no visitor of that id: nothing was noted."

    /// The body.
    public var body: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("kind")
            json.string(kind.rawValue)
            json.key("site")
            json.string(site)
            json.key("visitor")
            json.string(visitor?.hex)
            json.key("received")
            json.string(received.description)
        }
        return json.bytes
    }

    /// Reads a body strictly.
    /// - Throws: ``BadRequest`` that names the field.
    public init(parsing body: [UInt8]) throws(BadRequest) {
        self = try JSONReader.read(body.span.bytes) { (reader) throws(BadRequest) in
            var seen = Fields()
            var (kind, site, received) = (PrivacyRequest.Kind.access, "", Day(number: 0))
            var visitor: VisitorID?
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "kind":
                    guard
                        let known = PrivacyRequest.Kind(
                            rawValue: try seen.string("kind", 0, &reader, bytesMax: Limits.nameBytesMax))
                    else { throw BadRequest("kind", "must be access or erase") }
                    kind = known
                case "site": site = try seen.string("site", 1, &reader, bytesMax: Limits.nameBytesMax)
                case "received": received = try seen.day("received", 2, &reader) ?? received
                case "visitor": visitor = try seen.visitor("visitor", 3, &reader)
                default: try reader.skip()
                }
            }
            try seen.require(["kind", "site", "received"], mask: 0b111)
            return ReceivedRequest(kind, site: site, visitor: visitor, received: received)
        }
    }
}

/// How a request ended, and the body of `POST /v1/privacy/close`.
public struct ClosedRequest: Sendable, Equatable {
    /// Number of the request's entry.
    public var request: RecordNumber
    /// Whether it was declined; else it was met.
    public var isDeclined: Bool

    /// An end by its parts.
    public init(request: RecordNumber, isDeclined: Bool) {
        self.request = request
        self.isDeclined = isDeclined
    }

    /// What is said where no such request waits.
    public static let noOpenRequest =
        "No request of that number waits: assent privacy list has their numbers. An erasure "
        + "that was asked for on the site ends by itself."

    /// The body.
    public var body: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("request")
            json.integer(request)
            json.key("declined")
            json.boolean(isDeclined)
        }
        return json.bytes
    }

    /// Reads a body strictly.
    /// - Throws: ``BadRequest`` that names the field.
    public init(parsing body: [UInt8]) throws(BadRequest) {
        self = try JSONReader.read(body.span.bytes) { (reader) throws(BadRequest) in
            var (request, isDeclined) = (RecordNumber(0), false)
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "request":
                    guard let number = RecordNumber(exactly: try reader.number()) else {
                        throw BadRequest("request", "must be the number of an entry")
                    }
                    request = number
                case "declined": isDeclined = try reader.boolean()
                default: try reader.skip()
                }
            }
            guard request > 0 else { throw BadRequest("request", "must be the number of an entry") }
            return ClosedRequest(request: request, isDeclined: isDeclined)
        }
    }
}

/// The body of `POST /v1/privacy/erase`.
public struct EraseRequest: Sendable, Equatable {
    /// The site's id, not yet looked up.
    public var site: String
    /// Who is to be erased.
    public var visitor: VisitorID
    /// The site's local date on which the request came; nil for today.
    public var received: Day?

    /// What is said where the site knows no such id.
    public static let unknownVisitor = "The site knows no visitor of that id: nothing was erased."

    /// A request by its parts.
    public init(site: String, visitor: VisitorID, received: Day? = nil) {
        self.site = site
        self.visitor = visitor
        self.received = received
    }

    /// The body.
    public var body: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("site")
            json.string(site)
            json.key("visitor")
            json.string(visitor.hex)
            if let received {
                json.key("received")
                json.string(received.description)
            }
        }
        return json.bytes
    }

    /// Reads a body strictly.
    /// - Throws: ``BadRequest`` that names the field.
    public init(parsing body: [UInt8]) throws(BadRequest) {
        self = try JSONReader.read(body.span.bytes) { (reader) throws(BadRequest) in
            var seen = Fields()
            var site = ""
            var visitor: VisitorID?
            var received: Day?
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "site": site = try seen.string("site", 0, &reader, bytesMax: Limits.nameBytesMax)
                case "visitor": visitor = try seen.visitor("visitor", 1, &reader)
                case "received": received = try seen.day("received", 2, &reader)
                default: try reader.skip()
                }
            }
            try seen.require(["site", "visitor"], mask: 0b11)
            guard let visitor else { throw BadRequest("visitor", "is missing") }
            return EraseRequest(site: site, visitor: visitor, received: received)
        }
    }
}

extension Fields {
    fileprivate mutating func visitor(
        _ name: StaticString, _ bit: UInt32, _ reader: inout JSONReader
    ) throws(BadRequest) -> VisitorID? {
        try optional(name, bit, &reader) { (reader) throws(BadRequest) in
            guard let visitor = VisitorID(hex: try reader.string(bytesMax: Limits.nameBytesMax)) else {
                throw BadRequest("", "must be 32 hex digits")
            }
            return visitor
        }
    }

    fileprivate mutating func day(
        _ name: StaticString, _ bit: UInt32, _ reader: inout JSONReader
    ) throws(BadRequest) -> Day? {
        try optional(name, bit, &reader) { (reader) throws(BadRequest) in
            guard let day = Day(try reader.string(bytesMax: Limits.nameBytesMax)) else {
                throw BadRequest("", "must be a date such as 2026-11-16")
            }
            return day
        }
    }
}
