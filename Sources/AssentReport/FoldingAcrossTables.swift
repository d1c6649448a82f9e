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
        var isFolded: [Bool]
        /// Rows that have to be folded besides.
        var added: [Int] = []
        /// Campaigns that have to be hidden besides.
        var hidden = CampaignSet()

        mutating func fold(_ row: Int) {
            if isFolded[row] { return }
            isFolded[row] = true
            added.append(row)
        }
    }

    /// A table that holds another one's rows as parts.
    private struct Nesting {
        let inner: [Int]
        let outer: [Int]
        let innerSlot: Int
        let outerSlot: Int
        /// By row of the inner table, the one with the same key of the outer table, and what that has beyond it.
        var outerRows: [Int: Int] = [:]
        var rests: [Int: Rest] = [:]
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
        var decision = Decision(isFolded: mustFold)
        for plan in plans {
            for row in plan.order.prefix(plan.folded) { decision.isFolded[row] = true }
        }
        for inner in counting.campaigns.indices where !hidesCampaign[inner] {
            let outers = counting.campaigns.indices.filter { $0 != inner && !hidesCampaign[$0] }
            let byVisits = outers.filter { counting.hasAllVisits($0, of: inner) }
            let byEvents = outers.filter { counting.hasAllEvents($0, of: inner) }
            for dimension in Dimension.allCases {
                let campaigns = Dimension.ofEvents.contains(dimension) ? byEvents : byVisits
                for outer in [nil] + campaigns.map(Optional.some) {
                    decide(nesting(inner, in: outer, dimension), &decision)
                }
            }
        }
        decideOnUnions(&decision)
        for row in decision.added { mustFold[row] = true }
        for campaign in decision.hidden { hidesCampaign[campaign] = true }
        return !decision.added.isEmpty || !decision.hidden.isEmpty
    }

    private func nesting(_ inner: Int, in outer: Int?, _ dimension: Dimension) -> Nesting {
        let slots = (RowTable.slot(inner + 1, dimension), RowTable.slot(outer.map { $0 + 1 } ?? 0, dimension))
        var nesting = Nesting(
            inner: plans[slots.0].order, outer: plans[slots.1].order, innerSlot: slots.0, outerSlot: slots.1)
        for row in nesting.inner {
            let known = outer.map { counting.table.row(ofCampaign: $0, like: row) } ?? counting.table.rows[row].outer
            guard let outerRow = known else { continue }
            nesting.outerRows[row] = outerRow
            nesting.rests[row] = rest(of: outerRow, beyond: row)
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
        for row in nesting.inner {
            guard let outer = nesting.outerRows[row], let rest = nesting.rests[row] else { continue }
            if rest.isNone {
                guard decision.isFolded[row] != decision.isFolded[outer] else { continue }
                decision.fold(row)
                decision.fold(outer)
            } else if !rest.isSafe, !decision.isFolded[outer] {
                decision.fold(row)
                // The sum of a table with one row is that row.
                if nesting.inner.count == 1 { decision.fold(outer) }
            }
        }
        let foldedOutside = foldedVisitors(ofTable: nesting.outerSlot)
        for row in nesting.inner where !decision.isFolded[row] {
            guard let outer = nesting.outerRows[row], decision.isFolded[outer], foldedOutside > 0 else { continue }
            if foldedOutside - counting.table.rows[row].tally.visitors < minimum { decision.fold(row) }
        }
        while foldedOutside > 0 || foldedVisitors(ofTable: nesting.innerSlot) > 0, !isSafe(nesting, decision) {
            let left = nesting.inner.filter { !decision.isFolded[$0] }
            let outerOfInner = nesting.inner.compactMap { nesting.outerRows[$0] }.filter { !decision.isFolded[$0] }
            let next =
                left.first ?? outerOfInner.min {
                    (counting.table.rows[$0].tally.visitors, $0) < (counting.table.rows[$1].tally.visitors, $1)
                } ?? nesting.outer.first { !decision.isFolded[$0] }
            guard let next else { return }
            decision.fold(next)
            if let outer = nesting.outerRows[next], nesting.rests[next]?.isNone == true { decision.fold(outer) }
        }
    }

    /// Whether what the folded rows of two tables leave of one another belongs to no small group.
    private func isSafe(_ nesting: Nesting, _ decision: Decision) -> Bool {
        let outside = nesting.outer.filter { decision.isFolded[$0] }
        if outside.count == nesting.outer.count { return true }
        let inside = nesting.inner.filter { decision.isFolded[$0] }
        let outerOfInside = Set(inside.compactMap { nesting.outerRows[$0] })
        let innerOfOuter = Dictionary(
            nesting.outerRows.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
        let measured = Set(plans[nesting.innerSlot].order.prefix(plans[nesting.innerSlot].folded))
        func visitors(_ rows: some Sequence<Int>) -> Int {
            rows.reduce(0) { $0 + counting.table.rows[$1].tally.visitors }
        }
        let visitorsInside =
            foldedVisitors(ofTable: nesting.innerSlot) + visitors(inside.filter { !measured.contains($0) })

        func isSafe(_ outer: some Sequence<Int>, visitors: Int, beyond inner: Int, isPair: Bool) -> Bool {
            let rests = outer.map { row in
                innerOfOuter[row].flatMap { nesting.rests[$0] }
                    ?? Rest(isNone: false, visitors: counting.table.rows[row].tally.visitors, isSafe: true)
            }
            if rests.allSatisfy(\.isNone) || visitors - inner >= minimum { return true }
            return !isPair && rests.contains { $0.visitors >= minimum }
        }
        let isJoint = !outerOfInside.isDisjoint(with: outside)
        let isOutsideInside = outside.allSatisfy { outer in
            innerOfOuter[outer].flatMap { nesting.rests[$0]?.isNone } ?? false
        }
        if !outside.isEmpty, isOutsideInside {
            // The outer `other` is a part of the inner table then.
            let foldedOutside = foldedVisitors(ofTable: nesting.outerSlot)
            let wholes = counting.campaigns[nesting.innerSlot / Dimension.allCases.count - 1]
            let isExposed = [wholes.sums.visitors, wholes.touched].contains {
                $0 > foldedOutside && $0 - foldedOutside < minimum
            }
            let folded = foldedVisitors(ofTable: nesting.innerSlot)
            if isExposed || !outerOfInside.isSubset(of: outside) && folded - foldedOutside < minimum { return false }
        }
        if !outside.isEmpty {
            let shownInside = outside.compactMap { innerOfOuter[$0] }.filter { !decision.isFolded[$0] }
            if isJoint || !shownInside.isEmpty {
                let isSafe = isSafe(
                    Set(outside).union(isJoint ? outerOfInside : []),
                    visitors: foldedVisitors(ofTable: nesting.outerSlot),
                    beyond: visitors(shownInside) + (isJoint ? visitorsInside : 0),
                    isPair: isJoint && outerOfInside.isSubset(of: outside))
                if !isSafe { return false }
            }
        }
        if inside.isEmpty || isJoint { return true }
        if inside.count == 1 { return nesting.rests[inside[0]]?.isSafe ?? true }
        let largest = outerOfInside.map { counting.table.rows[$0].tally.visitors }.max() ?? 0
        return isSafe(outerOfInside, visitors: largest, beyond: visitorsInside, isPair: false)
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
                if isShown(outer, decision) { decision.hidden.insert(rows[part].slot / Dimension.allCases.count - 1) }
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
        let group = slot / Dimension.allCases.count
        if group > 0, hidesCampaign[group - 1] { return false }
        return !decision.isFolded[row] || plans[slot].order.count { decision.isFolded[$0] } == 1
    }
}
