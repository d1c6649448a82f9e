import AssentCore
import Foundation
import Support
import Testing

extension EndToEnd {
    /// The main job from end to end: a real browser, the real program, a kill, and the report.
    @Suite(.timeLimit(.minutes(5))) struct MainJobTests {
        /// A site on a page server, a data directory and a collector over it.
        final class Setting {
            let folder: TemporaryDirectory
            let pages: PageServer
            let config: String
            private(set) var collector: Program.Collector
            private let staff: String
            /// The collector's own origin, of the same host as the pages', so that they share cookies.
            let origin: String

            init() async throws {
                folder = try TemporaryDirectory()
                let listen = "127.0.0.1:\(try Program.freePort())"
                origin = listen.replacing("127.0.0.1", with: "http://localhost")
                staff = "127.0.0.1:\(try Program.freePort())"
                pages = try await PageServer.start(collector: origin)
                config = "\(folder.path)/assent.toml"
                try Self.configuration(listen: listen, staff: staff, data: "\(folder.path)/data", origin: pages.origin)
                    .write(toFile: config, atomically: true, encoding: .utf8)
                collector = try await Program.Collector(config: config, staff: staff)
            }

            /// Kills the collector, without letting it finish anything, and starts another on what is left.
            func crash() async throws {
                collector.kill()
                collector = try await Program.Collector(config: config, staff: staff)
            }

            /// The report on the days around now.
            func report() throws -> JSON {
                let dates = [-86_400, 86_400].map {
                    Date.now.addingTimeInterval($0).formatted(.iso8601.year().month().day())
                }
                return try JSON(
                    Program.run(
                        "report", "--config", config, "--from", dates[0], "--to", dates[1], "--compare", "none",
                        "--format", "json"))
            }

            private static func configuration(listen: String, staff: String, data: String, origin: String) -> String {
                let notices = PageServer.notices.map { notice in
                    "[[site.notice]]\nlocale = \"\(notice.locale)\"\ntext = \"\(notice.text)\"\n"
                }
                return """
                    listen = "\(listen)"
                    staff_listen = "\(staff)"
                    data = "\(data)"
                    [[site]]
                    id = "demo"
                    name = "Common Ground"
                    origins = ["\(origin)"]
                    timezone = "UTC"
                    locales = ["en", "fr", "ar"]
                    minimum_group = 1
                    \(notices.joined())
                    [[site.campaign]]
                    id = "youth-day"
                    name = "#YouthDay"
                    paths = ["/youth-day/**"]
                    [[site.campaign]]
                    id = "clean-water"
                    name = "#CleanWater"
                    paths = ["/clean-water/**"]
                    """
            }
        }

        @Test(
            "A visit that was acknowledged is in the report, though the collector is killed right after; a refusal is a tally"
        )
        func visit() async throws {
            let setting = try await Setting()
            let (collector, origin) = (setting.collector, setting.pages.origin)

            let reader = try await newProfile()
            try await reader.open(origin + "/en/")
            try await reader.click("[data-assent=accept]")
            try await collector.wait(forMetric: "assent_events_total{result=\"stored\"} 1")
            try await reader.leaving { try await reader.click(".news .read-more") }
            #expect(try await reader.evaluate("location.pathname") == "/en/youth-day/")
            let then = try await reader.evaluate("performance.now()").number ?? 0
            try await reader.wait(for: "performance.now() > \(then + 1200)")
            try await reader.open("about:blank")
            // Two views, one click, what each page had of attention. They are counted once they are durable and before
            // they are acknowledged, so no kill after the last 204 can come earlier than this one.
            try await collector.wait(forMetric: "assent_events_total{result=\"stored\"} 5")
            try await setting.crash()

            let report = try setting.report()
            let totals = report["totals"]
            #expect(totals["visitors"] == 1)
            #expect(totals["visits"] == 1)
            #expect(totals["pageviews"] == 2)
            #expect(totals["actions"] == ["read_more": 1])
            #expect(totals["bounce_rate"] == 0)
            #expect((totals["engaged_seconds"].number ?? 0) >= 1.2)
            let campaigns = report["campaigns"].array
            #expect(campaigns.map { $0["id"] } == ["youth-day", "clean-water"])
            #expect(campaigns.map { $0["visits"] } == [1, 0])
            #expect(campaigns[0]["pageviews"] == 1)
            #expect(campaigns[0]["landings"] == 0)
            #expect(Set(report["pages"].array.map { $0["key"] }) == ["/", "/youth-day"])
            #expect(report["consent"]["granted"] == 1)
            #expect(report["consent"]["refused"] == 0)
            #expect(reader.problems == [])

            let other = try await newProfile()
            try await other.open(origin + "/fr/")
            try await other.click("[data-assent=refuse]")
            try await setting.collector.wait(forMetric: "assent_choices_total{choice=\"refused\"} 1")
            for path in ["/fr/news/", "/fr/youth-day/"] { try await other.open(origin + path) }
            try await other.wait(for: "performance.now() > 1500")
            #expect(Array(try await other.cookies(of: origin).keys) == ["assent_choice"])
            let after = try setting.report()
            #expect(after["totals"] == totals)
            #expect(after["consent"]["refused"] == 1)
            #expect(after["consent"]["opt_in_rate"] == .number(0.5))
            #expect(other.problems == [])
        }

        @Test(
            "A visitor who was there before a crash goes on with the visit after it, and a withdrawal takes all of it away"
        )
        func returning() async throws {
            let setting = try await Setting()
            let tab = try await newProfile()
            try await tab.open(setting.pages.origin + "/ar/clean-water/")
            try await tab.click("[data-assent=accept]")
            try await setting.collector.wait(forMetric: "assent_events_total{result=\"stored\"} 1")
            try await tab.wait(for: "assent.status().pending === 0")
            try await setting.crash()
            try await tab.open(setting.pages.origin + "/ar/news/")
            try await setting.collector.wait(forMetric: "assent_events_total{result=\"stored\"} 2")
            try await tab.wait(for: "assent.status().pending === 0")
            let report = try setting.report()
            #expect(report["totals"]["visitors"] == 1)
            #expect(report["totals"]["visits"] == 1)
            #expect(report["campaigns"].array.map { $0["visits"] } == [0, 1])

            try await tab.click("[data-assent=withdraw]")
            try await tab.wait(for: "assent.status().choice === 'refused'")
            #expect(Array(try await tab.cookies(of: setting.pages.origin).keys) == ["assent_choice"])
            try await setting.crash()
            let after = try setting.report()
            #expect(after["totals"]["visits"] == 0)
            #expect(after["totals"]["pageviews"] == 0)
            #expect(after["consent"]["withdrawn"] == 1)
            #expect(tab.problems == [])
        }
    }
}
