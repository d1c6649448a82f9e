import AssentCore
import AssentStore
import Support
import Testing

/// What is stored is read again, whatever file it lies in.
@Suite struct StoreTests {
    static let now = Samples.monday.advanced(by: 1).start

    static func open(_ directory: TemporaryDirectory) throws -> Store {
        try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: now)
    }

    static func read(_ directory: TemporaryDirectory, _ columns: ColumnSet = .all) throws -> PeriodEvents {
        try StoreReader(directory: directory.path).events(
            site: "coalition", from: Samples.monday.start, to: Samples.monday.advanced(by: 3).start, columns: columns)
    }

    static func sorted(_ period: PeriodEvents) -> [String] {
        period.segments.flatMap { columns in (0..<columns.count).map { "\(columns.event(at: $0))" } }.sorted()
    }

    @Test("Events are read back from the journal, from partitions, and from both")
    func journalAndPartitions() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        var events: [ConsentedEvent] = []
        for round in 0..<6 {
            let more = try Samples.events(
                300, visitors: 1...40, day: Samples.monday.advanced(by: round % 2), seed: UInt64(round))
            _ = try store.append([EventBatch(site: "coalition", events: more)])
            events += more
            if round != 0, round != 5 { try store.drain(at: Self.now) }
            let period = try Self.read(directory)
            #expect(Self.sorted(period) == events.map { "\($0.event)" }.sorted())
            #expect(period.damage.isEmpty)
            #expect(period.partitions.reduce(0) { $0 + $1.events } == UInt64(events.count))
        }
        let before = try Self.read(directory).partitions
        try store.close(at: Self.now)
        #expect(try Self.read(directory).partitions == before, "the content is the same wherever it lies")
    }

    @Test("A withdrawal with erasure hides events at once and removes their bytes with the next drain")
    func erasure() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let consent = NewConsent(
            site: "coalition", notice: Samples.notices[0], act: "click", source: "banner", at: Self.now,
            day: Samples.monday)
        guard case .granted(let record) = try store.commit([.grant(consent)])[0] else {
            Issue.record("no record")
            return
        }
        #expect(record.visitor == 1)
        let events = try Samples.events(500, visitors: 1...5, seed: 1)
        _ = try store.append([EventBatch(site: "coalition", events: Array(events[..<250]))])
        try store.drain(at: Self.now)
        _ = try store.append([EventBatch(site: "coalition", events: Array(events[250...]))])
        let own = events.count { $0.event.visitor == 1 }
        let request = LedgerRequest.withdraw(
            site: "coalition", visitor: 1, erase: true, at: Self.now, day: Samples.monday)
        guard case .withdrawn(let withdrawal) = try store.commit([request])[0] else {
            Issue.record("no withdrawal")
            return
        }
        #expect(withdrawal.events == own && withdrawal.partitions == 1)
        let left = events.filter { $0.event.visitor != 1 }.map { "\($0.event)" }.sorted()
        #expect(try Self.sorted(Self.read(directory)) == left)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        try store.drain(at: Self.now)
        #expect(try Set(Self.sorted(Self.read(directory))) == Set(left))
        #expect(try directory.files(containing: record.visitorID.bytes).isEmpty)
        guard case .withdrawn(let again) = try store.commit([request])[0] else { return }
        #expect(again.events == 0 && again.partitions == 0)
    }

    @Test("Importing twice stores nothing twice")
    func importTwice() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let events = try Samples.events(2_000, visitors: 1...50, seed: 3)
        let stored = try store.importEvents([Samples.importBatch(events)], site: "coalition", at: Self.now)
        #expect(try store.importEvents([Samples.importBatch(events)], site: "coalition", at: Self.now) == 0)
        try store.close(at: Self.now)
        let reopened = try Self.open(directory)
        #expect(try reopened.importEvents([Samples.importBatch(events)], site: "coalition", at: Self.now) == 0)
        #expect(try Self.read(directory, .order).segments.reduce(0) { $0 + $1.count } == stored)
    }
}
