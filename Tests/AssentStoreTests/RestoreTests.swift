import AssentCore
import Foundation
import Support
import Synchronization
import Testing

@testable import AssentStore

/// Chains of backups, what a restore must not bring back, and what it must not give twice.
@Suite struct RestoreTests {
    typealias Shelf = BackupTests.Shelf
    static let now = BackupTests.now
    static let monday = PartitionName(site: "coalition", day: Samples.monday)
    static let tuesday = PartitionName(site: "coalition", day: BackupTests.tuesday)

    // MARK: Chains

    @Test func `what is the same in an earlier backup is not copied again, and the manifest says where it lies`() throws
    {
        let (directory, store, events) = try BackupTests.make()
        let shelf = try Shelf()
        try store.drain(at: Self.now)
        let full = try shelf.backup(directory, as: "full")
        // One event more on Tuesday, and an erasure of somebody without events, which every partition notes.
        var event = events.first { $0.event.time.day == BackupTests.tuesday }!.event
        event.id = "one-more-event"
        event.title = "One more"
        _ = try store.append([EventBatch(site: "coalition", events: [try Samples.consented(event)])])
        let record = try ErasureTests.grant(store)[0]
        _ = try ErasureTests.withdraw(store, record.visitor)
        try store.drain(at: Self.now)

        let second = try shelf.backup(directory, as: "second", since: "full")
        #expect(full.copied == 2 && second.copied == 1)
        #expect(second.manifest.since == full.manifest.made && second.manifest.made > full.manifest.made)
        #expect(second.manifest.partitions.map(\.name) == [Self.monday, Self.tuesday])
        #expect(second.manifest.partitions.map(\.backup) == [full.manifest.made, second.manifest.made])
        #expect(second.manifest.partitions[0] == full.manifest.partitions[0])
        let third = try shelf.backup(directory, as: "third", since: "second")
        #expect(third.copied == 0)
        #expect(third.manifest.partitions == second.manifest.partitions)
        #expect(try shelf.folder.files().filter { $0.hasPrefix("third/partitions") }.isEmpty)
        #expect(try BackupTests.faults(shelf.path("third")).isEmpty)
        #expect(try StoreReader(directory: shelf.path("third")).inspect { _ in }.elsewhere == 2)

        let restored = try shelf.restore("full", "second", "third")
        let inspection = try StoreReader(directory: restored.path).inspect { _ in }
        #expect(inspection.faults.isEmpty && inspection.elsewhere == 0)
        _ = try ErasureTests.open(restored)
        #expect(try BackupTests.texts(restored) == BackupTests.texts(directory))
        #expect(try ErasureTests.read(restored).partitions == ErasureTests.read(directory).partitions)
    }

    @Test func `a seal is a difference`() throws {
        let (directory, store, _) = try BackupTests.make()
        let shelf = try Shelf()
        try store.drain(at: Self.now)
        try shelf.backup(directory, as: "full")
        try store.seal(at: Self.now.advanced(by: 1))
        let second = try shelf.backup(directory, as: "second", since: "full")
        #expect(second.manifest.partitions.map(\.isSealed) == [true, false] && second.copied == 1)
    }

    @Test func `a chain of which a part is missing or too old is not opened, or told by the look at it`() throws {
        let (directory, store, _) = try BackupTests.make()
        let shelf = try Shelf()
        try store.drain(at: Self.now)
        try shelf.backup(directory, as: "full")
        try BackupTests.append(50, seed: 7, to: store)
        try store.drain(at: Self.now)
        try shelf.backup(directory, as: "second", since: "full")
        try shelf.backup(directory, as: "third", since: "second")

        let alone = try shelf.restore("third")
        let said = try BackupTests.refusal { _ = try ErasureTests.open(alone) }
        #expect(said.contains("restored in part: 2 partitions") && said.contains("coalition/\(Samples.monday)"))
        #expect(!FileManager.default.fileExists(atPath: "\(alone.path)/partitions"), "nothing was made")
        try FileManager.default.removeItem(atPath: "\(alone.path)/backup.json")
        _ = try ErasureTests.open(alone)

        let gap = try shelf.restore("full", "third")
        let faults = try BackupTests.faults(gap.path)
        let second = try BackupManifest.read(shelf.path("second")).made.rfc3339
        #expect(faults.count == 2 && faults.allSatisfy { $0.contains("not the one of the backup of \(second)") })

        let wrongOrder = try shelf.restore("third", "full", "second", "full")
        #expect(try BackupTests.faults(wrongOrder.path).isEmpty, "the full one is whole by itself")
        let mixed = try shelf.restore("second")
        try shelf.copy("full", over: mixed) { $0 == "ledger.sqlite" || $0.contains("\(Samples.monday).sqlite") }
        _ = try ErasureTests.grant(store)
        try shelf.backup(directory, as: "fourth", since: "third")
        try shelf.copy("fourth", over: mixed) { $0 == "backup.json" }
        #expect(try BackupTests.faults(mixed.path).contains { $0.contains("does not end with the entry") })
        try FileManager.default.removeItem(atPath: shelf.path("second/partitions/coalition/\(Samples.monday).sqlite"))
        #expect(
            try BackupTests.faults(shelf.path("second")).contains {
                $0.hasSuffix("\(Samples.monday).sqlite is missing.")
            })
    }

    @Test func `what retention has removed since is listed as gone, through the whole chain, and pruned again`() throws
    {
        let (directory, store, _) = try BackupTests.make()
        let shelf = try Shelf()
        try store.drain(at: Self.now)
        try shelf.backup(directory, as: "full")
        let end = Samples.monday.advanced(by: 31).start.advanced(by: 1)
        try store.prune(at: end, retentionDays: ["coalition": 30])
        let second = try shelf.backup(directory, as: "second", since: "full")
        let third = try shelf.backup(directory, as: "third", since: "second")
        for backup in [second, third] {
            #expect(backup.manifest.gone == [Self.monday] && backup.manifest.partitions.map(\.name) == [Self.tuesday])
        }
        let restored = try shelf.restore("full", "second", "third")
        #expect(try BackupTests.faults(restored.path).isEmpty)
        let reopened = try ErasureTests.open(restored)
        #expect(try reopened.prune(at: end, retentionDays: ["coalition": 30]).partitions == [Self.monday])
        #expect(try BackupTests.texts(restored) == BackupTests.texts(directory))
    }

    @Test func `a partition that could not be read is restored from an earlier backup`() throws {
        let (directory, store, events) = try BackupTests.make()
        let shelf = try Shelf()
        try store.close(at: Self.now)
        try shelf.backup(directory, as: "full")
        let path = Partition.path(directory.path, "coalition", Samples.monday)
        try Data(repeating: 7, count: 8_192).write(to: URL(filePath: path))
        let second = try shelf.backup(directory, as: "second", since: "full")
        #expect(second.manifest.unreadable == [Self.monday] && second.manifest.gone.isEmpty && second.copied == 0)
        let restored = try shelf.restore("full", "second")
        _ = try ErasureTests.open(restored)
        #expect(try BackupTests.texts(restored) == BackupTests.texts(events))
    }

    @Test func `an earlier backup must be one of this directory, of a time that was not taken back`() throws {
        let (directory, store, _) = try BackupTests.make()
        let (other, otherStore, _) = try BackupTests.make()
        let shelf = try Shelf()
        _ = try ErasureTests.grant(otherStore)
        try shelf.backup(other, as: "other")
        #expect(try BackupTests.refusal { try shelf.backup(directory, as: "x", since: "other") }.contains("is none of"))
        try shelf.backup(directory, as: "full")
        _ = try ErasureTests.grant(store)
        try shelf.backup(directory, as: "later", since: "full")
        let restored = try shelf.restore("full")
        let reopened = try ErasureTests.open(restored)
        #expect(try BackupTests.refusal { try shelf.backup(restored, as: "x", since: "later") }.contains("is none of"))
        #expect(try shelf.backup(restored, as: "x", since: "full").copied == 2, "what waited is in partitions now")
        try Data("{}".utf8).write(to: URL(filePath: shelf.path("text.json")))
        for (name, sentence) in [
            ("text.json", "schema: is missing"), ("empty", "There is no"), ("x/partitions", "There is no"),
        ] {
            #expect(try BackupTests.refusal { _ = try BackupManifest.read(shelf.path(name)) }.contains(sentence))
        }
        withExtendedLifetime(reopened) {}
    }

    // MARK: Erasures

    /// The files that hold anything of the marked visitor: its titles, its id, or columns as they were with its events.
    static func traces(
        in directory: TemporaryDirectory, id: VisitorID, pieces: [[UInt8]]
    ) throws -> [String] {
        let searched = [BackupTests.marker, id.bytes, Array(id.hex.utf8)] + pieces
        return try searched.flatMap { try directory.files(containing: $0) }
    }

    /// A full backup, an erasure, and a backup since.
    static func erased() throws -> (shelf: Shelf, directory: TemporaryDirectory, id: VisitorID, pieces: [[UInt8]]) {
        let directory = try TemporaryDirectory()
        _ = try Secrets.serverKey(in: directory.path)
        let store = try ErasureTests.open(directory)
        let id = try ErasureTests.grant(store, count: 6)[1].visitorID
        try BackupTests.append(4_000, seed: 1, to: store)
        try store.drain(at: now)
        let pieces = try ErasureTests.pieces(directory)
        try BackupTests.append(60, seed: 2, to: store)
        let shelf = try Shelf()
        try shelf.backup(directory, as: "full")
        _ = try ErasureTests.withdraw(store, 2)
        try store.drain(at: now)
        try shelf.backup(directory, as: "second", since: "full")
        try store.close(at: now)
        return (shelf, directory, id, pieces)
    }

    @Test func `a visitor who was erased after a backup does not come back with it when the newer ledger does`() throws
    {
        let (shelf, directory, id, pieces) = try Self.erased()
        let full = try shelf.restore("full")
        let seen = try pieces.filter { try !full.files(containing: $0).isEmpty }
        #expect(seen.count > 4, "the older backup holds the visitor")
        #expect(try Self.traces(in: try shelf.restore("second"), id: id, pieces: seen).isEmpty)

        let restored = try shelf.restore("full", "second")
        _ = try ErasureTests.open(restored)
        #expect(try Self.traces(in: restored, id: id, pieces: seen).isEmpty)
        #expect(try BackupTests.texts(restored) == BackupTests.texts(directory))
    }

    @Test func `old partitions under the newer ledger are hidden at once and erased when the store is opened`() throws {
        let (shelf, directory, id, pieces) = try Self.erased()
        let restored = try shelf.restore("full", "second")
        try shelf.copy("full", over: restored) { $0.hasPrefix("partitions/") }
        #expect(try !Self.traces(in: restored, id: id, pieces: pieces).isEmpty)
        let visible = try BackupTests.texts(restored)
        #expect(visible.allSatisfy { !$0.contains(ErasureTests.marker) })
        _ = try ErasureTests.open(restored)
        #expect(try Self.traces(in: restored, id: id, pieces: pieces).isEmpty)
        #expect(try BackupTests.texts(restored) == visible)
        #expect(Set(visible).isSubset(of: try BackupTests.texts(directory)))
    }

    @Test func `an old backup with its own ledger has the visitor, for it knows nothing else`() throws {
        let (shelf, _, id, _) = try Self.erased()
        let restored = try shelf.restore("full")
        _ = try ErasureTests.open(restored)
        #expect(try BackupTests.texts(restored).contains { $0.contains(ErasureTests.marker) })
        #expect(try restored.files(containing: id.bytes) == ["ledger.sqlite"])
    }

    // MARK: Numbers

    @Test func `no number is given that a token of after the backup names, and the ledger says which those are`() throws
    {
        let (directory, store, _) = try BackupTests.make()
        let shelf = try Shelf()
        #expect(store.unknownVisitors(site: "coalition").isEmpty)
        let full = try shelf.backup(directory, as: "full")
        let lost = try ErasureTests.grant(store, count: 3).map(\.visitor)
        let lostElsewhere = try store.numbers(of: [Samples.visitorID(1)], site: "second")
        #expect(lost == [7, 8, 9] && lostElsewhere == [1])

        let restored = try shelf.restore("full")
        let last = VisitorNumber(Limits.restoredNumbersSkipped)
        var reopened = try ErasureTests.open(restored)
        #expect(try StoreReader(directory: restored.path).ledgerFault() == nil)
        #expect(reopened.unknownVisitors(site: "coalition") == [7...6 + last])
        #expect(reopened.unknownVisitors(site: "second") == [1...last])
        #expect(try ErasureTests.grant(reopened)[0].visitor == 7 + last)
        #expect(try reopened.numbers(of: [Samples.visitorID(1)], site: "second") == [last + 1])
        _ = try ErasureTests.withdraw(reopened, 3)
        try reopened.close(at: Self.now)
        reopened = try ErasureTests.open(restored)
        #expect(reopened.unknownVisitors(site: "coalition") == [7...6 + last], "also at the next start")
        #expect(reopened.unknownVisitors(site: "second") == [1...last])
        #expect(try ErasureTests.grant(reopened)[0].visitor == 8 + last, "nothing is passed over twice")
        #expect(full.manifest.entries == 7, "the chain is as it was: a notice and six grants")
        try shelf.backup(restored, as: "again", since: "full")
        let twice = try ErasureTests.open(try shelf.restore("full", "again"))
        #expect(twice.unknownVisitors(site: "coalition") == [7...6 + last, 9 + last...8 + 2 * last])
    }

    // MARK: Under load

    /// What is known of events while backups are made.
    private struct Known {
        var begun: Set<String> = []
        var acknowledged: Set<String> = []
        var erased: Set<VisitorNumber> = []
        var rounds = 0
    }

    private final class Knowledge: Sendable {
        private let known = Mutex(Known())

        var now: Known { known.withLock { $0 } }

        func note(_ body: (inout Known) -> Void) { known.withLock { body(&$0) } }
    }

    @Test func `beside appends, drains, seals, imports and erasures every backup of a chain restores what was known`()
        async throws
    {
        let directory = try TemporaryDirectory()
        _ = try Secrets.serverKey(in: directory.path)
        let store = try ErasureTests.open(directory)
        _ = try ErasureTests.grant(store, count: 12)
        let shelf = try Shelf()
        let known = Knowledge()
        let rounds = 40
        let batches = try (0..<rounds).map { round in try Self.marked(40, round: round) }
        var backups: [(name: String, before: Known, after: Known)] = []

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for (round, events) in batches.enumerated() {
                    let titles = events.map(\.event.title)
                    known.note { $0.begun.formUnion(titles) }
                    if round % 10 == 9 {
                        _ = try store.importEvents([Samples.importBatch(events)], site: "coalition", at: Self.now)
                    } else {
                        _ = try store.append([EventBatch(site: "coalition", events: events)])
                    }
                    known.note { $0.acknowledged.formUnion(titles) }
                    if round % 5 == 4 {
                        let visitor = VisitorNumber(round / 5 + 1)
                        _ = try ErasureTests.withdraw(store, visitor)
                        known.note { $0.erased.insert(visitor) }
                    }
                    known.note { $0.rounds += 1 }
                    await Task.yield()
                }
            }
            group.addTask {
                while known.now.rounds < rounds {
                    try store.drain(at: Self.now)
                    try store.seal(at: Self.now.advanced(by: 1))
                    await Task.yield()
                }
            }
            for turn in 0..<4 {
                // One each fifth of the way, so that each has something to do meanwhile.
                while known.now.rounds < turn * rounds / 5 { await Task.yield() }
                let name = "\(backups.count)"
                let before = known.now
                try shelf.backup(
                    directory, as: name, since: backups.last?.name, at: Self.now.advanced(by: Int64(backups.count)))
                backups.append((name, before, known.now))
                await Task.yield()
            }
            try await group.waitForAll()
        }
        for (index, backup) in backups.enumerated() {
            let restored = try TemporaryDirectory()
            for each in backups[...index] { try shelf.copy(each.name, over: restored) }
            #expect(try BackupTests.faults(restored.path).isEmpty)
            let reopened = try ErasureTests.open(restored)
            try Self.check(restored, before: backup.before, after: backup.after)
            try reopened.close(at: Self.now)
            #expect(try BackupTests.faults(restored.path).isEmpty)
        }
    }

    /// Events of twelve visitors on two days, each with a title of its own that names the visitor.
    private static func marked(_ count: Int, round: Int) throws -> [ConsentedEvent] {
        var generator = SeededGenerator(seed: UInt64(round))
        return try (0..<count).map { index in
            var event = Samples.event(
                id: "round-\(round)-\(index)", visitors: 1...12, day: Samples.monday.advanced(by: index % 2),
                using: &generator)
            event.title = "Of \(event.visitor) in \(round) at \(index)."
            return try Samples.consented(event)
        }
    }

    private static func check(_ restored: TemporaryDirectory, before: Known, after: Known) throws {
        let period = try ErasureTests.read(restored)
        #expect(period.damage.isEmpty)
        let titles = period.segments.flatMap { columns in (0..<columns.count).map { columns.event(at: $0).title } }
        #expect(Set(titles).count == titles.count, "nothing is there twice")
        let invented = Set(titles).subtracting(after.begun).count
        #expect(invented == 0)
        let reader = try StoreReader(directory: restored.path)
        let erased = try Ledger.erased(try reader.ledger(), site: "coalition")
        #expect(erased.isSuperset(of: before.erased))
        let due = before.acknowledged.filter { title in !erased.contains { title.hasPrefix("Of \($0) in") } }
        let lost = due.subtracting(titles).count
        #expect(lost == 0)
        let visitors = try Set(reader.visitorIDs(site: "coalition").keys)
        for day in try reader.days(site: "coalition") {
            let segments = try #require(try reader.partition("coalition", day)).segments(.order)
            #expect(
                segments.allSatisfy { visitors.isSuperset(of: $0.visitors) && erased.isDisjoint(with: $0.visitors) })
        }
    }
}
