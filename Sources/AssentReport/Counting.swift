import AssentCore

/// The first pass over the visits: every number of every row, nothing folded yet.
struct Counting {
    private(set) var table: RowTable
    private(set) var totals = Tally()
    /// Over the visits that no campaign has.
    private(set) var unattributed = Tally()
    private(set) var campaigns: [CampaignTally]
    /// For each campaign, and at the end for ``unattributed``: visitors all of whose visits it has.
    private(set) var exclusiveVisitors: [Int]
    private(set) var relations: CampaignRelations
    /// Visitors with an event that no campaign matches, in a visit that one has.
    private(set) var visitorsBeside = 0
    private var lastBeside: VisitorNumber = 0

    /// What is known of the visitor whose visits come at present.
    private var visitor: VisitorNumber = 0
    private var visitsOfVisitor = 0
    /// Visits of that visitor by campaign, and without one at the end.
    private var visitsByCampaign: [Int]
    /// Visits of that visitor that have an event of a campaign.
    private var matchedByCampaign: [Int]
    private var campaignsOfVisitor = CampaignSet()
    private var touchedByVisitor = CampaignSet()

    /// Matching engaged time of the visit that is being counted, in milliseconds.
    private var engagedByCampaign: [Int]
    /// Whether all events of that visit have one locale, and pages are counted before locales.
    private var hasOneLocale = true
    private var entered: [Int] = []
    private let dimensionsOfEvents: [Dimension]
    private let dimensionsOfVisits: [Dimension]

    /// - Parameter tables: the kinds of table whose rows are counted too.
    init(campaigns count: Int, tables: [Dimension]) {
        table = RowTable(tables)
        dimensionsOfEvents = tables.filter { Dimension.ofEvents.contains($0) }
        dimensionsOfVisits = tables.filter { Dimension.ofVisits.contains($0) }
        campaigns = Array(repeating: CampaignTally(), count: count)
        exclusiveVisitors = Array(repeating: 0, count: count + 1)
        relations = CampaignRelations(campaigns: count)
        visitsByCampaign = Array(repeating: 0, count: count + 1)
        matchedByCampaign = Array(repeating: 0, count: count)
        engagedByCampaign = Array(repeating: 0, count: count)
    }

    /// Counts one visit; those of a visitor come one after the other.
    mutating func count(_ visit: Visit) {
        if visit.visitor != visitor { begin(visit.visitor) }
        visitsOfVisitor += 1
        var sums = visit.sums
        entered.removeAll(keepingCapacity: true)
        hasOneLocale =
            dimensionsOfEvents.first == .pages && visit.events.allSatisfy { $0.locale == visit.events[0].locale }
        for event in visit.events {
            let rise = countEvent(event, of: visit, group: 0)
            sums.add(rise)
            relations.count(event)
            if event.campaigns.isEmpty {
                if !visit.attributed.isEmpty, lastBeside != visit.visitor {
                    lastBeside = visit.visitor
                    visitorsBeside += 1
                }
                continue
            }
            for campaign in event.campaigns {
                let rise = countEvent(event, of: visit, group: campaign + 1)
                campaigns[campaign].sums.add(event)
                campaigns[campaign].sums.add(rise)
                engagedByCampaign[campaign] += event.engagedMilliseconds
            }
        }
        countWhole(visit, sums, group: 0)
        for campaign in visit.attributed { countWhole(visit, sums, group: campaign + 1) }
        for row in entered { table.countVisit(in: row, bounced: visit.isBounced, visitor: visit.visitor) }
        totals.addSums(of: sums)
        totals.visits += 1
        if visit.isBounced { totals.bounced += 1 }
        attribute(visit, sums)
    }

    /// Counts what is left once the last visit was counted.
    mutating func end() { begin(0) }

    /// Adds what was counted of other visitors; both are at their end.
    mutating func add(ofOthers other: Counting) {
        table.add(ofOthers: other.table)
        totals.add(ofOthers: other.totals)
        unattributed.add(ofOthers: other.unattributed)
        for campaign in campaigns.indices { campaigns[campaign].add(ofOthers: other.campaigns[campaign]) }
        for (place, visitors) in other.exclusiveVisitors.enumerated() { exclusiveVisitors[place] += visitors }
        relations.add(ofOthers: other.relations)
        visitorsBeside += other.visitorsBeside
    }

    private mutating func begin(_ next: VisitorNumber) {
        if visitsOfVisitor > 0 {
            totals.visitors += 1
            for campaign in campaignsOfVisitor {
                campaigns[campaign].sums.visitors += 1
                if visitsByCampaign[campaign] == visitsOfVisitor { exclusiveVisitors[campaign] += 1 }
                visitsByCampaign[campaign] = 0
            }
            table.endVisitor(visits: visitsOfVisitor, ofCampaigns: matchedByCampaign)
            relations.endVisitor(attributed: campaignsOfVisitor)
            for campaign in touchedByVisitor {
                campaigns[campaign].touched += 1
                matchedByCampaign[campaign] = 0
            }
            let last = campaigns.count
            if visitsByCampaign[last] > 0 { unattributed.visitors += 1 }
            if visitsByCampaign[last] == visitsOfVisitor { exclusiveVisitors[last] += 1 }
            visitsByCampaign[last] = 0
        }
        visitor = next
        visitsOfVisitor = 0
        campaignsOfVisitor = CampaignSet()
        touchedByVisitor = CampaignSet()
    }

    /// Counts an event in the tables whose rows take single events.
    private mutating func countEvent(_ event: CountedEvent, of visit: Visit, group: Int) -> RowTable.Rise {
        var rise = RowTable.Rise()
        for dimension in dimensionsOfEvents {
            let row = table.row(group, dimension, key: event.key(of: dimension))
            if table.enter(row, visit: visit.serial) { entered.append(row) }
            table.add(event, to: row)
            if group == 0, event.campaigns.isEmpty { table.addUncovered(to: row, visitor: visit.visitor) }
            guard let depth = event.scroll else { continue }
            if dimension == .pages {
                rise = table.scroll(to: depth, pageRow: row, visit: visit.serial)
            } else if dimension == .locales, hasOneLocale {
                // Then a page in that locale is the page, of which it is known.
                table.add(rise, to: row)
            } else {
                table.scroll(to: depth, row: row, page: event.page, visit: visit.serial)
            }
        }
        return rise
    }

    /// Counts a visit in the tables whose rows take whole visits.
    private mutating func countWhole(_ visit: Visit, _ sums: Tally, group: Int) {
        for dimension in dimensionsOfVisits {
            let row = table.row(group, dimension, key: visit.key(of: dimension))
            if table.enter(row, visit: visit.serial) { entered.append(row) }
            table.addSums(of: sums, to: row)
            if group == 0, visit.attributed.isEmpty { table.addUncovered(to: row, visitor: visit.visitor) }
        }
    }

    private mutating func attribute(_ visit: Visit, _ sums: Tally) {
        for campaign in visit.attributed {
            campaigns[campaign].sums.visits += 1
            campaigns[campaign].engagedOfVisits.append(engagedByCampaign[campaign])
            visitsByCampaign[campaign] += 1
        }
        for campaign in visit.landing {
            campaigns[campaign].landings += 1
            if visit.isBounced { campaigns[campaign].bouncedLandings += 1 }
        }
        for campaign in visit.matched {
            engagedByCampaign[campaign] = 0
            matchedByCampaign[campaign] += 1
        }
        relations.count(visit, visitor: campaignsOfVisitor)
        campaignsOfVisitor = campaignsOfVisitor.union(visit.attributed)
        touchedByVisitor = touchedByVisitor.union(visit.matched)
        guard visit.attributed.isEmpty else { return }
        visitsByCampaign[campaigns.count] += 1
        unattributed.addSums(of: sums)
        unattributed.visits += 1
        if visit.isBounced { unattributed.bounced += 1 }
    }
}

extension Dimension {
    /// Tables whose rows take single events: a visit counts in every row that has one of its events.
    static let ofEvents: [Dimension] = [.pages, .locales, .links]
    /// Tables whose rows take whole visits: each is in exactly one row.
    static let ofVisits: [Dimension] = [.sources, .countries, .devices, .days]
}
