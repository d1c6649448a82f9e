import AssentCore
import AssentStore
import Logging
import Support
import Testing

@testable import AssentCollector

/// What a visitor can see, take and have erased: `GET` and `DELETE /v1/my-data`.
@Suite(.serialized) struct RightsTests {
    static let path = "/v1/my-data?site=coalition"

    static func bearer(_ token: String) -> [String: String?] { ["Authorization": "Bearer \(token)"] }

    @discardableResult static func post(
        _ running: Running, _ token: String, _ ids: String..., age: Int = 0
    ) throws -> String? {
        let events = ids.map { Running.pageview($0, age: age, url: "https://www.example.org/en/\($0)") }
        return try running.client().ask("POST", "/v1/events", Running.eventsBody(events, token: token))["assent-result"]
    }

    static func document(_ running: Running, _ token: String) throws -> Client.Answer {
        try running.client().ask("GET", path, nil, bearer(token))
    }

    static func pages(_ answer: Client.Answer) throws -> [String] {
        try JSON(answer.body)["events"].array.map { $0["url"].string ?? "" }
            .map { String($0.dropFirst("https://www.example.org/en/".count)) }
    }

    // MARK: Seeing

    @Test("All that is held comes in order of time from journal, open and sealed partitions, and nothing of others")
    func everything() async throws {
        let (directory, clock) = (try TemporaryDirectory(), TestClock(Running.noon))
        var tokens: [String] = []
        var visitor = ""
        try await Running.collector(in: directory, clock: clock) { running in
            let answer = try running.client().ask("POST", "/v1/consent", Running.consentBody())
            visitor = answer.json("visitor")
            tokens = [answer.json("token"), try running.consent()]
            clock.advance(milliseconds: 120_000)
            try Self.post(running, tokens[0], "sealed-2", "other---", age: 5)
            try Self.post(running, tokens[0], "sealed-1", age: 60_000)
            try Self.post(running, tokens[1], "foreign1", "foreign2")
        }
        clock.advance(days: 5)
        try await Running.collector(in: directory, clock: clock) { running in
            try Self.post(running, tokens[0], "open----")
        }
        clock.advance(milliseconds: 3_600_000)
        try await Running.collector(in: directory, clock: clock) { running in
            let renewed = try running.client().ask(
                "POST", "/v1/consent",
                Running.consentBody(act: "key", source: "settings", locale: "ar", notice: Samples.notices[1].version),
                Self.bearer(tokens[0]))
            try Self.post(running, tokens[0], "journal2")
            try Self.post(running, tokens[0], "journal1", age: 2_000)
            let states = try running.reader.events(
                site: "coalition", from: Samples.monday.start, to: clock.now, columns: .order
            ).partitions.map(\.isSealed)
            #expect(states == [true, false])

            let answer = try Self.document(running, renewed.json("token"))
            #expect(answer.status == 200 && answer["content-type"] == "application/json")
            #expect(answer["cache-control"] == "no-store" && answer["content-disposition"] == nil)
            let document = try JSON(answer.body)
            #expect(document["site"] == "coalition" && document["visitor"] == .string(visitor))
            #expect(
                try Self.pages(answer) == ["sealed-1", "sealed-2", "other---", "open----", "journal1", "journal2"])
            #expect(document["events"][0]["time"] == "2026-11-16T12:01:00Z")
            #expect(document["purposes"] == ["audience_measurement"] && document["recipients"] == [])
            #expect(document["retention_days"] == 395 && document["incomplete"] == .null)
            let consents = document["consents"].array
            #expect(consents.count == 2)
            #expect(
                consents[0]
                    == [
                        "record": consents[0]["record"], "at": "2026-11-16T12:00:00Z",
                        "expires": "2027-05-17T12:00:00Z", "act": "click", "source": "banner", "locale": "en",
                        "notice": .string(Samples.notices[0].version), "notice_text": "We count visits.",
                        "gpc": false, "dnt": false, "withdrawn": .null,
                    ])
            #expect(consents[1]["record"] == .string(renewed.json("record")))
            #expect(consents[1]["notice_text"] == .string(Samples.notices[1].text) && consents[1]["act"] == "key")
            #expect(
                try Self.pages(try Self.document(running, tokens[1])) == ["foreign1", "foreign2"])
            #expect(!answer.body.contains("foreign"))
        }
    }

    @Test("A cookie is as good as a header, and a download says so")
    func download() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            try Self.post(running, token, "event-01")
            let client = try running.client()
            let cookie = ["Cookie": "a=b; __Host-assent=\(token)"]
            let answer = try client.ask("GET", Self.path + "&download", nil, cookie)
            #expect(answer["content-disposition"] == "attachment; filename=\"my-data-coalition.json\"")
            #expect(answer.body == (try Self.document(running, token)).body)
            let head = try client.ask("HEAD", Self.path, nil, cookie)
            #expect(head.status == 200 && head["content-length"] == String(answer.body.utf8.count))
        }
    }

    @Test("Many events come in pieces, to a client that knows chunks and to one that does not, and hold up nobody")
    func pieces() async throws {
        let (directory, clock) = (try TemporaryDirectory(), TestClock(Running.noon))
        let count = 3 * Limits.heldPieceEvents + 7
        try await Running.collector(in: directory, clock: clock) { running in
            let token = try running.consent()
            for start in stride(from: 0, to: count, by: 64) {
                // Of one moment, so that only their order of arrival tells them apart.
                let ids = (start..<min(count, start + 64)).map { "event-\(100_000 + $0)" }
                let body = Running.eventsBody(
                    ids.map { Running.pageview($0, url: "https://www.example.org/en/\($0)") }, token: token)
                _ = try running.client().ask("POST", "/v1/events", body)
            }
            let slow = try running.client()
            slow.send(Client.request("GET", Self.path, nil, Self.bearer(token)))
            // Behind it on the same connection.
            slow.send(Client.request("GET", "/.well-known/gpc.json"))
            #expect(try running.client().ask("GET", "/.well-known/gpc.json").status == 200)
            let other = try running.consent()
            #expect(try Self.document(running, other).status == 200)

            let answer = try slow.receive()
            #expect(answer["transfer-encoding"] == "chunked" && answer["content-length"] == nil)
            #expect(try Self.pages(answer) == (0..<count).map { "event-\(100_000 + $0)" })
            #expect(try slow.receive().body.contains("gpc"))

            let old = try running.client()
            old.send(
                "GET \(Self.path) HTTP/1.0\r\nHost: collector.example\r\nAuthorization: Bearer \(token)\r\n\r\n")
            let whole = try old.receiveAll()
            #expect(whole.hasPrefix("HTTP/1.1 200") && whole.contains("Connection: close\r\n"))
            #expect(!whole.contains("Transfer-Encoding"))
            #expect(whole.hasSuffix("\r\n\r\n" + answer.body))
            let head = try running.client().ask("HEAD", Self.path, nil, Self.bearer(token))
            #expect(head.status == 200 && head["content-length"] == nil)
        }
    }

    @Test("An erasure in the middle of a document cuts it off, so that nobody takes it for the whole")
    func cutOff() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            let title = String(repeating: "ت", count: 250)
            // More than the buffers of both ends hold.
            for batch in 0..<160 {
                let events = (0..<64).map { event in
                    Running.pageview("event-\(batch)-\(event)-000", more: ",\"title\":\"\(title)\"")
                }
                let body = Running.eventsBody(events, token: token)
                let answer = try running.client().ask("POST", "/v1/events", body)
                #expect(answer["assent-result"] == "stored=64 duplicate=0 refused=0")
            }
            let slow = try running.client()
            slow.send(Client.request("GET", Self.path, nil, Self.bearer(token)))
            try slow.more()
            let erased = try running.client().ask("DELETE", Self.path, nil, Self.bearer(token))
            #expect(erased.json("erased", "events") == "10240")
            #expect(throws: Client.Closed.self) { try slow.receive() }
            #expect(try Self.pages(Self.document(running, token)).isEmpty)
        }
    }

    @Test("Only so many have a place at a time, and it is given back")
    func places() throws {
        let directory = try TemporaryDirectory()
        let store = try Store.open(
            directory: directory.path, key: Samples.key, durability: .process, now: Running.noon)
        let desk = RightsDesk(
            reader: try StoreReader(directory: directory.path), stopSign: StopSign(), logger: Logger(label: "test"))
        var places: [RightsDesk.Place] = []
        while let place = RightsDesk.Place(desk), places.count < 1_000 { places.append(place) }
        #expect(places.count == Limits.heldRequestsMax)
        places.removeLast()
        #expect(RightsDesk.Place(desk) != nil)
        try store.close(at: Running.noon)
    }

    // MARK: Who may

    /// Tokens that are none, by what became of them.
    static let troubles = [
        "none", "forged", "altered", "foreign site", "expired", "withdrawn", "kept", "unknown",
    ]

    @Test("Without a valid token the answer is the same to the byte, whatever is wrong", arguments: ["GET", "DELETE"])
    func refusal(method: String) async throws {
        let second = Site(
            id: "second", name: "Second", origins: ["https://second.example"], locales: ["en"],
            notices: [Samples.notices[0]])
        try await Running.collector(Running.configuration(sites: [Samples.site, second])) { running in
            var answers: [String: String] = [:]
            for trouble in Self.troubles {
                let token = try running.consent()
                try Self.post(running, token, "event-01")
                var headers = Self.bearer(token)
                switch trouble {
                case "none": headers = [:]
                case "forged": headers = Self.bearer(String(repeating: "A", count: Token.length))
                case "altered":
                    headers = Self.bearer(token.replacing(/^./, with: token.hasPrefix("A") ? "B" : "A"))
                case "foreign site":
                    let other = try running.client().ask(
                        "POST", "/v1/consent", Running.consentBody(site: "second"))
                    headers = Self.bearer(other.json("token"))
                case "withdrawn", "kept":
                    let body = #"{"site":"coalition","erase":\#(trouble == "withdrawn")}"#
                    #expect(try running.client().ask("POST", "/v1/withdraw", body, headers).status == 200)
                case "unknown":
                    // Signed by this server, for a number that the ledger has forgotten or never gave.
                    headers = Self.bearer(
                        Samples.gate.token(
                            Token(
                                visitor: 4_000_000, record: 1, issued: Running.noon,
                                notice: Samples.notices[0].version, underGPC: false, underDNT: false)))
                default: running.clock.advance(days: 182)
                }
                // The date and nothing else is another one: the clock stands still but for what has expired.
                let client = try running.client()
                client.send(Client.request(method, Self.path, nil, headers.merging(["Connection": "close"]) { $1 }))
                answers[trouble] = try client.receiveAll().replacing(/Date: [^\r]*/, with: "Date:")
                if trouble == "expired" { running.clock.advance(days: -182) }
            }
            let expected = try #require(answers["none"])
            #expect(expected.hasPrefix("HTTP/1.1 401 Unauthorized\r\n") && !expected.contains("Set-Cookie"))
            for (trouble, answer) in answers { #expect(answer == expected, "\(trouble)") }
        }
    }

    @Test("A newer notice that asks again takes nothing from what a visitor may see")
    func newNotice() async throws {
        let (directory, clock) = (try TemporaryDirectory(), TestClock(Running.noon))
        var token = ""
        try await Running.collector(in: directory, clock: clock) { running in
            token = try running.consent()
            try Self.post(running, token, "event-01")
        }
        var site = Samples.site
        site.notices = [Notice(locale: "en", text: "We count otherwise.", reask: true)]
        try await Running.collector(Running.configuration(sites: [site]), in: directory, clock: clock) { running in
            #expect(try Self.post(running, token, "event-02") == "stored=0 duplicate=0 refused=1 reason=notice_changed")
            let answer = try Self.document(running, token)
            #expect(try Self.pages(answer) == ["event-01"])
            #expect(try JSON(answer.body)["consents"][0]["notice_text"] == "We count visits.")
        }
    }

    @Test("Pages of the site may ask, with the cookie, after a preflight; pages of others may not")
    func origins() async throws {
        try await Running.collector(Running.configuration(requestsPerMinute: 60)) { running in
            let token = try running.consent()
            let client = try running.client()
            let ours = ["Origin": "https://www.example.org"]
            let preflight = try client.ask("OPTIONS", Self.path, nil, ours)
            #expect(preflight.status == 204)
            #expect(preflight["access-control-allow-methods"]?.contains("GET, HEAD, DELETE") == true)
            #expect(preflight["access-control-allow-origin"] == "https://www.example.org")
            #expect(preflight["access-control-allow-credentials"] == "true")
            let headers = Self.bearer(token)
            let answer = try client.ask("GET", Self.path, nil, headers.merging(ours) { $1 })
            #expect(answer.status == 200 && answer["access-control-allow-credentials"] == "true")
            for method in ["GET", "DELETE"] {
                for foreign in [["Origin": "https://evil.example"], ["Origin": "null"]] {
                    let answer = try client.ask(method, Self.path, nil, headers.merging(foreign) { $1 })
                    #expect(answer.status == 403 && answer["access-control-allow-origin"] == nil)
                }
                let crossSite = ["Sec-Fetch-Site": "cross-site", "Host": "www.example.org"]
                #expect(try client.ask(method, Self.path, nil, headers.merging(crossSite) { $1 }).status == 403)
            }
            #expect(try client.ask("OPTIONS", Self.path, nil, ["Origin": "https://evil.example"]).status == 403)
            #expect(try client.ask("PUT", Self.path, nil, headers)["allow"] == "GET, HEAD, DELETE, OPTIONS")
            #expect(try client.ask("GET", "/v1/my-data?site=other", nil, headers).status == 404)
            var last = try client.ask("GET", Self.path, nil, headers)
            for _ in 0..<60 where last.status == 200 { last = try client.ask("GET", Self.path, nil, headers) }
            #expect(last.status == 429 && last["retry-after"] != nil)
        }
    }

    // MARK: Erasing

    @Test("What is erased is gone for every reader, and the visitor goes on being counted with the same token")
    func erase() async throws {
        let (directory, clock) = (try TemporaryDirectory(), TestClock(Running.noon))
        var (token, other, unchanged) = ("", "", "")
        var first: JSON = .null
        try await Running.collector(in: directory, clock: clock) { running in
            token = try running.consent()
            other = try running.consent()
            try Self.post(running, token, "event-01", "event-02")
            try Self.post(running, other, "foreign1", "foreign2")
        }
        clock.advance(days: 5)
        try await Running.collector(in: directory, clock: clock) { running in
            try Self.post(running, token, "event-03")
            clock.advance(milliseconds: 60_000)
            // The seal of the first day, which takes the ids of its events, has its own thread.
            for _ in 0..<1_000 where !running.log.all.contains(where: { $0.contains("Sealed") }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            unchanged = try Self.document(running, other).body
            first = try JSON(try Self.document(running, token).body)
            #expect(first["events"].array.count == 3)

            let erased = try running.client().ask("DELETE", Self.path, nil, Self.bearer(token))
            #expect(erased.status == 200 && erased["cache-control"] == "no-store")
            #expect(erased.json("withdrawn") == "0" && erased.all("set-cookie").isEmpty)
            #expect(erased.json("erased", "events") == "3" && erased.json("erased", "partitions") == "2")
            #expect(
                erased.json("receipt").hasPrefix("assent-erasure/1 site=coalition at=2026-11-21T12:01:00Z events=3"))
            #expect(try Self.pages(Self.document(running, token)).isEmpty)
            #expect(try running.events().map(\.id) == ["", ""])

            // What happened before, and the same events once more, come too late.
            let late = "stored=0 duplicate=0 refused=1 reason=erased"
            #expect(try Self.post(running, token, "event-03", age: 60_000) == late)
            #expect(try Self.post(running, token, "event-04", age: 1) == late)
            #expect(try Self.post(running, token, "event-05") == "stored=1 duplicate=0 refused=0")
            clock.advance(milliseconds: 1_000)
            #expect(try Self.post(running, token, "event-06", age: 1_000) == "stored=1 duplicate=0 refused=0")
            #expect(try Self.post(running, token, "event-06", age: 0) == "stored=0 duplicate=1 refused=0")

            let again = try running.client().ask("DELETE", Self.path, nil, Self.bearer(token))
            #expect(again.json("erased", "events") == "2" && again.json("erased", "partitions") == "1")
            let nothing = try running.client().ask("DELETE", Self.path, nil, Self.bearer(token))
            #expect(nothing.status == 200 && nothing.json("erased", "events") == "0")
            #expect(try Self.post(running, token, "event-07") == "stored=1 duplicate=0 refused=0")
            #expect(try Self.document(running, other).body == unchanged)
        }
        try await Running.collector(in: directory, clock: clock) { running in
            let document = try JSON(try Self.document(running, token).body)
            #expect(document["visitor"] == first["visitor"] && document["consents"] == first["consents"])
            #expect(document["events"].array.map { $0["url"] } == ["https://www.example.org/en/event-07"])
            #expect(try Self.document(running, other).body == unchanged)

            // A renewal keeps the visitor, and a withdrawal by the oldest token ends all of it.
            let renewed = try running.client().ask(
                "POST", "/v1/consent", Running.consentBody(), Self.bearer(token))
            #expect(.string(renewed.json("visitor")) == first["visitor"])
            #expect(try Self.post(running, renewed.json("token"), "event-08") == "stored=1 duplicate=0 refused=0")
            let withdrawn = try running.client().ask(
                "POST", "/v1/withdraw", #"{"site":"coalition"}"#, Self.bearer(token))
            #expect(withdrawn.json("erased", "events") == "2")
            for token in [token, renewed.json("token")] {
                #expect(try Self.document(running, token).status == 401)
                #expect(try Self.post(running, token, "event-09") == "stored=0 duplicate=0 refused=1 reason=withdrawn")
            }
            #expect(try Self.document(running, other).body == unchanged)
            #expect(try running.reader.ledgerFault() == nil)
            #expect(try running.reader.tallies(site: "coalition", days: Samples.monday...clock.now.day).withdrawn == 1)
        }
        let id = try #require(first["visitor"].string.flatMap { VisitorID(hex: $0) })
        #expect(try directory.files(containing: id.bytes).isEmpty)
        for page in ["en/event-0", "event-0"] { #expect(try directory.files(containing: Array(page.utf8)).isEmpty) }
    }
}
