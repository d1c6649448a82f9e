import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// An erasure comes to its end whatever happens in between, and its receipt says the same.
@Suite struct ErasureEndTests {
    typealias Scene = ReceiptTests.Scene
    static let now = ErasureTests.now

    /// Replaces files of a directory, or removes those that the other one does not have.
    static func replace(
        _ names: (String) -> Bool, in directory: TemporaryDirectory, by other: TemporaryDirectory
    ) throws {
        for file in try directory.files() where names(file) {
            try FileManager.default.removeItem(atPath: "\(directory.path)/\(file)")
        }
        for file in try other.files() where names(file) {
            try FileManager.default.copyItem(atPath: "\(other.path)/\(file)", toPath: "\(directory.path)/\(file)")
        }
    }

    /// A drain notes in the ledger what it finds, rewrites one partition after the other, drains the journal, and completes.
    @Test(
        "A crash at any point of an erasure changes no byte of its receipt, whether or not the start drains the journal",
        arguments: 0...4, [0, Limits.drainedAtStartMax])
    func crash(point: Int, draining: Int) throws {
        let scene = try Scene()
        _ = try ErasureTests.withdraw(scene.store, 2)
        let crashed = try scene.directory.copy()
        let undisturbed = try scene.directory.copy()
        // Whoever reads the ledger holds its log, and the drain gets as far as it can.
        let reader = try ReceiptTests.ledger(scene.directory)
        try reader.snapshot { () throws(StoreError) in
            try reader.rows("SELECT count(*) FROM entry") { _ in }
            try scene.store.drain(at: Self.now)
        }
        #expect(try ReceiptTests.count(scene.directory, "erasure_part") == 4)
        let days = try scene.directory.files().filter { $0.hasPrefix("partitions/") && $0.hasSuffix(".sqlite") }
        #expect(days.count == 2)
        if point > 0 { try Self.replace({ $0.hasPrefix("ledger") }, in: crashed, by: scene.directory) }
        for day in days.prefix(point - 1 < 0 ? 0 : point - 1) {
            try Self.replace({ $0.hasPrefix(day) }, in: crashed, by: scene.directory)
        }
        if point == 4 { try Self.replace({ $0.hasPrefix("journal") }, in: crashed, by: scene.directory) }

        let wanted = try #require(try ReceiptTests.erase(scene.ids[1], ErasureTests.open(undisturbed)))
        let store = try ErasureTests.open(crashed, draining: draining)
        let receipt = try #require(try ReceiptTests.erase(scene.ids[1], store))
        #expect(String(decoding: receipt, as: UTF8.self) == String(decoding: wanted, as: UTF8.self))
        let events = (scene.drained + scene.waiting).count { $0.event.visitor == 2 }
        #expect(try ReceiptTests.read(receipt).events == events)
        #expect(try ReceiptTests.verify(receipt, crashed, scene.ids[1]).faults.isEmpty)
    }

    @Test func `what a crash in the midst of a drain has taken out of the journal is not forgotten`() throws {
        let scene = try Scene()
        _ = try ErasureTests.withdraw(scene.store, 2)
        let waiting = scene.waiting.filter { $0.event.visitor == 2 && $0.event.time.day == Samples.monday }.count
        // Of so many events that a drain takes them in portions, the first portion was noted with the others, and is gone.
        try scene.store.withLedger { (ledger) throws(StoreError) in
            let pending = try ledger.pendingErasures()["coalition"] ?? Ledger.Erasures()
            try ledger.noteWaiting([2: waiting + 70_000], pending, site: "coalition", day: Samples.monday)
        }
        let receipt = try ReceiptTests.read(try scene.erase())
        #expect(receipt.journalEvents == 70_000 + scene.waiting.count { $0.event.visitor == 2 })
    }

    @Test func `a crash between the end and the receipt leaves a receipt of what was erased before`() throws {
        let scene = try Scene()
        _ = try scene.erase()
        let copy = try scene.directory.copy()
        let receipt = try ReceiptTests.read(try ReceiptTests.erase(scene.ids[1], ErasureTests.open(copy)))
        #expect(receipt.state == .erasedBefore && receipt.completed == Self.now && receipt.earlier[0].events > 0)
    }

    @Test func `visitors and sites that go in one drain have a receipt each, with the hashes of the whole`() throws {
        let scene = try Scene()
        let foreign = try scene.store.numbers(of: [Samples.visitorID(50)], site: "second")
        #expect(foreign == [1])
        let event = try Samples.events(1, visitors: 1...1, seed: 9)
        _ = try scene.store.append([EventBatch(site: "second", events: event)])
        try scene.store.drain(at: Self.now)
        for visitor in [VisitorNumber(2), 5] { _ = try ErasureTests.withdraw(scene.store, visitor) }
        _ = try ErasureTests.withdraw(scene.store, foreign[0], site: "second")
        try scene.store.drain(at: Self.now)
        let documents = try [2, 5].map { try #require(try scene.erase($0)) }
        let both = try documents.map { try ReceiptTests.read($0) }
        let events = scene.drained + scene.waiting
        for (receipt, visitor) in zip(both, [VisitorNumber(2), 5]) {
            #expect(receipt.state == .erased && receipt.events == events.count { $0.event.visitor == visitor })
        }
        #expect(both[0].rewritings.map(\.before) == both[1].rewritings.map(\.before))
        #expect(both[0].rewritings.map(\.after) == both[1].rewritings.map(\.after))
        let monday = events.filter { $0.event.time.day == Samples.monday }
        #expect(both[0].rewritings[0].before == ReceiptTests.content(monday))
        #expect(
            both[0].rewritings[0].after
                == ReceiptTests.content(monday.filter { ![2, 5].contains($0.event.visitor) }))
        let other = try ReceiptTests.read(
            try scene.store.erase(Samples.visitorID(50), site: "second", at: Self.now, day: Samples.monday))
        #expect(other.state == .erased && other.events == 1 && other.site == "second")
        for document in documents { #expect(try ReceiptTests.verify(document, scene.directory).faults.isEmpty) }
    }

    // MARK: What is left

    @Test func `while a segment is damaged the receipt says what is left, and once it is repaired everything`() throws {
        let scene = try Scene()
        try scene.store.drain(at: Self.now)
        let path = Partition.path(scene.directory.path, "coalition", Samples.monday)
        let first = try SQLite(path, .read).first("SELECT min(number) FROM segment") { $0.integer(0) }
        let stream = try #require(first) << 5 | Int64(EncodedColumn.ID.times.rawValue)
        try SQLite(path, .write(durable: false)).run("UPDATE stream SET crc=crc+1 WHERE number=\(stream)")
        let more = try ErasureTests.events(400, seed: 3)
        _ = try scene.store.append([EventBatch(site: "coalition", events: more)])
        try scene.store.drain(at: Self.now)

        let document = try #require(try scene.erase())
        let unfinished = try ReceiptTests.read(document)
        #expect(unfinished.state == .unfinished && unfinished.completed == nil)
        #expect(unfinished.left == ["partition 2026-11-16: a damaged segment may hold events"])
        let readable = (scene.waiting + more).count { $0.event.visitor == 2 && $0.event.time.day == Samples.monday }
        #expect(unfinished.rewritings[0].events == readable && unfinished.rewritings.count == 2)
        let findings = try ReceiptTests.verify(document, scene.directory, scene.ids[1])
        #expect(findings.faults.isEmpty && findings.holds.contains { $0.contains("may have been left") })
        #expect(findings.holds.contains("The ledger says that it is still under way."))
        #expect(try ReceiptTests.count(scene.directory, "entry WHERE kind='erased'") == 0)
        // Somebody else is not held up by it.
        let id = try ErasureTests.grant(scene.store)[0].visitorID
        #expect(try ReceiptTests.read(try ReceiptTests.erase(id, scene.store)).state == .erased)

        try SQLite(path, .write(durable: false)).run("UPDATE stream SET crc=crc-1 WHERE number=\(stream)")
        let finished = try ReceiptTests.read(try scene.erase(at: ReceiptTests.later))
        let all = scene.drained + scene.waiting + more
        #expect(finished.state == .erased && finished.events == all.count { $0.event.visitor == 2 })
        #expect(finished.rewritings.map(\.day) == [0, 0, 1].map { Samples.monday.advanced(by: $0) })
        #expect(finished.asked == Self.now && finished.completed == ReceiptTests.later)
        #expect(try directoryIsFree(of: scene))
    }

    @Test("Whoever reads holds a log, and the erasure waits", arguments: ["ledger", "journal", "partition 2026-11-16"])
    func held(by name: String) throws {
        let scene = try Scene()
        let path = name.hasPrefix("partition") ? "partitions/coalition/\(Samples.monday)" : name
        // What a reader needs is still in the log only where something was written since the last checkpoint.
        _ = try ErasureTests.grant(scene.store)
        let reader = try SQLite("\(scene.directory.path)/\(path).sqlite", .read)
        let document = try reader.snapshot { () throws(StoreError) in
            try reader.rows("SELECT count(*) FROM sqlite_schema") { _ in }
            return try scene.store.erase(scene.ids[1], site: "coalition", at: Self.now, day: Samples.monday)
        }
        let receipt = try ReceiptTests.read(document)
        #expect(receipt.state == .unfinished && receipt.left == ["\(name): a reader holds its write-ahead log"])
        #expect(receipt.events == (scene.drained + scene.waiting).count { $0.event.visitor == 2 })
        #expect(try scene.store.drain(at: ReceiptTests.later).isEmpty)
        let finished = try ReceiptTests.read(try scene.erase())
        #expect(finished.state == .erased && finished.completed == ReceiptTests.later)
        #expect(finished.rewritings == receipt.rewritings && finished.journalEvents == receipt.journalEvents)
    }

    @Test func `a row that waits for a damaged partition of another site keeps an erasure open`() throws {
        let scene = try Scene()
        let others = try Samples.events(10, visitors: 1...9, seed: 5)
        _ = try scene.store.append([EventBatch(site: "second", events: others)])
        try scene.store.drain(at: Self.now)
        let path = Partition.path(scene.directory.path, "second", Samples.monday)
        let whole = try scene.directory.copy()
        try Data(repeating: 7, count: 8_192).write(to: URL(filePath: path))
        let more = try ErasureTests.events(40, seed: 6)
        let late = try Samples.events(3, visitors: 1...9, seed: 7)
        _ = try scene.store.append([
            EventBatch(site: "coalition", events: more), EventBatch(site: "second", events: late),
        ])
        let unfinished = try ReceiptTests.read(try scene.erase())
        #expect(unfinished.left == ["journal: a row with events waits for a partition"])
        #expect(unfinished.journalEvents == more.count { $0.event.visitor == 2 })
        try Self.replace({ $0.hasPrefix("partitions/second") }, in: scene.directory, by: whole)
        let finished = try ReceiptTests.read(try scene.erase())
        #expect(finished.state == .erased && finished.journalEvents == unfinished.journalEvents)
        #expect(try directoryIsFree(of: scene))
    }

    @Test func `a partition that cannot be written fails the drain, and nothing is added to it meanwhile`() throws {
        let scene = try Scene()
        let path = Partition.path(scene.directory.path, "coalition", Samples.monday)
        let other = try SQLite(path, .write(durable: false))
        try other.run("CREATE TRIGGER stop BEFORE DELETE ON segment BEGIN SELECT raise(ABORT,''); END")
        let unfinished = try ReceiptTests.read(try scene.erase())
        #expect(
            unfinished.left == [
                "journal: a row with events waits for a partition", "partition 2026-11-16: reading or writing failed",
            ])
        #expect(throws: StoreError.self) { try scene.store.drain(at: Self.now) }
        #expect(scene.store.waiting.events > 0)
        try other.run("DROP TRIGGER stop")
        try scene.store.drain(at: Self.now)
        #expect(scene.store.waiting.events == 0)
        let finished = try ReceiptTests.read(try scene.erase())
        #expect(finished.events == (scene.drained + scene.waiting).count { $0.event.visitor == 2 })
        #expect(ErasureTests.texts(try ErasureTests.read(scene.directory)) == Self.others(scene))
    }

    // MARK: After it

    static func others(_ scene: Scene) -> [String] {
        (scene.drained + scene.waiting).filter { $0.event.visitor != 2 }.map { "\($0.event)" }.sorted()
    }

    /// Whether neither the id nor a title of the marked visitor stands in any file, as it is or once BLOBs are inflated.
    private func directoryIsFree(of scene: Scene) throws -> Bool {
        let marks = [scene.ids[1].bytes, Array(scene.ids[1].hex.utf8), Array(ErasureTests.marker.utf8)]
        for mark in marks where try !scene.directory.files(containing: mark).isEmpty { return false }
        return try Self.inflated(scene.directory).allSatisfy { bytes in
            marks.allSatisfy { bytes.firstRange(of: $0) == nil }
        }
    }

    /// Every stream of every partition, inflated, and every row of the journal.
    static func inflated(_ directory: TemporaryDirectory) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        for file in try directory.files() where file.hasPrefix("partitions/") && file.hasSuffix(".sqlite") {
            try SQLite("\(directory.path)/\(file)", .read).rows("SELECT bytes, inflated FROM stream") { row in
                if let bytes = Deflate.inflate(row.blob(0), count: Int(row.integer(1))) { found.append(bytes) }
            }
        }
        try SQLite("\(directory.path)/journal.sqlite", .read).rows("SELECT rows FROM batch") { row in
            found.append(row.blob(0))
        }
        return found
    }

    @Test func `after it no file names the visitor, and everybody else's events are what they were`() throws {
        let scene = try Scene()
        #expect(try !directoryIsFree(of: scene))
        let marker = Array(ErasureTests.marker.utf8)
        #expect(try Self.inflated(scene.directory).contains { $0.firstRange(of: marker) != nil })
        let others = Self.others(scene)
        _ = try scene.erase()
        #expect(try directoryIsFree(of: scene))
        #expect(ErasureTests.texts(try ErasureTests.read(scene.directory)) == others)
        try scene.store.seal(at: Self.now.advanced(by: 2 * Day.milliseconds))
        #expect(try directoryIsFree(of: scene))
        var found = try StoreReader(directory: scene.directory.path).inspect { _ in }
        #expect(found.faults.isEmpty)
        try scene.store.close(at: Self.now)
        found = try StoreReader(directory: scene.directory.path).inspect { _ in }
        #expect(found.faults.isEmpty && found.events == UInt64(others.count))
    }

    @Test func `what an older backup brings back is erased anew and has a second end in the chain`() throws {
        var scene = try Scene()
        try scene.store.drain(at: Self.now)
        let backup = try scene.directory.copy()
        let first = try ReceiptTests.read(try scene.erase())
        try scene.store.close(at: Self.now)
        try Self.replace({ $0.hasPrefix("partitions/coalition/\(Samples.monday)") }, in: scene.directory, by: backup)
        #expect(try !directoryIsFree(of: scene))

        scene.store = try ErasureTests.open(scene.directory)
        let document = try #require(try scene.erase(at: ReceiptTests.later))
        let second = try ReceiptTests.read(document)
        #expect(second.state == .erased && second.asked == Self.now && second.entry == first.entry)
        #expect(second.rewritings == [first.rewritings[0]])
        #expect(second.earlier.map(\.events) == [first.events])
        #expect(try ReceiptTests.verify(document, scene.directory, scene.ids[1]).faults.isEmpty)
        #expect(try ReceiptTests.count(scene.directory, "entry WHERE kind='erased'") == 2)
        #expect(try directoryIsFree(of: scene))
        scene.store = try Self.reopened(scene)
        #expect(try ReceiptTests.count(scene.directory, "entry WHERE kind='erased'") == 2, "once is enough")
        #expect(try ReceiptTests.read(try scene.erase()).earlier.count == 2)
    }

    private static func reopened(_ scene: Scene) throws -> Store {
        try scene.store.close(at: now)
        return try ErasureTests.open(scene.directory)
    }

    @Test(
        "What an older journal brings back is passed over, and has a second end in the chain",
        arguments: [0, Limits.drainedAtStartMax])
    func olderJournal(draining: Int) throws {
        var scene = try Scene()
        let backup = try scene.directory.copy()
        let first = try ReceiptTests.read(try scene.erase())
        try scene.store.close(at: Self.now)
        for file in try scene.directory.files() where file.hasPrefix("partitions/") {
            try FileManager.default.removeItem(atPath: "\(scene.directory.path)/\(file)")
        }
        try Self.replace({ $0.hasPrefix("journal") }, in: scene.directory, by: backup)
        #expect(try !directoryIsFree(of: scene))
        scene.store = try ErasureTests.open(scene.directory, draining: draining)
        let events = scene.waiting.filter { $0.event.visitor != 2 }.map { "\($0.event)" }.sorted()
        #expect(ErasureTests.texts(try ErasureTests.read(scene.directory)) == events, "also before it is drained")
        try scene.store.drain(at: Self.now)
        let second = try ReceiptTests.read(try scene.erase())
        #expect(second.state == .erased && second.earlier.count == 1)
        #expect(second.journalEvents == first.journalEvents && second.rewritings.isEmpty)
        #expect(try directoryIsFree(of: scene))
        #expect(ErasureTests.texts(try ErasureTests.read(scene.directory)) == events)
    }

    @Test(
        "A damaged partition of which nobody knows whether it was restored is named",
        arguments: [
            ("UPDATE stream SET crc=crc+1", "a damaged segment may hold events"),
            ("PRAGMA application_id=1", "it is damaged"),
        ])
    func damagedBackup(tampering: String, clause: String) throws {
        var scene = try Scene()
        try scene.store.drain(at: Self.now)
        let backup = try scene.directory.copy()
        _ = try scene.erase()
        try scene.store.close(at: Self.now)
        try Self.replace({ $0.hasPrefix("partitions/coalition/\(Samples.monday)") }, in: scene.directory, by: backup)
        let path = Partition.path(scene.directory.path, "coalition", Samples.monday)
        try SQLite(path, .write(durable: false)).run(tampering)
        scene.store = try ErasureTests.open(scene.directory)
        let receipt = try ReceiptTests.read(try scene.erase())
        #expect(receipt.state == .erasedBefore && receipt.left == ["partition 2026-11-16: \(clause)"])
    }
}
