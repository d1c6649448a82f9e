import AssentCore
import Foundation
import Testing

@testable import AssentConfiguration

/// One way to write a configuration wrong: what of the good one is replaced, and what must then be said where.
struct Slip: Sendable, CustomTestStringConvertible {
    let line: Int
    let words: String
    let old: String
    let new: String

    init(_ line: Int, _ words: String, _ old: String, _ new: String) {
        self.line = line
        self.words = words
        self.old = old
        self.new = new
    }

    var testDescription: String { new }
}

@Suite struct ConfigurationErrorTests {
    static let slips: [Slip] = [
        // Not TOML
        Slip(1, "no TOML", "listen = \"127.0.0.1:8787\"", "listen = "),
        Slip(5, "no TOML", "origins = [", "id = \"twice\"\norigins = ["),
        Slip(3, "a name must stand here", "[[site]]", "[=]"), Slip(3, "a name must stand here", "[[site]]", "[[#]]"),
        // Unknown keys
        Slip(1, "did you mean listen?", "listen = \"127.0.0.1:8787\"", "lisen = \"127.0.0.1:8787\""),
        Slip(6, "did you mean timezone?", "timezone =", "time_zone ="),
        Slip(9, "did you mean locale?", "locale = \"en\"", "local = \"en\""),
        Slip(13, "did you mean paths?", "paths =", "path ="),
        Slip(1, "it belongs in [[site]]", "listen = \"127.0.0.1:8787\"", "retention_days = 30"),
        Slip(6, "it belongs above the first table", "timezone = \"Europe/Brussels\"", "durability = \"full\""),
        Slip(13, "it belongs in [[site.notice]]", "id = \"youth-day\"", "id = \"youth-day\"\nreask = true"),
        Slip(11, "did you mean campaign?", "[[site.campaign]]", "[[site.campain]]"),
        Slip(1, "“colour” is no key", "listen = \"127.0.0.1:8787\"", "colour = 1"),
        // Types
        Slip(1, "listen must be a string in quotes, not a number", "\"127.0.0.1:8787\"", "8787"),
        Slip(6, "timezone must be a string in quotes, not true or false", "\"Europe/Brussels\"", "true"),
        Slip(5, "origins must be an array of strings", "[\"https://www.example.org\", \"https://m.example.org\"]", "1"),
        Slip(7, "Each of locales must be a string in quotes, not a number with a fraction", "\"ar\"]", "1.5]"),
        Slip(
            14, "from must be a date such as 2026-08-01, without quotes, not a string", "2026-08-01", "\"2026-08-01\""),
        Slip(14, "not a time", "2026-08-01", "2026-08-01T00:00:00Z"),
        Slip(
            10, "reask must be true or false, without quotes, not a string", "text = \"May we?\"",
            "reask = \"no\"\ntext = \"?\""),
        Slip(3, "write [[site]] with two brackets", "[[site]]\nid = \"coalition\"", "[site]\nid = \"coalition\""),
        Slip(8, "write [[site.notice]] with two brackets", "[[site.notice]]", "[site.notice]"),
        Slip(4, "retention_days must be a whole number without quotes", "id =", "retention_days = \"30\"\nid ="),
        // Values
        Slip(1, "IP address and a port", "127.0.0.1:8787", "127.0.0.1"),
        Slip(1, "IP address and a port", "127.0.0.1:8787", "localhost:8787"),
        Slip(1, "IP address and a port", "127.0.0.1:8787", "127.0.0.1:65536"),
        Slip(1, "IP address and a port", "127.0.0.1:8787", "::1:8787"),
        Slip(1, "durability must be \"full\" or \"process\"", "listen =", "durability = \"half\"\nlisten ="),
        Slip(1, "requests_per_minute must be 0 to 1000000", "listen =", "requests_per_minute = -1\nlisten ="),
        Slip(1, "bots must be words of 2 to 64", "listen =", "bots = [\"New Bot\"]\nlisten ="),
        Slip(1, "spam_referrers must be host names", "listen =", "spam_referrers = [\"https://a.example\"]\nlisten ="),
        Slip(1, "trusted_proxies must be an IP address", "listen =", "trusted_proxies = [\"proxy\"]\nlisten ="),
        Slip(1, "data must be the path", "listen =", "data = \"\"\nlisten ="),
        Slip(4, "id must be 1 to 32 characters", "\"coalition\"", "\"Coalition\""),
        Slip(4, "id must be 1 to 32 characters", "\"coalition\"", "\"\""),
        Slip(5, "origins must be scheme://host", "https://www.example.org", "www.example.org"),
        Slip(5, "origins must end without a slash", "https://www.example.org", "https://www.example.org/"),
        Slip(5, "origins must be in lower case", "https://www.example.org", "https://WWW.example.org"),
        Slip(5, "must be without :443", "https://www.example.org", "https://www.example.org:443"),
        Slip(5, "without anything behind it", "https://www.example.org", "https://www.example.org/a"),
        Slip(5, "in ASCII", "https://www.example.org", "https://exämple.org"),
        Slip(3, "origins must name at least one", "[\"https://www.example.org\", \"https://m.example.org\"]", "[]"),
        Slip(6, "timezone must be a time zone that this system knows", "Europe/Brussels", "Europe/Bruxelles"),
        Slip(7, "locales must be a language tag", "\"ar\"", "\"arabic!\""),
        Slip(4, "retention_days must be 1 to 760", "id =", "retention_days = 761\nid ="),
        Slip(4, "retention_days must be 1 to 760", "id =", "retention_days = 0\nid ="),
        Slip(4, "minimum_group must be 1 to 10000", "id =", "minimum_group = 0\nid ="),
        Slip(4, "on_withdraw must be \"erase\" or \"keep\"", "id =", "on_withdraw = \"forget\"\nid ="),
        Slip(4, "cookie_domain must be a domain", "id =", "cookie_domain = \".example.org\"\nid ="),
        Slip(4, "controller must be one line of 1 to 256 bytes", "id =", "controller = \"\"\nid ="),
        Slip(4, "contact must be one line of 1 to 256 bytes", "id =", "contact = \"a\\nb\"\nid ="),
        Slip(4, "jurisdiction must be a string in quotes", "id =", "jurisdiction = [\"BE\"]\nid ="),
        Slip(4, "cookie_domain must be a domain", "id =", "cookie_domain = \"org\"\nid ="),
        Slip(10, "text must be 1 to 8192 bytes", "\"May we?\"", "\" \""),
        Slip(10, "text must be 1 to 8192 bytes", "May we?", String(repeating: "x", count: 8193)),
        Slip(13, "paths must begin with a slash", "\"/youth-day/**\"", "\"youth-day\""),
        Slip(13, "paths must be without its leading /ar", "\"/youth-day/**\"", "\"/ar/youth-day\""),
        Slip(13, "hashtags must be one word", "paths = [\"/youth-day/**\"]", "hashtags = [\"Youth Day\"]"),
        Slip(13, "referrers must be a host", "paths = [\"/youth-day/**\"]", "referrers = [\"https://t.co/\"]"),
        Slip(13, "utm_source must be 1 to 512 bytes", "paths = [\"/youth-day/**\"]", "utm_source = [\"\"]"),
        // Missing
        Slip(3, "[[site]] has no id", "id = \"coalition\"\n", ""),
        Slip(3, "[[site]] has no origins", "origins = [\"https://www.example.org\", \"https://m.example.org\"]\n", ""),
        Slip(8, "[[site.notice]] has no locale", "locale = \"en\"\n", ""),
        Slip(8, "[[site.notice]] has no text", "text = \"May we?\"\n", ""),
        Slip(11, "[[site.campaign]] has no id", "id = \"youth-day\"\n", ""),
        Slip(11, "has no rule", "paths = [\"/youth-day/**\"]\n", ""),
        // Clashes
        Slip(2, "staff_listen must be another address or port", "127.0.0.1:8788", "127.0.0.1:8787"),
        Slip(2, "staff_listen must be another address or port", "127.0.0.1:8788", "0.0.0.0:8787"),
        Slip(5, "stands in line 5 too", "\"https://m.example.org\"", "\"https://www.example.org\""),
        Slip(7, "locales names ar twice", "\"ar\"]", "\"ar\", \"AR\", \"ar\"]"),
        Slip(9, "locale must be one of the site's locales: en, ar", "locale = \"en\"", "locale = \"fr\""),
        Slip(
            13, "text is the same as in line 10", "[[site.campaign]]",
            "[[site.notice]]\nlocale = \"ar\"\ntext = \"May we?\"\n[[site.campaign]]"),
        Slip(15, "to must not be before from", "2026-08-31", "2026-07-31"),
        Slip(
            4, "cookie_domain must be a parent domain of every origin; m.example.org", "id =",
            "cookie_domain = \"www.example.org\"\nid ="),
        Slip(
            17, "id is that of the campaign in line 12", "to = 2026-08-31",
            "to = 2026-08-31\n[[site.campaign]]\nid = \"youth-day\"\npaths = [\"/\"]"),
        Slip(
            17, "id is that of the site in line 4", "to = 2026-08-31",
            "to = 2026-08-31\n[[site]]\nid = \"coalition\"\norigins = [\"https://b.example.org\"]"),
    ]

    @Test("What is wrong is said with its line", arguments: slips)
    func slip(_ slip: Slip) throws {
        #expect(problems(of: goodTOML).isEmpty)
        let range = try #require(goodTOML.range(of: slip.old), "\(slip.old) is in the good one")
        let found = problems(of: goodTOML.replacingCharacters(in: range, with: slip.new))
        let problem = try #require(found.first { $0.sentence.contains(slip.words) }, "\(found)")
        #expect(problem.place == .line(slip.line), "\(problem)")
    }

    @Test("All problems are told at once, in the order of lines, and name file and line")
    func together() {
        let text = """
            durability = "half"
            [[site]]
            orgins = []
            id = "A"
            [[site]]
            minimum_group = "ten"
            """
        do throws(ConfigurationError) {
            _ = try configuration(text, environment: ["ASSENT_DATA": ""])
            Issue.record("It was taken")
        } catch {
            #expect(
                error.description.split(separator: "\n") == [
                    "assent.toml:1: durability must be \"full\" or \"process\".",
                    "assent.toml:2: [[site]] has no origins: add it.",
                    "assent.toml:3: “orgins” is no key in [[site]]: did you mean origins?",
                    "assent.toml:4: id must be 1 to 32 characters of a-z, 0-9 and -.",
                    "assent.toml:5: [[site]] has no id: add it.", "assent.toml:5: [[site]] has no origins: add it.",
                    "assent.toml:6: minimum_group must be a whole number without quotes, not a string.",
                    "ASSENT_DATA: data must be the path of a directory.",
                ])
        }
    }

    @Test("A file without a site, and one that is too long, are errors of their first line")
    func whole() {
        #expect(problems(of: "").map(\.description) == ["line 1: The file has no site: add it."])
        let long = String(repeating: "#", count: Limits.configurationBytesMax + 1)
        #expect(problems(of: long).first?.sentence.contains("longer than") == true)
    }

    @Test("A site has at most 256 campaigns, and the one too many is named")
    func campaigns() {
        let campaigns = (0...Limits.campaignsPerSiteMax).map {
            "[[site.campaign]]\nid = \"c\($0)\"\npaths = [\"/\($0)\"]\n"
        }
        #expect(problems(of: goodTOML + campaigns.dropLast(2).joined()).isEmpty)
        let found = problems(of: goodTOML + campaigns.dropLast().joined())
        #expect(found.map(\.sentence) == ["A site has at most 256 campaigns: remove those that are over."])
    }

    @Test(
        "The nearest name within a third of its letters is suggested",
        arguments: [
            ("lisen", "listen"), ("listne", "listen"), ("LISTEN", "listen"), ("xyz", nil), ("da", nil), ("dat", "data"),
            ("", nil),
            (String(repeating: "listen", count: 20), nil),
        ] as [(String, String?)])
    func suggestion(name: String, expected: String?) {
        #expect(Suggestion.nearest(to: name, among: ["listen", "data"]) == expected)
    }
}
