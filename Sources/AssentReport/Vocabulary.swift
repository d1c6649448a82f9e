import AssentCore
import AssentStore

/// By what the rows of a table are told apart.
enum Dimension: Int, CaseIterable {
    case pages, sources, locales, countries, devices, days, links

    /// The table's name in JSON.
    var name: String { String(describing: self) }
}

/// An event as the summary counts it: every text is a number, every rule is decided.
struct CountedEvent {
    var kind: Event.Kind
    /// Number of the page in the sense of a report, see ``PathFolding``.
    var page: UInt32
    var locale: UInt32
    /// Number of an action's name.
    var name: UInt32
    /// Number of an action's target; 0 for no target, which is what an event of another kind has too.
    var link: UInt32
    var engagedMilliseconds: Int
    /// In percent; nil if none was said.
    var scroll: Int?
    /// Campaigns that the event matches, their dates included.
    var campaigns: CampaignSet

    /// The key of its row in a table that takes single events.
    func key(of dimension: Dimension) -> UInt32 {
        switch dimension {
        case .pages: page
        case .locales: locale
        case .links: link
        case .sources, .countries, .devices, .days: preconditionFailure("these are of visits")
        }
    }
}

/// What the dictionaries of the segments mean, worked out once for each distinct value of a segment, not of an event.
struct Vocabulary {
    /// The meaning of one segment's indices.
    private struct Segment {
        var pages: [UInt32]
        var referrers: [UInt32]
        var locales: [UInt32]
        var countries: [UInt32]
        var names: [UInt32]
        var links: [UInt32]
    }

    private let segments: [EventColumns]
    private var meanings: [Segment] = []
    private let dates: CampaignDates
    /// The first moment of each local date of the period, in milliseconds since 1970.
    private let dayStarts: [Int64]
    private let firstDay: Day

    /// By distinct page as it is stored, the number of the report's page.
    private var pageOfReport: [UInt32] = []
    private var campaignsOfPage: [CampaignSet] = []
    /// What a page says of the source of a visit that begins with it; nil where only the referrer does.
    private var sourceOfPage: [UInt32?] = []
    private var campaignsOfReferrer: [CampaignSet] = []
    private var sourceOfReferrer: [UInt32] = []

    private var paths = Numbering<String>()
    private var sources = Numbering<String>()
    private var locales = Numbering<String>()
    private var countries = Numbering<String>()
    /// Names of actions.
    private(set) var names = Numbering<String>()
    private var links = Numbering<String>()
    private let direct: UInt32
    /// Number of what has no target.
    static let noLink: UInt32 = 0

    init(segments: [EventColumns], site: Site, timeZone: TimeZoneRules, days: ClosedRange<Day>) {
        self.segments = segments
        firstDay = days.lowerBound
        dayStarts = days.map { timeZone.start(of: $0).milliseconds }
        dates = CampaignDates(site.campaigns, timeZone: timeZone)
        direct = sources.number(of: Sources.direct)
        let none = links.number(of: "")
        precondition(none == Self.noLink)
        let matcher = CampaignMatcher(site: site)
        let folding = PathFolding(locales: site.locales)
        let namer = Sources(site: site)
        var (pages, distinctPages) = (Interning.Table<Page>(), [Page]())
        var (referrers, distinctReferrers) = (Interning.Table<Referrer>(), [Referrer]())
        for columns in segments {
            let pagesHere = columns.pages.values.map { pages.index(of: $0, in: &distinctPages) }
            for page in distinctPages[pageOfReport.count...] {
                pageOfReport.append(paths.number(of: folding.folded(page.path)))
                campaignsOfPage.append(matcher.campaigns(of: page))
                sourceOfPage.append(namer.tagged(page).map { sources.number(of: $0) })
            }
            let referrersHere = columns.referrers.values.map { referrers.index(of: $0, in: &distinctReferrers) }
            for referrer in distinctReferrers[sourceOfReferrer.count...] {
                campaignsOfReferrer.append(matcher.campaigns(of: referrer))
                sourceOfReferrer.append(sources.number(of: namer.name(referrer)))
            }
            meanings.append(
                Segment(
                    pages: pagesHere, referrers: referrersHere,
                    locales: columns.locales.values.map { locales.number(of: Self.known($0)) },
                    countries: columns.countries.values.map { countries.number(of: Self.known($0)) },
                    names: columns.names.values.map { names.number(of: $0) },
                    links: columns.targets.values.map { links.number(of: $0) }))
        }
    }

    /// An event as it is counted.
    func event(at place: EventPlace) -> CountedEvent {
        let (segment, row) = (place.segment, place.row)
        guard let kind = Event.Kind(rawValue: segments[segment].kinds[row]) else {
            preconditionFailure("kinds are checked when a segment is decoded")
        }
        let page = Int(meanings[segment].pages[Int(segments[segment].pages.indices[row])])
        let referrer = Int(meanings[segment].referrers[Int(segments[segment].referrers.indices[row])])
        var campaigns = campaignsOfPage[page].union(campaignsOfReferrer[referrer])
        if !campaigns.isEmpty { campaigns = dates.running(campaigns, at: segments[segment].times[row]) }
        let scroll = segments[segment].scrolls.isEmpty ? Event.noScroll : segments[segment].scrolls[row]
        return CountedEvent(
            kind: kind, page: pageOfReport[page],
            locale: Self.meaning(meanings[segment].locales, segments[segment].locales, row) ?? 0,
            name: meanings[segment].names[Int(segments[segment].names.indices[row])],
            link: kind == .action
                ? Self.meaning(meanings[segment].links, segments[segment].targets, row) ?? Self.noLink : Self.noLink,
            engagedMilliseconds: Int(segments[segment].engaged[row]),
            scroll: scroll == Event.noScroll ? nil : Int(scroll), campaigns: campaigns)
    }

    /// What a value means; nil where the column was not read.
    private static func meaning<Meaning, Value>(
        _ meanings: [Meaning], _ column: EventColumns.Interned<Value>, _ row: Int
    ) -> Meaning? {
        column.indices.isEmpty ? nil : meanings[Int(column.indices[row])]
    }

    /// Where a visit came from that began with this pageview.
    func source(at place: EventPlace) -> UInt32 {
        let (segment, row) = (place.segment, place.row)
        let page = meanings[segment].pages[Int(segments[segment].pages.indices[row])]
        let referrer = meanings[segment].referrers[Int(segments[segment].referrers.indices[row])]
        return sourceOfPage[Int(page)] ?? sourceOfReferrer[Int(referrer)]
    }

    /// The source of a visit without a pageview.
    var noSource: UInt32 { direct }

    /// The country of an event's visitor.
    func country(at place: EventPlace) -> UInt32 {
        Self.meaning(meanings[place.segment].countries, segments[place.segment].countries, place.row) ?? 0
    }

    /// The local date of an event, as its place in the period.
    func day(at place: EventPlace) -> UInt32 {
        let time = segments[place.segment].times[place.row]
        var (low, high) = (0, dayStarts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if dayStarts[middle] <= time { low = middle } else { high = middle }
        }
        return UInt32(low)
    }

    /// The class of device of an event.
    func device(at place: EventPlace) -> UInt32 {
        let clients = segments[place.segment].clients
        return clients.indices.isEmpty ? 0 : UInt32(clients[place.row].device.rawValue)
    }

    /// The key of a table's row in a report.
    func key(_ number: UInt32, of dimension: Dimension) -> String {
        switch dimension {
        case .pages: paths.values[Int(number)]
        case .sources: sources.values[Int(number)]
        case .locales: locales.values[Int(number)]
        case .countries: countries.values[Int(number)]
        case .days: firstDay.advanced(by: Int(number)).description
        case .links: links.values[Int(number)]
        case .devices: Client.Device(rawValue: UInt8(number))?.name ?? Self.unknown
        }
    }

    private static let unknown = "unknown"
    private static func known(_ text: String) -> String { text.isEmpty ? unknown : text }
}

/// Numbers from 0 for distinct values, in order of their first use.
struct Numbering<Value: Hashable & Sendable>: Sendable {
    private(set) var values: [Value] = []
    private var numbers: [Value: UInt32] = [:]

    mutating func number(of value: Value) -> UInt32 {
        if let number = numbers[value] { return number }
        let number = UInt32(values.count)
        numbers[value] = number
        values.append(value)
        return number
    }
}

/// Which campaigns run when: their dates are local dates of the site, both ends included.
struct CampaignDates {
    /// Milliseconds since 1970 at which a campaign starts or is over, ascending.
    private let borders: [Int64]
    /// The campaigns that run before the first border, between two, and after the last one.
    private let running: [CampaignSet]

    init(_ campaigns: [Campaign], timeZone: TimeZoneRules) {
        let spans = campaigns.map { campaign in
            (
                campaign.from.map { timeZone.start(of: $0).milliseconds } ?? .min,
                campaign.to.map { timeZone.start(of: $0.advanced(by: 1)).milliseconds } ?? .max
            )
        }
        let borders = Set(spans.flatMap { [$0.0, $0.1] }).subtracting([.min, .max]).sorted()
        self.borders = borders
        running = ([.min] + borders).map { moment in
            var running = CampaignSet()
            for (campaign, span) in spans.enumerated() where span.0 <= moment && moment < span.1 {
                running.insert(campaign)
            }
            return running
        }
    }

    /// Those of the campaigns that run at a time.
    func running(_ campaigns: CampaignSet, at time: Int64) -> CampaignSet {
        var (low, high) = (0, borders.count)
        while low < high {
            let middle = (low + high) / 2
            if borders[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return campaigns.intersection(running[low])
    }
}
