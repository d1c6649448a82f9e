import AssentCore
import Support
import Testing

@testable import AssentStore

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
        #expect(ids.claim(1, at: start) && ids.claim(3, at: start) && !ids.claim(2, at: start))
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
    @Test func `events that agree in visitor, time, kind, page and name are one`() {
        var keys = ImportKeys()
        let events = sampleEvents(60, seed: 1)
        keys.begin("a", Samples.monday, [EventColumns(Array(events[..<20]))])
        func unseen(_ events: [Event]) -> [Event] {
            keys.unseen(EventColumns(events), "a", Samples.monday).events
        }
        #expect(unseen(events) == inOrder(Array(events[20...])))
        #expect(unseen(events).isEmpty)
        var others = [Event](repeating: events[0], count: 6)
        others[1].visitor += 1
        others[2].time = others[2].time.advanced(by: 1)
        others[3].page.query += "x"
        others[4].name += "x"
        others[5].title += "another title"
        #expect(unseen(others) == inOrder(Array(others[1...4])))
    }

    @Test func `a day's keys stand for one content of its partition`() {
        var keys = ImportKeys()
        let content = ContentHashTests.hash(sampleEvents(3, seed: 1))
        #expect(!keys.knows("a", Samples.monday, content))
        keys.begin("a", Samples.monday, [])
        keys.remember("a", Samples.monday, content)
        #expect(keys.knows("a", Samples.monday, content) && !keys.knows("a", Samples.monday, ContentHash()))
        #expect(!keys.knows("b", Samples.monday, content))
        keys.forget("a", Samples.monday)
        #expect(!keys.knows("a", Samples.monday, content))
    }
}
