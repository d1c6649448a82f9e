import AssentCore
import AssentStore
import Foundation
import Support
import Testing

@testable import AssentReport

/// Every number of a report against the slow computation from the definitions.
@Suite struct NumbersTests {
    static let tables = ["pages", "sources", "locales", "countries", "devices", "days"]
    static let measures = [
        "visitors", "visits", "pageviews", "engaged_seconds", "scroll_depth", "bounce_rate", "actions",
    ]

    /// Both turns of the clocks in both zones, and the turn of the year.
    static let weeks: [RandomWeek] = [
        ("2026-W13", "Europe/Brussels"), ("2026-W43", "Europe/Brussels"), ("2026-W53", "Europe/Brussels"),
        ("2026-W10", "America/New_York"), ("2026-W44", "America/New_York"), ("2026-W01", "America/New_York"),
        ("2026-W47", "UTC"),
    ].enumerated().flatMap { index, week in
        (0..<3).map { RandomWeek(week: week.0, zone: week.1, seed: UInt64(index * 10 + $0)) }
    }

    @Test("The numbers of a week are those of the definitions", arguments: weeks)
    func definitions(week: RandomWeek) throws {
        let events = try week.makeEvents()
        let made = try members(
            report(
                of: events, site: week.site, rules: week.rules, request: week.requestWithComparison,
                segments: [40, 1, 0, 90]))
        try expect(made, events, week)
    }

    @Test(
        "The numbers are the same from a store with open and sealed days, repeats, erased visitors and other sites",
        arguments: weeks)
    func store(week: RandomWeek) throws {
        let directory = try TemporaryDirectory()
        let now = week.days.upperBound.advanced(by: 1).start
        let store = try Store.open(directory: directory.path, key: Samples.key, durability: .process, now: now)
        for site in ["coalition", "other"] {
            let consent = NewConsent(
                site: site, notice: Samples.notices[0], act: "click", source: "banner", at: now,
                day: week.days.upperBound)
            _ = try store.commit(Array(repeating: .grant(consent), count: Int(week.visitors)))
        }
        let events = try week.makeEvents().map { try Samples.consented($0) }
        var generator = SeededGenerator(seed: week.seed)
        func append(_ part: [ConsentedEvent]) throws {
            for site in ["coalition", "other"] { _ = try store.append([EventBatch(site: site, events: part)]) }
        }
        func repeated(_ part: [ConsentedEvent]) -> [ConsentedEvent] {
            part.filter { _ in Int.random(in: 0..<10, using: &generator) == 0 }
        }
        // The days that can get no more events are drained and sealed, of the others one part is drained, one waits.
        let due = now.advanced(by: -2 * Day.milliseconds - 1).day
        let early = events.filter { $0.event.time.day < due }
        let late = events.filter { $0.event.time.day >= due }
        try append(early)
        try append(repeated(early))
        try store.drain(at: now)
        #expect(try !store.seal(at: now).partitions.isEmpty)
        let drained = Array(late.prefix(late.count / 2))
        try append(drained)
        try store.drain(at: now)
        // Of one erased visitor nothing is left, of another nothing may be seen.
        func erase(_ visitor: VisitorNumber) throws {
            _ = try store.commit([
                .withdraw(site: "coalition", visitor: visitor, erase: true, at: now, day: week.days.upperBound)
            ])
        }
        try erase(1)
        try store.drain(at: now)
        try append(Array(late.dropFirst(drained.count)))
        try append(repeated(late))
        try erase(2)

        let report = try Report.make(
            site: week.site, timeZone: week.rules, request: week.requestWithComparison,
            reader: StoreReader(directory: directory.path))
        #expect(Set(report.partitions.map(\.isSealed)) == [true, false] && report.damage == [])
        try expect(try members(report), (early + late).map(\.event).filter { $0.visitor > 2 }, week)
    }

    /// Every number against the definitions.
    private func expect(_ made: Reference.Members, _ events: [Event], _ week: RandomWeek) throws {
        let before = try #require(week.requestWithComparison.comparedDays)
        let now = Reference(events, site: week.site, from: week.days.lowerBound, to: week.days.upperBound)
        let then = Reference(events, site: week.site, from: before.lowerBound, to: before.upperBound)
        #expect(now.visits.count > 20)

        var totals = now.totals
        totals["change"] = change(["visitors", "visits", "pageviews"], now.totals, then.totals, made["totals"])
        expect(made["totals"], totals)
        expect((made["compared"] as? Reference.Members)?["totals"], then.totals)
        expect(made["unattributed"], now.unattributed.merging(["folded": false]) { $1 })
        for table in Self.tables { expect(made[table], now.rows(table)) }

        let campaigns = try #require(made["campaigns"] as? [Reference.Members])
        #expect(campaigns.count == week.site.campaigns.count)
        for (index, campaign) in campaigns.enumerated() {
            var expected = now.campaign(index)
            expected["id"] = week.site.campaigns[index].id
            expected["name"] = week.site.campaigns[index].name
            expected["folded"] = false
            if !now.seen.contains(where: { $0.campaigns.contains(index) }) {
                expected["hint"] = campaign["hint"] ?? "missing"
            }
            expected["change"] = change(
                ["visitors", "visits", "landings", "pageviews"], now.campaign(index), then.campaign(index), campaign)
            for table in Self.tables { expected[table] = now.rows(table, campaign: index) }
            expect(campaign, expected)
        }
        #expect((made["privacy"] as? Reference.Members)?["folded_rows"] as? Int == 0)
    }

    @Test("The same events give the same bytes however they lie in segments", arguments: weeks.prefix(6))
    func divisions(week: RandomWeek) throws {
        let events = try week.makeEvents()
        var site = week.site
        var generator = SeededGenerator(seed: week.seed)
        for minimum in [1, 5] {
            site.minimumGroup = minimum
            let divisions = (0..<8).map { _ in
                (0..<Int.random(in: 0...20, using: &generator)).map { _ in Int.random(in: 0...60, using: &generator) }
            }
            let request = ReportRequest(days: week.days)
            let made = try ([[]] + divisions).map {
                try report(of: events, site: site, rules: week.rules, request: request, segments: $0).json()
            }
            #expect(Set(made).count == 1)
        }
    }

    /// What a ``Counting`` counts, in an order that depends on nothing.
    private struct Counted: Equatable {
        var sums: [Tally]
        var campaigns: [CampaignTally]
        var tallies: [[Int]: Tally]
        var visitors: [[Int]: [Int]]
        var relations: [Int]

        init(_ counting: Counting) {
            sums = [counting.totals, counting.unattributed]
            campaigns = counting.campaigns.map { campaign in
                var campaign = campaign
                campaign.engagedOfVisits.sort()
                return campaign
            }
            let rows = counting.table.rows
            tallies = Dictionary(uniqueKeysWithValues: rows.map { ([$0.slot, Int($0.key)], $0.tally) })
            visitors = Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    let within = [row.visitorsInside, row.visitorsWithin, row.visitorsWithinByEvents]
                    let outer = [rows[row.outer].slot, Int(rows[row.outer].key)]
                    return ([row.slot, Int(row.key)], within + [row.events, row.visitorsUncovered] + outer)
                })
            let relations = counting.relations
            self.relations = counting.campaigns.indices.flatMap { first in
                counting.campaigns.indices.flatMap { second in
                    let (both, byEvents) = (
                        relations.both(first, second), relations.visitorsByEvents(of: first, within: second)
                    )
                    return [
                        both.visits, both.visitors, byEvents.visits, byEvents.events,
                        relations.visitors(of: first, within: second), relations.visitorsJoined(first, second),
                    ]
                }
            }
            self.relations += relations.visitorsOfMatchesOnly + relations.visitorsOfEventsOnly
            self.relations += counting.exclusiveVisitors + [counting.visitorsBeside]
        }
    }

    @Test("The numbers are the same on one thread and on several", arguments: weeks.prefix(6))
    func parts(week: RandomWeek) throws {
        let events = try week.makeEvents()
        let segments = stride(from: 0, to: events.count, by: 50).map { first in
            EventColumns(Array(events[first..<min(first + 50, events.count)]))
        }
        let vocabulary = Vocabulary(segments: segments, site: week.site, timeZone: try week.rules, days: week.days)
        func count(_ parts: Int) -> Counted {
            Counted(
                Counting(
                    segments: segments, vocabulary: vocabulary, campaigns: week.site.campaigns.count,
                    tables: Dimension.allCases, parts: parts))
        }
        let one = count(1)
        #expect(one.sums[0].visits > 20)
        for parts in [2, 3, 4, 20] { #expect(count(parts) == one) }
    }

    @Test(
        "Halves are rounded away from zero, exactly",
        arguments: [
            (1, 20, 1, 1), (1, 21, 1, 0), (125, 1_000, 2, 13), (-125, 1_000, 2, -13), (2, 3, 4, 6_667), (0, 7, 1, 0),
            (Int.max, 1, 0, Int.max),
        ])
    func rounding(numerator: Int, denominator: Int, decimals: Int, rounded: Int) {
        #expect(Fraction(numerator, denominator).rounded(decimals: decimals) == rounded)
    }

    @Test(
        "A change has four decimals, and none where there was nothing before",
        arguments: [
            (12, 10, 2_000), (8, 10, -2_000), (0, 3, -10_000), (1, 3, -6_667), (2, 3, -3_333), (5, 0, nil),
        ] as [(Int, Int, Int?)])
    func changes(now: Int, then: Int, change: Int?) {
        #expect(Fraction.change(from: Fraction(then, 1), to: Fraction(now, 1), decimals: 4) == change)
        #expect(Fraction.change(from: nil, to: Fraction(now, 1), decimals: 4) == nil)
    }

    @Test(
        "The estimate is visits over opt-in rate, within the Wilson interval of the rate",
        arguments: [
            // Wilson for 78 of 100 is 0.6893 to 0.8500, for 30 of 30 0.8865 to 1, for 1 of 50 0.00354 to 0.10495.
            (78, 22, 1_000, [1_282, 1_176, 1_451]), (30, 0, 500, [500, 500, 564]), (1, 49, 10, [500, 95, 2_825]),
            (29, 0, 500, nil), (0, 40, 500, nil), (15, 15, 0, [0, 0, 0]),
        ] as [(UInt64, UInt64, Int, [Int]?)])
    func estimates(granted: UInt64, refused: UInt64, visits: Int, expected: [Int]?) {
        var tallies = ChoiceTallies()
        (tallies.granted, tallies.refused) = (granted, refused)
        let estimate = tallies.estimate(visits: visits)
        #expect(estimate.map { [$0.visits, $0.low, $0.high] } == expected)
    }

    /// Changes of counts from the definition; the other changes are taken over as they are.
    private func change(
        _ counts: [String], _ now: Reference.Members, _ then: Reference.Members, _ made: Any?
    ) -> Reference.Members {
        var change = (made as? Reference.Members)?["change"] as? Reference.Members ?? [:]
        for count in counts {
            let (a, b) = (now[count] as? Int ?? 0, then[count] as? Int ?? 0)
            change[count] = quotient(a - b, b, decimals: 4)
        }
        return change
    }

    private func expect(_ made: Any?, _ expected: Any, sourceLocation: SourceLocation = #_sourceLocation) {
        for difference in differences(made, expected, at: "") {
            Issue.record("\(difference)", sourceLocation: sourceLocation)
        }
    }
}
