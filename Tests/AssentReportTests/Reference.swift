import AssentCore
import Foundation

/// The numbers of a report computed slowly and plainly from their definitions, on an array of events.
///
/// It shares with the report only the rules that AssentCore decides for one event (which campaign rule holds, what the
/// source and the page are called); calendar, visits, measures and rounding are Foundation's or its own.
struct Reference {
    /// An event of the period with what it belongs to.
    struct Seen {
        let event: Event
        let visit: Int
        let page: String
        let locale: String
        let campaigns: Set<Int>
    }

    /// A visit of the period.
    struct Visit {
        let visitor: VisitorNumber
        let isBounced: Bool
        let attributed: Set<Int>
        let landing: Set<Int>
        let source: String
        let country: String
        let device: String
        let day: String
    }

    let site: Site
    private(set) var seen: [Seen] = []
    private(set) var visits: [Visit] = []

    /// - Parameters:
    ///   - events: all events, in order of arrival.
    ///   - from: first local date, `YYYY-MM-DD`.
    ///   - to: last local date.
    init(_ events: [Event], site: Site, from: Day, to: Day) {
        self.site = site
        let matcher = CampaignMatcher(site: site)
        let folding = PathFolding(locales: site.locales)
        let inPeriod = events.enumerated().filter { (from...to).contains(localDate($0.element)) }.sorted {
            ($0.element.visitor, $0.element.time, $0.offset) < ($1.element.visitor, $1.element.time, $1.offset)
        }.map(\.element)
        var groups: [[Event]] = []
        for event in inPeriod {
            let last = groups.last?.last
            if let last, last.visitor == event.visitor,
                event.time.milliseconds - last.time.milliseconds <= 30 * 60 * 1_000
            {
                groups[groups.count - 1].append(event)
            } else {
                groups.append([event])
            }
        }
        for group in groups {
            let own = group.map { event -> Seen in
                let rules = Set(matcher.campaigns(of: event.page)).union(matcher.campaigns(of: event.referrer))
                let date = localDate(event)
                let running = rules.filter { index in
                    let campaign = site.campaigns[index]
                    return (campaign.from ?? date) <= date && date <= (campaign.to ?? date)
                }
                return Seen(
                    event: event, visit: visits.count, page: folding.folded(event.page.path),
                    locale: event.locale.isEmpty ? "unknown" : event.locale, campaigns: running)
            }
            let pageviews = own.filter { $0.event.kind == .pageview }
            let first = pageviews.first?.event
            let engaged = group.reduce(0) { $0 + Int($1.engagedMilliseconds) }
            let country = (first ?? group[0]).country
            visits.append(
                Visit(
                    visitor: group[0].visitor,
                    isBounced: pageviews.count == 1 && !group.contains { $0.kind == .action } && engaged < 10_000,
                    attributed: pageviews.reduce([]) { $0.union($1.campaigns) },
                    landing: pageviews.first?.campaigns ?? [],
                    source: first.map { Sources(site: site).name(page: $0.page, referrer: $0.referrer) } ?? "direct",
                    country: country.isEmpty ? "unknown" : country,
                    device: (first ?? group[0]).client.device.name,
                    day: localDate(first ?? group[0]).description))
            seen += own
        }
    }

    private func localDate(_ event: Event) -> Day { Reference.localDate(event.time, zone: site.timezone) }

    static func localDate(_ instant: Instant, zone: String) -> Day {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: zone) ?? .gmt
        let parts = calendar.dateComponents(
            [.year, .month, .day], from: Date(timeIntervalSince1970: Double(instant.milliseconds) / 1_000))
        return Day(year: parts.year ?? 0, month: parts.month ?? 0, day: parts.day ?? 0) ?? Day(number: 0)
    }

    // MARK: Measures

    typealias Members = [String: Any]

    var totals: Members { columns(seen, Set(visits.indices)) }

    var unattributed: Members {
        let without = Set(visits.indices.filter { visits[$0].attributed.isEmpty })
        return columns(seen.filter { without.contains($0.visit) }, without)
    }

    /// Rows of a table without folding, in order.
    func rows(_ table: String, campaign: Int? = nil) -> [Members] {
        keys(table, campaign: campaign).map { key in
            row(table, campaign: campaign) { $0 == key }.merging(["key": key]) { $1 }
        }
        .sorted(by: table == "days" ? isEarlier : precedes)
    }

    /// The columns over all rows of a table whose key is in a set: what `other` must say.
    func row(_ table: String, campaign: Int?, where has: (String) -> Bool) -> Members {
        let events = seen.filter { campaign == nil || $0.campaigns.contains(campaign ?? 0) }
        switch table {
        case "pages", "locales", "links":
            let own = events.filter { has(key(table, of: $0)) }
            return columns(own, Set(own.map(\.visit)))
        default:
            let own = Set(
                visits.indices.filter { index in
                    (campaign == nil || visits[index].attributed.contains(campaign ?? 0))
                        && has(key(table, of: visits[index]))
                })
            return columns(seen.filter { own.contains($0.visit) }, own)
        }
    }

    /// Visitors of the visits that hold in a condition.
    func visitors(where holds: (Visit) -> Bool) -> Int { Set(visits.filter(holds).map(\.visitor)).count }

    func key(_ table: String, of visit: Visit) -> String {
        switch table {
        case "sources": visit.source
        case "countries": visit.country
        case "days": visit.day
        default: visit.device
        }
    }

    func key(_ table: String, of seen: Seen) -> String {
        switch table {
        case "pages": seen.page
        case "locales": seen.locale
        default: seen.event.kind == .action ? seen.event.target : ""
        }
    }

    private func keys(_ table: String, campaign: Int?) -> Set<String> {
        switch table {
        case "pages", "locales", "links":
            let events = seen.filter { campaign == nil || $0.campaigns.contains(campaign ?? 0) }
            return Set(events.map { key(table, of: $0) })
        default:
            let own = visits.filter { campaign == nil || $0.attributed.contains(campaign ?? 0) }
            return Set(own.map { key(table, of: $0) })
        }
    }

    func campaign(_ index: Int) -> Members {
        let matching = seen.filter { $0.campaigns.contains(index) }
        let attributed = Set(visits.indices.filter { visits[$0].attributed.contains(index) })
        let landings = visits.filter { $0.landing.contains(index) }
        var members = columns(matching, attributed)
        members["landings"] = landings.count
        members["bounce_rate"] = quotient(landings.filter(\.isBounced).count, landings.count, decimals: 4)
        let engaged = attributed.map { visit in
            matching.filter { $0.visit == visit }.reduce(0) { $0 + Int($1.event.engagedMilliseconds) }
        }.sorted()
        let middle = engaged.isEmpty ? 0 : engaged[(engaged.count - 1) / 2] + engaged[engaged.count / 2]
        members["median_engaged_seconds"] = quotient(middle, engaged.isEmpty ? 0 : 2_000, decimals: 1)
        return members
    }

    private func columns(_ events: [Seen], _ visitsOfRow: Set<Int>) -> Members {
        var deepest: [String: Int] = [:]
        for seen in events where seen.event.scroll != Event.noScroll {
            let place = "\(seen.visit) \(seen.page)"
            deepest[place] = max(deepest[place] ?? 0, Int(seen.event.scroll))
        }
        var actions: [String: Int] = [:]
        for seen in events where seen.event.kind == .action { actions[seen.event.name, default: 0] += 1 }
        let bounced = visitsOfRow.filter { visits[$0].isBounced }.count
        return [
            "visitors": Set(visitsOfRow.map { visits[$0].visitor }).count,
            "visits": visitsOfRow.count,
            "pageviews": events.filter { $0.event.kind == .pageview }.count,
            "engaged_seconds": quotient(
                events.reduce(0) { $0 + Int($1.event.engagedMilliseconds) }, 1_000, decimals: 1),
            "scroll_depth": quotient(deepest.values.reduce(0, +), deepest.count, decimals: 1),
            "bounce_rate": quotient(bounced, visitsOfRow.count, decimals: 4),
            "actions": actions,
        ]
    }
}

/// A quotient rounded to so many decimals, a half away from zero, or null.
func quotient(_ numerator: Int, _ denominator: Int, decimals: Int) -> Any {
    if denominator == 0 { return NSNull() }
    let exact = NSDecimalNumber(value: numerator).dividing(by: NSDecimalNumber(value: denominator))
    let handler = NSDecimalNumberHandler(
        roundingMode: .plain, scale: Int16(decimals), raiseOnExactness: false, raiseOnOverflow: true,
        raiseOnUnderflow: true, raiseOnDivideByZero: true)
    return Double(exact.rounding(accordingToBehavior: handler).stringValue) ?? .nan
}

private func isEarlier(_ left: Reference.Members, _ right: Reference.Members) -> Bool {
    (left["key"] as? String ?? "") < (right["key"] as? String ?? "")
}

private func precedes(_ left: Reference.Members, _ right: Reference.Members) -> Bool {
    for measure in ["visits", "pageviews"] {
        guard let a = left[measure] as? Int, let b = right[measure] as? Int else { continue }
        if a != b { return a > b }
    }
    guard let a = left["key"] as? String, let b = right["key"] as? String else { return false }
    return Array(a.unicodeScalars).lexicographicallyPrecedes(Array(b.unicodeScalars)) { $0.value < $1.value }
}
