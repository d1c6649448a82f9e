/// What an erasure found, what it rewrote and what is left: a document of one JSON object, a member a line, that the
/// server's key vouches for.
///
/// The last member is `mac`. The document's last ``tailBytes`` bytes are `,`, a line break, two spaces, `"mac": "`, 64 hex
/// digits in lower case, `"`, a line break, `}` and a line break; the digits are the keyed hash of all bytes before.
public struct ErasureReceipt: Sendable, Equatable {
    /// What a receipt is about.
    public enum State: String, Sendable {
        /// An erasure that is complete: what it found, and when it ended.
        case erased
        /// An erasure that is under way: what it has found so far.
        case unfinished
        /// A visitor of whom nothing was held any more when this receipt was asked for.
        case erasedBefore = "erased_before"
    }

    /// The events of a partition at one moment.
    public struct Content: Sendable, Equatable {
        /// Count of all events.
        public var events: UInt64
        /// Their content hash, as in reports: 64 hex digits.
        public var sha256: String

        /// A content by its parts.
        public init(events: UInt64, sha256: String) {
            self.events = events
            self.sha256 = sha256
        }
    }

    /// A partition that was written anew. Where several visitors went at once, both contents are those of the whole.
    public struct Rewriting: Sendable, Equatable {
        /// UTC day of the partition.
        public var day: Day
        /// Events of the visitor that were in it.
        public var events: Int
        /// Segments in which they lay.
        public var segments: Int
        /// What it held before.
        public var before: Content
        /// What it held afterwards.
        public var after: Content

        /// A rewriting by its parts.
        public init(day: Day, events: Int, segments: Int, before: Content, after: Content) {
            self.day = day
            self.events = events
            self.segments = segments
            self.before = before
            self.after = after
        }
    }

    /// A completion that the ledger's chain had recorded when the receipt was made.
    public struct Completion: Sendable, Equatable {
        /// Number of its entry.
        public var entry: RecordNumber
        /// When it was complete.
        public var at: Instant
        /// Events that were erased.
        public var events: Int
        /// Partitions that were rewritten.
        public var partitions: Int

        /// A completion by its parts.
        public init(entry: RecordNumber, at: Instant, events: Int, partitions: Int) {
            self.entry = entry
            self.at = at
            self.events = events
            self.partitions = partitions
        }
    }

    /// What it is about.
    public var state: State
    /// The site's id.
    public var site: String
    /// The keyed hash by which the ledger names the visitor: 64 hex digits.
    public var visitorHash: String
    /// When the erasure was asked for.
    public var asked: Instant
    /// When it was complete; nil as long as it is not.
    public var completed: Instant?
    /// Number of the ledger's entry that asks for the erasure.
    public var entry: RecordNumber
    /// The hash of that entry in the chain: 64 hex digits.
    public var entryHash: String
    /// Events of the visitor that waited in the journal.
    public var journalEvents = 0
    /// What was rewritten, in order; a day stands there twice if damage was repaired in between.
    public var rewritings: [Rewriting] = []
    /// Completions before this one: more than one if a restored backup brought events back.
    public var earlier: [Completion] = []
    /// What may still hold events or the id, a clause each.
    public var left: [String] = []

    /// A receipt of which nothing was found yet.
    public init(
        state: State, site: String, visitorHash: String, asked: Instant, completed: Instant?, entry: RecordNumber,
        entryHash: String
    ) {
        self.state = state
        self.site = site
        self.visitorHash = visitorHash
        self.asked = asked
        self.completed = completed
        self.entry = entry
        self.entryHash = entryHash
    }

    /// Events that were found, wherever they lay.
    public var events: Int { rewritings.reduce(journalEvents) { $0 + $1.events } }

    /// Partitions that were rewritten.
    public var partitions: Int { Set(rewritings.map(\.day)).count }

    // MARK: Writing

    private static let schema = "assent.erasure/1"
    private static let macDomain = "erasure"
    private static let tail = (start: Array(",\n  \"mac\": \"".utf8), end: Array("\"\n}\n".utf8))
    private static let macDigits = 64
    /// Bytes at the end of a document that the MAC does not cover.
    public static let tailBytes = tail.start.count + macDigits + tail.end.count

    /// The document, with the MAC of a server.
    public func document(key: ServerKey) -> [UInt8] {
        let text = Array("{\n  \(members.map { "\"\($0.name)\": \($0.value)" }.joined(separator: ",\n  "))".utf8)
        let mac = key.mac(domain: ErasureReceipt.macDomain, text)
        return text + ErasureReceipt.tail.start + Array(Hex.text(mac).utf8) + ErasureReceipt.tail.end
    }

    private var members: [(name: String, value: String)] {
        func value(_ write: (inout JSONWriter) -> Void) -> String {
            var json = JSONWriter()
            write(&json)
            return json.text
        }
        func list<Element>(_ elements: [Element], _ write: (inout JSONWriter, Element) -> Void) -> String {
            let lines = elements.map { element in "    " + value { write(&$0, element) } }
            return lines.isEmpty ? "[]" : "[\n\(lines.joined(separator: ",\n"))\n  ]"
        }
        return [
            ("schema", value { $0.string(ErasureReceipt.schema) }),
            ("state", value { $0.string(state.rawValue) }),
            ("site", value { $0.string(site) }),
            ("visitor_hash", value { $0.string(visitorHash) }),
            ("asked", value { $0.string(asked.rfc3339) }),
            ("completed", value { $0.string(completed?.rfc3339) }),
            ("ledger", value { $0.members(("entry", .integer(Int(entry))), ("hash", .string(entryHash))) }),
            ("journal", value { $0.members(("events", .integer(journalEvents))) }),
            (
                "partitions",
                list(rewritings) { json, each in
                    json.object { json in
                        json.key("day")
                        json.string(each.day.description)
                        json.key("events")
                        json.integer(each.events)
                        json.key("segments")
                        json.integer(each.segments)
                        for (name, content) in [("before", each.before), ("after", each.after)] {
                            json.key(name)
                            json.members(
                                ("events", .integer(Int(content.events))), ("content_sha256", .string(content.sha256)))
                        }
                    }
                }
            ),
            (
                "totals",
                value { $0.members(("events", .integer(events)), ("partitions", .integer(partitions))) }
            ),
            (
                "earlier",
                list(earlier) { json, each in
                    json.members(
                        ("entry", .integer(Int(each.entry))), ("at", .string(each.at.rfc3339)),
                        ("events", .integer(each.events)), ("partitions", .integer(each.partitions)))
                }
            ),
            ("left", list(left) { $0.string($1) }),
        ]
    }

    // MARK: Reading

    /// Reads a document, once its MAC is found to be that of a server.
    /// - Throws: ``BadRequest`` that says what is wrong with it.
    public init(document: [UInt8], key: ServerKey) throws(BadRequest) {
        let text = document.dropLast(ErasureReceipt.tailBytes)
        let tail = document[text.endIndex...]
        let digits = tail.dropFirst(ErasureReceipt.tail.start.count).dropLast(ErasureReceipt.tail.end.count)
        guard tail.starts(with: ErasureReceipt.tail.start), tail.suffix(4).elementsEqual(ErasureReceipt.tail.end) else {
            throw BadRequest("mac", "is missing: a receipt ends with it, byte for byte as it was handed out")
        }
        guard digits.elementsEqual(Hex.text(key.mac(domain: ErasureReceipt.macDomain, Array(text))).utf8) else {
            throw BadRequest(
                "mac", "is not this server's over the bytes before it: they were changed, or another server wrote them")
        }
        self = try JSONReader.read(document.span.bytes) { (reader) throws(BadRequest) in
            try ErasureReceipt(reading: &reader)
        }
    }

    private init(reading reader: inout JSONReader) throws(BadRequest) {
        let none = Instant(milliseconds: 0)
        self.init(
            state: .unfinished, site: "", visitorHash: "", asked: none, completed: nil, entry: 0, entryHash: "")
        var receipt = self
        var schema = ""
        try reader.object { (key, reader) throws(BadRequest) in
            switch key {
            case "schema": schema = try reader.string(bytesMax: Limits.nameBytesMax)
            case "state": receipt.state = try reader.parsed("state", State.init(rawValue:))
            case "site": receipt.site = try reader.string(bytesMax: Limits.nameBytesMax)
            case "visitor_hash": receipt.visitorHash = try reader.string(bytesMax: Limits.nameBytesMax)
            case "asked": receipt.asked = try reader.parsed("asked") { Instant(rfc3339: $0) }
            case "completed":
                if try !reader.null() { receipt.completed = try reader.parsed("completed") { Instant(rfc3339: $0) } }
            case "ledger":
                try reader.object { (key, reader) throws(BadRequest) in
                    switch key {
                    case "entry": receipt.entry = RecordNumber(try reader.count(max: Int(RecordNumber.max)))
                    case "hash": receipt.entryHash = try reader.string(bytesMax: Limits.nameBytesMax)
                    default: try reader.skip()
                    }
                }
            case "journal":
                try reader.object { (key, reader) throws(BadRequest) in
                    if case "events" = key { receipt.journalEvents = try reader.count() } else { try reader.skip() }
                }
            case "partitions":
                try reader.array { (_, reader) throws(BadRequest) in
                    receipt.rewritings.append(try Rewriting(reading: &reader))
                }
            case "earlier":
                try reader.array { (_, reader) throws(BadRequest) in
                    receipt.earlier.append(try Completion(reading: &reader))
                }
            case "left":
                try reader.array { (_, reader) throws(BadRequest) in
                    receipt.left.append(try reader.string(bytesMax: Limits.fieldBytesMax))
                }
            default: try reader.skip()
            }
        }
        guard schema == ErasureReceipt.schema else { throw BadRequest("schema", "must be \(ErasureReceipt.schema)") }
        self = receipt
    }
}

extension ErasureReceipt.Rewriting {
    fileprivate init(reading reader: inout JSONReader) throws(BadRequest) {
        let nothing = ErasureReceipt.Content(events: 0, sha256: "")
        var found = Self(day: Day(number: 0), events: 0, segments: 0, before: nothing, after: nothing)
        try reader.object { (key, reader) throws(BadRequest) in
            switch key {
            case "day": found.day = try reader.parsed("day") { Day($0) }
            case "events": found.events = try reader.count()
            case "segments": found.segments = try reader.count()
            case "before": found.before = try ErasureReceipt.Content(reading: &reader)
            case "after": found.after = try ErasureReceipt.Content(reading: &reader)
            default: try reader.skip()
            }
        }
        self = found
    }
}

extension ErasureReceipt.Content {
    fileprivate init(reading reader: inout JSONReader) throws(BadRequest) {
        var found = Self(events: 0, sha256: "")
        try reader.object { (key, reader) throws(BadRequest) in
            switch key {
            case "events": found.events = UInt64(try reader.count())
            case "content_sha256": found.sha256 = try reader.string(bytesMax: Limits.nameBytesMax)
            default: try reader.skip()
            }
        }
        self = found
    }
}

extension ErasureReceipt.Completion {
    fileprivate init(reading reader: inout JSONReader) throws(BadRequest) {
        var found = Self(entry: 0, at: Instant(milliseconds: 0), events: 0, partitions: 0)
        try reader.object { (key, reader) throws(BadRequest) in
            switch key {
            case "entry": found.entry = RecordNumber(try reader.count(max: Int(RecordNumber.max)))
            case "at": found.at = try reader.parsed("at") { Instant(rfc3339: $0) }
            case "events": found.events = try reader.count()
            case "partitions": found.partitions = try reader.count()
            default: try reader.skip()
            }
        }
        self = found
    }
}

extension JSONReader {
    /// A whole number from 0.
    fileprivate mutating func count(max: Int = 1 << 53) throws(BadRequest) -> Int {
        guard let count = Int(exactly: try number()), (0...max).contains(count) else {
            throw BadRequest("", "holds a number that is no count")
        }
        return count
    }

    /// A value from its text.
    fileprivate mutating func parsed<Value>(
        _ name: String, _ value: (String) -> Value?
    ) throws(BadRequest) -> Value {
        guard let value = value(try string(bytesMax: Limits.nameBytesMax)) else {
            throw BadRequest(name, "is none that a receipt can have")
        }
        return value
    }
}

/// A value of a member that is written in a row with others.
private enum Scalar {
    case integer(Int)
    case string(String)
}

extension JSONWriter {
    fileprivate mutating func members(_ members: (name: String, value: Scalar)...) {
        object { json in
            for (name, value) in members {
                json.key(name)
                switch value {
                case .integer(let value): json.integer(value)
                case .string(let value): json.string(value)
                }
            }
        }
    }
}
