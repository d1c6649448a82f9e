import AssentCore

@testable import AssentStore

/// Inputs that decoders take, from which the fuzzer begins: what the store reads.
enum Seeds {
    private static func events(_ count: Int) -> [Event] { (0..<count).map(event) }

    private static func event(_ index: Int) -> Event {
        let kind = Event.Kind.allCases[index % 3]
        let page = Page(host: "www.example.org", path: "/\(index % 2)/é", query: "ref=x", fragment: "YouthDay")
        var event = Event(
            id: index % 2 == 0 ? "0123456789abcde\(index)" : "an-id_\(index)-x",
            time: Instant(milliseconds: 1_795_000_000_000 + Int64(index) * 977), visitor: UInt32(1 + index % 3 * 200),
            record: UInt32(7 + index % 3), kind: kind, page: page)
        event.title = ["Home", "يوم", "😀"][index % 3]
        event.referrer = Referrer(host: "t.co", pathClass: .page)
        (event.locale, event.country) = ("ar", "IQ")
        event.client = Client(device: .mobile, browser: "Firefox", system: "Android")
        switch kind {
        case .pageview: break
        case .engagement: (event.engagedMilliseconds, event.scroll) = (UInt32(index) * 500, 80)
        case .action: (event.name, event.target) = ("share", "https://wa.me/")
        }
        return event
    }

    static let segments: [[UInt8]] = [1, 2, 9].flatMap { count in
        [true, false].map { keepsIDs in
            let encoded = SegmentCodec.encode(EventColumns(events(count)), keepingIDs: keepsIDs)
            var writer = ByteWriter()
            writer.varint(UInt(count))
            for id in EncodedColumn.ID.allCases {
                let column = encoded.first { $0.id == id }
                let content = column.flatMap { Deflate.inflate($0.bytes, count: $0.inflatedCount) } ?? []
                writer.varint(UInt(content.count))
                writer.raw(content)
            }
            return writer.bytes
        }
    }

    static let journalRows: [[UInt8]] = [
        EventBatch.encode([EventBatch(site: "coalition", unchecked: events(3))]),
        EventBatch.encode(["a", "b"].map { EventBatch(site: $0, unchecked: events(1)) }),
    ]

    static let streams: [[UInt8]] = [
        [], [7], [UInt8](repeating: 1, count: 5_000), [UInt8](repeating: 0, count: 1 << 20),
    ].map { bytes in
        var writer = ByteWriter()
        writer.varint(UInt(bytes.count))
        writer.raw(Deflate.compress(bytes, .thorough))
        return writer.bytes
    }

    static let lines: [[UInt8]] = {
        guard let visitor = VisitorID(bytes: [UInt8](repeating: 3, count: 16)) else { return [] }
        let strange =
            #"{"time":1795000000000,"visitor":"00112233445566778899aabbccddeeff","type":"pageview","url":"#
            + #""https://u:p@www.example.org:80/%zz/%C3%A9?utm_source=%26&hashtag=a+b#x","zone":"Asia/Baghdad","#
            + #""title":"joe@example.org \u00e9\ud83c\uddee\ud800","referrer":"https://[::1]/a"}"#
        return events(3).map { event in
            var writer = JSONWriter()
            EventLine.write(event, visitor: visitor, scheme: "https", to: &writer)
            return writer.bytes
        } + [Array(strange.utf8)]
    }()
}
