import AssentCore
import Foundation
import NIOCore
import Support
import Testing

extension EndToEnd {
    /// What the script does about the choice: what it sends, when, and what it leaves alone.
    @Suite(.timeLimit(.minutes(5))) struct ScriptTests {
        static let html = """
            <!doctype html><html lang="LANG"><meta charset="utf-8"><title>Page</title>
            <link rel="icon" href="/demo.svg"><body><h1>Page</h1>
            <script defer src="/assent.js" data-site="demo" EXTRA></script>EVEN
            """

        static func page(lang: String = "en", _ extra: String = "", even: String = "") -> String {
            html.replacing("LANG", with: lang).replacing("EXTRA", with: extra).replacing("EVEN", with: even)
        }

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
            for second in [20, 40, 61] { try await tab.wait(for: "performance.now() > \(second * 1000)") }
            #expect(try await tab.evaluate("document.querySelectorAll('[data-assent=banner]').length") == 1)
            #expect(server.received.map(\.path) == [])
            #expect(tab.requests.allSatisfy { $0.method == "GET" && $0.url.hasPrefix(server.origin) })
            #expect(try await tab.cookies(of: server.origin) == [:])
            #expect(try await tab.storage() == [])
            #expect(tab.problems == [])
        }

        @Test("A click on Accept sends the consent, and only then the page that is seen")
        func accept() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.open(server.origin + "/ar/")
            try await tab.open(server.origin + "/ar/youth-day/?utm_campaign=youthday#YouthDay")
            try await tab.click("[data-assent=accept]")
            try await server.wait(for: "the first events") { $0.count == 2 }
            let notice = try #require(PageServer.notices.first { $0.locale == "ar" })
            #expect(server.received.map(\.path) == ["/v1/consent", "/v1/events"])
            #expect(
                server.received[0].body == [
                    "site": "demo", "choice": "granted", "notice": .string(notice.version), "locale": "ar",
                    "act": "click", "source": "banner",
                ])
            #expect(server.received[1].contentType?.hasPrefix("text/plain") == true)
            #expect(server.received[1].body.keys == ["site", "events"])
            #expect(server.events.count == 1)
            let view = server.events[0]
            #expect(view.keys.subtracting(["zone"]) == ["id", "type", "age", "url", "title", "locale"])
            #expect(view["type"] == "pageview")
            #expect(view["url"] == .string(server.origin + "/ar/youth-day/?utm_campaign=youthday#YouthDay"))
            #expect(view["title"].string?.hasPrefix("يوم الشباب") == true)
            #expect(view["locale"] == "ar")
            #expect(try await tab.evaluate("document.querySelector('[data-assent=banner]')") == .null)
            #expect(try await Set(tab.cookies(of: server.origin).keys) == ["__Host-assent", "assent_choice"])
            #expect(try await tab.storage() == [])
            #expect(tab.problems == [])
        }

        @Test("By the keyboard alone it is the same, and the act is a key", arguments: [Tab.Key.enter, .space])
        func keyboard(key: Tab.Key) async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.open(server.origin + "/en/")
            try await tab.wait(for: "document.querySelector('[data-assent=banner]')")
            try await tab.press(.tab)
            #expect(try await tab.evaluate("document.activeElement.dataset.assent") == "more")
            try await tab.press(.tab)
            #expect(try await tab.evaluate("document.activeElement.dataset.assent") == "accept")
            try await tab.press(key)
            try await server.wait(for: "a consent") { !$0.isEmpty }
            #expect(server.received[0].body["act"] == "key")
        }

        @Test(
            "An act that no visitor did grants nothing",
            arguments: [
                "document.querySelector('[data-assent=accept]').click()",
                "document.querySelector('[data-assent=accept]').dispatchEvent(new MouseEvent('click', {bubbles: true}))",
                "assent.grant().then((given) => { if (given) throw given })",
                "assent.grant(new MouseEvent('click')).then((given) => { if (given) throw given })",
                "assent.grant({isTrusted: true, type: 'click', timeStamp: 9}).then((given) => { if (given) throw given })",
            ])
        func synthetic(act: String) async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.open(server.origin + "/en/")
            try await tab.wait(for: "document.querySelector('[data-assent=accept]')")
            try await tab.evaluate(act)
            let then = try await tab.evaluate("performance.now()").number ?? 0
            try await tab.wait(for: "performance.now() > \(then + 1200)")
            #expect(server.received.map(\.path) == [])
            #expect(try await tab.evaluate("assent.status().choice") == "unknown")
        }

        @Test("A site's own button grants with the event of a real click, once, and not with an old one")
        func api() async throws {
            let server = try await PageServer.start(pages: ["/own/": Self.page("data-consent=\"api\"")])
            let tab = try await newProfile()
            try await tab.open(server.origin + "/own/")
            try await tab.wait(for: "window.assent")
            try await tab.evaluate(
                "document.querySelector('h1').addEventListener('click', (e) => { event0 = e; given = assent.grant(e) })"
            )
            #expect(try await tab.evaluate("document.querySelectorAll('[data-assent]').length") == 0)
            try await tab.click("h1")
            #expect(try await tab.evaluate("given") == true)
            #expect(server.received[0].body["source"] == "api")
            #expect(server.received[0].body["act"] == "click")
            try await server.wait(for: "the pageview") { $0.count == 2 }
        }

        @Test("Clicking twice asks once; leaving at once loses nothing")
        func hurry() async throws {
            let server = try await PageServer.start()
            server.answer("/v1/consent", with: .late(.milliseconds(700)))
            let tab = try await newProfile()
            try await tab.open(server.origin + "/en/")
            try await tab.click("[data-assent=accept]")
            try await tab.click("[data-assent=accept]")
            try await tab.open(server.origin + "/en/news/")
            #expect(server.received.map(\.path) == ["/v1/consent"])
            try await tab.wait(for: "document.cookie.includes('assent_choice=granted')")
            // The page came before the answer. Asking for what is already given shows it, without a request.
            if try await tab.evaluate("assent.status().choice") == "unknown" {
                try await tab.click("[data-assent=accept]")
            }
            try await server.wait(for: "the page that is seen") { _ in !server.events.isEmpty }
            #expect(server.received.map(\.path) == ["/v1/consent", "/v1/events"])
            #expect(server.events[0]["url"] == .string(server.origin + "/en/news/"))
            #expect(try await tab.evaluate("document.querySelector('[data-assent=banner]')") == .null)
        }

        @Test("A refusal is one request, and after it there is none, on no page")
        func refuse() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.open(server.origin + "/fr/")
            try await tab.click("[data-assent=refuse]")
            try await tab.wait(for: "assent.status().choice === 'refused'")
            for path in ["/fr/news/", "/ar/", "/en/voices/"] {
                try await tab.open(server.origin + path)
                try await tab.evaluate("scrollTo(0, document.body.scrollHeight)")
                try await tab.press(.tab)
                #expect(try await tab.evaluate("document.querySelector('[data-assent=banner]')") == .null)
            }
            try await tab.wait(for: "performance.now() > 1500")
            #expect(server.received.map(\.path) == ["/v1/consent"])
            #expect(server.received[0].body["choice"] == "refused")
            #expect(try await tab.cookies(of: server.origin) == ["assent_choice": "refused"])
            #expect(tab.problems == [])
        }

        @Test("A refusal is remembered for 182 days, and nobody is asked again before they are over")
        func remembered() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.open(server.origin + "/en/")
            try await tab.click("[data-assent=refuse]")
            try await tab.wait(for: "assent.status().choice === 'refused'")
            let cookie = try #require(
                try await tab.cookieDetails(of: server.origin).first { $0["name"] == "assent_choice" })
            let days = try ((#require(cookie["expires"].number)) - Date().timeIntervalSince1970) / 86_400
            #expect(abs(days - 182) < 0.01)
            // As it is when all of them are over but four seconds.
            try await tab.evaluate("document.cookie = 'assent_choice=refused; Path=/; Secure; SameSite=Lax; Max-Age=4'")
            try await tab.open(server.origin + "/en/news/")
            try await tab.wait(for: "window.assent")
            #expect(try await tab.evaluate("document.querySelector('[data-assent=banner]')") == .null)
            try await tab.wait(for: "!document.cookie.includes('assent_choice')")
            try await tab.open(server.origin + "/en/")
            try await tab.wait(for: "document.querySelector('[data-assent=banner]')")
            #expect(server.received.map(\.path) == ["/v1/consent"])
        }

        @Test("A browser that objects is neither asked nor counted; choosing still counts", arguments: ["gpc", "dnt"])
        func objection(signal: String) async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            let (name, value) = signal == "gpc" ? ("globalPrivacyControl", "true") : ("doNotTrack", "'1'")
            try await tab.runFirst("Object.defineProperty(Navigator.prototype, '\(name)', {get: () => \(value)})")
            try await tab.open(server.origin + "/en/")
            try await tab.wait(for: "window.assent")
            #expect(
                try await tab.evaluate("assent.status().choice + assent.status().reason") == .string("refused" + signal)
            )
            #expect(try await tab.evaluate("document.querySelector('[data-assent=banner]')") == .null)
            #expect(try await tab.cookies(of: server.origin) == [:])
            #expect(server.received.map(\.path) == [])
            try await tab.click("[data-assent=choices]")
            try await tab.click("[data-assent=panel] [data-assent=accept]")
            try await server.wait(for: "the pageview") { $0.count == 2 }
            #expect(server.received[0].body["source"] == "settings")
        }

        @Test("A consent that cannot be saved is none: the banner says so and stays", arguments: [true, false])
        func failing(hangsUp: Bool) async throws {
            let server = try await PageServer.start()
            server.answer("/v1/consent", with: hangsUp ? PageServer.Answer(hangsUp: true) : .unavailable)
            server.answer("/v1/consent", with: .unavailable)  // a browser tries a dropped connection again
            let tab = try await newProfile()
            try await tab.open(server.origin + "/en/")
            try await tab.click("[data-assent=accept]")
            try await tab.wait(for: "document.querySelector('[data-assent=banner] [role=status]').textContent")
            #expect(try await tab.evaluate("assent.status().choice") == "unknown")
            #expect(try await tab.cookies(of: server.origin) == [:])
            #expect(server.events == [])
        }

        @Test("One click withdraws: what waits is dropped, nothing more is sent, and only a later page can accept")
        func withdraw() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.accept("/en/news/", on: server)
            server.answer("/v1/events", with: .later(seconds: 3))
            try await tab.click(".load-more")
            try await server.wait(for: "the action's first try") { _ in server.events.count == 2 }
            #expect(try await tab.evaluate("assent.status().pending") == 1)
            try await tab.click("[data-assent=withdraw]")
            try await tab.wait(for: "assent.status().choice === 'refused'")
            #expect(try await tab.evaluate("assent.status().pending") == 0)
            #expect(server.received.last?.body == ["site": "demo", "erase": true])
            #expect(try await tab.cookies(of: server.origin) == ["assent_choice": "refused"])
            #expect(try await tab.evaluate("document.querySelector('[data-assent=withdraw]')") == .null)
            try await tab.click("[data-assent=choices]")
            try await tab.click("[data-assent=panel] [data-assent=accept]")
            try await tab.wait(for: "document.querySelector('[data-assent=panel] [role=status]').textContent")
            try await tab.open(server.origin + "/en/")
            try await tab.wait(for: "performance.now() > 3500")
            #expect(server.received.map(\.path) == ["/v1/consent", "/v1/events", "/v1/events", "/v1/withdraw"])
            try await tab.click("[data-assent=choices]")
            try await tab.click("[data-assent=panel] [data-assent=accept]")
            try await server.wait(for: "the pageview") { $0.count == 6 }
        }

        @Test("A withdrawal in one tab silences the others at once")
        func tabs() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.accept("/en/", on: server)
            let other = try await tab.newTab()
            try await other.open(server.origin + "/en/news/")
            try await server.wait(for: "the second pageview") { _ in server.events.count == 2 }
            server.answer("/v1/events", with: .later(seconds: 2))
            try await other.click(".load-more")
            try await server.wait(for: "the action's first try") { _ in server.events.count == 3 }
            try await tab.click("[data-assent=withdraw]")
            try await other.wait(for: "assent.status().choice === 'refused'")
            try await other.click(".load-more")
            let then = try await other.evaluate("performance.now()").number ?? 0
            try await other.wait(for: "performance.now() > \(then + 2500)")
            #expect(server.events.count == 3)
        }

        @Test(
            "An answer that says the consent is gone ends sending",
            arguments: ["expired", "notice_changed", "no_consent", "withdrawn"])
        func ended(reason: String) async throws {
            let server = try await PageServer.start()
            server.answer("/v1/events", with: .events("stored=0 duplicate=0 refused=1 reason=\(reason)"))
            let tab = try await newProfile()
            try await tab.accept("/en/news/", on: server)
            try await tab.wait(for: "assent.status().reason === '\(reason)'")
            try await tab.click(".load-more")
            let then = try await tab.evaluate("performance.now()").number ?? 0
            try await tab.wait(for: "performance.now() > \(then + 1500)")
            #expect(server.events.count == 1)
        }

        @Test("A page without a notice in its language is left alone, as is one with a banner that nobody knows")
        func unknown() async throws {
            let pages = ["/de/": Self.page(lang: "de"), "/other/": Self.page("data-consent=\"other\"")]
            let server = try await PageServer.start(pages: pages)
            let tab = try await newProfile()
            for (path, reason) in [("/de/", "no_notice"), ("/other/", "unproven")] {
                try await tab.open(server.origin + path)
                try await tab.wait(for: "assent.status().reason === '\(reason)'")
                #expect(try await tab.evaluate("document.querySelectorAll('[data-assent=banner]').length") == 0)
            }
            try await tab.accept("/en/", on: server)
            for path in ["/de/", "/other/"] {
                try await tab.open(server.origin + path)
                try await tab.wait(for: "performance.now() > 1500")
            }
            #expect(server.events.filter { $0["type"] == "pageview" }.count == 1)
        }

        @Test("Loaded twice, the script runs once, and it adds one name to the page")
        func guest() async throws {
            let twice = Self.page(even: "<script defer src=\"/assent.js\" data-site=\"demo\"></script>")
            let server = try await PageServer.start(pages: [
                "/twice/": twice, "/plain/": "<!doctype html><link rel=\"icon\" href=\"/demo.svg\">",
            ])
            let tab = try await newProfile()
            try await tab.open(server.origin + "/plain/")
            let before = Set(try await tab.evaluate("Object.getOwnPropertyNames(window)").array)
            try await tab.open(server.origin + "/twice/")
            try await tab.wait(for: "document.querySelector('[data-assent=banner]')")
            #expect(try await tab.evaluate("document.querySelectorAll('[data-assent=banner]').length") == 1)
            let after = Set(try await tab.evaluate("Object.getOwnPropertyNames(window)").array)
            #expect(after.subtracting(before) == ["assent"])
            #expect(tab.problems == [])
        }
    }
}
