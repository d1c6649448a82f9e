import AssentCore
import Foundation
import Glibc
import Support
import Testing

@testable import AssentStore

/// A backup is a data directory of its own, whatever happens while it is made, and a copy back restores it.
@Suite struct BackupTests {
    static let now = ErasureTests.now
    static let marker = Array(ErasureTests.marker.utf8)
    static let tuesday = Samples.monday.advanced(by: 1)

    /// A directory with Monday and Tuesday in partitions, rows in the journal for both, and six visitors.
    static func make() throws -> (directory: TemporaryDirectory, store: Store, events: [ConsentedEvent]) {
        let directory = try TemporaryDirectory()
        _ = try Secrets.serverKey(in: directory.path)
        let store = try ErasureTests.open(directory)
        _ = try ErasureTests.grant(store, count: 6)
        var events = try ErasureTests.events(400, seed: 1)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        try store.drain(at: now)
        events += try append(200, seed: 2, to: store)
        return (directory, store, events)
    }

    @discardableResult static func append(
        _ count: Int, seed: UInt64, to store: Store
    ) throws -> [ConsentedEvent] {
        let events = try ErasureTests.events(count, seed: seed)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        return events
    }

    /// Places for backups.
    struct Shelf {
        let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory() }

        func path(_ name: String) -> String { "\(folder.path)/\(name)" }

        @discardableResult func backup(
            _ directory: TemporaryDirectory, as name: String, since earlier: String? = nil, at now: Instant = now,
            progress: (PartitionName) -> Void = { _ in }
        ) throws -> Backup {
            let manifest = try earlier.map { try BackupManifest.read(path($0)) }
            return try StoreReader(directory: directory.path).backup(
                to: path(name), since: manifest, at: now, progress: progress)
        }

        /// A new directory with what lies in backups, the later ones over the earlier ones.
        func restore(_ names: String...) throws -> TemporaryDirectory {
            let restored = try TemporaryDirectory()
            for name in names { try copy(name, over: restored) }
            return restored
        }

        func copy(_ name: String, over directory: TemporaryDirectory, only: (String) -> Bool = { _ in true }) throws {
            let backup = path(name)
            for file in try FileManager.default.subpathsOfDirectory(atPath: backup) where only(file) {
                let target = "\(directory.path)/\(file)"
                if Files.isDirectory("\(backup)/\(file)") {
                    try Files.makeDirectory(target)
                } else {
                    try? FileManager.default.removeItem(atPath: target)
                    try FileManager.default.copyItem(atPath: "\(backup)/\(file)", toPath: target)
                }
            }
        }
    }

    static func texts(_ directory: TemporaryDirectory) throws -> [String] {
        let period = try ErasureTests.read(directory)
        #expect(period.damage.isEmpty)
        return ErasureTests.texts(period)
    }

    static func texts(_ events: [ConsentedEvent]) -> [String] { events.map { "\($0.event)" }.sorted() }

    static func faults(_ path: String) throws -> [String] {
        try StoreReader(directory: path).inspect { _ in }.faults
    }

    // MARK: What it is

    @Test func `it has the files of a data directory for their owner alone, without logs and secrets of a moment`()
        throws
    {
        let (directory, store, events) = try Self.make()
        _ = try Secrets.staffToken(in: directory.path)
        let shelf = try Shelf()
        let mask = umask(0)
        let backup = try shelf.backup(directory, as: "full")
        umask(mask)
        let files = [
            "backup.json", "journal.sqlite", "ledger.sqlite", "partitions/coalition/\(Samples.monday).sqlite",
            "partitions/coalition/\(Self.tuesday).sqlite", "server.key",
        ]
        #expect(try shelf.folder.files() == files.map { "full/\($0)" })
        for path in try FileManager.default.subpathsOfDirectory(atPath: shelf.folder.path) {
            let facts = try FileManager.default.attributesOfItem(atPath: shelf.path(path))
            let isDirectory = facts[.type] as? FileAttributeType == .typeDirectory
            #expect(facts[.posixPermissions] as? Int == (isDirectory ? 0o700 : 0o600), "\(path)")
        }
        let size = try files.dropFirst().reduce(0) { try $0 + Files.size(shelf.path("full/\($1)")) }
        #expect(backup.bytes == size && backup.copied == 2 && backup.damage.isEmpty)
        #expect(try BackupManifest.read(shelf.path("full")) == backup.manifest)
        #expect(try BackupManifest.read(shelf.path("full/backup.json")) == backup.manifest)

        let inspection = try StoreReader(directory: shelf.path("full")).inspect { _ in }
        #expect(inspection.faults.isEmpty && inspection.events == 400 && inspection.elsewhere == 0)
        #expect(try shelf.folder.files() == files.map { "full/\($0)" }, "a reader leaves nothing")
        let restored = try shelf.restore("full")
        #expect(try Self.texts(restored) == Self.texts(events), "a reader needs no store that was opened before")
        let reopened = try ErasureTests.open(restored)
        #expect(try Self.texts(restored) == Self.texts(events))
        #expect(!FileManager.default.fileExists(atPath: "\(restored.path)/backup.json"), "it is no backup any more")
        #expect(try Self.faults(restored.path).isEmpty)
        withExtendedLifetime((store, reopened)) {}
    }

    @Test func `what was freed is not copied, though the source still has its bytes`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/source.sqlite"
        let source = try SQLite(path, .write(durable: false))
        try source.run("PRAGMA secure_delete=OFF")
        try source.run("CREATE TABLE text(line TEXT)")
        for line in 0..<200 { try source.run("INSERT INTO text VALUES(?)", .text("\(ErasureTests.marker) \(line)")) }
        try source.run("DELETE FROM text WHERE rowid>3")
        try source.run("UPDATE text SET line='kept'")
        _ = try source.checkpoint()
        #expect(try directory.files(containing: Self.marker) == ["source.sqlite"])
        try SQLite(path, .read).copy(to: "\(directory.path)/copy.sqlite")
        #expect(try directory.files(containing: Self.marker) == ["source.sqlite"])
        #expect(try directory.files(containing: Array("kept".utf8)).contains("copy.sqlite"))
    }

    @Test func `it is made while a store writes, of what was committed when it began, and restores twice the same`()
        throws
    {
        let (directory, store, events) = try Self.make()
        let shelf = try Shelf()
        // Everything that is appended from the first partition on comes too late for the journal's copy.
        var isFirst = true
        try shelf.backup(directory, as: "full") { _ in
            if isFirst { _ = try? Self.append(50, seed: 3, to: store) }
            isFirst = false
        }
        for _ in 0..<2 {
            let restored = try shelf.restore("full")
            let reopened = try ErasureTests.open(restored)
            #expect(try Self.texts(restored) == Self.texts(events))
            try reopened.close(at: Self.now)
        }
        #expect(try Self.texts(directory).count == 650)
    }

    // MARK: Meanwhile

    /// What the collector can do between the copies of the journal, the partitions and the ledger.
    enum Meanwhile: CaseIterable {
        case nothing, drain, appendAndDrain, withdrawal, erasure, erasureOfLate, seal, importing, grant
    }

    @Test(
        "Whatever happens before the first or the last partition is copied, what was acknowledged before is there once",
        arguments: Meanwhile.allCases, [0, 1])
    func interleaving(meanwhile: Meanwhile, place: Int) throws {
        let (directory, store, events) = try Self.make()
        let shelf = try Shelf()
        let later = Self.now.advanced(by: 1)
        let imported = try Samples.events(30, visitors: 1...1, day: Samples.monday, seed: 9)
        func act() throws {
            switch meanwhile {
            case .nothing: break
            case .drain: try store.drain(at: later)
            case .appendAndDrain:
                try Self.append(60, seed: 4, to: store)
                try store.drain(at: later)
            case .withdrawal: _ = try ErasureTests.withdraw(store, 2)
            case .erasure:
                _ = try ErasureTests.withdraw(store, 2)
                try store.drain(at: later)
            case .erasureOfLate:
                // The visitor's last events are not in the copy of the journal, but may be in that of a partition.
                try Self.append(60, seed: 4, to: store)
                try store.drain(at: later)
                _ = try ErasureTests.withdraw(store, 2)
                try store.drain(at: later)
            case .seal: try store.seal(at: later)
            case .importing: _ = try store.importEvents([Samples.importBatch(imported)], site: "coalition", at: later)
            case .grant:
                let record = try ErasureTests.grant(store)[0]
                let event = try Samples.events(1, visitors: record.visitor...record.visitor, seed: 5)
                _ = try store.append([EventBatch(site: "coalition", events: event)])
                try store.drain(at: later)
            }
        }
        var (count, failure) = (0, nil as (any Error)?)
        try shelf.backup(directory, as: "full") { _ in
            if count == place { do { try act() } catch { failure = error } }
            count += 1
        }
        #expect(count == 2 && failure == nil)
        #expect(try Self.faults(shelf.path("full")).isEmpty)

        let restored = try shelf.restore("full")
        let reopened = try ErasureTests.open(restored)
        let isErased = [.withdrawal, .erasure, .erasureOfLate].contains(meanwhile)
        let acknowledged = events.map(\.event).filter { !isErased || $0.visitor != 2 }
        // A sealed day has no ids.
        func text(_ event: Event) -> String {
            var event = event
            event.id = ""
            return "\(event)"
        }
        let found = SealTests.texts(try ErasureTests.read(restored))
        #expect(Set(found).count == found.count, "nothing is there twice")
        #expect(Set(found).isSuperset(of: acknowledged.map(text)))
        #expect(Set(found).isSubset(of: SealTests.texts(try ErasureTests.read(directory))))
        let reader = try StoreReader(directory: restored.path)
        let known = try Set(reader.visitorIDs(site: "coalition").keys)
        #expect(
            try ErasureTests.read(restored).segments.allSatisfy { known.isSuperset(of: $0.visitors) },
            "the ledger knows every visitor")
        if isErased {
            #expect(try restored.files(containing: Self.marker).isEmpty)
            for day in [Samples.monday, Self.tuesday] {
                let partition = try #require(try reader.partition("coalition", day))
                #expect(try partition.segments(.order).allSatisfy { !$0.visitors.contains(2) })
            }
        }
        try reopened.close(at: Self.now)
        #expect(try Self.faults(restored.path).isEmpty)
    }

    @Test func `a partition that retention removes meanwhile is not in it, and that is no fault`() throws {
        let (directory, store, _) = try Self.make()
        let shelf = try Shelf()
        let backup = try shelf.backup(directory, as: "full") { name in
            if name.day == Samples.monday {
                _ = try? store.prune(at: Samples.monday.advanced(by: 400).start, retentionDays: ["coalition": 395])
            }
        }
        #expect(backup.damage.isEmpty && backup.manifest.partitions.isEmpty && backup.manifest.unreadable.isEmpty)
        #expect(try Self.faults(shelf.path("full")).isEmpty)
    }

    @Test func `a partition that is only being made is passed over, and its events are in the journal`() throws {
        let (directory, store, events) = try Self.make()
        let shelf = try Shelf()
        let path = Partition.path(directory.path, "coalition", Samples.monday.advanced(by: 2))
        try Data().write(to: URL(filePath: path))
        #expect(try shelf.backup(directory, as: "full").manifest.partitions.count == 2)
        let restored = try shelf.restore("full")
        _ = try ErasureTests.open(restored)
        #expect(try Self.texts(restored) == Self.texts(events))
        withExtendedLifetime(store) {}
    }

    // MARK: Places

    /// The sentence of a backup that cannot be made.
    static func refusal(_ body: () throws -> Void) throws -> String {
        do {
            try body()
        } catch let error as StoreError {
            return error.description
        }
        return "it was made"
    }

    @Test func `it is made only where nothing is, outside of the data, and says so`() throws {
        let (directory, store, _) = try Self.make()
        let shelf = try Shelf()
        try FileManager.default.createDirectory(atPath: shelf.path("empty"), withIntermediateDirectories: true)
        try shelf.backup(directory, as: "empty/")
        #expect(try shelf.folder.files().contains("empty/backup.json"), "an empty directory makes room")
        try Data([1]).write(to: URL(filePath: shelf.path("file")))
        try FileManager.default.createSymbolicLink(
            atPath: shelf.path("link"), withDestinationPath: directory.path)
        let refused = [
            ("empty", "is there already"), ("file", "is there already"), ("nowhere/full", "There is no directory for"),
            ("link/inside", "lies inside the data directory"), ("link/partitions/x", "lies inside the data directory"),
            ("link", "is there already"),
        ]
        for (name, sentence) in refused {
            let said = try Self.refusal { try shelf.backup(directory, as: name) }
            #expect(
                said.contains(sentence) && said.contains(name == "link" ? directory.path : name), "\(name): \(said)")
        }
        let inside = try Self.refusal {
            _ = try StoreReader(directory: directory.path).backup(
                to: "\(directory.path)/backup", at: Self.now, progress: { _ in })
        }
        #expect(inside.contains("lies inside"))
        let copy = try shelf.restore("empty")
        #expect(try Self.refusal { try shelf.backup(copy, as: "of-a-backup") }.contains("is itself a backup"))
        let names = try FileManager.default.contentsOfDirectory(atPath: shelf.folder.path)
        #expect(names.sorted() == ["empty", "file", "link"], "nothing else was made")
        withExtendedLifetime(store) {}
    }

    @Test func `what a killed one left goes with the next, and nobody else's files do`() throws {
        let (directory, store, events) = try Self.make()
        let shelf = try Shelf()
        try shelf.backup(directory, as: "killed")
        try FileManager.default.moveItem(atPath: shelf.path("killed"), toPath: shelf.path("full.partial"))
        try Data([1]).write(to: URL(filePath: shelf.path("full.partial/journal.sqlite-journal")))
        try Data([1]).write(to: URL(filePath: shelf.path("full.partial/partitions/coalition/2020-01-01.sqlite")))
        try shelf.backup(directory, as: "full")
        #expect(try shelf.folder.files().count == 6)
        #expect(try FileManager.default.contentsOfDirectory(atPath: shelf.folder.path) == ["full"])
        let restored = try shelf.restore("full")
        _ = try ErasureTests.open(restored)
        #expect(try Self.texts(restored) == Self.texts(events))

        try FileManager.default.createDirectory(atPath: shelf.path("other.partial"), withIntermediateDirectories: true)
        try Data([1]).write(to: URL(filePath: shelf.path("other.partial/notes.txt")))
        let said = try Self.refusal { try shelf.backup(directory, as: "other") }
        #expect(said.contains("other.partial holds files that are not of a backup"))
        #expect(FileManager.default.fileExists(atPath: shelf.path("other.partial/notes.txt")))
        withExtendedLifetime(store) {}
    }

    @Test func `two at once for one place: the second is refused and the first is whole`() throws {
        let (directory, store, _) = try Self.make()
        let shelf = try Shelf()
        var said = ""
        try shelf.backup(directory, as: "full") { _ in
            said = (try? Self.refusal { try shelf.backup(directory, as: "full") }) ?? ""
        }
        #expect(said.contains("Another backup is being made in"))
        #expect(try Self.faults(shelf.path("full")).isEmpty)
        withExtendedLifetime(store) {}
    }

    @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount"))
    func `a full disk is named, and nothing that looks like a backup is left on it`() throws {
        let disk = try #require(try SmallDisk(kilobytes: 64))
        let (directory, store, _) = try Self.make()
        let target = "\(disk.directory.path)/full"
        do {
            _ = try StoreReader(directory: directory.path).backup(to: target, at: Self.now, progress: { _ in })
            Issue.record("there is no room")
        } catch {
            #expect(error.kind == .full && error.description.contains("\(disk.directory.path)/full"), "\(error)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.directory.path).isEmpty)
        withExtendedLifetime(store) {}
    }

    /// Acts on files as nobody, for root may write everywhere.
    static func asNobody<Result>(_ body: () throws -> Result) throws -> Result {
        let actAs = try #require(dlsym(nil, "setfsuid"))
        let setfsuid = unsafeBitCast(actAs, to: (@convention(c) (uid_t) -> CInt).self)
        let owner = setfsuid(65_534)
        defer { _ = setfsuid(uid_t(owner)) }
        return try body()
    }

    static func setMode(_ path: String, directories: mode_t, files: mode_t) throws {
        let below = try FileManager.default.subpathsOfDirectory(atPath: path).map { "\(path)/\($0)" }
        for each in [path] + below { chmod(each, Files.isDirectory(each) ? directories : files) }
    }

    @Test func `a place that cannot be written is named, data that cannot be read says why, and a backup can be read`()
        throws
    {
        let (directory, store, _) = try Self.make()
        try store.close(at: Self.now)
        let shelf = try Shelf()
        try shelf.backup(directory, as: "full")
        try Self.setMode(directory.path, directories: 0o777, files: 0o666)
        try Self.setMode(shelf.folder.path, directories: 0o755, files: 0o644)
        let place = try Self.asNobody { try Self.refusal { try shelf.backup(directory, as: "second") } }
        #expect(place == "Cannot make the directory \(shelf.folder.path)/second.partial: Permission denied.")
        let found = try Self.asNobody { try StoreReader(directory: shelf.path("full")).inspect { _ in } }
        #expect(found.faults.isEmpty && found.partitions == 2)

        // The last one that writes takes the logs away.
        try ErasureTests.open(directory).close(at: Self.now)
        try Self.setMode(directory.path, directories: 0o755, files: 0o644)
        let data = try Self.asNobody { try Self.refusal { _ = try StoreReader(directory: directory.path) } }
        #expect(data.contains("\(directory.path)/ledger.sqlite can be read only where files can be made beside it"))
    }

    @Test func `without the server's key there is no backup`() throws {
        let (directory, store, _) = try Self.make()
        try FileManager.default.removeItem(atPath: "\(directory.path)/server.key")
        let shelf = try Shelf()
        #expect(
            try Self.refusal { try shelf.backup(directory, as: "full") }.contains(
                "There is no \(directory.path)/server.key"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: shelf.folder.path).isEmpty)
        withExtendedLifetime(store) {}
    }

    @Test(
        "A partition that cannot be read is named and left out, and the others are copied",
        arguments: ["damaged", "newer format"])
    func unreadable(how: String) throws {
        let (directory, store, _) = try Self.make()
        try store.close(at: Self.now)
        let path = Partition.path(directory.path, "coalition", Samples.monday)
        if how == "damaged" {
            try Data(repeating: 7, count: 8_192).write(to: URL(filePath: path))
        } else {
            try SQLite(path, .write(durable: false)).run("PRAGMA user_version=9")
        }
        let shelf = try Shelf()
        let backup = try shelf.backup(directory, as: "full")
        #expect(backup.damage.count == 1 && backup.damage[0].contains(path))
        #expect(backup.manifest.unreadable == [PartitionName(site: "coalition", day: Samples.monday)])
        #expect(backup.manifest.partitions.map(\.name.day) == [Self.tuesday] && backup.copied == 1)
        #expect(try Self.faults(shelf.path("full")).isEmpty)
        _ = try ErasureTests.open(try shelf.restore("full"))
    }
}
