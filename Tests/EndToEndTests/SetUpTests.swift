import AssentCore
import Foundation
import Support
import Testing

extension EndToEnd {
    /// The files of `deploy` as they are, with other ports and paths: the real proxy, the real program, a real browser.
    @Suite(.timeLimit(.minutes(5))) struct SetUpTests {
        static let notice = PageServer.notices[0].version

        static func choice(_ choice: String) -> String {
            #"{"site":"demo","choice":"\#(choice)","notice":"\#(notice)","locale":"en","act":"click","source":"banner"}"#
        }

        @Test(
            "A visitor accepts, is counted, and withdraws, through the proxy",
            arguments: SetUp.Proxy.allCases, SetUp.Mount.allCases)
        func visit(proxy: SetUp.Proxy, mount: SetUp.Mount) async throws {
            let site = try await SetUp(proxy, mount)
            let tag = try site.tag()
            #expect(tag.contains("src=\"\(mount == .path ? "/assent" : site.collectorAddress)/assent.js?site=demo\""))
            #expect(tag.contains("integrity=\"sha384-"))
            try site.writePages(with: tag)
            let tab = try await newProfile()
            try await tab.trustAnyCertificate()
            try await tab.open(site.origin + "/")
            try await tab.click("[data-assent=accept]")
            try await site.collector.wait(forMetric: "assent_events_total{result=\"stored\"} 1")
            try await tab.wait(for: "assent.status().pending === 0")
            let now = Date.now.timeIntervalSince1970
            let cookies = try await tab.cookieDetails(of: site.collectorAddress + "/")
            let byName = Dictionary(uniqueKeysWithValues: cookies.map { ($0["name"].string ?? "", $0) })
            #expect(Set(byName.keys) == ["__Host-assent", "assent_choice"])
            let host = mount == .path ? "www.example.org" : "stats.example.org"
            let domains: [String: JSON] = [
                "__Host-assent": .string(host),
                "assent_choice": .string(mount == .path ? host : ".example.org"),
            ]
            for (name, cookie) in byName {
                #expect(cookie["domain"] == domains[name], "\(name)")
                #expect(cookie["path"] == "/" && cookie["secure"] == true && cookie["sameSite"] == "Lax", "\(name)")
                #expect(cookie["httpOnly"] == .bool(name == "__Host-assent"), "\(name)")
                #expect(abs((cookie["expires"].number ?? 0) - now - 15_724_800) < 120, "\(name)")
            }
            #expect(try await tab.evaluate("document.cookie") == "assent_choice=granted")

            try await tab.leaving { try await tab.click("main a") }
            try await site.collector.wait(forMetric: "assent_responses_total{route=\"events\",status=\"204\"} 2")
            try await tab.click("[data-assent=withdraw]")
            try await tab.wait(for: "assent.status().choice === 'refused'")
            try await site.collector.wait(forMetric: "assent_choices_total{choice=\"withdrawn\"} 1")
            #expect(try await tab.cookies(of: site.collectorAddress + "/") == ["assent_choice": "refused"])
            #expect(try Program.run("export", "--config", site.config, "--site", "demo").isEmpty)
            #expect(tab.problems == [])
        }

        @Test("A page whose tag has the hash of another script does without it, and makes no request")
        func changed() async throws {
            let site = try await SetUp(.nginx, .path)
            try site.writePages(with: try site.tag().replacing(/sha384-../, with: "sha384-AA"))
            let tab = try await newProfile()
            try await tab.trustAnyCertificate()
            try await tab.open(site.origin + "/")
            #expect(try await tab.evaluate("typeof assent") == "undefined")
            #expect(tab.problems.contains { $0.contains("integrity") }, "\(tab.problems)")
        }

        @Test(
            "Cookies pass the proxy as they are, large bodies do not, the staff's pages are not there, and no log has an address",
            arguments: SetUp.Proxy.allCases, SetUp.Mount.allCases)
        func passing(proxy: SetUp.Proxy, mount: SetUp.Mount) async throws {
            let site = try await SetUp(proxy, mount)
            let (api, origin) = (site.collectorAddress, "Origin: \(site.origin)")
            let granted = try site.ask(
                "\(api)/v1/consent", post: Self.choice("granted"), from: "127.0.9.1", headers: [origin])
            #expect(granted.status == 201)
            let domain = mount == .path ? "" : "; Domain=example.org"
            let cookies = granted.all("set-cookie").map {
                $0.replacing(/__Host-assent=[^;]+/, with: "__Host-assent=TOKEN")
            }
            #expect(
                Set(cookies) == [
                    "__Host-assent=TOKEN; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=15724800",
                    "assent_choice=granted; Path=/; Secure; SameSite=Lax; Max-Age=15724800\(domain)",
                ])
            #expect(granted.all("access-control-allow-origin") == [site.origin])
            let foreign = try site.ask(
                "\(api)/v1/consent", post: Self.choice("granted"), headers: ["Origin: https://other.example"])
            #expect(foreign.status == 403)

            let (full, over) = (String(repeating: "x", count: 65_536), String(repeating: "x", count: 65_537))
            for (body, status) in [(full, 400), (over, 413)] {
                let answer = try site.ask("\(api)/v1/events", post: body, from: "127.0.9.1")
                #expect(answer.status == status, "\(answer.head)")
            }
            for path in ["/metrics", "/healthz", "/readyz", "/dashboard/", "/v1/report?site=demo"] {
                #expect(try site.ask(api + path, from: "127.0.9.1").status == 404, "\(path)")
            }
            let wellKnown = try site.ask(
                "\(mount == .path ? site.origin : api)/.well-known/gpc.json", from: "127.0.9.1")
            #expect(try JSON(wellKnown.body)["gpc"] == true)

            site.collector.kill()
            let dead = try site.ask("\(api)/v1/consent", post: Self.choice("refused"), from: "127.0.9.1")
            #expect(dead.status == 502, "\(dead.head)")
            #expect(try site.ask("\(site.origin)/never", from: "127.0.8.1").status == 404)
            let logs = site.logs
            #expect(logs.contains("127.0.8.1"), "the site's own log is kept")
            #expect(!logs.contains("127.0.9.1"))
        }

        @Test(
            "The rate limit sees who asks, not who they say they are",
            arguments: SetUp.Proxy.allCases, SetUp.Mount.allCases)
        func address(proxy: SetUp.Proxy, mount: SetUp.Mount) async throws {
            let limit = 3  // in a minute: the fourth comes long before 20 seconds have passed
            let site = try await SetUp(proxy, mount, limit: limit)
            func status(from address: String, saying: Int) throws -> Int {
                let claims = [
                    "X-Forwarded-For: 192.0.\(saying).1", "Forwarded: for=198.51.\(saying).1",
                    "X-Real-IP: 203.0.\(saying).1",
                ]
                return try site.ask(
                    "\(site.collectorAddress)/v1/consent", post: Self.choice("refused"), from: address, headers: claims
                ).status
            }
            for number in 1...limit { #expect(try status(from: "127.0.5.1", saying: number) == 200) }
            #expect(try status(from: "127.0.5.1", saying: limit + 1) == 429)
            #expect(try status(from: "127.0.6.1", saying: 1) == 200)
        }
    }
}
