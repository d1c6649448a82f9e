import AssentCore
import AssentStore
import Support
import Testing

@testable import AssentReport

/// What campaigns have in common.
@Suite struct OverlapTests {
    @Test("Visits that two shown campaigns have are those of the definitions, and no small group is among them")
    func definitions() throws {
        var written = 0
        for seed in 0..<150 {
            let week = SmallGroupsWeek(seed: UInt64(seed))
            let events = week.makeEvents()
            let made = try members(
                report(of: events, site: week.site, rules: .utc, request: ReportRequest(days: week.days)))
            let reference = Reference(events, site: week.site, from: week.days.lowerBound, to: week.days.upperBound)
            let expected = Self.overlaps(reference, campaigns: made["campaigns"] as? [Reference.Members] ?? [])
            #expect(differences(made["overlaps"], expected, at: "seed \(seed)") == [])
            written += expected.count
        }
        #expect(written > 20)
    }

    /// The overlaps by their definition.
    private static func overlaps(_ reference: Reference, campaigns: [Reference.Members]) -> [Reference.Members] {
        var overlaps: [(visits: Int, ids: [String], visitors: Int)] = []
        let shown = campaigns.indices.filter { campaigns[$0]["folded"] as? Bool == false }
        for first in shown {
            for second in shown {
                let ids = [first, second].map { reference.site.campaigns[$0].id }
                guard ids[0] < ids[1] else { continue }
                func visitors(_ hasFirst: Bool, _ hasSecond: Bool) -> Int {
                    reference.visitors {
                        $0.attributed.contains(first) == hasFirst && $0.attributed.contains(second) == hasSecond
                    }
                }
                let visits = reference.visits.count { $0.attributed.isSuperset(of: [first, second]) }
                let both = visitors(true, true)
                let alone = [first, second].map { campaign in
                    reference.visitors { $0.attributed.contains(campaign) } - both
                }
                let groups = [both, visitors(true, false), visitors(false, true), visitors(false, false)] + alone
                if visits == 0 || groups.contains(where: { $0 > 0 && $0 < reference.site.minimumGroup }) { continue }
                overlaps.append((visits, ids, both))
            }
        }
        return overlaps.sorted { $0.visits != $1.visits ? $0.visits > $1.visits : $0.ids.joined() < $1.ids.joined() }
            .map { ["campaigns": $0.ids, "visitors": $0.visitors, "visits": $0.visits] }
    }

    @Test("A report of one campaign has the overlaps of that campaign")
    func oneCampaign() throws {
        var week = SmallGroupsWeek(seed: 3)
        (week.visitors, week.events) = (300, 2_000)
        let events = week.makeEvents()
        var site = week.site
        site.minimumGroup = 1
        site.campaigns = [
            Campaign(id: "b", name: "", paths: ["/day/**"]), Campaign(id: "a", name: "", hashtags: ["day"]),
            Campaign(id: "c", name: "", referrers: ["t.co"]),
        ]
        func pairs(_ campaign: String?) throws -> Set<[String]> {
            let request = ReportRequest(days: week.days, campaign: campaign)
            let made = try members(report(of: events, site: site, rules: .utc, request: request))
            return Set((made["overlaps"] as? [Reference.Members] ?? []).compactMap { $0["campaigns"] as? [String] })
        }
        #expect(try pairs(nil) == [["a", "b"], ["a", "c"], ["b", "c"]])
        #expect(try pairs("a") == [["a", "b"], ["a", "c"]])
    }
}
