import AssentCore
import Support
import Testing

extension EndToEnd {
    /// What the script asks, sends and leaves alone.
    @Suite(.timeLimit(.minutes(5))) struct ScriptTests {
        @Test("Before the choice there is no request, no cookie and no storage, whatever the visitor does but choose")
        func silence() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            for path in ["/en/", "/fr/news/", "/ar/youth-day/"] {
                try await tab.open(server.origin + path)
                try await tab.wait(for: "document.querySelector('[data-assent=banner]')")
                try await tab.evaluate("scrollTo(0, document.body.scrollHeight)")
                for key in [Tab.Key.escape, .tab, .pageDown, .escape] { try await tab.press(key) }
                try await tab.click("h1")
            }
            try await tab.open(server.origin + "/en/news/")
            try await tab.click(".load-more")
            try await tab.wait(for: "performance.now() > 2500")
            #expect(try await tab.evaluate("document.querySelectorAll('[data-assent=banner]').length") == 1)
            #expect(server.received.map(\.path) == [])
            #expect(tab.requests.allSatisfy { $0.method == "GET" && $0.url.hasPrefix(server.origin) })
            #expect(Set(tab.requests.map(\.path)).intersection(["/privacy"]) == [])
            #expect(try await tab.cookies(of: server.origin) == [:])
            #expect(try await tab.storage() == [])
            #expect(tab.problems == [])
        }

        @Test("A click on Accept sends the consent, and only then the page that is seen")
        func accept() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.open(server.origin + "/ar/youth-day/?utm_campaign=youthday#YouthDay")
            try await tab.click("[data-assent=accept]")
            try await server.wait(for: "the first events") { $0.count == 2 }
            let consent = server.received[0].body
            let notice = try #require(PageServer.notices.first { $0.locale == "ar" })
            #expect(server.received.map(\.path) == ["/v1/consent", "/v1/events"])
            #expect(
                consent == [
                    "site": "demo", "choice": "granted", "notice": .string(notice.version), "locale": "ar",
                    "act": "click", "source": "banner",
                ])
            let view = server.events[0]
            #expect(server.received[1].contentType?.hasPrefix("text/plain") == true)
            #expect(view["type"] == "pageview")
            #expect(view["url"] == .string(server.origin + "/ar/youth-day/?utm_campaign=youthday#YouthDay"))
            #expect(view["title"].string?.hasPrefix("يوم الشباب") == true)
            #expect(view["locale"] == "ar")
            #expect(view.keys.isSubset(of: ["id", "type", "age", "url", "title", "referrer", "locale", "zone"]))
            #expect(try await tab.evaluate("document.querySelector('[data-assent=banner]')") == .null)
            #expect(try await Set(tab.cookies(of: server.origin).keys) == ["__Host-assent", "assent_choice"])
            #expect(try await tab.storage() == [])
            #expect(tab.problems == [])
        }
    }
}
