import AssentCore

/// Which campaigns keep their numbers. They stand beside one another and can share visits, so none takes up another:
/// they are hidden in a fixed order until the visits outside of all that are shown belong to no small group, nor the
/// events outside of all.
///
/// A campaign must be hidden where its visitors are few; where those are few who have a visit, or an event, that it has
/// not; and where it has nothing that another one has not, and what that other has beyond it belongs to few.
struct CampaignFolding {
    private let minimum: Int
    private let sizes: [Int]
    private let isUsed: [Bool]
    /// By campaign, what no campaign has last: whether it must be hidden whatever the rest shows, and its place in the
    /// order in which they are hidden.
    private var isRequired: [Bool]
    private var ranks: [Int]
    private var order: [Int] = []
    /// Visitors with a visit that only the first 1, 2, 3 … of the order have, each counted where it first holds, and
    /// likewise with an event.
    private var gains: [(visits: Int, events: Int)] = []
    private var firstOfVisitor = (visits: Int.max, events: Int.max)
    /// Visitors with an event that neither a campaign matches nor a visit without a campaign has.
    private let visitorsBeside: Int

    init(_ counting: Counting, minimum: Int) {
        self.minimum = minimum
        visitorsBeside = counting.visitorsBeside
        sizes = counting.campaigns.map(\.sums.visitors) + [counting.unattributed.visitors]
        isUsed = counting.campaigns.map { $0.touched > 0 } + [counting.unattributed.visitors > 0]
        ranks = Array(repeating: 0, count: sizes.count)
        isRequired = Array(repeating: false, count: sizes.count)
        let total = counting.totals.visitors
        func isSmall(_ visitors: Int) -> Bool { visitors > 0 && visitors < minimum }
        for item in sizes.indices {
            let outside = sizes[item] > 0 ? [total - sizes[item], total - counting.exclusiveVisitors[item]] : []
            isRequired[item] = ([sizes[item]] + outside).contains(where: isSmall)
        }
        for item in counting.campaigns.indices {
            let touched = counting.campaigns[item].touched
            let inside = [
                touched, counting.relations.visitorsOfMatchesOnly[item], counting.relations.visitorsOfEventsOnly[item],
            ]
            if isSmall(touched) || touched > 0 && inside.contains(where: { isSmall(total - $0) }) {
                isRequired[item] = true
            }
        }
        for inner in sizes.indices.dropLast().sorted(by: { (sizes[$0], $0) < (sizes[$1], $1) }) where sizes[inner] > 0 {
            let isExposed = counting.campaigns.indices.contains { outer in
                !isRequired[outer] && counting.excess(of: outer, over: inner).contains(where: isSmall)
            }
            if isExposed { isRequired[inner] = true }
        }
        arrange()
    }

    private mutating func arrange() {
        let smallerFirst = sizes.indices.filter { isUsed[$0] }.sorted { (sizes[$0], $0) < (sizes[$1], $1) }
        order = smallerFirst.filter { isRequired[$0] } + smallerFirst.filter { !isRequired[$0] }
        for (rank, item) in order.enumerated() { ranks[item] = rank }
    }

    /// Whether some must be hidden, so that the visits have to be seen again.
    var isNeeded: Bool { isRequired.contains(true) || !order.isEmpty && isSmall(visitorsBeside) }

    private func isSmall(_ visitors: Int) -> Bool { visitors > 0 && visitors < minimum }

    /// Starts a pass over the visits, in which what was found to be hidden must be hidden.
    mutating func begin(hidden: [Bool]) {
        for item in hidden.indices where hidden[item] { isRequired[item] = true }
        arrange()
        gains = Array(repeating: (0, 0), count: order.count)
    }

    mutating func count(_ visit: Visit) {
        let without = visit.attributed.isEmpty ? ranks[ranks.count - 1] : -1
        firstOfVisitor.visits = min(firstOfVisitor.visits, visit.attributed.reduce(without) { max($0, ranks[$1]) })
        for event in visit.events {
            firstOfVisitor.events = min(firstOfVisitor.events, event.campaigns.reduce(without) { max($0, ranks[$1]) })
        }
    }

    mutating func endVisitor() {
        if firstOfVisitor.visits < .max { gains[firstOfVisitor.visits].visits += 1 }
        if firstOfVisitor.events >= 0, firstOfVisitor.events < .max { gains[firstOfVisitor.events].events += 1 }
        firstOfVisitor = (.max, .max)
    }

    /// By campaign, what no campaign has last.
    var hidden: [Bool] {
        var hidden = isRequired
        if gains.isEmpty || !isNeeded { return hidden }
        var rest = (visits: 0, events: visitorsBeside)
        for (index, item) in order.enumerated() {
            if !isRequired[item], !isSmall(rest.visits), !isSmall(rest.events) { break }
            hidden[item] = true
            rest.visits += gains[index].visits
            rest.events += gains[index].events
        }
        return hidden
    }
}

extension Counting {
    /// Visitors of what a campaign has beyond another, all of whose visits or events it has too: by number of visitors,
    /// by visits and by events. Empty where the other has something that the first one has not.
    func excess(of outer: Int, over inner: Int) -> [Int] {
        if outer == inner { return [] }
        var excess: [Int] = []
        if hasAllVisits(outer, of: inner) {
            let visitors = campaigns[outer].sums.visitors
            excess += [
                visitors - campaigns[inner].sums.visitors, visitors - relations.visitors(of: outer, within: inner),
            ]
        }
        if hasAllEvents(outer, of: inner) {
            let within = relations.visitorsByEvents(of: outer, within: inner)
            excess += [campaigns[inner].touched, within.visits, within.events].map { campaigns[outer].touched - $0 }
        }
        return excess
    }

    /// Whether a campaign has every visit that another has.
    func hasAllVisits(_ outer: Int, of inner: Int) -> Bool {
        let visitors = campaigns[inner].sums.visitors
        return visitors > 0 && relations.visitors(of: inner, within: outer) == visitors
    }

    /// Whether a campaign matches every event that another matches.
    func hasAllEvents(_ outer: Int, of inner: Int) -> Bool {
        let visitors = campaigns[inner].touched
        return visitors > 0 && relations.visitorsByEvents(of: inner, within: outer).events == visitors
    }
}
