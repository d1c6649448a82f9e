import AssentCore

/// The measures of one row, as counts and sums from which every number of it can be written exactly.
struct Tally: Equatable {
    var visitors = 0
    var visits = 0
    var pageviews = 0
    var engagedMilliseconds = 0
    /// Sum of the deepest scrolls, in percent, of ``scrolled`` combinations of visit and page.
    var scrollSum = 0
    var scrolled = 0
    /// Visits with one pageview, no action and under ten engaged seconds.
    var bounced = 0
    /// Actions by the number of their name.
    var actions: [UInt32: Int] = [:]

    /// Counts what an event adds by itself: no visit, visitor or scroll.
    mutating func add(_ event: CountedEvent) {
        engagedMilliseconds += event.engagedMilliseconds
        switch event.kind {
        case .pageview: pageviews += 1
        case .engagement: break
        case .action: actions[event.name, default: 0] += 1
        }
    }

    /// Adds what can be added: everything but visitors and visits, which two rows may share.
    mutating func addSums(of other: Tally) {
        pageviews += other.pageviews
        engagedMilliseconds += other.engagedMilliseconds
        scrollSum += other.scrollSum
        scrolled += other.scrolled
        if !other.actions.isEmpty { actions.merge(other.actions, uniquingKeysWith: +) }
    }

    /// Adds what other visitors did: everything adds up.
    mutating func add(ofOthers other: Tally) {
        addSums(of: other)
        visitors += other.visitors
        visits += other.visits
        bounced += other.bounced
    }

    var engagedSeconds: Fraction { Fraction(engagedMilliseconds, 1_000) }
    /// In percent; nil where nobody's scroll is known.
    var scrollDepth: Fraction? { Fraction.ratio(scrollSum, scrolled) }
    /// From 0 to 1; nil without visits.
    var bounceRate: Fraction? { Fraction.ratio(bounced, visits) }
}

/// The measures of one campaign.
struct CampaignTally: Equatable {
    /// Visitors and visits that are attributed; sums over the events that match.
    var sums = Tally()
    /// Attributed visits whose first pageview matches.
    var landings = 0
    /// Landings that bounced.
    var bouncedLandings = 0
    /// Visitors with any matching event, also in a visit without a matching pageview.
    var touched = 0
    /// Matching engaged time of each attributed visit, in milliseconds.
    var engagedOfVisits: [Int] = []

    /// Adds what other visitors did.
    mutating func add(ofOthers other: CampaignTally) {
        sums.add(ofOthers: other.sums)
        landings += other.landings
        bouncedLandings += other.bouncedLandings
        touched += other.touched
        engagedOfVisits += other.engagedOfVisits
    }

    /// From 0 to 1; nil without landings.
    var bounceRate: Fraction? { Fraction.ratio(bouncedLandings, landings) }

    /// In seconds; nil without attributed visits.
    var medianEngagedSeconds: Fraction? {
        guard !engagedOfVisits.isEmpty else { return nil }
        let sorted = engagedOfVisits.sorted()
        return Fraction(sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2], 2_000)
    }
}

/// An exact quotient of whole numbers, rounded only when it is written.
struct Fraction: Equatable {
    let numerator: Int
    let denominator: Int

    /// - Precondition: the denominator is positive.
    init(_ numerator: Int, _ denominator: Int) {
        precondition(denominator > 0)
        self.numerator = numerator
        self.denominator = denominator
    }

    /// The quotient, or nil where there is nothing to divide by.
    static func ratio(_ numerator: Int, _ denominator: Int) -> Fraction? {
        denominator > 0 ? Fraction(numerator, denominator) : nil
    }

    /// The multiple of 1 ÷ 10^`decimals` that is nearest; a half is rounded away from zero.
    func rounded(decimals: Int) -> Int {
        Self.rounded(Int128(numerator), Int128(denominator), decimals: decimals)
    }

    /// (`now` − `then`) ÷ `then` in multiples of 1 ÷ 10^`decimals`; nil where either is not known or `then` is 0.
    static func change(from then: Fraction?, to now: Fraction?, decimals: Int) -> Int? {
        guard let then, let now, then.numerator > 0 else { return nil }
        let base = Int128(then.numerator) * Int128(now.denominator)
        return rounded(Int128(now.numerator) * Int128(then.denominator) - base, base, decimals: decimals)
    }

    private static func rounded(_ numerator: Int128, _ denominator: Int128, decimals: Int) -> Int {
        var scaled = numerator
        for _ in 0..<decimals { scaled *= 10 }
        let half = scaled < 0 ? -denominator : denominator
        return Int((2 * scaled + half) / (2 * denominator))
    }
}
