import AssentCore
import AssentStore

/// Values of a period's pageviews that are nearly what the rules of some campaigns ask for.
///
/// A value is near where few letters have to change, or where it holds the pattern or is held by it; letter case and
/// wildcards do not count. Only pageviews within the campaign's dates are looked at, and only values that at least
/// `minimum_group` visitors had are given.
///
/// Cost: every distinct value is compared with every pattern of its kind, and if any is near, one pass over the events;
/// memory for the distinct values.
struct NearestValues {
    /// A near value of one campaign.
    private struct Candidate {
        let campaign: Int
        let rule: CampaignRule
        let pattern: String
        let value: String
        let distance: Int
        var pageviews = 0
        var visitors = 0
        var lastVisitor: VisitorNumber = 0
    }

    private struct Value: Hashable {
        let rule: CampaignRule
        let text: String
    }

    private struct Pattern {
        let campaign: Int
        let text: String
        let letters: [Unicode.Scalar]
    }

    private let minimum: Int
    private let folding: PathFolding
    private var patterns: [CampaignRule: [Pattern]] = [:]
    private var candidates: [Candidate] = []
    /// Candidates by value; empty where none is near.
    private var known: [Value: [Int]] = [:]

    /// - Parameter campaigns: those of which no event of the segments matches.
    init(for campaigns: [Int], of site: Site, timeZone: TimeZoneRules, segments: [EventColumns]) {
        minimum = site.minimumGroup
        folding = PathFolding(locales: site.locales)
        for rule in CampaignRule.allCases {
            patterns[rule] = campaigns.flatMap { campaign in
                rule.patterns(of: site.campaigns[campaign]).map {
                    Pattern(campaign: campaign, text: $0, letters: Self.letters($0, of: rule))
                }
            }
        }
        var ofPages: [[[Int]]] = []
        var ofReferrers: [[[Int]]] = []
        for columns in segments {
            ofPages.append(columns.pages.values.map { candidates(of: values(of: $0)) })
            ofReferrers.append(
                columns.referrers.values.map { referrer in
                    referrer.host.isEmpty ? [] : candidates(of: [Value(rule: .referrers, text: referrer.host)])
                })
        }
        if candidates.isEmpty { return }

        let dates = CampaignDates(site.campaigns, timeZone: timeZone)
        var merge = EventMerge(segments)
        var places: [EventPlace] = []
        while let visitor = merge.next(into: &places) {
            for place in places where segments[place.segment].kinds[place.row] == Event.Kind.pageview.rawValue {
                let columns = segments[place.segment]
                let near =
                    ofPages[place.segment][Int(columns.pages.indices[place.row])]
                    + ofReferrers[place.segment][Int(columns.referrers.indices[place.row])]
                for candidate in near {
                    var campaign = CampaignSet()
                    campaign.insert(candidates[candidate].campaign)
                    if !dates.running(campaign, at: columns.times[place.row]).isEmpty {
                        count(candidate, visitor: visitor)
                    }
                }
            }
        }
    }

    /// The best hint for each campaign that has one: the nearest value, then the most frequent.
    var hints: [Int: CampaignHint] {
        let order = candidates.filter { $0.visitors >= max(minimum, 1) }.sorted { left, right in
            if left.distance != right.distance { return left.distance < right.distance }
            if left.pageviews != right.pageviews { return left.pageviews > right.pageviews }
            return [left.rule.rawValue, left.value, left.pattern].lexicographicallyPrecedes(
                [right.rule.rawValue, right.value, right.pattern])
        }
        var hints: [Int: CampaignHint] = [:]
        for best in order where hints[best.campaign] == nil {
            let pageviews = best.pageviews - best.pageviews % max(minimum, 1)
            hints[best.campaign] = .nearest(
                rule: best.rule, pattern: best.pattern, value: best.value, pageviews: pageviews)
        }
        return hints
    }

    private mutating func count(_ candidate: Int, visitor: VisitorNumber) {
        candidates[candidate].pageviews += 1
        if candidates[candidate].lastVisitor == visitor { return }
        candidates[candidate].lastVisitor = visitor
        candidates[candidate].visitors += 1
    }

    /// What the rules compare of a page.
    private func values(of page: Page) -> [Value] {
        var values = [Value(rule: .paths, text: folding.folded(page.path))]
        func add(_ rule: CampaignRule, _ text: String) {
            if !text.isEmpty { values.append(Value(rule: rule, text: text)) }
        }
        add(.hashtags, CampaignMatcher.hashtag(page.fragment))
        for (name, value) in QueryParameters(page.query) {
            if CampaignMatcher.hashtagParameters.contains(name) { add(.hashtags, CampaignMatcher.hashtag(value)) }
            if let rule = CampaignRule(rawValue: name) { add(rule, value.caseFolded) }
        }
        return values
    }

    /// The candidates of a page or a referrer, each once.
    private mutating func candidates(of values: [Value]) -> [Int] {
        var all: [Int] = []
        for value in values where !(patterns[value.rule] ?? []).isEmpty {
            if let known = known[value] {
                all += known
                continue
            }
            let letters = Self.letters(value.text, of: value.rule)
            var near: [Int] = []
            for pattern in patterns[value.rule] ?? [] {
                guard let distance = Self.distance(pattern.letters, letters) else { continue }
                near.append(candidates.count)
                candidates.append(
                    Candidate(
                        campaign: pattern.campaign, rule: value.rule, pattern: pattern.text, value: value.text,
                        distance: distance))
            }
            known[value] = near
            all += near
        }
        return all.count < 2 ? all : Array(Set(all)).sorted()
    }

    /// A pattern or a value without what is not compared.
    private static func letters(_ text: String, of rule: CampaignRule) -> [Unicode.Scalar] {
        var text = text.caseFolded.filter { $0 != "*" }
        if rule == .paths {
            while text.hasSuffix("/") { text.removeLast() }
        }
        if rule == .hashtags, text.hasPrefix("#") { text.removeFirst() }
        if rule == .referrers, text.hasPrefix("www.") { text.removeFirst(4) }
        return Array(text.unicodeScalars)
    }

    /// How many letters of a pattern must be put in, taken out or replaced to get a value. Nil where that are too many
    /// for a slip: more than two and than a third of the pattern, or more than half of the longer text; unless one of
    /// them holds the other and that has three letters at least.
    static func distance(_ pattern: [Unicode.Scalar], _ value: [Unicode.Scalar]) -> Int? {
        let (shorter, longer) = pattern.count < value.count ? (pattern, value) : (value, pattern)
        if shorter.isEmpty { return nil }
        let difference = longer.count - shorter.count
        if shorter.count >= 3, longer.contains(shorter) { return difference }
        let limit = min(max(2, pattern.count / 3), longer.count / 2)
        if difference > limit { return nil }
        var row = Array(0...shorter.count)
        for (place, letter) in longer.enumerated() {
            var diagonal = row[0]
            row[0] = place + 1
            for (index, other) in shorter.enumerated() {
                let replaced = diagonal + (letter == other ? 0 : 1)
                diagonal = row[index + 1]
                row[index + 1] = min(replaced, diagonal + 1, row[index] + 1)
            }
            if row.allSatisfy({ $0 > limit }) { return nil }
        }
        return row[shorter.count] <= limit ? row[shorter.count] : nil
    }
}
