import AssentCore

/// The passes over the visits after the first: which rows a report may show without showing a group below the minimum.
///
/// Rows are folded in a fixed order: first those that must not be shown by themselves, then the smallest. How far along
/// that order a table has to go depends on what the rest would show; and because two rows can share visitors and visits,
/// that takes a pass of its own. It counts, for every table at once, the visitors and visits of each beginning of the
/// order: a visitor belongs to those beginnings that reach the first of the visitor's rows.
///
/// What has to be folded in one table can depend on what was folded in another, see ``Folding/foldAcrossTables()``.
/// Then more rows must not be shown by themselves, and another pass is made. Mostly the first is enough.
struct Folding {
    /// The order in which the rows of one table are folded.
    struct Plan {
        var order: [Int] = []
        /// How many of them must be folded whatever the rest shows.
        var required = 0
        /// How many of them are folded.
        var folded = 0
    }

    /// What the beginnings of an order gain with one more row.
    struct Gain {
        var visitors = 0
        var visits = 0
        var bounced = 0
        /// Visitors all of whose visits, or all that the campaign matches, are in it.
        var inside = 0
    }

    let minimum: Int
    let counting: Counting
    private(set) var plans: [Plan]
    /// By row: whether it must not be shown by itself.
    var mustFold: [Bool]
    /// By campaign, what no campaign has last: whether it may not be shown.
    var hidesCampaign: [Bool]
    /// By table: whether nothing of it may be shown.
    var hidesTable: [Bool]
    /// Whether the visits have to be seen again.
    private(set) var isPassNeeded = false

    private let keys: (Int) -> String
    private var table: RowTable
    private let rowsOfTables: [[Int]]
    private var campaigns: CampaignFolding
    private var passes = 0
    /// By row: its place in the order of its table, and what it gains.
    private var ranks: [Int] = []
    private var gains: [Gain] = []

    private var visitor: VisitorNumber = 0
    /// By table: the first row in its order that the visit or the visitor has, and the last of those of the visitor's
    /// visits; -1 for none.
    private var firstOfVisit: [Int]
    private var firstOfVisitor: [Int]
    private var lastOfVisitor: [Int]
    private var tablesOfVisit: [Int] = []
    private var tablesOfVisitor: [Int] = []
    private var entered: [Int] = []

    init(_ counting: Counting, minimum: Int, keys: @escaping (Int) -> String) {
        self.minimum = minimum
        self.counting = counting
        self.keys = keys
        table = counting.table
        let slots = (counting.campaigns.count + 1) * Dimension.allCases.count
        firstOfVisit = Array(repeating: -1, count: slots)
        firstOfVisitor = firstOfVisit
        lastOfVisitor = firstOfVisit
        campaigns = CampaignFolding(counting, minimum: minimum)
        hidesCampaign = campaigns.hidden
        hidesTable = Array(repeating: false, count: slots)
        mustFold = Array(repeating: false, count: table.rows.count)
        plans = Array(repeating: Plan(), count: slots)
        var rowsOfTables: [[Int]] = Array(repeating: [], count: slots)
        for (index, row) in table.rows.enumerated() { rowsOfTables[row.slot].append(index) }
        self.rowsOfTables = rowsOfTables
        for (index, row) in table.rows.enumerated() {
            let isExposed = exposes(row.tally.visitors, inside: row.visitorsInside, ofTable: row.slot)
            mustFold[index] = row.tally.visitors < minimum || isExposed
        }
        arrange()
        isPassNeeded = foldAcrossTables() || campaigns.isNeeded || mustFold.contains(true)
        if isPassNeeded { begin() }
    }

    // MARK: A pass

    private mutating func begin() {
        passes += 1
        arrange()
        campaigns.begin(hidden: hidesCampaign)
        ranks = Array(repeating: 0, count: table.rows.count)
        gains = Array(repeating: Gain(), count: table.rows.count)
        for plan in plans {
            for (rank, row) in plan.order.enumerated() { ranks[row] = rank }
        }
    }

    /// Sees a visit again, in the same order and with a higher serial number than in the passes before.
    mutating func count(_ visit: Visit) {
        if visit.visitor != visitor { begin(visit.visitor) }
        campaigns.count(visit)
        table.enterRows(of: visit, into: &entered)
        for row in entered {
            let slot = table.rows[row].slot
            let first = firstOfVisit[slot]
            if first < 0 { tablesOfVisit.append(slot) }
            if first < 0 || ranks[row] < ranks[first] { firstOfVisit[slot] = row }
        }
        for slot in tablesOfVisit {
            let row = firstOfVisit[slot]
            firstOfVisit[slot] = -1
            gains[row].visits += 1
            if visit.isBounced { gains[row].bounced += 1 }
            let first = firstOfVisitor[slot]
            if first < 0 { tablesOfVisitor.append(slot) }
            if first < 0 || ranks[row] < ranks[first] { firstOfVisitor[slot] = row }
            if first < 0 || ranks[row] > ranks[lastOfVisitor[slot]] { lastOfVisitor[slot] = row }
        }
        tablesOfVisit.removeAll(keepingCapacity: true)
    }

    /// Decides what is folded once the last visit of a pass was seen; ``isPassNeeded`` says whether that stands.
    mutating func end() {
        begin(0)
        hidesCampaign = campaigns.hidden
        for slot in plans.indices { plans[slot].folded = foldedRows(plans[slot], ofTable: slot) }
        let before = mustFold
        isPassNeeded = foldAcrossTables()
        guard isPassNeeded else { return }
        if passes == Limits.foldingPassesMax {
            // The tables of the site stand as they are without what campaigns ask for; no campaign's can be shown then.
            for slot in plans.indices where slot >= Dimension.allCases.count { hidesTable[slot] = true }
            mustFold = before
            isPassNeeded = false
            return
        }
        for plan in plans {
            for row in plan.order.prefix(plan.folded) { mustFold[row] = true }
        }
        begin()
    }

    private mutating func begin(_ next: VisitorNumber) {
        for slot in tablesOfVisitor {
            gains[firstOfVisitor[slot]].visitors += 1
            gains[lastOfVisitor[slot]].inside += 1
            firstOfVisitor[slot] = -1
        }
        tablesOfVisitor.removeAll(keepingCapacity: true)
        campaigns.endVisitor()
        visitor = next
    }

    // MARK: One table

    private mutating func arrange() {
        for slot in plans.indices { plans[slot] = plan(rowsOfTables[slot]) }
    }

    private func plan(_ rows: [Int]) -> Plan {
        var required = rows.filter { mustFold[$0] }
        var rest = rows.filter { !mustFold[$0] }
        // A row that is itself called `other` goes with the folded ones, so that the name stands in a table once.
        if !required.isEmpty, let named = rest.firstIndex(where: { keys($0) == ReportLine.otherKey }) {
            required.append(rest.remove(at: named))
        }
        func smallerFirst(_ left: Int, _ right: Int) -> Bool {
            let (a, b) = (table.rows[left].tally, table.rows[right].tally)
            if a.visitors != b.visitors { return a.visitors < b.visitors }
            return ReportLine.precedes((keys(right), b), (keys(left), a))
        }
        // A row that the site's table tells as well hides nothing in a campaign's; it comes last.
        let order =
            required.sorted(by: smallerFirst) + rest.filter { !isWholeOfOuter($0) }.sorted(by: smallerFirst)
            + rest.filter(isWholeOfOuter).sorted(by: smallerFirst)
        return Plan(order: order, required: required.count, folded: required.count)
    }

    private func foldedRows(_ plan: Plan, ofTable slot: Int) -> Int {
        guard plan.required > 0 else { return 0 }
        var (visitors, inside) = (0, 0)
        for (index, row) in plan.order.enumerated() {
            visitors += gains[row].visitors
            inside += gains[row].inside
            if index + 1 >= plan.required, visitors >= minimum, !exposes(visitors, inside: inside, ofTable: slot) {
                return index + 1
            }
        }
        return plan.order.count
    }

    /// Whether what a table's whole has beyond a part of it would be a group below the minimum.
    private func exposes(_ visitors: Int, inside: Int, ofTable slot: Int) -> Bool {
        let (group, dimension) = slot.quotientAndRemainder(dividingBy: Dimension.allCases.count)
        let isOfEvents = Dimension.ofEvents.contains { $0.rawValue == dimension }
        func isSmall(_ rest: Int) -> Bool { rest > 0 && rest < minimum }
        guard group > 0 else {
            return isSmall(counting.totals.visitors - visitors)
                || isOfEvents && isSmall(counting.totals.visitors - inside)
        }
        let campaign = counting.campaigns[group - 1]
        return isSmall(campaign.sums.visitors - visitors)
            || isOfEvents && (isSmall(campaign.touched - visitors) || isSmall(campaign.touched - inside))
    }

    /// Whether nothing of a table is shown, or nothing of its campaign.
    func isHidden(_ slot: Int) -> Bool {
        let group = slot / Dimension.allCases.count
        return hidesTable[slot] || group > 0 && hidesCampaign[group - 1]
    }

    /// Whether the row of a key is folded, or its table is hidden.
    func folds(_ key: UInt32, inTable slot: Int) -> Bool {
        let order = hidesTable[slot] ? plans[slot].order[...] : plans[slot].order.prefix(plans[slot].folded)
        return order.contains { table.rows[$0].key == key }
    }

    /// Visitors of the rows of a table that are folded.
    func foldedVisitors(ofTable slot: Int) -> Int {
        plans[slot].order.prefix(plans[slot].folded).reduce(0) { $0 + (gains.isEmpty ? 0 : gains[$1].visitors) }
    }

    /// The rows of every table that may be shown; none of a campaign that is hidden.
    var lines: [[ReportLine]] {
        plans.indices.map { slot in
            let group = slot / Dimension.allCases.count
            return group > 0 && hidesCampaign[group - 1] ? [] : lines(ofTable: slot)
        }
    }

    /// The rows of a table that may be shown, those in `other` as one; ordered by visits, pageviews and key.
    private func lines(ofTable slot: Int) -> [ReportLine] {
        let plan = plans[slot]
        var lines: [ReportLine] = []
        if hidesTable[slot], !plan.order.isEmpty {
            return [ReportLine(key: ReportLine.otherKey, tally: nil, foldedRows: plan.order.count)]
        }
        if plan.folded > 0 {
            var other = Tally()
            for row in plan.order.prefix(plan.folded) {
                other.addSums(of: table.rows[row].tally)
                other.visitors += gains[row].visitors
                other.visits += gains[row].visits
                other.bounced += gains[row].bounced
            }
            let isShown = other.visitors >= minimum
            lines.append(ReportLine(key: ReportLine.otherKey, tally: isShown ? other : nil, foldedRows: plan.folded))
        }
        for row in plan.order.dropFirst(plan.folded) {
            lines.append(ReportLine(key: keys(row), tally: table.rows[row].tally, foldedRows: 0))
        }
        let isCalendar = slot % Dimension.allCases.count == Dimension.days.rawValue
        return lines.sorted(by: isCalendar ? ReportLine.isEarlier : ReportLine.precedes)
    }
}

extension RowTable {
    /// All rows that a visit counts in, each once.
    mutating func enterRows(of visit: Visit, into entered: inout [Int]) {
        entered.removeAll(keepingCapacity: true)
        func enter(_ table: inout RowTable, _ group: Int, _ dimension: Dimension, _ key: UInt32) {
            let row = table.row(group, dimension, key: key)
            if table.enter(row, visit: visit.serial) { entered.append(row) }
        }
        for dimension in dimensions {
            guard !Dimension.ofVisits.contains(dimension) else { continue }
            for event in visit.events {
                enter(&self, 0, dimension, event.key(of: dimension))
                for campaign in event.campaigns { enter(&self, campaign + 1, dimension, event.key(of: dimension)) }
            }
        }
        for dimension in dimensions where Dimension.ofVisits.contains(dimension) {
            let key = visit.key(of: dimension)
            enter(&self, 0, dimension, key)
            for campaign in visit.attributed { enter(&self, campaign + 1, dimension, key) }
        }
    }
}
