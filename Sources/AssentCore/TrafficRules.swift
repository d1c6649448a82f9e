/// Who is no visitor: machines by words of their User-Agent, and sites that are named as a referrer to be looked up.
///
/// The rules of this version are data, as of ``date``. A configuration adds to them, so that what comes up in between needs
/// no new version.
public struct TrafficRules: Sendable, Equatable {
    /// The day of the rules that the program has.
    public static let date = "2026-11-24"

    /// Further words of User-Agents, in lower case.
    public var machines: Set<String>
    /// Further hosts of made-up referrers, in lower case; their sub-domains are meant too.
    public var spamReferrers: Set<String>

    /// The program's rules and these.
    public init(machines: Set<String> = [], spamReferrers: Set<String> = []) {
        self.machines = machines
        self.spamReferrers = spamReferrers
    }

    /// Whether a host, or a parent domain of it, is known for made-up referrers.
    func isSpam(referrer host: String) -> Bool {
        HostSuffixes(host).contains { Self.hosts.contains(String($0)) || spamReferrers.contains(String($0)) }
    }

    private static let hosts: Set<String> = [
        "semalt.com", "buttons-for-website.com", "darodar.com", "econom.co", "ilovevitaly.com", "priceg.com",
        "blackhatworth.com", "hulfingtonpost.com", "best-seo-offer.com", "best-seo-solution.com",
        "free-share-buttons.com", "free-social-buttons.com", "get-free-traffic-now.com", "event-tracking.com",
        "social-buttons.com",
        "simple-share-buttons.com", "trafficmonetize.org", "traffic2money.com", "success-seo.com",
        "videos-for-your-business.com", "webmonetizer.net", "4webmasters.org", "100dollars-seo.com",
        "sitevaluation.org", "rank-checker.online",
        "site-auditor.online", "seo-platform.com", "trafficbot.life", "bottraffic.live",
    ]
}
