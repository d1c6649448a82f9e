import AssentCore
import Foundation
import Support
import Testing

@testable import AssentConfiguration

/// A site that is fine; the tests change one thing of it.
let goodTOML = """
    listen = "127.0.0.1:8787"
    staff_listen = "127.0.0.1:8788"
    [[site]]
    id = "coalition"
    origins = ["https://www.example.org", "https://m.example.org"]
    timezone = "Europe/Brussels"
    locales = ["en", "ar"]
    [[site.notice]]
    locale = "en"
    text = "May we?"
    [[site.campaign]]
    id = "youth-day"
    paths = ["/youth-day/**"]
    from = 2026-08-01
    to = 2026-08-31

    """

func configuration(_ text: String, environment: [String: String] = [:]) throws(ConfigurationError) -> Configuration {
    try Configuration(toml: Array(text.utf8), file: "assent.toml", environment: environment) {
        ["UTC", "Europe/Brussels"].contains($0)
    }
}

func problems(of text: String, environment: [String: String] = [:]) -> [ConfigurationProblem] {
    do throws(ConfigurationError) {
        _ = try configuration(text, environment: environment)
        return []
    } catch {
        return error.problems
    }
}

@Suite struct ConfigurationTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("Every key of the file reaches its value")
    func everyKey() throws {
        let read = try configuration(
            #"""
            listen = "[::1]:80"
            staff_listen = "127.0.0.1:0"
            data = "/srv/assent"
            durability = "process"
            requests_per_minute = 0
            trusted_proxies = ["10.0.0.1", "fd00::1"]
            bots = ["newbot"]
            spam_referrers = ["spam.example"]
            [[site]]
            id = "a-1"
            name = "A"
            origins = ["https://www.example.org", "http://localhost:3000"]
            timezone = "Europe/Brussels"
            locales = ["fr", "pt-BR"]
            retention_days = 760
            minimum_group = 1
            on_withdraw = "keep"
            controller = "A ASBL"
            contact = "privacy@example.org"
            address = "1 Street, Brussels"
            jurisdiction = "Belgium"
            storage_location = "Ghent"
            [[site.notice]]
            locale = "fr"
            text = """
            Peut-on \
            compter ?"""
            reask = true
            [[site.campaign]]
            id = "c"
            name = "#C"
            hashtags = ["#YouthDay", "شباب"]
            paths = ["/a/**"]
            utm_campaign = ["x*"]
            utm_source = ["y"]
            utm_medium = ["z"]
            referrers = ["t.co"]
            from = 2026-08-01
            to = 2026-08-01
            [[site]]
            id = "b"
            origins = ["https://b.example.org"]
            cookie_domain = "example.org"
            """#)
        var expected = Configuration()
        expected.listen = "[::1]:80"
        expected.staffListen = "127.0.0.1:0"
        expected.data = "/srv/assent"
        expected.durability = .process
        expected.requestsPerMinute = 0
        expected.trustedProxies = ["10.0.0.1", "fd00::1"]
        expected.rules = TrafficRules(machines: ["newbot"], spamReferrers: ["spam.example"])
        let campaign = Campaign(
            id: "c", name: "#C", hashtags: ["#YouthDay", "شباب"], paths: ["/a/**"], utmCampaign: ["x*"],
            utmSource: ["y"], utmMedium: ["z"], referrers: ["t.co"], from: Day("2026-08-01"), to: Day("2026-08-01"))
        expected.sites = [
            Site(
                id: "a-1", name: "A", origins: ["https://www.example.org", "http://localhost:3000"],
                timezone: "Europe/Brussels", locales: ["fr", "pt-BR"], retentionDays: 760, minimumGroup: 1,
                onWithdraw: .keep, notices: [Notice(locale: "fr", text: "Peut-on compter ?", reask: true)],
                campaigns: [campaign]),
            Site(id: "b", name: "b", origins: ["https://b.example.org"], cookieDomain: "example.org"),
        ]
        expected.sites[0].controller.name = "A ASBL"
        expected.sites[0].controller.contact = "privacy@example.org"
        expected.sites[0].controller.address = "1 Street, Brussels"
        expected.sites[0].controller.jurisdiction = "Belgium"
        expected.sites[0].controller.storageLocation = "Ghent"
        #expect(read == expected)
    }

    @Test("What is not said has the defaults that the reference gives")
    func defaults() throws {
        let read = try configuration("[[site]]\nid = \"a\"\norigins = [\"https://example.org\"]")
        var expected = Configuration()
        expected.sites = [Site(id: "a", name: "a", origins: ["https://example.org"])]
        #expect(read == expected)
        func fallback(_ name: String, _ table: ConfigurationKey.Table) -> String? {
            Configuration.keys.first { $0.name == name && $0.table == table }?.fallback
        }
        #expect(fallback("listen", .top) == "\"\(expected.listen)\"")
        #expect(fallback("staff_listen", .top) == "\"\(expected.staffListen)\"")
        #expect(fallback("data", .top) == "\"\(expected.data)\"")
        #expect(fallback("durability", .top) == "\"\(expected.durability.rawValue)\"")
        #expect(fallback("requests_per_minute", .top) == "\(expected.requestsPerMinute)")
        #expect(fallback("timezone", .site) == "\"\(expected.sites[0].timezone)\"")
        #expect(fallback("retention_days", .site) == "\(expected.sites[0].retentionDays)")
        #expect(fallback("minimum_group", .site) == "\(expected.sites[0].minimumGroup)")
        #expect(fallback("on_withdraw", .site) == "\"\(expected.sites[0].onWithdraw.rawValue)\"")
    }

    @Test("The configuration that is shipped is valid, and shows every key")
    func shipped() throws {
        let text = try String(contentsOf: Self.root.appending(path: "config/assent.toml"), encoding: .utf8)
        let read = try configuration(text)
        #expect(read.sites.map(\.id) == ["coalition"])
        #expect(read.sites[0].notices.map(\.locale) == read.sites[0].locales)
        for key in Configuration.keys {
            #expect(
                text.contains("\n\(key.name) = ") || text.contains("\n# \(key.name) = ")
                    || text.contains("\n[[\(key.name)]]") || text.contains("\n[[site.\(key.name)]]"), "\(key.name)")
        }
    }

    @Test(
        "The reference has each key in its table, with type, default and range",
        arguments: ConfigurationKey.Table.allCases)
    func reference(table: ConfigurationKey.Table) throws {
        let text = try String(contentsOf: Self.root.appending(path: "config/README.md"), encoding: .utf8)
        let heading = table == .top ? "Top of the file" : "`\(table.heading)`"
        let sections = text.components(separatedBy: "\n## ")
        let section = try #require(sections.first { $0.hasPrefix(heading) })
        let rows = section.components(separatedBy: "\n").filter { $0.hasPrefix("| `") }
        let expected = Configuration.keys.filter { $0.table == table }.map { key in
            let isCode =
                key.fallback.hasPrefix("\"") || key.fallback.hasPrefix("[") || key.fallback == "false"
                || Int(key.fallback) != nil
            let fallback = isCode ? "`\(key.fallback)`" : key.fallback
            return "| `\(key.name)` | \(key.type.rawValue) | \(fallback) | \(key.range) |"
        }
        #expect(rows == expected)
    }

    // MARK: Environment

    @Test("Environment variables override keys at the top, the file's value notwithstanding")
    func environment() throws {
        let read = try configuration(
            goodTOML,
            environment: [
                "ASSENT_LISTEN": "0.0.0.0:80", "ASSENT_STAFF_LISTEN": "127.0.0.1:81", "ASSENT_DATA": "/srv/data",
                "ASSENT_DURABILITY": "process", "ASSENT_REQUESTS_PER_MINUTE": "7",
                "ASSENT_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2", "ASSENT_SERVICE_HOST": "10.0.0.3",
                "ASSENT_PORT": "tcp://10.0.0.3:80", "HOME": "/",
            ])
        #expect(read.listen == "0.0.0.0:80")
        #expect(read.staffListen == "127.0.0.1:81")
        #expect(read.data == "/srv/data")
        #expect(read.durability == .process)
        #expect(read.requestsPerMinute == 7)
        #expect(read.trustedProxies == ["10.0.0.1", "10.0.0.2"])
        #expect(try configuration(goodTOML, environment: ["ASSENT_TRUSTED_PROXIES": ""]).trustedProxies.isEmpty)
    }

    @Test(
        "A bad environment variable is an error that names it",
        arguments: [
            ("ASSENT_LISTEN", "here", "IP address and a port"), ("ASSENT_DATA", "", "path"),
            ("ASSENT_DURABILITY", "some", "\"full\" or \"process\""),
            ("ASSENT_REQUESTS_PER_MINUTE", "many", "whole number"),
            ("ASSENT_REQUESTS_PER_MINUTE", "-1", "0 to 1000000"), ("ASSENT_TRUSTED_PROXIES", "proxy", "IP address"),
            ("ASSENT_STAFF_LISTEN", "127.0.0.1:8787", "another address or port"),
            ("ASSENT_LISTN", "127.0.0.1:1", "did you mean ASSENT_LISTEN?"),
        ])
    func badVariable(name: String, value: String, words: String) throws {
        let problem = try #require(problems(of: goodTOML, environment: [name: value]).first)
        #expect(problem.place == .variable(name))
        #expect(problem.sentence.contains(words), "\(problem)")
        #expect(problem.description.hasPrefix("\(name): "))
    }

    // MARK: Foreign bytes

    @Test("Mutations of a configuration are read or refused, and never crash", arguments: 0..<8)
    func mutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let shipped = try Data(contentsOf: Self.root.appending(path: "config/assent.toml"))
        let marks = Array("[]{}\"'=.,#\n\\- 0".utf8)
        for base in [Array(goodTOML.utf8), Array(shipped)] {
            for _ in 0..<150 {
                var bytes = base
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let at = Int.random(in: 0..<bytes.count, using: &generator)
                    let end = min(bytes.count, at + Int.random(in: 0...24, using: &generator))
                    switch Int.random(in: 0..<5, using: &generator) {
                    case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                    case 1: bytes.insert(marks.randomElement(using: &generator)!, at: at)
                    case 2: bytes.removeSubrange(at..<end)
                    case 3: bytes.insert(contentsOf: Array(bytes[at..<end]), at: end)
                    default: bytes.removeSubrange(at...)
                    }
                    if bytes.isEmpty { bytes = [0] }
                }
                do throws(ConfigurationError) {
                    _ = try Configuration(toml: bytes, file: "f", isTimeZone: { _ in true })
                } catch {
                    #expect(!error.problems.isEmpty && error.problems.count <= Limits.configurationProblemsMax)
                    #expect(
                        error.problems.allSatisfy {
                            $0.place >= .line(1) && $0.sentence.hasSuffix(".") || $0.sentence.hasSuffix("?")
                        })
                }
            }
        }
    }

    @Test(
        "Deep nesting is refused, not followed down the stack",
        arguments: [
            String(repeating: "a.", count: 200_000) + "a = 1", String(repeating: "[", count: 100_000),
            "a = " + String(repeating: "{b=", count: 100_000), "[" + String(repeating: "a.", count: 200_000) + "a]",
            "x = \"\"\"\n\"\"\"\n" + String(repeating: "a.", count: 200_000) + "a = 1",
        ])
    func deep(text: String) { #expect(!problems(of: text).isEmpty) }
}
