public import AssentCore

/// Events column by column: what a segment holds once it is decoded, and what a report reads.
///
/// Events stand in the order of visitor, then time, then arrival. A column that was not asked for is empty.
public struct EventColumns: Sendable, Equatable {
    /// Distinct values in order of their first use, and for each event the index of its own.
    public struct Interned<Value: Hashable & Sendable>: Sendable, Equatable {
        /// Distinct values.
        public var values: [Value] = []
        /// One index into ``values`` for each event.
        public var indices: [UInt32] = []

        /// No events.
        public init() {}

        /// The value of an event.
        public subscript(event: Int) -> Value { values[Int(indices[event])] }
    }

    /// Number of events.
    public var count = 0
    /// Who, ascending.
    public var visitors: [VisitorNumber] = []
    /// Milliseconds since 1970, ascending within a visitor.
    public var times: [Int64] = []
    /// Consent records.
    public var records: [RecordNumber] = []
    /// Kinds as ``Event/Kind`` raw values.
    public var kinds: [UInt8] = []
    /// Event ids; empty in a sealed partition.
    public var ids = Texts()
    /// Pages.
    public var pages = Interned<Page>()
    /// Titles.
    public var titles = Interned<String>()
    /// Referrers.
    public var referrers = Interned<Referrer>()
    /// Locales.
    public var locales = Interned<String>()
    /// Countries.
    public var countries = Interned<String>()
    /// Families of device, browser and system.
    public var clients = Interned<Client>()
    /// Names of actions.
    public var names = Interned<String>()
    /// Targets of actions.
    public var targets = Interned<String>()
    /// Engaged time in milliseconds.
    public var engaged: [UInt32] = []
    /// Scroll in percent, or ``Event/noScroll``.
    public var scrolls: [UInt8] = []

    /// No events.
    public init() {}

    /// Events put in order of visitor, then time, then their place in `events`.
    public init(_ events: [Event]) { self = EventColumns.arrived(events).inOrder() }

    /// Events in the order in which they arrived, until ``inOrder()`` has put them in that of a segment.
    static func arrived(_ events: some Sequence<Event>) -> EventColumns {
        var columns = EventColumns()
        var interning = Interning()
        for event in events { columns.append(event, &interning) }
        return columns
    }

    /// The same events in order of visitor, then time, then the place that they have now.
    func inOrder() -> EventColumns {
        let order = (0..<count).map { (visitor: visitors[$0], time: times[$0], index: $0) }.sorted {
            ($0.visitor, $0.time, $0.index) < ($1.visitor, $1.time, $1.index)
        }.map(\.index)
        return order.elementsEqual(0..<count) ? self : selecting(order)
    }

    /// Adds an event behind the others. `interning` is that of these columns.
    mutating func append(_ event: Event, _ interning: inout Interning) {
        count += 1
        visitors.append(event.visitor)
        times.append(event.time.milliseconds)
        records.append(event.record)
        kinds.append(event.kind.rawValue)
        ids.append(event.id)
        pages.indices.append(interning.pages.index(of: event.page, in: &pages.values))
        titles.indices.append(interning.titles.index(of: event.title, in: &titles.values))
        referrers.indices.append(interning.referrers.index(of: event.referrer, in: &referrers.values))
        locales.indices.append(interning.locales.index(of: event.locale, in: &locales.values))
        countries.indices.append(interning.countries.index(of: event.country, in: &countries.values))
        clients.indices.append(interning.clients.index(of: event.client, in: &clients.values))
        names.indices.append(interning.names.index(of: event.name, in: &names.values))
        targets.indices.append(interning.targets.index(of: event.target, in: &targets.values))
        engaged.append(event.engagedMilliseconds)
        scrolls.append(event.scroll)
    }

    /// What makes two events one, visitor and id, as one hash that is the same within this process; nil for an event without
    /// an id. That one of 65,536 events has the hash of another one of 20 million has a likelihood of 1 : 10⁷.
    func identity(of event: Int) -> UInt64? {
        var hasher = TextHasher()
        hasher.feed(UInt64(visitors[event]))
        return ids.feed(event, to: &hasher) ? hasher.value : nil
    }

    /// Bytes of UTF-8 in all texts of an event.
    func textBytes(of event: Int) -> Int {
        let (page, client) = (pages[event], clients[event])
        return page.host.utf8.count + page.path.utf8.count + page.query.utf8.count + page.fragment.utf8.count
            + titles[event].utf8.count + referrers[event].host.utf8.count + locales[event].utf8.count
            + countries[event].utf8.count + client.browser.utf8.count + client.system.utf8.count
            + names[event].utf8.count + targets[event].utf8.count + (ids.isEmpty ? 0 : ids.bytes(at: event).count)
    }

    /// The event at an index; every column must have been asked for (`ids` may be missing).
    public func event(at index: Int) -> Event {
        guard let kind = Event.Kind(rawValue: kinds[index]) else {
            preconditionFailure("kinds are checked when decoded")
        }
        return Event(
            id: ids.isEmpty ? "" : ids[index], time: Instant(milliseconds: times[index]), visitor: visitors[index],
            record: records[index], kind: kind, page: pages[index], title: titles[index], referrer: referrers[index],
            locale: locales[index], country: countries[index], client: clients[index], name: names[index],
            target: targets[index], engagedMilliseconds: engaged[index], scroll: scrolls[index])
    }
}

/// Many short texts in one buffer, so that none of them is an allocation of its own.
public struct Texts: Sendable, Equatable, RandomAccessCollection {
    private var bytes: [UInt8] = []
    /// Where each text ends; it begins where the one before ends.
    private var ends: [UInt32] = []

    /// No texts.
    public init() {}

    /// Where the first text stands.
    public var startIndex: Int { 0 }
    /// How many texts there are.
    public var endIndex: Int { ends.count }

    /// The text at an index. Cost: a copy of its bytes.
    public subscript(index: Int) -> String { String(decoding: bytes(at: index), as: UTF8.self) }

    /// The UTF-8 of the text at an index.
    func bytes(at index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])] }

    /// Feeds the text at an index to a hash.
    /// - Returns: false for an empty one.
    func feed(_ index: Int, to hasher: inout TextHasher) -> Bool {
        let range = (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
        bytes.withUnsafeBytes { hasher.feed(UnsafeRawBufferPointer(rebasing: $0[range])) }
        return !range.isEmpty
    }

    mutating func reserve(texts: Int, bytes: Int) {
        ends.reserveCapacity(texts)
        self.bytes.reserveCapacity(bytes)
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        ends.append(UInt32(bytes.count))
    }

    /// Adds a text by its UTF-8, which must be valid.
    mutating func append(utf8: ArraySlice<UInt8>) {
        bytes.append(contentsOf: utf8)
        ends.append(UInt32(bytes.count))
    }
}

/// Which columns a reader wants; the others are not inflated. Visitors are always among them.
public struct ColumnSet: OptionSet, Sendable {
    /// One bit for each column.
    public let rawValue: UInt32
    /// The set with these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Visitors and times.
    public static let order = ColumnSet(rawValue: 1 << 0)
    /// Consent records.
    public static let records = ColumnSet(rawValue: 1 << 1)
    /// Kinds.
    public static let kinds = ColumnSet(rawValue: 1 << 2)
    /// Event ids.
    public static let ids = ColumnSet(rawValue: 1 << 3)
    /// Pages.
    public static let pages = ColumnSet(rawValue: 1 << 4)
    /// Titles.
    public static let titles = ColumnSet(rawValue: 1 << 5)
    /// Referrers.
    public static let referrers = ColumnSet(rawValue: 1 << 6)
    /// Locales.
    public static let locales = ColumnSet(rawValue: 1 << 7)
    /// Countries.
    public static let countries = ColumnSet(rawValue: 1 << 8)
    /// Families of device, browser and system.
    public static let clients = ColumnSet(rawValue: 1 << 9)
    /// Names of actions.
    public static let names = ColumnSet(rawValue: 1 << 10)
    /// Targets of actions.
    public static let targets = ColumnSet(rawValue: 1 << 11)
    /// Engaged time.
    public static let engaged = ColumnSet(rawValue: 1 << 12)
    /// Scroll.
    public static let scrolls = ColumnSet(rawValue: 1 << 13)
    /// Every column.
    public static let all = ColumnSet(rawValue: (1 << 14) - 1)
}
