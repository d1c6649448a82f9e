import AssentCore
import Support
import Testing

extension EndToEnd {
    /// The main things again, in another browser.
    @Suite(.firefox, .timeLimit(.minutes(5))) struct FirefoxTests {
        /// The browser of a new visitor.
        static func visitor(objecting: Bool = false) async throws -> Firefox {
            let browser = try #require(FirefoxTrait.browser)
            try await browser.becomeNew(objecting: objecting)
            return browser
        }

        @Test("Before the choice there is no request, no cookie and no storage")
        func silence() async throws {
            let (server, browser) = (try await PageServer.start(), try await Self.visitor())
            for path in ["/en/", "/ar/youth-day/"] {
                try await browser.open(server.origin + path)
                try await browser.wait(for: "document.querySelector('[data-assent=banner]')")
                for key in [Tab.Key.escape, .pageDown, .tab] { try await browser.press(key) }
                try await browser.click("h1")
            }
            try await browser.wait(for: "performance.now() > 1500")
            #expect(server.received.map(\.path) == [])
            #expect(try await browser.cookies() == [:])
            #expect(try await browser.storage() == [])
            #expect(server.violations == [])
        }

        @Test("Accept by click or by key sends the consent, then the page", arguments: [nil, Tab.Key.enter, .space])
        func accept(key: Tab.Key?) async throws {
            let (server, browser) = (try await PageServer.start(), try await Self.visitor())
            try await browser.open(server.origin + "/ar/youth-day/")
            try await browser.wait(for: "document.querySelector('[data-assent=accept]')")
            if let key {
                for _ in 1...2 { try await browser.press(.tab) }
                #expect(try await browser.evaluate("document.activeElement.dataset.assent") == "accept")
                try await browser.press(key)
            } else {
                try await browser.click("[data-assent=accept]")
            }
            try await server.wait(for: "the first events") { $0.count == 2 }
            let notice = try #require(PageServer.notices.first { $0.locale == "ar" })
            #expect(server.received.map(\.path) == ["/v1/consent", "/v1/events"])
            #expect(
                server.received[0].body == [
                    "site": "demo", "choice": "granted", "notice": .string(notice.version), "locale": "ar",
                    "act": key == nil ? "click" : "key", "source": "banner",
                ])
            #expect(server.events.map { $0["type"] } == ["pageview"])
            #expect(server.events[0]["url"] == .string(server.origin + "/ar/youth-day/"))
            #expect(try await Set(browser.cookies().keys) == ["__Host-assent", "assent_choice"])
            #expect(try await browser.storage() == [])
            #expect(server.violations == [])
        }

        @Test("A refusal is one request, and after it there is none")
        func refuse() async throws {
            let (server, browser) = (try await PageServer.start(), try await Self.visitor())
            try await browser.open(server.origin + "/fr/")
            try await browser.click("[data-assent=refuse]")
            try await browser.wait(for: "assent.status().choice === 'refused'")
            try await browser.open(server.origin + "/en/news/")
            try await browser.wait(for: "performance.now() > 1500")
            #expect(try await browser.evaluate("document.querySelector('[data-assent=banner]')") == .null)
            #expect(server.received.map(\.body["choice"]) == ["refused"])
            #expect(try await Array(browser.cookies().keys) == ["assent_choice"])
        }

        @Test("A synthetic click grants nothing")
        func synthetic() async throws {
            let (server, browser) = (try await PageServer.start(), try await Self.visitor())
            try await browser.open(server.origin + "/en/")
            try await browser.wait(for: "document.querySelector('[data-assent=accept]')")
            try await browser.evaluate("document.querySelector('[data-assent=accept]').click()")
            let then = try await browser.evaluate("performance.now()").number ?? 0
            try await browser.wait(for: "performance.now() > \(then + 1000)")
            #expect(server.received.map(\.path) == [])
        }

        @Test("One click withdraws, and nothing more is sent")
        func withdraw() async throws {
            let (server, browser) = (try await PageServer.start(), try await Self.visitor())
            try await browser.open(server.origin + "/en/news/")
            try await browser.click("[data-assent=accept]")
            try await server.wait(for: "the first events") { $0.count == 2 }
            try await browser.click("[data-assent=withdraw]")
            try await browser.wait(for: "assent.status().choice === 'refused'")
            #expect(server.received.last?.body == ["site": "demo", "erase": true])
            let cookies = try await browser.cookies()
            #expect(cookies.mapValues(\.value) == ["assent_choice": "refused"])
            try await browser.open(server.origin + "/en/")
            try await browser.wait(for: "performance.now() > 1500")
            #expect(server.received.map(\.path) == ["/v1/consent", "/v1/events", "/v1/withdraw"])
        }

        @Test("Global Privacy Control, as the browser's own setting, is a no while nothing was chosen")
        func objection() async throws {
            let (server, browser) = (try await PageServer.start(), try await Self.visitor(objecting: true))
            try await browser.open(server.origin + "/en/")
            try await browser.wait(for: "window.assent")
            #expect(
                try await browser.evaluate("[assent.status().choice, assent.status().reason]") == ["refused", "gpc"])
            #expect(try await browser.evaluate("document.querySelector('[data-assent=banner]')") == .null)
            #expect(try await browser.cookies() == [:])
            #expect(server.received.map(\.path) == [])
            try await browser.click("[data-assent=choices]")
            try await browser.click("[data-assent=panel] [data-assent=accept]")
            try await server.wait(for: "the pageview") { $0.count == 2 }
            #expect(server.received[0].body["source"] == "settings")
        }

        @Test("Leaving a page says how long it had the visitor's attention; coming back is a new view")
        func engagement() async throws {
            let (server, browser) = (try await PageServer.start(), try await Self.visitor())
            try await browser.open(server.origin + "/en/")
            try await browser.click("[data-assent=accept]")
            try await server.wait(for: "the pageview") { _ in server.events.count == 1 }
            let then = try await browser.evaluate("performance.now()").number ?? 0
            try await browser.wait(for: "performance.now() > \(then + 1500)")
            try await browser.open(server.origin + "/fr/")
            try await server.wait(for: "the second page") { _ in server.events.count == 3 }
            #expect(server.events.map { $0["type"] } == ["pageview", "engagement", "pageview"])
            #expect(server.events[1]["url"] == .string(server.origin + "/en/"))
            #expect((1.4...20).contains(server.events[1]["seconds"].number ?? 0))
            try await browser.goBack()
            try await server.wait(for: "the third view") { _ in
                server.events.filter { $0["type"] == "pageview" }.count == 3
            }
            #expect(server.events.last { $0["type"] == "pageview" }?["url"] == .string(server.origin + "/en/"))
            #expect(server.violations == [])
        }

        @Test("On a page that is allowed next to nothing it does all of it, and breaks no rule")
        func policy() async throws {
            let server = try await PolicyTests.server()
            let browser = try await Self.visitor()
            try await browser.open(server.origin + "/strict/")
            try await browser.click("[data-assent=accept]")
            try await server.wait(for: "the first events") { $0.count == 2 }
            try await browser.click("[data-assent=choices]")
            try await browser.wait(for: "document.querySelector('[data-assent=panel]')")
            try await browser.press(.escape)
            try await browser.click("[data-assent=withdraw]")
            try await browser.wait(for: "assent.status().choice === 'refused'")
            #expect(PolicyTests.broken(server) == [])
            try await PolicyTests.breakRule(server) { try await browser.evaluate($0) }
        }
    }

    /// Pages whose policy allows what the script needs and nothing else.
    @Suite(.timeLimit(.minutes(5))) struct PolicyTests {
        static let policy = """
            default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; \
            require-trusted-types-for 'script'; trusted-types 'none'
            """

        static func server() async throws -> PageServer {
            let page = ScriptTests.page().replacing("<link rel=\"icon\" href=\"/demo.svg\">", with: "")
            return try await PageServer.start(pages: ["/strict/": page], policy: policy)
        }

        /// What the script did that the page does not allow. A browser asks for an icon by itself, and is told the same.
        static func broken(_ server: PageServer) -> [JSON] {
            server.violations.map(\.["csp-report"]["blocked-uri"]).filter {
                $0.string?.hasSuffix("/favicon.ico") != true
            }
        }

        /// Shows that a broken rule would have been noticed.
        static func breakRule(_ server: PageServer, _ evaluate: (String) async throws -> Void) async throws {
            try await evaluate("document.body.append(Object.assign(document.createElement('img'), {src: '/demo.svg'}))")
            try await server.wait(for: "a report") { _ in broken(server) != [] }
        }

        @Test("On a page that is allowed next to nothing the script does all of it, and breaks no rule")
        func strict() async throws {
            let server = try await Self.server()
            let tab = try await newProfile()
            try await tab.open(server.origin + "/strict/")
            try await tab.click("[data-assent=accept]")
            try await server.wait(for: "the first events") { $0.count == 2 }
            try await tab.click("[data-assent=choices]")
            try await tab.wait(for: "document.querySelector('[data-assent=panel]')")
            try await tab.press(.escape)
            try await tab.click("[data-assent=withdraw]")
            try await tab.wait(for: "assent.status().choice === 'refused'")
            #expect(Self.broken(server) == [])
            #expect(tab.problems.filter { !$0.contains("favicon.ico") } == [])
            try await Self.breakRule(server) { try await tab.evaluate($0) }
        }
    }
}

/// Starts a Firefox before the tests of a suite, and ends it after them, however they end.
struct FirefoxTrait: SuiteTrait, TestScoping {
    @TaskLocal static var browser: Firefox?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Firefox.run { browser in
            try await Self.$browser.withValue(browser) { try await function() }
        }
    }
}

extension Trait where Self == FirefoxTrait {
    static var firefox: Self { FirefoxTrait() }
}
