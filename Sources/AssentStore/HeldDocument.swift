internal import AssentCore

/// Everything that is held of one visitor as one JSON document, made piece by piece, so that neither many events nor a
/// slow reader take memory.
///
/// Between two pieces nothing is held, neither a file nor a snapshot. Events that come meanwhile may be in it or not; an
/// erasure ends it with an error.
public struct HeldDocument: Sendable {
    private enum Phase {
        case start
        case events
        case consents
        case end
    }

    private let held: Held
    private let schemes: [String: String]
    private var phase = Phase.start
    private var days: ArraySlice<Day> = []
    private var waiting: Set<Day> = []
    /// Of the first of the days: events before this time, and so many of it, are written.
    private var written = (through: Int64.min, count: 0)
    private var record: RecordNumber = 0
    /// Whether the array that is being written has a member.
    private var hasMember = false
    /// What is damaged and may hold more, in clauses.
    public private(set) var damage: [String] = []

    /// The document of what is held.
    public init(_ held: Held) {
        self.held = held
        schemes = held.site.schemes
    }

    /// Whether all of it is handed out.
    public var isAtEnd: Bool { phase == .end }

    /// The next piece, of ``Limits/heldPieceBytes`` at the least unless it is the last.
    /// - Throws: ``StoreError``, of kind `missing` if the visitor was erased meanwhile.
    public mutating func next() throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        while phase != .end, bytes.count < Limits.heldPieceBytes {
            switch phase {
            case .start: try start(&bytes)
            case .events: try writeEvents(&bytes)
            case .consents: try writeConsents(&bytes)
            case .end: break
            }
        }
        // What was read before an erasure came is not handed out after it.
        try held.checkStillHeld()
        return bytes
    }

    private mutating func start(_ bytes: inout [UInt8]) throws(StoreError) {
        (days, waiting) = { ($0.all[...], $0.waiting) }(try held.days())
        bytes += Array(#"{"site":"\#(held.site.id)","visitor":"\#(held.id.hex)","events":["#.utf8)
        phase = .events
    }

    private mutating func member(_ bytes: inout [UInt8], _ write: (inout JSONWriter) -> Void) {
        if hasMember { bytes.append(UInt8(ascii: ",")) }
        hasMember = true
        var json = JSONWriter(capacity: 512)
        write(&json)
        bytes += json.bytes
    }

    // MARK: Events

    private mutating func writeEvents(_ bytes: inout [UInt8]) throws(StoreError) {
        guard let day = days.first else {
            bytes += Array(#"],"consents":["#.utf8)
            (phase, hasMember) = (.consents, false)
            return
        }
        var clauses: [String] = []
        let segments = try held.events(day, .all, waits: waiting.contains(day)) { clauses.append($0) }
        for clause in clauses where !damage.contains(clause) { damage.append(clause) }

        var places: [(time: Int64, segment: Int, index: Int)] = []
        for (number, segment) in segments.enumerated() {
            for index in 0..<segment.count where segment.times[index] >= written.through {
                places.append((segment.times[index], number, index))
            }
        }
        places.sort { $0 < $1 }
        let rest = places.dropFirst(written.count)
        for place in rest.prefix(Limits.heldPieceEvents) {
            let event = segments[place.segment].event(at: place.index)
            let (id, scheme) = (held.id, schemes[event.page.host] ?? "https")
            member(&bytes) { EventLine.write(event, visitor: id, scheme: scheme, to: &$0) }
            written = (place.time, place.time == written.through ? written.count + 1 : 1)
        }
        if rest.count <= Limits.heldPieceEvents {
            days = days.dropFirst()
            written = (.min, 0)
        }
    }

    // MARK: The rest

    private mutating func writeConsents(_ bytes: inout [UInt8]) throws(StoreError) {
        let consents = try held.consents(after: record, atMost: Limits.heldPieceConsents)
        for consent in consents {
            member(&bytes) { $0.write(consent) }
            record = consent.number
        }
        guard consents.count < Limits.heldPieceConsents else { return }
        bytes += Array(#"],"purposes":"#.utf8)
        bytes += list(Site.purposes)
        bytes += Array(#","retention_days":\#(held.site.retentionDays),"recipients":[]"#.utf8)
        if !damage.isEmpty { bytes += Array(#","incomplete":"#.utf8) + list(damage) }
        bytes += Array("}\n".utf8)
        phase = .end
    }

    private func list(_ texts: [String]) -> [UInt8] {
        var json = JSONWriter()
        json.array { json in for text in texts { json.string(text) } }
        return json.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ consent: Held.Consent) {
        object { json in
            for (name, value) in [
                ("record", consent.record), ("at", consent.at.rfc3339), ("expires", consent.expires),
                ("act", consent.act), ("source", consent.source), ("locale", consent.locale),
                ("notice", consent.notice), ("notice_text", consent.text),
            ] {
                json.key(name)
                json.string(value)
            }
            json.key("gpc")
            json.boolean(consent.underGPC)
            json.key("dnt")
            json.boolean(consent.underDNT)
            json.key("withdrawn")
            json.string(consent.withdrawn?.rfc3339)
        }
    }
}
