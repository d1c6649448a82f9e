import Testing

@testable import AssentCore

@Suite struct EventsRequestTests {
    @Test func `the contract's own example is read whole`() throws {
        let request = try EventsRequest.parse(
            Array(
                """
                {"site":"coalition","consent":"T","events":[
                 {"id":"7f6c0001","type":"pageview","age":0,"url":"https://www.example.org/ar/youth-day/?utm_campaign=youthday",
                  "title":"يوم الشباب","referrer":"https://t.co/","locale":"ar","zone":"Asia/Baghdad","x":{"y":[1,null,true]}},
                 {"id":"90ab0002","type":"engagement","age":130,"url":"https://www.example.org/","seconds":14.2,"scroll":80},
                 {"id":"c3d40003","type":"action","age":10,"url":"https://www.example.org/","name":"read_more","target":"https://x.example/"}]}
                """.utf8
            ).span.bytes)
        #expect(request.site == "coalition" && request.consent == "T" && request.unknownFields == 1)
        #expect(request.events.map(\.kind) == [.pageview, .engagement, .action])
        #expect(request.events[0].title == "يوم الشباب" && request.events[0].zone == "Asia/Baghdad")
        #expect(request.events[1].engagedMilliseconds == 14_200 && request.events[1].scroll == 80)
        #expect(request.events[2].name == "read_more" && request.events[2].age == 10)
    }

    static let event = #""id":"abcdefgh","type":"pageview","age":0,"url":"https://a.example/""#

    @Test(
        "A body that is not well formed is refused by event and field",
        arguments: [
            ("", "not JSON at byte 0"),
            ("[]", "must be an object"),
            ("{", "not JSON at byte 1"),
            ("{} x", "site: is missing"),
            (#"{"site":"a","events":[]} x"#, "not JSON at byte 25"),
            (#"{"events":[]}"#, "site: is missing"),
            (#"{"site":"a"}"#, "events: is missing"),
            (#"{"site":5,"events":[]}"#, "site: must be a string"),
            (#"{"site":"a","site":"b","events":[]}"#, "site: is there twice"),
            (#"{"site":"a","events":{}}"#, "events: must be an array"),
            (#"{"site":"a","events":[5]}"#, "events[0]: must be an object"),
            (#"{"site":"a","events":[{"#, "events[0]: not JSON at byte 23"),
            (
                #"{"site":"a","events":[{"type":"pageview","age":0,"url":"https://a.example/"}]}"#,
                "events[0].id: is missing"
            ),
            (
                #"{"site":"a","events":[{"id":"short","type":"pageview"}]}"#,
                "events[0].id: must be 8 to 64 of A-Z a-z 0-9 _ -"
            ),
            (
                #"{"site":"a","events":[{\#(event)},{"id":"abcdefgh","type":"view"}]}"#,
                "events[1].type: must be pageview, engagement or action"
            ),
            (#"{"site":"a","events":[{\#(event)},{"age":-1}]}"#, "events[1].age: must be 0 to 86400000"),
            (#"{"site":"a","events":[{"age":86400001}]}"#, "events[0].age: must be 0 to 86400000"),
            (#"{"site":"a","events":[{"age":"1"}]}"#, "events[0].age: must be a number"),
            (
                #"{"site":"a","events":[{"url":"ftp://a.example/"}]}"#,
                "events[0].url: must be an absolute http or https address"
            ),
            (#"{"site":"a","events":[{"url":"/path"}]}"#, "events[0].url: must be an absolute http or https address"),
            (
                #"{"site":"a","events":[{"id":"abcdefgh","type":"engagement","age":0,"url":"https://a.example/"}]}"#,
                "events[0].seconds: is missing"
            ),
            (#"{"site":"a","events":[{"seconds":3600.5}]}"#, "events[0].seconds: must be 0 to 3600"),
            (#"{"site":"a","events":[{"scroll":101}]}"#, "events[0].scroll: must be 0 to 100"),
            (
                #"{"site":"a","events":[{"id":"abcdefgh","type":"action","age":0,"url":"https://a.example/"}]}"#,
                "events[0].name: is missing"
            ),
            (
                #"{"site":"a","events":[{"name":"Read More"}]}"#,
                "events[0].name: must be [a-z][a-z0-9_]*, at most 32 characters"
            ),
            (#"{"site":"a","events":[{"title":7}]}"#, "events[0].title: must be a string"),
            (#"{"site":"a","events":[[[[[[[[[[]]]]]]]]]]}"#, "events[0]: must be an object"),
            (#"{"site":"a","x":[[[[[[[[[[]]]]]]]]]],"events":[]}"#, "nested deeper than 8"),
            (
                #"{"site":"a","events":[\#(Array(repeating: "{\(event)}", count: 65).joined(separator: ","))]}"#,
                "events: must be at most 64 events"
            ),
        ])
    func malformed(body: String, problem: String) {
        #expect(throws: BadRequest.self) { try EventsRequest.parse(Array(body.utf8).span.bytes) }
        do {
            _ = try EventsRequest.parse(Array(body.utf8).span.bytes)
        } catch {
            #expect(error.description == problem)
        }
    }

    @Test("Strings are unescaped, lone surrogates become U+FFFD, and bytes that are no UTF-8 are refused")
    func strings() throws {
        func title(_ json: [UInt8]) throws -> String {
            let body = Array(#"{"site":"a","events":[{\#(Self.event),"title":""#.utf8) + json + Array(#""}]}"#.utf8)
            return try EventsRequest.parse(body.span.bytes).events[0].title
        }
        #expect(
            try title(Array(#"\u0641\n\"\\\/\ud83c\uddee😀\ud800x\udc00"#.utf8))
                == "\u{641}\n\"\\/\u{1F1EE}😀\u{FFFD}x\u{FFFD}")
        #expect(throws: BadRequest("events[0].title", "must be UTF-8")) { try title([0xC3, 0x28]) }
        #expect(throws: BadRequest("events[0].title", "must be UTF-8")) { try title([0xED, 0xA0, 0x80]) }
        #expect(throws: BadRequest.self) { try title([0x0A]) }
        #expect(throws: BadRequest.self) { try title(Array(#"\x"#.utf8)) }
    }

    @Test("Mutated bodies never trap", arguments: 0..<8)
    func fuzz(seed: UInt64) {
        var random = SplitMix(state: seed)
        let seeds = [
            #"{"site":"coalition","consent":null,"events":[{\#(Self.event),"title":"\u00e9\ud83c","referrer":"https://t.co/","seconds":1.5e1}]}"#,
            #"{"site":"a","choice":"granted","notice":"00","locale":"ar","act":"click","source":"banner","erase":true}"#,
            #"{"time":"2026-01-01T00:00:00Z","visitor":"00112233445566778899aabbccddeeff","type":"pageview","url":"https://u:p@[::1]:80/%zz?utm_a=%&#x"}"#,
            #"{"kind":"erase","site":"a","visitor":"00112233445566778899aabbccddeeff","received":"2026-11-16","request":12}"#,
        ].map { Array($0.utf8) }
        for _ in 0..<4_000 {
            var body = seeds[Int(random.next() % UInt64(seeds.count))]
            for _ in 0...Int(random.next() % 4) {
                let at = Int(random.next() % UInt64(body.count))
                switch random.next() % 4 {
                case 0: body[at] = UInt8(truncatingIfNeeded: random.next())
                case 1: body.remove(at: at)
                case 2: body.insert(body[Int(random.next() % UInt64(body.count))], at: at)
                default: body.removeSubrange(at...)
                }
                if body.isEmpty { body = [0x7B] }
            }
            _ = try? EventsRequest.parse(body.span.bytes)
            _ = try? ConsentRequest.parse(body)
            _ = try? WithdrawRequest.parse(body)
            _ = try? EraseRequest(parsing: body)
            _ = try? ReceivedRequest(parsing: body)
            if let closed = try? ClosedRequest(parsing: body) { #expect(closed.request > 0) }
            if let line = try? EventLine(parsing: body) { _ = WebAddress(line.beacon.url).map(Cleaning.page) }
        }
    }
}

/// Vigna's generator: small, seeded, the same on every machine.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct CleaningTests {
    @Test(
        "Of an address stay host, decoded path, allow-listed query and a one-word fragment",
        arguments: [
            ("https://WWW.Example.org:8443/a/b?x=1#y", Page(host: "www.example.org", path: "/a/b", fragment: "y")),
            ("https://example.org", Page(host: "example.org", path: "/")),
            ("https://example.org?utm_source=X", Page(host: "example.org", path: "/", query: "utm_source=X")),
            (
                "https://e.org/?UTM_Campaign=Youth%20Day%26more&fbclid=1&ref=a+b&hashtag=%23Youth&source=",
                Page(host: "e.org", path: "/", query: "utm_campaign=Youth%20Day%26more&ref=a%20b&hashtag=%23Youth")
            ),
            ("https://e.org/%D8%A7%D9%84/%ff/%2e", Page(host: "e.org", path: "/ال/\u{FFFD}/.")),
            ("https://e.org/%ff/joe%40example.org", Page(host: "e.org", path: "/\u{FFFD}/[redacted]")),
            ("https://e.org/u/joe%252540example.org", Page(host: "e.org", path: "/u/[redacted]")),
            (
                "https://e.org/?utm_term=joe%2540example.org",
                Page(host: "e.org", path: "/", query: "utm_term=[redacted]")
            ),
            ("https://e.org/order/4929123412341234", Page(host: "e.org", path: "/order/[redacted]")),
            ("https://e.org/on/20261123/at/093000", Page(host: "e.org", path: "/on/20261123/at/093000")),
            ("https://e.org/\(String(repeating: "k", count: 40))", Page(host: "e.org", path: "/[redacted]")),
            (
                "https://e.org/\(String(repeating: "k", count: 39))",
                Page(host: "e.org", path: "/\(String(repeating: "k", count: 39))")
            ),
            ("https://e.org/%D8%A7%D9%84%D8%B4/", Page(host: "e.org", path: "/الش/")),
            ("https://e.org/#%D9%8A%D9%88%D9%85_1", Page(host: "e.org", path: "/", fragment: "يوم_1")),
            ("https://e.org/#two words", Page(host: "e.org", path: "/")),
            ("https://e.org/#a-b", Page(host: "e.org", path: "/")),
            ("https://user:secret@e.org/u/jane.doe@mail.example.org/x", Page(host: "e.org", path: "/u/[redacted]/x")),
            ("https://e.org/reset/0123456789abcdef0123456789abcdef", Page(host: "e.org", path: "/reset/[redacted]")),
            ("https://e.org/o/550e8400-e29b-41d4-a716-446655440000/", Page(host: "e.org", path: "/o/[redacted]/")),
            (
                "https://e.org/2026/08/coalition-welcomes-2026-declaration-on-the-marshes-of-2030",
                Page(host: "e.org", path: "/2026/08/coalition-welcomes-2026-declaration-on-the-marshes-of-2030")
            ),
            (
                "https://e.org/?utm_content=jane%40example.org",
                Page(host: "e.org", path: "/", query: "utm_content=[redacted]")
            ),
            ("https://e.org/#a8f5f167f44f4964e6c998dee827110c", Page(host: "e.org", path: "/")),
        ])
    func pages(address: String, page: Page) throws {
        #expect(Cleaning.page(try #require(WebAddress(address))) == page)
    }

    @Test(
        "What is no web address",
        arguments: [
            "", "example.org", "//e.org/", "javascript:alert(1)", "https://", "https:///x", "https://a b/",
            "http://e.org:80x/", "file:///etc/passwd",
        ])
    func noAddress(text: String) { #expect(WebAddress(text) == nil) }

    @Test(
        "Titles lose control characters, extra white space and what names a person",
        arguments: [
            ("  Youth \n\t Day  ", "Youth Day"), ("a\u{0}b\u{1B}[31mc", "ab[31mc"),
            ("Mail to jane@example.org now", "Mail to [redacted] now"),
            (String(repeating: " ", count: 4_085) + "a jane@example.org", "a"),
            (String(repeating: "é", count: 5_000), String(repeating: "é", count: 256)),
            ("Order 9f86d081884c7d659a2feaa0c55ad015", "Order [redacted]"), ("يوم  الشباب", "يوم الشباب"),
            ("@Coalition says hello", "@Coalition says hello"), ("a%1Cb 100%", "a%1Cb 100%"),
            ("a%1Cb%0A%20 jane%40example.org", "ab [redacted]"),
            ("9f86d081884c7d659a2feaa0c55ad015 jane%2540example.org", "[redacted] [redacted]"),
            ("jane@ex%2Fample.org joe%40example.org", "[redacted] [redacted]"),
            (String(repeating: "abc ", count: 200), String(repeating: "abc ", count: 127) + "abc"),
            ("PreventingViolentExtremismTogether", "PreventingViolentExtremismTogether"),
        ])
    func titles(title: String, cleaned: String) { #expect(Cleaning.text(title, bytesMax: 512) == cleaned) }

    @Test("A cut falls between characters")
    func cuts() {
        #expect(Cleaning.cut("aé🇮🇶b", bytesMax: 3) == "aé")
        #expect(Cleaning.cut("aé🇮🇶b", bytesMax: 10) == "aé")
        #expect(Cleaning.cut("aé🇮🇶b", bytesMax: 11) == "aé🇮🇶")
        #expect(Cleaning.cut("e\u{301}", bytesMax: 1) == "")
    }

    @Test(
        "Targets keep neither query nor people",
        arguments: [
            ("https://X.example/a?b#c", "https://x.example/a"), ("mailto:jane@example.org", ""), ("tel:+3221234", ""),
            ("hero-video", "hero-video"), ("/en/list?page=2", "/en/list"),
        ])
    func targets(target: String, kept: String) { #expect(Cleaning.target(target) == kept) }

    @Test(
        "A referrer keeps its host and how deep it was",
        arguments: [
            ("https://T.co/", Referrer(host: "t.co", pathClass: .root)),
            ("https://www.google.com", Referrer(host: "www.google.com", pathClass: .root)),
            ("https://news.example/a/b?q=secret", Referrer(host: "news.example", pathClass: .page)),
            ("about:blank", .none),
            ("android-app://com.x/", .none),
        ])
    func referrers(text: String, referrer: Referrer) { #expect(Cleaning.referrer(text) == referrer) }

    @Test(
        "Clients by their families",
        arguments: [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                Client(device: .desktop, browser: "Edge", system: "Windows")
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                Client(device: .mobile, browser: "Safari", system: "iOS")
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Safari/537.36",
                Client(device: .tablet, browser: "Samsung Internet", system: "Android")
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K; CUBOT) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                Client(device: .mobile, browser: "Chrome", system: "Android")
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
                Client(device: .desktop, browser: "Firefox", system: "Linux")
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                Client(device: .desktop, browser: "Safari", system: "macOS")
            ),
        ])
    func clients(header: String, client: Client) { #expect(Self.client(header) == client) }

    @Test(
        "Machines are no clients",
        arguments: [
            nil, "", "curl/8.5.0", "Wget/1.21", "python-requests/2.32", "Go-http-client/2.0", "Java/17.0.1",
            "okhttp/4.12",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; bingbot/2.0)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
            "facebookexternalhit/1.1", "Mozilla/5.0 (compatible; YandexBot/3.0)", "Pingdom.com_bot_version_1.4",
            "Baiduspider+",
            "()", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.1)",
        ])
    func machines(header: String?) { #expect(Self.client(header) == nil) }

    /// The client that both the first request and one that comes after it are taken for.
    private static func client(
        _ header: String?, _ hints: ClientHints = .none, _ rules: TrafficRules = TrafficRules()
    ) -> Client? {
        var memory = GateMemory(texts: 2)
        let first = UserAgent.client(header, hints, rules, &memory)
        #expect(UserAgent.client(header, hints, rules, &memory) == first)
        return first
    }

    private static let chrome =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

    @Test(
        "Hints of the browser go before its User-Agent, and what they do not say the User-Agent does",
        arguments: [
            (ClientHints(), Client(device: .desktop, browser: "Chrome", system: "Linux")),
            (
                ClientHints(
                    brands: #""Chromium";v="140", "Brave";v="140", "Not=A?Brand";v="24""#, mobile: "?0",
                    platform: #""macOS""#), Client(device: .desktop, browser: "Brave", system: "macOS")
            ),
            (
                ClientHints(
                    brands: #""Google Chrome";v="140", "Chromium";v="140""#, mobile: "?1", platform: #""Android""#),
                Client(device: .mobile, browser: "Chrome", system: "Android")
            ),
            (
                ClientHints(mobile: "?0", platform: #""Android""#),
                Client(device: .tablet, browser: "Chrome", system: "Android")
            ),
            (
                ClientHints(brands: #""Microsoft Edge";v="140""#, platform: #""Chrome OS""#),
                Client(device: .desktop, browser: "Edge", system: "ChromeOS")
            ),
            (
                ClientHints(brands: "nonsense", mobile: "yes", platform: "Windows"),
                Client(device: .desktop, browser: "Chrome", system: "Linux")
            ),
            (ClientHints(brands: #""HeadlessChrome";v="140", "Chromium";v="140""#), nil),
        ] as [(ClientHints, Client?)])
    func hints(hints: ClientHints, client: Client?) { #expect(Self.client(Self.chrome, hints) == client) }

    @Test("A configuration can name further machines, by whole words in any case")
    func furtherMachines() {
        let rules = TrafficRules(machines: ["newthing"])
        #expect(Self.client("Mozilla/5.0 (compatible; NewThing/2.1)", .none, rules) == nil)
        #expect(Self.client("Mozilla/5.0 (compatible; NewThings/2.1)", .none, rules) != nil)
        #expect(Self.client("Mozilla/5.0 (compatible; NewThing/2.1)") != nil)
    }
}
