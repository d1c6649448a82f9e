/// One event as a page script sent it: well formed, not yet judged or cleaned.
public struct BeaconEvent: Sendable, Equatable {
    /// 8 to 64 of `[A-Za-z0-9_-]`.
    public var id = ""
    /// What.
    public var kind = Event.Kind.pageview
    /// Milliseconds since it happened, 0 to ``Limits/ageMillisecondsMax``.
    public var age: Int64 = 0
    /// Address of the page.
    public var url = ""
    /// Title of the page; may be empty.
    public var title = ""
    /// Address of the page before; may be empty.
    public var referrer = ""
    /// Language of the page; may be empty.
    public var locale = ""
    /// IANA time zone of the browser; may be empty.
    public var zone = ""
    /// Name of an action.
    public var name = ""
    /// Target of an action; may be empty.
    public var target = ""
    /// Engaged time in milliseconds.
    public var engagedMilliseconds: UInt32 = 0
    /// Percent, or ``Event/noScroll``.
    public var scroll = Event.noScroll

    /// An event with nothing said.
    public init() {}
}

/// The body of `POST /v1/events`.
public struct EventsRequest: Sendable, Equatable {
    /// The site's id, not yet looked up.
    public var site = ""
    /// The token, where the cookie does not carry it.
    public var consent: String?
    /// 0 to ``Limits/eventsPerRequestMax`` events.
    public var events: [BeaconEvent] = []
    /// Fields that the wire does not know: dropped, only counted.
    public var unknownFields = 0

    /// A request without events.
    public init() {}

    /// Reads a body strictly, in one pass.
    /// - Throws: ``BadRequest`` that names event and field. Nothing of such a body is stored.
    public static func parse(_ body: RawSpan) throws(BadRequest) -> EventsRequest {
        try JSONReader.read(body) { (reader) throws(BadRequest) in
            var request = EventsRequest()
            var seen = Fields()
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "site": request.site = try seen.string("site", 0, &reader, bytesMax: 64)
                case "consent":
                    request.consent = try seen.optional("consent", 1, &reader) { (reader) throws(BadRequest) in
                        try reader.string(bytesMax: Limits.consentBodyBytesMax)
                    }
                case "events":
                    try seen.read("events", 2, &reader) { (reader) throws(BadRequest) in
                        try reader.array { (index, reader) throws(BadRequest) in
                            guard index < Limits.eventsPerRequestMax else {
                                throw BadRequest("", "must be at most \(Limits.eventsPerRequestMax) events")
                            }
                            do throws(BadRequest) {
                                request.events.append(try BeaconEvent(&reader, unknownFields: &request.unknownFields))
                            } catch {
                                throw error.inside("events[\(index)]")
                            }
                        }
                    }
                default:
                    request.unknownFields += 1
                    try reader.skip()
                }
            }
            try seen.require(["site", "consent", "events"], mask: 0b101)
            return request
        }
    }
}

extension BeaconEvent {
    private static let names: [StaticString] = [
        "id", "type", "age", "url", "title", "referrer", "locale", "zone", "name", "target", "seconds", "scroll",
    ]

    fileprivate init(_ reader: inout JSONReader, unknownFields: inout Int) throws(BadRequest) {
        var seen = Fields()
        try reader.object { (key, reader) throws(BadRequest) in
            if try !self.read(key, &reader, &seen, timed: .age) {
                unknownFields += 1
                try reader.skip()
            }
        }
        try requireFields(seen, timed: .age)
    }

    /// What says when the event happened: `age` on the wire, `time` in an import, which its reader takes itself.
    enum Timing { case age, time }

    /// Reads one member if its name is one of an event's.
    mutating func read(
        _ key: JSONReader.Key, _ reader: inout JSONReader, _ seen: inout Fields, timed: Timing
    ) throws(BadRequest) -> Bool {
        switch key {
        case "id":
            id = try seen.string("id", 0, &reader, bytesMax: Limits.fieldBytesMax)
            guard BeaconEvent.isID(id) else {
                let length = Limits.eventIDLength
                throw BadRequest("id", "must be \(length.lowerBound) to \(length.upperBound) of A-Z a-z 0-9 _ -")
            }
        case "type":
            let text = try seen.string("type", 1, &reader, bytesMax: 64)
            guard let kind = Event.Kind(name: text) else {
                throw BadRequest("type", "must be pageview, engagement or action")
            }
            self.kind = kind
        case "age" where timed == .age:
            age = Int64(try seen.number("age", 2, &reader, in: 0...Double(Limits.ageMillisecondsMax)).rounded())
        case "url":
            url = try seen.string("url", 3, &reader, bytesMax: Limits.eventsBodyBytesMax)
            guard WebAddress.isWellFormed(url) else {
                throw BadRequest("url", "must be an absolute http or https address")
            }
        case "title": title = try seen.string("title", 4, &reader, bytesMax: Limits.eventsBodyBytesMax)
        case "referrer": referrer = try seen.string("referrer", 5, &reader, bytesMax: Limits.eventsBodyBytesMax)
        case "locale": locale = try seen.string("locale", 6, &reader, bytesMax: Limits.localeBytesMax)
        case "zone": zone = try seen.string("zone", 7, &reader, bytesMax: Limits.localeBytesMax)
        case "name":
            name = try seen.string("name", 8, &reader, bytesMax: Limits.fieldBytesMax)
            guard BeaconEvent.isActionName(name) else {
                throw BadRequest("name", "must be [a-z][a-z0-9_]*, at most \(Limits.actionNameLengthMax) characters")
            }
        case "target": target = try seen.string("target", 9, &reader, bytesMax: Limits.eventsBodyBytesMax)
        case "seconds":
            let seconds = try seen.number("seconds", 10, &reader, in: 0...Double(Limits.engagementSecondsMax))
            engagedMilliseconds = UInt32((seconds * 1_000).rounded())
        case "scroll":
            scroll = UInt8(try seen.number("scroll", 11, &reader, in: 0...Double(Limits.scrollPercentMax)).rounded())
        default: return false
        }
        return true
    }

    /// Every kind needs `type`, `url` and, on the wire, `id` and `age`; an engagement its `seconds`, an action its
    /// `name`. Fields of other kinds are dropped.
    mutating func requireFields(_ seen: Fields, timed: Timing) throws(BadRequest) {
        try seen.require(BeaconEvent.names, mask: timed == .age ? 0b1111 : 0b1010)
        switch kind {
        case .engagement: try seen.require(BeaconEvent.names, mask: 1 << 10)
        case .action: try seen.require(BeaconEvent.names, mask: 1 << 8)
        case .pageview: break
        }
        if kind != .engagement { (engagedMilliseconds, scroll) = (0, Event.noScroll) }
        if kind != .action { (name, target) = ("", "") }
    }

    private static func isID(_ id: String) -> Bool {
        var id = id
        return id.withUTF8 { id in
            Limits.eventIDLength.contains(id.count)
                && id.allSatisfy {
                    (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F || $0 == 0x2D
                }
        }
    }

    /// Whether it is `[a-z][a-z0-9_]{0,31}`.
    static func isActionName(_ name: String) -> Bool {
        (1...Limits.actionNameLengthMax).contains(name.utf8.count) && (0x61...0x7A).contains(name.utf8.first ?? 0)
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }
}

/// Which members of an object were read: each at most once, since two parsers could take different ones.
struct Fields {
    private var mask: UInt32 = 0

    mutating func read<Value>(
        _ name: StaticString, _ bit: UInt32, _ reader: inout JSONReader,
        _ value: (inout JSONReader) throws(BadRequest) -> Value
    ) throws(BadRequest) -> Value {
        guard mask & (1 << bit) == 0 else { throw BadRequest("\(name)", "is there twice") }
        mask |= 1 << bit
        do throws(BadRequest) {
            return try value(&reader)
        } catch {
            throw error.problem.hasPrefix("not JSON") ? error : error.field.isEmpty ? error.inside("\(name)") : error
        }
    }

    /// A member that may be null, which is as good as absent.
    mutating func optional<Value>(
        _ name: StaticString, _ bit: UInt32, _ reader: inout JSONReader,
        _ value: (inout JSONReader) throws(BadRequest) -> Value
    ) throws(BadRequest) -> Value? {
        let read = try read(name, bit, &reader) { (reader) throws(BadRequest) -> Value? in
            if try reader.null() { return nil }
            return try value(&reader)
        }
        if read == nil { mask &= ~(1 << bit) }
        return read
    }

    mutating func string(
        _ name: StaticString, _ bit: UInt32, _ reader: inout JSONReader, bytesMax: Int
    ) throws(BadRequest) -> String {
        try optional(name, bit, &reader) { (reader) throws(BadRequest) in try reader.string(bytesMax: bytesMax) } ?? ""
    }

    mutating func number(
        _ name: StaticString, _ bit: UInt32, _ reader: inout JSONReader, in range: ClosedRange<Double>
    ) throws(BadRequest) -> Double {
        try read(name, bit, &reader) { (reader) throws(BadRequest) in
            let value = try reader.number()
            guard range.contains(value) else {
                throw BadRequest("", "must be \(Int(range.lowerBound)) to \(Int(range.upperBound))")
            }
            return value
        }
    }

    /// - Throws: ``BadRequest`` for the first of the masked members that was not read.
    func require(_ names: [StaticString], mask required: UInt32) throws(BadRequest) {
        let missing = required & ~mask
        guard missing == 0 else { throw BadRequest("\(names[missing.trailingZeroBitCount])", "is missing") }
    }

    func has(_ bit: UInt32) -> Bool { mask & (1 << bit) != 0 }
}
