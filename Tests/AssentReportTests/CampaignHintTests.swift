import AssentCore
import AssentStore
import Support
import Testing

@testable import AssentReport

/// A campaign that matches nothing says what may be the reason.
@Suite struct CampaignHintTests {
    private static let days = Samples.monday...Samples.monday.advanced(by: 6)

    /// Pageviews of as many visitors, one each.
    private static func views(
        _ count: Int, _ path: String = "/", query: String = "", fragment: String = "", referrer: String = "",
        day: Int = 0, first: Int = 1
    ) -> [Event] {
        (first..<(first + count)).map { visitor in
            var event = Event(
                id: "", time: Samples.monday.advanced(by: day).start.advanced(by: Int64(visitor) * 1_000),
                visitor: VisitorNumber(visitor), record: 1, kind: .pageview,
                page: Page(host: "www.example.org", path: path, query: query, fragment: fragment))
            if !referrer.isEmpty { event.referrer = Referrer(host: referrer, pathClass: .page) }
            return event
        }
    }

    private static func made(_ events: [Event], _ campaigns: [Campaign], minimum: Int = 2) throws -> Report {
        var site = Samples.site
        (site.minimumGroup, site.campaigns) = (minimum, campaigns)
        return try report(of: events, site: site, rules: .utc, request: ReportRequest(days: days))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let campaign: Campaign
        let events: [Event]
        let hint: CampaignHint

        init(_ name: String, _ campaign: Campaign, _ events: [Event], _ hint: CampaignHint) {
            (testDescription, self.campaign, self.events, self.hint) = (name, campaign, events, hint)
        }
    }

    private static func nearest(
        _ rule: CampaignRule, _ pattern: String, _ value: String, _ pageviews: Int
    ) -> CampaignHint {
        .nearest(rule: rule, pattern: pattern, value: value, pageviews: pageviews)
    }

    static let cases: [Case] = [
        Case(
            "a hyphen too many", Campaign(id: "c", name: "", utmCampaign: ["youthday*"]),
            views(5, query: "utm_campaign=Youth-Day"), nearest(.utmCampaign, "youthday*", "youth-day", 4)),
        Case(
            "the nearest, not the most frequent", Campaign(id: "c", name: "", utmSource: ["newsletter"]),
            views(9, query: "utm_source=newsleder") + views(2, query: "utm_source=newslettr", first: 20),
            nearest(.utmSource, "newsletter", "newslettr", 2)),
        Case(
            "the most frequent of two that are as near", Campaign(id: "c", name: "", utmMedium: ["email"]),
            views(2, query: "utm_medium=mail") + views(4, query: "utm_medium=e-mail", first: 20),
            nearest(.utmMedium, "email", "e-mail", 4)),
        Case(
            "a hashtag in a fragment", Campaign(id: "c", name: "", hashtags: ["YouthDay"]),
            views(2, fragment: "YuothDay"), nearest(.hashtags, "YouthDay", "yuothday", 2)),
        Case(
            "a hashtag in a parameter, twice in one address", Campaign(id: "c", name: "", hashtags: ["YouthDay"]),
            views(3, query: "hashtag=YouthDays&utm_term=%23YouthDays"), nearest(.hashtags, "YouthDay", "youthdays", 2)),
        Case(
            "a path in the language of a visitor, letter case", Campaign(id: "c", name: "", paths: ["/youth-day/**"]),
            views(2, "/ar/Youth-Day/"), nearest(.paths, "/youth-day/**", "/Youth-Day", 2)),
        Case(
            "a path that holds the pattern", Campaign(id: "c", name: "", paths: ["/youth"]),
            views(4, "/en/youth/stories"), nearest(.paths, "/youth", "/youth/stories", 4)),
        Case(
            "a referrer", Campaign(id: "c", name: "", referrers: ["exemple.net"]),
            views(2, referrer: "www.example.net"), nearest(.referrers, "exemple.net", "www.example.net", 2)),
        Case(
            "another script", Campaign(id: "c", name: "", hashtags: ["يوم_الشباب"]),
            views(2, fragment: "يوم_شباب"), nearest(.hashtags, "يوم_الشباب", "يوم_شباب", 2)),
        Case(
            "too far", Campaign(id: "c", name: "", utmCampaign: ["spring"]), views(9, query: "utm_campaign=winter"),
            .nothingNear),
        Case(
            "the same text of another kind", Campaign(id: "c", name: "", utmCampaign: ["spring"]),
            views(9, query: "utm_source=spring"), .nothingNear),
        Case(
            "too few visitors", Campaign(id: "c", name: "", utmCampaign: ["spring"]),
            views(1, query: "utm_campaign=sprin") + views(1, query: "utm_campaign=sprin", day: 1), .nothingNear),
        Case(
            "only a wildcard", Campaign(id: "c", name: "", utmCampaign: ["*"]), views(9, query: "utm_source=x"),
            .nothingNear),
        Case("no rule", Campaign(id: "c", name: ""), views(9), .nothingNear),
        Case(
            "over before the period", Campaign(id: "c", name: "", paths: ["/**"], to: days.lowerBound.advanced(by: -1)),
            views(9), .notRunning(from: nil, to: days.lowerBound.advanced(by: -1))),
        Case(
            "begins after the period",
            Campaign(
                id: "c", name: "", paths: ["/**"], from: days.upperBound.advanced(by: 1),
                to: days.upperBound.advanced(by: 9)),
            views(9), .notRunning(from: days.upperBound.advanced(by: 1), to: days.upperBound.advanced(by: 9))),
        Case(
            "seen, but outside of its dates",
            Campaign(id: "c", name: "", utmCampaign: ["spring"], from: days.upperBound),
            views(9, query: "utm_campaign=spring") + views(2, query: "utm_campaign=sprong", day: 6),
            nearest(.utmCampaign, "spring", "sprong", 2)),
    ]

    @Test("The hint for a campaign without a match", arguments: cases)
    func hint(for case: Case) throws {
        let other = Campaign(id: "other", name: "", paths: ["/**"])
        let made = try Self.made(`case`.events, [other, `case`.campaign])
        #expect(made.hints.map(\.campaign) == [1])
        #expect(made.hints.first?.hint == `case`.hint)
    }

    @Test("A campaign that an event matches has no hint, be it an engagement only")
    func matched() throws {
        var events = Self.views(3, "/a")
        for index in events.indices { events[index].kind = .engagement }
        let made = try Self.made(events, [Campaign(id: "c", name: "", paths: ["/a"])])
        #expect(made.hints.isEmpty)
    }

    @Test(
        "How far a value is from a pattern",
        arguments: [
            ("youthday", "youth-day", 1), ("youthday", "youthday", 0), ("kitten", "sitting", nil),
            ("abc", "abd", 1), ("abc", "axy", nil), ("ab", "cd", nil), ("x", "y", nil), ("", "abc", nil),
            ("fb", "facebook", nil), ("face", "facebook", 4), ("newsletter-may", "newsletter-june", 4),
        ] as [(String, String, Int?)])
    func distances(pattern: String, value: String, distance: Int?) {
        #expect(NearestValues.distance(Array(pattern.unicodeScalars), Array(value.unicodeScalars)) == distance)
    }

    @Test("In JSON a hint stands before the change, in campaigns that match nothing")
    func json() throws {
        let made = try Self.made(
            Self.views(5, query: "utm_campaign=youth-day"),
            [
                Campaign(id: "a", name: "", paths: ["/"]), Campaign(id: "b", name: "", utmCampaign: ["youthday*"]),
                Campaign(id: "c", name: "", paths: ["/"], to: Self.days.lowerBound.advanced(by: -1)),
                Campaign(id: "d", name: "", utmSource: ["post"]),
            ])
        let json = String(decoding: made.json(), as: UTF8.self)
        #expect(json.split(separator: "\"hint\":").count == 4)
        for hint in [
            "{\"kind\":\"nearest\",\"rule\":\"utm_campaign\",\"pattern\":\"youthday*\",\"value\":\"youth-day\","
                + "\"pageviews\":4}",
            "{\"kind\":\"dates\",\"from\":null,\"to\":\"2026-11-15\"}", "{\"kind\":\"none\"}",
        ] {
            #expect(json.contains("\"folded\":false,\"hint\":\(hint),\"change\":"))
        }
    }
}
