import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// A look at a whole data directory names what is damaged, and nothing else.
@Suite struct InspectionTests {
    static func inspect(_ directory: TemporaryDirectory) throws -> Inspection {
        try StoreReader(directory: directory.path).inspect { _ in }
    }

    /// A sealed Monday of 60 events and an open Tuesday of 40, with rows in the journal.
    static func make() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let store = try SealTests.open(directory)
        let tuesday = Samples.monday.advanced(by: 1)
        try SealTests.append(60, seed: 1, to: store)
        try SealTests.append(40, seed: 2, day: tuesday, to: store)
        try store.seal(at: SealTests.due)
        try SealTests.append(10, seed: 3, day: tuesday, to: store)
        _ = try store.commit([.ground(site: "coalition", basis: "b", at: SealTests.due)])
        return directory
    }

    @Test func `a whole directory has no faults, beside a store that holds it`() throws {
        let directory = try TemporaryDirectory()
        let store = try SealTests.open(directory)
        try SealTests.append(60, seed: 1, to: store)
        try store.drain(at: SealTests.due)
        try SealTests.append(10, seed: 2, to: store)
        let found = try Self.inspect(directory)
        #expect(found.faults.isEmpty)
        #expect((found.partitions, found.events) == (1, 60))
        withExtendedLifetime(store) {}
    }

    @Test func `partitions are listed with state, events, bytes and format`() throws {
        let directory = try Self.make()
        let (facts, damage) = try StoreReader(directory: directory.path).partitions()
        #expect(damage.isEmpty)
        #expect(facts.map(\.name.day) == [Samples.monday, Samples.monday.advanced(by: 1)])
        #expect(facts.map(\.isSealed) == [true, false])
        #expect(facts.map(\.events) == [60, 40])
        #expect(facts.allSatisfy { $0.bytes > 4_096 && $0.format == 1 })
        #expect(try StoreReader(directory: directory.path).partitions(site: "second").facts.isEmpty)
    }

    @Test(
        "A fault is named by its file",
        arguments: [
            ("partitions", "UPDATE stream SET crc=crc+1 WHERE number&31=7", "column titles: its CRC is wrong"),
            ("partitions", "DELETE FROM stream WHERE number&31=15", "column scrolls: it is missing"),
            ("partitions", "UPDATE partition SET content_sum=zeroblob(32)", "does not hold the events"),
            ("partitions", "UPDATE partition SET events=events+1", "does not hold the events"),
            ("partitions", "UPDATE partition SET content_sum=zeroblob(9)", "no valid content sum"),
            ("partitions", "UPDATE partition SET day='2026-11-18'", "another site or day"),
            ("partitions", "UPDATE segment SET last_visitor=last_visitor+1", "first and last visitor and time"),
            (
                "partitions", "INSERT INTO stream SELECT number+1,inflated,crc,bytes FROM stream WHERE number&31=4",
                "column ids"
            ),
            ("partitions", "PRAGMA user_version=2", "has format 2"),
            ("journal", "UPDATE batch SET crc=crc+1", "batch"),
            ("ledger", "UPDATE entry SET body=replace(body,'\"b\"','\"c\"') WHERE kind='ground'", "entry"),
        ])
    func fault(file: String, tampering: String, sentence: String) throws {
        let directory = try Self.make()
        let path =
            file == "partitions"
            ? Partition.path(directory.path, "coalition", Samples.monday) : "\(directory.path)/\(file).sqlite"
        try SQLite(path, .write(durable: false)).run(tampering)
        let found = try Self.inspect(directory)
        #expect(found.faults.count == 1, "\(found.faults)")
        #expect(found.faults.allSatisfy { $0.contains(sentence) }, "\(found.faults)")
    }

    @Test func `events out of order are a fault`() throws {
        let directory = try Self.make()
        let path = Partition.path(directory.path, "coalition", Samples.monday.advanced(by: 1))
        let database = try SQLite(path, .write(durable: false))
        // The same segment twice in one run.
        try database.run("INSERT INTO segment SELECT number+1,run,events,\(Self.bounds) FROM segment")
        try database.run("INSERT INTO stream SELECT number+32,inflated,crc,bytes FROM stream")
        let faults = try Self.inspect(directory).faults
        #expect(faults.contains { $0.contains("segment 2: its events are not in order") }, "\(faults)")
    }

    private static let bounds = "first_visitor,last_visitor,first_time,last_time"

    @Test func `any byte of a partition that is changed is found`() throws {
        let directory = try TemporaryDirectory()
        let store = try SealTests.open(directory)
        try SealTests.append(60, seed: 1, to: store)
        try store.close(at: SealTests.due)
        let path = Partition.path(directory.path, "coalition", Samples.monday)
        let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let streams = try SQLite(path, .read)
        var blobs: [[UInt8]] = []
        try streams.rows("SELECT bytes FROM stream") { blobs.append($0.blob(0)) }
        for blob in blobs where blob.count > 16 {
            // Where the stream lies in the file, its middle byte is turned around.
            guard let start = whole.firstRange(of: blob.prefix(16))?.lowerBound else { continue }
            var bytes = whole
            bytes[start + 12] ^= 0xFF
            try Data(bytes).write(to: URL(filePath: path))
            let faults = try Self.inspect(directory).faults
            #expect(faults.count == 1 && faults[0].contains(path), "\(faults)")
        }
    }
}
