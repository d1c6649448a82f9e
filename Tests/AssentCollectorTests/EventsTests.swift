import AssentCore
import Support
import Testing

@testable import AssentCollector

/// What `POST /v1/events` answers.
@Suite(.serialized) struct EventsTests {
    /// A request that differs from a good one, and its answer.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var method = "POST"
        var path = "/v1/events"
        var events = [Running.pageview("event-0001")]
        var site = "coalition"
        var body: String?
        var headers: [String: String?] = [:]
        /// Whether the request carries a token, and where.
        var token = Place.body
        let status: Int
        /// A part of the body of the answer, or of its `Assent-Result`.
        var says = ""

        enum Place { case none, body, cookie }
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "a good event", status: 204, says: "stored=1 duplicate=0 refused=0"),
        Case(
            name: "several", events: (0..<64).map { Running.pageview("event-00\($0 + 10)") }, status: 204,
            says: "stored=64 duplicate=0 refused=0"),
        Case(name: "none", events: [], status: 204, says: "stored=0 duplicate=0 refused=0"),
        Case(
            name: "the same id twice", events: [Running.pageview("event-0001"), Running.pageview("event-0001")],
            status: 204, says: "stored=1 duplicate=1 refused=0"),
        Case(name: "the cookie carries the token", token: .cookie, status: 204, says: "stored=1 duplicate=0 refused=0"),
        Case(name: "application/json", headers: ["Content-Type": "application/json"], status: 204, says: "stored=1"),
        Case(
            name: "an unknown field", events: [Running.pageview("event-0001", more: #","screen":"1x1""#)], status: 204,
            says: "stored=1"),
        Case(name: "the site's origin", headers: ["Origin": "https://www.example.org"], status: 204, says: "stored=1"),

        Case(name: "no token", token: .none, status: 204, says: "stored=0 duplicate=0 refused=1 reason=no_consent"),
        Case(name: "GPC", headers: ["Sec-GPC": "1"], status: 204, says: "refused=1 reason=gpc"),
        Case(name: "DNT", headers: ["DNT": "1"], status: 204, says: "refused=1 reason=dnt"),
        Case(name: "no User-Agent", headers: ["User-Agent": nil], status: 204, says: "refused=1 reason=bot"),
        Case(name: "a crawler", headers: ["User-Agent": "Googlebot/2.1"], status: 204, says: "refused=1 reason=bot"),
        Case(name: "a prefetch", headers: ["Sec-Purpose": "prefetch"], status: 204, says: "refused=1 reason=prefetch"),
        Case(
            name: "a foreign page and a made-up referrer",
            events: [
                Running.pageview("event-0001"), Running.pageview("event-0002", url: "https://elsewhere.example/"),
                Running.pageview("event-0003", more: #","referrer":"https://semalt.com/""#),
            ], status: 204, says: "stored=1 duplicate=0 refused=2 reason=host,spam_referrer"),

        Case(name: "not JSON", body: "{", status: 400, says: "not JSON"),
        Case(name: "an empty body", body: "", status: 400, says: "not JSON"),
        Case(name: "no site", body: #"{"events":[]}"#, status: 400, says: "site: is missing"),
        Case(name: "a bad id", events: [Running.pageview("short")], status: 400, says: "events[0].id"),
        Case(
            name: "a value out of range",
            events: [Running.pageview("event-0001"), Running.pageview("event-0002", age: -1)],
            status: 400, says: "events[1].age: must be 0 to 86400000"),
        Case(
            name: "too many", events: (0..<65).map { Running.pageview("event-00\($0 + 10)") }, status: 400,
            says: "at most 64 events"),

        Case(name: "a foreign origin", headers: ["Origin": "https://evil.example"], status: 403, says: "origin"),
        Case(name: "an opaque origin", headers: ["Origin": "null"], status: 403, says: "origin"),
        Case(
            name: "across sites to the site's own host",
            headers: ["Host": "www.example.org", "Sec-Fetch-Site": "cross-site"], status: 403, says: "origin"),
        Case(
            name: "across sites to the collector's own host", headers: ["Sec-Fetch-Site": "cross-site"], status: 204,
            says: "stored=1"),

        Case(name: "an unknown site", site: "other", status: 404, says: "site"),
        Case(name: "an unknown path", path: "/v1/event", status: 404),
        Case(name: "a staff path", path: "/metrics", status: 404),
        Case(name: "another method", method: "GET", status: 405),
        Case(name: "no length", headers: ["Content-Length": nil, "Connection": "close"], status: 411, says: "Length"),
        Case(
            name: "chunks", body: "0\r\n\r\n", headers: ["Content-Length": nil, "Transfer-Encoding": "chunked"],
            status: 411, says: "Length"),
        Case(name: "too large", headers: ["Content-Length": "65537"], status: 413, says: "65536"),
        Case(name: "a form", headers: ["Content-Type": "application/x-www-form-urlencoded"], status: 415),
        Case(name: "no content type", headers: ["Content-Type": nil], status: 415),
        Case(
            name: "headers too large", headers: ["X-Long": String(repeating: "x", count: Limits.headerBytesMax)],
            status: 431),
        Case(
            name: "too many headers",
            headers: Dictionary(uniqueKeysWithValues: (0..<200).map { ("X-\($0)", "1") }), status: 431),
    ]

    @Test("Each request has its answer", arguments: cases)
    func answers(each: Case) async throws {
        try await Running.collector { running in
            let token = try running.consent()
            var headers = each.headers
            if each.token == .cookie { headers["Cookie"] = "a=b; __Host-assent=\(token); c=d" }
            let body =
                each.body
                ?? Running.eventsBody(each.events, token: each.token == .body ? token : nil, site: each.site)
            let client = try running.client()
            let answer = try client.ask(each.method, each.path, each.method == "GET" ? nil : body, headers)
            #expect(answer.status == each.status)
            #expect((answer["assent-result"] ?? answer.body).contains(each.says), "\(answer)")
            #expect(answer["date"] == "Mon, 16 Nov 2026 12:00:00 GMT")
            #expect(answer.status == 204 || answer.body.utf8.last == UInt8(ascii: "\n"))
            let stored = try running.events().count
            let said = answer["assent-result"]?.split(separator: " ").first.flatMap { Int($0.dropFirst(7)) }
            #expect(stored == said ?? 0)
        }
    }

    @Test("A request behind a well-formed one that was refused is answered on the same connection")
    func keepsAlive() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            let client = try running.client()
            for (index, body) in ["{", "", #"{"site":"none","events":[]}"#].enumerated() {
                #expect([400, 404].contains(try client.ask("POST", "/v1/events", body).status))
                let events = [Running.pageview("event-000\(index)")]
                let answer = try client.ask("POST", "/v1/events", Running.eventsBody(events, token: token))
                #expect(answer["assent-result"] == "stored=1 duplicate=0 refused=0")
                #expect(answer["connection"] == nil)
            }
        }
    }

    @Test("Where the consent itself is at an end, both cookies go")
    func endsConsent() async throws {
        var site = Samples.site
        site.cookieDomain = "example.org"
        try await Running.collector(Running.configuration(sites: [site])) { running in
            let token = try running.consent()
            func ask(_ cookie: String, _ more: [String: String] = [:]) throws -> Client.Answer {
                try running.client().ask(
                    "POST", "/v1/events", Running.eventsBody([Running.pageview("event-0001")]),
                    more.merging(["Cookie": "__Host-assent=\(cookie)"]) { $1 }.mapValues { $0 })
            }
            let expired = [
                "__Host-assent=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
                "assent_choice=; Path=/; Secure; SameSite=Lax; Max-Age=0; Domain=example.org",
            ]
            #expect(try ask("forged").all("set-cookie") == expired)
            #expect(try ask(token, ["User-Agent": "curl/8"]).all("set-cookie").isEmpty)
            running.clock.advance(days: Limits.consentDays)
            let answer = try ask(token)
            #expect(answer["assent-result"] == "stored=0 duplicate=0 refused=1 reason=expired")
            #expect(answer.all("set-cookie") == expired)
        }
    }

    @Test("Time is that of receipt minus age, and never before the consent")
    func times() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            running.clock.advance(milliseconds: 60_000)
            let events = [Running.pageview("event-0001", age: 1_000), Running.pageview("event-0002", age: 86_400_000)]
            _ = try running.client().ask("POST", "/v1/events", Running.eventsBody(events, token: token))
            #expect(
                try running.events().map(\.time) == [Running.noon, Running.noon.advanced(by: 59_000)])
        }
    }

    @Test("Pages of the site's origins may read the answers, others get no permission")
    func crossOrigin() async throws {
        try await Running.collector { running in
            let client = try running.client()
            let preflight = try client.ask(
                "OPTIONS", "/v1/events", nil,
                ["Origin": "https://www.example.org", "Access-Control-Request-Method": "POST"])
            #expect(preflight.status == 204)
            #expect(preflight["access-control-allow-origin"] == "https://www.example.org")
            #expect(preflight["access-control-allow-credentials"] == "true")
            #expect(preflight["access-control-allow-headers"] == "Content-Type, Authorization")
            let foreign = try client.ask(
                "OPTIONS", "/v1/events", nil,
                ["Origin": "https://evil.example", "Access-Control-Request-Method": "POST"])
            #expect(foreign.status == 403 && foreign["access-control-allow-origin"] == nil)
            let answer = try client.ask(
                "POST", "/v1/events", Running.eventsBody([]), ["Origin": "https://www.example.org"])
            #expect(answer["access-control-allow-origin"] == "https://www.example.org")
            #expect(answer["access-control-expose-headers"]?.contains("Assent-Result") == true)
            #expect(try client.ask("POST", "/v1/events", Running.eventsBody([]))["access-control-allow-origin"] == nil)
        }
    }

    @Test("A network that asks too often waits, others do not; a proxy says who is who")
    func rateLimit() async throws {
        try await Running.collector(Running.configuration(requestsPerMinute: 5)) { running in
            let client = try running.client()
            func ask(_ address: String) throws -> Client.Answer {
                try client.ask("POST", "/v1/events", Running.eventsBody([]), ["X-Forwarded-For": address])
            }
            for _ in 0..<5 { #expect(try ask("192.0.2.1").status == 204) }
            let refused = try ask("192.0.2.250")
            #expect(refused.status == 429)
            #expect((1...12).contains(Int(refused["retry-after"] ?? "") ?? 0))
            #expect(try ask("198.51.100.1").status == 204)
            #expect(try client.ask("GET", "/assent.js").status == 200)
        }
    }

    @Test(
        "Of a client that asks too often nothing is read for a while, of a proxy everything",
        arguments: [false, true])
    func pause(isProxied: Bool) async throws {
        var configuration = Running.configuration(requestsPerMinute: 1)
        if !isProxied { configuration.trustedProxies = [] }
        try await Running.collector(configuration) { running in
            let client = try running.client()
            let headers: [String: String?] = isProxied ? ["X-Forwarded-For": "192.0.2.1"] : [:]
            func ask() throws -> (status: Int, time: Duration) {
                var status = 0
                let time = try ContinuousClock().measure {
                    status = try client.ask("POST", "/v1/events", Running.eventsBody([]), headers).status
                }
                return (status, time)
            }
            #expect(try ask().status == 204)
            #expect(try ask().status == 429)
            // It is read when the pause is over, and answered like any other.
            let third = try ask()
            #expect(third.status == 429)
            #expect((third.time > .milliseconds(Limits.pauseMilliseconds / 2)) == !isProxied)
            let other = try Client(running.addresses.listen, from: "127.9.9.9")
            #expect(try other.ask("GET", "/.well-known/gpc.json").status == 200)
        }
    }
}
