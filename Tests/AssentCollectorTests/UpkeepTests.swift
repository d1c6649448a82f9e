import AssentCore
import AssentStore
import Foundation
import Logging
import Support
import Testing

@testable import AssentCollector

/// What the collector does to partitions by itself, and what its staff asks it to do.
@Suite(.serialized) struct UpkeepTests {
    private static let bearer: [String: String?] = ["Authorization": "Bearer \(Running.staffToken)"]
    private static let thursday = Samples.monday.advanced(by: 3)

    /// Stores events of the days and drains them.
    private static func fill(_ directory: TemporaryDirectory, _ days: [Day], at now: Instant) throws {
        let store = try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: now)
        for day in days {
            let events = try Samples.events(5, visitors: 1...9, day: day, seed: UInt64(day.number))
            _ = try store.append([EventBatch(site: "coalition", events: events)])
        }
        try store.close(at: now)
    }

    /// Waits until as many lines of the log hold the text.
    private static func wait(for text: String, times: Int = 1, in log: Notes<String>) async throws {
        for _ in 0..<500 where log.all.count(where: { $0.contains(text) }) < times {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(log.all.count { $0.contains(text) } == times, "\(log.all)")
    }

    @Test("Days are sealed when they are over and removed after their retention, and damage is named once")
    func keeper() async throws {
        let directory = try TemporaryDirectory()
        let clock = TestClock(Self.thursday.start.advanced(by: 1))
        let days = [Samples.monday.advanced(by: -1), Samples.monday, Samples.monday.advanced(by: 2)]
        try Self.fill(directory, days, at: clock.now)
        let damaged = "\(directory.path)/partitions/coalition/\(Samples.monday).sqlite"
        try Data(repeating: 7, count: 8_192).write(to: URL(filePath: damaged))
        let store = try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: clock.now)
        let log = Notes<String>()
        let keeper = Keeper(
            store: store, retentionDays: ["coalition": 30], metrics: Metrics(),
            logger: Logger(label: "test") { _ in LogfmtHandler(now: { clock.now }) { line in log.add(line) } },
            now: { clock.now })
        keeper.turn()
        try await Self.wait(for: "Sealed", in: log)
        try await Self.wait(for: damaged, in: log)
        clock.advance(days: 1)
        keeper.turn()
        try await Self.wait(for: "Sealed", times: 2, in: log)
        try await Self.wait(for: damaged, in: log)
        clock.advance(days: 40)
        keeper.turn()
        try await Self.wait(for: "Removed", in: log)
        await keeper.finish()
        #expect(try StoreReader(directory: directory.path).days(site: "coalition").isEmpty)
        try store.close(at: clock.now)
    }

    @Test("Damage that a drain meets is named again after an hour, and not before")
    func drain() async throws {
        let directory = try TemporaryDirectory()
        let clock = TestClock(Self.thursday.start)
        try Self.fill(directory, [Self.thursday], at: clock.now)
        let damaged = "\(directory.path)/partitions/coalition/\(Self.thursday).sqlite"
        try Data(repeating: 7, count: 8_192).write(to: URL(filePath: damaged))
        let store = try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: clock.now)
        let events = try Samples.events(5, visitors: 1...9, day: Self.thursday, seed: 1)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        let log = Notes<String>()
        let metrics = Metrics()
        let keeper = Keeper(
            store: store, retentionDays: [:], metrics: metrics,
            logger: Logger(label: "test") { _ in LogfmtHandler(now: { clock.now }) { line in log.add(line) } },
            now: { clock.now })
        for (minutes, times) in [(Int64(0), 1), (59, 1), (1, 2)] {
            clock.advance(milliseconds: minutes * 60_000)
            keeper.drainSoon()
            try await Task.sleep(for: .milliseconds(200))
            try await Self.wait(for: damaged, times: times, in: log)
        }
        await keeper.finish()
        try store.close(at: clock.now)
    }

    @Test("The staff has partitions sealed and removed beside the collector")
    func staff() async throws {
        let directory = try TemporaryDirectory()
        let clock = TestClock(Self.thursday.start.advanced(by: 1))
        try await Running.collector(in: directory, clock: clock) { running in
            let client = try Client(running.addresses.staff)
            #expect(try client.ask("POST", "/v1/partitions/seal", "").status == 401)
            #expect(try client.ask("GET", "/v1/partitions/seal", nil, Self.bearer).status == 405)
            #expect(try client.ask("POST", "/v1/partitions/seal?site=none", "", Self.bearer).status == 404)
            #expect(try client.ask("POST", "/v1/partitions/seal?day=x", "", Self.bearer).status == 400)
            let line =
                #"{"time":"2026-11-10T10:00:00Z","visitor":"\#(Samples.visitorID(1).hex)","type":"pageview","#
                + #""url":"https://www.example.org/"}"#
            _ = try client.ask("POST", "/v1/import?site=coalition&basis=x", line, Self.bearer)
            let sealed = try client.ask(
                "POST", "/v1/partitions/seal?site=coalition&day=2026-11-10", "", Self.bearer)
            #expect(sealed.status == 200)
            #expect(sealed.body == #"{"partitions":["coalition/2026-11-10"],"damage":[]}"#)
            let kept = try client.ask("POST", "/v1/partitions/prune", "", Self.bearer)
            #expect(kept.body == #"{"partitions":[],"damage":[]}"#)
            clock.advance(days: 400)
            let pruned = try client.ask("POST", "/v1/partitions/prune", "", Self.bearer)
            #expect(pruned.body == sealed.body)
        }
    }
}
