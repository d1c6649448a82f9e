import ArgumentParser
import AssentCore

/// `assent config`
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the configuration.", subcommands: [Check.self])

    /// `assent config check`
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what the configuration means, or what is wrong with it and in which line.")

        @OptionGroup var common: CommonOptions

        func run() throws {
            let (configuration, file) = try common.loadNamed()
            var writer = FileWriter()
            try writer.write(Array("\(file) is valid.\n\n".utf8))
            try writer.write(Array(ConfigurationSummary.text(of: configuration).utf8))
            try writer.finish()
            for warning in ConfigurationSummary.warnings(about: configuration) { Console.say(warning) }
        }
    }
}

/// What a valid configuration means, for whoever wrote it.
enum ConfigurationSummary {
    /// One paragraph for the collector, one for each site.
    static func text(of configuration: Configuration) -> String {
        let limit = configuration.requestsPerMinute
        var lines = [
            "listen       \(configuration.listen), staff \(configuration.staffListen)",
            "data         \(configuration.data), durability \(configuration.durability.rawValue)",
            "limit        \(limit == 0 ? "none" : "\(limit) requests a minute")",
            "proxies      \(list(configuration.trustedProxies))",
        ]
        for site in configuration.sites {
            lines += [
                "", "site         \(site.id): \(site.name)",
                "origins      \(list(site.origins))",
                "timezone     \(site.timezone)",
                "locales      \(list(site.locales))",
                "retention    \(site.retentionDays) days, \(site.onWithdraw.rawValue) on withdrawal",
                "smallest row \(site.minimumGroup) \(site.minimumGroup == 1 ? "visitor" : "visitors")",
            ]
            for notice in site.notices {
                lines.append("notice       \(notice.locale) \(notice.version)\(notice.reask ? ", asks again" : "")")
            }
            for campaign in site.campaigns {
                lines.append("campaign     \(campaign.id): \(campaign.name)\(dates(campaign))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func list(_ items: [String]) -> String { items.isEmpty ? "none" : items.joined(separator: ", ") }

    private static func dates(_ campaign: Campaign) -> String {
        switch (campaign.from, campaign.to) {
        case (let from?, let to?): ", \(from) to \(to)"
        case (let from?, nil): ", from \(from)"
        case (nil, let to?): ", until \(to)"
        case (nil, nil): ""
        }
    }

    /// What is allowed and yet hardly meant.
    static func warnings(about configuration: Configuration) -> [String] {
        configuration.sites.flatMap { site in
            let unasked = site.locales.filter { locale in !site.notices.contains { $0.locale == locale } }
            var warnings = unasked.map {
                "Site \(site.id) has no notice for \($0): its pages in \($0) are not measured."
            }
            let plain = zip(site.origins, site.hosts).filter { origin, host in
                origin.hasPrefix("http:") && host != "localhost" && !host.hasPrefix("127.") && host != "[::1]"
                    && !host.hasSuffix(".localhost")
            }
            for (origin, _) in plain {
                warnings.append("Site \(site.id): browsers keep no consent on \(origin), which is not https.")
            }
            return warnings
        }
    }
}
