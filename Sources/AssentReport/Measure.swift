import AssentCore

/// A number of a report: its name in JSON, how many decimals it has, and how it is had.
struct Measure<Subject: Sendable>: Sendable {
    let name: String
    let decimals: Int
    let value: @Sendable (Subject) -> Fraction?

    init(_ name: String, decimals: Int = 0, _ value: @escaping @Sendable (Subject) -> Fraction?) {
        self.name = name
        self.decimals = decimals
        self.value = value
    }

    init(_ name: String, count: @escaping @Sendable (Subject) -> Int) {
        self.init(name) { Fraction(count($0), 1) }
    }

    /// Writes key and value; null where the subject may not be shown.
    func write(_ subject: Subject?, to json: inout JSONWriter) {
        json.key(name)
        json.fixed(subject.flatMap(value)?.rounded(decimals: decimals), decimals: decimals)
    }

    /// (now − then) ÷ then in multiples of 1 ÷ 10^`decimals`; nil where either may not be shown or then is 0.
    func change(of now: Subject?, from then: Subject?, decimals: Int) -> Int? {
        Fraction.change(from: then.flatMap(value), to: now.flatMap(value), decimals: decimals)
    }
}

extension Measure<Tally> {
    /// The columns of totals and rows, `actions` apart.
    static let ofTallies: [Measure] = [
        Measure("visitors", count: \.visitors), Measure("visits", count: \.visits),
        Measure("pageviews", count: \.pageviews), Measure("engaged_seconds", decimals: 1, \.engagedSeconds),
        Measure("scroll_depth", decimals: 1, \.scrollDepth), Measure("bounce_rate", decimals: 4, \.bounceRate),
    ]

    /// Those of them that a trend has.
    static let ofTallyTrends = ofTallies.filter { $0.name != "scroll_depth" }
}

extension Measure<CampaignTally> {
    /// The columns of campaigns, `actions` apart.
    static let ofCampaigns: [Measure] = [
        Measure("visitors", count: \.sums.visitors), Measure("visits", count: \.sums.visits),
        Measure("landings", count: \.landings), Measure("pageviews", count: \.sums.pageviews),
        Measure("engaged_seconds", decimals: 1, \.sums.engagedSeconds),
        Measure("median_engaged_seconds", decimals: 1, \.medianEngagedSeconds),
        Measure("scroll_depth", decimals: 1, \.sums.scrollDepth), Measure("bounce_rate", decimals: 4, \.bounceRate),
    ]

    /// Those of them that a trend has.
    static let ofCampaignTrends = ofCampaigns.filter { !["scroll_depth", "median_engaged_seconds"].contains($0.name) }
}
