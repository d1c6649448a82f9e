import AssentCore

/// How campaigns lie to one another: what two of them share, and which has all that another has.
///
/// Cost: for each visit and each event the campaigns that it has, and for a visit and a visitor of several campaigns
/// their pairs; memory is six numbers for each pair of campaigns.
struct CampaignRelations {
    private let count: Int
    /// By two campaigns: visits that both have, and visitors with such a visit.
    private var visitsOfBoth: [Int32]
    private var visitorsOfBoth: [Int32]
    /// By two campaigns: visitors of the first all of whose visits of it the second has too; likewise by visits that any
    /// event matches, and by events.
    private var visitorsWithin: [Int32]
    private var visitorsWithinByMatches: [Int32]
    private var visitorsWithinByEvents: [Int32]
    /// By two campaigns: visitors with a visit of the first, all of whose other visits the second has, less those all of
    /// whose visits the second has.
    private var visitorsJoined: [Int32]
    /// By campaign: visitors all of whose visits it matches with any event, and all of whose events it matches.
    private(set) var visitorsOfMatchesOnly: [Int]
    private(set) var visitorsOfEventsOnly: [Int]

    // Of the present visitor: by campaign the campaigns that all of its visits have, that any of them has, that all of
    // those that it matches have, and that all of its events have; and the campaigns of all visits and of all events.
    private var commonOfVisits: [CampaignSet]
    private var anyOfVisits: [CampaignSet]
    private var commonOfMatches: [CampaignSet]
    private var commonOfEvents: [CampaignSet]
    private var matchedBefore = CampaignSet()
    private var seen = CampaignSet()
    private var commonMatches: CampaignSet?
    private var commonEvents: CampaignSet?
    /// The different sets of campaigns that visits of the present visitor have.
    private var sets: [CampaignSet] = []

    init(campaigns count: Int) {
        self.count = count
        visitsOfBoth = Array(repeating: 0, count: count * count)
        visitorsOfBoth = visitsOfBoth
        visitorsWithin = visitsOfBoth
        visitorsWithinByMatches = visitsOfBoth
        visitorsWithinByEvents = visitsOfBoth
        visitorsJoined = visitsOfBoth
        visitorsOfMatchesOnly = Array(repeating: 0, count: count)
        visitorsOfEventsOnly = visitorsOfMatchesOnly
        commonOfVisits = Array(repeating: CampaignSet(), count: count)
        anyOfVisits = commonOfVisits
        commonOfMatches = commonOfVisits
        commonOfEvents = commonOfVisits
    }

    /// Adds what was counted of other visitors; both are at the end of a visitor.
    mutating func add(ofOthers other: CampaignRelations) {
        for pair in visitsOfBoth.indices {
            visitsOfBoth[pair] += other.visitsOfBoth[pair]
            visitorsOfBoth[pair] += other.visitorsOfBoth[pair]
            visitorsWithin[pair] += other.visitorsWithin[pair]
            visitorsWithinByMatches[pair] += other.visitorsWithinByMatches[pair]
            visitorsWithinByEvents[pair] += other.visitorsWithinByEvents[pair]
            visitorsJoined[pair] += other.visitorsJoined[pair]
        }
        for campaign in 0..<count {
            visitorsOfMatchesOnly[campaign] += other.visitorsOfMatchesOnly[campaign]
            visitorsOfEventsOnly[campaign] += other.visitorsOfEventsOnly[campaign]
        }
    }

    mutating func count(_ event: CountedEvent) {
        commonEvents = commonEvents?.intersection(event.campaigns) ?? event.campaigns
        for campaign in event.campaigns {
            commonOfEvents[campaign] =
                seen.contains(campaign) ? commonOfEvents[campaign].intersection(event.campaigns) : event.campaigns
        }
        seen = seen.union(event.campaigns)
    }

    /// Counts a visit.
    /// - Parameter visitor: campaigns of earlier visits of the visitor.
    mutating func count(_ visit: Visit, visitor: CampaignSet) {
        commonMatches = commonMatches?.intersection(visit.matched) ?? visit.matched
        for campaign in visit.matched {
            let isFirst = !matchedBefore.contains(campaign)
            commonOfMatches[campaign] = isFirst ? visit.matched : commonOfMatches[campaign].intersection(visit.matched)
        }
        matchedBefore = matchedBefore.union(visit.matched)
        if sets.last != visit.attributed, !sets.contains(visit.attributed) { sets.append(visit.attributed) }
        for campaign in visit.attributed {
            let isFirst = !visitor.contains(campaign)
            commonOfVisits[campaign] =
                isFirst ? visit.attributed : commonOfVisits[campaign].intersection(visit.attributed)
            anyOfVisits[campaign] = isFirst ? visit.attributed : anyOfVisits[campaign].union(visit.attributed)
            for other in visit.attributed { visitsOfBoth[campaign * count + other] += 1 }
        }
    }

    /// Counts a visitor once all visits were counted.
    mutating func endVisitor(attributed: CampaignSet) {
        for campaign in attributed {
            for other in commonOfVisits[campaign] { visitorsWithin[campaign * count + other] += 1 }
            for other in anyOfVisits[campaign] { visitorsOfBoth[campaign * count + other] += 1 }
            let others = sets.lazy.filter { !$0.contains(campaign) }
            for other in Self.intersection(others) { visitorsJoined[campaign * count + other] += 1 }
            for other in Self.intersection(sets) { visitorsJoined[campaign * count + other] -= 1 }
        }
        sets.removeAll(keepingCapacity: true)
        for campaign in matchedBefore {
            for other in commonOfMatches[campaign] { visitorsWithinByMatches[campaign * count + other] += 1 }
            for other in commonOfEvents[campaign] { visitorsWithinByEvents[campaign * count + other] += 1 }
        }
        for campaign in commonMatches ?? CampaignSet() { visitorsOfMatchesOnly[campaign] += 1 }
        for campaign in commonEvents ?? CampaignSet() { visitorsOfEventsOnly[campaign] += 1 }
        matchedBefore = CampaignSet()
        commonMatches = nil
        commonEvents = nil
        seen = CampaignSet()
    }

    private static func intersection(_ sets: some Sequence<CampaignSet>) -> CampaignSet {
        var intersection: CampaignSet?
        for set in sets { intersection = intersection?.intersection(set) ?? set }
        return intersection ?? CampaignSet()
    }

    /// Visits that both campaigns have, and visitors with such a visit.
    func both(_ first: Int, _ second: Int) -> (visits: Int, visitors: Int) {
        (Int(visitsOfBoth[first * count + second]), Int(visitorsOfBoth[first * count + second]))
    }

    /// Visitors of a campaign all of whose visits of it another has too.
    func visitors(of campaign: Int, within other: Int) -> Int { Int(visitorsWithin[campaign * count + other]) }

    /// Visitors all of whose visits that a campaign matches another matches too, and all of whose matching events.
    func visitorsByEvents(of campaign: Int, within other: Int) -> (visits: Int, events: Int) {
        let place = campaign * count + other
        return (Int(visitorsWithinByMatches[place]), Int(visitorsWithinByEvents[place]))
    }

    /// Of the visitors all of whose visits one of two campaigns has, those that neither has alone, less those all of
    /// whose visits both have.
    func visitorsJoined(_ first: Int, _ second: Int) -> Int { Int(visitorsJoined[first * count + second]) }
}
