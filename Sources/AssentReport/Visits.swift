import AssentCore
import AssentStore

/// A visit with what the rules say of it as a whole.
struct Visit {
    var visitor: VisitorNumber = 0
    /// From 1, ascending; also over several passes.
    var serial = 0
    var events: [CountedEvent] = []
    /// Sums over its events, scrolls not yet among them.
    var sums = Tally()
    var isBounced = false
    /// Campaigns that one of its pageviews matches.
    var attributed = CampaignSet()
    /// Campaigns that its first pageview matches.
    var landing = CampaignSet()
    /// Campaigns that any of its events matches.
    var matched = CampaignSet()
    /// Rows of the tables that take whole visits.
    var source: UInt32 = 0
    var country: UInt32 = 0
    var device: UInt32 = 0
    var day: UInt32 = 0

    /// The key of its row in a table that takes whole visits.
    func key(of dimension: Dimension) -> UInt32 {
        switch dimension {
        case .sources: source
        case .countries: country
        case .devices: device
        case .days: day
        case .pages, .locales, .links: preconditionFailure("a visit has many pages, locales and links")
        }
    }
}

/// Reads the visits of some visitors one after the other.
struct VisitReader {
    private let vocabulary: Vocabulary
    private var merge: EventMerge
    private var places: [EventPlace] = []

    /// - Parameter visitors: by their numbers.
    init(segments: [EventColumns], vocabulary: Vocabulary, of visitors: Range<Int> = EventMerge.allVisitors) {
        self.vocabulary = vocabulary
        merge = EventMerge(segments, of: visitors)
    }

    /// Fills `visit` with the next one. False at the end.
    mutating func next(_ visit: inout Visit) -> Bool {
        guard let visitor = merge.next(into: &places) else { return false }
        visit.visitor = visitor
        visit.serial += 1
        visit.events.removeAll(keepingCapacity: true)
        visit.sums = Tally()
        visit.attributed = CampaignSet()
        visit.matched = CampaignSet()
        visit.landing = CampaignSet()
        var landing: EventPlace?
        for place in places {
            let event = vocabulary.event(at: place)
            visit.events.append(event)
            visit.sums.add(event)
            if !event.campaigns.isEmpty { visit.matched = visit.matched.union(event.campaigns) }
            guard event.kind == .pageview else { continue }
            visit.attributed = visit.attributed.union(event.campaigns)
            if landing == nil {
                landing = place
                visit.landing = event.campaigns
            }
        }
        visit.isBounced =
            visit.sums.pageviews == 1 && visit.sums.actions.isEmpty
            && visit.sums.engagedMilliseconds < Limits.bounceEngagedMilliseconds
        visit.source = landing.map { vocabulary.source(at: $0) } ?? vocabulary.noSource
        visit.country = vocabulary.country(at: landing ?? places[0])
        visit.device = vocabulary.device(at: landing ?? places[0])
        visit.day = vocabulary.day(at: landing ?? places[0])
        return true
    }
}
