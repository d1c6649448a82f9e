import AssentCore
import AssentStore
import Support
import Testing

@testable import AssentCollector

/// What a visitor chooses: `POST /v1/consent` and `POST /v1/withdraw`.
@Suite(.serialized) struct ChoiceTests {
    private static let days = Samples.monday...Samples.monday

    @Test("A consent is recorded, and its token and cookies last 182 days")
    func grant() async throws {
        try await Running.collector { running in
            let answer = try running.client().ask("POST", "/v1/consent", Running.consentBody())
            #expect(answer.status == 201)
            let token = answer.json("token")
            #expect(
                answer.all("set-cookie") == [
                    "__Host-assent=\(token); Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=15724800",
                    "assent_choice=granted; Path=/; Secure; SameSite=Lax; Max-Age=15724800",
                ])
            #expect(answer.json("expires") == "2027-05-17T12:00:00Z")
            #expect(RecordID(answer.json("record")) != nil)
            let visitor = try #require(VisitorID(hex: answer.json("visitor")))
            #expect(try running.reader.visitorIDs(site: "coalition") == [1: visitor])
            #expect(try running.reader.tallies(site: "coalition", days: Self.days).granted == 1)
        }
    }

    @Test("A consent under GPC counts under GPC")
    func underSignals() async throws {
        try await Running.collector { running in
            let token = try running.consent(["Sec-GPC": "1", "DNT": "1"])
            let answer = try running.client().ask(
                "POST", "/v1/events", Running.eventsBody([Running.pageview("event-0001")], token: token),
                ["Sec-GPC": "1", "DNT": "1"])
            #expect(answer["assent-result"] == "stored=1 duplicate=0 refused=0")
        }
    }

    @Test(
        "What is no act of consent records nothing",
        arguments: [
            (Running.consentBody(act: nil), "act"), (Running.consentBody(act: "scroll"), "act"),
            (Running.consentBody(act: "timeout"), "act"), (Running.consentBody(act: "load"), "act"),
            (Running.consentBody(source: "pixel"), "source"), (Running.consentBody(source: "cmp:"), "source"),
            (Running.consentBody(notice: String(repeating: "0", count: 64)), "notice"),
            (Running.consentBody(locale: "ar"), "locale"),
        ])
    func objections(body: String, field: String) async throws {
        try await Running.collector { running in
            let answer = try running.client().ask("POST", "/v1/consent", body)
            #expect(answer.status == 422 && answer.body.hasPrefix(field))
            #expect(answer.all("set-cookie").isEmpty)
            #expect(try running.reader.visitorIDs(site: "coalition").isEmpty)
            #expect(try running.reader.tallies(site: "coalition", days: Self.days) == ChoiceTallies())
        }
    }

    @Test("A choice that cannot be taken is answered as such")
    func malformed() async throws {
        try await Running.collector { running in
            let client = try running.client()
            #expect(try client.ask("POST", "/v1/consent", "{}").status == 400)
            #expect(try client.ask("POST", "/v1/consent", Running.consentBody(site: "other")).status == 404)
            #expect(
                try client.ask("POST", "/v1/consent", Running.consentBody(), ["Origin": "https://evil.example"]).status
                    == 403)
            #expect(
                try client.ask("POST", "/v1/consent", String(repeating: " ", count: 4_097)).status == 413)
        }
    }

    @Test("A renewed consent keeps its visitor, from the cookie")
    func renewal() async throws {
        try await Running.collector { running in
            let first = try running.client().ask("POST", "/v1/consent", Running.consentBody())
            running.clock.advance(days: 100)
            let second = try running.client().ask(
                "POST", "/v1/consent", Running.consentBody(), ["Cookie": "__Host-assent=\(first.json("token"))"])
            #expect(second.status == 201)
            #expect(second.json("visitor") == first.json("visitor"))
            #expect(second.json("record") != first.json("record"))
            #expect(second.json("expires") == "2027-08-25T12:00:00Z")
        }
    }

    @Test("A refusal is one count and leaves no id")
    func refusal() async throws {
        try await Running.collector { running in
            let answer = try running.client().ask("POST", "/v1/consent", Running.consentBody("refused"))
            #expect(answer.status == 200)
            #expect(
                answer.all("set-cookie") == ["assent_choice=refused; Path=/; Secure; SameSite=Lax; Max-Age=15724800"])
            #expect(try running.reader.visitorIDs(site: "coalition").isEmpty)
            let tallies = try running.reader.tallies(site: "coalition", days: Self.days)
            #expect(tallies.refused == 1 && tallies.granted == 0 && tallies.withdrawn == 0)
        }
    }

    /// Ways of taking a consent back: body and headers from the token.
    static let ways: [@Sendable (String) -> (path: String, body: String, headers: [String: String?])] = [
        { ("/v1/withdraw", #"{"site":"coalition"}"#, ["Cookie": "__Host-assent=\($0)"]) },
        { ("/v1/withdraw", #"{"site":"coalition","consent":"\#($0)"}"#, [:]) },
        { ("/v1/withdraw", #"{"site":"coalition","erase":true}"#, ["Authorization": "Bearer \($0)"]) },
        {
            (
                "/v1/withdraw", "site=coalition&erase=true",
                ["Cookie": "__Host-assent=\($0)", "Content-Type": "application/x-www-form-urlencoded"]
            )
        },
        { ("/v1/consent", Running.consentBody("refused"), ["Cookie": "__Host-assent=\($0)"]) },
    ]

    @Test("A withdrawal erases, however it is said, and saying it again changes nothing", arguments: ways.indices)
    func withdrawal(way: Int) async throws {
        try await Running.collector { running in
            let token = try running.consent()
            let other = try running.consent()
            for (index, each) in [token, token, other].enumerated() {
                _ = try running.client().ask(
                    "POST", "/v1/events", Running.eventsBody([Running.pageview("event-000\(index)")], token: each))
            }
            let (path, body, headers) = Self.ways[way](token)
            let answer = try running.client().ask("POST", path, body, headers)
            #expect(answer.status == 200)
            #expect(answer.json("erased", "events") == "2" && answer.json("erased", "partitions") == "1")
            #expect(answer.json("receipt").contains("events=2"))
            #expect(
                answer.all("set-cookie") == [
                    "__Host-assent=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
                    "assent_choice=refused; Path=/; Secure; SameSite=Lax; Max-Age=15724800",
                ])
            #expect(try running.events().map(\.id) == ["event-0002"])
            let after = try running.client().ask(
                "POST", "/v1/events", Running.eventsBody([Running.pageview("event-0009")], token: token))
            #expect(after["assent-result"] == "stored=0 duplicate=0 refused=1 reason=withdrawn")
            guard path == "/v1/withdraw" else { return }
            let again = try running.client().ask("POST", path, body, headers)
            #expect(again.status == 200 && again.json("erased", "events") == "0")
            #expect(try running.reader.tallies(site: "coalition", days: Self.days).withdrawn == 1)
        }
    }

    @Test("A withdrawal that erases nothing keeps what was stored")
    func keeping() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            _ = try running.client().ask(
                "POST", "/v1/events", Running.eventsBody([Running.pageview("event-0001")], token: token))
            let answer = try running.client().ask(
                "POST", "/v1/withdraw", #"{"site":"coalition","erase":false,"consent":"\#(token)"}"#)
            #expect(answer.json("erased", "events") == "0")
            #expect(try running.events().count == 1)
        }
    }

    @Test("Without a genuine token there is nothing to withdraw; an expired one is enough")
    func holders() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            let client = try running.client()
            let body = #"{"site":"coalition"}"#
            #expect(try client.ask("POST", "/v1/withdraw", body).status == 401)
            #expect(try client.ask("POST", "/v1/withdraw", body, ["Cookie": "__Host-assent=forged"]).status == 401)
            running.clock.advance(days: 400)
            #expect(try client.ask("POST", "/v1/withdraw", body, ["Cookie": "__Host-assent=\(token)"]).status == 200)
        }
    }
}
