import AssentCore
import AssentStore
import Support
import Testing

@testable import AssentCollector

/// When a token is worth something, and what is said to those whose token is not.
@Suite(.serialized) struct ConsentRuleTests {
    static let expired = [
        "__Host-assent=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
        "assent_choice=; Path=/; Secure; SameSite=Lax; Max-Age=0",
    ]
    static let second = Site(
        id: "second", name: "Second", origins: ["https://second.example.org"], locales: ["en", "ar"],
        notices: [Notice(locale: "en", text: "May the second site count?")])

    static func event(
        _ client: Client, _ id: String, cookie: String, site: String = "coalition", _ more: [String: String?] = [:]
    ) throws -> Client.Answer {
        let host = site == "second" ? "second" : "www"
        let body = Running.eventsBody([Running.pageview(id, url: "https://\(host).example.org/en/")], site: site)
        return try client.ask("POST", "/v1/events", body, more.merging(["Cookie": "__Host-assent=\(cookie)"]) { $1 })
    }

    // MARK: Tokens

    /// What can be done to a token, and what must then be worth nothing.
    static let forgeries: [(name: String, forge: @Sendable (String) -> String)] = [
        ("nothing", { _ in "" }), ("a word", { _ in "granted" }),
        ("without its end", { String($0.dropLast()) }), ("half of it", { String($0.prefix(41)) }),
        ("without its beginning", { String($0.dropFirst()) }), ("one more at the end", { $0 + "A" }),
        ("padded", { $0 + "=" }), ("in capitals", { $0.uppercased() }), ("backwards", { String($0.reversed()) }),
        ("twice", { $0 + $0 }), ("in quotes", { "\"\($0)\"" }),
        ("another visitor", { changed($0, at: 7) }), ("another record", { changed($0, at: 12) }),
        ("issued later", { changed($0, at: 18) }), ("another notice", { changed($0, at: 30) }),
        ("under GPC", { changed($0, at: 2) }), ("another signature", { changed($0, at: 60) }),
        ("another last bit", { changed($0, at: 81) }),
        (
            "of another key",
            { _ in
                Gate(
                    site: Samples.site, key: ServerKey(bytes: Array(repeating: 8, count: ServerKey.byteCount)),
                    countries: CountryTable(zoneTable: [], rules: [])
                ).token(claims)
            }
        ),
        (
            "of another site",
            { _ in
                Gate(site: second, key: Samples.key, countries: CountryTable(zoneTable: [], rules: [])).token(claims)
            }
        ),
    ]

    static let claims = Token(
        visitor: 1, record: 2, issued: Running.noon, notice: Samples.notices[0].version, underGPC: false,
        underDNT: false)

    static func changed(_ text: String, at place: Int) -> String {
        var text = text
        let index = text.index(text.startIndex, offsetBy: place)
        text.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
        return text
    }

    @Test("A token that is not the server's own for this site is none, wherever it is shown")
    func forged() async throws {
        try await Running.collector(Running.configuration(sites: [Samples.site, Self.second])) { running in
            let first = try running.client().ask("POST", "/v1/consent", Running.consentBody())
            let token = first.json("token")
            for (name, forge) in Self.forgeries {
                let forged = forge(token)
                let answer = try Self.event(running.client(), "event-0001", cookie: forged)
                #expect(answer["assent-result"] == "stored=0 duplicate=0 refused=1 reason=no_consent", "\(name)")
                #expect(answer.all("set-cookie") == Self.expired, "\(name)")
                for headers in [["Cookie": "__Host-assent=\(forged)"], ["Authorization": "Bearer \(forged)"]] {
                    let withdrawn = try running.client().ask(
                        "POST", "/v1/withdraw", #"{"site":"coalition"}"#, headers.mapValues { $0 })
                    #expect(withdrawn.status == 401 && withdrawn.all("set-cookie").isEmpty, "\(name)")
                    let renewed = try running.client().ask(
                        "POST", "/v1/consent", Running.consentBody(), headers.mapValues { $0 })
                    #expect(renewed.status == 201 && renewed.json("visitor") != first.json("visitor"), "\(name)")
                    #expect(!renewed.body.contains(first.json("record")), "\(name)")
                }
            }
            #expect(try running.events().isEmpty)
            #expect(
                try Self.event(running.client(), "event-0001", cookie: token)["assent-result"]?.hasPrefix("stored=1")
                    == true)
        }
    }

    @Test("A token is worth something on its own site only")
    func otherSite() async throws {
        try await Running.collector(Running.configuration(sites: [Samples.site, Self.second])) { running in
            let token = try running.consent()
            let other = try Self.event(running.client(), "event-0001", cookie: token, site: "second")
            #expect(other["assent-result"] == "stored=0 duplicate=0 refused=1 reason=no_consent")
            #expect(
                try running.client().ask("POST", "/v1/withdraw", #"{"site":"second","consent":"\#(token)"}"#).status
                    == 401)
            let refused = try running.client().ask(
                "POST", "/v1/consent", Running.consentBody("refused", site: "second"),
                ["Cookie": "__Host-assent=\(token)"])
            #expect(refused.status == 200 && refused.json("choice") == "refused")
            #expect(
                try Self.event(running.client(), "event-0002", cookie: token)["assent-result"]?.hasPrefix("stored=1")
                    == true)
            #expect(try running.events(site: "second").isEmpty && running.events().count == 1)
        }
    }

    @Test("A consent request that is sent again gives nobody's id away")
    func replay() async throws {
        try await Running.collector { running in
            let request = Client.request("POST", "/v1/consent", Running.consentBody())
            let client = try running.client()
            var visitors: [String] = []
            for _ in 0..<5 {
                client.send(request)
                visitors.append(try client.receive().json("visitor"))
            }
            #expect(Set(visitors).count == 5, "without a token each is somebody new")

            let first = try client.ask("POST", "/v1/consent", Running.consentBody())
            let renewal = Client.request(
                "POST", "/v1/consent", Running.consentBody(), ["Cookie": "__Host-assent=\(first.json("token"))"])
            var records: Set<String> = [first.json("record")]
            for _ in 0..<3 {
                client.send(renewal)
                let again = try client.receive()
                #expect(again.json("visitor") == first.json("visitor"))
                records.insert(again.json("record"))
            }
            #expect(records.count == 4, "each is a record of its own")
            _ = try client.ask(
                "POST", "/v1/withdraw", #"{"site":"coalition","erase":false,"consent":"\#(first.json("token"))"}"#)
            client.send(renewal)
            let after = try client.receive()
            #expect(after.status == 201 && after.json("visitor") != first.json("visitor"), "who has withdrawn is gone")
            #expect(try running.reader.verifyLedger().faults.isEmpty)
        }
    }

    // MARK: Time

    @Test("A consent ends after 182 days on every open connection, and no visit or restart moves that")
    func expiry() async throws {
        let directory = try TemporaryDirectory()
        let clock = TestClock(Running.noon)
        var token = ""
        try await Running.collector(in: directory, clock: clock) { running in
            token = try running.consent()
            let connections = try (0..<3).map { _ in try running.client() }
            for day in [0, 60, 120] {
                if day > 0 { clock.advance(days: 60) }
                for (index, client) in connections.enumerated() {
                    let answer = try Self.event(client, "event-\(day)-\(index)0", cookie: token)
                    #expect(answer["assent-result"]?.hasPrefix("stored=1") == true)
                    #expect(answer.all("set-cookie").isEmpty, "a visit renews nothing")
                }
            }
        }
        clock.advance(milliseconds: 62 * Day.milliseconds - 1)
        try await Running.collector(in: directory, clock: clock) { running in
            let connections = try (0..<3).map { _ in try running.client() }
            for (index, client) in connections.enumerated() {
                #expect(
                    try Self.event(client, "event-last\(index)", cookie: token)["assent-result"]?.hasPrefix("stored=1")
                        == true)
            }
            clock.advance(milliseconds: 1)
            for (index, client) in connections.enumerated() {
                let answer = try Self.event(client, "event-late\(index)", cookie: token)
                #expect(answer["assent-result"] == "stored=0 duplicate=0 refused=1 reason=expired")
                #expect(answer.all("set-cookie") == Self.expired)
            }
            let again = try running.client().ask(
                "POST", "/v1/consent", Running.consentBody(), ["Cookie": "__Host-assent=\(token)"])
            #expect(again.status == 201)
            #expect(try running.reader.visitorIDs(site: "coalition").count == 2, "who comes late comes as somebody new")
        }
    }

    @Test("A renewal has 182 days of its own, and the token before it keeps its end")
    func renewal() async throws {
        try await Running.collector { running in
            let old = try running.consent()
            running.clock.advance(days: 181)
            let new = try running.client().ask(
                "POST", "/v1/consent", Running.consentBody(), ["Cookie": "__Host-assent=\(old)"])
            running.clock.advance(days: 1)
            func result(_ token: String, _ id: String) throws -> String? {
                try Self.event(running.client(), id, cookie: token)["assent-result"]
            }
            #expect(try result(old, "event-0001")?.hasSuffix("reason=expired") == true)
            #expect(try result(new.json("token"), "event-0002")?.hasPrefix("stored=1") == true)
            running.clock.advance(days: 180)
            #expect(try result(new.json("token"), "event-0003")?.hasPrefix("stored=1") == true)
            running.clock.advance(days: 1)
            #expect(try result(new.json("token"), "event-0004")?.hasSuffix("reason=expired") == true)
        }
    }

    @Test(
        "A withdrawn token is worth nothing at once on every open connection, and after a restart",
        arguments: [true, false])
    func withdrawn(erase: Bool) async throws {
        let directory = try TemporaryDirectory()
        var (token, renewed) = ("", "")
        try await Running.collector(in: directory) { running in
            token = try running.consent()
            let connections = try (0..<8).map { _ in try running.client() }
            for (index, client) in connections.enumerated() {
                #expect(
                    try Self.event(client, "event-000\(index)", cookie: token)["assent-result"]?.hasPrefix("stored=1")
                        == true)
            }
            renewed = try running.client().ask(
                "POST", "/v1/consent", Running.consentBody(), ["Cookie": "__Host-assent=\(token)"]
            ).json("token")
            let answer = try running.client().ask(
                "POST", "/v1/withdraw", #"{"site":"coalition","erase":\#(erase),"consent":"\#(token)"}"#)
            #expect(answer.status == 200)
            for client in connections {
                for each in [token, renewed] {
                    let late = try Self.event(client, "event-late", cookie: each)
                    #expect(late["assent-result"] == "stored=0 duplicate=0 refused=1 reason=withdrawn")
                }
            }
        }
        try await Running.collector(in: directory) { running in
            for each in [token, renewed] {
                let late = try Self.event(running.client(), "event-late", cookie: each)
                #expect(late["assent-result"] == "stored=0 duplicate=0 refused=1 reason=withdrawn")
            }
            #expect(try running.events().count == (erase ? 0 : 8))
        }
    }

    // MARK: Notices and signals

    @Test(
        "A notice that was replaced ends consents where it asks again, and both cookies with them",
        arguments: [(true, "en", false), (true, "ar", true), (false, "en", true), (false, "ar", true)])
    func notices(reask: Bool, locale: String, isEnough: Bool) async throws {
        let directory = try TemporaryDirectory()
        var token = ""
        try await Running.collector(in: directory) { running in
            let notice = try #require(Samples.notices.first { $0.locale == locale })
            let body = Running.consentBody(locale: locale, notice: notice.version)
            token = try running.client().ask("POST", "/v1/consent", body).json("token")
        }
        var site = Samples.site
        site.notices.append(Notice(locale: "en", text: "We count visits, and something more.", reask: reask))
        try await Running.collector(Running.configuration(sites: [site]), in: directory) { running in
            let answer = try Self.event(running.client(), "event-0001", cookie: token)
            #expect(
                answer["assent-result"]
                    == (isEnough
                        ? "stored=1 duplicate=0 refused=0" : "stored=0 duplicate=0 refused=1 reason=notice_changed"))
            #expect(answer.all("set-cookie") == (isEnough ? [] : Self.expired))
            let new = Running.consentBody(notice: site.notices[2].version)
            #expect(try running.client().ask("POST", "/v1/consent", new).status == 201)
            let wrong = Running.consentBody(locale: "ar", notice: site.notices[2].version)
            #expect(try running.client().ask("POST", "/v1/consent", wrong).status == 422)
        }
    }

    @Test("A notice counts on its own site and in its own language only")
    func noticePlaces() async throws {
        try await Running.collector(Running.configuration(sites: [Samples.site, Self.second])) { running in
            for (site, notice, locale, status) in [
                ("coalition", Samples.notices[0], "en", 201), ("coalition", Samples.notices[1], "ar", 201),
                ("coalition", Samples.notices[0], "ar", 422), ("coalition", Samples.notices[1], "en", 422),
                ("coalition", Samples.notices[0], "EN", 422), ("coalition", Samples.notices[0], "fr", 422),
                ("coalition", Self.second.notices[0], "en", 422), ("second", Samples.notices[0], "en", 422),
                ("second", Self.second.notices[0], "en", 201),
            ] {
                let body = Running.consentBody(locale: locale, notice: notice.version, site: site)
                let answer = try running.client().ask("POST", "/v1/consent", body)
                #expect(answer.status == status, "\(site) \(locale)")
                let upper = Running.consentBody(locale: locale, notice: notice.version.uppercased(), site: site)
                #expect(
                    try running.client().ask("POST", "/v1/consent", upper).status == 422, "a version has one spelling")
            }
            #expect(try running.reader.verifyLedger().faults.isEmpty)
        }
    }

    @Test("A signal that the browser sends stops what was not agreed to under it, until that is renewed under it")
    func signals() async throws {
        try await Running.collector { running in
            let plain = try running.consent()
            for (index, (name, reason)) in [("Sec-GPC", "gpc"), ("DNT", "dnt")].enumerated() {
                let answer = try Self.event(running.client(), "event-000\(index)", cookie: plain, [name: "1"])
                #expect(answer["assent-result"] == "stored=0 duplicate=0 refused=1 reason=\(reason)")
                #expect(answer.all("set-cookie").isEmpty, "the consent stands, for when the signal goes")
                let off = try Self.event(running.client(), "event-001\(index)", cookie: plain, [name: "0"])
                #expect(off["assent-result"]?.hasPrefix("stored=1") == true)
                let renewed = try running.client().ask(
                    "POST", "/v1/consent", Running.consentBody(), ["Cookie": "__Host-assent=\(plain)", name: "1"])
                let after = try Self.event(
                    running.client(), "event-002\(index)", cookie: renewed.json("token"), [name: "1"])
                #expect(after["assent-result"]?.hasPrefix("stored=1") == true)
            }
        }
    }

    // MARK: Cookies

    @Test("Both cookies have these attributes and no others, with a domain only on the one that scripts read")
    func cookies() async throws {
        var site = Samples.site
        site.cookieDomain = "example.org"
        try await Running.collector(Running.configuration(sites: [site])) { running in
            let client = try running.client()
            let granted = try client.ask("POST", "/v1/consent", Running.consentBody())
            let token = granted.json("token")
            #expect(
                granted.all("set-cookie") == [
                    "__Host-assent=\(token); Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=15724800",
                    "assent_choice=granted; Path=/; Secure; SameSite=Lax; Max-Age=15724800; Domain=example.org",
                ])
            let refused = "assent_choice=refused; Path=/; Secure; SameSite=Lax; Max-Age=15724800; Domain=example.org"
            #expect(
                try client.ask("POST", "/v1/consent", Running.consentBody("refused")).all("set-cookie") == [refused])
            #expect(
                try client.ask(
                    "POST", "/v1/consent", Running.consentBody("refused"), ["Cookie": "__Host-assent=forged"]
                ).all("set-cookie") == [Self.expired[0], refused], "what is no token goes")
            #expect(
                try client.ask("POST", "/v1/withdraw", #"{"site":"coalition","consent":"\#(token)"}"#).all("set-cookie")
                    == [Self.expired[0], refused])
            let late = try Self.event(client, "event-late", cookie: token)
            #expect(late["assent-result"]?.hasSuffix("reason=withdrawn") == true)
            #expect(late.all("set-cookie").isEmpty, "the answer to the withdrawal has seen to that")
        }
    }
}
