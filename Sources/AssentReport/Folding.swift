import AssentCore

/// The second pass over the visits: which rows a report may show without showing a group below the minimum.
///
/// Rows are folded in a fixed order: first those that must not be shown by themselves, then the smallest. How far along
/// that order a table has to go depends on what the rest would show; and because two rows can share visitors and visits,
/// that takes a pass of its own. It counts, for every table at once, the visitors and visits of each beginning of the
/// order: a visitor belongs to those beginnings that reach the first of the visitor's rows.
struct Folding {
    /// The order in which the rows of one table are folded.
    private struct Plan {
        var order: [Int] = []
        /// How many of them must be folded whatever the rest shows.
        var required = 0
        /// Visitors of what is shown above the table; what they exceed a row by must be no small group either.
        var wholes: [Int] = []
    }

    /// What the beginnings of an order gain with one more row.
    private struct Gain {
        var visitors = 0
        var visits = 0
        var bounced = 0
    }

    private let minimum: Int
    private var table: RowTable
    private var plans: [Plan] = []
    /// By row: its place in the order of its table, and what it gains.
    private var ranks: [Int]
    private var gains: [Gain]

    private var visitor: VisitorNumber = 0
    /// By table: the first row in its order that the visit or the visitor has; -1 for none.
    private var firstOfVisit: [Int]
    private var firstOfVisitor: [Int]
    private var tablesOfVisit: [Int] = []
    private var tablesOfVisitor: [Int] = []
    private var entered: [Int] = []

    private var campaigns: CampaignFolding

    init(_ counting: Counting, minimum: Int, keys: (Int) -> String) {
        self.minimum = minimum
        table = counting.table
        ranks = Array(repeating: 0, count: table.rows.count)
        gains = Array(repeating: Gain(), count: table.rows.count)
        let slots = (counting.campaigns.count + 1) * Dimension.allCases.count
        firstOfVisit = Array(repeating: -1, count: slots)
        firstOfVisitor = firstOfVisit
        campaigns = CampaignFolding(counting, minimum: minimum)
        var rowsOfTables: [[Int]] = Array(repeating: [], count: slots)
        for (index, row) in table.rows.enumerated() { rowsOfTables[row.slot].append(index) }
        for (slot, rows) in rowsOfTables.enumerated() {
            let plan = plan(rows, wholes: Self.wholes(ofTable: slot, counting), keys)
            for (rank, row) in plan.order.enumerated() { ranks[row] = rank }
            plans.append(plan)
        }
    }

    /// Whether anything must be folded, so that the visits have to be seen again.
    var isNeeded: Bool { campaigns.isNeeded || plans.contains { $0.required > 0 } }

    /// Sees a visit again, in the same order and with a higher serial number than in the first pass.
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
        }
        tablesOfVisit.removeAll(keepingCapacity: true)
    }

    /// Counts what is left once the last visit was seen.
    mutating func end() { begin(0) }

    private mutating func begin(_ next: VisitorNumber) {
        for slot in tablesOfVisitor {
            gains[firstOfVisitor[slot]].visitors += 1
            firstOfVisitor[slot] = -1
        }
        tablesOfVisitor.removeAll(keepingCapacity: true)
        campaigns.endVisitor()
        visitor = next
    }

    /// Whether a campaign, or after the last one what no campaign has, may not be shown.
    var hidesCampaign: [Bool] { campaigns.hidden }

    /// The rows of a table that may be shown, those in `other` as one; ordered by visits, pageviews and key.
    func lines(ofTable slot: Int, keys: (Int) -> String) -> [ReportLine] {
        let plan = plans[slot]
        var lines: [ReportLine] = []
        let folded = foldedRows(plan)
        if !folded.isEmpty {
            var other = Tally()
            for row in folded {
                other.addSums(of: table.rows[row].tally)
                other.visitors += gains[row].visitors
                other.visits += gains[row].visits
                other.bounced += gains[row].bounced
            }
            let isShown = other.visitors >= minimum
            lines.append(
                ReportLine(key: ReportLine.otherKey, tally: isShown ? other : nil, foldedRows: folded.count))
        }
        for row in plan.order[folded.endIndex...] {
            lines.append(ReportLine(key: keys(row), tally: table.rows[row].tally, foldedRows: 0))
        }
        let isCalendar = slot % Dimension.allCases.count == Dimension.days.rawValue
        return lines.sorted(by: isCalendar ? ReportLine.isEarlier : ReportLine.precedes)
    }

    private func foldedRows(_ plan: Plan) -> ArraySlice<Int> {
        guard plan.required > 0 else { return plan.order[..<0] }
        var visitors = 0
        for (index, row) in plan.order.enumerated() {
            visitors += gains[row].visitors
            let isEnough = visitors >= minimum && !exposes(visitors, wholes: plan.wholes)
            if index + 1 >= plan.required, isEnough { return plan.order[...index] }
        }
        return plan.order[...]
    }

    private func plan(_ rows: [Int], wholes: [Int], _ keys: (Int) -> String) -> Plan {
        var required: [Int] = []
        var rest: [Int] = []
        for row in rows {
            let visitors = table.rows[row].tally.visitors
            if visitors < minimum || exposes(visitors, wholes: wholes) {
                required.append(row)
            } else {
                rest.append(row)
            }
        }
        // A row that is itself called `other` goes with the folded ones, so that the name stands in a table once.
        if !required.isEmpty, let named = rest.firstIndex(where: { keys($0) == ReportLine.otherKey }) {
            required.append(rest.remove(at: named))
        }
        func smallerFirst(_ left: Int, _ right: Int) -> Bool {
            let (a, b) = (table.rows[left].tally, table.rows[right].tally)
            if a.visitors != b.visitors { return a.visitors < b.visitors }
            return ReportLine.precedes((keys(right), b), (keys(left), a))
        }
        let order = required.sorted(by: smallerFirst) + rest.sorted(by: smallerFirst)
        return Plan(order: order, required: required.count, wholes: wholes)
    }

    /// Whether what a whole has beyond a part of it would be a group below the minimum.
    private func exposes(_ part: Int, wholes: [Int]) -> Bool {
        wholes.contains { $0 > part && $0 - part < minimum }
    }

    private static func wholes(ofTable slot: Int, _ counting: Counting) -> [Int] {
        let (group, dimension) = slot.quotientAndRemainder(dividingBy: Dimension.allCases.count)
        guard group > 0 else { return [counting.totals.visitors] }
        let campaign = counting.campaigns[group - 1]
        let isOfEvents = Dimension.ofEvents.contains { $0.rawValue == dimension }
        return isOfEvents ? [campaign.sums.visitors, campaign.touched] : [campaign.sums.visitors]
    }
}

/// Which campaigns keep their numbers. They stand beside one another and can share visits, so none takes up another:
/// they are hidden in a fixed order until the visits outside of all that are shown belong to no small group.
struct CampaignFolding {
    private let minimum: Int
    /// By campaign, what no campaign has last: its place in the order in which they are hidden.
    private var ranks: [Int]
    private var order: [Int] = []
    private var required = 0
    /// Visitors with a visit that only the first 1, 2, 3 … of the order have, each counted where it first holds.
    private var gains: [Int]
    private var firstOfVisitor = Int.max

    init(_ counting: Counting, minimum: Int) {
        self.minimum = minimum
        let sizes = counting.campaigns.map(\.sums.visitors) + [counting.unattributed.visitors]
        let touched = counting.campaigns.map(\.touched) + [counting.unattributed.visitors]
        let total = counting.totals.visitors
        func isSmall(_ visitors: Int) -> Bool { visitors > 0 && visitors < minimum }
        func mustHide(_ item: Int) -> Bool {
            isSmall(sizes[item]) || isSmall(touched[item])
                || sizes[item] > 0
                    && (isSmall(total - sizes[item]) || isSmall(total - counting.exclusiveVisitors[item]))
        }
        let smallerFirst = sizes.indices.sorted { (sizes[$0], $0) < (sizes[$1], $1) }
        order = smallerFirst.filter(mustHide)
        required = order.count
        order += smallerFirst.filter { !mustHide($0) && sizes[$0] > 0 }
        ranks = Array(repeating: 0, count: sizes.count)
        gains = Array(repeating: 0, count: order.count)
        for (rank, item) in order.enumerated() { ranks[item] = rank }
    }

    var isNeeded: Bool { required > 0 }

    mutating func count(_ visit: Visit) {
        let last = visit.attributed.isEmpty ? ranks[ranks.count - 1] : visit.attributed.reduce(0) { max($0, ranks[$1]) }
        firstOfVisitor = min(firstOfVisitor, last)
    }

    mutating func endVisitor() {
        if firstOfVisitor < .max { gains[firstOfVisitor] += 1 }
        firstOfVisitor = .max
    }

    /// By campaign, what no campaign has last.
    var hidden: [Bool] {
        var hidden = Array(repeating: false, count: ranks.count)
        var rest = 0
        for (index, item) in order.enumerated() {
            if index >= required, rest == 0 || rest >= minimum || required == 0 { break }
            hidden[item] = true
            rest += gains[index]
        }
        return hidden
    }
}

extension RowTable {
    /// All rows that a visit counts in, each once.
    mutating func enterRows(of visit: Visit, into entered: inout [Int]) {
        entered.removeAll(keepingCapacity: true)
        guard isKept else { return }
        func enter(_ table: inout RowTable, _ group: Int, _ dimension: Dimension, _ key: UInt32) {
            let row = table.row(group, dimension, key: key)
            if table.enter(row, visit: visit.serial) { entered.append(row) }
        }
        for event in visit.events {
            enter(&self, 0, .pages, event.page)
            enter(&self, 0, .locales, event.locale)
            if let link = event.link { enter(&self, 0, .links, link) }
            for campaign in event.campaigns {
                enter(&self, campaign + 1, .pages, event.page)
                enter(&self, campaign + 1, .locales, event.locale)
                if let link = event.link { enter(&self, campaign + 1, .links, link) }
            }
        }
        for dimension in Dimension.ofVisits {
            let key = visit.key(of: dimension)
            enter(&self, 0, dimension, key)
            for campaign in visit.attributed { enter(&self, campaign + 1, dimension, key) }
        }
    }
}
