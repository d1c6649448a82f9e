import AssentCore

/// Reads the tables of sites and finds what clashes within and between them.
struct SiteReader {
    private let isTimeZone: (String) -> Bool
    private var ids: [String: ConfigurationProblem.Place] = [:]
    private var origins: [String: ConfigurationProblem.Place] = [:]

    init(isTimeZone: @escaping (String) -> Bool) { self.isTimeZone = isTimeZone }

    mutating func site(_ section: Section) -> Site {
        let id = identifier(in: section, of: "site", known: &ids)
        var site = Site(id: id, name: line("name", in: section) ?? id, origins: readOrigins(section))
        if let text = section.string("timezone") {
            site.timezone = text.value
            if !isTimeZone(text.value) {
                section.problem(
                    text.place, "timezone must be a time zone that this system knows, such as \"Europe/Brussels\".")
            }
        }
        if let locales = section.strings("locales") { site.locales = checked(locales: locales, section) }
        site.retentionDays =
            section.integer("retention_days", in: 1...Limits.retentionDaysMax) ?? site.retentionDays
        site.minimumGroup = section.integer("minimum_group", in: Limits.minimumGroupRange) ?? site.minimumGroup
        site.onWithdraw = section.choice("on_withdraw", of: Site.OnWithdraw.self) ?? site.onWithdraw
        site.controller.name = line("controller", in: section)
        site.controller.contact = line("contact", in: section)
        site.controller.address = line("address", in: section)
        site.controller.jurisdiction = line("jurisdiction", in: section)
        site.controller.storageLocation = line("storage_location", in: section)
        site.cookieDomain = cookieDomain(section, hosts: site.hosts)
        site.collector = collector(section, of: site)
        site.notices = notices(section, locales: site.locales)
        site.campaigns = campaigns(section, locales: site.locales)
        return site
    }

    // MARK: Names

    private func identifier(
        in section: Section, of what: String, known: inout [String: ConfigurationProblem.Place]
    ) -> String {
        guard let id = section.string("id") else {
            section.missing("id")
            return ""
        }
        if !Site.isValidID(id.value) {
            section.problem(id.place, "id must be 1 to 32 characters of a-z, 0-9 and -.")
        } else if let earlier = known[id.value] {
            section.problem(id.place, "id is that of the \(what) in \(text(earlier)) too: each needs its own.")
        }
        known[id.value] = known[id.value] ?? id.place
        return id.value
    }

    private func line(_ key: String, in section: Section) -> String? {
        guard let line = section.string(key) else { return nil }
        if !(1...Limits.nameBytesMax).contains(line.value.utf8.count) || hasControls(line.value) {
            section.problem(line.place, "\(key) must be one line of 1 to \(Limits.nameBytesMax) bytes.")
        }
        return line.value
    }

    private func hasControls(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    private func text(_ place: ConfigurationProblem.Place) -> String {
        switch place {
        case .line(let line): "line \(line)"
        case .variable(let name): name
        }
    }

    // MARK: Where the site is

    private mutating func readOrigins(_ section: Section) -> [String] {
        guard let found = section.strings("origins") else {
            section.missing("origins")
            return []
        }
        if found.isEmpty {
            section.problem(section.place, "origins must name at least one, such as \"https://www.example.org\".")
        }
        for origin in found {
            if let objection = Addresses.objection(toOrigin: origin.value) {
                section.problem(origin.place, "Each of origins \(objection).")
            } else if let earlier = origins[origin.value] {
                section.problem(
                    origin.place,
                    "This origin stands in \(text(earlier)) too: two sites of one origin would overwrite each other's "
                        + "consent.")
            }
            origins[origin.value] = origins[origin.value] ?? origin.place
        }
        return found.map(\.value)
    }

    private func cookieDomain(_ section: Section, hosts: [String]) -> String? {
        guard let domain = section.string("cookie_domain") else { return nil }
        if !Addresses.isHost(domain.value) || !domain.value.contains(".") || Addresses.isIP(domain.value) {
            section.problem(domain.place, "cookie_domain must be a domain in lower case, such as \"example.org\".")
        } else if let outside = hosts.first(where: { !Addresses.host($0, isWithin: domain.value) }) {
            section.problem(
                domain.place, "cookie_domain must be a parent domain of every origin; \(outside) does not lie in it.")
        }
        return domain.value
    }

    /// Where browsers reach the collector: where its cookies come back, and nowhere else.
    private func collector(_ section: Section, of site: Site) -> String? {
        guard let text = section.string("collector") else { return nil }
        let scheme = text.value.utf8.firstRange(of: "://".utf8)?.upperBound ?? text.value.startIndex
        let origin = String(text.value[..<(text.value[scheme...].firstIndex(of: "/") ?? text.value.endIndex)])
        let isWritten = text.value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#\"'<>\\&".utf8.contains($0) }
        guard Addresses.objection(toOrigin: origin) == nil, isWritten, text.value.last != "/" else {
            section.problem(
                text.place,
                "collector must be where browsers reach it, without a slash at the end, such as "
                    + "\"https://www.example.org/assent\" or \"https://stats.example.org\".")
            return nil
        }
        guard let host = Site(id: "", name: "", origins: [origin]).hosts.first else { return nil }
        if origin.hasPrefix("http:"), !Addresses.isLocal(host) {
            section.problem(text.place, "collector must be https: browsers keep no cookie of \(host) otherwise.")
        }
        for other in site.hosts where other != host {
            if let domain = site.cookieDomain, Addresses.host(host, isWithin: domain) { continue }
            if let parent = Addresses.commonDomain(host, other) {
                section.problem(
                    text.place,
                    "On \(other) the script cannot read the choice that \(host) keeps: set cookie_domain to "
                        + "\"\(parent)\", or reach the collector under a path of the site.")
            } else {
                section.problem(
                    text.place,
                    "For \(other) the domain of \(host) is a foreign one, of which browsers keep no cookie: reach the "
                        + "collector under a path of the site, or on a sub-domain of it.")
            }
            break
        }
        return text.value
    }

    private func checked(locales: [Placed<String>], _ section: Section) -> [String] {
        if locales.isEmpty { section.problem(section.place, "locales must name at least one, such as \"en\".") }
        var known: Set<String> = []
        for locale in locales {
            if !Addresses.isLocale(locale.value) {
                section.problem(locale.place, "Each of locales must be a language tag, such as \"en\" or \"pt-BR\".")
            } else if !known.insert(locale.value.lowercased()).inserted {
                section.problem(locale.place, "locales names \(locale.value) twice.")
            }
        }
        return locales.map(\.value)
    }

    // MARK: Notices

    private func notices(_ section: Section, locales: [String]) -> [Notice] {
        var versions: [String: ConfigurationProblem.Place] = [:]
        return section.sections("notice", as: .notice).map { section in
            var notice = Notice(locale: "", text: "", reask: section.boolean("reask") ?? false)
            if let locale = section.string("locale") {
                notice.locale = locale.value
                if !locales.contains(locale.value) {
                    section.problem(
                        locale.place, "locale must be one of the site's locales: \(locales.joined(separator: ", ")).")
                }
            } else {
                section.missing("locale")
            }
            guard let text = section.string("text") else {
                section.missing("text")
                return notice
            }
            notice.text = text.value
            if text.value.allSatisfy(\.isWhitespace) || text.value.utf8.count > Limits.noticeBytesMax {
                section.problem(text.place, "text must be 1 to \(Limits.noticeBytesMax) bytes.")
            } else if let earlier = versions[text.value] {
                section.problem(
                    text.place,
                    "text is the same as in \(self.text(earlier)): a consent could not say which notice was shown.")
            }
            versions[text.value] = versions[text.value] ?? text.place
            return notice
        }
    }

    // MARK: Campaigns

    private func campaigns(_ section: Section, locales: [String]) -> [Campaign] {
        let sections = section.sections("campaign", as: .campaign)
        if sections.count > Limits.campaignsPerSiteMax {
            section.problem(
                sections[Limits.campaignsPerSiteMax].place,
                "A site has at most \(Limits.campaignsPerSiteMax) campaigns: remove those that are over.")
        }
        var known: [String: ConfigurationProblem.Place] = [:]
        return sections.map { section in
            let problemsBefore = section.problems.found.count
            let id = identifier(in: section, of: "campaign", known: &known)
            var campaign = Campaign(id: id, name: line("name", in: section) ?? id)
            campaign.hashtags = rules("hashtags", section, objection(toHashtag:))
            campaign.paths = rules("paths", section) { objection(toPath: $0, locales: locales) }
            campaign.utmCampaign = rules("utm_campaign", section) { _ in nil }
            campaign.utmSource = rules("utm_source", section) { _ in nil }
            campaign.utmMedium = rules("utm_medium", section) { _ in nil }
            campaign.referrers = rules("referrers", section) {
                Addresses.isHost($0) ? nil : "must be a host or domain in lower case, such as \"example.org\""
            }
            let rules = [
                campaign.hashtags, campaign.paths, campaign.utmCampaign, campaign.utmSource, campaign.utmMedium,
                campaign.referrers,
            ]
            if rules.allSatisfy(\.isEmpty), section.problems.found.count == problemsBefore {
                section.problem(
                    section.place, "The campaign has no rule: add hashtags, paths, utm_campaign or referrers.")
            }
            let to = section.date("to")
            campaign.from = section.date("from")?.value
            campaign.to = to?.value
            if let from = campaign.from, let to, from > to.value {
                section.problem(to.place, "to must not be before from.")
            }
            return campaign
        }
    }

    private func rules(_ key: String, _ section: Section, _ objection: (String) -> String?) -> [String] {
        (section.strings(key) ?? []).map { rule in
            if !(1...Limits.ruleBytesMax).contains(rule.value.utf8.count) || hasControls(rule.value) {
                section.problem(rule.place, "Each of \(key) must be 1 to \(Limits.ruleBytesMax) bytes.")
            } else if let objection = objection(rule.value) {
                section.problem(rule.place, "Each of \(key) \(objection).")
            }
            return rule.value
        }
    }

    private func objection(toHashtag text: String) -> String? {
        let word = text.hasPrefix("#") ? text.dropFirst() : text[...]
        let isWord = word.unicodeScalars.allSatisfy {
            $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType != nil
                || $0.properties.generalCategory == .nonspacingMark
        }
        guard isWord, (1...Limits.fragmentLengthMax).contains(word.count) else {
            return "must be one word of letters, digits and _, such as \"YouthDay\""
        }
        return nil
    }

    private func objection(toPath text: String, locales: [String]) -> String? {
        guard text.hasPrefix("/") else { return "must begin with a slash, such as \"/youth-day/**\"" }
        guard !text.contains("?"), !text.contains("#") else { return "must be a path without ? and #" }
        let first = text.dropFirst().prefix { $0 != "/" }.lowercased()
        guard !locales.contains(where: { $0.lowercased() == first }) else {
            return "must be without its leading /\(first): a rule holds for every language of a page"
        }
        return nil
    }
}
