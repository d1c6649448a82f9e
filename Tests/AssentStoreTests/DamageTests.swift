import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// What is damaged is named and left out, and the rest is read and written.
@Suite struct DamageTests {
    static let now = Samples.monday.advanced(by: 2).start

    static func open(_ directory: TemporaryDirectory) throws -> Store {
        try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: now)
    }

    static func read(_ directory: TemporaryDirectory) throws -> PeriodEvents {
        try StoreReader(directory: directory.path).events(
            site: "coalition", from: Samples.monday.start, to: now, columns: .all)
    }

    static func append(_ count: Int, seed: UInt64, day: Day = Samples.monday, to store: Store) throws -> [String] {
        let events = try Samples.events(count, visitors: 1...9, day: day, seed: seed)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        return events.map { "\($0.event)" }
    }

    /// A directory with a segment of 500 events, one of 100, and another day.
    static func make() throws -> (directory: TemporaryDirectory, first: [String], others: [String]) {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        let first = try append(500, seed: 1, to: store)
        try store.drain(at: now)
        let others =
            try append(100, seed: 2, to: store)
            + append(50, seed: 3, day: Samples.monday.advanced(by: 1), to: store)
        try store.close(at: now)
        return (directory, first, others)
    }

    static func partition(_ directory: TemporaryDirectory) -> String {
        Partition.path(directory.path, "coalition", Samples.monday)
    }

    @Test(
        "A damaged segment is named by file and number, and the rest is read",
        arguments: [
            "UPDATE stream SET crc=crc+1 WHERE number=1<<5|7",
            "UPDATE stream SET bytes=zeroblob(9) WHERE number=1<<5|1",
            "UPDATE stream SET inflated=inflated+1 WHERE number=1<<5|2", "DELETE FROM stream WHERE number=1<<5|6",
            "UPDATE segment SET events=499 WHERE number=1", "UPDATE segment SET events=1000000000 WHERE number=1",
        ])
    func segment(tampering: String) throws {
        let (directory, _, others) = try Self.make()
        try SQLite(Self.partition(directory), .write(durable: false)).run(tampering)
        let period = try Self.read(directory)
        #expect(ErasureTests.texts(period) == others.sorted())
        #expect(period.damage.count == 1)
        #expect(period.damage[0].contains("\(Self.partition(directory)), segment 1"), "\(period.damage)")

        let store = try Self.open(directory)
        let more = try Self.append(600, seed: 4, to: store)
        try store.drain(at: Self.now)
        let after = try Self.read(directory)
        #expect(ErasureTests.texts(after) == (others + more).sorted())
        #expect(after.damage == period.damage, "it is left where it is")
    }

    @Test func `a file that is no database is named, and events for it wait in the journal`() throws {
        let (directory, first, others) = try Self.make()
        let path = Self.partition(directory)
        let whole = try Data(contentsOf: URL(filePath: path))
        try Data(repeating: 7, count: 8_192).write(to: URL(filePath: path))
        var store = try Self.open(directory)
        let more = try Self.append(20, seed: 5, to: store)
        let elsewhere = try Self.append(20, seed: 6, day: Samples.monday.advanced(by: 1), to: store)
        for _ in 0..<2 {
            #expect(try store.drain(at: Self.now).contains { $0.contains(path) })
            #expect(store.waiting.events == 20)
        }
        let period = try Self.read(directory)
        #expect(period.damage.contains { $0.contains(path) })
        #expect(ErasureTests.texts(period) == (others[100...] + elsewhere).sorted())
        try store.close(at: Self.now)

        try whole.write(to: URL(filePath: path))
        store = try Self.open(directory)
        #expect(store.waiting.events == 0)
        #expect(ErasureTests.texts(try Self.read(directory)) == (first + others + more + elsewhere).sorted())
    }

    @Test func `a damaged row of the journal is named, kept, and does not hold up the others`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        _ = try Self.append(10, seed: 1, to: store)
        let others = try Self.append(10, seed: 2, to: store)
        try SQLite("\(directory.path)/journal.sqlite", .write(durable: false)).run(
            "UPDATE batch SET crc=crc+1 WHERE number=(SELECT min(number) FROM batch)")
        for _ in 0..<2 {
            let period = try Self.read(directory)
            #expect(ErasureTests.texts(period) == others.sorted())
            #expect(period.damage.count == 1 && period.damage[0].contains("journal.sqlite, batch"))
            #expect(try store.drain(at: Self.now) == period.damage)
        }
    }

    @Test func `an erasure that meets damage erases the rest, holds up no other site, and stays under way`() throws {
        let (directory, _, _) = try Self.make()
        let path = Self.partition(directory)
        var store = try Self.open(directory)
        let records = try ErasureTests.grant(store, count: 9)
        #expect(try store.numbers(of: [Samples.visitorID(1)], site: "second") == [1])
        let file = try SQLite(path, .write(durable: false))
        try file.run("UPDATE stream SET crc=crc+1 WHERE number=1<<5|7")
        let withdrawal = try ErasureTests.withdraw(store, records[1].visitor)
        #expect(withdrawal.events > 0)
        _ = try ErasureTests.withdraw(store, 1, site: "second")
        #expect(try store.drain(at: Self.now).contains { $0.contains("segment 1") })
        let pending = try SQLite("\(directory.path)/ledger.sqlite", .read)
        func sites() throws -> [String] {
            var sites: [String] = []
            try pending.rows("SELECT site FROM erasure WHERE completed IS NULL") { sites.append($0.text(0)) }
            return sites
        }
        #expect(try sites() == ["coalition"])
        try store.close(at: Self.now)
        try file.run("UPDATE stream SET crc=crc-1 WHERE number=1<<5|7")
        store = try Self.open(directory)
        #expect(try sites().isEmpty)
        #expect(try Self.read(directory).segments.allSatisfy { !$0.visitors.contains(records[1].visitor) })
    }

    @Test func `random damage to a partition never traps and never invents an event`() throws {
        let (directory, first, others) = try Self.make()
        let path = Self.partition(directory)
        let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let known = Set(first + others)
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<60 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            try Data(bytes).write(to: URL(filePath: path))
            do {
                let period = try Self.read(directory)
                #expect(Set(ErasureTests.texts(period)).isSubset(of: known))
            } catch let error as StoreError {
                #expect(error.kind != .held && error.description.contains("coalition"), "\(error)")
            }
        }
    }
}
