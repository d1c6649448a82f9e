import AssentCore
import Support
import Testing

@testable import AssentStore

/// An event that comes twice is stored and counted once, whatever lies between its copies.
@Suite struct DuplicateTests {
    static let now = Samples.monday.advanced(by: 1).start

    static func open(_ directory: TemporaryDirectory) throws -> Store {
        try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: now)
    }

    static func read(_ directory: TemporaryDirectory, from: Int64 = 0, to: Int64 = Day.milliseconds) throws
        -> PeriodEvents
    {
        let start = Samples.monday.start
        return try StoreReader(directory: directory.path).events(
            site: "coalition", from: start.advanced(by: from), to: start.advanced(by: to), columns: .all)
    }

    @Test func `copies in one batch, in the journal, across drains and across segments are one event, the first`()
        throws
    {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let events = try Samples.events(300, visitors: 1...4, seed: 1)
        // The copy of a retry differs in its time, by what its age was off.
        let copies = try events.map { event in
            var copy = event.event
            copy.time = Samples.monday.start.advanced(by: (copy.time.milliseconds + 40_000_000) % Day.milliseconds)
            return try Samples.consented(copy)
        }
        let expected = events.map { "\($0.event)" }.sorted()
        func append(_ events: [ConsentedEvent]) throws {
            _ = try store.append([EventBatch(site: "coalition", events: events)])
            #expect(ErasureTests.texts(try Self.read(directory)) == expected)
        }
        try append(events + copies)
        let state = try Self.read(directory).partitions
        try append(copies)
        for _ in 0..<3 {
            try store.drain(at: Self.now)
            #expect(ErasureTests.texts(try Self.read(directory)) == expected)
            try append(copies.reversed())
            #expect(try Self.read(directory).partitions == state)
        }
        // Out of the asked time, the first copy still counts.
        for (from, to) in [(0, 30_000_000), (30_000_000, Day.milliseconds)] as [(Int64, Int64)] {
            let times = (from..<to)
            let inTime = events.filter {
                times.contains($0.event.time.milliseconds - Samples.monday.start.milliseconds)
            }
            let found = try Self.read(directory, from: from, to: to)
            #expect(ErasureTests.texts(found) == inTime.map { "\($0.event)" }.sorted())
        }
    }

    @Test func `the same id of another visitor or site is another event`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        var generator = SeededGenerator(seed: 1)
        let events = try (1...3).map { visitor in
            try Samples.consented(
                Samples.event(
                    id: "the-same-id", visitors: VisitorNumber(visitor)...VisitorNumber(visitor), using: &generator))
        }
        _ = try store.append(["coalition", "second"].map { EventBatch(site: $0, events: events) })
        try store.drain(at: Self.now)
        for site in ["coalition", "second"] {
            let period = try StoreReader(directory: directory.path).events(
                site: site, from: Samples.monday.start, to: Self.now, columns: .order)
            #expect(period.segments.reduce(0) { $0 + $1.count } == 3)
        }
    }

    @Test func `a stop and a start leave a long journal as it is, and what is in it is there once`() throws {
        let directory = try TemporaryDirectory()
        var store = try Self.open(directory)
        let events = try Samples.events(300, visitors: 1...4, seed: 1)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        try store.close(at: Self.now, draining: 299)
        store = try Store.open(
            directory: directory.path, key: Samples.key, durability: .process, now: Self.now, draining: 299)
        #expect(store.waiting.events == 300)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        for _ in 0..<2 {
            #expect(ErasureTests.texts(try Self.read(directory)) == events.map { "\($0.event)" }.sorted())
            try store.drain(at: Self.now)
        }
        #expect(store.waiting.events == 0)
    }

    @Test func `who is in a hurry ends a drain after a portion, and the next one goes on there`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let row = Limits.segmentEventsMax / 2 + 1
        for seed in 1...3 {
            let events = try Samples.events(row, visitors: 1...4, seed: UInt64(seed))
            _ = try store.append([EventBatch(site: "coalition", events: events)])
        }
        store.hurry()
        for left in [row, 0] {
            try store.drain(at: Self.now)
            #expect(store.waiting.events == left)
            #expect(try Self.read(directory).segments.reduce(0) { $0 + $1.count } == 3 * row)
        }
    }

    @Test("Ids of two days back are known after a restart, also those that wait in the journal", arguments: [0, 20])
    func restart(draining: Int) throws {
        let directory = try TemporaryDirectory()
        let events = try Samples.events(20, visitors: 1...4, day: Samples.monday.advanced(by: -1), seed: 1)
        _ = try Self.open(directory).append([EventBatch(site: "coalition", events: events)])
        let store = try Store.open(
            directory: directory.path, key: Samples.key, durability: .process, now: Self.now, draining: draining)
        #expect(store.waiting.events == (draining < 20 ? 20 : 0) && store.needsDrain == (draining < 20))
        for event in events.map(\.event) {
            let hash = RecentIDs.hash(site: "coalition", visitor: event.visitor, id: event.id)
            #expect(!store.recentIDs.claim(hash, at: Self.now))
        }
        #expect(store.recentIDs.claim(RecentIDs.hash(site: "coalition", visitor: 1, id: "another-id"), at: Self.now))
        try store.drain(at: Self.now)
        #expect(store.waiting.events == 0)
    }
}
