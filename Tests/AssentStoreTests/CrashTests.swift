import AssentCore
import Foundation
import Support
import Synchronization
import Testing

@testable import AssentStore

/// Whatever point a crash comes at, each acknowledged event is there once.
@Suite struct CrashTests {
    static let now = Samples.monday.advanced(by: 2).start
    static let sites = ["coalition", "second"]

    static func open(_ directory: TemporaryDirectory) throws -> Store {
        try Store.open(directory: directory.path, key: Samples.key, durability: .full, now: now)
    }

    /// Events of both sites and of two days: what each site must have.
    static func append(_ rounds: Range<Int>, to store: Store) throws -> [String] {
        var stored: [String] = []
        for round in rounds {
            for (place, site) in sites.enumerated() {
                let day = Samples.monday.advanced(by: (round + place) % 2)
                let events = try Samples.events(120, visitors: 1...9, day: day, seed: UInt64(round * 2 + place))
                _ = try store.append([EventBatch(site: site, events: events)])
                stored += events.map { "\(site) \($0.event)" }
            }
        }
        return stored.sorted()
    }

    static func read(_ directory: TemporaryDirectory) throws -> [String] {
        let reader = try StoreReader(directory: directory.path)
        return try sites.flatMap { site in
            let period = try reader.events(site: site, from: Samples.monday.start, to: now, columns: .all)
            #expect(period.damage.isEmpty)
            return period.segments.flatMap { columns in (0..<columns.count).map { "\(site) \(columns.event(at: $0))" } }
        }.sorted()
    }

    @Test func `a store that is dropped without a close has everything that was acknowledged`() throws {
        let directory = try TemporaryDirectory()
        let stored = try Self.append(0..<3, to: Self.open(directory))
        #expect(try Self.read(directory) == stored)
        let store = try Self.open(directory)
        #expect(store.waiting == (0, 0))
        #expect(try Self.read(directory) == stored)
    }

    @Test func `a copy of the files at any moment is a store with everything that was acknowledged`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        var stored: [String] = []
        for round in 0..<4 {
            stored = (stored + (try Self.append(round..<round + 1, to: store))).sorted()
            let copy = try directory.copy()
            _ = try Self.open(copy)
            #expect(try Self.read(copy) == stored)
            if round == 1 { try store.drain(at: Self.now) }
        }
    }

    /// A drain makes one partition after the other durable, and then removes the rows of the journal.
    @Test("A crash in a drain, after each of its partitions, is finished by the next one", arguments: 0...4)
    func inDrain(partitions: Int) throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        var stored = try Self.append(0..<2, to: store)
        try store.drain(at: Self.now)
        stored = (stored + (try Self.append(2..<4, to: store))).sorted()
        let before = try directory.copy()
        try store.drain(at: Self.now)

        let files = try before.files().filter { $0.hasPrefix("partitions/") && $0.hasSuffix(".sqlite") }
        #expect(files.count == 4)
        for file in files.prefix(partitions) {
            for suffix in ["", "-wal", "-shm"] {
                let (from, to) = ("\(directory.path)/\(file)\(suffix)", "\(before.path)/\(file)\(suffix)")
                try? FileManager.default.removeItem(atPath: to)
                try? FileManager.default.copyItem(atPath: from, toPath: to)
            }
        }
        #expect(try Self.read(before) == stored, "a reader meets it first")
        for _ in 0..<2 {
            let reopened = try Self.open(before)
            #expect(try Self.read(before) == stored)
            try reopened.close(at: Self.now)
        }
    }

    @Test func `a journal that is lost, or an older one from a backup, does not swallow what comes after`() throws {
        let directory = try TemporaryDirectory()
        var store = try Self.open(directory)
        let old = try directory.copy()
        var stored = try Self.append(0..<3, to: store)
        try store.close(at: Self.now)
        for restored in [nil, old] {
            for file in try directory.files() where file.hasPrefix("journal") {
                try FileManager.default.removeItem(atPath: "\(directory.path)/\(file)")
            }
            for file in try restored?.files() ?? [] where file.hasPrefix("journal") {
                try FileManager.default.copyItem(
                    atPath: "\(old.path)/\(file)", toPath: "\(directory.path)/\(file)")
            }
            store = try Store.open(
                directory: directory.path, key: Samples.key, durability: .full, now: Self.now.advanced(by: 5))
            let round = restored == nil ? 3 : 4
            stored = (stored + (try Self.append(round..<round + 1, to: store))).sorted()
            try store.close(at: Self.now)
            #expect(try Self.read(directory) == stored)
        }
    }

    @Test func `a reader beside appends and drains loses nothing and doubles nothing`() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let rounds = 40
        let batches = try (0..<rounds).map { round in
            try Samples.events(40, visitors: 1...9, day: Samples.monday, seed: UInt64(round))
        }
        let acknowledged = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for events in batches {
                    _ = try store.append([EventBatch(site: "coalition", events: events)])
                    acknowledged.increase()
                }
            }
            group.addTask {
                while acknowledged.value < rounds {
                    try store.drain(at: Self.now)
                    await Task.yield()
                }
            }
            group.addTask {
                let reader = try StoreReader(directory: directory.path)
                while true {
                    let known = acknowledged.value
                    let period = try reader.events(
                        site: "coalition", from: Samples.monday.start, to: Self.now, columns: [.order, .ids])
                    let ids = period.segments.flatMap(\.ids)
                    #expect(Set(ids).count == ids.count)
                    #expect(Set(ids).isSuperset(of: batches[..<known].joined().map(\.event.id)))
                    #expect(ids.count % 40 == 0, "a commit is seen whole")
                    #expect(period.damage.isEmpty)
                    if known == rounds { return }
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func increase() { count.withLock { $0 += 1 } }
}
