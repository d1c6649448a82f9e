import AssentCore
import Support
import Testing

@testable import AssentStore

@Suite struct SegmentCodecTests {
    static func decode(
        _ encoded: [EncodedColumn], count: Int, columns: ColumnSet = .all
    ) -> Result<EventColumns, SegmentDamage> {
        SegmentCodec.decode(count: count, columns: columns) { id in encoded.first { $0.id == id } }
    }

    static func column(_ id: EncodedColumn.ID, inflated: [UInt8]) -> EncodedColumn {
        let bytes = Deflate.compress(inflated, .thorough)
        return EncodedColumn(id: id, bytes: bytes, inflatedCount: inflated.count, crc: Deflate.crc(bytes))
    }

    @Test("Events come back as they went in", arguments: [0, 1, 2, 3, 100, 5_000], [1, 2] as [UInt64])
    func roundTrip(count: Int, seed: UInt64) throws {
        let events = sampleEvents(count, visitors: 1...VisitorNumber(max(1, count / 5)), seed: seed)
        let encoded = SegmentCodec.encode(EventColumns(events), keepingIDs: true)
        let decoded = try Self.decode(encoded, count: count).get()
        #expect(decoded.events == inOrder(events))
    }

    @Test func `a full segment comes back as it went in`() throws {
        let events = sampleEvents(Limits.segmentEventsMax, visitors: 1...9_000, seed: 8)
        let columns = EventColumns(events)
        let decoded = try Self.decode(SegmentCodec.encode(columns, keepingIDs: true), count: columns.count).get()
        #expect(decoded.events == columns.events)
        #expect(Self.damage(decoded.count + 1, SegmentCodec.encode(columns, keepingIDs: true)) != nil)
    }

    static func damage(_ count: Int, _ encoded: [EncodedColumn], _ columns: ColumnSet = .all) -> String? {
        guard case .failure(let damage) = decode(encoded, count: count, columns: columns) else { return nil }
        return damage.description
    }

    @Test func `the largest numbers and the strangest texts come back`() throws {
        let extreme = [Int64(0), 1, Limits.eventTimes.upperBound].flatMap { time in
            [1, UInt32.max].map { number in
                Event(
                    id: "", time: Instant(milliseconds: time), visitor: number, record: UInt32.max - number,
                    kind: .action, page: Page(host: "", path: "", query: "", fragment: ""), title: "e\u{301}\u{0}",
                    engagedMilliseconds: number, scroll: 100)
            }
        }
        let encoded = SegmentCodec.encode(EventColumns(extreme), keepingIDs: true)
        #expect(try Self.decode(encoded, count: extreme.count).get().events == inOrder(extreme))
    }

    @Test func `texts that are equal as characters but not as bytes stay apart`() throws {
        var events = sampleEvents(2, visitors: 1...1, seed: 3)
        (events[0].title, events[1].title) = ("é", "e\u{301}")
        (events[0].page.path, events[1].page.path) = ("/é", "/e\u{301}")
        let columns = EventColumns(events)
        let decoded = try Self.decode(SegmentCodec.encode(columns, keepingIDs: true), count: 2).get()
        #expect(decoded.events.map(\.exactBytes) == inOrder(events).map(\.exactBytes))
        let merged = ColumnMerge.merge(events.map { EventColumns([$0]) }).columns
        #expect(merged.events.map(\.exactBytes) == inOrder(events).map(\.exactBytes))
    }

    @Test("Ids of any spelling come back", arguments: ["", "abcdefgh", "ABCDEF01", "0123456789abcdef", "a-b_c-d_e"])
    func ids(id: String) throws {
        var event = sampleEvents(1, seed: 1)[0]
        for id in [id, String(repeating: "f", count: 64), String(repeating: "Z", count: 64)] {
            event.id = id
            let encoded = SegmentCodec.encode(EventColumns([event]), keepingIDs: true)
            #expect(try Self.decode(encoded, count: 1).get().ids.map(\.self) == [id])
        }
    }

    @Test func `without ids everything else comes back`() throws {
        let events = sampleEvents(50, seed: 5)
        let encoded = SegmentCodec.encode(EventColumns(events), keepingIDs: false)
        #expect(!encoded.contains { $0.id == .ids })
        let decoded = try Self.decode(encoded, count: 50).get()
        #expect(decoded.ids.isEmpty)
        #expect(
            decoded.events
                == inOrder(events).map { event in
                    var event = event
                    event.id = ""
                    return event
                })
    }

    @Test("A column that is asked for alone is the same as among all", arguments: 0..<14 as Range<UInt32>)
    func alone(bit: UInt32) throws {
        let events = sampleEvents(400, seed: 6)
        let encoded = SegmentCodec.encode(EventColumns(events), keepingIDs: true)
        let all = try Self.decode(encoded, count: 400).get()
        let asked = ColumnSet(rawValue: 1 << bit)
        let some = try Self.decode(encoded, count: 400, columns: asked).get()
        func agrees<Value: Equatable>(_ column: ColumnSet, _ path: KeyPath<EventColumns, Value>) {
            if asked.contains(column) { #expect(some[keyPath: path] == all[keyPath: path]) }
        }
        #expect(some.count == 400 && some.visitors == all.visitors)
        agrees(.order, \.times)
        agrees(.records, \.records)
        agrees(.kinds, \.kinds)
        agrees(.ids, \.ids)
        agrees(.pages, \.pages)
        agrees(.titles, \.titles)
        agrees(.referrers, \.referrers)
        agrees(.locales, \.locales)
        agrees(.countries, \.countries)
        agrees(.clients, \.clients)
        agrees(.names, \.names)
        agrees(.targets, \.targets)
        agrees(.engaged, \.engaged)
        agrees(.scrolls, \.scrolls)
    }

    @Test func `a text that no event has any more is in no stream`() throws {
        var events = sampleEvents(40, visitors: 1...4, seed: 7)
        for index in events.indices where events[index].visitor == 2 { events[index].title = "Only theirs" }
        let columns = EventColumns(events)
        let kept = columns.selecting((0..<columns.count).filter { columns.visitors[$0] != 2 })
        let encoded = SegmentCodec.encode(kept, keepingIDs: true)
        #expect(try Self.decode(encoded, count: kept.count).get().titles.values.contains("Only theirs") == false)
    }

    @Test func `what does not fit into one segment is cut where the next event would be too much`() {
        #expect(SegmentCodec.cuts(EventColumns()) == [])
        let many = EventColumns([Event](repeating: sampleEvents(1, seed: 1)[0], count: Limits.segmentEventsMax + 1))
        #expect(SegmentCodec.cuts(many) == [0..<Limits.segmentEventsMax, Limits.segmentEventsMax..<many.count])
    }

    @Test func `events with long texts that are all different give segments that can be read`() throws {
        // One address of the longest kind for each event: together more than a column may inflate to.
        let long = String(repeating: "x", count: 3_000)
        let events = (1...30_000).map { index in
            Event(
                id: "", time: Samples.monday.start, visitor: VisitorNumber(index), record: 1, kind: .pageview,
                page: Page(host: "www.example.org", path: "/\(index)", query: "utm_term=\(index)\(long)"))
        }
        let columns = EventColumns(events)
        let cuts = SegmentCodec.cuts(columns)
        #expect(cuts.count == 2 && cuts[0].lowerBound == 0 && cuts[1] == cuts[0].upperBound..<columns.count)
        for cut in cuts {
            let part = SegmentCodec.encode(columns.selecting(cut), keepingIDs: false)
            #expect(part.allSatisfy { $0.inflatedCount <= Limits.columnBytesMax })
            #expect(try Self.decode(part, count: cut.count).get().pages[0] == columns.pages[cut.lowerBound])
        }
    }

    // MARK: Damage

    @Test("A missing column is damage, that of the ids excepted", arguments: EncodedColumn.ID.allCases)
    func missing(id: EncodedColumn.ID) {
        let encoded = SegmentCodec.encode(EventColumns(sampleEvents(9, seed: 1)), keepingIDs: true)
        let damage = Self.damage(9, encoded.filter { $0.id != id })
        #expect((damage == nil) == (id == .ids))
    }

    @Test("A stream whose bytes changed is told by its CRC", arguments: EncodedColumn.ID.allCases)
    func checksum(id: EncodedColumn.ID) throws {
        var encoded = SegmentCodec.encode(EventColumns(sampleEvents(90, seed: 2)), keepingIDs: true)
        let place = try #require(encoded.firstIndex { $0.id == id })
        encoded[place].bytes[encoded[place].bytes.count / 2] ^= 4
        #expect(Self.damage(90, encoded) == "column \(id): its CRC is wrong")
    }

    @Test("A wrong count of events is damage", arguments: [-1, 0, 1, 89, 91, Limits.segmentEventsMax + 1, .max])
    func counts(count: Int) {
        let encoded = SegmentCodec.encode(EventColumns(sampleEvents(90, seed: 2)), keepingIDs: true)
        #expect(Self.damage(count, encoded) != nil)
    }

    @Test("A claim of a length that is not the stream's is damage", arguments: [-1, 0, 89, 91, 1 << 26, 1 << 40, .max])
    func lengths(count: Int) throws {
        var encoded = SegmentCodec.encode(EventColumns(sampleEvents(90, seed: 2)), keepingIDs: true)
        let place = try #require(encoded.firstIndex { $0.id == .kinds })
        encoded[place].inflatedCount = count
        #expect(Self.damage(90, encoded) == "column kinds: it does not inflate to its length")
    }

    @Test(
        "Content that was changed under a right CRC is damage or a segment in order, and never a trap",
        arguments: EncodedColumn.ID.allCases)
    func fuzz(id: EncodedColumn.ID) throws {
        let count = 60
        let encoded = SegmentCodec.encode(EventColumns(sampleEvents(count, visitors: 1...9, seed: 3)), keepingIDs: true)
        let place = try #require(encoded.firstIndex { $0.id == id })
        let content = try #require(Deflate.inflate(encoded[place].bytes, count: encoded[place].inflatedCount))
        var generator = SeededGenerator(seed: UInt64(id.rawValue))
        for _ in 0..<1_500 {
            var changed = encoded
            changed[place] = Self.column(id, inflated: mutated(content, using: &generator))
            guard case .success(let columns) = Self.decode(changed, count: count) else { continue }
            #expect(columns.count == count && columns.events.count == count)
            #expect(columns.visitors.allSatisfy { $0 > 0 })
            #expect(columns.times.allSatisfy(Limits.eventTimes.contains))
            #expect(columns.scrolls.allSatisfy { $0 <= 100 || $0 == Event.noScroll })
            #expect(columns.ids.allSatisfy { $0.utf8.count <= Limits.eventIDLength.upperBound })
            #expect(columns.events.map(\.exactBytes) == inOrder(columns.events).map(\.exactBytes))
        }
    }

    @Test(
        "A dictionary or a list of visitors that is longer than the events is damage",
        arguments: [
            EncodedColumn.ID.visitors, .pages, .titles, .clients,
        ])
    func longDictionaries(id: EncodedColumn.ID) throws {
        var encoded = SegmentCodec.encode(EventColumns(sampleEvents(3, seed: 1)), keepingIDs: true)
        let place = try #require(encoded.firstIndex { $0.id == id })
        var writer = ByteWriter()
        writer.varint(UInt(100_000))
        writer.raw([UInt8](repeating: 0, count: 500_000))
        encoded[place] = Self.column(id, inflated: writer.bytes)
        #expect(Self.damage(3, encoded) == "column \(id): its content is malformed")
    }
}

@Suite struct DeflateTests {
    @Test("Bytes come back", arguments: [0, 1, 2, 1_000, 100_000])
    func roundTrip(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        for bytes in [
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }, [UInt8](repeating: 7, count: count),
        ] {
            for effort in [Deflate.Effort.none, .quick, .thorough] {
                let stream = Deflate.compress(bytes, effort)
                #expect(Deflate.inflate(stream, count: count) == bytes)
                #expect(Deflate.inflate(stream, count: count + 1) == nil)
                if count > 0 { #expect(Deflate.inflate(stream, count: count - 1) == nil) }
                #expect(Deflate.inflate(stream + [0], count: count) == nil)
                #expect(Deflate.inflate(Array(stream.dropLast()), count: count) == nil)
            }
        }
    }

    @Test func `the checksum is that of gzip`() {
        #expect(Deflate.crc(Array("123456789".utf8)) == 0xCBF4_3926)
    }
}
