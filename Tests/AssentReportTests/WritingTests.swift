import AssentCore
import AssentStore
import Foundation
import Support
import Testing

@testable import AssentReport

/// A small week that can be counted by hand.
enum SmallWeek {
    static let site = Site(
        id: "coalition", name: "Coalition", origins: ["https://www.example.org"], timezone: "Europe/Brussels",
        locales: ["en", "ar"], minimumGroup: 1,
        campaigns: [Campaign(id: "youth-day", name: "#YouthDay", paths: ["/youth-day/**"])])

    static let request = ReportRequest(
        days: Samples.monday...Samples.monday.advanced(by: 6),
        comparedDays: Samples.monday.advanced(by: -7)...Samples.monday.advanced(by: -1))

    /// Visitor 1 reads the campaign's page and goes on exactly 30 minutes later, visitor 2 looks at the Arabic home page
    /// for a moment, and the week before visitor 1 saw the home page.
    static let events: [Event] = {
        func event(_ visitor: VisitorNumber, _ kind: Event.Kind, _ path: String, _ day: Int, _ time: String) -> Event {
            let date = Samples.monday.advanced(by: day)
            return Event(
                id: "", time: Instant(rfc3339: "\(date)T\(time)+01:00") ?? date.start, visitor: visitor, record: 1,
                kind: kind, page: Page(host: "www.example.org", path: path), locale: visitor == 1 ? "en" : "ar",
                country: visitor == 1 ? "BE" : "IQ",
                client: Client(device: visitor == 1 ? .mobile : .desktop, browser: "", system: ""))
        }
        var events = [
            event(1, .pageview, "/en/", -1, "23:59:59"), event(1, .pageview, "/en/youth-day/", 0, "10:00:00"),
            event(1, .engagement, "/en/youth-day/", 0, "10:00:05"),
            event(1, .action, "/en/youth-day/", 0, "10:30:05"), event(2, .pageview, "/ar/", 6, "23:00:00"),
            event(2, .engagement, "/ar/", 6, "23:00:10"),
        ]
        events[1].referrer = Referrer(host: "t.co", pathClass: .page)
        (events[2].engagedMilliseconds, events[2].scroll) = (12_000, 80)
        events[3].name = "read_more"
        events[4].page.query = "utm_source=Newsletter"
        (events[5].engagedMilliseconds, events[5].scroll) = (4_250, 25)
        return events
    }()

    static let tallies: ChoiceTallies = {
        var tallies = ChoiceTallies()
        (tallies.granted, tallies.refused, tallies.withdrawn) = (30, 10, 1)
        tallies.refusals = ["no_consent": 7, "bot": 4]
        return tallies
    }()

    static func report(_ request: ReportRequest = request) throws -> Report {
        try AssentReportTests.report(
            of: events, site: site, rules: SystemTables.timeZone(named: site.timezone), request: request, segments: [3],
            tallies: tallies)
    }
}

@Suite struct WritingTests {
    @Test("The JSON of a small week is what can be counted by hand, byte for byte")
    func json() throws {
        let expected = """
            {"schema":"assent.report/1","site":"coalition","period":{"week":"2026-W47","from":"2026-11-16",\
            "to":"2026-11-22","timezone":"Europe/Brussels"},"totals":{"visitors":2,"visits":2,"pageviews":2,\
            "engaged_seconds":16.3,"scroll_depth":52.5,"bounce_rate":0.5000,"actions":{"read_more":1},\
            "change":{"visitors":1.0000,"visits":1.0000,"pageviews":1.0000,"engaged_seconds":null,\
            "scroll_depth":null,"bounce_rate":-0.5000}},"compared":{"period":{"week":"2026-W46","from":"2026-11-09",\
            "to":"2026-11-15","timezone":"Europe/Brussels"},"totals":{"visitors":1,"visits":1,"pageviews":1,\
            "engaged_seconds":0.0,"scroll_depth":null,"bounce_rate":1.0000,"actions":{}}},\
            "campaigns":[{"id":"youth-day","name":"#YouthDay","visitors":1,"visits":1,"landings":1,"pageviews":1,\
            "engaged_seconds":12.0,"median_engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,\
            "actions":{"read_more":1},"folded":false,"change":{"visitors":null,"visits":null,"landings":null,\
            "pageviews":null,"engaged_seconds":null,"median_engaged_seconds":null,"scroll_depth":null,\
            "bounce_rate":null},"pages":[{"key":"/youth-day","visitors":1,"visits":1,"pageviews":1,\
            "engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,"actions":{"read_more":1}}],\
            "sources":[{"key":"X","visitors":1,"visits":1,"pageviews":1,"engaged_seconds":12.0,"scroll_depth":80.0,\
            "bounce_rate":0.0000,"actions":{"read_more":1}}],"locales":[{"key":"en","visitors":1,"visits":1,\
            "pageviews":1,"engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,\
            "actions":{"read_more":1}}],"countries":[{"key":"BE","visitors":1,"visits":1,"pageviews":1,\
            "engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,"actions":{"read_more":1}}],\
            "devices":[{"key":"mobile","visitors":1,"visits":1,"pageviews":1,"engaged_seconds":12.0,\
            "scroll_depth":80.0,"bounce_rate":0.0000,"actions":{"read_more":1}}],"days":[{"key":"2026-11-16",\
            "visitors":1,"visits":1,"pageviews":1,"engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,\
            "actions":{"read_more":1}}]}],"unattributed":{"visitors":1,\
            "visits":1,"pageviews":1,"engaged_seconds":4.3,"scroll_depth":25.0,"bounce_rate":1.0000,"actions":{},\
            "folded":false},"overlaps":[],"pages":[{"key":"/","visitors":1,"visits":1,"pageviews":1,"engaged_seconds":4.3,\
            "scroll_depth":25.0,"bounce_rate":1.0000,"actions":{}},{"key":"/youth-day","visitors":1,"visits":1,\
            "pageviews":1,"engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,\
            "actions":{"read_more":1}}],"sources":[{"key":"X","visitors":1,"visits":1,"pageviews":1,\
            "engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,"actions":{"read_more":1}},\
            {"key":"newsletter","visitors":1,"visits":1,"pageviews":1,"engaged_seconds":4.3,"scroll_depth":25.0,\
            "bounce_rate":1.0000,"actions":{}}],"locales":[{"key":"ar","visitors":1,"visits":1,"pageviews":1,\
            "engaged_seconds":4.3,"scroll_depth":25.0,"bounce_rate":1.0000,"actions":{}},{"key":"en","visitors":1,\
            "visits":1,"pageviews":1,"engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,\
            "actions":{"read_more":1}}],"countries":[{"key":"BE","visitors":1,"visits":1,"pageviews":1,\
            "engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,"actions":{"read_more":1}},{"key":"IQ",\
            "visitors":1,"visits":1,"pageviews":1,"engaged_seconds":4.3,"scroll_depth":25.0,"bounce_rate":1.0000,\
            "actions":{}}],"devices":[{"key":"desktop","visitors":1,"visits":1,"pageviews":1,"engaged_seconds":4.3,\
            "scroll_depth":25.0,"bounce_rate":1.0000,"actions":{}},{"key":"mobile","visitors":1,"visits":1,\
            "pageviews":1,"engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,\
            "actions":{"read_more":1}}],"days":[{"key":"2026-11-16","visitors":1,"visits":1,"pageviews":1,\
            "engaged_seconds":12.0,"scroll_depth":80.0,"bounce_rate":0.0000,"actions":{"read_more":1}},\
            {"key":"2026-11-22","visitors":1,"visits":1,"pageviews":1,"engaged_seconds":4.3,"scroll_depth":25.0,\
            "bounce_rate":1.0000,"actions":{}}],"consent":{"granted":30,"refused":10,"withdrawn":1,"opt_in_rate":0.7500,\
            "refusals":{"bot":4,"no_consent":7}},"estimate":{"label":"estimate: visits ÷ opt-in rate, \
            with its 95% Wilson interval","visits":3,"low":2,"high":3},"privacy":{"minimum_group":1,\
            "folded_rows":0},"partitions":[],"damage":[]}

            """
        #expect(String(decoding: try SmallWeek.report().json(), as: UTF8.self) == expected)
    }

    @Test("A report of one campaign has the others' rows and numbers left out, and nothing else changed")
    func oneCampaign() throws {
        let week = RandomWeek(week: "2026-W47", zone: "UTC", seed: 1, visitors: 40, events: 600, minimumGroup: 5)
        let events = try week.makeEvents()
        func made(_ campaign: String?) throws -> Reference.Members {
            let request = ReportRequest(days: week.days, campaign: campaign)
            return try members(report(of: events, site: week.site, rules: week.rules, request: request))
        }
        let (all, one) = (try made(nil), try made("mail"))
        let campaigns = try #require(all["campaigns"] as? [Reference.Members])
        let mail = try #require(campaigns.first { $0["id"] as? String == "mail" })
        var own = try #require((one["campaigns"] as? [Reference.Members])?.first)
        #expect(own.removeValue(forKey: "links") != nil)
        #expect(differences([own], [mail], at: "campaigns") == [])
        for key in ["totals", "unattributed", "pages", "sources", "consent"] {
            #expect(differences(one[key], all[key] ?? NSNull(), at: key) == [])
        }
    }

    @Test("A campaign that the site does not have is an error that names it without its controls")
    func unknownCampaign() throws {
        #expect(
            throws: ReportError.request("The site coalition has no campaign \"no\u{FFFD}ne\": see the configuration.")
        ) {
            try SmallWeek.report(ReportRequest(days: SmallWeek.request.days, campaign: "no\u{1B}ne"))
        }
    }

    @Test("The table of a small week")
    func table() throws {
        let expected = """
            Coalition
            week 2026-W47, 16 to 22 November 2026, Europe/Brussels
            compared with week 2026-W46, 9 to 15 November 2026

            Totals                    this period  before   change
            Visitors                            2       1  +100.0%
            Visits                              2       1  +100.0%
            Page views                          2       1  +100.0%
            Engaged time                      16s      0s        –
            Scroll depth                    52.5%       –        –
            Bounce rate                     50.0%  100.0%   −50.0%

            Days                      visits  before  visitors  page views  time
            Mon 16 Nov                     1       0         1           1   12s
            Tue 17 Nov                     0       0         0           0    0s
            Wed 18 Nov                     0       0         0           0    0s
            Thu 19 Nov                     0       0         0           0    0s
            Fri 20 Nov                     0       0         0           0    0s
            Sat 21 Nov                     0       0         0           0    0s
            Sun 22 Nov                     1       1         1           1    4s

            Campaigns                visits  change  visitors  landings  median time  bounce
            #YouthDay                     1       –         1         1          12s    0.0%
            no campaign                   1    0.0%         1         –            –  100.0%

            Pages                     visits  visitors  page views  time  scroll  bounce
            /                              1         1           1    4s   25.0%  100.0%
            /youth-day                     1         1           1   12s   80.0%    0.0%

            Sources                   visits  visitors  page views  time  scroll  bounce
            X                              1         1           1   12s   80.0%    0.0%
            newsletter                     1         1           1    4s   25.0%  100.0%

            Languages                 visits  visitors  page views  time  scroll  bounce
            ar                             1         1           1    4s   25.0%  100.0%
            en                             1         1           1   12s   80.0%    0.0%

            Countries                 visits  visitors  page views  time  scroll  bounce
            BE                             1         1           1   12s   80.0%    0.0%
            IQ                             1         1           1    4s   25.0%  100.0%

            Devices                   visits  visitors  page views  time  scroll  bounce
            desktop                        1         1           1    4s   25.0%  100.0%
            mobile                         1         1           1   12s   80.0%    0.0%

            Actions                   this period
            read_more                           1

            Consent                   this period
            Granted                            30
            Refused                            10
            Withdrawn                           1
            Opt-in rate                     75.0%
            Estimate of all visits        about 3
            95% interval of it             2 to 3

            Not stored                this period
            bot                                 4
            no_consent                          7

            Only visitors who agreed are counted. Nobody can say here what those did who
            refused, did not choose or block scripts.
            Of those who chose, 75.0% agreed.
            One person with two browsers is two visitors, and so is one who agreed anew
            after erasing the cookies: those who come back are at least as many as it seems.
            The estimate holds if those who refused visit as often as those who agreed.
            One campaign by itself, with its pages, sources, days and links: assent report
            --campaign ID
            What each number means: assent report --explain

            """
        #expect(try SmallWeek.report().table(style: TableStyle(width: 80, colours: false)) == expected)
    }

    /// Names that are wide, turned round, combined, long, or made to confuse a terminal.
    static let names = [
        "يوم الشباب", "青年の日", "청년의 날", "e\u{301}te\u{301}", "👩‍👩‍👧 family", "❤️ heart", "עברית و עוד",
        "يوم الشباب العالمي من أجل المناخ والسلام في كل مكان وكل بلد وكل مدينة وقرية، اليوم وغدا",
        "\u{1B}[31mred\u{1B}[0m", "\u{202E}turned", "tab\tand\nline", "ends with \u{200F}",
    ]

    @Test(
        "Every line of a table has as many cells as its title, at every width",
        arguments: [60, 61, 62, 71, 80, 81, 99, 120, 160])
    func widths(width: Int) throws {
        for colours in [false, true] {
            let table = try strange().table(style: TableStyle(width: width, colours: colours))
            let plain = colours ? table.replacing(/\u{1B}\[[0-9]+m/, with: "") : table
            #expect(!plain.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
            let sections = try strange().document(.en, .short).sections
            let blocks = plain.components(separatedBy: "\n\n").dropFirst().dropLast()
            #expect(blocks.count == sections.count)
            for (block, section) in zip(blocks, sections) {
                let lines = block.split(separator: "\n").prefix(section.rows.count + 1)
                #expect(Set(lines.map { TextWidth.cells($0) }).count == 1, "\(block)")
                #expect(TextWidth.cells(lines[0]) <= width)
            }
            for line in plain.split(separator: "\n") {
                #expect(TextWidth.cells(line) <= width)
                let isTurned = TextWidth.isRightToLeft(line)
                #expect(isTurned == line.unicodeScalars.contains("\u{200E}"))
                #expect(
                    line.unicodeScalars.count { $0 == "\u{2068}" } == line.unicodeScalars.count { $0 == "\u{2069}" })
            }
        }
    }

    /// A report in which every name of ``names`` stands as a campaign, a page and a source.
    private func strange() throws -> Report {
        var site = SmallWeek.site
        site.name = Self.names[7]
        site.campaigns = Self.names.enumerated().map {
            Campaign(id: "c\($0)", name: $1, paths: $0.isMultiple(of: 2) ? ["/**"] : [])
        }
        let events = Self.names.enumerated().flatMap { index, name in
            SmallWeek.events.map { event in
                var event = event
                event.visitor += VisitorNumber(index * 2)
                event.page.path = "/\(name)"
                event.page.query = "utm_source=\(name)"
                return event
            }
        }
        return try report(of: events, site: site, rules: .utc, request: SmallWeek.request, tallies: SmallWeek.tallies)
    }

    @Test("Colours say more and less, and are only there when asked for")
    func colours() throws {
        let report = try SmallWeek.report()
        let coloured = report.table(style: TableStyle(width: 80, colours: true))
        #expect(coloured.contains("\u{1B}[32m+100.0%\u{1B}[0m"))
        #expect(coloured.contains("\u{1B}[1mCoalition\u{1B}[0m"))
        #expect(!report.table(style: TableStyle(width: 80, colours: false)).contains("\u{1B}"))
        #expect(TableStyle(width: 10, colours: false).width == 60)
        #expect(TableStyle(width: 1_000, colours: false).width == 160)
    }

    @Test(
        "Text has the cells of a terminal",
        arguments: [
            ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("한국", 4), ("يوم", 3), ("يَوْم", 3), ("👍", 2),
            ("👩‍👩‍👧", 2), ("❤️", 2), ("🇧🇪", 2), ("a\u{200B}b", 2), ("−–…", 3), ("ｆｕｌｌ", 8), ("हिन्दी", 3),
        ])
    func cells(text: String, cells: Int) { #expect(TextWidth.cells(text) == cells) }

    @Test(
        "Text is cut between characters, with an ellipsis",
        arguments: [
            ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("日本", 1, "…"),
            ("abc", 0, ""), ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"), ("👩‍👩‍👧👍", 3, "👩‍👩‍👧…"),
        ])
    func truncation(text: String, width: Int, expected: String) {
        #expect(TextWidth.truncated(text, to: width) == expected)
    }
}
