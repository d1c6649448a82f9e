import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// A disk without room is an error, and what was acknowledged is there.
@Suite struct FullDiskTests {
    static let now = Samples.monday.advanced(by: 1).start
    /// The first millisecond at which Monday can get no more events.
    static let due = Samples.monday.advanced(by: 2).start.advanced(by: 1)

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

    /// A step that needs room.
    enum Step: String, CaseIterable, CustomTestStringConvertible {
        case seal, erase, importing

        var testDescription: String { rawValue }
    }

    @Test(
        "A step without room stops, nothing half done is seen and nothing is lost, and with room it is done",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount"), arguments: Step.allCases)
    func steps(step: Step) throws {
        let disk = try #require(try SmallDisk(kilobytes: 8_192))
        let path = "\(disk.directory.path)/data"
        let store = try Store.open(directory: path, key: Samples.key, durability: .full, now: Self.due)
        _ = try store.commit([LedgerRequest](repeating: .grant(LedgerTests.consent()), count: 6))
        for (seed, count) in [(1, 2_400), (2, 900), (3, 300)] as [(UInt64, Int)] {
            let events = try TraceTests.events(count, "coalition", seed: seed)
            let monday = events.filter { $0.event.time.day == Samples.monday }
            _ = try store.append([EventBatch(site: "coalition", events: monday)])
            try store.drain(at: Self.due)
        }
        let more = try Samples.events(1_500, visitors: 1...6, day: Samples.monday.advanced(by: 1), seed: 9)
        let batch = try Samples.importBatch(more)
        func run() throws(StoreError) -> Int {
            switch step {
            case .seal: try store.seal(at: Self.due).partitions.count
            case .erase: try store.drain(at: Self.due).count
            case .importing: try store.importEvents([batch], site: "coalition", at: Self.due)
            }
        }
        func read() throws -> PeriodEvents {
            try StoreReader(directory: path).events(
                site: "coalition", from: Samples.monday.start, to: Self.due, columns: .all)
        }
        // A partition that was made and got nothing says nothing.
        func hashes(_ period: PeriodEvents) -> [String] {
            period.partitions.filter { $0.events > 0 }.map { "\($0.day) \($0.contentSHA256)" }
        }
        if step == .erase { #expect(try ErasureTests.withdraw(store, TraceTests.visitor).events > 200) }
        let before = try read()

        var done: Int?
        var errors: [String] = []
        for pages in stride(from: 0, through: 1_024, by: 12) where done == nil {
            try disk.fill(leaving: UInt64(pages) * 4_096)
            do throws(StoreError) {
                done = try run()
            } catch {
                #expect(error.kind == .full, "\(error)")
                errors.append(error.description)
                let found = try read()
                // The hash is that of the events that were read, or the inspection would say so.
                #expect(found.damage.isEmpty && hashes(found) == hashes(before))
                #expect(found.segments.reduce(0) { $0 + $1.count } == before.segments.reduce(0) { $0 + $1.count })
                #expect(try StoreReader(directory: path).inspect { _ in }.faults.isEmpty)
            }
        }
        #expect(errors.contains { $0.contains("partitions/coalition") }, "\(errors)")

        let after = try read()
        switch step {
        case .seal:
            #expect(done == 1 && after.partitions.map(\.isSealed) == [true])
            #expect(hashes(after) == hashes(before) && SealTests.texts(after) == SealTests.texts(before))
        case .erase:
            #expect(done == 0 && !store.needsDrain && after.partitions == before.partitions)
            #expect(try ByteSearch(path, for: TraceTests.needles).findings.isEmpty)
        case .importing:
            let stored = try #require(done)
            #expect(
                stored > 1_400 && after.partitions.map(\.events) == before.partitions.map(\.events) + [UInt64(stored)])
            #expect(try run() == 0)
        }
        #expect(try StoreReader(directory: path).inspect { _ in }.faults.isEmpty)
        try store.close(at: Self.due)
    }
}
