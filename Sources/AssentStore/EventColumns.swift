public import AssentCore
internal import Glibc

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
    public var ids: [String] = []
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

    /// The events of one batch, put in order of visitor, then time, then their place in `events`.
    public init(_ events: [Event]) {
        // Keys of their own, so that sorting moves no texts about.
        let order = events.enumerated().map { (visitor: $1.visitor, time: $1.time.milliseconds, index: $0) }.sorted {
            ($0.visitor, $0.time, $0.index) < ($1.visitor, $1.time, $1.index)
        }
        var interning = Interning()
        count = events.count
        for place in order {
            let event = events[place.index]
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
    }

    /// Bytes of UTF-8 in all texts of an event.
    func textBytes(of event: Int) -> Int {
        let (page, client) = (pages[event], clients[event])
        return page.host.utf8.count + page.path.utf8.count + page.query.utf8.count + page.fragment.utf8.count
            + titles[event].utf8.count + referrers[event].host.utf8.count + locales[event].utf8.count
            + countries[event].utf8.count + client.browser.utf8.count + client.system.utf8.count
            + names[event].utf8.count + targets[event].utf8.count + (ids.isEmpty ? 0 : ids[event].utf8.count)
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

/// Which columns a reader wants; the others are not inflated.
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

/// A value of which each byte of text counts.
///
/// `String` takes texts as equal that are so as characters, such as an é of one scalar and one of two. What is stored
/// must come back byte for byte, since hashes are taken over it.
protocol ByteIdentified: Sendable {
    func isSame(as other: Self) -> Bool
    func feed(_ hasher: inout Hasher)
}

extension String: ByteIdentified {
    func isSame(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        let isSame = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return true }
                return memcmp(left, right, utf8.count) == 0
            }
        }
        return (isSame ?? nil) ?? utf8.elementsEqual(other.utf8)
    }

    func feed(_ hasher: inout Hasher) {
        hasher.combine(utf8.count)
        var text = self
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension Page: ByteIdentified {
    func isSame(as other: Page) -> Bool {
        path.isSame(as: other.path) && query.isSame(as: other.query) && fragment.isSame(as: other.fragment)
            && host.isSame(as: other.host)
    }

    func feed(_ hasher: inout Hasher) {
        host.feed(&hasher)
        path.feed(&hasher)
        query.feed(&hasher)
        fragment.feed(&hasher)
    }
}

extension Referrer: ByteIdentified {
    func isSame(as other: Referrer) -> Bool { pathClass == other.pathClass && host.isSame(as: other.host) }

    func feed(_ hasher: inout Hasher) {
        hasher.combine(pathClass)
        host.feed(&hasher)
    }
}

extension Client: ByteIdentified {
    func isSame(as other: Client) -> Bool {
        device == other.device && browser.isSame(as: other.browser) && system.isSame(as: other.system)
    }

    func feed(_ hasher: inout Hasher) {
        hasher.combine(device)
        browser.feed(&hasher)
        system.feed(&hasher)
    }
}

/// Dictionaries that turn repeated values into indices while columns are built.
struct Interning {
    private struct Key<Value: ByteIdentified>: Hashable {
        let value: Value

        static func == (left: Key, right: Key) -> Bool { left.value.isSame(as: right.value) }
        func hash(into hasher: inout Hasher) { value.feed(&hasher) }
    }

    struct Table<Value: ByteIdentified> {
        private var known: [Key<Value>: UInt32] = [:]

        mutating func index(of value: Value, in values: inout [Value]) -> UInt32 {
            let key = Key(value: value)
            if let index = known[key] { return index }
            let index = UInt32(values.count)
            known[key] = index
            values.append(value)
            return index
        }
    }

    var pages = Table<Page>()
    var titles = Table<String>()
    var referrers = Table<Referrer>()
    var locales = Table<String>()
    var countries = Table<String>()
    var clients = Table<Client>()
    var names = Table<String>()
    var targets = Table<String>()
}
