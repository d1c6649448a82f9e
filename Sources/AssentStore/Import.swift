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
        let state = try partition.content()
        let new = try imported.withLock { (keys) throws(StoreError) in
            if !keys.knows(site, day, state) {
                keys.begin(site, day, try partition.segments(ImportKeys.columns))
                keys.remember(site, day, state)
            }
            return arrivals.map { keys.unseen($0, site, day) }.filter { $0.count > 0 }
        }
        guard !new.isEmpty else { return 0 }
        do throws(StoreError) {
            let stored = try partition.add(new, through: nil)
            let content = try partition.content()
            imported.withLock { $0.remember(site, day, content) }
            return stored
        } catch {
            imported.withLock { $0.forget(site, day) }
            throw error
        }
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

/// What imports recognise a held event by: visitor, time, kind, page and name as one 64-bit hash, a set for each day.
///
/// A set is filled from the partition when a day is first met and holds as long as nobody else adds to the partition;
/// beyond ``Limits/importKeysMax`` all are forgotten and filled again when they are needed.
struct ImportKeys {
    /// What a key is made of.
    static let columns: ColumnSet = [.order, .kinds, .pages, .names]

    private struct Key: Hashable {
        var site: String
        var day: Day
    }

    private var sets: [Key: (content: ContentHash, hashes: Set<UInt64>)] = [:]

    /// Whether the day's set is that of the partition as it is.
    func knows(_ site: String, _ day: Day, _ content: ContentHash) -> Bool {
        sets[Key(site: site, day: day)]?.content == content
    }

    /// Fills a day's set with what its partition holds.
    mutating func begin(_ site: String, _ day: Day, _ held: [EventColumns]) {
        if sets.values.reduce(0, { $0 + $1.hashes.count }) > Limits.importKeysMax { sets = [:] }
        var hashes: Set<UInt64> = []
        hashes.reserveCapacity(held.reduce(0) { $0 + $1.count })
        for columns in held {
            let hashing = KeyHashing(columns)
            for event in 0..<columns.count { hashes.insert(hashing.hash(event)) }
        }
        sets[Key(site: site, day: day)] = (ContentHash(), hashes)
    }

    /// Those events that the day's set does not have, which has them then.
    mutating func unseen(_ columns: EventColumns, _ site: String, _ day: Day) -> EventColumns {
        let hashing = KeyHashing(columns)
        let key = Key(site: site, day: day)
        let kept = (0..<columns.count).filter { sets[key]?.hashes.insert(hashing.hash($0)).inserted == true }
        return kept.count == columns.count ? columns : columns.selecting(kept)
    }

    /// Says which content the set stands for.
    mutating func remember(_ site: String, _ day: Day, _ content: ContentHash) {
        sets[Key(site: site, day: day)]?.content = content
    }

    /// Drops a set that holds more than was stored.
    mutating func forget(_ site: String, _ day: Day) { sets[Key(site: site, day: day)] = nil }
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
