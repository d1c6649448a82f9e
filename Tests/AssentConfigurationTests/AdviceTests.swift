import AssentCore
import Foundation
import Testing

@testable import AssentConfiguration

/// What is said of a configuration that is valid, and in which line.
@Suite struct AdviceTests {
    /// What of the plain configuration is replaced, and what must then be said where; nothing for no words.
    struct Case: Sendable, CustomTestStringConvertible {
        let line: Int
        let words: String
        let old: String
        let new: String

        init(_ line: Int, _ words: String, _ old: String, _ new: String) {
            (self.line, self.words, self.old, self.new) = (line, words, old, new)
        }

        var testDescription: String { new }
    }

    /// Nothing can be said about it.
    static let plain = """
        listen = "127.0.0.1:8787"
        staff_listen = "127.0.0.1:8788"
        trusted_proxies = ["127.0.0.1"]
        requests_per_minute = 600
        [[site]]
        id = "coalition"
        origins = ["https://www.example.org"]
        locales = ["en"]
        retention_days = 395
        [[site.notice]]
        locale = "en"
        text = "May we count your visit, and keep that for 395 days?"

        """

    static let another = """
        [[site]]
        id = "other"
        origins = ["ORIGIN"]
        EXTRA
        [[site.notice]]
        locale = "en"
        text = "And yours, for 395 days?"

        """

    static func advice(_ text: String) throws -> [ConfigurationAdvice] {
        try Configuration.checked(toml: Array(text.utf8), file: "test.toml", isTimeZone: { _ in true }).advice
    }

    static let cases: [Case] = [
        // Listeners
        Case(1, "warning: listen is reached from other machines", "127.0.0.1:8787", "0.0.0.0:8787"),
        Case(1, "warning: listen is reached from other machines", "127.0.0.1:8787", "[::]:8787"),
        Case(1, "warning: listen is reached from other machines", "127.0.0.1:8787", "192.0.2.1:8787"),
        Case(2, "warning: staff_listen is reached", "127.0.0.1:8788", "0.0.0.0:8788"),
        Case(3, "warning: trusted_proxies names no address of this machine", "[\"127.0.0.1\"]", "[]"),
        Case(3, "warning: trusted_proxies names no address of this machine", "[\"127.0.0.1\"]", "[\"192.0.2.1\"]"),
        Case(0, "", "[\"127.0.0.1\"]", "[\"192.0.2.1\", \"127.0.0.1\"]"),
        Case(
            3, "warning: trusted_proxies names no address of this machine, from which a proxy reaches ::1",
            "127.0.0.1:8787\"\n", "[::1]:8787\"\n"),
        Case(4, "note: requests_per_minute is 0", "600", "0"),
        // Origins and cookies
        Case(7, "warning: http://www.example.org is not https", "https://www.example.org", "http://www.example.org"),
        Case(
            8, "warning: http://old.example.org is not https", "[\"https://www.example.org\"]",
            "[\"https://www.example.org\",\n\"http://old.example.org\"]"),
        Case(0, "", "https://www.example.org", "http://localhost:8000"),
        Case(0, "", "https://www.example.org", "http://127.0.0.1:8000"),
        Case(0, "", "https://www.example.org", "http://site.localhost"),
        Case(
            8, "warning: cookie_domain looks like one below which anybody", "https://www.example.org\"]",
            "https://www.example.co.uk\"]\ncookie_domain = \"co.uk\"\ncollector = \"https://stats.example.co.uk\""),
        Case(
            8, "warning: cookie_domain looks like one below which anybody", "https://www.example.org\"]",
            "https://coalition.github.io\"]\ncookie_domain = \"github.io\"\ncollector = \"https://stats.github.io\""),
        Case(
            8, "note: cookie_domain is for a collector on a sub-domain", "locales =",
            "cookie_domain = \"example.org\"\nlocales ="),
        Case(
            8, "warning: cookie_domain shows assent_choice", "locales =",
            "cookie_domain = \"example.org\"\ncollector = \"https://www.example.org/assent\"\nlocales ="),
        Case(
            0, "", "locales =",
            "cookie_domain = \"example.org\"\ncollector = \"https://stats.example.org\"\nlocales ="),
        Case(0, "", "locales =", "collector = \"https://www.example.org/count\"\nlocales ="),
        // Notices
        Case(8, "warning: There is no notice for fr", "[\"en\"]", "[\"en\", \"fr\"]"),
        Case(
            5, "warning: The site has no notice", plain.components(separatedBy: "395\n")[1], ""),
        Case(12, "note: text does not say that events are kept for 395 days", "395 days?", "a while?"),
        Case(
            12, "note: text does not say that events are kept for 400 days", "retention_days = 395",
            "retention_days = 400"),
        Case(0, "", "395 days?", "13 months?"),
        Case(0, "", "395 days?", "\u{0663}\u{0669}\u{0665} days?"),
        Case(
            0, "", "[[site.notice]]\nlocale = \"en\"",
            "[[site.notice]]\nlocale = \"en\"\ntext = \"The earlier text\"\n[[site.notice]]\nlocale = \"en\""),
        // Several sites
        Case(
            15, "warning: www.example.org is a host of the site coalition too", "days?\"\n",
            "days?\"\n" + other("https://www.example.org:8443")),
        Case(0, "", "days?\"\n", "days?\"\n" + other("https://shop.example.org")),
        Case(
            17, "warning: The site coalition has its collector on stats.example.org too",
            plain.components(separatedBy: "id = \"c")[1],
            "oalition\"\norigins = [\"https://www.example.org\"]\ncookie_domain = \"example.org\"\n"
                + "collector = \"https://stats.example.org\"\n[[site.notice]]\nlocale = \"en\"\ntext = \"395 days?\"\n"
                + other(
                    "https://shop.example.org",
                    "cookie_domain = \"example.org\"\ncollector = \"https://stats.example.org\"")),
        Case(
            15, "warning: This site and coalition lie in one cookie_domain",
            plain.components(separatedBy: "id = \"c")[1],
            "oalition\"\norigins = [\"https://www.example.org\"]\ncookie_domain = \"example.org\"\n"
                + "collector = \"https://stats.example.org\"\n[[site.notice]]\nlocale = \"en\"\ntext = \"395 days?\"\n"
                + other("https://shop.example.org")),
        Case(
            16, "warning: This site and coalition lie in one cookie_domain", "days?\"\n",
            "days?\"\n"
                + other(
                    "https://shop.example.org", "cookie_domain = \"example.org\"\ncollector = \"https://s.example.org\""
                )),
    ]

    static func other(_ origin: String, _ extra: String = "") -> String {
        another.replacing("ORIGIN", with: origin).replacing("EXTRA", with: extra)
    }

    @Test("What cannot work is said with its line and its weight, and nothing else", arguments: cases)
    func advice(_ each: Case) throws {
        #expect(try Self.advice(Self.plain) == [])
        let range = try #require(Self.plain.range(of: each.old), "\(each.old) is in the plain one")
        let said = try Self.advice(Self.plain.replacingCharacters(in: range, with: each.new)).map { $0.text(in: "f") }
        if each.words.isEmpty {
            #expect(said == [])
        } else {
            #expect(said.count == 1 && said[0].hasPrefix("f:\(each.line): \(each.words)"), "\(said)")
        }
    }

    /// Where the collector cannot be: the origin of a page, what the site's table has, and what must be said.
    static let collectors: [(extra: String, words: String)] = [
        ("collector = \"https://stats.example.org\"", "set cookie_domain to \"example.org\""),
        ("collector = \"https://stats.other.net\"", "is a foreign one"),
        ("cookie_domain = \"example.org\"\ncollector = \"https://stats.other.net\"", "is a foreign one"),
        ("collector = \"https://192.0.2.1\"", "is a foreign one"),
        ("collector = \"http://www.example.org/assent\"", "collector must be https"),
        ("collector = \"https://www.example.org/assent/\"", "without a slash at the end"),
        ("collector = \"/assent\"", "collector must be where browsers reach it"),
        ("collector = \"https://www.example.org/a?b\"", "collector must be where browsers reach it"),
        ("collector = \"https://www.example.org/\\\"><b>\"", "collector must be where browsers reach it"),
    ]

    @Test("A collector whose cookies could not come back is an error", arguments: collectors)
    func collector(extra: String, words: String) throws {
        let text = Self.plain.replacing("locales =", with: extra + "\nlocales =")
        let error = #expect(throws: ConfigurationError.self) { try Self.advice(text) }
        let problem = try #require(error?.problems.first)
        #expect(problem.sentence.contains(words), "\(problem)")
        #expect(problem.place == .line(extra.hasPrefix("cookie") ? 9 : 8))
        #expect(error?.problems.count == 1)
    }

    @Test("A variable is named in the place of a line")
    func variable() throws {
        let advice = try Configuration.checked(
            toml: Array(Self.plain.utf8), file: "f", environment: ["ASSENT_STAFF_LISTEN": "0.0.0.0:1"],
            isTimeZone: { _ in true }
        ).advice
        #expect(advice.map { $0.text(in: "f") }.first?.hasPrefix("ASSENT_STAFF_LISTEN: warning: ") == true)
    }
}
