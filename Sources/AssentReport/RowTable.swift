import AssentCore

/// The rows of all tables of a report while it is summed up.
///
/// A table is a dimension of a group; group 0 is the whole site, group 1 + n the n-th campaign. Rows of every table
/// stand in one array, in order of their first use.
struct RowTable {
    struct Row {
        /// Which table it belongs to: ``RowTable/slot(_:_:)``.
        let slot: Int
        /// Number of the key in the ``Vocabulary``.
        let key: UInt32
        /// The row of the site's table with the same key; the row itself in a table of the site.
        let outer: Int
        var tally = Tally()
        /// Events that were counted one by one.
        fileprivate(set) var events = 0
        /// Visitors all of whose visits, or all of whose visits that the campaign matches, are in the row.
        fileprivate(set) var visitorsInside = 0
        /// Visitors of the row all of whose visits in ``outer`` are in the row, and all of whose events there are.
        fileprivate(set) var visitorsWithin = 0
        fileprivate(set) var visitorsWithinByEvents = 0
        /// In a table of the site: visitors with something in the row that no campaign has, be it an event or a visit.
        fileprivate(set) var visitorsUncovered = 0
        fileprivate var lastUncovered: VisitorNumber = 0
        fileprivate var visitsOfVisitor = 0
        fileprivate var eventsOfVisitor = 0
        /// Serial number of the last visit and the last visitor that were counted, so that each counts once.
        fileprivate(set) var lastVisit = 0
        fileprivate(set) var lastVisitor: VisitorNumber = 0
        /// The visit whose deepest scroll on the row's page is ``deepest``.
        fileprivate var scrolledVisit = 0
        fileprivate var deepest = 0

        fileprivate init(slot: Int, key: UInt32, outer: Int) {
            self.slot = slot
            self.key = key
            self.outer = outer
        }
    }

    /// By how much a scroll deepened what was known of a visit's page.
    struct Rise {
        var percent = 0
        /// Whether nothing was known of it before.
        var isFirst = false
    }

    /// The kinds of table that are counted.
    let dimensions: [Dimension]
    private(set) var rows: [Row] = []
    /// Row numbers of the site's own tables by key, and of the others by table and key; -1 where there is none yet.
    private var ofSite: [[Int32]] = Array(repeating: [], count: Dimension.allCases.count)
    private var ofCampaigns: [UInt64: Int32] = [:]
    /// Deepest scroll on a page within a row that is not a page's own: by row and page.
    private var cells: [UInt64: (visit: Int, deepest: Int)] = [:]
    /// Rows that the present visitor has visits in.
    private var rowsOfVisitor: [Int] = []

    init(_ dimensions: [Dimension]) { self.dimensions = dimensions }

    /// Number of a table.
    static func slot(_ group: Int, _ dimension: Dimension) -> Int {
        group * Dimension.allCases.count + dimension.rawValue
    }

    /// The row of a key, made if it is new.
    mutating func row(_ group: Int, _ dimension: Dimension, key: UInt32) -> Int {
        if group == 0 {
            let missing = Int(key) + 1 - ofSite[dimension.rawValue].count
            if missing > 0 { ofSite[dimension.rawValue] += repeatElement(-1, count: missing) }
            let known = ofSite[dimension.rawValue][Int(key)]
            if known >= 0 { return Int(known) }
            ofSite[dimension.rawValue][Int(key)] = Int32(rows.count)
        } else {
            let place = UInt64(Self.slot(group, dimension)) << 32 | UInt64(key)
            if let known = ofCampaigns[place] { return Int(known) }
            let outer = self.row(0, dimension, key: key)
            ofCampaigns[place] = Int32(rows.count)
            rows.append(Row(slot: Self.slot(group, dimension), key: key, outer: outer))
            return rows.count - 1
        }
        rows.append(Row(slot: Self.slot(group, dimension), key: key, outer: rows.count))
        return rows.count - 1
    }

    /// The row of a campaign's table with the key of another row; nil where it has none.
    func row(ofCampaign campaign: Int, like row: Int) -> Int? {
        let slot = (campaign + 1) * Dimension.allCases.count + rows[row].slot % Dimension.allCases.count
        return ofCampaigns[UInt64(slot) << 32 | UInt64(rows[row].key)].map { Int($0) }
    }

    /// Adds the rows of another table, which counted other visitors; both are at the end of a visitor. Visits that are
    /// counted afterwards have higher serial numbers than those of both.
    mutating func add(ofOthers other: RowTable) {
        for row in other.rows {
            let (group, dimension) = row.slot.quotientAndRemainder(dividingBy: Dimension.allCases.count)
            let mine = self.row(group, Dimension.allCases[dimension], key: row.key)
            rows[mine].tally.add(ofOthers: row.tally)
            rows[mine].events += row.events
            rows[mine].visitorsInside += row.visitorsInside
            rows[mine].visitorsWithin += row.visitorsWithin
            rows[mine].visitorsWithinByEvents += row.visitorsWithinByEvents
            rows[mine].visitorsUncovered += row.visitorsUncovered
        }
    }

    /// Counts an event by itself.
    mutating func add(_ event: CountedEvent, to row: Int) {
        rows[row].tally.add(event)
        rows[row].events += 1
        rows[row].eventsOfVisitor += 1
    }

    /// Counts that a visitor has something in a row of the site that no campaign has.
    mutating func addUncovered(to row: Int, visitor: VisitorNumber) {
        if rows[row].lastUncovered == visitor { return }
        rows[row].lastUncovered = visitor
        rows[row].visitorsUncovered += 1
    }

    /// Counts a scroll that is known of another row.
    mutating func add(_ rise: Rise, to row: Int) { rows[row].tally.add(rise) }

    /// Counts the sums of a whole visit.
    mutating func addSums(of visit: Tally, to row: Int) { rows[row].tally.addSums(of: visit) }

    /// Whether a visit has not been seen in a row before.
    mutating func enter(_ row: Int, visit: Int) -> Bool {
        if rows[row].lastVisit == visit { return false }
        rows[row].lastVisit = visit
        return true
    }

    /// Counts a visit in a row that it entered.
    mutating func countVisit(in row: Int, bounced: Bool, visitor: VisitorNumber) {
        rows[row].tally.visits += 1
        if bounced { rows[row].tally.bounced += 1 }
        rows[row].visitsOfVisitor += 1
        if rows[row].lastVisitor != visitor {
            rows[row].lastVisitor = visitor
            rows[row].tally.visitors += 1
            rowsOfVisitor.append(row)
        }
    }

    /// Compares what a visitor has in each row with what the visitor has around it, once all visits were counted.
    /// - Parameter visits: visits of the visitor in all, and for each campaign those that it matches.
    mutating func endVisitor(visits: Int, ofCampaigns visitsByCampaign: [Int]) {
        let dimensions = Dimension.allCases.count
        for row in rowsOfVisitor {
            let group = rows[row].slot / dimensions
            let whole = group == 0 ? visits : visitsByCampaign[group - 1]
            if rows[row].visitsOfVisitor == whole { rows[row].visitorsInside += 1 }
            if group == 0 { continue }
            let outer = rows[row].outer
            if rows[row].visitsOfVisitor == rows[outer].visitsOfVisitor { rows[row].visitorsWithin += 1 }
            if rows[row].eventsOfVisitor == rows[outer].eventsOfVisitor { rows[row].visitorsWithinByEvents += 1 }
        }
        for row in rowsOfVisitor {
            rows[row].visitsOfVisitor = 0
            rows[row].eventsOfVisitor = 0
        }
        rowsOfVisitor.removeAll(keepingCapacity: true)
    }

    /// Counts a scroll in the row of its own page.
    mutating func scroll(to depth: Int, pageRow row: Int, visit: Int) -> Rise {
        var rise = Rise()
        if rows[row].scrolledVisit != visit {
            rows[row].scrolledVisit = visit
            rows[row].deepest = depth
            rise = Rise(percent: depth, isFirst: true)
        } else if depth > rows[row].deepest {
            rise = Rise(percent: depth - rows[row].deepest)
            rows[row].deepest = depth
        }
        rows[row].tally.add(rise)
        return rise
    }

    /// Counts a scroll on a page in a row that holds several pages.
    mutating func scroll(to depth: Int, row: Int, page: UInt32, visit: Int) {
        let cell = UInt64(row) << 32 | UInt64(page)
        var rise = Rise(percent: depth, isFirst: true)
        if let known = cells[cell], known.visit == visit {
            rise = Rise(percent: max(0, depth - known.deepest))
        }
        if rise.isFirst || rise.percent > 0 { cells[cell] = (visit, depth) }
        rows[row].tally.add(rise)
    }
}

extension Tally {
    /// Counts that a visit's deepest scroll on a page rose.
    mutating func add(_ rise: RowTable.Rise) {
        scrollSum += rise.percent
        if rise.isFirst { scrolled += 1 }
    }
}
