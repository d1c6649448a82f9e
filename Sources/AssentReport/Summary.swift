import AssentCore
import AssentStore

/// One row of a table as it may be shown.
struct ReportLine {
    /// The key of the row that takes up the folded ones.
    static let otherKey = "other"

    let key: String
    /// Nil where even all folded rows together are too small a group.
    let tally: Tally?
    /// How many rows were folded into this one; 0 for a row of its own.
    let foldedRows: Int

    /// Rows stand in order of visits, then pageviews, both descending, then key by its bytes.
    static func precedes(_ left: ReportLine, _ right: ReportLine) -> Bool {
        precedes((left.key, left.tally ?? Tally()), (right.key, right.tally ?? Tally()))
    }

    static func precedes(_ left: (key: String, tally: Tally), _ right: (key: String, tally: Tally)) -> Bool {
        if left.tally.visits != right.tally.visits { return left.tally.visits > right.tally.visits }
        if left.tally.pageviews != right.tally.pageviews { return left.tally.pageviews > right.tally.pageviews }
        return left.key.utf8.lexicographicallyPrecedes(right.key.utf8)
    }
}

/// Every number of one period that may be shown.
struct Summary {
    let totals: Tally
    /// By place in the configuration; nil where the group is too small.
    let campaigns: [CampaignTally?]
    /// Visits that no campaign has; nil where the group is too small.
    let unattributed: Tally?
    /// What campaigns that are shown have in common.
    let overlaps: [Overlap]
    /// For each campaign that matches no event, what may be the reason; empty where nobody asked.
    let hints: [Int: CampaignHint]
    /// Names of actions by their numbers in the tallies.
    let actionNames: [String]
    private let tables: [[ReportLine]]

    /// Sums up a period. Cost: one pass over its events, and a second one where rows must be folded, seldom more; memory
    /// for the distinct pages, sources and so on, and one number for each visit of a campaign, not for the events.
    ///
    /// - Parameter days: the period, where it is to be said why campaigns match nothing; see ``NearestValues``.
    init(
        segments: [EventColumns], site: Site, timeZone: TimeZoneRules, hintsFor days: ClosedRange<Day>? = nil
    ) {
        var reader = VisitReader(segments: segments, site: site, timeZone: timeZone)
        var visit = Visit()
        var counting = Counting(campaigns: site.campaigns.count)
        while reader.next(&visit) { counting.count(visit) }
        counting.end()

        let rows = counting.table.rows
        let vocabulary = reader.vocabulary
        func key(_ row: Int) -> String {
            let dimension = Dimension.allCases[rows[row].slot % Dimension.allCases.count]
            return vocabulary.key(rows[row].key, of: dimension)
        }
        var folding = Folding(counting, minimum: site.minimumGroup, keys: key)
        while folding.isPassNeeded {
            reader.rewind()
            while reader.next(&visit) { folding.count(visit) }
            folding.end()
        }
        let hidden = folding.hidesCampaign
        totals = counting.totals
        campaigns = zip(counting.campaigns, hidden).map { $1 ? nil : $0 }
        unattributed = hidden[site.campaigns.count] ? nil : counting.unattributed
        let unmatched = counting.campaigns.indices.filter { counting.campaigns[$0].touched == 0 }
        hints =
            days.map {
                CampaignHint.hints(for: unmatched, of: site, timeZone: timeZone, days: $0, segments: segments)
            } ?? [:]
        overlaps = counting.overlaps(of: site, hidden: hidden)
        actionNames = vocabulary.names.values
        tables = (0..<(site.campaigns.count + 1) * Dimension.allCases.count).map { slot in
            let group = slot / Dimension.allCases.count
            return group > 0 && hidden[group - 1] ? [] : folding.lines(ofTable: slot)
        }
    }

    /// The rows of a table of the site, or of one campaign; none where that campaign is hidden.
    func lines(_ dimension: Dimension, ofCampaign campaign: Int? = nil) -> [ReportLine] {
        tables[RowTable.slot(campaign.map { $0 + 1 } ?? 0, dimension)]
    }
}
