import AssentCore

/// What subtraction of one table's numbers from another's would show.
///
/// A campaign's table is a part of the site's table of the same kind, row by row, and of that of another campaign which
/// has all that it has. So the rest of each outer row, what the inner row has not, is known too, and must belong to
/// nobody or to enough visitors: in number, by visits and, where rows take single events, by events. The same holds for
/// what the two `other` rows take up, as far as the rows that are shown separate it: for every set of keys that is whole
/// rows on both sides. It is enough to look at the smallest such sets, because the rest of two of them is two rests.
///
/// The inner table gives way, being the smaller one. A row that is the whole of its outer row is folded in both or in
/// neither: where one shows it, folding it in the other hides nothing. Only where the inner table has folded all that it
/// has, and its sum is still too near to rows outside of it, these fold as well.
///
/// Two things are judged by bounds and not counted, which takes no pass and folds rather too much than too little:
///  - The rest of several rows has at least the visitors of the largest rest among them, and at least the visitors of all
///    rows outside less those of all rows inside.
///  - What a campaign has beyond another in one row has at least as many visitors as the two numbers of visitors differ.
///
/// What a row of the site has beyond the same row of *all* campaigns that show it is held to the same rule, by bounds of
/// the same kind; what it has beyond some of them is more. Not looked at is what several campaigns together leave of
/// an `other` row.
extension Folding {
    /// What an outer row has beyond an inner one.
    private struct Rest {
        /// Whether it is nothing.
        var isNone: Bool
        /// Visitors that it has at least.
        var visitors: Int
        /// Whether both rows can be shown by themselves.
        var isSafe: Bool
    }

    /// Rows that are folded, while it is decided.
    private struct Decision {
        let minimum: Int
        let rows: [RowTable.Row]
        var isFolded: [Bool]
        /// By table: how many rows are folded, and those of them that have the minimum of visitors.
        var counts: [Int]
        var large: [[Int]]
        /// Rows that have to be folded besides.
        var added: [Int] = []
        /// Tables that have to be hidden besides.
        var hidden: Set<Int> = []

        init(_ plans: [Plan], rows: [RowTable.Row], minimum: Int) {
            self.minimum = minimum
            self.rows = rows
            isFolded = Array(repeating: false, count: rows.count)
            counts = Array(repeating: 0, count: plans.count)
            large = Array(repeating: [], count: plans.count)
            for plan in plans {
                for row in plan.order.prefix(plan.folded) { fold(row) }
            }
            added = []
        }

        mutating func fold(_ row: Int) {
            if isFolded[row] { return }
            isFolded[row] = true
            counts[rows[row].slot] += 1
            if rows[row].tally.visitors >= minimum { large[rows[row].slot].append(row) }
            added.append(row)
        }
    }

    /// A table and one that holds its rows as parts.
    private struct Nesting {
        /// A row of the inner table, the one with the same key of the outer table, and what that has beyond it.
        struct Part {
            let row: Int
            let outer: Int
            let rest: Rest
        }

        let inner: Int
        let outer: Int
        /// In the order in which the rows of the inner table are folded.
        var parts: [Part] = []
    }

    /// Whether a row of a campaign has all that the row of the site with the same key has.
    func isWholeOfOuter(_ row: Int) -> Bool {
        let outer = counting.table.rows[row].outer
        return outer != row && rest(of: outer, beyond: row).isNone
    }

    /// Marks what must be folded because of other tables, as far as the present state of all is known.
    /// - Returns: whether that is more than is folded now.
    mutating func foldAcrossTables() -> Bool {
        if minimum <= 1 { return false }
        var decision = Decision(plans, rows: counting.table.rows, minimum: minimum)
        for inner in counting.campaigns.indices where !hidesCampaign[inner] {
            let outers = counting.campaigns.indices.filter { $0 != inner && !hidesCampaign[$0] }
            let byVisits = outers.filter { counting.hasAllVisits($0, of: inner) }
            let byEvents = outers.filter { counting.hasAllEvents($0, of: inner) }
            for dimension in Dimension.allCases {
                let campaigns = Dimension.ofEvents.contains(dimension) ? byEvents : byVisits
                for outer in [nil] + campaigns.map(Optional.some) {
                    let nesting = nesting(inner, in: outer, dimension)
                    if !isHidden(nesting.inner), !isHidden(nesting.outer) { decide(nesting, &decision) }
                }
            }
        }
        decideOnUnions(&decision)
        for row in decision.added { mustFold[row] = true }
        for slot in decision.hidden { hidesTable[slot] = true }
        return !decision.added.isEmpty || !decision.hidden.isEmpty
    }

    private func nesting(_ inner: Int, in outer: Int?, _ dimension: Dimension) -> Nesting {
        let inner = RowTable.slot(inner + 1, dimension)
        var nesting = Nesting(inner: inner, outer: RowTable.slot(outer.map { $0 + 1 } ?? 0, dimension))
        nesting.parts = plans[inner].order.map { row in
            let known = outer.map { counting.table.row(ofCampaign: $0, like: row) } ?? counting.table.rows[row].outer
            guard let known else { preconditionFailure("a campaign that has all of another has its rows") }
            return Nesting.Part(row: row, outer: known, rest: rest(of: known, beyond: row))
        }
        return nesting
    }

    private func rest(of outer: Int, beyond inner: Int) -> Rest {
        let (outerRow, row) = (counting.table.rows[outer], counting.table.rows[inner])
        let isOfEvents = Dimension.ofEvents.contains { $0.rawValue == row.slot % Dimension.allCases.count }
        let visitors = outerRow.tally.visitors - row.tally.visitors
        func isSmall(_ rest: Int) -> Bool { rest > 0 && rest < minimum }
        guard outer == row.outer else {
            let isNone = isOfEvents ? outerRow.events == row.events : outerRow.tally.visits == row.tally.visits
            return Rest(isNone: isNone, visitors: visitors, isSafe: isNone || visitors >= minimum)
        }
        let byVisits = outerRow.tally.visitors - row.visitorsWithin
        let rest = isOfEvents ? outerRow.tally.visitors - row.visitorsWithinByEvents : byVisits
        return Rest(
            isNone: rest == 0, visitors: rest, isSafe: !isSmall(visitors) && !isSmall(byVisits) && !isSmall(rest))
    }

    private func decide(_ nesting: Nesting, _ decision: inout Decision) {
        for part in nesting.parts {
            if part.rest.isNone {
                guard decision.isFolded[part.row] != decision.isFolded[part.outer] else { continue }
                decision.fold(part.row)
                decision.fold(part.outer)
            } else if !part.rest.isSafe, !decision.isFolded[part.outer] {
                decision.fold(part.row)
                // The sum of a table with one row is that row.
                if nesting.parts.count == 1 { decision.fold(part.outer) }
            }
        }
        let outside = foldedVisitors(ofTable: nesting.outer)
        for part in nesting.parts where outside > 0 && decision.isFolded[part.outer] {
            if outside - counting.table.rows[part.row].tally.visitors < minimum { decision.fold(part.row) }
        }
        if outside == 0, foldedVisitors(ofTable: nesting.inner) == 0 { return }
        while !isSafe(nesting, decision) {
            let part =
                nesting.parts.first { !decision.isFolded[$0.row] }
                ?? nesting.parts.filter { !decision.isFolded[$0.outer] }.min {
                    (counting.table.rows[$0.outer].tally.visitors, $0.outer)
                        < (counting.table.rows[$1.outer].tally.visitors, $1.outer)
                }
            if let part {
                if part.rest.isNone || decision.isFolded[part.row] { decision.fold(part.outer) }
                decision.fold(part.row)
            } else if let next = plans[nesting.outer].order.first(where: { !decision.isFolded[$0] }) {
                decision.fold(next)
            } else {
                return
            }
        }
    }

    /// Whether what the folded rows of two tables leave of one another belongs to no small group.
    private func isSafe(_ nesting: Nesting, _ decision: Decision) -> Bool {
        let rows = counting.table.rows
        let foldedOutside = decision.counts[nesting.outer]
        if foldedOutside == plans[nesting.outer].order.count { return true }
        func visitors(_ parts: [Nesting.Part]) -> Int { parts.reduce(0) { $0 + rows[$1.row].tally.visitors } }
        let inside = nesting.parts.filter { decision.isFolded[$0.row] }
        let inBoth = inside.filter { decision.isFolded[$0.outer] }
        let shown = nesting.parts.filter { decision.isFolded[$0.outer] && !decision.isFolded[$0.row] }
        let visitorsOutside = foldedVisitors(ofTable: nesting.outer)
        let measured = foldedVisitors(ofTable: nesting.inner)
        // Parts stand in the order in which they were folded when it was measured.
        let visitorsInside =
            measured
            + visitors(nesting.parts.dropFirst(plans[nesting.inner].folded).filter { decision.isFolded[$0.row] })

        if foldedOutside > 0, (inBoth + shown).count(where: \.rest.isNone) == foldedOutside {
            // The outer `other` is a part of the inner table then.
            let campaign = counting.campaigns[nesting.inner / Dimension.allCases.count - 1]
            let isExposed = [campaign.sums.visitors, campaign.touched].contains {
                $0 > visitorsOutside && $0 - visitorsOutside < minimum
            }
            if isExposed || inside.count > inBoth.count && measured - visitorsOutside < minimum { return false }
        }
        if !inBoth.isEmpty || !shown.isEmpty {
            let parts = shown + (inBoth.isEmpty ? [] : inside)
            let rest = visitorsOutside - visitors(shown) - (inBoth.isEmpty ? 0 : visitorsInside)
            let isNone = inBoth.count + shown.count == foldedOutside && parts.allSatisfy(\.rest.isNone)
            let isPair = !inBoth.isEmpty && inside.count == inBoth.count
            if !isNone, rest < minimum {
                let known = Set(parts.map(\.outer))
                let isLarge =
                    parts.contains { $0.rest.visitors >= minimum }
                    || decision.large[nesting.outer].contains { !known.contains($0) }
                if isPair || !isLarge { return false }
            }
        }
        if inside.isEmpty || !inBoth.isEmpty { return true }
        if inside.count == 1 { return inside[0].rest.isSafe }
        let largest = inside.reduce(0) { max($0, rows[$1.outer].tally.visitors) }
        return inside.allSatisfy(\.rest.isNone) || largest - visitorsInside >= minimum
            || inside.contains { $0.rest.visitors >= minimum }
    }

    /// What a row of the site has beyond the same rows of all campaigns that show it.
    private func decideOnUnions(_ decision: inout Decision) {
        let rows = counting.table.rows
        var parts: [Int: [Int]] = [:]
        for (index, row) in rows.enumerated() where row.outer != index { parts[row.outer, default: []].append(index) }
        for (outer, all) in parts.sorted(by: { $0.key < $1.key }) where isShown(outer, decision) {
            if rows[outer].visitorsUncovered >= minimum { continue }
            var shown = all.filter { isShown($0, decision) }
            shown.sort { (rows[$0].tally.visitors, rows[$0].slot) < (rows[$1].tally.visitors, rows[$1].slot) }
            while shown.count > 1, !shown.contains(where: isWholeOfOuter) {
                let isCovered = shown.count == all.count && rows[outer].visitorsUncovered == 0
                let left = shown.reduce(rows[outer].tally.visitors) { $0 - rows[$1].tally.visitors }
                if isCovered || left >= minimum { break }
                let part = shown.removeFirst()
                hide(part, &decision)
                if !isShown(part, decision) { continue }
                hide(outer, &decision)
                if isShown(outer, decision) { decision.hidden.insert(rows[part].slot) }
                break
            }
        }
    }

    /// Folds a row together with another one, so that its own numbers are not known, if its table has another.
    private func hide(_ row: Int, _ decision: inout Decision) {
        decision.fold(row)
        guard isShown(row, decision) else { return }
        let next = plans[counting.table.rows[row].slot].order.first { !decision.isFolded[$0] }
        if let next { decision.fold(next) }
    }

    /// Whether the numbers of a row are known: because it is not folded, or because it is by itself in `other`.
    private func isShown(_ row: Int, _ decision: Decision) -> Bool {
        let slot = counting.table.rows[row].slot
        if isHidden(slot) || decision.hidden.contains(slot) { return false }
        return !decision.isFolded[row] || decision.counts[slot] == 1
    }
}
