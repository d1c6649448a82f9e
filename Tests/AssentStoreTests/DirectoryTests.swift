import AssentCore
import Foundation
import Glibc
import Support
import Testing

@testable import AssentStore

/// Directories and files that a store can or cannot be opened in.
@Suite struct DirectoryTests {
    static let now = Samples.monday.advanced(by: 1).start

    static func open(_ path: String) throws -> Store {
        try Store.open(directory: path, key: Samples.key, durability: .process, now: now)
    }

    static func fill(_ directory: TemporaryDirectory) throws {
        let store = try open(directory.path)
        _ = try store.append([
            EventBatch(site: "coalition", events: try Samples.events(100, visitors: 1...5, seed: 1))
        ])
        try store.drain(at: now)
        _ = try store.append([
            EventBatch(site: "coalition", events: try Samples.events(100, visitors: 1...5, seed: 2))
        ])
    }

    /// The error of a call that must throw one.
    static func error(_ body: () throws -> Void) throws -> StoreError {
        do {
            try body()
        } catch let error as StoreError {
            return error
        }
        throw CocoaError(.featureUnsupported)
    }

    @Test func `a directory is held by one store at a time, and given back by a close or with its last reference`()
        throws
    {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory.path)
        let error = try Self.error { _ = try Self.open(directory.path) }
        #expect(error.kind == .held && error.description.contains(directory.path))
        try store.close(at: Self.now)
        _ = try Self.open(directory.path)
        _ = try Self.open(directory.path)
    }

    @Test func `a closed store takes nothing`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory.path)
        try store.close(at: Self.now)
        let batch = EventBatch(site: "coalition", events: try Samples.events(1, visitors: 1...1, seed: 1))
        for call in [
            { _ = try store.append([batch]) },
            { _ = try store.commit([.refuse(site: "coalition", day: Samples.monday)]) },
            { try store.drain(at: Self.now) }, { try store.close(at: Self.now) },
        ] as [() throws -> Void] {
            #expect(try Self.error(call).description.contains("closed"))
        }
    }

    @Test func `files and directories are for their owner alone, also the logs of a running store`() throws {
        let directory = try TemporaryDirectory()
        let mask = umask(0)
        defer { umask(mask) }
        let store = try Self.open("\(directory.path)/a/data")
        _ = try store.append([
            EventBatch(site: "coalition", events: try Samples.events(10, visitors: 1...5, seed: 1))
        ])
        try store.drain(at: Self.now)
        _ = try Secrets.serverKey(in: "\(directory.path)/a/data")
        _ = try StoreReader(directory: "\(directory.path)/a/data").days(site: "coalition")
        func mode(_ name: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: "\(directory.path)/\(name)")[.posixPermissions] as? Int
        }
        let files = try directory.files()
        #expect(files.contains { $0.hasSuffix("journal.sqlite-wal") } && files.count >= 5)
        for name in files { #expect(try mode(name) == 0o600, "\(name)") }
        for name in ["a", "a/data", "a/data/partitions", "a/data/partitions/coalition"] {
            #expect(try mode(name) == 0o700, "\(name)")
        }
    }

    @Test func `a directory that cannot be written is an error that names it`() throws {
        let directory = try TemporaryDirectory()
        chmod(directory.path, 0o555)
        defer { chmod(directory.path, 0o700) }
        // Root may write everywhere: let this thread act on files as nobody.
        let actAs = try #require(dlsym(nil, "setfsuid"))
        let setfsuid = unsafeBitCast(actAs, to: (@convention(c) (uid_t) -> CInt).self)
        let owner = setfsuid(65_534)
        defer { _ = setfsuid(uid_t(owner)) }
        for path in [directory.path, "\(directory.path)/data"] {
            let error = try Self.error { _ = try Self.open(path) }
            #expect(error.kind == .readOnly && error.description.contains(directory.path))
        }
    }

    @Test func `a file in the place of the directory is an error`() throws {
        let directory = try TemporaryDirectory()
        try Data().write(to: URL(filePath: "\(directory.path)/data"))
        #expect(throws: StoreError.self) { _ = try Self.open("\(directory.path)/data") }
        #expect(throws: StoreError.self) { _ = try Self.open("\(directory.path)/data/deeper") }
    }

    @Test func `where there is no data a reader says so`() throws {
        let directory = try TemporaryDirectory()
        let error = try Self.error { _ = try StoreReader(directory: directory.path) }
        #expect(error.kind == .missing && error.description.contains("There is no data in \(directory.path)"))
        #expect(try directory.files().isEmpty, "a reader makes nothing")
    }

    static let files = ["ledger.sqlite", "journal.sqlite", "partitions/coalition/\(Samples.monday).sqlite"]

    @Test(
        "A newer format is refused by store and reader, and the file stays as it is",
        arguments: zip(files, [Format.ledger, .journal, .partition].map(\.version)))
    func newerFormat(file: String, known: Int64) throws {
        let directory = try TemporaryDirectory()
        try Self.fill(directory)
        try SQLite("\(directory.path)/\(file)", .write(durable: true)).run("PRAGMA user_version=\(known + 1)")
        let before = try Data(contentsOf: URL(filePath: "\(directory.path)/\(file)"))
        for call in [
            { _ = try Self.open(directory.path) },
            {
                _ = try StoreReader(directory: directory.path).events(
                    site: "coalition", from: Samples.monday.start, to: Self.now, columns: .all)
            },
        ] as [() throws -> Void] {
            let error = try Self.error(call)
            #expect(error.kind == .newerFormat && error.description.contains(file))
            #expect(error.description.contains("format \(known + 1)"))
            #expect(error.description.contains("knows \(known)"))
        }
        #expect(try Data(contentsOf: URL(filePath: "\(directory.path)/\(file)")) == before)
    }

    @Test("A file of another kind is refused", arguments: [("ledger.sqlite", "journal.sqlite")])
    func otherKind(file: String, other: String) throws {
        let directory = try TemporaryDirectory()
        try Self.open(directory.path).close(at: Self.now)
        try FileManager.default.removeItem(atPath: "\(directory.path)/\(file)")
        try FileManager.default.copyItem(
            atPath: "\(directory.path)/\(other)", toPath: "\(directory.path)/\(file)")
        let error = try Self.error { _ = try Self.open(directory.path) }
        #expect(error.kind == .damaged && error.description.contains(file))
    }

    @Test("A file that a crash left empty is made anew", arguments: files)
    func emptyFile(file: String) throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/partitions/coalition", withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: "\(directory.path)/\(file)"))
        try Self.fill(directory)
        let period = try StoreReader(directory: directory.path).events(
            site: "coalition", from: Samples.monday.start, to: Self.now, columns: .order)
        #expect(period.segments.reduce(0) { $0 + $1.count } == 200)
    }
}
