import AssentCore
import Support
import Testing

@testable import AssentStore

extension RecentIDs {
    /// Whether an id is new.
    func claim(_ hash: UInt64, at now: Instant) -> Bool { claim([hash], at: now).isEmpty }
}

@Suite struct RecentIDsTests {
    let start = Samples.monday.start

    @Test(
        "An id is known for a day", arguments: [0, 1, Limits.duplicateMilliseconds - 1, Limits.duplicateMilliseconds])
    func known(after: Int64) {
        // Whatever generation it falls into: claimed at the beginning, the middle or the end of one.
        for offset in [0, Limits.duplicateMilliseconds / 2, Limits.duplicateMilliseconds - 1] {
            let ids = RecentIDs()
            #expect(ids.claim(1, at: start))
            #expect(ids.claim(2, at: start.advanced(by: offset)))
            #expect(ids.claim(3, at: start.advanced(by: offset + after)))
            #expect(!ids.claim(2, at: start.advanced(by: offset + after)))
        }
    }

    @Test func `an id is forgotten when two more days have begun`() {
        let ids = RecentIDs()
        #expect(ids.claim(1, at: start))
        #expect(ids.claim(2, at: start.advanced(by: Limits.duplicateMilliseconds)))
        #expect(ids.claim(3, at: start.advanced(by: 2 * Limits.duplicateMilliseconds)))
        #expect(ids.claim(1, at: start.advanced(by: 2 * Limits.duplicateMilliseconds)))
    }

    @Test func `what was released can be claimed again`() {
        let ids = RecentIDs()
        #expect(ids.claim(1, at: start) && ids.claim(2, at: start))
        #expect(ids.claim(3, at: start.advanced(by: Limits.duplicateMilliseconds)))
        ids.release([1, 3, 99])
        #expect(ids.claim([5, 2, 5, 6], at: start) == [1, 2], "known before, and known since the first of two")
        #expect(ids.claim(1, at: start) && ids.claim(3, at: start) && !ids.claim(2, at: start))
    }

    @Test func `whatever was released between others, those others stay known`() {
        var generator = SeededGenerator(seed: 7)
        let ids = RecentIDs()
        var known: Set<UInt64> = []
        for _ in 0..<30_000 {
            // Few places, so that many hashes wait behind one another.
            let hash = UInt64.random(in: 0..<64, using: &generator) << 32 | UInt64.random(in: 1...40, using: &generator)
            if Bool.random(using: &generator) {
                #expect(ids.claim(hash, at: start) == known.insert(hash).inserted)
            } else {
                ids.release([hash])
                known.remove(hash)
            }
        }
        for hash in known { #expect(!ids.claim(hash, at: start)) }
    }

    @Test func `a clock that goes back forgets nothing`() {
        let ids = RecentIDs()
        #expect(ids.claim(1, at: start))
        #expect(ids.claim(2, at: start.advanced(by: -Limits.duplicateMilliseconds * 3)))
        #expect(!ids.claim(1, at: start) && !ids.claim(2, at: start))
    }

    @Test func `half of the bound is always remembered, and never more than the bound`() {
        let ids = RecentIDs()
        let half = UInt64(Limits.recentIDsMax / 2)
        for hash in 0..<3 * half { _ = ids.claim(hash &* 0x9E37_79B9_7F4A_7C15, at: start) }
        for hash in (2 * half)..<(3 * half) { #expect(!ids.claim(hash &* 0x9E37_79B9_7F4A_7C15, at: start)) }
        #expect(ids.claim(0, at: start))
    }

    @Test func `site, visitor and id each make another hash`() {
        let hashes: Set<UInt64> = [
            RecentIDs.hash(site: "a", visitor: 1, id: "b"), RecentIDs.hash(site: "ab", visitor: 1, id: ""),
            RecentIDs.hash(site: "a", visitor: 2, id: "b"), RecentIDs.hash(site: "a", visitor: 1, id: "c"),
        ]
        #expect(hashes.count == 4)
        #expect(hashes.contains(RecentIDs.hash(site: "a", visitor: 1, id: "b")))
    }

    @Test func `of many claims at once one wins`() async {
        let ids = RecentIDs()
        let wins = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<1_000).count { ids.claim(UInt64($0) + 1, at: Samples.monday.start) } }
            }
            return await group.reduce(0, +)
        }
        #expect(wins == 1_000)
    }
}

@Suite struct ImportKeysTests {
    static func partition(_ directory: TemporaryDirectory) throws -> Partition {
        try Files.makeDirectory(Partition.folder(directory.path, "a"))
        return try Partition(directory: directory.path, site: "a", day: Samples.monday, .write(durable: false))
    }

    static func new(_ arrivals: [[Event]], _ partition: Partition) throws -> [[Event]] {
        try ImportKeys.new(of: arrivals.map { EventColumns.arrived($0) }, in: partition).map(\.events)
    }

    @Test func `events that agree in visitor, time, kind, page and name are one`() throws {
        let directory = try TemporaryDirectory()
        let partition = try Self.partition(directory)
        let events = sampleEvents(60, seed: 1)
        _ = try partition.add([EventColumns(Array(events[..<20]))], through: nil)
        #expect(try Self.new([events], partition) == [Array(events[20...])])
        #expect(try Self.new([events, events], partition) == [Array(events[20...])])
        #expect(try Self.new([Array(events[..<20]), []], partition).isEmpty)
        #expect(try Self.new([[]], partition).isEmpty)
        var others = [Event](repeating: events[0], count: 6)
        others[1].visitor += 1
        others[2].time = others[2].time.advanced(by: 1)
        others[3].page.query += "x"
        others[4].name += "x"
        others[5].title += "another title"
        #expect(try Self.new([others], partition) == [Array(others[1...4])])
    }

    @Test("What is stored does not depend on how lines are ordered and cut", arguments: 0..<8 as Range<UInt64>)
    func cutting(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let events = try Samples.events(400, visitors: 1...30, seed: seed)
        func content(_ batches: [[ConsentedEvent]]) throws -> (stored: Int, content: ContentHash) {
            let directory = try TemporaryDirectory()
            let store = try StoreTests.open(directory)
            var stored = 0
            for batch in batches {
                stored += try store.importEvents([Samples.importBatch(batch)], site: "coalition", at: StoreTests.now)
            }
            try store.close(at: StoreTests.now)
            return (
                stored,
                try Partition(directory: directory.path, site: "coalition", day: Samples.monday, .read).content()
            )
        }
        let whole = try content([events])
        var batches: [[ConsentedEvent]] = []
        var rest = events[...]
        while !rest.isEmpty {
            batches.append(Array(rest.prefix(Int.random(in: 1...60, using: &random))))
            rest = rest.dropFirst(batches[batches.count - 1].count)
        }
        // Each batch comes twice, and at the end all come once more.
        let cut = try content(batches.flatMap { [$0, $0] } + [events])
        #expect(cut == whole && whole.stored > 0)
    }
}
