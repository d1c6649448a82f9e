/// What the collector is told about one publisher's web site. Values only: the configuration file fills them.
public struct Site: Sendable, Equatable {
    /// What happens to stored events when a visitor withdraws.
    public enum OnWithdraw: String, Sendable, CaseIterable {
        /// They are erased.
        case erase
        /// They stay and count until the retention ends.
        case keep
    }

    /// `[a-z0-9-]{1,32}`.
    public var id: String
    /// For people.
    public var name: String
    /// `scheme://host[:port]`, in lower case, without a trailing slash.
    public var origins: [String]
    /// IANA name, such as `Europe/Brussels`; empty stands for `UTC`.
    public var timezone: String
    /// Languages of the site; the first is its default. Their names are the leading path segments that reports fold.
    public var locales: [String]
    /// Days that an event is kept, at most ``Limits/retentionDaysMax``.
    public var retentionDays: Int
    /// Fewest visitors that a row of a report may have; 1 for no folding.
    public var minimumGroup: Int
    /// What a withdrawal does unless it says otherwise itself.
    public var onWithdraw: OnWithdraw
    /// Who is responsible for what is stored.
    public var controller = Controller()
    /// Domain of the script-readable cookie, only for a collector on a sub-domain.
    public var cookieDomain: String?
    /// Where browsers reach the collector, without a slash at the end, for checks and the tag; nil for under `/assent` of
    /// each origin.
    public var collector: String?
    /// Notices in the order of the file. The last one of a locale is the one that is shown.
    public var notices: [Notice]
    /// Campaigns in the order of the file.
    public var campaigns: [Campaign]

    /// A site with the defaults of the configuration.
    public init(
        id: String, name: String, origins: [String], timezone: String = "UTC", locales: [String] = ["en"],
        retentionDays: Int = 395, minimumGroup: Int = 10, onWithdraw: OnWithdraw = .erase, cookieDomain: String? = nil,
        collector: String? = nil, notices: [Notice] = [], campaigns: [Campaign] = []
    ) {
        self.id = id
        self.name = name
        self.origins = origins
        self.timezone = timezone
        self.locales = locales
        self.retentionDays = retentionDays
        self.minimumGroup = minimumGroup
        self.onWithdraw = onWithdraw
        self.cookieDomain = cookieDomain
        self.collector = collector
        self.notices = notices
        self.campaigns = campaigns
    }

    /// What events are held for, by name: there is one purpose, and it is the same for every site.
    public static let purposes = ["audience_measurement"]

    /// The scheme of the origin of each host, for addresses that are put together again.
    public var schemes: [String: String] {
        Dictionary(
            zip(hosts, origins.map { $0.hasPrefix("http:") ? "http" : "https" }), uniquingKeysWith: { $1 })
    }

    /// Hosts of the origins, in lower case, without ports: where a page of the site can be.
    public var hosts: [String] {
        origins.compactMap { origin in
            guard let scheme = origin.range(ofASCII: "://") else { return nil }
            let authority = origin[scheme.upperBound...]
            if authority.first == "[" { return String(authority.prefix { $0 != "]" }) + "]" }
            return String(authority.prefix { $0 != ":" && $0 != "/" })
        }
    }

    /// Whether it is a well-formed id: `[a-z0-9-]{1,32}`.
    public static func isValidID(_ id: some StringProtocol) -> Bool {
        (1...32).contains(id.utf8.count)
            && id.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }
}

/// What the configuration says of the controller of a site (GDPR, article 4(7)): one line each, nil where it says nothing.
/// A proof of a consent names them.
public struct Controller: Sendable, Equatable {
    /// Its name; the site's where there is none.
    public var name: String?
    /// Where it can be reached: an e-mail address, a telephone number, a page.
    public var contact: String?
    /// Its postal address.
    public var address: String?
    /// Whose law holds.
    public var jurisdiction: String?
    /// Where the data is stored.
    public var storageLocation: String?

    /// Nothing is said.
    public init() {}
}

/// The text that a visitor is shown before the choice, in one language.
public struct Notice: Sendable, Equatable {
    /// Language of the text.
    public var locale: String
    /// The text to the character: its SHA-256 is the notice version.
    public var text: String
    /// Whether consents given under an earlier text of that locale are no longer enough.
    public var reask: Bool

    /// A notice by its parts.
    public init(locale: String, text: String, reask: Bool = false) {
        self.locale = locale
        self.text = text
        self.reask = reask
    }
}

/// A named rule set. An event matches if it lies in the dates and any one rule holds of its own URL or referrer.
/// Rules apply when a report is made.
public struct Campaign: Sendable, Equatable {
    /// `[a-z0-9-]{1,32}`, unique per site.
    public var id: String
    /// For people, such as `#YouthDay`.
    public var name: String
    /// Without `#`; compared without regard to case.
    public var hashtags: [String]
    /// Globs on the decoded path without trailing slash and leading locale segment.
    public var paths: [String]
    /// Globs without regard to case.
    public var utmCampaign: [String]
    /// Globs without regard to case.
    public var utmSource: [String]
    /// Globs without regard to case.
    public var utmMedium: [String]
    /// Hosts or parent domains.
    public var referrers: [String]
    /// First local date, included; nil for no bound.
    public var from: Day?
    /// Last local date, included; nil for no bound.
    public var to: Day?

    /// A campaign by its rules.
    public init(
        id: String, name: String, hashtags: [String] = [], paths: [String] = [], utmCampaign: [String] = [],
        utmSource: [String] = [], utmMedium: [String] = [], referrers: [String] = [], from: Day? = nil, to: Day? = nil
    ) {
        self.id = id
        self.name = name
        self.hashtags = hashtags
        self.paths = paths
        self.utmCampaign = utmCampaign
        self.utmSource = utmSource
        self.utmMedium = utmMedium
        self.referrers = referrers
        self.from = from
        self.to = to
    }
}

/// The whole configuration: one TOML file, checked whole at start.
public struct Configuration: Sendable, Equatable {
    /// What an acknowledged event survives.
    public enum Durability: String, Sendable, CaseIterable {
        /// Loss of power: the disk has it.
        case full
        /// `kill -9`: the kernel has it.
        case process
    }

    /// Public listener, `address:port`.
    public var listen = "127.0.0.1:8787"
    /// Staff listener, `address:port`.
    public var staffListen = "127.0.0.1:8788"
    /// Data directory.
    public var data = "data"
    /// What an acknowledged event survives.
    public var durability = Durability.full
    /// Requests per minute and address prefix; 0 for no limit.
    public var requestsPerMinute = 600
    /// Addresses of proxies whose `Forwarded` and `X-Forwarded-For` are believed.
    public var trustedProxies: [String] = ["127.0.0.1"]
    /// Who is no visitor.
    public var rules = TrafficRules()
    /// Sites in the order of the file, at least one.
    public var sites: [Site] = []

    /// Days that events are kept, by site.
    public var retentionDays: [String: Int] {
        Dictionary(sites.map { ($0.id, $0.retentionDays) }, uniquingKeysWith: min)
    }

    /// The defaults, without a site.
    public init() {}
}
