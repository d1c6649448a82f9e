import AssentCore
import AssentStore
import Foundation
import Support
import Testing

@testable import AssentReport

/// No number of a report leads to a group of fewer visitors than the site's minimum.
@Suite struct FoldingTests {
    static let weeks: [RandomWeek] = (0..<40).map { (seed: Int) -> RandomWeek in
        let visitors: [VisitorNumber] = [9, 25, 60]
        let events = [120, 300, 700]
        let minima = [2, 5, 10]
        return RandomWeek(
            week: "2026-W47", zone: "UTC", seed: UInt64(1_000 + seed), visitors: visitors[seed % 3],
            events: events[seed / 3 % 3], minimumGroup: minima[seed / 9 % 3])
    }

    static let byVisit = ["sources", "countries", "devices"]

    private struct Table {
        let lines: [Reference.Members]
        let own: [String]
        let other: Reference.Members?

        init(_ json: Any?) throws {
            lines = try #require(json as? [Reference.Members])
            other = lines.first { $0["folded_rows"] != nil }
            own = lines.filter { $0["folded_rows"] == nil }.compactMap { $0["key"] as? String }
        }
    }

    @Test("A row is shown whole or in other, and no subtraction of rows shows a small group", arguments: weeks)
    func rows(week: RandomWeek) throws {
        let events = try week.makeEvents()
        let made = try members(
            report(of: events, site: week.site, rules: week.rules, request: ReportRequest(days: week.days)))
        let reference = Reference(events, site: week.site, from: week.days.lowerBound, to: week.days.upperBound)
        let campaigns = try #require(made["campaigns"] as? [Reference.Members])
        for name in NumbersTests.tables {
            try check(Table(made[name]), name, campaign: nil, whole: made["totals"], reference)
            for (index, campaign) in campaigns.enumerated() {
                let table = try Table(campaign[name])
                if campaign["folded"] as? Bool == true {
                    #expect(table.lines.isEmpty)
                } else {
                    try check(table, name, campaign: index, whole: campaign, reference)
                }
            }
        }
    }

    private func check(
        _ table: Table, _ name: String, campaign: Int?, whole: Any?, _ reference: Reference
    ) throws {
        let minimum = reference.site.minimumGroup
        let everyRow = reference.rows(name, campaign: campaign)
        let keys = everyRow.compactMap { $0["key"] as? String }
        let folded = Set(keys).subtracting(table.own)
        #expect(table.other?["folded_rows"] as? Int == (folded.isEmpty ? nil : folded.count))

        // What is shown is what the definitions give, of a row and of the folded rows together.
        let visible = everyRow.filter { !folded.contains($0["key"] as? String ?? "") }
        #expect(differences(table.lines.filter { $0["folded_rows"] == nil }, visible, at: name) == [])
        let rest = reference.row(name, campaign: campaign) { folded.contains($0) }
        if let other = table.other, other["folded"] as? Bool == false {
            // Two languages of one page in one visit are two entries of the mean there.
            let measures = NumbersTests.measures.filter { name != "locales" || $0 != "scroll_depth" }
            for measure in measures {
                #expect(differences(other[measure], rest[measure] ?? NSNull(), at: "\(name)/\(measure)") == [])
            }
        } else if table.other != nil {
            #expect(rest["visitors"] as? Int ?? 0 < minimum)
        }

        // No shown group is small, and none is what a whole has beyond a shown row.
        let total = (whole as? Reference.Members)?["visitors"] as? Int ?? 0
        for line in table.lines {
            guard let visitors = line["visitors"] as? Int else { continue }
            #expect(visitors >= minimum)
            #expect(!(1..<minimum).contains(total - visitors) || table.own.isEmpty, "\(name): \(total) - \(visitors)")
        }

        // Whole visits add up, so any choice of rows can be taken from the whole: who is left is nobody or enough.
        guard Self.byVisit.contains(name), table.lines.count <= 9, total >= minimum else { return }
        for choice in 1..<(1 << table.lines.count) {
            let taken = Set(
                table.lines.indices.filter { choice & 1 << $0 != 0 }.flatMap { index in
                    table.lines[index]["folded_rows"] == nil
                        ? [table.lines[index]["key"] as? String ?? ""] : Array(folded)
                })
            let left = reference.visitors { visit in
                (campaign == nil || visit.attributed.contains(campaign ?? 0))
                    && !taken.contains(reference.key(name, of: visit))
            }
            #expect(left == 0 || left >= minimum)
        }
    }

    @Test("A campaign keeps its row; its numbers go where they or the rest would show a small group", arguments: weeks)
    func campaigns(week: RandomWeek) throws {
        let events = try week.makeEvents()
        let made = try members(
            report(of: events, site: week.site, rules: week.rules, request: ReportRequest(days: week.days)))
        let reference = Reference(events, site: week.site, from: week.days.lowerBound, to: week.days.upperBound)
        let campaigns = try #require(made["campaigns"] as? [Reference.Members])
        #expect(campaigns.count == week.site.campaigns.count)
        let total = reference.visitors { _ in true }
        var shown: Set<Int> = []
        for (index, campaign) in campaigns.enumerated() {
            let expected = reference.campaign(index)
            if campaign["folded"] as? Bool == true {
                for measure in NumbersTests.measures + ["landings", "median_engaged_seconds"] {
                    #expect(campaign[measure] is NSNull)
                }
                continue
            }
            shown.insert(index)
            let visitors = try #require(campaign["visitors"] as? Int)
            #expect(visitors == expected["visitors"] as? Int)
            #expect(visitors == 0 || visitors >= week.minimumGroup)
            let outside = reference.visitors { !$0.attributed.contains(index) }
            for rest in [total - visitors, outside] where visitors > 0 {
                #expect(!(1..<week.minimumGroup).contains(rest))
            }
        }
        let unattributed = try #require(made["unattributed"] as? Reference.Members)
        let showsRest = unattributed["folded"] as? Bool == false
        let left = reference.visitors {
            $0.attributed.isDisjoint(with: shown) && !(showsRest && $0.attributed.isEmpty)
        }
        let anyShown =
            showsRest && unattributed["visitors"] as? Int != 0
            || shown.contains {
                campaigns[$0]["visitors"] as? Int != 0
            }
        #expect(!anyShown || left == 0 || left >= week.minimumGroup)
    }

    /// Visitors 1, 2, 3 … of a source, with one pageview each; `none` came without a referrer.
    private static func visits(_ sources: [(host: String, visitors: ClosedRange<VisitorNumber>)]) -> [Event] {
        sources.flatMap { source in
            source.visitors.map { visitor in
                var event = Event(
                    id: "", time: Samples.monday.start.advanced(by: Int64(visitor) * 7_200_000 % 86_400_000),
                    visitor: visitor, record: 1, kind: .pageview, page: Page(host: "www.example.org", path: "/"))
                if source.host != "none" { event.referrer = Referrer(host: source.host, pathClass: .page) }
                return event
            }
        }
    }

    private func sources(_ events: [Event]) throws -> [String] {
        var site = Samples.site
        site.minimumGroup = 10
        let request = ReportRequest(days: Samples.monday...Samples.monday)
        let made = try members(report(of: events, site: site, rules: .utc, request: request))
        return try #require(made["sources"] as? [Reference.Members]).map { line in
            "\(line["key"] ?? "") \(line["visitors"] ?? "") \(line["folded_rows"] ?? "")"
        }
    }

    @Test("Small rows fold; where they are too few together, the next smallest goes with them")
    func examples() throws {
        let direct: (String, ClosedRange<VisitorNumber>) = ("none", 1...30)
        #expect(
            try sources(Self.visits([direct, ("t.co", 31...42), ("a.net", 43...47), ("b.net", 48...52)]))
                == ["direct 30 ", "X 12 ", "other 10 2"])
        #expect(
            try sources(Self.visits([direct, ("t.co", 31...42), ("c.net", 43...53), ("a.net", 54...58)]))
                == ["direct 30 ", "other 16 2", "X 12 "])
        #expect(try sources(Self.visits([direct, ("a.net", 31...31)])) == ["other 31 2"])
        #expect(try sources(Self.visits([("none", 1...10)])) == ["direct 10 "])
        #expect(try sources(Self.visits([("none", 1...9)])) == ["other <null> 1"])
        #expect(try sources([]) == [])
    }

    @Test("A campaign is hidden where the visits outside of it are those of a few visitors, though all were in it once")
    func outside() throws {
        var site = Samples.site
        site.minimumGroup = 10
        site.campaigns = [
            Campaign(id: "all", name: "All", referrers: ["t.co"]), Campaign(id: "some", name: "Some", paths: ["/some"]),
        ]
        var events = Self.visits([("t.co", 1...30)])
        for index in 0..<12 { events[index].page.path = "/some" }
        for var event in events[20..<23] {
            (event.referrer, event.page.path) = (.none, "/some")
            event.time = Samples.monday.advanced(by: 1).start
            events.append(event)
        }
        let request = ReportRequest(days: ISOWeek(containing: Samples.monday).days)
        let made = try members(report(of: events, site: site, rules: .utc, request: request))
        let campaigns = try #require(made["campaigns"] as? [Reference.Members])
        #expect(campaigns.map { $0["folded"] as? Bool } == [true, false])
        #expect(campaigns[0]["visits"] is NSNull && campaigns[0]["pages"] as? [String] == [])
        #expect(campaigns[1]["visits"] as? Int == 15)
    }

    @Test("A row that is itself called other stands in a table once")
    func rowCalledOther() throws {
        var events = Self.visits([("none", 1...30), ("a.net", 31...34)])
        for index in events.indices where index < 14 { events[index].page.query = "utm_source=other" }
        #expect(try sources(events) == ["other 18 2", "direct 16 "])
    }
}
