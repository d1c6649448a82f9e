import AssentCore
import Support
import Testing

@testable import AssentStore

/// Bytes that come from elsewhere are refused or understood; they never trap, and what is understood comes back when it
/// is written again. The seeded share of what `make fuzz` does guided by coverage.
@Suite struct ForeignBytesTests {
    @Test(
        "Segments of which several columns are changed are damage, or events in order that come back",
        arguments: 0..<8 as Range<UInt64>)
    func segments(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let count = Int(seed) * 5 + 1
        let encoded = SegmentCodec.encode(
            EventColumns(sampleEvents(count, visitors: 1...4, seed: seed)), keepingIDs: seed % 2 == 0)
        let contents = try encoded.map { column in
            try #require(Deflate.inflate(column.bytes, count: column.inflatedCount))
        }
        var understood = 0
        for _ in 0..<600 {
            var changed = encoded
            for _ in 0...Int.random(in: 0..<3, using: &generator) {
                let place = Int.random(in: encoded.indices, using: &generator)
                var content = contents[place]
                // A column in the place of another is as bad as any.
                if Int.random(in: 0..<8, using: &generator) == 0 {
                    content = contents.randomElement(using: &generator)!
                }
                changed[place] = SegmentCodecTests.column(
                    encoded[place].id, inflated: mutated(content, using: &generator))
            }
            guard case .success(let columns) = SegmentCodecTests.decode(changed, count: count) else { continue }
            understood += 1
            let events = columns.events
            #expect(events.map(\.exactBytes) == inOrder(events).map(\.exactBytes))
            let hasIDs = encoded.contains { $0.id == .ids }
            let again = SegmentCodec.encode(columns, keepingIDs: hasIDs)
            let read = try SegmentCodecTests.decode(again, count: count).get()
            #expect(read.events.map(\.exactBytes) == events.map(\.exactBytes))
        }
        #expect(understood > 0 && understood < 600)
    }

    @Test("Changed streams are no streams, whatever length they claim", arguments: 0..<4 as Range<UInt64>)
    func streams(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let content = (0..<2_000).map { _ in UInt8.random(in: 0...3, using: &generator) }
        let stream = Deflate.compress(content, .quick)
        let claims = [0, 1, content.count, content.count * 1_000, Limits.columnBytesMax, .max, -1]
        for _ in 0..<2_000 {
            let changed = mutated(stream, using: &generator)
            let claim = claims.randomElement(using: &generator)!
            // The Adler-32 of a stream leaves nothing to chance at this number of tries.
            let inflated = Deflate.inflate(changed, count: claim)
            #expect(inflated == nil || changed == stream && inflated == content)
        }
    }

    @Test("A claim that so short a stream cannot hold allocates nothing", arguments: [1_032, 1 << 20, 1 << 40])
    func claims(count: Int) { #expect(Deflate.inflate([0x78], count: 2 * count) == nil) }

    @Test("Changed lines of an import are bad lines, or events that come back", arguments: 0..<8 as Range<UInt64>)
    func lines(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var lines = try Samples.events(4, visitors: 1...3, seed: seed).map { event in
            var line = JSONWriter()
            EventLine.write(event.event, visitor: Samples.visitorID(1), scheme: "https", to: &line)
            return line.bytes
        }
        lines.append(
            Array(
                (#"{"time":1.795e12,"visitor":"00112233445566778899aabbccddeeff","type":"action","name":"share","url":"#
                    + #""https://u:p@www.example.org:80/%zz/%C3%A9%2540?utm_source=%26&hashtag=a+b#x","title":"a@b.example "#
                    + #"%1C\u00e9\ud83c\ud800","referrer":"https://[::1]/a","target":"https://x.example/%3Fa%2541"}"#)
                    .utf8))
        var understood = 0
        var memory = GateMemory(texts: 16)
        for round in 0..<1_500 {
            var bytes = lines[round % lines.count]
            for _ in 0...Int.random(in: 0..<3, using: &generator) { bytes = mutated(bytes, using: &generator) }
            guard let line = try? EventLine(parsing: bytes),
                let admitted = try? Samples.gate.admit(line, visitor: 1, record: 1, &memory)
            else { continue }
            understood += 1
            var writer = JSONWriter()
            EventLine.write(admitted.event, visitor: line.visitor, scheme: "https", to: &writer)
            let again = try Samples.gate.admit(
                EventLine(parsing: writer.bytes), visitor: 1, record: 1, &memory)
            #expect(again.event.exactBytes == admitted.event.exactBytes, "\(admitted.event)")
        }
        #expect(understood > 50 && understood < 1_400)
    }

    @Test("Changed requests are refused or understood", arguments: 0..<4 as Range<UInt64>)
    func requests(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bodies = [
            #"{"site":"coalition","consent":"T","events":[{"id":"7f6c0001","type":"pageview","age":0,"url":"#
                + #""https://www.example.org/ar/","title":"\u064a\ud83c","x":{"y":[1,null,true]}},{"id":"90ab0002","#
                + #""type":"engagement","age":13e1,"url":"https://a.example/","seconds":14.2,"scroll":80}]}"#,
            #"{"site":"a","choice":"granted","notice":"00","locale":"ar","act":"click","source":"banner"}"#,
            #"{"site":"a","erase":true,"consent":"T"}"#,
        ].map { Array($0.utf8) }
        var understood = 0
        for round in 0..<3_000 {
            let body = mutated(bodies[round % 3], using: &generator)
            if let request = try? EventsRequest.parse(body.span.bytes) {
                understood += 1
                #expect(request.events.count <= Limits.eventsPerRequestMax)
                #expect(request.events.allSatisfy { (0...Limits.ageMillisecondsMax).contains($0.age) })
                #expect(request.events.allSatisfy { Limits.eventIDLength.contains($0.id.utf8.count) })
            }
            if let request = try? ConsentRequest.parse(body) { understood += request.site.utf8.count <= 64 ? 1 : 0 }
            if let request = try? WithdrawRequest.parse(body) { understood += request.site.utf8.count <= 64 ? 1 : 0 }
        }
        #expect(understood > 100 && understood < 2_900)
    }
}
