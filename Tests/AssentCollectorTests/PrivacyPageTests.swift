import AssentCore
import AssentStore
import Support
import Testing

@testable import AssentCollector

/// `GET` and `POST /privacy` on the wire: headers, languages, forms, and what is put into the page.
@Suite(.serialized) struct PrivacyPageTests {
    static let path = "/privacy?site=coalition&lang=en"
    static let form: [String: String?] = ["Content-Type": "application/x-www-form-urlencoded"]

    static func cookie(_ token: String) -> [String: String?] { ["Cookie": "__Host-assent=\(token)"] }

    @Test("The page allows no script, keeps nothing, and says its origin to nobody else")
    func headers() async throws {
        try await Running.collector { running in
            let page = try running.client().ask("GET", Self.path)
            #expect(page.status == 200 && page["content-type"] == "text/html; charset=utf-8")
            #expect(page["cache-control"] == "no-store" && page["referrer-policy"] == "same-origin")
            #expect(page["x-content-type-options"] == "nosniff" && page.all("set-cookie").isEmpty)
            let policy = try #require(page["content-security-policy"])
            let style = try #require(page.body.firstMatch(of: /(?s)<style>(.*)<\/style>/)?.1)
            let hash = PolicySource.sha256(of: Array(style.utf8))
            #expect(
                policy
                    == "default-src 'none'; style-src \(hash); form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            )
            #expect(hash.wholeMatch(of: /'sha256-[A-Za-z0-9+\/]{43}='/) != nil)
            #expect(!page.body.contains("<script") && !page.body.contains(" style=") && !page.body.contains("http"))
        }
    }

    @Test("The hash of a style is the one that browsers compute")
    func policyHash() {
        // echo -n "" | openssl dgst -sha256 -binary | base64
        #expect(PolicySource.sha256(of: []) == "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='")
    }

    @Test(
        "A language that is not spoken falls back to its base language, else to the site's first",
        arguments: [
            ("&lang=ar", ["en", "fr", "ar"], "ar", "rtl"), ("&lang=ar-EG", ["en", "fr", "ar"], "ar", "rtl"),
            ("&lang=FR", ["en", "fr", "ar"], "fr", "ltr"), ("&lang=de", ["fr", "en"], "fr", "ltr"),
            ("", ["ar", "en"], "ar", "rtl"), ("&lang=", ["en"], "en", "ltr"), ("&lang=fr", ["en"], "en", "ltr"),
            ("&lang=de", ["de", "ar"], "ar", "rtl"), ("&lang=de", ["de"], "en", "ltr"),
            ("&lang=%22%3E%3Cb%3E", ["en"], "en", "ltr"),
        ])
    func languages(query: String, locales: [String], language: String, direction: String) async throws {
        var site = Samples.site
        site.locales = locales
        try await Running.collector(Running.configuration(sites: [site])) { running in
            let page = try running.client().ask("GET", "/privacy?site=coalition\(query)")
            #expect(page.status == 200)
            #expect(page.body.contains("<html lang=\"\(language)\" dir=\"\(direction)\">"))
            let spoken = max(1, locales.count { ["en", "fr", "ar"].contains($0) })
            #expect(page.body.matches(of: /hreflang="/).count == spoken)
            #expect(page.body.matches(of: /aria-current="page"/).count == 1)
            #expect(page.body.contains("182"))
        }
    }

    @Test("Texts of the site are escaped, wherever they stand")
    func escaping() async throws {
        let nasty = "</style><script>alert('x')</script>&\"<b>"
        var site = Samples.site
        site.name = nasty
        site.notices = [Notice(locale: "en", text: nasty)]
        try await Running.collector(Running.configuration(sites: [site])) { running in
            let consent = try running.client().ask(
                "POST", "/v1/consent", Running.consentBody(notice: site.notices[0].version))
            let page = try running.client().ask("GET", Self.path, nil, Self.cookie(consent.json("token")))
            #expect(page.status == 200 && !page.body.contains("<script") && !page.body.contains("<b>"))
            let escaped =
                "&lt;/style&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;&lt;b&gt;"
            #expect(page.body.ranges(of: escaped).count == 4, "title, name, the notice and that of the consent")
        }
    }

    @Test("Whoever has a consent sees what is held; whoever has none is offered no withdrawal")
    func held() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            try RightsTests.post(running, token, "event-01", "event-02")
            let page = try running.client().ask("GET", Self.path, nil, Self.cookie(token)).body
            for hook in ["withdraw", "erase", "download", "languages", "status", "held"] {
                #expect(page.contains("data-assent=\"\(hook)\""), "\(hook)")
            }
            let visitor = try #require(try running.reader.visitorIDs(site: "coalition")[1])
            #expect(page.contains(visitor.hex))
            #expect(page.contains("<dt>Page views</dt><dd>2</dd>"))
            #expect(page.contains("<li><bdi>2026-11-16</bdi> (2)</li>"))
            #expect(page.contains("We count visits.") && page.contains("395 days") && page.contains("182 days"))
            #expect(page.contains(">__Host-assent</code>") && page.contains(">assent_choice</code>"))
            #expect(page.contains("href=\"v1/my-data?site=coalition&amp;download\""))

            let none = try running.client().ask("GET", Self.path).body
            #expect(none.contains("data-assent=\"held\"") && none.contains(PrivacyWords.english.nothing))
            for hook in ["withdraw", "erase", "download"] { #expect(!none.contains("data-assent=\"\(hook)\"")) }
            #expect(try running.client().ask("GET", "/privacy?site=other").status == 404)
        }
    }

    @Test("A form comes back to the page, which says what was done; doing it twice is no error")
    func forms() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            try RightsTests.post(running, token, "event-01")
            let headers = Self.form.merging(Self.cookie(token)) { $1 }
            let client = try running.client()
            for _ in 0..<2 {
                let erased = try client.ask("POST", Self.path, "do=erase", headers)
                #expect(erased.status == 303 && erased["location"] == "?site=coalition&lang=en&done=erased")
                #expect(erased.all("set-cookie").isEmpty && erased["cache-control"] == "no-store")
                #expect(try running.events().isEmpty)
            }
            let page = try client.ask("GET", "\(Self.path)&done=erased", nil, Self.cookie(token)).body
            #expect(page.contains(">\(PrivacyWords.english.erased)</p>"))
            // What a link claims and the page does not show is not said.
            let claimed = try client.ask("GET", "\(Self.path)&done=withdrawn", nil, Self.cookie(token)).body
            #expect(claimed.contains("data-assent=\"status\"></p>"))

            let withdrawn = try client.ask("POST", Self.path, "do=withdraw", headers)
            #expect(withdrawn.status == 303 && withdrawn["location"] == "?site=coalition&lang=en&done=withdrawn")
            #expect(
                withdrawn.all("set-cookie") == [
                    "__Host-assent=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
                    "assent_choice=refused; Path=/; Secure; SameSite=Lax; Max-Age=15724800",
                ])
            #expect(
                try client.ask("GET", "\(Self.path)&done=withdrawn").body.contains(PrivacyWords.english.withdrawnErased)
            )
            let again = try client.ask("POST", Self.path, "do=withdraw", headers)
            #expect(again.status == 303 && again["location"] == withdrawn["location"])
            #expect(again.all("set-cookie").isEmpty)
            let nothing = try client.ask("POST", Self.path, "do=erase", headers)
            #expect(nothing.status == 303 && nothing["location"] == "?site=coalition&lang=en")
            #expect(try running.reader.tallies(site: "coalition", days: Samples.monday...Samples.monday).withdrawn == 1)
        }
    }

    /// What the request of a form says of where it comes from, and whether it is taken.
    static let senders: [(headers: [String: String?], isTaken: Bool)] = [
        ([:], true), (["Origin": "https://www.example.org"], true),
        (["Origin": "https://stats.example.net", "Host": "stats.example.net"], true),
        (["Origin": "http://127.0.0.1:8787", "Host": "127.0.0.1:8787", "Sec-Fetch-Site": "same-origin"], true),
        (["Origin": "https://evil.example"], false), (["Origin": "null"], false),
        (["Origin": "https://evil.example", "Host": "l.example"], false), (["Origin": ""], false),
        (["Sec-Fetch-Site": "cross-site"], false),
    ]

    @Test("A form of another origin is answered 403 and does nothing", arguments: senders.indices)
    func origins(index: Int) async throws {
        let (sender, isTaken) = Self.senders[index]
        try await Running.collector { running in
            let token = try running.consent()
            try RightsTests.post(running, token, "event-01")
            let headers = Self.form.merging(Self.cookie(token)) { $1 }.merging(sender) { $1 }
            let answer = try running.client().ask("POST", Self.path, "do=erase", headers)
            #expect(answer.status == (isTaken ? 303 : 403))
            #expect(try running.events().isEmpty == isTaken)
        }
    }

    @Test("A form that is none is refused")
    func malformed() async throws {
        try await Running.collector { running in
            let client = try running.client()
            #expect(try client.ask("POST", Self.path, "do=erase").status == 415)
            #expect(try client.ask("POST", Self.path, "do=all", Self.form).status == 400)
            #expect(try client.ask("POST", Self.path, "", Self.form).status == 400)
            #expect(try client.ask("DELETE", Self.path)["allow"] == "GET, HEAD, POST, OPTIONS")
            let long = String(repeating: "a", count: Limits.consentBodyBytesMax + 1)
            #expect(try client.ask("POST", Self.path, long, Self.form).status == 413)
        }
    }

    @Test("Where a withdrawal keeps what was counted, the page says so before and after")
    func keeping() async throws {
        var site = Samples.site
        site.onWithdraw = .keep
        try await Running.collector(Running.configuration(sites: [site])) { running in
            let token = try running.consent()
            try RightsTests.post(running, token, "event-01")
            let client = try running.client()
            #expect(
                try client.ask("GET", Self.path, nil, Self.cookie(token)).body
                    .contains(PrivacyWords.english.withdrawKeeps))
            _ = try client.ask("POST", Self.path, "do=withdraw", Self.form.merging(Self.cookie(token)) { $1 })
            #expect(try running.events().count == 1)
            #expect(
                try client.ask("GET", "\(Self.path)&done=withdrawn").body.contains(PrivacyWords.english.withdrawnKept))
        }
    }

    @Test(
        "Days are counted as Arabic counts them",
        arguments: [
            (1, "يوم واحد"), (2, "يومان"), (3, "3 أيام"), (10, "10 أيام"), (11, "11 يومًا"), (99, "99 يومًا"),
            (100, "100 يوم"), (102, "102 يوم"), (103, "103 أيام"), (182, "182 يومًا"), (395, "395 يومًا"),
        ])
    func arabicDays(count: Int, text: String) {
        #expect(PrivacyWords.arabic.days(count) == text)
    }
}
