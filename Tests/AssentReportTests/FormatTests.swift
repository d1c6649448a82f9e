import AssentCore
import AssentStore
import Foundation
import Support
import Testing

@testable import AssentReport

/// What a report is written as: the same numbers in each, and names from anywhere harmless in all of them.
@Suite struct FormatTests {
    /// Names that are markup, formulas, escapes or turned round somewhere.
    static let names = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</title><b>", "&lt;&amp;", "a|b`c`",
        "[x](https://example.net)", "![x](https://example.net/x.png)", "https://www.example.net/", "www.example.net",
        "*bold* _it_ ~~no~~ #tag @team", "=HYPERLINK(\"https://example.net\")", "+1", "-1+cmd|' /C calc'!A0",
        "@SUM(A1)",
        "\t=1", "＝1", "a,b\"c", "\u{1B}]0;title\u{07}", "\u{202E}desrever", "\u{2066}isolated", "line\r\nInjected: yes",
        "=?utf-8?B?aGk=?=",
    ]

    /// A report in which every name stands as a campaign, a page, a source and an action's target.
    static func hostile() throws -> Report {
        var site = SmallWeek.site
        site.name = names[1]
        site.campaigns = names.enumerated().map { Campaign(id: "c\($0)", name: $1, paths: ["/**"]) }
        let events = names.enumerated().flatMap { index, name in
            SmallWeek.events.map { event in
                var event = event
                event.visitor += VisitorNumber(index * 2)
                event.page.path = "/\(name)"
                event.referrer = Referrer(host: name, pathClass: .page)
                event.page.query = ""
                if event.kind == .action { event.target = name }
                return event
            }
        }
        let request = ReportRequest(
            days: SmallWeek.request.days, comparedDays: SmallWeek.request.comparedDays, campaign: "c0",
            trend: .table(weeks: 3))
        return try report(of: events, site: site, rules: .utc, request: request, tallies: SmallWeek.tallies)
    }

    // MARK: HTML

    /// Elements that a report has.
    private static let elements: Set<String> = [
        "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "h3", "p", "section", "div",
        "table", "thead", "tbody", "tr", "th", "td", "a", "bdi", "figure", "figcaption", "span", "svg", "rect", "text",
        "line", "details", "summary", "footer", "dl", "dt", "dd",
    ]

    @Test(
        "HTML has no element and no attribute that the report does not make, and nothing is loaded",
        arguments: Language.allCases)
    func html(language: Language) throws {
        let html = try Self.hostile().html(language: language)
        let body = html.replacing(/<style>[^<]*<\/style>/, with: "")
        for tag in body.matches(of: /<\/?([A-Za-z0-9]+)([^>]*)>/) {
            #expect(Self.elements.contains(String(tag.1)), "\(tag.0)")
            #expect(!tag.2.contains("onerror=alert") || tag.2.contains("aria-label"), "\(tag.0)")
            // Nothing leads away from the page.
            for link in tag.2.matches(of: /\b(href|src|action|style|srcset)="([^"]*)"/) {
                #expect(link.1 == "href" && link.2.hasPrefix("#"), "\(tag.0)")
            }
        }
        #expect(!html.unicodeScalars.contains { (0x202A...0x202E).contains($0.value) || $0 == "\u{1B}" })
        #expect(!html.contains("url(") && !html.contains("@import"))
        let targets = Set(html.matches(of: #/ id="([^"]*)"/#).map { String($0.1) })
        for link in html.matches(of: /href="#([^"]*)"/) { #expect(targets.contains(String(link.1))) }
        #expect(targets.count == html.matches(of: #/ id="/#).count)
    }

    // MARK: Markdown

    @Test("Nothing in a name is markup in Markdown, and every row has all its cells")
    func markdown() throws {
        let markdown = try Self.hostile().markdown()
        #expect(!markdown.contains("<") && !markdown.contains("\u{1B}"))
        for mark in ["\\", "`", "*", "[", "]", "|", "~", "@"] where mark != "|" && mark != "*" && mark != "\\" {
            #expect(!markdown.contains(try Regex("[^\\\\]" + NSRegularExpression.escapedPattern(for: mark))), "\(mark)")
        }
        #expect(!markdown.contains(/[^\\]:\/\//) && !markdown.lowercased().contains("www."))
        var cells: Int?
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                cells = nil
                continue
            }
            let bars = line.replacing("\\\\", with: "").replacing("\\|", with: "").filter { $0 == "|" }.count
            #expect(bars == cells ?? bars, "\(line)")
            cells = bars
        }
    }

    // MARK: CSV

    /// The records of RFC 4180.
    private func records(_ bytes: [UInt8]) -> [[String]] {
        var records: [[String]] = []
        var record: [String] = []
        var rest = Substring(String(decoding: bytes, as: UTF8.self)).unicodeScalars
        while !rest.isEmpty {
            var field = ""
            if rest.first == "\"" {
                rest.removeFirst()
                while let next = rest.popFirst() {
                    if next != "\"" {
                        field.unicodeScalars.append(next)
                    } else if rest.first == "\"" {
                        field.unicodeScalars.append(rest.removeFirst())
                    } else {
                        break
                    }
                }
            } else {
                while let next = rest.first, next != ",", next != "\r" {
                    field.unicodeScalars.append(rest.removeFirst())
                }
            }
            record.append(field)
            if rest.first == "," {
                rest.removeFirst()
            } else {
                #expect(rest.prefix(2).elementsEqual("\r\n".unicodeScalars))
                rest = rest.dropFirst(2)
                records.append(record)
                record = []
            }
        }
        return records
    }

    @Test(
        "Every table is CSV whose texts are no formulas and whose records are as long as the header",
        arguments: Report.Table.allCases)
    func csv(table: Report.Table) throws {
        let records = records(try Self.hostile().csv(table))
        let header = try #require(records.first)
        #expect(records.count > 1 || table == .partitions)
        for record in records.dropFirst() {
            #expect(record.count == header.count)
            for field in record where Double(field) == nil {
                #expect(field.unicodeScalars.first.map { !"=+-@\t\r\n|%＝＋－＠".unicodeScalars.contains($0) } ?? true)
            }
        }
    }

    @Test("CSV has the numbers of the JSON", arguments: NumbersTests.tables)
    func csvNumbers(table: String) throws {
        let report = try SmallWeek.report()
        let rows = try #require(try members(report)[table] as? [Reference.Members])
        let records = records(try report.csv(try #require(Report.Table(rawValue: table))))
        #expect(records.count == rows.count + 1)
        for (record, row) in zip(records.dropFirst(), rows) {
            for (name, field) in zip(records[0], record) {
                if name == "key" {
                    #expect(field == row["key"] as? String)
                } else if name.hasPrefix("action_") {
                    let actions = row["actions"] as? [String: Int]
                    #expect(Int(field) == actions?[String(name.dropFirst(7))] ?? 0)
                } else if name != "folded_rows" {
                    #expect(Double(field) == row[name] as? Double, "\(name)")
                }
            }
        }
    }

    @Test("A table that takes an option says so")
    func csvOptions() throws {
        let report = try SmallWeek.report()
        #expect(throws: ReportError.request("Links are told of one campaign: give --campaign.")) {
            try report.csv(.links)
        }
        #expect(throws: ReportError.request("A trend needs its number of weeks: give --all-weeks.")) {
            try report.csv(.trend)
        }
    }

    // MARK: Mail

    @Test(
        "An address is one address, and never a header",
        arguments: [
            ("team@example.org", "team@example.org"), ("Team <team@example.org>", "Team <team@example.org>"),
            ("  Team  <team@example.org> ", "Team <team@example.org>"),
            ("Équipe <e@example.org>", "=?utf-8?B?w4lxdWlwZQ==?= <e@example.org>"),
            ("A, B <c@example.org>", "=?utf-8?B?QSwgQg==?= <c@example.org>"), ("a@example.org, b@example.org", nil),
            ("a@example.org\r\nBcc: b@example.org", nil), ("a@b@c", nil), ("@example.org", nil), ("team@", nil),
            ("Team <team@example.org", nil), ("team @example.org", nil), ("é@example.org", nil), ("", nil),
        ] as [(String, String?)])
    func addresses(text: String, header: String?) {
        #expect((try? MailAddresses(to: [text], from: nil))?.to == header.map { [$0] })
        #expect((try? MailAddresses(to: ["a@example.org"], from: text))?.from == header)
    }

    @Test(
        "A mail has lines of ASCII no longer than 76, one header for each name, and the same bytes again",
        arguments: Language.allCases)
    func mail(language: Language) throws {
        let addresses = try MailAddresses(to: ["team@example.org", "board@example.org"], from: "assent@example.org")
        let report = try Self.hostile()
        let mail = report.mail(addresses, subject: Self.names[20], language: language)
        #expect(mail == (try Self.hostile().mail(addresses, subject: Self.names[20], language: language)))
        let text = String(decoding: mail, as: UTF8.self)
        let lines = text.components(separatedBy: "\r\n")
        #expect(
            mail.allSatisfy { $0 < 0x80 } && !text.replacing("\r\n", with: "").contains(where: { "\r\n".contains($0) }))
        #expect(lines.allSatisfy { $0.utf8.count <= 76 })
        let head = lines.prefix { !$0.isEmpty }
        let names = head.filter { !$0.hasPrefix(" ") }.map { String($0.prefix { $0 != ":" }) }
        #expect(Set(names).count == names.count && !names.contains("Injected"))
    }

    @Test("Any text comes back from quoted-printable")
    func quotedPrintable() throws {
        var generator = SeededGenerator(seed: 7)
        let alphabet = ["a", " ", "\n", ".", "=", "é", "يوم", "\t", "𝄞", "x y "]
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                alphabet[Int.random(in: alphabet.indices, using: &generator)]
            }.joined()
            let encoded = QuotedPrintable.encoded(text)
            #expect(encoded.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 76 && !$0.hasSuffix(" ") })
            var decoded: [UInt8] = []
            var rest = Array(encoded.replacing("=\r\n", with: "").replacing("\r\n", with: "\n").utf8)[...]
            while let byte = rest.popFirst() {
                if byte == 0x3D {
                    let digits = try #require(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16))
                    decoded.append(digits)
                    rest = rest.dropFirst(2)
                } else {
                    decoded.append(byte)
                }
            }
            #expect(String(decoding: decoded, as: UTF8.self) == text)
        }
    }

    // MARK: What only some reports have

    @Test("Links and the weeks of a trend are those of the definitions", arguments: NumbersTests.weeks.prefix(6))
    func linksAndTrend(week: RandomWeek) throws {
        let events = try week.makeEvents()
        let request = ReportRequest(days: week.days, campaign: "youth-day", trend: .table(weeks: 3))
        let made = try members(report(of: events, site: week.site, rules: week.rules, request: request))
        let reference = Reference(events, site: week.site, from: week.days.lowerBound, to: week.days.upperBound)
        let campaign = try #require((made["campaigns"] as? [Reference.Members])?.first)
        let links = reference.rows("links", campaign: 0).filter { $0["key"] as? String != "" }
        #expect(!links.isEmpty && differences(campaign["links"], links, at: "links") == [])

        let trend = try #require(made["trend"] as? [Reference.Members])
        #expect(trend.count == 3)
        for (index, told) in trend.enumerated() {
            let days = ISOWeek(containing: week.days.lowerBound).advanced(by: index - 2).days
            let reference = Reference(events, site: week.site, from: days.lowerBound, to: days.upperBound)
            let measures = ["visitors", "visits", "pageviews", "engaged_seconds", "bounce_rate"]
            let totals = reference.totals.filter { measures.contains($0.key) }
            #expect(differences(told["totals"], totals, at: "\(index)") == [])
            var campaign = reference.campaign(0).filter { (measures + ["landings"]).contains($0.key) }
            campaign["id"] = "youth-day"
            #expect(differences(told["campaigns"], [campaign], at: "\(index)") == [])
        }
    }
}
