import AssentCore

/// What is allowed and yet cannot work as it is, or is hardly meant.
public struct ConfigurationAdvice: Sendable, Equatable {
    /// How much depends on it.
    public enum Weight: String, Sendable {
        /// Something will not work, or is not safe, unless what surrounds the collector makes up for it.
        case warning
        /// Worth a look.
        case note
    }

    /// How much depends on it.
    public var weight: Weight
    /// Where, and the sentence: what it leads to and what to do.
    public var problem: ConfigurationProblem

    /// `config/assent.toml:12: warning: …`.
    public func text(in file: String) -> String {
        let place =
            switch problem.place {
            case .line(let line): "\(file):\(line)"
            case .variable(let name): name
            }
        return "\(place): \(weight.rawValue): \(problem.sentence)"
    }
}

/// Looks through a configuration that has no errors for what a set-up with it cannot do.
struct Adviser {
    private let configuration: Configuration
    private(set) var found: [ConfigurationAdvice] = []

    init(_ configuration: Configuration, _ top: Section) {
        self.configuration = configuration
        listeners(top)
        let sections = top.sections("site", as: .site)
        for (index, section) in sections.enumerated() {
            let site = configuration.sites[index]
            places(of: site, section)
            neighbours(of: site, among: configuration.sites[..<index], section)
            notices(of: site, section)
        }
        found = found.enumerated().sorted {
            ($0.element.problem.place, $0.offset) < ($1.element.problem.place, $1.offset)
        }
        .map(\.element)
    }

    private mutating func say(
        _ weight: ConfigurationAdvice.Weight, _ place: ConfigurationProblem.Place, _ sentence: String
    ) {
        found.append(
            ConfigurationAdvice(weight: weight, problem: ConfigurationProblem(place: place, sentence: sentence)))
    }

    // MARK: Listeners

    private mutating func listeners(_ top: Section) {
        guard let listen = Endpoint(configuration.listen), let staff = Endpoint(configuration.staffListen) else {
            return
        }
        let proxies = configuration.trustedProxies
        if !staff.isLoopback {
            say(
                .warning, top.place(of: "staff_listen"),
                "staff_listen is reached from other machines, without TLS: listen on 127.0.0.1, or keep its port behind "
                    + "the firewall.")
        }
        if !listen.isLoopback, proxies.allSatisfy(Addresses.isLoopback) {
            say(
                .warning, top.place(of: "listen"),
                "listen is reached from other machines, without TLS and past the proxy: listen on 127.0.0.1, or name the "
                    + "proxy in trusted_proxies and let the firewall pass nobody else.")
        }
        if listen.isLoopback,
            !proxies.contains(where: { Addresses.isLoopback($0) && $0.contains(":") == listen.host.contains(":") })
        {
            say(
                .warning, top.place(of: "trusted_proxies"),
                "trusted_proxies names no address of this machine, from which a proxy reaches \(listen.host): all "
                    + "visitors share one rate limit. Add \"\(listen.host)\".")
        }
        if configuration.requestsPerMinute == 0 {
            say(
                .note, top.place(of: "requests_per_minute"),
                "requests_per_minute is 0: nobody is slowed down. Let the proxy do it.")
        }
    }

    // MARK: Origins and cookies

    private mutating func places(of site: Site, _ section: Section) {
        for (origin, host) in zip(section.strings("origins") ?? [], site.hosts)
        where origin.value.hasPrefix("http:") && !Addresses.isLocal(host) {
            say(
                .warning, origin.place,
                "\(origin.value) is not https: browsers keep no consent there, so nothing is measured. Serve it with TLS."
            )
        }
        guard let domain = site.cookieDomain else { return }
        let place = section.place(of: "cookie_domain")
        if Addresses.looksLikeSuffix(domain) {
            say(
                .warning, place,
                "cookie_domain looks like one below which anybody can register: browsers refuse cookies for \(domain). "
                    + "Write the site's own domain.")
        }
        if let collector = site.collectorHost {
            if site.hosts.allSatisfy({ $0 == collector }) {
                say(
                    .warning, place,
                    "cookie_domain shows assent_choice to every host of \(domain), and the collector is on the site's own: "
                        + "remove cookie_domain.")
            }
        } else {
            say(
                .note, place,
                "cookie_domain is for a collector on a sub-domain: say which in collector, such as "
                    + "\"https://stats.\(domain)\", so that it can be checked.")
        }
    }

    /// Cookies know hosts and neither ports nor schemes.
    private mutating func neighbours(of site: Site, among earlier: ArraySlice<Site>, _ section: Section) {
        for other in earlier {
            if let shared = site.hosts.first(where: { other.hosts.contains($0) }) {
                say(
                    .warning, section.place(of: "origins"),
                    "\(shared) is a host of the site \(other.id) too: cookies do not know ports, so the two overwrite each "
                        + "other's consent. Give them hosts of their own, or make them one site.")
            } else if let host = site.collectorHost, host == other.collectorHost {
                say(
                    .warning, section.place(of: "collector"),
                    "The site \(other.id) has its collector on \(host) too, and one host keeps one token: a consent to one "
                        + "site replaces that to the other. Use a path of each site, or sub-domains of each.")
            } else if covers(site, other) || covers(other, site) {
                say(
                    .warning, section.place(of: site.cookieDomain == nil ? "origins" : "cookie_domain"),
                    "This site and \(other.id) lie in one cookie_domain: a choice on one of them is read as one on the "
                        + "other. Use a path of each site.")
            }
        }
    }

    private func covers(_ site: Site, _ other: Site) -> Bool {
        guard let domain = site.cookieDomain else { return false }
        return other.hosts.contains { Addresses.host($0, isWithin: domain) }
    }

    // MARK: Notices

    private mutating func notices(of site: Site, _ section: Section) {
        let place = section.place(of: "locales")
        guard !site.notices.isEmpty else {
            return say(
                .warning, section.place, "The site has no notice: nobody is asked, so nothing is measured. Add one.")
        }
        for locale in site.locales where !site.notices.contains(where: { $0.locale == locale }) {
            say(
                .warning, place,
                "There is no notice for \(locale): pages in \(locale) are not measured. Add a [[site.notice]].")
        }
        for (notice, table) in zip(site.notices, section.sections("notice", as: .notice))
        where site.notices.last(where: { $0.locale == notice.locale }) == notice {
            let (days, months) = (site.retentionDays, Int((Double(site.retentionDays) / 30.4).rounded()))
            guard !notice.numbers.contains(where: { $0 == days || $0 == months }) else { continue }
            say(
                .note, table.place(of: "text"),
                "text does not say that events are kept for \(days) days: a consent must know it. Say so, or lower "
                    + "retention_days to what it says.")
        }
    }
}

extension Site {
    /// Host of its collector, nil where the configuration does not say it.
    var collectorHost: String? {
        collector.flatMap { Site(id: "", name: "", origins: [$0]).hosts.first }
    }
}

extension Notice {
    /// Whole numbers that its text says, in digits of any script.
    fileprivate var numbers: [Int] {
        var numbers: [Int] = []
        var current: Int?
        for character in text + " " {
            if let digit = character.wholeNumberValue, digit < 10 {
                current = min((current ?? 0) * 10 + digit, 1_000_000)
            } else if let number = current {
                numbers.append(number)
                current = nil
            }
        }
        return numbers
    }
}

extension Endpoint {
    var isLoopback: Bool { Addresses.isLoopback(host) }
}

extension Addresses {
    static func isLoopback(_ address: String) -> Bool { address.hasPrefix("127.") || address == "::1" }

    /// Whether browsers trust a host without TLS.
    static func isLocal(_ host: String) -> Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" || host.hasPrefix("127.") && isIP(host)
    }

    /// Second-level names below which registries of countries sell domains.
    private static let registryNames: Set<String> = [
        "ac", "asso", "co", "com", "edu", "gob", "gouv", "gov", "ltd", "me", "mil", "ne", "net", "nom", "or", "org",
        "plc",
        "sch",
    ]
    /// Domains below which hosters give one to each customer.
    private static let hosters: Set<String> = [
        "azurewebsites.net", "blogspot.com", "cloudfront.net", "github.io", "gitlab.io", "herokuapp.com", "netlify.app",
        "pages.dev", "vercel.app", "web.app", "workers.dev",
    ]

    /// Whether it may be on the list of public suffixes. That list is long and changes, so this is a guess.
    static func looksLikeSuffix(_ domain: String) -> Bool {
        let labels = domain.split(separator: ".")
        return hosters.contains(domain)
            || labels.count == 2 && labels[1].utf8.count == 2 && registryNames.contains(String(labels[0]))
    }
}
