import AssentCore

/// Visits that two campaigns both have.
struct Overlap: Equatable {
    /// Places in the configuration, in the order of the campaigns' ids.
    let first: Int
    let second: Int
    let visits: Int
    let visitors: Int
}

extension Counting {
    /// What the campaigns that are shown share, by visits, then by ids; only where something is shared.
    ///
    /// Two campaigns and what both have tell what each has without the other, and what neither has. A pair is left out
    /// where one of these would be a group below the minimum.
    func overlaps(of site: Site, hidden: [Bool]) -> [Overlap] {
        let shown = campaigns.indices.filter { !hidden[$0] && campaigns[$0].sums.visits > 0 }.sorted {
            site.campaigns[$0].id < site.campaigns[$1].id
        }
        var overlaps: [Overlap] = []
        for (place, first) in shown.enumerated() {
            for second in shown.dropFirst(place + 1) {
                let both = relations.both(first, second)
                guard both.visits > 0 else { continue }
                let pair = [(first, second), (second, first)]
                let groups =
                    pair.flatMap { own, other in
                        let visitors = campaigns[own].sums.visitors
                        return [visitors - both.visitors, visitors - relations.visitors(of: own, within: other)]
                    } + [both.visitors, visitorsOutside(first, second)]
                if groups.contains(where: { $0 > 0 && $0 < site.minimumGroup }) { continue }
                overlaps.append(Overlap(first: first, second: second, visits: both.visits, visitors: both.visitors))
            }
        }
        return overlaps.enumerated().sorted { ($1.element.visits, $0.offset) < ($0.element.visits, $1.offset) }
            .map(\.element)
    }

    /// Visitors with a visit that neither of two campaigns has.
    private func visitorsOutside(_ first: Int, _ second: Int) -> Int {
        totals.visitors - exclusiveVisitors[first] - exclusiveVisitors[second]
            - relations.visitorsJoined(first, second)
    }
}

extension Report {
    /// The overlaps to write: all, or those of the only campaign that was asked for.
    var overlaps: [Overlap] {
        let written = campaigns
        if request.campaign == nil { return summary.overlaps }
        return summary.overlaps.filter { written.contains($0.first) || written.contains($0.second) }
    }

    /// Writes which campaigns share how many visits.
    func writeOverlaps(to json: inout JSONWriter) {
        json.array { json in
            for overlap in overlaps {
                json.object { json in
                    json.key("campaigns")
                    json.array { json in
                        json.string(site.campaigns[overlap.first].id)
                        json.string(site.campaigns[overlap.second].id)
                    }
                    json.key("visitors")
                    json.integer(overlap.visitors)
                    json.key("visits")
                    json.integer(overlap.visits)
                }
            }
        }
    }
}
