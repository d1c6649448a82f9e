import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// A day that can get no more events is written once more, smaller, and says the same.
@Suite struct SealTests {
    /// The first millisecond at which Monday can get no more events.
    static let due = Samples.monday.advanced(by: 2).start.advanced(by: 1)
    static let monday = PartitionName(site: "coalition", day: Samples.monday)

    static func open(_ directory: TemporaryDirectory, at now: Instant = due) throws -> Store {
        try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: now)
    }

    static func append(_ count: Int, seed: UInt64, day: Day = Samples.monday, to store: Store) throws {
        let events = try Samples.events(count, visitors: 1...90, day: day, seed: seed)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
    }

    static func read(_ directory: TemporaryDirectory) throws -> PeriodEvents {
        try StoreReader(directory: directory.path).events(
            site: "coalition", from: Samples.monday.start, to: Samples.monday.advanced(by: 9).start, columns: .all)
    }

    /// Events without their ids, in the order of their texts.
    static func texts(_ period: PeriodEvents) -> [String] {
        period.segments.flatMap { columns in
            (0..<columns.count).map { place in
                var event = columns.event(at: place)
                event.id = ""
                return "\(event)"
            }
        }.sorted()
    }

    static func partition(_ directory: TemporaryDirectory) throws -> SQLite {
        try SQLite(Partition.path(directory.path, "coalition", Samples.monday), .read)
    }

    static func count(_ directory: TemporaryDirectory, _ query: String) throws -> Int64? {
        try partition(directory).first("SELECT \(query)") { $0.integer(0) }
    }

    @Test(
        "A day is sealed when an event of it would be too old, and not a millisecond before",
        arguments: [(0, false), (1, true)])
    func due(milliseconds: Int64, isSealed: Bool) throws {
        let directory = try TemporaryDirectory()
        let now = Samples.monday.advanced(by: 2).start.advanced(by: milliseconds)
        let store = try Self.open(directory, at: now)
        try Self.append(30, seed: 1, to: store)
        #expect(try store.seal(at: now).partitions == (isSealed ? [Self.monday] : []))
        #expect(try Self.read(directory).partitions.map(\.isSealed) == [isSealed])
    }

    @Test func `what a day says is the same after its seal, in one run, without ids, in fewer bytes`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        // Runs of more than half a segment are not joined when they are written.
        for seed in 1...2 {
            try Self.append(33_000, seed: UInt64(seed), to: store)
            try store.drain(at: Self.due)
        }
        #expect(try Self.count(directory, "count(DISTINCT run) FROM segment") == 2)
        let before = try Self.read(directory)
        let size = try Self.count(directory, "sum(length(bytes)) FROM stream") ?? 0
        #expect(try store.seal(at: Self.due).partitions == [Self.monday])

        let after = try Self.read(directory)
        #expect(after.partitions.map(\.contentSHA256) == before.partitions.map(\.contentSHA256))
        #expect(after.partitions.map(\.events) == [66_000])
        #expect(Self.texts(after) == Self.texts(before))
        #expect(after.segments.allSatisfy { $0.ids.isEmpty })
        #expect(try Self.count(directory, "count(DISTINCT run) FROM segment") == 1)
        #expect(try Self.count(directory, "count(*) FROM stream WHERE number & 31 = 5") == 0)
        #expect(try Self.count(directory, "sum(length(bytes)) FROM stream") ?? 0 < size)
        #expect(try store.seal(at: Self.due) == Upkeep(), "once is enough")
    }

    @Test func `what waits in the journal for the day is in it when it is sealed`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        try Self.append(30, seed: 1, to: store)
        #expect(store.waiting.events == 30)
        #expect(try store.seal(at: Self.due).partitions == [Self.monday])
        #expect(try Self.read(directory).partitions.map(\.events) == [30])
    }

    @Test func `an import for a sealed day opens it, stores only what is new, and the next seal closes it`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let events = try Samples.events(50, visitors: 1...9, day: Samples.monday, seed: 1)
        let distinct = try store.importEvents([Samples.importBatch(events)], site: "coalition", at: Self.due)
        try store.seal(at: Self.due)
        #expect(try store.importEvents([Samples.importBatch(events)], site: "coalition", at: Self.due) == 0)
        #expect(try Self.read(directory).partitions.map(\.isSealed) == [true])
        let more = try Samples.events(20, visitors: 100...109, day: Samples.monday, seed: 2)
        let added = try store.importEvents([Samples.importBatch(more)], site: "coalition", at: Self.due)
        #expect(try Self.read(directory).partitions.map(\.isSealed) == [false])
        let open = try Self.read(directory)
        #expect(try store.seal(at: Self.due).partitions == [Self.monday])
        let sealed = try Self.read(directory)
        #expect(sealed.partitions.map(\.events) == [UInt64(distinct + added)])
        #expect(sealed.partitions.map(\.contentSHA256) == open.partitions.map(\.contentSHA256))
        #expect(Self.texts(sealed) == Self.texts(open))
    }

    @Test func `an erasure in a day that an import has opened again keeps the others`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        _ = try ErasureTests.grant(store, count: 90)
        try Self.append(500, seed: 1, to: store)
        try store.seal(at: Self.due)
        // Too few to be joined with what is there.
        let more = try Samples.events(20, visitors: 1...90, day: Samples.monday, seed: 2)
        _ = try store.importEvents([Samples.importBatch(more)], site: "coalition", at: Self.due)
        let before = try Self.read(directory).segments.flatMap { columns in
            (0..<columns.count).map { columns.event(at: $0).visitor }
        }
        _ = try ErasureTests.withdraw(store, 7)
        #expect(try store.drain(at: Self.due).isEmpty)
        let after = try Self.read(directory)
        #expect(after.damage.isEmpty)
        #expect(after.segments.reduce(0) { $0 + $1.count } == before.count { $0 != 7 } && before.contains(7))
        #expect(try StoreReader(directory: directory.path).inspect { _ in }.faults.isEmpty)
    }

    @Test func `a copy of the files before and after each step of a seal says the same and is sealed by the next`()
        throws
    {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        try Self.append(500, seed: 1, to: store)
        try store.drain(at: Self.due)
        let expected = Self.texts(try Self.read(directory))
        var copies = [try directory.copy()]
        // A reader keeps the log from being moved into the file, as a kill right before would.
        let reader = try Self.partition(directory)
        try reader.run("BEGIN")
        _ = try reader.first("SELECT count(*) FROM segment") { $0.integer(0) }
        try store.seal(at: Self.due)
        copies.append(try directory.copy())
        try reader.run("COMMIT")
        for copy in copies {
            #expect(Self.texts(try Self.read(copy)) == expected)
            let reopened = try Self.open(copy)
            try reopened.seal(at: Self.due)
            try reopened.close(at: Self.due)
            let period = try Self.read(copy)
            #expect(Self.texts(period) == expected)
            #expect(period.partitions.map(\.isSealed) == [true])
        }
    }

    @Test func `a damaged day stays open and is named, and the others are sealed`() throws {
        let directory = try TemporaryDirectory()
        let now = Self.due.advanced(by: 86_400_000)
        let store = try Self.open(directory, at: now)
        try Self.append(50, seed: 1, to: store)
        try Self.append(50, seed: 2, day: Samples.monday.advanced(by: 1), to: store)
        try store.drain(at: now)
        let path = Partition.path(directory.path, "coalition", Samples.monday)
        try SQLite(path, .write(durable: false)).run("UPDATE stream SET crc=crc+1 WHERE number=1<<5|7")
        let upkeep = try store.seal(at: now)
        #expect(upkeep.partitions.map(\.day) == [Samples.monday.advanced(by: 1)])
        #expect(upkeep.damage.count == 1 && upkeep.damage[0].contains(path))
        #expect(try Self.read(directory).partitions.map(\.isSealed) == [false, true])
    }

    @Test func `a seal is narrowed by site and day, and goes on only as long as it may`() throws {
        let directory = try TemporaryDirectory()
        let now = Self.due.advanced(by: 86_400_000)
        let store = try Self.open(directory, at: now)
        let tuesday = Samples.monday.advanced(by: 1)
        try Self.append(5, seed: 1, to: store)
        try Self.append(5, seed: 2, day: tuesday, to: store)
        #expect(try store.seal(site: "second", at: now).partitions.isEmpty)
        #expect(try store.seal(at: now, while: { false }).partitions.isEmpty)
        #expect(try store.seal(site: "coalition", day: tuesday, at: now).partitions.map(\.day) == [tuesday])
        #expect(try store.seal(at: now).partitions == [Self.monday])
    }

    @Test(
        "A day goes when its retention has ended, and not a millisecond before", arguments: [(0, false), (1, true)])
    func retention(milliseconds: Int64, isGone: Bool) throws {
        let directory = try TemporaryDirectory()
        let now = Samples.monday.advanced(by: 31).start.advanced(by: milliseconds)
        let store = try Self.open(directory)
        try Self.append(5, seed: 1, to: store)
        try Self.append(5, seed: 2, day: Samples.monday.advanced(by: 1), to: store)
        try store.drain(at: Self.due)
        let pruned = try store.prune(at: now, retentionDays: ["coalition": 30, "second": 1])
        #expect(pruned.partitions == (isGone ? [Self.monday] : []))
        let files = try directory.files().filter { $0.contains("\(Samples.monday).sqlite") }
        #expect(files.isEmpty == isGone)
        #expect(try Self.read(directory).partitions.count == (isGone ? 1 : 2))
    }

    @Test func `logs whose database is gone go too, and sites that are not named stay`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let folder = Partition.folder(directory.path, "coalition")
        try Files.makeDirectory(folder)
        try Data([1]).write(to: URL(filePath: "\(folder)/2025-01-01.sqlite-wal"))
        try Data([1]).write(to: URL(filePath: "\(folder)/notes.txt"))
        #expect(try store.prune(at: Self.due, retentionDays: ["second": 1]).partitions.isEmpty)
        #expect(try store.prune(at: Self.due, retentionDays: ["coalition": 30]).partitions.count == 1)
        #expect(try Files.names(in: folder) == ["notes.txt"])
    }
}
