import AssentCore
import AssentStore
import Logging
import Support
import Testing

@testable import AssentCollector

/// The parts that decide by themselves.
@Suite struct PartsTests {
    @Test(
        "A prefix is what clients of one network share",
        arguments: [
            ("192.0.2.1", "192.0.2.255", true), ("192.0.2.1", "192.0.3.1", false),
            ("192.0.2.1", "::ffff:192.0.2.77", true), ("2001:db8:1:2::1", "2001:db8:1:ffff::", true),
            ("2001:db8:1::1", "2001:db8:2::1", false), ("::", "0.0.0.0", false),
        ])
    func prefixes(left: String, right: String, agree: Bool) throws {
        let (left, right) = (try #require(Address(left)), try #require(Address(right)))
        #expect((left.prefix == right.prefix) == agree)
    }

    @Test(
        "What is no address is none",
        arguments: ["", "localhost", "1.2.3", "1.2.3.4:80", "[::1]", "1.2.3.4 ", "1.2.3.4\0", "::1\0x"])
    func noAddress(text: String) { #expect(Address(text) == nil) }

    /// Peer, `Forwarded`, `X-Forwarded-For`, and who the client is.
    static let hops: [(String, [String], [String], String)] = [
        ("203.0.113.9", [], ["192.0.2.1"], "203.0.113.9"),
        ("127.0.0.1", [], [], "127.0.0.1"),
        ("127.0.0.1", [], ["192.0.2.1"], "192.0.2.1"),
        ("::ffff:127.0.0.1", [], ["192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", [], ["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", [], ["198.51.100.1, 192.0.2.1, 10.0.0.1"], "192.0.2.1"),
        ("127.0.0.1", [], ["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", [], ["unknown"], "127.0.0.1"),
        ("127.0.0.1", [], ["192.0.2.1:8080"], "192.0.2.1"),
        ("127.0.0.1", [], ["[2001:db8::1]:80"], "2001:db8::1"),
        ("127.0.0.1", ["for=192.0.2.1;proto=https"], [], "192.0.2.1"),
        ("127.0.0.1", [#"for=198.51.100.1, proto=http;For="[2001:db8::1]:4711""#], [], "2001:db8::1"),
        ("127.0.0.1", ["for=_hidden"], [], "127.0.0.1"),
        ("127.0.0.1", ["for=198.51.100.1"], ["192.0.2.1"], "192.0.2.1"),
    ]

    @Test("Only proxies that are trusted are believed", arguments: hops)
    func proxies(peer: String, forwarded: [String], forwardedFor: [String], client: String) throws {
        let trusted = TrustedProxies(["127.0.0.1", "10.0.0.1"])
        let found = trusted.client(peer: try #require(Address(peer)), forwarded: forwarded, forwardedFor: forwardedFor)
        #expect(found == Address(client) || client == peer)
    }

    @Test("A minute's worth at once, then one after the other")
    func rate() throws {
        let second: UInt64 = 1_000_000_000
        let limit = try #require(RateLimit(requestsPerMinute: 60))
        for _ in 0..<60 { #expect(limit.take(1, at: 100 * second) == nil) }
        #expect(limit.take(1, at: 100 * second) == 1)
        #expect(limit.take(2, at: 100 * second) == nil)
        #expect(limit.take(1, at: 101 * second) == nil)
        #expect(limit.take(1, at: 101 * second) == 1)
        for _ in 0..<60 { #expect(limit.take(1, at: 161 * second) == nil) }
        #expect(limit.take(1, at: 161 * second) == 1)
        #expect(RateLimit(requestsPerMinute: 0) == nil)
    }

    @Test("However many prefixes come, those that ask most are remembered")
    func crowd() throws {
        let limit = try #require(RateLimit(requestsPerMinute: 10))
        for _ in 0..<10 { _ = limit.take(7, at: 1) }
        for prefix in 1_000..<100_000 { _ = limit.take(UInt64(prefix), at: 2) }
        #expect(limit.take(7, at: 3) != nil)
    }

    @Test(
        "Parameters are decoded where they are well-formed",
        arguments: [
            ("a=1&b=2", "b", "2"), ("a=1&a=2", "a", "1"), ("a", "a", ""), ("a=b=c", "a", "b=c"), ("", "a", nil),
            ("a=%D9%8A+x%2B", "a", "ي x+"), ("a=%", "a", nil), ("a=%F", "a", nil), ("a=%zz", "a", nil),
            ("a=%FF", "a", nil), ("ab=1", "a", nil), ("a=%+9", "a", nil), ("a=%é", "a", nil),
        ] as [(String, String, String?)])
    func queries(text: String, name: String, value: String?) { #expect(Query(text[...])[name] == value) }

    @Test("A log line is logfmt, whatever is in it")
    func logfmt() throws {
        let lines = Notes<String>()
        var logger = Logger(label: "x") { _ in LogfmtHandler(write: { line in lines.add(line) }) }
        logger[metadataKey: "site"] = "coalition"
        logger.warning("disk \"full\"\nlevel=info", metadata: ["a b": "", "n": "1"])
        logger.debug("not this")
        let line = try #require(lines.all.only)
        #expect(line.hasPrefix("time=20"))
        #expect(line.hasSuffix(#" level=warning msg="disk \"full\"\nlevel=info" a b="" n=1 site=coalition"# + "\n"))
    }

    @Test("A message that comes again is logged once in ten seconds, then with how often it was not")
    func repeatedMessages() {
        let (lines, clock) = (Notes<String>(), TestClock(Running.noon))
        let logger = Logger(label: "x") { _ in LogfmtHandler(now: { clock.now }) { line in lines.add(line) } }
        for _ in 0..<5 { logger.error("full") }
        logger.error("full", metadata: ["n": "1"])
        logger.warning("full")
        clock.advance(milliseconds: Limits.logRepeatMilliseconds)
        for _ in 0..<2 { logger.error("full") }
        clock.advance(milliseconds: Limits.logRepeatMilliseconds)
        logger.error("full")
        // Many others make it forget, not grow.
        for index in 0...Limits.logMessagesMax { logger.error("\(index)") }
        logger.error("full")
        let ends = lines.all.map { $0.split(separator: " ", maxSplits: 1)[1].dropLast() }
        #expect(
            ends.prefix(5) == [
                "level=error msg=full", "level=error msg=full n=1", "level=warning msg=full",
                "level=error msg=full repeated=4", "level=error msg=full repeated=1",
            ])
        #expect(ends.last == "level=error msg=full" && ends.count == Limits.logMessagesMax + 7)
    }

    @Test("An import takes bytes in any pieces", arguments: [1, 7, 100, 100_000])
    func pieces(size: Int) throws {
        let directory = try TemporaryDirectory()
        let store = try Store.open(
            directory: directory.path, key: Samples.key, durability: .process, now: Running.noon)
        let events = try Samples.events(200, visitors: 1...20, seed: 5)
        var writer = JSONWriter()
        for event in events {
            EventLine.write(event.event, visitor: Samples.visitorID(event.event.visitor), scheme: "https", to: &writer)
            writer.endLine()
        }
        var bytes = writer.bytes
        bytes += Array(repeating: UInt8(ascii: "x"), count: Limits.importLineBytesMax + 1)
        bytes += Array("\n{".utf8)
        let ground = try Importer.ground(basis: "test", site: "coalition", at: Running.noon, in: store)
        var importer = Importer(store: store, gate: Samples.gate, ground: ground, now: { Running.noon })
        for start in stride(from: 0, to: bytes.count, by: size) {
            try importer.add(bytes[start..<min(bytes.count, start + size)])
        }
        try importer.finish()
        #expect(importer.counts.lines == 202 && importer.counts.bad == 2)
        #expect(importer.counts.stored + importer.counts.duplicates == 200 && importer.counts.stored > 190)
        #expect(importer.takeProblems().map(\.line) == [201, 202] && importer.takeProblems().isEmpty)
        try store.close(at: Running.noon)
    }
}

extension Collection {
    /// The element of a collection of one.
    var only: Element? { count == 1 ? first : nil }
}
