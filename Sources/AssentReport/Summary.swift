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

    /// Dates stand in their own order, what is folded after them.
    static func isEarlier(_ left: ReportLine, _ right: ReportLine) -> Bool {
        left.foldedRows == 0 && (right.foldedRows > 0 || left.key < right.key)
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
    private let actionNames: [String]
    private var tables: [[ReportLine]] = []
    /// Tables of links in which what has no target is folded.
    private(set) var tablesWithoutSum: Set<Int> = []

    /// What of a period is summed up besides totals and campaigns.
    struct Extent: OptionSet {
        let rawValue: Int
        /// The tables of the site and of each campaign.
        static let tables = Extent(rawValue: 1)
        /// Why campaigns match nothing; see ``NearestValues``.
        static let hints = Extent(rawValue: 2)
        /// The links that were clicked.
        static let links = Extent(rawValue: 4)
    }

    /// Sums up a period. Cost: one pass over its events, and a second one where rows must be folded, seldom more; as many
    /// again for links. Memory for the distinct pages, sources and so on, and one number for each visit of a campaign,
    /// not for the events.
    init(
        segments: [EventColumns], site: Site, timeZone: TimeZoneRules, days: ClosedRange<Day>, extent: Extent = .tables
    ) {
        let vocabulary = Vocabulary(segments: segments, site: site, timeZone: timeZone, days: days)
        let rows = extent.contains(.tables) ? Dimension.allCases.filter { $0 != .links } : []
        let (counting, folding) = Self.counted(segments, vocabulary, of: site, tables: rows)
        let hidden = folding.hidesCampaign
        totals = counting.totals
        campaigns = zip(counting.campaigns, hidden).map { $1 ? nil : $0 }
        unattributed = hidden[site.campaigns.count] ? nil : counting.unattributed
        let unmatched = counting.campaigns.indices.filter { counting.campaigns[$0].touched == 0 }
        hints =
            extent.contains(.hints)
            ? CampaignHint.hints(for: unmatched, of: site, timeZone: timeZone, days: days, segments: segments) : [:]
        overlaps = counting.overlaps(of: site, hidden: hidden)
        actionNames = vocabulary.names.values
        tables = folding.lines
        guard extent.contains(.links) else { return }
        // By itself, so that no other table depends on whether somebody asked for links.
        let links = Self.counted(segments, vocabulary, of: site, tables: [.links]).folding
        for (slot, lines) in links.lines.enumerated()
        where slot % Dimension.allCases.count == Dimension.links.rawValue {
            // What has no target is a row too, so that all of them are all events. It is no link: where it is folded, the
            // sum says nothing of links.
            if links.folds(Vocabulary.noLink, inTable: slot) { tablesWithoutSum.insert(slot) }
            tables[slot] = lines.compactMap { line in
                guard line.foldedRows > 0, tablesWithoutSum.contains(slot) else { return line.key.isEmpty ? nil : line }
                let rows = line.foldedRows - 1
                return rows == 0 ? nil : ReportLine(key: line.key, tally: nil, foldedRows: rows)
            }
        }
    }

    /// Actions by name, as they are counted in a tally.
    func actions(_ tally: Tally?) -> [(name: String, count: Int)] {
        (tally?.actions ?? [:]).map { (actionNames[Int($0.key)], $0.value) }.sorted { $0.name < $1.name }
    }

    /// Counts the visits, and decides what is folded.
    private static func counted(
        _ segments: [EventColumns], _ vocabulary: Vocabulary, of site: Site, tables: [Dimension]
    ) -> (counting: Counting, folding: Folding) {
        let counting = Counting(
            segments: segments, vocabulary: vocabulary, campaigns: site.campaigns.count, tables: tables)
        let rows = counting.table.rows
        var folding = Folding(counting, minimum: site.minimumGroup) { row in
            vocabulary.key(rows[row].key, of: Dimension.allCases[rows[row].slot % Dimension.allCases.count])
        }
        var visit = Visit()
        // There are no more visits than events: so those of the first pass have lower numbers.
        visit.serial = segments.reduce(0) { $0 + $1.count }
        while folding.isPassNeeded {
            var reader = VisitReader(segments: segments, vocabulary: vocabulary)
            while reader.next(&visit) { folding.count(visit) }
            folding.end()
        }
        return (counting, folding)
    }

    /// The rows of a table of the site, or of one campaign; none where that campaign is hidden.
    func lines(_ dimension: Dimension, ofCampaign campaign: Int? = nil) -> [ReportLine] {
        tables[RowTable.slot(campaign.map { $0 + 1 } ?? 0, dimension)]
    }
}

/// A week beside others.
struct WeekSummary {
    let week: ISOWeek
    let totals: Tally
    /// By place in the configuration; nil where the group is too small.
    let campaigns: [CampaignTally?]

    init(week: ISOWeek, summary: Summary) {
        self.week = week
        totals = summary.totals
        campaigns = summary.campaigns.map { tally in
            var tally = tally
            // A number for each visit, of which a trend says nothing.
            tally?.engagedOfVisits = []
            return tally
        }
    }
}
