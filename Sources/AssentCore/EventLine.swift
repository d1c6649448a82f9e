/// One line of an import or export: an event as on the wire, with `time` in place of `age` and the visitor's id.
public struct EventLine: Sendable {
    /// The fields that the line shares with the wire.
    public var beacon = BeaconEvent()
    /// When it happened.
    public var time = Instant(milliseconds: 0)
    /// Who.
    public var visitor: VisitorID
    /// Families that the line says, not yet cleaned; unknown where it does not.
    public var client = Client.unknown
    /// ISO 3166-1 code that the line says; nil: the `zone` decides.
    public var country: String?

    /// Reads a line strictly.
    /// - Throws: ``BadRequest`` that names the field.
    public init(parsing line: [UInt8]) throws(BadRequest) { try self.init(parsing: line[...]) }

    /// Reads a line strictly.
    /// - Throws: ``BadRequest`` that names the field.
    public init(parsing line: ArraySlice<UInt8>) throws(BadRequest) {
        var beacon = BeaconEvent()
        var time: Instant?
        var visitor: VisitorID?
        var client = Client.unknown
        var country: String?
        try JSONReader.read(line.span.bytes) { (reader) throws(BadRequest) in
            var seen = Fields()
            try reader.object { (key, reader) throws(BadRequest) in
                if try beacon.read(key, &reader, &seen, timed: .time) { return }
                switch key {
                case "time": time = try EventLine.time(&reader, &seen)
                case "visitor":
                    visitor = VisitorID(hex: try seen.string("visitor", 17, &reader, bytesMax: 64))
                    guard visitor != nil else { throw BadRequest("visitor", "must be 32 hex digits") }
                case "browser":
                    client.browser = try seen.string("browser", 18, &reader, bytesMax: EventLine.familyBytesMax)
                case "system":
                    client.system = try seen.string("system", 19, &reader, bytesMax: EventLine.familyBytesMax)
                case "device":
                    let name = try seen.string("device", 20, &reader, bytesMax: 64)
                    guard let device = name.isEmpty ? .other : Client.Device(name: name) else {
                        throw BadRequest("device", "must be desktop, mobile, tablet or other")
                    }
                    client.device = device
                case "country":
                    let code = try seen.string("country", 21, &reader, bytesMax: 64)
                    guard code.isEmpty || code.utf8.count == 2 && code.utf8.allSatisfy({ (0x41...0x5A).contains($0) })
                    else { throw BadRequest("country", "must be a code of two capital letters (ISO 3166-1)") }
                    if seen.has(21) { country = code }
                default: try reader.skip()
                }
            }
            try beacon.requireFields(seen, timed: .time)
        }
        guard let time else { throw BadRequest("time", "is missing") }
        guard let visitor else { throw BadRequest("visitor", "is missing") }
        self.beacon = beacon
        self.time = time
        self.visitor = visitor
        self.client = client
        self.country = country
    }

    private static func time(_ reader: inout JSONReader, _ seen: inout Fields) throws(BadRequest) -> Instant {
        try seen.read("time", 16, &reader) { (reader) throws(BadRequest) in
            let problem = BadRequest("", "must be RFC 3339 or milliseconds since 1970")
            let times = Limits.eventTimes
            var milliseconds: Int64?
            if let number = try? reader.number() {
                guard Double(times.lowerBound)...Double(times.upperBound) ~= number else { throw problem }
                milliseconds = Int64(number.rounded(.down))
            } else {
                milliseconds = Instant(rfc3339: try reader.string(bytesMax: 64))?.milliseconds
            }
            guard let milliseconds, times.contains(milliseconds) else { throw problem }
            return Instant(milliseconds: milliseconds)
        }
    }

    /// Longest name of a browser or system, in bytes.
    static let familyBytesMax = 64
}

// MARK: Writing

extension EventLine {
    /// Names of the fields in the order in which an export writes them; the header of its CSV.
    public static let fieldNames = [
        "time", "visitor", "type", "id", "url", "title", "referrer", "locale", "country", "device", "browser", "system",
        "name", "target", "seconds", "scroll",
    ]

    /// The values of an event in the order of ``fieldNames``; nil for what it does not have.
    ///
    /// An address is put together from what is stored: scheme of the site's origin, host, path, allow-listed query and
    /// fragment; of a referrer only its host, and `/page` where it was a page below the root. Reading the line again
    /// gives the same event.
    public static func fields(of event: Event, visitor: VisitorID, scheme: String) -> [Field?] {
        func text(_ value: String) -> Field? { value.isEmpty ? nil : .text(value) }
        let referrer =
            event.referrer.host.isEmpty
            ? "" : "https://\(event.referrer.host)\(event.referrer.pathClass == .page ? "/page" : "/")"
        return [
            .text(event.time.rfc3339), .text(visitor.hex), .text(event.kind.name), text(event.id),
            .text(address(of: event.page, scheme: scheme)), text(event.title), text(referrer), text(event.locale),
            text(event.country), event.client.device == .other ? nil : .text(event.client.device.name),
            text(event.client.browser), text(event.client.system), text(event.name),
            text(address(ofTarget: event.target)),
            event.kind == .engagement ? .thousandths(Int(event.engagedMilliseconds)) : nil,
            event.scroll == Event.noScroll ? nil : .thousandths(Int(event.scroll) * 1_000),
        ]
    }

    /// A value of a line.
    public enum Field: Sendable, Equatable {
        case text(String)
        /// A number in thousandths, written with no more decimals than it needs.
        case thousandths(Int)

        /// The number or the text as it stands in a line of CSV.
        public var text: String {
            switch self {
            case .text(let text): text
            case .thousandths(let number):
                FixedPoint.text(Field.shortest(number).value, decimals: Field.shortest(number).decimals)
            }
        }

        fileprivate static func shortest(_ thousandths: Int) -> (value: Int, decimals: Int) {
            var (value, decimals) = (thousandths, 3)
            while decimals > 0, value % 10 == 0 { (value, decimals) = (value / 10, decimals - 1) }
            return (value, decimals)
        }
    }

    /// Writes an event as one JSON object, without the end of the line.
    public static func write(_ event: Event, visitor: VisitorID, scheme: String, to writer: inout JSONWriter) {
        writer.object { writer in
            for case (let name, let field?) in zip(fieldNames, fields(of: event, visitor: visitor, scheme: scheme)) {
                writer.key(name)
                switch field {
                case .text(let text): writer.string(text)
                case .thousandths(let number):
                    let (value, decimals) = Field.shortest(number)
                    writer.fixed(value, decimals: decimals)
                }
            }
        }
    }

    /// A target that is an address is decoded when it is read, and one that is a word is not.
    private static func address(ofTarget target: String) -> String {
        guard WebAddress(target) != nil else { return target }
        var bytes: [UInt8] = []
        Cleaning.appendEscaped(target, escaping: "%?# ", to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func address(of page: Page, scheme: String) -> String {
        var bytes = Array("\(scheme)://\(page.host)".utf8)
        Cleaning.appendEscaped(page.path, escaping: "%?# ", to: &bytes)
        if !page.query.isEmpty { bytes += Array("?\(page.query)".utf8) }
        if !page.fragment.isEmpty { bytes += Array("#\(page.fragment)".utf8) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
