import AssentCore
import AssentStore
import Support
import Testing

import class Foundation.NSNull

@testable import AssentReport

/// No subtraction of two numbers of a report, of whatever tables, leads to a group of fewer visitors than the minimum.
///
/// Of each shown group the search has all visits and events, from the slow definitions. Wherever one group is a part of
/// another by what the two are called, the visitors of the rest must be nobody or enough.
@Suite struct SubtractionTests {
    /// The last ones are among few that show a mistake of a kind.
    static let seeds = Array(0..<240) + [246, 286, 476, 854, 856, 1_083, 1_201, 1_241, 1_614, 1_717]

    @Test("No rest of a shown group beyond a part of it that is shown is small")
    func search() async throws {
        for seed in Self.seeds {
            // Others wait for a thread meanwhile.
            await Task.yield()
            let week = SmallGroupsWeek(seed: UInt64(seed))
            let events = week.makeEvents()
            // With links, which are told of one campaign and known of all.
            let request = ReportRequest(days: week.days, campaign: week.site.campaigns[0].id)
            let made = try report(of: events, site: week.site, rules: .utc, request: request)
            let shown = ShownGroups(
                made, Reference(events, site: week.site, from: week.days.lowerBound, to: week.days.upperBound))
            for finding in shown.findings() { Issue.record("seed \(seed), minimum \(week.minimum): \(finding)") }
        }
    }

    @Test("Most rows and campaigns of a site with many visitors are shown")
    func moderation() throws {
        var rows = (shown: 0, all: 0)
        var campaigns = (shown: 0, all: 0)
        for seed in 0..<20 {
            var week = SmallGroupsWeek(seed: UInt64(seed))
            (week.visitors, week.events) = (500, 1_500)
            let made = try report(
                of: week.makeEvents(), site: week.site, rules: .utc, request: ReportRequest(days: week.days))
            for campaign in [nil] + week.site.campaigns.indices.map(Optional.some) {
                let lines = Dimension.allCases.flatMap { made.summary.lines($0, ofCampaign: campaign) }
                rows.shown += lines.count { $0.foldedRows == 0 }
                rows.all += lines.reduce(0) { $0 + max($1.foldedRows, 1) }
            }
            campaigns.shown += made.summary.campaigns.count { $0 != nil }
            campaigns.all += week.site.campaigns.count
        }
        #expect(rows.shown * 4 > rows.all * 3, "\(rows)")
        #expect(campaigns.shown * 5 > campaigns.all * 4, "\(campaigns)")
    }

    @Test("What is folded is the same in a report of one campaign, of all, and as the period of comparison")
    func sameInAll() throws {
        for seed in 0..<30 {
            let week = SmallGroupsWeek(seed: UInt64(seed))
            let later = week.days.lowerBound.advanced(by: 2)...week.days.upperBound
            let earlier = week.days.lowerBound...week.days.lowerBound.advanced(by: 3)
            func made(_ request: ReportRequest) throws -> Report {
                try report(of: week.makeEvents(), site: week.site, rules: .utc, request: request)
            }
            let all = try made(ReportRequest(days: later, comparedDays: earlier))
            let before = try made(ReportRequest(days: earlier))
            #expect(all.compared?.campaigns == before.summary.campaigns)
            #expect(all.compared?.unattributed == before.summary.unattributed)
            let campaigns = try #require(members(all)["campaigns"] as? [Reference.Members])
            for (index, campaign) in week.site.campaigns.enumerated() {
                let one = try made(ReportRequest(days: later, comparedDays: earlier, campaign: campaign.id))
                var own = try #require((try members(one)["campaigns"] as? [Reference.Members])?.first)
                own["links"] = nil
                #expect(differences([own], [campaigns[index]], at: campaign.id) == [])
                let isShown = all.summary.campaigns[index] != nil && before.summary.campaigns[index] != nil
                let change = try #require(campaigns[index]["change"] as? Reference.Members)
                #expect(isShown || change.values.allSatisfy { $0 is NSNull })
            }
        }
    }
}

/// A week of a site whose campaigns overlap, hold one another and have small rows.
struct SmallGroupsWeek {
    var visitors: VisitorNumber
    var events: Int
    var minimum: Int
    let site: Site
    let days = Samples.monday...Samples.monday.advanced(by: 6)
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        var generator = SeededGenerator(seed: seed &+ 77_000)
        minimum = [2, 3, 5, 10].randomElement(using: &generator) ?? 2
        visitors = VisitorNumber(minimum * Int.random(in: 1...9, using: &generator) + 2)
        events = Int(visitors) * Int.random(in: 1...6, using: &generator)
        let middle = days.lowerBound.advanced(by: 3)
        let campaigns = [
            Campaign(id: "paths", name: "", paths: ["/day/**"]),
            Campaign(id: "hashtag", name: "", hashtags: ["day"]),
            Campaign(id: "page", name: "", paths: ["/day/a"]),
            Campaign(id: "all", name: "", paths: ["/**"]),
            Campaign(id: "most", name: "", paths: ["/day/**", "/b", "/"], to: middle),
            Campaign(id: "source", name: "", utmSource: ["letter"]),
            Campaign(id: "network", name: "", referrers: ["t.co"]),
            Campaign(id: "either", name: "", paths: ["/day/**"], utmSource: ["letter"]),
            Campaign(id: "late", name: "", paths: ["/day/**", "/c"], from: middle),
        ]
        site = Site(
            id: "coalition", name: "Coalition", origins: ["https://www.example.org"], timezone: "UTC",
            locales: ["en", "fr"], minimumGroup: minimum,
            campaigns: Array(campaigns.shuffled(using: &generator).prefix(Int.random(in: 1...5, using: &generator))))
    }

    func makeEvents() -> [Event] {
        var generator = SeededGenerator(seed: seed)
        func pick<Element>(_ choices: [Element]) -> Element {
            choices[Int.random(in: choices.indices, using: &generator)]
        }
        let rare = Int.random(in: 2...30, using: &generator)
        func seldom<Element>(_ common: [Element], _ uncommon: [Element]) -> Element {
            Int.random(in: 0..<rare, using: &generator) == 0 ? pick(uncommon) : pick(common)
        }
        return (0..<events).map { _ in
            let visitor = VisitorNumber.random(in: 1...visitors, using: &generator)
            let day = days.lowerBound.advanced(by: Int.random(in: 0..<7, using: &generator))
            var event = Event(
                id: "", time: day.start.advanced(by: Int64.random(in: 0..<4, using: &generator) * 1_200_000),
                visitor: visitor, record: 1, kind: pick([.pageview, .pageview, .pageview, .engagement, .action]),
                page: Page(
                    host: "www.example.org", path: seldom(["/day/a", "/day/a", "/", "/day"], ["/b", "/c", "/day/b"]),
                    query: seldom(["", "", "utm_source=letter"], ["utm_source=post"]),
                    fragment: seldom(["", "day"], ["other"])))
            event.referrer = seldom(
                [.none, Referrer(host: "t.co", pathClass: .page)],
                [Referrer(host: "blog.example.net", pathClass: .page)])
            event.locale = seldom(["en"], ["fr", ""])
            if event.kind == .action {
                (event.name, event.target) = ("outbound", seldom(["https://a.example/", ""], ["https://b.example/"]))
            }
            event.country = seldom(["BE", "FR"], ["IQ", "EG"])
            event.client.device = seldom([.mobile], [.desktop, .tablet])
            return event
        }
    }
}

/// What is shown of a report, as groups of visits and events.
private struct ShownGroups {
    /// Numbers of what a group counts: of visits, and of events where it takes these one by one.
    struct Group {
        var name: String
        var keys: Set<String> = []
        var units: Set<Int> = []
        var visits: Set<Int> = []
        var visitors: Set<VisitorNumber> = []

        mutating func add(_ unit: Int, _ visit: Int, _ visitor: VisitorNumber, key: String? = nil) {
            if let key { keys.insert(key) }
            units.insert(unit)
            visits.insert(visit)
            visitors.insert(visitor)
        }
    }

    /// The groups of one table, which divide its units, and all of them.
    struct Table {
        var whole: Group
        var groups: [Group] = []
    }

    private let report: Report
    private let reference: Reference
    private var minimum: Int { reference.site.minimumGroup }

    init(_ report: Report, _ reference: Reference) {
        self.report = report
        self.reference = reference
    }

    private var shownCampaigns: [Int] {
        reference.site.campaigns.indices.filter { report.summary.campaigns[$0] != nil }
    }

    private func table(_ dimension: Dimension, campaign: Int?) -> Table {
        let name = "\(dimension)" + (campaign.map { " of \(reference.site.campaigns[$0].id)" } ?? "")
        let lines = report.summary.lines(dimension, ofCampaign: campaign)
        let own = Set(lines.filter { $0.foldedRows == 0 }.map(\.key))
        let isWithoutSum = report.summary.tablesWithoutSum.contains(
            RowTable.slot(campaign.map { $0 + 1 } ?? 0, dimension))
        var groups: [String: Group] = [:]
        var whole = Group(name: "all \(name)")
        func add(_ unit: Int, _ visit: Int, _ key: String) {
            let visitor = reference.visits[visit].visitor
            // What has no target is written nowhere, and is taken as known where it is not folded.
            let isKnown = own.contains(key) || dimension == .links && key.isEmpty && !isWithoutSum
            let row = isKnown ? key : "other"
            groups[row, default: Group(name: "\(name) \(row)")].add(unit, visit, visitor, key: key)
            whole.add(unit, visit, visitor, key: key)
        }
        if Dimension.ofEvents.contains(dimension) {
            for (index, seen) in reference.seen.enumerated() where campaign.map(seen.campaigns.contains) ?? true {
                add(index, seen.visit, reference.key(dimension.name, of: seen))
            }
        } else {
            for (index, visit) in reference.visits.enumerated() where campaign.map(visit.attributed.contains) ?? true {
                add(index, index, reference.key(dimension.name, of: visit))
            }
        }
        if !lines.contains(where: { $0.foldedRows > 0 && $0.tally != nil }) { groups["other"] = nil }
        return Table(whole: whole, groups: groups.values.sorted { $0.name < $1.name })
    }

    private func visitors(_ units: Set<Int>, _ dimension: Dimension) -> Int {
        let isOfEvents = Dimension.ofEvents.contains(dimension)
        return Set(units.map { reference.visits[isOfEvents ? reference.seen[$0].visit : $0].visitor }).count
    }

    private func isSmall(_ count: Int) -> Bool { count > 0 && count < minimum }

    /// What is wrong with a group being shown beside one that is a part of it.
    private func findings(_ part: Group, in whole: Group, _ dimension: Dimension) -> [String] {
        let visits = whole.visits.subtracting(part.visits).map { reference.visits[$0].visitor }
        let rests = [
            whole.visitors.count - part.visitors.count, Set(visits).count,
            visitors(whole.units.subtracting(part.units), dimension),
        ]
        return rests.contains(where: isSmall) ? ["\(whole.name) − \(part.name): \(rests)"] : []
    }

    func findings() -> [String] {
        var findings: [String] = []
        for dimension in Dimension.allCases {
            let site = table(dimension, campaign: nil)
            let own = shownCampaigns.map { table(dimension, campaign: $0) }.filter { !$0.whole.units.isEmpty }
            findings += self.findings(in: site, dimension)
            for table in own {
                findings += self.findings(in: table, dimension)
                findings += self.findings(table, within: site, dimension)
                findings += self.findings(table.whole, in: site.whole, dimension)
                for outer in own
                where outer.whole.name != table.whole.name && table.whole.units.isSubset(of: outer.whole.units) {
                    findings += self.findings(table, within: outer, dimension)
                    findings += self.findings(table.whole, in: outer.whole, dimension)
                }
            }
            findings += unions(of: own, in: site, dimension)
        }
        return findings + wholes()
    }

    /// What no campaign has, and what is left of the totals beside all that is shown.
    private func wholes() -> [String] {
        var findings: [String] = []
        let total = table(.sources, campaign: nil).whole
        var shown = shownCampaigns.map { table(.sources, campaign: $0).whole }
        if report.summary.unattributed != nil {
            var rest = Group(name: "no campaign")
            for (index, visit) in reference.visits.enumerated() where visit.attributed.isEmpty {
                rest.add(index, index, visit.visitor)
            }
            shown.append(rest)
        }
        shown.removeAll { $0.units.isEmpty }
        for part in shown {
            if isSmall(part.visitors.count) { findings.append("\(part.name) is small") }
            findings += self.findings(part, in: total, .sources)
        }
        let left = shown.reduce(total.units) { $0.subtracting($1.units) }
        if !shown.isEmpty, isSmall(visitors(left, .sources)) { findings.append("visits outside of all that is shown") }
        let counted = Set(shownCampaigns)
        let events = reference.seen.indices.filter { index in
            let visit = reference.visits[reference.seen[index].visit]
            let isUnattributed = report.summary.unattributed != nil && visit.attributed.isEmpty
            return !isUnattributed && reference.seen[index].campaigns.isDisjoint(with: counted)
        }
        if !shown.isEmpty, isSmall(visitors(Set(events), .pages)) { findings.append("events outside of all") }
        return findings
    }

    /// The groups of a table by themselves and in their whole.
    private func findings(in table: Table, _ dimension: Dimension) -> [String] {
        if table.groups.count == 1, table.groups[0].name.hasSuffix(" other") { return [] }
        return table.groups.flatMap { group in
            (isSmall(group.visitors.count) ? ["\(group.name) is small"] : [])
                + findings(group, in: table.whole, dimension)
        }
    }

    /// Groups of a table against those of one that holds it: pairs, and the smallest sets of keys that are whole groups
    /// on both sides.
    private func findings(_ inner: Table, within outer: Table, _ dimension: Dimension) -> [String] {
        var findings: [String] = []
        let keyOfUnit = self.keys(dimension)
        for part in inner.groups + [inner.whole] {
            let keys = part.keys
            for whole in outer.groups where keys.isSubset(of: whole.keys) {
                findings += self.findings(part, in: whole, dimension)
            }
            // What a row of the outer table is within the part, it is of the part's keys too.
            let known = outer.groups.filter { !$0.keys.isEmpty && $0.units.isSubset(of: part.units) }
            for row in known where row.keys.count == 1 || row.keys.isSubset(of: keys) {
                findings += self.findings(row, in: part, dimension)
            }
            let left = known.reduce(part.units) { $0.subtracting($1.units) }
            if isSmall(visitors(left, dimension)) {
                findings.append("\(part.name) − equal rows of \(outer.whole.name)")
            }
        }
        for whole in outer.groups {
            let equal = inner.groups.filter { group in
                group.keys.isSubset(of: whole.keys) && group.keys.count == 1
                    && whole.units.filter { group.keys.contains(keyOfUnit[$0]) } == group.units
            }
            let left = equal.reduce(whole.units) { $0.subtracting($1.units) }
            if isSmall(visitors(left, dimension)) {
                findings.append("\(whole.name) − equal rows of \(inner.whole.name)")
            }
        }
        var rest = inner.groups
        while let start = rest.popLast() {
            var block = (keys: start.keys, inner: start.units, outer: Set<Int>(), isWhole: false)
            while !block.isWhole {
                block.isWhole = true
                for group in outer.groups where !group.keys.isDisjoint(with: block.keys) {
                    block.outer.formUnion(group.units)
                    if !group.keys.isSubset(of: block.keys) { block.isWhole = false }
                    block.keys.formUnion(group.keys)
                }
                for (index, group) in rest.enumerated().reversed() where !group.keys.isDisjoint(with: block.keys) {
                    block.inner.formUnion(group.units)
                    if !group.keys.isSubset(of: block.keys) { block.isWhole = false }
                    block.keys.formUnion(group.keys)
                    rest.remove(at: index)
                }
            }
            if isSmall(visitors(block.outer.subtracting(block.inner), dimension)) {
                findings.append("\(outer.whole.name) − \(inner.whole.name) in \(block.keys.sorted())")
            }
        }
        return findings
    }

    /// The key of each unit.
    private func keys(_ dimension: Dimension) -> [String] {
        Dimension.ofEvents.contains(dimension)
            ? reference.seen.map { reference.key(dimension.name, of: $0) }
            : reference.visits.map { reference.key(dimension.name, of: $0) }
    }

    /// Rows of the site less the same row of every campaign that shows it.
    private func unions(of tables: [Table], in site: Table, _ dimension: Dimension) -> [String] {
        site.groups.filter { $0.keys.count == 1 }.compactMap { row in
            let parts = tables.compactMap { $0.groups.first { $0.keys == row.keys } }
            let left = parts.reduce(row.units) { $0.subtracting($1.units) }
            return isSmall(visitors(left, dimension)) ? "\(row.name) − that of \(parts.map(\.name))" : nil
        }
    }
}
