import AssentCore
import AssentStore
import Foundation
import Support
import Testing

@testable import AssentReport

/// A week of random events of a site with campaigns of every kind of rule.
struct RandomWeek: Sendable, CustomTestStringConvertible {
    let week: String
    let zone: String
    let seed: UInt64
    var visitors: VisitorNumber = 12
    var events = 260
    var minimumGroup = 1

    var testDescription: String { "\(week) \(zone) seed \(seed), \(visitors) visitors, minimum \(minimumGroup)" }

    var days: ClosedRange<Day> { ISOWeek(week)?.days ?? Day(number: 0)...Day(number: 0) }

    /// The week beside the one before.
    var requestWithComparison: ReportRequest {
        ReportRequest(days: days, comparedDays: days.lowerBound.advanced(by: -7)...days.lowerBound.advanced(by: -1))
    }

    var site: Site {
        let middle = days.lowerBound.advanced(by: 3)
        return Site(
            id: "coalition", name: "Coalition", origins: ["https://www.example.org"], timezone: zone,
            locales: ["en", "fr", "ar"], minimumGroup: minimumGroup,
            campaigns: [
                Campaign(id: "youth-day", name: "#YouthDay", hashtags: ["YouthDay"], paths: ["/youth-day/**"]),
                Campaign(id: "mail", name: "Mail", utmMedium: ["e*mail"], to: middle),
                Campaign(id: "x", name: "X", referrers: ["t.co"], from: middle, to: middle.advanced(by: 1)),
                Campaign(id: "never", name: "Never", paths: ["/**"], to: days.lowerBound.advanced(by: -30)),
                Campaign(id: "seldom", name: "Seldom", utmSource: ["seldom"]),
            ])
    }

    var rules: TimeZoneRules {
        get throws { try SystemTables.timeZone(named: zone) }
    }

    /// Events in order of arrival, some of them before and after the period: many at the very borders of the local
    /// days, at the same moment, and exactly 30 minutes or a millisecond more after the one before.
    func makeEvents() throws -> [Event] {
        var generator = SeededGenerator(seed: seed)
        let rules = try rules
        func pick<Element>(_ choices: [Element]) -> Element {
            choices[Int.random(in: choices.indices, using: &generator)]
        }
        func visitor() -> VisitorNumber {
            let any = VisitorNumber.random(in: 1...visitors, using: &generator)
            return Bool.random(using: &generator) ? any : VisitorNumber.random(in: 1...any, using: &generator)
        }
        let borders = (-8...8).map { rules.start(of: days.lowerBound.advanced(by: $0)).milliseconds }
        var last: [VisitorNumber: Int64] = [:]
        return (0..<events).map { index in
            let visitor = visitor()
            let fresh = pick(borders) + pick([-1, 0, 1, Int64.random(in: 0..<86_400_000, using: &generator)])
            let gap: Int64 = pick([0, 0, 1, 9_000, 1_799_999, 1_800_000, 1_800_001, 3_600_000])
            let time = Bool.random(using: &generator) ? fresh : (last[visitor] ?? fresh) + gap
            last[visitor] = time
            let kind = pick([Event.Kind.pageview, .pageview, .engagement, .engagement, .action])
            var event = Event(
                id: "event-\(1_000 + index)", time: Instant(milliseconds: time), visitor: visitor, record: 1,
                kind: kind,
                page: Page(
                    host: "www.example.org", path: pick(Self.paths), query: pick(Self.queries),
                    fragment: pick(["", "", "", "", "youthday"])))
            event.referrer = pick([
                .none, .none, .none, Referrer(host: "t.co", pathClass: .page),
                Referrer(host: "www.google.fr", pathClass: .root), Referrer(host: "www.example.org", pathClass: .page),
                Referrer(host: "blog.example.net", pathClass: .page),
            ])
            event.locale = pick(["en", "en", "fr", "ar", ""])
            event.country = pick(["BE", "BE", "BE", "IQ", "FR", "EG", ""])
            event.client.device = pick([.desktop, .desktop, .mobile, .tablet, .other])
            if kind == .engagement {
                event.engagedMilliseconds = pick([0, 49, 50, 3_333, 9_999, 10_000, 61_250])
                event.scroll = pick([0, 25, 80, 100, Event.noScroll])
            }
            if kind == .action {
                event.name = pick(["read_more", "share", "a_b"])
                event.target = pick(["", "https://www.example.org/a", "https://www.example.org/b"])
            }
            return event
        }
    }

    private static let paths = [
        "/", "/", "/en/", "/ar", "/youth-day", "/en/youth-day/", "/fr/youth-day/histoires/", "/ar/يوم-الشباب",
        "/en/stories/one",
        "/stories/two/", "/contact", "/EN/contact/",
    ]
    private static let queries = [
        "", "", "", "", "utm_source=Newsletter&utm_medium=E-Mail", "utm_campaign=youthday", "utm_source=seldom",
        "ref=x",
    ]
}

/// A report of events that lie in segments of the given sizes, the last one taking the rest.
func report(
    of events: [Event], site: Site, rules: TimeZoneRules, request: ReportRequest, segments: [Int] = [],
    tallies: ChoiceTallies = ChoiceTallies()
) throws -> Report {
    try Report.make(
        site: site, timeZone: rules, request: request,
        events: { (period: Range<Instant>, _: ColumnSet) throws(ReportError) -> PeriodEvents in
            var rest = events.filter { period.contains($0.time) }[...]
            var columns: [EventColumns] = []
            for size in segments {
                columns.append(EventColumns(Array(rest.prefix(size))))
                rest = rest.dropFirst(size)
            }
            return PeriodEvents(segments: columns + [EventColumns(Array(rest))])
        },
        tallies: { (_: ClosedRange<Day>) throws(ReportError) -> ChoiceTallies in tallies })
}

/// A report's JSON as Foundation reads it.
func members(_ report: Report) throws -> Reference.Members {
    try #require(try JSONSerialization.jsonObject(with: Data(report.json())) as? Reference.Members)
}

/// Where two values of JSON differ, one sentence each.
func differences(_ made: Any?, _ expected: Any, at place: String) -> [String] {
    switch (made, expected) {
    case (let made as [Any], let expected as [Any]) where made.count == expected.count:
        return zip(made, expected).enumerated().flatMap { differences($1.0, $1.1, at: "\(place)/\($0)") }
    case (let made as Reference.Members, let expected as Reference.Members) where made.count == expected.count:
        return expected.flatMap { differences(made[$0], $1, at: "\(place)/\($0)") }
    case (let made as NSNumber, let expected as NSNumber) where made == expected: return []
    case (let made as String, let expected as String) where made == expected: return []
    case (is NSNull, is NSNull): return []
    case (let made as NSNumber, let expected as Int) where made == NSNumber(value: expected): return []
    case (let made as NSNumber, let expected as Double) where made == NSNumber(value: expected): return []
    case (let made as NSNumber, let expected as Bool) where made == NSNumber(value: expected): return []
    default: return ["\(place): \(made ?? "missing") is not \(expected)"]
    }
}
