import AssentCore
import Support
import Testing

@testable import AssentStore

@Suite struct ByteCodecTests {
    static let numbers: [UInt64] = [
        0, 1, 127, 128, 16_383, 16_384, UInt64(UInt32.max), UInt64(UInt32.max) + 1, UInt64(Int64.max), .max,
    ]

    @Test("A number is read back and takes a byte for seven bits", arguments: numbers)
    func varint(number: UInt64) throws {
        var writer = ByteWriter()
        writer.varint(number)
        #expect(writer.bytes.count == max(1, (64 - number.leadingZeroBitCount + 6) / 7))
        var reader = ByteReader(writer.bytes)
        #expect(try reader.varint() == number)
        #expect(reader.isAtEnd)
        var narrow = ByteReader(writer.bytes)
        #expect((try? narrow.varint32()) == UInt32(exactly: number))
    }

    @Test("A signed number is read back", arguments: [0, -1, 1, 63, -64, 64, Int64.max, .min])
    func zigzag(number: Int64) throws {
        var writer = ByteWriter()
        writer.zigzag(number)
        var reader = ByteReader(writer.bytes)
        #expect(try reader.zigzag() == number)
    }

    @Test(
        "What is cut short, too large or no UTF-8 throws",
        arguments: [
            [], [0x80], [UInt8](repeating: 0xFF, count: 9), [UInt8](repeating: 0xFF, count: 9) + [2],
            [UInt8](repeating: 0x80, count: 64), [2, 0x41], [2, 0xC3, 0x28], [3, 0xED, 0xA0, 0x80],
        ] as [[UInt8]])
    func malformed(bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        #expect(throws: ByteReader.Malformed.self) { _ = try reader.text() }
    }
}

@Suite struct EventRowTests {
    @Test("Events come back from a journal row as they went in", arguments: [0, 1, 2, 500])
    func roundTrip(count: Int) throws {
        let events = sampleEvents(count, seed: UInt64(count))
        let batch = EventBatch(site: "coalition", unchecked: events)
        #expect(batch.count == count)
        let decoded = try EventBatch.decode(EventBatch.encode([batch]))
        #expect(decoded.map(\.site) == ["coalition"])
        #expect(try decoded[0].events() == events)
    }

    @Test func `batches of several sites keep their order and their events`() throws {
        let batches = ["a", "b", "a"].enumerated().map { index, site in
            EventBatch(site: site, unchecked: sampleEvents(5, seed: UInt64(index)))
        }
        let decoded = try EventBatch.decode(EventBatch.encode(batches))
        #expect(decoded.map(\.site) == ["a", "b", "a"])
        for (left, right) in zip(decoded, batches) { #expect(try left.events() == right.events()) }
        #expect(try EventBatch.decode([]).isEmpty)
    }

    @Test(
        "Events of some visitors are taken out without touching the others", arguments: [[], [1, 2, 3], Array(1...50)])
    func removing(gone: [VisitorNumber]) throws {
        let events = sampleEvents(300, seed: 4)
        let rest = try EventBatch(site: "coalition", unchecked: events).removing(gone.contains)
        #expect(try rest.events() == events.filter { !gone.contains($0.visitor) })
    }

    @Test func `texts come back byte for byte`() throws {
        var event = sampleEvents(1, seed: 1)[0]
        for title in ["é", "e\u{301}", "\u{0}", "a\r\nb", "😀"] {
            event.title = title
            let read = try EventBatch(site: "s", unchecked: [event]).events()[0]
            #expect(read.exactBytes == event.exactBytes)
        }
    }

    @Test("Damaged rows throw or give events that could be, and never trap", arguments: 0..<20 as Range<UInt64>)
    func fuzz(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytes = EventBatch.encode([EventBatch(site: "coalition", unchecked: sampleEvents(6, seed: seed))])
        for _ in 0..<1_000 {
            guard let batches = try? EventBatch.decode(mutated(bytes, using: &generator)) else { continue }
            for batch in batches {
                guard let events = try? batch.events() else { continue }
                #expect(events.count == batch.count)
                // The day of an event is what the journal is drained by.
                #expect(events.allSatisfy { Limits.eventTimes.contains($0.time.milliseconds) && $0.visitor > 0 })
                #expect(events.allSatisfy { $0.scroll <= 100 || $0.scroll == Event.noScroll })
                let again = EventBatch(site: batch.site, unchecked: events)
                #expect((try? again.events()) == events)
            }
        }
    }

    @Test func `a claim of more events than there are bytes throws before anything is reserved`() {
        var writer = ByteWriter()
        writer.text("coalition")
        writer.varint(UInt32.max)
        writer.varint(UInt(3))
        writer.raw([1, 2, 3])
        #expect(throws: ByteReader.Malformed.self) { _ = try EventBatch.decode(writer.bytes).map { try $0.events() } }
    }
}
