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
        var tally = Tally()
        /// Serial number of the last visit and the last visitor that were counted, so that each counts once.
        fileprivate(set) var lastVisit = 0
        fileprivate(set) var lastVisitor: VisitorNumber = 0
        /// The visit whose deepest scroll on the row's page is ``deepest``.
        fileprivate var scrolledVisit = 0
        fileprivate var deepest = 0

        fileprivate init(slot: Int, key: UInt32) {
            self.slot = slot
            self.key = key
        }
    }

    /// By how much a scroll deepened what was known of a visit's page.
    struct Rise {
        var percent = 0
        /// Whether nothing was known of it before.
        var isFirst = false
    }

    /// Whether there are rows at all.
    let isKept: Bool
    private(set) var rows: [Row] = []
    /// Row numbers of the site's own tables by key, and of the others by table and key; -1 where there is none yet.
    private var ofSite: [[Int32]] = Array(repeating: [], count: Dimension.allCases.count)
    private var ofCampaigns: [UInt64: Int32] = [:]
    /// Deepest scroll on a page within a row that is not a page's own: by row and page.
    private var cells: [UInt64: (visit: Int, deepest: Int)] = [:]

    init(isKept: Bool) { self.isKept = isKept }

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
            ofCampaigns[place] = Int32(rows.count)
        }
        rows.append(Row(slot: Self.slot(group, dimension), key: key))
        return rows.count - 1
    }

    /// Counts an event by itself.
    mutating func add(_ event: CountedEvent, to row: Int) { rows[row].tally.add(event) }

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
        if rows[row].lastVisitor != visitor {
            rows[row].lastVisitor = visitor
            rows[row].tally.visitors += 1
        }
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
