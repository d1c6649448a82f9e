import Testing

@testable import AssentCore

@Suite struct TokenTests {
    let key = ServerKey(bytes: Array(0..<32))
    let token = Token(
        visitor: 7, record: 4_294_967_295, issued: Instant(milliseconds: 1_795_348_800_000),
        notice: String(repeating: "ab", count: 32), underGPC: true, underDNT: false)

    @Test func `a token is read back by the site and key that signed it`() {
        let signer = Token.Signer(key: key, site: "coalition")
        let text = signer.sign(token)
        #expect(text.utf8.count == Token.length)
        #expect(signer.verify(text) == token)
        #expect(signer.sign(token) == text)
    }

    @Test func `another site, another key and any changed character make it worthless`() {
        let signer = Token.Signer(key: key, site: "coalition")
        let text = signer.sign(token)
        #expect(Token.Signer(key: key, site: "coalitio").verify(text) == nil)
        #expect(Token.Signer(key: ServerKey(bytes: Array(1..<33)), site: "coalition").verify(text) == nil)
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(signer.verify(changed) == nil)
        }
        #expect(signer.verify(text + "A") == nil)
        #expect(signer.verify(String(text.dropLast())) == nil)
        #expect(signer.verify("") == nil)
    }

    @Test func `base64url has one spelling for each value`() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) }
            #expect(Base64URL.bytes(Base64URL.text(bytes)) == bytes)
        }
        #expect(Base64URL.bytes("AB") == nil)
        #expect(Base64URL.bytes("AA") == [0])
        #expect(Base64URL.bytes("A") == nil)
        #expect(Base64URL.bytes("A+==") == nil)
    }

    @Test func `ids are written and read back`() {
        var random = SplitMix(state: 1)
        for _ in 0..<100 {
            let visitor = VisitorID(random: &random), record = RecordID(random: &random)
            #expect(VisitorID(hex: visitor.hex.uppercased()) == visitor && VisitorID(bytes: visitor.bytes) == visitor)
            #expect(RecordID(record.description) == record && RecordID(bytes: record.bytes) == record)
            let text = Array(record.description)
            #expect(text.count == 36 && text[14] == "4" && "89ab".contains(text[19]))
        }
        #expect(VisitorID(hex: "00") == nil && RecordID("00000000-0000-0000-0000-00000000000g") == nil)
    }
}

@Suite struct GateTests {
    static let english = Notice(locale: "en", text: "We count visits."),
        arabic = Notice(locale: "ar", text: "نعد الزيارات.")
    static let site = Site(
        id: "coalition", name: "Coalition", origins: ["https://www.example.org", "http://127.0.0.1:8787"],
        locales: ["en", "ar"], notices: [english, arabic])
    static let key = ServerKey(bytes: Array(repeating: 9, count: 32))
    static let countries = CountryTable(zoneTable: Array("IQ\t+3321+04425\tAsia/Baghdad\n".utf8), rules: [])
    static let browser = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
    static let granted = Instant(milliseconds: 1_000_000_000_000)

    let gate = Gate(site: Self.site, key: Self.key, countries: Self.countries)

    func token(notice: Notice = Self.english, gpc: Bool = false, dnt: Bool = false) -> String {
        gate.token(
            Token(visitor: 5, record: 6, issued: Self.granted, notice: notice.version, underGPC: gpc, underDNT: dnt))
    }

    func beacon(url: String = "https://www.example.org/en/", age: Int64 = 0, referrer: String = "") -> BeaconEvent {
        var beacon = BeaconEvent()
        (beacon.id, beacon.url, beacon.age, beacon.referrer, beacon.zone) = (
            "abcdefgh", url, age, referrer, "Asia/Baghdad"
        )
        return beacon
    }

    func admit(
        _ events: [BeaconEvent]? = nil, token: String?? = .none,
        context: RequestContext = RequestContext(userAgent: Self.browser),
        after: Int64 = 60_000, withdrawn: Set<VisitorNumber> = [], erased: Instant? = nil, gate: Gate? = nil
    ) -> Admission {
        var request = EventsRequest()
        request.events = events ?? [beacon()]
        request.consent = token ?? self.token()
        var memory = GateMemory(texts: 16)
        return (gate ?? self.gate).admit(request, context, receivedAt: Self.granted.advanced(by: after), &memory) {
            Standing(
                visitor: erased == nil ? $0 : $0 + 1, hasWithdrawn: withdrawn.contains($0), erased: erased)
        }
    }

    @Test func `an event under a valid consent is admitted with everything that is stored of it`() throws {
        let admission = admit([
            beacon(
                url: "https://www.example.org/en/?utm_source=X&mail=a@b.example", age: 1_000, referrer: "https://t.co/x"
            )
        ])
        #expect(admission.refusals.isEmpty && admission.visitor == 5)
        let event = try #require(admission.events.first?.event)
        #expect(
            event
                == Event(
                    id: "abcdefgh", time: Self.granted.advanced(by: 59_000), visitor: 5, record: 6, kind: .pageview,
                    page: Page(host: "www.example.org", path: "/en/", query: "utm_source=X"),
                    referrer: Referrer(host: "t.co", pathClass: .page), country: "IQ",
                    client: Client(device: .desktop, browser: "Firefox", system: "Linux")))
    }

    @Test(
        "An event from before the consent is moved up to it",
        arguments: [(0, 60_000), (59_999, 1), (60_000, 0), (86_400_000, 0)] as [(Int64, Int64)])
    func age(age: Int64, after: Int64) {
        #expect(admit([beacon(age: age)]).events.first?.event.time == Self.granted.advanced(by: after))
    }

    @Test func `after an erasure what happens from then on counts for the visitor's new number`() {
        let erased = Self.granted.advanced(by: 60_000)
        let admission = admit([beacon(age: 0), beacon(age: 1), beacon(age: 59_999)], erased: erased)
        #expect(admission.visitor == 6 && admission.refusals == [.erased, .erased])
        #expect(admission.events.map(\.event.time) == [erased] && admission.events.map(\.event.visitor) == [6])
    }

    @Test func `a token of a visitor whom the ledger does not know is none, so that the visitor is asked again`() {
        let gate = Gate(site: Self.site, key: Self.key, countries: Self.countries, unknownVisitors: [4...5, 9...20])
        for visitor in [3, 4, 5, 6, 9, 20, 21] as [VisitorNumber] {
            let text = gate.token(
                Token(
                    visitor: visitor, record: 6, issued: Self.granted, notice: Self.english.version, underGPC: false,
                    underDNT: false))
            let isKnown = [3, 6, 21].contains(visitor)
            #expect((gate.holder(of: text) != nil) == isKnown)
            let consent = gate.consent(
                token: text, at: Self.granted, standing: { Standing(visitor: $0, hasWithdrawn: true) })
            #expect(consent == .failure(isKnown ? .withdrawn : .noConsent))
        }
    }

    @Test func `each reason of refusal, alone`() {
        func reasons(_ admission: Admission) -> [Refusal] {
            #expect(admission.events.isEmpty)
            return admission.refusals
        }
        #expect(reasons(admit(token: .some(nil))) == [.noConsent])
        #expect(reasons(admit(token: "x")) == [.noConsent])
        #expect(reasons(admit(withdrawn: [5])) == [.withdrawn])
        #expect(reasons(admit(after: Limits.consentMilliseconds)) == [.expired])
        #expect(reasons(admit([beacon(age: 1)], erased: Self.granted.advanced(by: 60_000))) == [.erased])
        #expect(reasons(admit(context: RequestContext(userAgent: Self.browser, gpc: true))) == [.gpc])
        #expect(reasons(admit(context: RequestContext(userAgent: Self.browser, dnt: true))) == [.dnt])
        #expect(reasons(admit(context: RequestContext(userAgent: nil))) == [.bot])
        #expect(reasons(admit(context: RequestContext(userAgent: "curl/8"))) == [.bot])
        #expect(reasons(admit(context: RequestContext(userAgent: Self.browser, isPrefetch: true))) == [.prefetch])
        #expect(reasons(admit([beacon(url: "https://example.net/")])) == [.host])
        #expect(reasons(admit([beacon(referrer: "https://free.semalt.com/")])) == [.spamReferrer])
        let rules = TrafficRules(spamReferrers: ["spam.example"])
        let gate = Gate(site: Self.site, key: Self.key, countries: Self.countries, rules: rules)
        let spam = ["a.spam.example", "spam.example", "semalt.com"].map { beacon(referrer: "https://\($0)/") }
        #expect(reasons(admit(spam, gate: gate)) == [.spamReferrer, .spamReferrer, .spamReferrer])
        #expect(admit([beacon(referrer: "https://notspam.example/")], gate: gate).events.count == 1)
    }

    @Test func `a consent holds to its last millisecond`() {
        #expect(admit(after: Limits.consentMilliseconds - 1).events.count == 1)
    }

    @Test func `a choice that was made under GPC or DNT stands against the signal`() {
        let context = RequestContext(userAgent: Self.browser, gpc: true, dnt: true)
        #expect(admit(token: token(gpc: true, dnt: true), context: context).events.count == 1)
        #expect(admit(token: token(gpc: true), context: context).refusals == [.dnt])
    }

    @Test func `the token of the body comes before that of the cookie`() {
        let context = RequestContext(userAgent: Self.browser, cookieToken: token())
        #expect(admit(token: .some(nil), context: context).events.count == 1)
        #expect(admit(token: "forged", context: context).refusals == [.noConsent])
    }

    @Test func `events of one request are judged one by one`() {
        let admission = admit([
            beacon(), beacon(url: "https://example.net/"), beacon(referrer: "https://semalt.com/"), beacon(),
        ])
        #expect(admission.events.count == 2 && admission.refusals == [.host, .spamReferrer])
    }

    @Test(
        "A replaced notice ends consents only where it asks again",
        arguments: [
            (false, true, true), (true, true, false), (false, false, true), (true, false, false),
        ])
    func replacedNotice(reask: Bool, oldIsListed: Bool, isEnough: Bool) {
        var site = Self.site
        site.notices =
            (oldIsListed ? [Self.english] : []) + [Notice(locale: "en", text: "New words.", reask: reask), Self.arabic]
        let admission = admit(gate: Gate(site: site, key: Self.key, countries: Self.countries))
        #expect(admission.refusals == (isEnough ? [] : [.noticeChanged]))
    }

    @Test func `a new text in one language does not end consents under another`() {
        var site = Self.site
        site.notices = [Self.english, Notice(locale: "en", text: "New words.", reask: true), Self.arabic]
        let admission = admit(
            token: token(notice: Self.arabic), gate: Gate(site: site, key: Self.key, countries: Self.countries))
        #expect(admission.refusals.isEmpty)
    }

    @Test(
        "Only an act of the visitor under a known notice is a consent",
        arguments: [
            ("click", "banner", "en", true), ("key", "settings", "en", true), ("click", "api", "en", true),
            ("key", "cmp:klaro", "en", true), ("click", "cmp:a", "en", true), ("click", "cmp:one-trust-2", "en", true),
            ("click", "cmp:" + String(repeating: "a", count: 32), "en", true),
            ("click", "cmp:" + String(repeating: "a", count: 33), "en", false), ("click", "cmp", "en", false),
            ("click", "cmp:Klaro", "en", false), ("click", "CMP:klaro", "en", false),
            ("click", "cmp:klaro ", "en", false), ("click", "cmp:klaro/2", "en", false),
            ("click", "cmp:cmp:klaro", "en", false), ("click", "cmp:كلارو", "en", false),
            ("click", "Banner", "en", false), ("click", " banner", "en", false), ("click", "gpc", "en", false),
            ("click", "withdrawal", "en", false), ("keydown", "banner", "en", false), ("click ", "banner", "en", false),
            ("swipe", "banner", "en", false), ("submit", "banner", "en", false), ("true", "banner", "en", false),
            ("scroll", "banner", "en", false), ("timeout", "banner", "en", false), ("close", "banner", "en", false),
            ("load", "banner", "en", false), ("", "banner", "en", false), ("Click", "banner", "en", false),
            ("click", "", "en", false), ("click", "cmp:", "en", false), ("click", "cmp:Kl aro", "en", false),
            ("click", "banner", "ar", false), ("click", "banner", "", false), ("click", "banner", "EN", false),
            ("click", "banner", "en-GB", false),
        ])
    func acts(act: String, source: String, locale: String, isConsent: Bool) {
        var request = ConsentRequest()
        (request.act, request.source, request.locale, request.notice) = (act, source, locale, Self.english.version)
        #expect((gate.objection(to: request) == nil) == isConsent)
        request.notice = String(repeating: "0", count: 64)
        #expect(gate.objection(to: request) != nil)
    }

    @Test func `origins and hosts are the site's own`() {
        #expect(gate.allows(origin: "https://www.example.org") && gate.allows(origin: "http://127.0.0.1:8787"))
        #expect(
            !gate.allows(origin: "https://example.org") && !gate.allows(origin: "null")
                && !gate.allows(origin: "http://www.example.org"))
        #expect(
            gate.isOwn(host: "WWW.example.org") && gate.isOwn(host: "127.0.0.1") && !gate.isOwn(host: "example.org"))
    }

    @Test func `what an export writes, an import reads as the same event`() throws {
        var random = SplitMix(state: 3)
        let visitor = VisitorID(random: &random)
        let events = [
            Event(
                id: "abcdefgh", time: Self.granted, visitor: 1, record: 2, kind: .pageview,
                page: Page(
                    host: "www.example.org", path: "/ar/50%/a?b#c d/الش", query: "utm_campaign=a%26b&ref=x%20y",
                    fragment: "يوم"),
                title: "He said \"yes\"\\ 😀", referrer: Referrer(host: "t.co", pathClass: .page), locale: "ar",
                country: "IQ",
                client: Client(device: .tablet, browser: "Firefox", system: "Android")),
            Event(
                id: "abcdefgi", time: Self.granted.advanced(by: 1), visitor: 1, record: 2, kind: .engagement,
                page: Page(host: "www.example.org", path: "/"), country: "FR", engagedMilliseconds: 14_205, scroll: 80),
            Event(
                id: "", time: Self.granted.advanced(by: 2), visitor: 1, record: 2, kind: .action,
                page: Page(host: "www.example.org", path: "/"), name: "read_more",
                target: "https://x.example/50%/a?b#c d"),
            Event(
                id: "", time: Self.granted.advanced(by: 3), visitor: 1, record: 2, kind: .action,
                page: Page(host: "www.example.org", path: "/"), name: "read_more", target: "50% off"),
        ]
        var memory = GateMemory(texts: 16)
        for event in events + events {
            var writer = JSONWriter()
            EventLine.write(event, visitor: visitor, scheme: "https", to: &writer)
            let line = try EventLine(parsing: writer.bytes)
            #expect(line.visitor == visitor)
            #expect(try gate.admit(line, visitor: 1, record: 2, &memory).event == event)
        }
    }
}
