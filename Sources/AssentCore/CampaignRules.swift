/// A set of campaigns of one site, by their place in the configuration.
public struct CampaignSet: Sendable, Hashable, Sequence {
    private var words = SIMD4<UInt64>()

    /// No campaign.
    public init() {}

    /// Whether no campaign is in it.
    public var isEmpty: Bool { words == SIMD4() }

    /// Whether a campaign is in it.
    public func contains(_ campaign: Int) -> Bool { words[campaign >> 6] & (1 << UInt64(campaign & 63)) != 0 }

    /// Puts a campaign in.
    /// - Precondition: `campaign` is below ``Limits/campaignsPerSiteMax``.
    public mutating func insert(_ campaign: Int) { words[campaign >> 6] |= 1 << UInt64(campaign & 63) }

    /// Takes a campaign out.
    public mutating func remove(_ campaign: Int) { words[campaign >> 6] &= ~(1 << UInt64(campaign & 63)) }

    /// The campaigns of either.
    public func union(_ other: CampaignSet) -> CampaignSet {
        var union = self
        union.words |= other.words
        return union
    }

    /// The campaigns of both.
    public func intersection(_ other: CampaignSet) -> CampaignSet {
        var intersection = self
        intersection.words &= other.words
        return intersection
    }

    /// Whether no campaign is in both.
    public func isDisjoint(with other: CampaignSet) -> Bool { words & other.words == SIMD4() }

    /// The campaigns in ascending order.
    public func makeIterator() -> Iterator { Iterator(words: words) }

    /// Walks over the bits.
    public struct Iterator: IteratorProtocol {
        var words: SIMD4<UInt64>
        var word = 0

        /// The next campaign.
        public mutating func next() -> Int? {
            while word < 4 {
                let bits = words[word]
                if bits != 0 {
                    words[word] = bits & (bits - 1)
                    return word << 6 + bits.trailingZeroBitCount
                }
                word += 1
            }
            return nil
        }
    }
}

/// The rules of all campaigns of a site, prepared once. Dates are not its business: they depend on an event's time,
/// these rules only on its page and referrer, so that a report asks once for each distinct page and referrer.
public struct CampaignMatcher: Sendable {
    private let paths: [(glob: PathGlob, campaign: Int)]
    private let parameters: [(name: String, glob: Glob, campaign: Int)]
    private let hashtags: [String: CampaignSet]
    private let referrers: [String: CampaignSet]
    private let folding: PathFolding

    /// The rules of a site's campaigns; a campaign has the number of its place in `site.campaigns`.
    public init(site: Site) {
        precondition(site.campaigns.count <= Limits.campaignsPerSiteMax)
        folding = PathFolding(locales: site.locales)
        var paths: [(PathGlob, Int)] = []
        var parameters: [(String, Glob, Int)] = []
        var hashtags: [String: CampaignSet] = [:]
        var referrers: [String: CampaignSet] = [:]
        for (index, campaign) in site.campaigns.enumerated() {
            paths += campaign.paths.map { (PathGlob($0), index) }
            let utm = [
                ("utm_campaign", campaign.utmCampaign), ("utm_source", campaign.utmSource),
                ("utm_medium", campaign.utmMedium),
            ]
            for (name, globs) in utm { parameters += globs.map { (name, Glob($0.caseFolded), index) } }
            for hashtag in campaign.hashtags { hashtags[Self.hashtag(hashtag), default: CampaignSet()].insert(index) }
            for host in campaign.referrers { referrers[host.lowercased(), default: CampaignSet()].insert(index) }
        }
        hashtags[""] = nil
        referrers[""] = nil
        self.paths = paths
        self.parameters = parameters
        self.hashtags = hashtags
        self.referrers = referrers
    }

    /// The campaigns of which a path, `utm_*` or hashtag rule holds.
    public func campaigns(of page: Page) -> CampaignSet {
        var found = hashtags[Self.hashtag(page.fragment)] ?? CampaignSet()
        let segments = PathGlob.segments(of: folding.folded(page.path))
        for path in paths where path.glob.matches(segments) { found.insert(path.campaign) }
        for (name, value) in QueryParameters(page.query) {
            if Self.hashtagParameters.contains(name) {
                found = found.union(hashtags[Self.hashtag(value)] ?? CampaignSet())
            }
            let folded = Array(value.caseFolded)
            for rule in parameters where rule.name == name && rule.glob.matches(folded) { found.insert(rule.campaign) }
        }
        return found
    }

    /// The campaigns that name the referrer's host or a parent domain of it.
    public func campaigns(of referrer: Referrer) -> CampaignSet {
        guard !referrers.isEmpty else { return CampaignSet() }
        return HostSuffixes(referrer.host).reduce(CampaignSet()) { $0.union(referrers[String($1)] ?? CampaignSet()) }
    }

    /// Parameters that can hold a hashtag.
    package static let hashtagParameters: Set<String> = ["hashtag", "utm_campaign", "utm_term", "utm_content"]

    /// A hashtag for comparisons.
    package static func hashtag(_ text: String) -> String {
        (text.hasPrefix("#") ? String(text.dropFirst()) : text).caseFolded
    }
}

/// A pattern in which `*` stands for any characters, none included.
struct Glob: Sendable {
    private let pattern: [Character]

    init(_ pattern: some StringProtocol) { self.pattern = Array(pattern) }

    func matches(_ text: [Character]) -> Bool {
        wildcardMatch(pattern, text, isWild: { $0 == "*" }, matchesOne: { $0 == $1 })
    }
}

/// A pattern of path segments: `*` within a segment, `**` as a segment for any number of them, none included.
struct PathGlob: Sendable {
    private enum Segment: Sendable {
        case anyNumber
        case one(Glob)
    }
    private let pattern: [Segment]

    init(_ pattern: String) {
        self.pattern = Self.split(pattern).map { $0 == "**" ? .anyNumber : .one(Glob($0)) }
    }

    func matches(_ segments: [[Character]]) -> Bool {
        wildcardMatch(
            pattern, segments,
            isWild: { if case .anyNumber = $0 { true } else { false } },
            matchesOne: { if case .one(let glob) = $0 { glob.matches($1) } else { false } })
    }

    static func segments(of path: String) -> [[Character]] { split(path).map(Array.init) }

    private static func split(_ path: String) -> [Substring] {
        var rest = Substring(path)
        if rest.hasPrefix("/") { rest.removeFirst() }
        while rest.hasSuffix("/") { rest.removeLast() }
        return rest.isEmpty ? [] : rest.split(separator: "/", omittingEmptySubsequences: false)
    }
}

/// Whether a pattern covers a text whole: a wild element any stretch of it, every other exactly one element.
/// Costs at most the product of the two lengths.
private func wildcardMatch<Pattern, Element>(
    _ pattern: [Pattern], _ text: [Element], isWild: (Pattern) -> Bool, matchesOne: (Pattern, Element) -> Bool
) -> Bool {
    var inPattern = 0
    var inText = 0
    var lastWild: (pattern: Int, text: Int)?
    while inText < text.count {
        if inPattern < pattern.count, isWild(pattern[inPattern]) {
            lastWild = (inPattern, inText)
            inPattern += 1
        } else if inPattern < pattern.count, matchesOne(pattern[inPattern], text[inText]) {
            inPattern += 1
            inText += 1
        } else if let wild = lastWild {
            lastWild = (wild.pattern, wild.text + 1)
            inPattern = wild.pattern + 1
            inText = wild.text + 1
        } else {
            return false
        }
    }
    return pattern[inPattern...].allSatisfy(isWild)
}

/// A host and its parent domains, the longest first: `m.example.org`, `example.org`, `org`.
struct HostSuffixes: Sequence, IteratorProtocol {
    private var rest: Substring?

    init(_ host: String) { rest = host.isEmpty ? nil : Substring(host) }

    mutating func next() -> Substring? {
        guard let current = rest else { return nil }
        rest = current.firstIndex(of: ".").map { current[current.index(after: $0)...] }
        return current
    }
}

extension StringProtocol {
    /// The text for comparisons without regard to case, in every script: `ß` is `ss`, `ς` is `σ`.
    package var caseFolded: String { uppercased().lowercased() }
}
