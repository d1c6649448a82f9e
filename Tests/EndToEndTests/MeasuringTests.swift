import NIOHTTP1
import Support
import Testing

extension EndToEnd {
    /// What is counted after a yes, and how it gets to the collector.
    @Suite(.timeLimit(.minutes(5))) struct MeasuringTests {
        @Test(
            "A click on what matters is an action with its target, the first name that applies",
            arguments: [
                ("/en/", ".news .read-more", "read_more", "ORIGIN/en/youth-day/"),
                ("/ar/news/", ".load-more", "load_more", nil),
                ("/fr/youth-day/", ".prose .links a", "outbound", "https://www.un.org/fr/observances/youth-day"),
                ("/en/clean-water/", "[download]", "download", "ORIGIN/wells.csv"),
                ("/en/voices/", "[href*=facebook]", "share", "https://www.facebook.com/sharer/sharer.php"),
                ("/en/voices/", "[href*='wa.me']", "share", "https://wa.me/"),
            ] as [(String, String, String, String?)])
        func actions(path: String, selector: String, name: String, target: String?) async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.stay()
            try await tab.accept(path, on: server)
            try await tab.evaluate("document.querySelector(`\(selector)`).click()")  // nobody did this
            try await tab.click(selector)
            try await server.wait(for: "the action") { _ in server.events.count >= 2 }
            let actions = server.events.filter { $0["type"] == "action" }
            #expect(actions.map { $0["name"].string } == [name])
            #expect(actions[0]["target"].string == target?.replacing("ORIGIN", with: server.origin))
            #expect(actions[0]["url"] == .string(server.origin + path))
            #expect(tab.problems == [])
        }

        @Test("A page's own names come first, can silence, and are checked")
        func marked() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.stay()
            try await tab.accept("/en/news/", on: server)
            for name in ["join_now", "none", "Not a name"] {
                try await tab.evaluate(
                    "document.querySelector('h1').setAttribute('data-assent-action', '\(name)')")
                try await tab.click("h1")
            }
            #expect(try await tab.evaluate("assent.track('sign_up', {target: '/en/join?token=1#x'})") == true)
            #expect(try await tab.evaluate("assent.track('Sign up')") == false)
            try await server.wait(for: "the actions") { _ in server.events.count >= 3 }
            let actions = server.events.filter { $0["type"] == "action" }
            #expect(actions.map { $0["name"].string } == ["join_now", "sign_up"])
            #expect(actions[1]["target"] == "/en/join")
        }

        @Test("A film is counted when it first plays and when it first ends")
        func film() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.accept("/en/voices/", on: server)
            try await tab.evaluate("document.querySelector('video').scrollIntoView()")
            for _ in 1...2 {
                try await tab.evaluate("document.querySelector('video').playbackRate = 8")
                try await tab.evaluate("document.querySelector('video').play()")
                try await tab.wait(for: "document.querySelector('video').ended")
            }
            try await server.wait(for: "the film's end") { _ in server.events.count >= 3 }
            let actions = server.events.filter { $0["type"] == "action" }
            #expect(actions.map { $0["name"].string } == ["video_play", "video_complete"])
            #expect(actions.allSatisfy { $0["target"] == .string(server.origin + "/river.webm") })
            #expect(tab.problems == [])
        }

        @Test("Leaving says how long the page had the visitor's attention, and how far it was scrolled")
        func engagement() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.accept("/en/", on: server)
            let then = try await tab.evaluate("performance.now()").number ?? 0
            try await tab.evaluate("scrollTo(0, document.body.scrollHeight)")
            try await tab.wait(for: "performance.now() > \(then + 1500)")
            try await tab.leaving { try await tab.click(".languages [lang=fr]") }
            try await server.wait(for: "the second page") { _ in server.events.count == 3 }
            let types = server.events.map { $0["type"].string }
            #expect(types == ["pageview", "engagement", "pageview"])
            let engagement = server.events[1]
            #expect(engagement["url"] == .string(server.origin + "/en/"))
            #expect((1.4...20).contains(engagement["seconds"].number ?? 0))
            #expect(engagement["scroll"] == 100)
            #expect(server.events[2]["referrer"] == .string(server.origin + "/en/"))
            #expect(Set(server.events.map { $0["id"] }).count == 3)
        }

        @Test("A page that comes back out of the back/forward cache is a new view")
        func backAndForward() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.runFirst("addEventListener('pageshow', (e) => { window.kept = e.persisted })")
            try await tab.accept("/en/", on: server)
            try await tab.leaving { try await tab.click("footer a, .menu [href='/en/news/']") }
            try await server.wait(for: "the second view") { _ in Self.views(server).count == 2 }
            try await tab.goBack()
            try await server.wait(for: "the third view") { _ in Self.views(server).count == 3 }
            #expect(try await tab.evaluate("window.kept") == true)
            try await tab.goForward()
            try await server.wait(for: "the fourth view") { _ in Self.views(server).count == 4 }
            #expect(try await tab.evaluate("window.kept") == true)
            let paths = Self.views(server).map { $0["url"].string?.dropFirst(server.origin.count) }
            #expect(paths == ["/en/", "/en/news/", "/en/", "/en/news/"])
            #expect(tab.problems == [])
        }

        static func views(_ server: PageServer) -> [JSON] { server.events.filter { $0["type"] == "pageview" } }

        @Test("A route of a single-page application is a view with its own title; a fragment and a replacement are not")
        func routes() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.accept("/en/", on: server)
            try await tab.evaluate(
                "history.pushState(null, '', '#what'); history.replaceState(null, '', '/en/?page=1')")
            try await tab.evaluate(
                "history.pushState(null, '', '/en/stories/1'); setTimeout(() => document.title = 'Story 1', 50)")
            try await server.wait(for: "the second view") { _ in Self.views(server).count == 2 }
            let view = Self.views(server)[1]
            #expect(view["url"] == .string(server.origin + "/en/stories/1"))
            #expect(view["title"] == "Story 1")
            #expect(view["referrer"] == .string(server.origin + "/en/?page=1"))
        }

        @Test(
            "Events that could not be taken are sent again with the same ids, and their age grows",
            arguments: [PageServer.Answer.unavailable, PageServer.Answer(hangsUp: true)])
        func again(answer: PageServer.Answer) async throws {
            let server = try await PageServer.start()
            // A browser itself tries again at once when a connection that it had kept open is lost.
            for _ in 1...6 { server.answer("/v1/events", with: answer) }
            let tab = try await newProfile()
            try await tab.open(server.origin + "/en/")
            try await tab.click("[data-assent=accept]")
            try await server.wait(for: "another try") { _ in
                let ages = server.events.compactMap { $0["age"].number }
                return (ages.last ?? 0) > (ages.first ?? 0) + 500
            }
            #expect(Set(server.events.map { $0["id"] }).count == 1)
            #expect(try await tab.storage() == [])
        }

        @Test("Events that the collector finds wrong are not sent again")
        func wrong() async throws {
            let server = try await PageServer.start()
            server.answer("/v1/events", with: PageServer.Answer(status: .badRequest))
            let tab = try await newProfile()
            try await tab.accept("/en/news/", on: server)
            try await tab.click(".load-more")
            try await server.wait(for: "the action") { _ in server.events.count == 2 }
            #expect(server.events.map { $0["type"] } == ["pageview", "action"])
        }
    }
}
