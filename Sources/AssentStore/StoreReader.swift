public import AssentCore

/// Reads a data directory beside a running collector, without its lock.
public struct StoreReader: Sendable {
    private let directory: String

    /// A reader of a data directory.
    /// - Throws: ``StoreError`` if there is no data directory there.
    public init(directory: String) throws(StoreError) {
        self.directory = directory
        _ = try ledger()
    }

    /// The events of a site in `[from, to)`. Only the columns asked for are inflated. Journal first, then partitions,
    /// so that a drain in between loses and doubles nothing.
    public func events(
        site: String, from: Instant, to: Instant, columns: ColumnSet
    ) throws(StoreError) -> PeriodEvents {
        var period = PeriodEvents()
        guard from < to else { return period }
        let days = from.day...Instant(milliseconds: to.milliseconds - 1).day
        let erased = try Ledger.erased(try ledger(), site: site)
        var waiting: [Day: [(number: Int64, event: Event)]] = [:]
        try journal(site) { (damage) in
            period.damage.append(damage)
        } each: { number, events in
            for event in events where days.contains(event.time.day) && !erased.contains(event.visitor) {
                waiting[event.time.day, default: []].append((number, event))
            }
        }
        let existing = Set(try Partition.days(directory, site))
        var fromJournal: [EventColumns] = []
        for day in existing.union(waiting.keys).sorted() where days.contains(day) {
            var content = ContentHash()
            var isSealed = false
            var drainedThrough: Int64 = 0
            // It may have come into being since the days were listed.
            if existing.contains(day) || waiting[day] != nil, let partition = try partition(site, day) {
                try partition.snapshot { () throws(StoreError) in
                    content = try partition.content()
                    isSealed = try partition.isSealed()
                    drainedThrough = try partition.drainedThrough()
                    period.segments += try partition.segments(from: from, to: to, columns: columns, erased: erased) {
                        (damage) in
                        period.damage.append(damage.description)
                    }
                }
            }
            let rest = (waiting[day] ?? []).filter { $0.number > drainedThrough }.map(\.event)
            for event in rest { content.add(event) }
            let asked = rest.filter { $0.time >= from && $0.time < to }
            if !asked.isEmpty { fromJournal.append(EventColumns(asked)) }
            period.partitions.append(
                PartitionState(day: day, isSealed: isSealed, events: content.count, contentSHA256: content.text))
        }
        period.segments += fromJournal
        return period
    }

    /// Choices and refusals of local dates of a site.
    public func tallies(site: String, days: ClosedRange<Day>) throws(StoreError) -> ChoiceTallies {
        try Ledger.tallies(try ledger(), site: site, days: days)
    }

    /// Ids of all visitors of a site that were not erased.
    public func visitorIDs(site: String) throws(StoreError) -> [VisitorNumber: VisitorID] {
        try Ledger.visitorIDs(try ledger(), site: site)
    }

    /// UTC days of a site of which there are events, ascending, those in the journal included.
    public func days(site: String) throws(StoreError) -> [Day] {
        var days: Set<Day> = []
        try journal(site, damaged: { _ in }, each: { _, events in for event in events { days.insert(event.time.day) } })
        return days.union(try Partition.days(directory, site)).sorted()
    }

    private func ledger() throws(StoreError) -> SQLite {
        let path = "\(directory)/ledger.sqlite"
        do throws(StoreError) {
            let database = try SQLite(path, .read)
            try Format.check(database, path, Ledger.version)
            return database
        } catch  where error.kind == .missing {
            throw StoreError(
                .missing, "There is no data in \(directory): start the collector there first, or name another --data.")
        }
    }

    private func partition(_ site: String, _ day: Day) throws(StoreError) -> Partition? {
        do throws(StoreError) {
            return try Partition(directory: directory, site: site, day: day, .read)
        } catch  where error.kind == .missing {
            return nil
        }
    }

    private func journal(
        _ site: String, damaged: (String) -> Void, each: (Int64, [Event]) -> Void
    ) throws(StoreError) {
        let path = "\(directory)/journal.sqlite"
        let database: SQLite
        do throws(StoreError) {
            database = try SQLite(path, .read)
        } catch  where error.kind == .missing {
            return
        }
        try Format.check(database, path, Journal.version)
        try Journal.batches(database, 1...Int64.max, damaged: { damaged($1) }) { number, batches in
            for batch in batches where batch.site == site {
                guard let events = try? batch.events() else {
                    damaged("\(path), batch \(number): its rows are malformed.")
                    continue
                }
                each(number, events)
            }
        }
    }
}
