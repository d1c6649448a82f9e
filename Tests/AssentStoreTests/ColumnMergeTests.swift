import AssentCore
import Support
import Testing

@testable import AssentStore

@Suite struct ColumnMergeTests {
    /// Sort, then keep the first of each visitor and id.
    static func slowly(_ parts: [[Event]]) -> (kept: [Event], dropped: [Event]) {
        struct Key: Hashable {
            var visitor: VisitorNumber
            var id: String
        }
        var seen: Set<Key> = []
        var kept: [Event] = []
        var dropped: [Event] = []
        for event in inOrder(parts.flatMap { $0 }) {
            let isNew = event.id.isEmpty || seen.insert(Key(visitor: event.visitor, id: event.id)).inserted
            if isNew { kept.append(event) } else { dropped.append(event) }
        }
        return (kept, dropped)
    }

    @Test("A merge is what sorting everything and dropping duplicates gives", arguments: 0..<40 as Range<UInt64>)
    func againstTheObvious(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var parts = (0..<Int.random(in: 0...6, using: &generator)).map { part in
            sampleEvents(
                Int.random(in: 0...120, using: &generator), visitors: 1...12, seed: seed << 8 | UInt64(part))
        }
        // Some events are sent again, at the same time or a moment later; some have lost their id; many times collide.
        for part in parts.indices {
            for _ in 0..<Int.random(in: 0...20, using: &generator) {
                guard var again = parts.randomElement(using: &generator)?.randomElement(using: &generator) else {
                    continue
                }
                again.time = again.time.advanced(by: [0, 0, 3].randomElement(using: &generator) ?? 0)
                parts[part].append(again)
            }
            for index in parts[part].indices {
                if Bool.random(using: &generator) {
                    parts[part][index].time = Samples.monday.start.advanced(by: .random(in: 0...9, using: &generator))
                }
                if Int.random(in: 0..<10, using: &generator) == 0 { parts[part][index].id = "" }
            }
        }
        let expected = Self.slowly(parts)
        let (columns, duplicates) = ColumnMerge.merge(parts.map(EventColumns.init))
        #expect(columns.count == expected.kept.count && columns.events == expected.kept)
        #expect(duplicates == expected.dropped)
    }

    @Test func `merging in two steps gives what merging at once gives`() {
        let parts = (0..<4).map { EventColumns(sampleEvents(80, visitors: 1...9, seed: $0 % 3)) }
        let atOnce = ColumnMerge.merge(parts).columns
        let left = ColumnMerge.merge(Array(parts[..<2])).columns
        let right = ColumnMerge.merge(Array(parts[2...])).columns
        #expect(ColumnMerge.merge([left, right]).columns.events == atOnce.events)
        #expect(atOnce.count == 240)
    }

    @Test(
        "Runs that are read in parts give the same, in segments of the asked size",
        arguments: 1...20 as ClosedRange<UInt64>)
    func inParts(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var runs = (0..<4).map { sampleEvents(Int.random(in: 0...150, using: &generator), visitors: 1...7, seed: $0) }
        runs.append(Array(runs.joined().shuffled(using: &generator).prefix(40)))
        let expected = Self.slowly(runs)
        // A visitor's events may stand in several parts of a run, and parts may be empty.
        let parts = runs.map { run in
            let columns = EventColumns(run)
            var cuts = (0..<5).map { _ in Int.random(in: 0...columns.count, using: &generator) } + [0, columns.count]
            cuts.sort()
            return zip(cuts, cuts.dropFirst()).map { columns.selecting($0..<$1) }
        }
        let most = Int.random(in: 1...90, using: &generator)
        var merge = ColumnMerge(parts)
        var segments: [EventColumns] = []
        while let segment = merge.next(atMost: most, read: { $0 }) { segments.append(segment) }
        #expect(segments.flatMap(\.events) == expected.kept)
        #expect(segments.dropLast().allSatisfy { $0.count == most } && segments.allSatisfy { (1...most) ~= $0.count })
        #expect(merge.duplicates == expected.dropped)
        for segment in segments {
            let decoded = try SegmentCodecTests.decode(
                SegmentCodec.encode(segment, keepingIDs: true), count: segment.count
            ).get()
            #expect(decoded.events == segment.events)
        }
    }

    @Test func `the same id of two visitors is two events`() {
        var events = sampleEvents(2, seed: 1)
        (events[0].visitor, events[1].visitor) = (1, 2)
        events[1].id = events[0].id
        #expect(ColumnMerge.merge([EventColumns(events)]).columns.count == 2)
    }

    @Test func `nothing merged is nothing`() {
        #expect(ColumnMerge.merge([]).columns.count == 0)
        #expect(ColumnMerge.merge([EventColumns(), EventColumns()]).columns.count == 0)
    }
}

@Suite struct ContentHashTests {
    static func hash(_ events: some Sequence<Event>) -> ContentHash {
        var hash = ContentHash()
        for event in events { hash.add(event) }
        return hash
    }

    @Test(
        "The hash depends on the events, not on their order, division or ids", arguments: 1...5 as ClosedRange<UInt64>)
    func order(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let events = sampleEvents(200, seed: seed)
        let whole = Self.hash(events)
        #expect(whole == Self.hash(events.shuffled(using: &generator)))
        var joined = ContentHash()
        for start in stride(from: 0, to: 200, by: 33) { joined.add(Self.hash(events[start..<min(200, start + 33)])) }
        #expect(joined == whole)
        let withoutIDs = events.map { event in
            var event = event
            event.id = ""
            return event
        }
        #expect(Self.hash(withoutIDs).text == whole.text)
        #expect(Self.hash(EventColumns(events).events).text == whole.text)
    }

    @Test func `any changed field changes the hash, and so does an event that is there twice`() {
        let events = sampleEvents(20, seed: 9)
        let whole = Self.hash(events)
        var texts: Set<String> = [whole.text, Self.hash(events + [events[0]]).text, Self.hash(events.dropLast()).text]
        let changes: [(inout Event) -> Void] = [
            { $0.time = $0.time.advanced(by: 1) }, { $0.visitor += 1 }, { $0.record += 1 },
            { $0.kind = $0.kind == .action ? .pageview : .action }, { $0.page.host += "x" }, { $0.page.path += "x" },
            { $0.page.query += "x" }, { $0.page.fragment += "x" }, { $0.title += "x" }, { $0.referrer.host += "x" },
            { $0.referrer.pathClass = $0.referrer.pathClass == .root ? .page : .root }, { $0.locale += "x" },
            { $0.country += "x" }, { $0.client.device = $0.client.device == .other ? .mobile : .other },
            { $0.client.browser += "x" }, { $0.client.system += "x" }, { $0.name += "x" }, { $0.target += "x" },
            { $0.engagedMilliseconds += 1 }, { $0.scroll ^= 1 },
        ]
        for change in changes {
            var changed = events
            change(&changed[3])
            texts.insert(Self.hash(changed).text)
        }
        #expect(texts.count == 3 + changes.count)
        #expect(texts.allSatisfy { $0.utf8.count == 64 })
    }

    @Test func `what was added can be taken away, in any order`() {
        let events = sampleEvents(300, seed: 2)
        var hash = Self.hash(events)
        for event in events[100...].reversed() { hash.remove(event) }
        #expect(hash == Self.hash(events[..<100]))
        for event in events[..<100] { hash.remove(event) }
        #expect(hash == ContentHash())
    }

    @Test func `a stored sum carries and borrows through every word`() throws {
        let event = sampleEvents(1, seed: 3)[0]
        for sum in [[UInt8](repeating: 0xFF, count: 32), [UInt8](repeating: 0, count: 32)] {
            let start = try #require(ContentHash(sum: sum, count: 5))
            #expect(start.sum == sum)
            var hash = start
            hash.add(event)
            #expect(hash != start)
            hash.remove(event)
            #expect(hash == start)
        }
        #expect(ContentHash(sum: [1, 2], count: 0) == nil)
    }

    @Test func `taking away from a count that is too small does not trap`() {
        var hash = ContentHash()
        hash.remove(sampleEvents(1, seed: 1)[0])
        #expect(hash.count == 0)
    }
}
