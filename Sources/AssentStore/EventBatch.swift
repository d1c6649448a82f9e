public import AssentCore

/// Events of one site, encoded for the journal by whoever received them, so that the writer only joins bytes.
///
/// A row of an event is a count of bytes, then the visitor, then its other fields. The count lets a reader pass over
/// rows, and find those of one visitor, without decoding them.
public struct EventBatch: Sendable {
    /// The site's id.
    public let site: String
    /// How many events.
    public private(set) var count: Int
    /// The rows of the events.
    private(set) var rows: [UInt8]

    /// Bytes that the batch takes in the journal.
    public var byteCount: Int { rows.count + 64 }

    /// Encodes admitted events. Cost: one allocation.
    public init(site: String, events: [ConsentedEvent]) {
        self.site = site
        count = events.count
        // A span lends the events; an array would give a copy of each.
        let events = events.span
        var lengths = FieldLengths()
        for index in events.indices { lengths.writeRow(events[index].event) }
        rows = [UInt8](unsafeUninitializedCapacity: lengths.count) { room, filled in
            var writer = RoomWriter(room)
            for index in events.indices { writer.writeRow(events[index].event) }
            filled = writer.count
        }
    }

    /// Encodes events that passed the gate before: those of a batch that is written anew.
    init(site: String, unchecked events: some Collection<Event>) {
        self.site = site
        count = events.count
        var writer = ByteWriter()
        for event in events { writer.writeRow(event) }
        rows = writer.bytes
    }

    /// The same batch without the events of those visitors.
    func removing(_ isGone: (VisitorNumber) -> Bool) throws(ByteReader.Malformed) -> EventBatch {
        var reader = ByteReader(rows)
        var kept = ByteWriter(capacity: rows.count)
        var batch = self
        batch.count = 0
        while !reader.isAtEnd {
            let row = try reader.raw(try reader.count())
            var start = ByteReader(row)
            guard !isGone(try start.varint32()) else { continue }
            kept.varint(UInt(row.count))
            kept.raw(row)
            batch.count += 1
        }
        batch.rows = kept.bytes
        return batch
    }

    /// The events, decoded.
    func events() throws(ByteReader.Malformed) -> [Event] {
        var reader = ByteReader(rows)
        var events: [Event] = []
        while !reader.isAtEnd {
            var row = ByteReader(try reader.raw(try reader.count()))
            events.append(try row.event())
            guard row.isAtEnd else { throw ByteReader.Malformed() }
        }
        guard events.count == count else { throw ByteReader.Malformed() }
        return events
    }

    // MARK: Batches of one commit

    /// The bytes of a journal row: for each batch its site, count of events, count of bytes and rows.
    static func encode(_ batches: [EventBatch]) -> [UInt8] {
        var writer = ByteWriter(capacity: batches.reduce(0) { $0 + $1.byteCount })
        for batch in batches {
            writer.text(batch.site)
            writer.varint(UInt(batch.count))
            writer.varint(UInt(batch.rows.count))
            writer.raw(batch.rows)
        }
        return writer.bytes
    }

    /// The batches of a journal row.
    static func decode(_ bytes: [UInt8]) throws(ByteReader.Malformed) -> [EventBatch] {
        var reader = ByteReader(bytes)
        var batches: [EventBatch] = []
        while !reader.isAtEnd {
            let site = try reader.text()
            let count = try reader.count()
            let rows = try reader.raw(try reader.count())
            batches.append(EventBatch(site: site, count: count, rows: Array(rows)))
        }
        return batches
    }

    private init(site: String, count: Int, rows: [UInt8]) {
        self.site = site
        self.count = count
        self.rows = rows
    }
}

extension FieldWriter {
    /// A row of an event: how many bytes it has, and its fields.
    fileprivate mutating func writeRow(_ event: Event) {
        var length = FieldLengths()
        length.write(event)
        varint(UInt64(length.count))
        write(event)
    }

    /// The fields of an event in the order of the format, the empty ones too.
    mutating func write(_ event: Event) {
        varint(event.visitor)
        varint(event.record)
        zigzag(event.time.milliseconds)
        byte(event.kind.rawValue)
        text(event.id)
        writeContent(event)
    }

    /// What an event is about: all fields but who, when, what kind and the id.
    mutating func writeContent(_ event: Event) {
        write(event.page)
        text(event.title)
        write(event.referrer)
        text(event.locale)
        text(event.country)
        write(event.client)
        text(event.name)
        text(event.target)
        varint(event.engagedMilliseconds)
        byte(event.scroll)
    }

    mutating func write(_ page: Page) {
        text(page.host)
        text(page.path)
        text(page.query)
        text(page.fragment)
    }

    mutating func write(_ referrer: Referrer) {
        text(referrer.host)
        byte(referrer.pathClass.rawValue)
    }

    mutating func write(_ client: Client) {
        byte(client.device.rawValue)
        text(client.browser)
        text(client.system)
    }
}

extension Event {
    /// Whether it is a value of ``scroll``.
    static func isScroll(_ value: UInt8) -> Bool { value <= Limits.scrollPercentMax || value == noScroll }
}

extension ByteReader {
    mutating func event() throws(Malformed) -> Event {
        let visitor = try varint32()
        let record = try varint32()
        let time = try zigzag()
        guard visitor > 0, Limits.eventTimes.contains(time), let kind = Event.Kind(rawValue: try byte()) else {
            throw Malformed()
        }
        let id = try text()
        let page = Page(host: try text(), path: try text(), query: try text(), fragment: try text())
        let title = try text()
        let referrer = try referrer()
        let (locale, country) = (try text(), try text())
        let client = try client()
        let (name, target) = (try text(), try text())
        let engaged = try varint32()
        let scroll = try byte()
        guard Event.isScroll(scroll) else { throw Malformed() }
        return Event(
            id: id, time: Instant(milliseconds: time), visitor: visitor, record: record, kind: kind, page: page,
            title: title, referrer: referrer, locale: locale, country: country, client: client, name: name,
            target: target, engagedMilliseconds: engaged, scroll: scroll)
    }

    mutating func referrer() throws(Malformed) -> Referrer {
        let host = try text()
        guard let pathClass = Referrer.PathClass(rawValue: try byte()) else { throw Malformed() }
        return Referrer(host: host, pathClass: pathClass)
    }

    mutating func client() throws(Malformed) -> Client {
        guard let device = Client.Device(rawValue: try byte()) else { throw Malformed() }
        return Client(device: device, browser: try text(), system: try text())
    }
}
