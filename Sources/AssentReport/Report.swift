public import AssentCore
public import AssentStore

/// The numbers of one site and period, ready to be written.
///
/// Which rows are shown is decided when it is made: nothing below the site's `minimum_group` is in it.
public struct Report: Sendable {
    /// One sentence for each damaged segment that had to be left out.
    public let damage: [String]

    let site: Site
    let request: ReportRequest
    let summary: Summary
    /// What the request compares with; nil for nothing.
    let compared: Summary?
    /// The weeks of the trend, ascending.
    let trend: [WeekSummary]
    let choices: ChoiceTallies
    /// Partitions that were read for either period, by day.
    let partitions: [PartitionState]

    /// Reads and sums up a period and, if asked, the one it is compared with and the weeks of a trend.
    ///
    /// Cost: the events of each period are read once, one period after the other, and looked at once or, where something
    /// must be folded, twice and seldom more often; once more where a campaign matches nothing. Weeks of a trend take
    /// fewer columns than the others. Memory is that of the longest period.
    /// - Throws: ``ReportError``: the site has no such campaign, or the data directory cannot be read.
    public static func make(
        site: Site, timeZone: TimeZoneRules, request: ReportRequest, reader: StoreReader
    ) throws(ReportError) -> Report {
        func read(_ period: Range<Instant>, _ columns: ColumnSet) throws(ReportError) -> PeriodEvents {
            do {
                return try reader.events(
                    site: site.id, from: period.lowerBound, to: period.upperBound, columns: columns)
            } catch { throw .store(error) }
        }
        func tallies(_ days: ClosedRange<Day>) throws(ReportError) -> ChoiceTallies {
            do { return try reader.tallies(site: site.id, days: days) } catch { throw .store(error) }
        }
        return try make(site: site, timeZone: timeZone, request: request, events: read, tallies: tallies)
    }

    /// The columns that a period is made from.
    private static func columns(_ extent: Summary.Extent) -> ColumnSet {
        var columns: ColumnSet = [.order, .kinds, .pages, .referrers, .names, .engaged]
        if extent.contains(.tables) { columns.formUnion([.locales, .countries, .clients, .scrolls]) }
        if extent.contains(.links) { columns.formUnion(.targets) }
        return columns
    }

    /// Makes a report from wherever the events of a stretch of time and the choices of local dates come from.
    static func make(
        site: Site, timeZone: TimeZoneRules, request: ReportRequest,
        events: (Range<Instant>, ColumnSet) throws(ReportError) -> PeriodEvents,
        tallies: (ClosedRange<Day>) throws(ReportError) -> ChoiceTallies
    ) throws(ReportError) -> Report {
        if let id = request.campaign, !site.campaigns.contains(where: { $0.id == id }) {
            throw .request("The site \(site.id) has no campaign \(ReportRequest.quoted(id)): see the configuration.")
        }
        var partitions: [Day: PartitionState] = [:]
        var damage: [String] = []
        func summary(_ days: ClosedRange<Day>, _ extent: Summary.Extent) throws(ReportError) -> Summary {
            let period = try events(
                timeZone.start(of: days.lowerBound)..<timeZone.start(of: days.upperBound.advanced(by: 1)),
                columns(extent))
            for partition in period.partitions { partitions[partition.day] = partition }
            for sentence in period.damage where !damage.contains(sentence) { damage.append(sentence) }
            return Summary(segments: period.segments, site: site, timeZone: timeZone, days: days, extent: extent)
        }
        var compared: Summary?
        if let days = request.comparedDays { compared = try summary(days, .tables) }
        let now = try summary(
            request.days, request.campaign == nil ? [.tables, .hints] : [.tables, .hints, .links])
        var trend: [WeekSummary] = []
        for week in request.weeks {
            if week.days == request.days {
                trend.append(WeekSummary(week: week, summary: now))
            } else if week.days == request.comparedDays, let compared {
                trend.append(WeekSummary(week: week, summary: compared))
            } else {
                trend.append(WeekSummary(week: week, summary: try summary(week.days, [])))
            }
        }
        return Report(
            damage: damage, site: site, request: request, summary: now, compared: compared, trend: trend,
            choices: try tallies(request.days), partitions: partitions.values.sorted { $0.day < $1.day })
    }

    /// Places in the configuration of the campaigns to write of.
    var campaigns: [Int] {
        site.campaigns.indices.filter { request.campaign == nil || site.campaigns[$0].id == request.campaign }
    }

    /// The tables that are written of the site or of a campaign.
    func dimensions(ofCampaign campaign: Int?) -> [Dimension] {
        Dimension.allCases.filter { $0 != .links || campaign != nil && request.campaign != nil }
    }

    /// Rows that are not shown by themselves, in all tables that are written, and campaigns without numbers.
    var foldedRows: Int {
        func folded(_ campaign: Int?) -> Int {
            dimensions(ofCampaign: campaign).reduce(0) { count, dimension in
                summary.lines(dimension, ofCampaign: campaign).reduce(count) { $0 + $1.foldedRows }
            }
        }
        return campaigns.reduce(folded(nil) + (summary.unattributed == nil ? 1 : 0)) { count, campaign in
            count + (summary.campaigns[campaign] == nil ? 1 : folded(campaign))
        }
    }
}

extension ChoiceTallies {
    /// From 0 to 1; nil where nobody chose.
    var optInRate: Fraction? { Fraction.ratio(Int(granted), Int(granted + refused)) }

    /// How many visits there were in all, if those who refused are like those who agreed: visits ÷ opt-in rate, with
    /// the interval that the 95% Wilson interval of the rate gives. Nil below ``Limits/estimateChoicesMin`` choices,
    /// and where nobody agreed.
    func estimate(visits: Int) -> (visits: Int, low: Int, high: Int)? {
        let choices = granted + refused
        guard choices >= Limits.estimateChoicesMin, granted > 0 else { return nil }
        let (count, rate) = (Double(choices), Double(granted) / Double(choices))
        let z = 1.959963984540054
        let middle = rate + z * z / (2 * count)
        let reach = z * (rate * (1 - rate) / count + z * z / (4 * count * count)).squareRoot()
        let scale = 1 + z * z / count
        func scaled(by rate: Double) -> Int { Int((Double(visits) / rate).rounded()) }
        return (
            Fraction(visits * Int(choices), Int(granted)).rounded(decimals: 0),
            scaled(by: (middle + reach) / scale), scaled(by: (middle - reach) / scale)
        )
    }
}
