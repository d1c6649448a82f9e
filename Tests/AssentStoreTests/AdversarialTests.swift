import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// Events such as no page sends, and the worst that one could.
struct AdversarialEvents: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable () -> [Event]

    init(_ name: String, _ make: @escaping @Sendable () -> [Event]) { (testDescription, self.make) = (name, make) }

    /// Texts that are easily taken for one another, cut, folded or normalised.
    static let texts = [
        "", " ", "\u{0}", "a", "A", "é", "e\u{301}", "\u{212B}", "\u{C5}", "A\u{30A}", "ﬁ", "fi", "😀", "👨‍👩‍👧",
        "\u{10FFFF}",
        "\u{FEFF}x", "\u{200F}يوم", "\r\n", "\n", "\\\"'<>&", "\u{FFFD}", "𝒳𝒴", "0", "00", "[redacted]",
    ]
    static let ids = [
        "", "0", "00", "0f", "0F", "abcdef01", "ABCDEF01", "abcdefg", "a-b_c-d_e", String(repeating: "f", count: 64),
        String(repeating: "f", count: 63), String(repeating: "Z", count: 64), "00000000", "0000000",
    ]
    static let numbers: [UInt32] = [0, 1, 9, 10, 99, 100, 127, 128, 999, 1_000, 3_600_000, .max - 1, .max]
    static let visitors: [VisitorNumber] = [1, 2, 127, 128, 1 << 16, .max - 1, .max]
    static let times = [0, 1, 86_399_999, 86_400_000, Limits.eventTimes.upperBound - 1, Limits.eventTimes.upperBound]

    static func plain(visitor: VisitorNumber = 1, time: Int64 = 0) -> Event {
        Event(
            id: "", time: Instant(milliseconds: time), visitor: visitor, record: 0, kind: .pageview,
            page: Page(host: "", path: ""))
    }

    /// Each field drawn by itself from what is adversarial.
    static func random(_ count: Int, seed: UInt64) -> [Event] {
        var generator = SeededGenerator(seed: seed)
        func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: values.indices, using: &generator)] }
        // Few values repeat often, and many seldom do.
        let texts = Array(Self.texts.shuffled(using: &generator).prefix(pick([1, 2, 5, 25])))
        return (0..<count).map { _ in
            var event = plain(visitor: pick(visitors), time: pick(times))
            (event.id, event.record, event.kind) = (pick(ids), pick(numbers), pick(Event.Kind.allCases))
            event.page = Page(host: pick(texts), path: pick(texts), query: pick(texts), fragment: pick(texts))
            event.referrer = Referrer(host: pick(texts), pathClass: pick(Referrer.PathClass.allCases))
            event.client = Client(
                device: pick(Client.Device.allCases), browser: pick(texts), system: pick(texts))
            (event.title, event.locale, event.country) = (pick(texts), pick(texts), pick(texts))
            (event.name, event.target) = (pick(texts), pick(texts))
            (event.engagedMilliseconds, event.scroll) = (pick(numbers), pick([0, 1, 99, 100, Event.noScroll]))
            return event
        }
    }

    /// Every text differs from that of all others, by its last bytes alone.
    static func distinct(_ count: Int) -> [Event] {
        (0..<count).map { index in
            let text = "\(String(index, radix: 36))é"
            var event = plain(visitor: VisitorNumber(index + 1), time: Int64(index) * 977)
            (event.id, event.record, event.kind) = ("id-\(text)", UInt32(index), Event.Kind.allCases[index % 3])
            event.page = Page(host: text, path: "/\(text)", query: "ref=\(text)", fragment: text)
            event.referrer = Referrer(host: text, pathClass: .page)
            event.client = Client(device: Client.Device.allCases[index % 4], browser: text, system: text)
            (event.title, event.locale, event.country, event.name, event.target) = (text, text, text, text, text)
            event.engagedMilliseconds = UInt32(index)
            event.scroll = UInt8(index % 101)
            return event
        }
    }

    static let all =
        [
            AdversarialEvents("none") { [] }, AdversarialEvents("one of nothing") { [plain()] },
            AdversarialEvents("one of the largest numbers") {
                var event = plain(visitor: .max, time: Limits.eventTimes.upperBound)
                (event.record, event.engagedMilliseconds, event.scroll) = (.max, .max, 100)
                return [event]
            },
            AdversarialEvents("all equal") { [Event](repeating: sampleEvents(1, seed: 1)[0], count: 900) },
            AdversarialEvents("all different") { distinct(900) },
            AdversarialEvents("all different, the last one first") { distinct(900).reversed() },
            AdversarialEvents("visitors and records that leap from end to end") {
                (0..<1_000).map { index in
                    var event = plain(visitor: index % 2 == 0 ? 1 : .max, time: times[index % times.count])
                    event.record = index % 3 == 0 ? .max : UInt32(index)
                    return event
                }
            },
            AdversarialEvents("one visitor at one moment") {
                texts.map { text in
                    var event = plain(visitor: 7, time: 5)
                    event.title = text
                    return event
                }
            },
            AdversarialEvents("texts equal as characters, not as bytes, in each field") {
                ["é", "e\u{301}"].flatMap { text in
                    (0..<12).map { field in
                        var event = plain()
                        let fields: [WritableKeyPath<Event, String>] = [
                            \.page.host, \.page.path, \.page.query, \.page.fragment, \.title, \.referrer.host, \.locale,
                            \.country, \.client.browser, \.client.system, \.name, \.target,
                        ]
                        event[keyPath: fields[field]] = text
                        return event
                    }
                }
            },
            AdversarialEvents("the longest texts") {
                let scalar = "\u{1F600}"
                return (0..<40).map { index in
                    var event = plain(visitor: VisitorNumber(index % 3 + 1), time: Int64(index))
                    event.id = String(repeating: "Z", count: 62) + String(10 + index)
                    event.page = Page(
                        host: String(repeating: "h", count: Limits.hostBytesMax),
                        path: String(repeating: scalar, count: Limits.pathBytesMax / 4 - 1) + "\(1_000 + index)",
                        query: String(repeating: "utm_term=\(String(repeating: "x", count: 256))&", count: 15)
                            + "\(index)",
                        fragment: String(repeating: scalar, count: Limits.fragmentLengthMax))
                    event.title = String(repeating: "\(index % 10)", count: Limits.titleBytesMax)
                    event.target = "https://\(String(repeating: "t", count: 253))/\(index)"
                    return event
                }
            },
            AdversarialEvents("engaged times of every unit") {
                [UInt32(0), 1_000, 2_000, 100, 10, 1, .max].indices.flatMap { last in
                    [UInt32(0), 1_000, 2_000, 100, 10, 1, .max][...last].map { engaged in
                        var event = plain(visitor: VisitorNumber(last + 1))
                        event.engagedMilliseconds = engaged
                        return event
                    }
                }
            },
        ]
        + (0..<24).map { seed in
            AdversarialEvents("random \(seed)") { random([1, 2, 40, 300][seed % 4], seed: UInt64(seed)) }
        }
}

/// Whatever the events, every codec gives back the same bytes.
@Suite struct AdversarialTests {
    private static func withoutIDs(_ events: [Event]) -> [Event] {
        events.map { event in
            var event = event
            event.id = ""
            return event
        }
    }

    private static func expectRoundTrip(_ events: [Event]) throws {
        let columns = EventColumns(events)
        let ordered = inOrder(events)
        #expect(columns.events.map(\.exactBytes) == ordered.map(\.exactBytes))
        for keepsIDs in [true, false] {
            let encoded = SegmentCodec.encode(columns, keepingIDs: keepsIDs)
            let decoded = try SegmentCodecTests.decode(encoded, count: events.count).get()
            let expected = keepsIDs ? ordered : withoutIDs(ordered)
            #expect(decoded.events.map(\.exactBytes) == expected.map(\.exactBytes))
            #expect(SegmentCodec.encode(decoded, keepingIDs: keepsIDs) == encoded, "the same events, the same bytes")
        }
    }

    @Test("A segment gives back every byte, with ids and without", arguments: AdversarialEvents.all)
    func segments(events: AdversarialEvents) throws { try Self.expectRoundTrip(events.make()) }

    @Test("A full segment gives back every byte, be its events all equal or all different", arguments: [true, false])
    func fullSegments(areEqual: Bool) throws {
        let count = Limits.segmentEventsMax
        let events =
            areEqual
            ? [Event](repeating: sampleEvents(1, seed: 1)[0], count: count) : AdversarialEvents.distinct(count)
        let columns = EventColumns(events)
        let encoded = SegmentCodec.encode(columns, keepingIDs: true)
        let decoded = try SegmentCodecTests.decode(encoded, count: count).get()
        for index in [0, 1, count / 2, count - 2, count - 1] {
            #expect(decoded.event(at: index).exactBytes == events[index].exactBytes)
        }
    }

    @Test("A row of the journal gives back every byte, in the order of arrival", arguments: AdversarialEvents.all)
    func journalRows(events: AdversarialEvents) throws {
        let events = events.make()
        let batches = ["a", "\u{10FFFF}"].map { EventBatch(site: $0, unchecked: events) }
        let decoded = try EventBatch.decode(EventBatch.encode(batches))
        #expect(decoded.map(\.site) == batches.map(\.site) && decoded.map(\.count) == batches.map(\.count))
        for batch in decoded { #expect(try batch.events().map(\.exactBytes) == events.map(\.exactBytes)) }
        let rest = try decoded[0].removing { $0 == .max }
        #expect(try rest.events().map(\.exactBytes) == events.filter { $0.visitor != .max }.map(\.exactBytes))
    }

    @Test(
        "A merge keeps every byte of what is no duplicate, however the runs are cut", arguments: AdversarialEvents.all)
    func merges(events: AdversarialEvents) {
        let events = events.make()
        var generator = SeededGenerator(seed: UInt64(events.count))
        var runs = [[Event]](repeating: [], count: 4)
        for event in events { runs[Int.random(in: 0..<4, using: &generator)].append(event) }
        let expected = ColumnMergeTests.slowly(runs)
        let merged = ColumnMerge.merge(runs.map(EventColumns.init))
        #expect(merged.columns.events.map(\.exactBytes) == expected.kept.map(\.exactBytes))
        #expect(merged.duplicates.map(\.exactBytes) == expected.dropped.map(\.exactBytes))
    }

    @Test("A content hash is that of the events, in whatever order they come and go", arguments: AdversarialEvents.all)
    func hashes(events: AdversarialEvents) {
        let events = events.make()
        var generator = SeededGenerator(seed: 5)
        let whole = ContentHashTests.hash(events)
        #expect(whole == ContentHashTests.hash(events.shuffled(using: &generator)) && whole.count == events.count)
        #expect(whole == ContentHashTests.hash(EventColumns(events).events))
        // Come and go by turns, each event as often as it is there.
        var hash = ContentHash()
        for event in events.shuffled(using: &generator) {
            hash.add(event)
            if Bool.random(using: &generator) {
                hash.remove(event)
                hash.add(event)
            }
        }
        #expect(hash == whole && hash.text == whole.text)
        #expect(ContentHash(sum: whole.sum, count: whole.count) == whole)
        for event in events.shuffled(using: &generator) { hash.remove(event) }
        #expect(hash == ContentHash())
    }

    // MARK: Numbers and streams

    /// Every power of two, what lies beside it, and their complements.
    static let edges: [UInt64] = (0..<64).flatMap { bit in
        let power = UInt64(1) << bit
        return [power - 1, power, power + 1, ~power]
    }

    @Test func `numbers written one after the other are read one after the other, signed and unsigned`() throws {
        var writer = ByteWriter()
        for number in Self.edges {
            writer.varint(number)
            writer.zigzag(Int64(bitPattern: number))
            writer.varint(UInt32(truncatingIfNeeded: number))
        }
        var reader = ByteReader(writer.bytes)
        for number in Self.edges {
            #expect(try reader.varint() == number)
            #expect(try reader.zigzag() == Int64(bitPattern: number))
            #expect(try reader.varint32() == UInt32(truncatingIfNeeded: number))
        }
        #expect(reader.isAtEnd)
        for end in 0..<min(200, writer.bytes.count) {
            // Cut anywhere, it ends with an error and never with a number that was not written.
            var cut = ByteReader(writer.bytes[..<end])
            var read: [UInt64] = []
            while let number = try? cut.varint() { read.append(number) }
            var whole = ByteReader(writer.bytes)
            for number in read { #expect(try whole.varint() == number) }
        }
    }

    @Test(
        "A stream gives back its bytes and nothing for any other length or cut",
        arguments: [0, 1, 255, 256, 32_768, 32_769, 65_536])
    func streams(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let contents = [
            [UInt8](repeating: 0, count: count), (0..<count).map { UInt8(truncatingIfNeeded: $0) },
            (0..<count).map { UInt8($0 / 32_768 % 2) },
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) },
        ]
        for bytes in contents {
            let stream = Deflate.compress(bytes, .thorough)
            #expect(Deflate.inflate(stream, count: count) == bytes)
            for wrong in [0, count - 1, count + 1, 2 * count + 1, Limits.columnBytesMax, .max] where wrong != count {
                #expect(Deflate.inflate(stream, count: wrong) == nil)
            }
            for end in stride(from: 0, to: stream.count, by: max(1, stream.count / 20)) {
                #expect(Deflate.inflate(Array(stream[..<end]), count: count) == nil)
            }
        }
    }

    // MARK: Ledger

    @Test func `grounds and notices of any text are in the chain as they were given, and found again by their bytes`()
        throws
    {
        let directory = try TemporaryDirectory()
        let now = Samples.monday.start
        let store = try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: now)
        let texts = AdversarialEvents.texts + [#"x","basis":"a"#, #"a"}"#, String(repeating: "\u{1F}", count: 1_000)]
        let grounds = texts.map { LedgerRequest.ground(site: "coalition", basis: $0, at: now) }
        let first = try store.commit(grounds)
        #expect(Set(first.map { "\($0)" }).count == texts.count, "equal as characters is not equal")
        #expect(try store.commit(grounds) == first)
        let notices = texts.map { Notice(locale: "en", text: $0) }
        _ = try store.commit(
            notices.map { notice in
                .grant(
                    NewConsent(
                        site: "coalition", notice: notice, act: "click", source: "banner", at: now, day: Samples.monday)
                )
            })
        #expect(try StoreReader(directory: directory.path).ledgerFault() == nil)
        let ledger = try SQLite("\(directory.path)/ledger.sqlite", .read)
        var bases: [[UInt8]] = []
        try ledger.rows("SELECT body FROM entry WHERE kind='ground' ORDER BY number") { row in
            guard case .string(let basis)? = (try? JSON(row.text(0)))?["basis"] else { return }
            bases.append(Array(basis.utf8))
        }
        #expect(bases == texts.map { Array($0.utf8) })
        var kept: Set<[UInt8]> = []
        try ledger.rows("SELECT text FROM notice") { kept.insert(Array($0.text(0).utf8)) }
        #expect(kept == Set(texts.map { Array($0.utf8) }))
    }
}
