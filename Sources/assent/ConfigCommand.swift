import ArgumentParser
import AssentCollector
import AssentConfiguration
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
            let (configuration, file, advice) = try common.loadNamed()
            var writer = FileWriter()
            try writer.write(Array("\(file) is valid.\n\n".utf8))
            try writer.write(Array(ConfigurationSummary.text(of: configuration).utf8))
            try writer.finish()
            for each in advice { Console.say(each.text(in: file)) }
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
            "machines     rules of \(TrafficRules.date), and \(list(configuration.rules.machines.sorted()))",
            "spam         rules of \(TrafficRules.date), and \(list(configuration.rules.spamReferrers.sorted()))",
        ]
        for site in configuration.sites {
            lines += [
                "", "site         \(site.id): \(site.name)",
                "origins      \(list(site.origins))",
                "timezone     \(site.timezone)",
                "locales      \(list(site.locales))",
                "retention    \(site.retentionDays) days, \(site.onWithdraw.rawValue) on withdrawal",
                "collector    \(site.collector ?? "under /assent of each origin")",
                "smallest row \(site.minimumGroup) \(site.minimumGroup == 1 ? "visitor" : "visitors")",
            ]
            for notice in site.notices {
                lines.append("notice       \(notice.locale) \(notice.version)\(notice.reask ? ", asks again" : "")")
            }
            for campaign in site.campaigns {
                lines.append("campaign     \(campaign.id): \(campaign.name)\(dates(campaign))")
            }
        }
        return lines.joined(separator: "\n") + "\n" + configuration.sites.map(tag).joined()
    }

    /// What to put into the pages of a site.
    private static func tag(of site: Site) -> String {
        // Browsers compare the hash of a script from another origin only if it is asked for with CORS.
        let cors = site.collector == nil ? "" : " crossorigin"
        return """

            For the pages of \(site.id):
            <script defer src="\(site.collector ?? "/assent")/assent.js?site=\(site.id)" data-site="\(site.id)"\(cors)
              integrity="\(ScriptFile.integrity(of: site))"></script>
            With &parts=core in its address: integrity="\(ScriptFile.integrity(of: site, .core))"

            """
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
}
