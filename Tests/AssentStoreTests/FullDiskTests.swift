import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// A small disk of a test's own: a file system in memory. It takes the right to mount one.
final class SmallDisk {
    let directory: TemporaryDirectory

    init?(kilobytes: Int) throws {
        directory = try TemporaryDirectory()
        guard SmallDisk.run("mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "assent", directory.path) else {
            return nil
        }
    }

    deinit { _ = SmallDisk.run("umount", directory.path) }

    private static func run(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try? process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    static let isPossible = (try? SmallDisk(kilobytes: 64)) != nil
}

/// A disk without room is an error, and what was acknowledged is there.
@Suite struct FullDiskTests {
    static let now = Samples.monday.advanced(by: 1).start

    @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount"))
    func `a full disk refuses events whole, loses none that was acknowledged, and takes them again with room`() throws {
        let disk = try #require(try SmallDisk(kilobytes: 8_192))
        let path = "\(disk.directory.path)/data"
        let store = try Store.open(directory: path, key: Samples.key, durability: .full, now: Self.now)
        let ballast = "\(disk.directory.path)/ballast"
        try Data(repeating: 1, count: 7_000_000).write(to: URL(filePath: ballast))
        var stored: [String] = []
        func append(_ seed: UInt64) throws {
            let events = try Samples.events(200, visitors: 1...9, seed: seed)
            _ = try store.append([EventBatch(site: "coalition", events: events)])
            stored += events.map { "\($0.event)" }
        }
        func read() throws -> [String] {
            ErasureTests.texts(
                try StoreReader(directory: path).events(
                    site: "coalition", from: Samples.monday.start, to: Self.now, columns: .all))
        }
        var failures = 0
        for seed in 1...60 as ClosedRange<UInt64> where failures < 3 {
            do {
                try append(seed)
            } catch let error as StoreError {
                #expect(error.kind == .full && error.description.contains("journal.sqlite"), "\(error)")
                failures += 1
            }
        }
        #expect(failures == 3 && stored.count > 200)
        #expect(try read() == stored.sorted())
        do {
            _ = try store.commit([.grant(LedgerTests.consent())])
            Issue.record("there is no room")
        } catch {
            #expect(error.kind == .full)
        }
        #expect(throws: StoreError.self) { try store.drain(at: Self.now) }
        #expect(try read() == stored.sorted())

        try FileManager.default.removeItem(atPath: ballast)
        try append(100)
        #expect(try store.commit([.grant(LedgerTests.consent())]).count == 1)
        try store.drain(at: Self.now)
        #expect(store.waiting.events == 0)
        #expect(try read() == stored.sorted())
        try store.close(at: Self.now)
    }
}
