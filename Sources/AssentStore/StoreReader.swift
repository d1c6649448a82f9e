public import AssentCore

/// Reads a data directory beside a running collector, without its lock.
public struct StoreReader: Sendable {
    let directory: String

    /// A reader of a data directory.
    /// - Throws: ``StoreError`` if there is no data directory there.
    public init(directory: String) throws(StoreError) {
        self.directory = directory
        _ = try ledger()
    }

    /// The events of a site in `[from, to)`. Only the columns asked for are inflated. Journal first, then partitions,
    /// so that a drain in between loses and doubles nothing. Days are read on every processor.
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
        let asked = Set(try Partition.days(directory, site)).union(waiting.keys).filter(days.contains).sorted()
        let times = from.milliseconds..<to.milliseconds
        let read = concurrently(asked) { [waiting] day in
            self.day(day, of: site, in: times, columns, erased: erased, waiting: waiting[day] ?? [])
        }
        for result in read {
            let found = try result.get()
            period.segments += found.segments
            period.partitions += found.partitions
            period.damage += found.damage
        }
        return period
    }

    /// The events of one UTC day, what is damaged left out and named.
    private func day(
        _ day: Day, of site: String, in times: Range<Int64>, _ columns: ColumnSet, erased: Set<VisitorNumber>,
        waiting: [(number: Int64, event: Event)]
    ) -> Result<PeriodEvents, StoreError> {
        var found = PeriodEvents()
        do throws(StoreError) {
            // It may have come into being since the days were listed.
            let partition = try partition(site, day)
            let reading =
                try partition?.read(times, columns, erased: erased, waiting: waiting) { (damage) in
                    found.damage.append(damage.description)
                } ?? Partition.Reading(waiting: waiting.map(\.event), in: times)
            found.segments = reading.segments
            found.partitions = [
                PartitionState(
                    day: day, isSealed: reading.isSealed, events: reading.content.count,
                    contentSHA256: reading.content.text)
            ]
        } catch  where error.kind == .damaged {
            found.damage.append(error.description)
        } catch {
            return .failure(error)
        }
        return .success(found)
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

    /// How many events of a site each minute of a UTC day has, at most: copies and erased ones count too, what is damaged
    /// does not. Memory holds one segment.
    public func eventsByMinute(site: String, day: Day) throws(StoreError) -> [Int] {
        var counts = [Int](repeating: 0, count: 24 * 60)
        func count(_ time: Int64) { counts[Int(time - day.start.milliseconds) / 60_000] += 1 }
        try journal(site, damaged: { _ in }) { _, events in
            for event in events where event.time.day == day { count(event.time.milliseconds) }
        }
        do throws(StoreError) {
            let times = day.start.milliseconds..<day.advanced(by: 1).start.milliseconds
            try partition(site, day)?.times { for time in $0 where times.contains(time) { count(time) } }
        } catch  where error.kind == .damaged {
            // Whoever reads the events will say so.
        }
        return counts
    }

    /// The ledger, to be read.
    func ledger() throws(StoreError) -> SQLite {
        let path = "\(directory)/ledger.sqlite"
        do throws(StoreError) {
            let database = try SQLite(path, .read)
            try Format.ledger.check(database)
            return database
        } catch  where error.kind == .missing {
            throw StoreError(
                .missing, "There is no data in \(directory): start the collector there first, or name another --data.")
        }
    }

    /// A partition, to be read; nil if there is none.
    func partition(_ site: String, _ day: Day) throws(StoreError) -> Partition? {
        do throws(StoreError) {
            return try Partition(directory: directory, site: site, day: day, .read)
        } catch  where error.kind == .missing {
            return nil
        }
    }

    /// Hands over what waits in the journal of a site, or of one visitor of it.
    func journal(
        _ site: String, _ visitor: VisitorNumber? = nil, damaged: (String) -> Void, each: (Int64, [Event]) -> Void
    ) throws(StoreError) {
        let path = "\(directory)/journal.sqlite"
        let database: SQLite
        do throws(StoreError) {
            database = try SQLite(path, .read)
            try Format.journal.check(database)
        } catch  where error.kind == .missing {
            return
        }
        try Journal.events(database, 1...Int64.max, of: site, visitor, damaged: { damaged($1) }) { number, _, events in
            each(number, events)
        }
    }
}
