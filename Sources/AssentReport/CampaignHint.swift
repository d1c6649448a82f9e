import AssentCore
import AssentStore

/// Why a campaign may match nothing in a period.
enum CampaignHint: Equatable, Sendable {
    /// It does not run in the period: its dates, as configured.
    case notRunning(from: Day?, to: Day?)
    /// A value of the kind that a rule asks for is nearly what the rule says. `pageviews` have it, rounded down to a
    /// multiple of the site's `minimum_group`, so that no other number can be taken from it.
    case nearest(rule: CampaignRule, pattern: String, value: String, pageviews: Int)
    /// Nothing like it was seen.
    case nothingNear

    /// Hints for campaigns of which no event of a period matches. Without such campaigns it costs nothing.
    static func hints(
        for campaigns: [Int], of site: Site, timeZone: TimeZoneRules, days: ClosedRange<Day>, segments: [EventColumns]
    ) -> [Int: CampaignHint] {
        var hints: [Int: CampaignHint] = [:]
        var running: [Int] = []
        for index in campaigns {
            let campaign = site.campaigns[index]
            if (campaign.from ?? days.lowerBound) > days.upperBound
                || (campaign.to ?? days.upperBound) < days.lowerBound
            {
                hints[index] = .notRunning(from: campaign.from, to: campaign.to)
            } else {
                hints[index] = .nothingNear
                running.append(index)
            }
        }
        if running.isEmpty { return hints }
        let nearest = NearestValues(for: running, of: site, timeZone: timeZone, segments: segments)
        return hints.merging(nearest.hints) { $1 }
    }

    /// Writes key and value as a member of a campaign.
    func write(to json: inout JSONWriter) {
        json.key("hint")
        json.object { json in
            json.key("kind")
            switch self {
            case .notRunning(let from, let to):
                json.string("dates")
                json.key("from")
                json.string(from?.description)
                json.key("to")
                json.string(to?.description)
            case .nearest(let rule, let pattern, let value, let pageviews):
                json.string("nearest")
                for (key, text) in [("rule", rule.rawValue), ("pattern", pattern), ("value", value)] {
                    json.key(key)
                    json.string(text)
                }
                json.key("pageviews")
                json.integer(pageviews)
            case .nothingNear: json.string("none")
            }
        }
    }
}

/// The kinds of rule of a campaign, by their names in the configuration.
enum CampaignRule: String, CaseIterable, Sendable {
    case utmCampaign = "utm_campaign"
    case utmSource = "utm_source"
    case utmMedium = "utm_medium"
    case hashtags, paths, referrers

    /// A campaign's patterns of this kind.
    func patterns(of campaign: Campaign) -> [String] {
        switch self {
        case .utmCampaign: campaign.utmCampaign
        case .utmSource: campaign.utmSource
        case .utmMedium: campaign.utmMedium
        case .hashtags: campaign.hashtags
        case .paths: campaign.paths
        case .referrers: campaign.referrers
        }
    }
}

extension Report {
    /// Why campaigns that are written of match nothing in the period, in the order of the configuration.
    var hints: [(campaign: Int, hint: CampaignHint)] {
        campaigns.compactMap { campaign in summary.hints[campaign].map { (campaign, $0) } }
    }
}
