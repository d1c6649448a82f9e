public import AssentCore
internal import Synchronization

/// Events of an import that wait to be stored: by day and column by column, so that a hundred thousand of them take a
/// tenth of the memory that as many ``Event`` would.
public struct ImportBatch: Sendable {
    /// Events of one day in the order in which they came, each with its visitor's place in ``visitors`` plus one in
    /// place of a number.
    fileprivate struct DayEvents: Sendable {
        private(set) var columns = EventColumns()
        private var interning = Interning()

        mutating func append(_ event: Event) { columns.append(event, &interning) }
    }

    fileprivate private(set) var days: [Day: DayEvents] = [:]
    fileprivate private(set) var visitors: [VisitorID] = []
    private var places: [VisitorID: VisitorNumber] = [:]
    /// How many events.
    public private(set) var count = 0

    /// No events.
    public init() {}

    /// Adds an event that the gate has admitted with the number 0.
    public mutating func add(_ event: consuming ConsentedEvent, of visitor: VisitorID) {
        let place: VisitorNumber
        if let known = places[visitor] {
            place = known
        } else {
            visitors.append(visitor)
            place = VisitorNumber(visitors.count)
            places[visitor] = place
        }
        let event = event.numbered(place).event
        days[event.time.day, default: DayEvents()].append(event)
        count += 1
    }
}

extension Store {
    /// Numbers for imported visitors, given where they are new. 0 for one that was erased and must not come back.
    public func numbers(of visitors: [VisitorID], site: String) throws(StoreError) -> [VisitorNumber] {
        try withLedger { (ledger) throws(StoreError) in
            try ledger.transaction { () throws(StoreError) in
                try ledger.numbers(importing: visitors, site: site)
            }
        }
    }

    /// Stores imported events straight into partitions, durable when it returns, leaving out those that agree in
    /// visitor, time, kind, URL and name with one that is held or came before, those of visitors who have withdrawn, and
    /// those from before a visitor had everything erased.
    /// - Parameter batches: in the order in which their events came. New visitors are numbered in it, so that the numbers
    ///   follow from the lines alone.
    /// - Returns: how many were stored.
    public func importEvents(_ batches: [ImportBatch], site: String, at now: Instant) throws(StoreError) -> Int {
        try drain(at: now)
        // All in one transaction.
        var rest = try numbers(of: batches.flatMap(\.visitors), site: site)[...]
        var numbers: [[VisitorNumber]] = []
        for batch in batches {
            numbers.append(Array(rest.prefix(batch.visitors.count)))
            rest = rest.dropFirst(batch.visitors.count)
        }
        return try partitions.withLock { (_) throws(StoreError) in
            // Judged under the lock, so that the drain that finishes an erasure comes before or after, never in between.
            let standings = standings(site: site)
            let days = Set(batches.flatMap(\.days.keys)).sorted()
            var stored = 0
            for day in days {
                var arrivals: [EventColumns] = []
                for (batch, numbers) in zip(batches, numbers) {
                    guard let events = batch.days[day]?.columns else { continue }
                    arrivals.append(events.numbered(numbers, standings))
                }
                stored += try importDay(arrivals, site, day)
            }
            return stored
        }
    }

    /// Stores what is new of a day's events.
    private func importDay(_ arrivals: [EventColumns], _ site: String, _ day: Day) throws(StoreError) -> Int {
        let partition = try partition(site, day)
        let new = try ImportKeys.new(of: arrivals, in: partition)
        return new.isEmpty ? 0 : try partition.add(new, through: nil)
    }
}

extension EventColumns {
    /// Under the numbers of their visitors; `numbers` has one for each place of an ``ImportBatch``.
    /// - Parameter standings: whose events are left out.
    fileprivate func numbered(_ numbers: [VisitorNumber], _ standings: Standings) -> EventColumns {
        var gone: Set<VisitorNumber> = [0]
        if standings.hasAnyOver { gone.formUnion(numbers.filter(standings.isOver)) }
        let erased = standings.erasures(of: numbers).mapValues(\.milliseconds)
        var columns = self
        for event in 0..<count { columns.visitors[event] = numbers[Int(visitors[event]) - 1] }
        let kept = (0..<count).filter { event in
            let visitor = columns.visitors[event]
            return !gone.contains(visitor) && erased[visitor].map { columns.times[event] >= $0 } != false
        }
        return kept.count == count ? columns : columns.selecting(kept)
    }
}

/// What imports recognise a held event by: visitor, time, kind, page and name as one 64-bit hash.
///
/// Memory has the hashes of what arrives, never those of what is held: segments are read that can hold any of it, one at a
/// time. An import in order of time, or of visitors, meets few of them.
enum ImportKeys {
    /// What a key is made of.
    private static let columns: ColumnSet = [.order, .kinds, .pages, .names]

    /// Those events of a day of which none is held and none came before that agrees with them.
    /// - Throws: ``StoreError`` if a segment that may hold one is damaged.
    static func new(of arrivals: [EventColumns], in partition: Partition) throws(StoreError) -> [EventColumns] {
        let keys = arrivals.map { columns in
            let hashing = KeyHashing(columns)
            return (0..<columns.count).map(hashing.hash)
        }
        var left = Set(keys.joined())
        guard let visitors = range(arrivals.map(\.visitors)), let times = range(arrivals.map(\.times)) else {
            return []
        }
        for segment in try partition.segments()
        where times.overlaps(segment.firstTime...segment.lastTime)
            && visitors.overlaps(segment.firstVisitor...segment.lastVisitor)
        {
            let held = try partition.read(segment, columns)
            let hashing = KeyHashing(held)
            for event in 0..<held.count { left.remove(hashing.hash(event)) }
        }
        return zip(arrivals, keys).map { columns, keys in
            let kept = keys.indices.filter { left.remove(keys[$0]) != nil }
            return kept.count == columns.count ? columns : columns.selecting(kept)
        }.filter { $0.count > 0 }
    }

    private static func range<Value: Comparable>(_ columns: [[Value]]) -> ClosedRange<Value>? {
        let bounds = columns.flatMap { [$0.min(), $0.max()].compactMap(\.self) }
        guard let least = bounds.min(), let greatest = bounds.max() else { return nil }
        return least...greatest
    }
}

/// Hashes of what events are recognised by; that of a page or name is taken once for all events that have it.
private struct KeyHashing {
    private let columns: EventColumns
    private let pages: [UInt64]
    private let names: [UInt64]

    init(_ columns: EventColumns) {
        func hashes<Value: ByteIdentified>(_ column: EventColumns.Interned<Value>) -> [UInt64] {
            column.values.map { value in
                var hasher = TextHasher()
                value.feed(&hasher)
                return hasher.value
            }
        }
        self.columns = columns
        pages = hashes(columns.pages)
        names = hashes(columns.names)
    }

    func hash(_ event: Int) -> UInt64 {
        var hasher = TextHasher()
        hasher.feed(UInt64(columns.visitors[event]) << 8 | UInt64(columns.kinds[event]))
        hasher.feed(UInt64(bitPattern: columns.times[event]))
        hasher.feed(pages[Int(columns.pages.indices[event])])
        hasher.feed(names[Int(columns.names.indices[event])])
        return hasher.value
    }
}
