import AssentCore
import Foundation
import Support
import Testing

@testable import AssentCollector

/// What the public listener gives out.
@Suite(.serialized) struct ScriptTests {
    private static func sites() -> [Site] {
        var second = Samples.site
        second.id = "second"
        second.origins = ["http://127.0.0.1:8000", "https://second.example"]
        return [Samples.site, second]
    }

    @Test("The script carries its site, has no identifier, and is the same for everyone")
    func headers() async throws {
        try await Running.collector { running in
            let answer = try running.client().ask("GET", "/assent.js")
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "text/javascript; charset=utf-8")
            #expect(answer["x-content-type-options"] == "nosniff")
            #expect(answer["cross-origin-resource-policy"] == "cross-origin")
            for name in ["etag", "last-modified", "set-cookie"] { #expect(answer[name] == nil) }
            #expect(answer.body == String(decoding: ScriptFile.bytes(of: Samples.site), as: UTF8.self))
            let other = try running.client().ask(
                "GET", "/assent.js", nil,
                ["User-Agent": "other", "Cookie": "a=b", "Origin": "https://www.example.org"])
            #expect(other.body == answer.body)
            #expect(other["access-control-allow-origin"] == "https://www.example.org")
        }
    }

    @Test("The script knows the site, its hosts, and the notice that is shown in each language, the narrower one first")
    func values() throws {
        var site = Samples.site
        site.notices.insert(Notice(locale: "en", text: "An older text."), at: 0)
        site.notices.append(Notice(locale: "en-GB", text: "We count your visits."))
        let british = try #require(site.notices.last?.version)
        let known = """
            "coalition",["www.example.org"],[["en-GB","\(british)","We count your visits."],\
            ["en","\(Samples.notices[0].version)","We count visits."],\
            ["ar","\(Samples.notices[1].version)","\(Samples.notices[1].text)"]]
            """
        #expect(String(decoding: ScriptFile.bytes(of: site), as: UTF8.self).contains("})(\(known),("))
        let core = String(decoding: ScriptFile.bytes(of: site, .core), as: UTF8.self)
        #expect(core.contains(#"[["en-GB","\#(british)"],["en","\#(Samples.notices[0].version)"],["ar","#))
        #expect(!core.contains("We count"))
    }

    /// `parts` of the query, and what is in the script then: the banner, and adapters.
    static let requests: [(String, Bool, [String])] = [
        ("", true, ["klaro", "tcf", "wp", "consent-mode", "didomi"]),
        ("?parts=core", false, []), ("?parts=banner", true, []),
        ("?parts=klaro,tcf", false, ["klaro", "tcf"]), ("?parts=core,banner,wp,wp", true, ["wp"]),
    ]

    @Test("The parts that are asked for are given out, and no others", arguments: requests)
    func parts(query: String, hasBanner: Bool, adapters: [String]) async throws {
        try await Running.collector { running in
            let answer = try running.client().ask("GET", "/assent.js\(query)")
            #expect(answer.status == 200)
            #expect(answer.body.contains("Privacy choices") == hasBanner)
            #expect(answer.body.contains("We count visits.") == hasBanner)
            for name in ["klaro", "tcf", "wp", "consent-mode", "didomi"] {
                let isExpected = adapters.contains(name)
                #expect(answer.body.contains("\"\(name)\":[") == isExpected)
            }
            #expect(try running.client().ask("GET", "/assent.js?parts=klaro,other").status == 400)
        }
    }

    @Test(
        "The site is that of the query, else that of the host",
        arguments: [
            ("?site=second", "collector.example", "second"),
            ("?site=coalition&parts=core", "second.example", "coalition"),
            ("?site=none", "second.example", ""), ("", "second.example", "second"),
            ("", "WWW.example.org:443", "coalition"), ("", "127.0.0.1:8000", "second"),
            ("", "collector.example", ""),
        ])
    func choosing(query: String, host: String, site: String) async throws {
        try await Running.collector(Running.configuration(sites: Self.sites())) { running in
            let answer = try running.client().ask("GET", "/assent.js\(query)", nil, ["Host": host])
            #expect(answer.status == (site.isEmpty ? 404 : 200))
            #expect(site.isEmpty || answer.body.contains(#"("\#(site)",["#))
        }
    }

    @Test("GPC is said to be honoured, pages are given out, nothing of the staff is there")
    func others() async throws {
        let page = StaticFile(
            contentType: "text/html; charset=utf-8", bytes: Array("<p>".utf8), policy: "default-src 'none'")
        try await Running.collector(pages: ["/en/": page]) { running in
            let client = try running.client()
            #expect(try client.ask("GET", "/.well-known/gpc.json").json("gpc") == "1")
            let answer = try client.ask("GET", "/en/?a=b")
            #expect(answer.body == "<p>" && answer["content-type"] == "text/html; charset=utf-8")
            #expect(answer["content-security-policy"] == "default-src 'none'")
            for path in ["/", "/metrics", "/healthz", "/readyz", "/v1/report", "/v1/import", "/dashboard/"] {
                #expect(try client.ask("GET", path).status == 404)
            }
        }
    }
}
