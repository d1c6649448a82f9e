import AssentCore

/// A site as its simulated visitors find it: pages by how often they are read, and ways that lead there.
struct SimulatedSite {
    /// A page without its language.
    struct Place: Sendable {
        /// With slashes at both ends.
        let path: String
        let title: String
    }

    /// How a visit begins.
    struct Entry: Sendable {
        var place: Place
        var query = ""
        var fragment = ""
        var referrer = ""
    }

    /// A campaign's rules as ways into the site, and how strong it is on each day.
    struct Draw {
        let entries: Weighted<Entry>
        private let campaign: Campaign
        private let strength: Double
        private let launch: Day

        init(_ campaign: Campaign, place: Place, strength: Double, launch: Day, referrers: [String]) {
            self.campaign = campaign
            self.strength = strength
            self.launch = campaign.from ?? launch
            entries = Weighted(Self.entries(campaign, place, referrers: referrers))
        }

        /// Loud when it begins, then quieter; next to nothing before, and nothing outside of its dates.
        func weight(on day: Day) -> Double {
            if let from = campaign.from, day < from { return 0 }
            if let to = campaign.to, day > to { return 0 }
            let age = launch.distance(to: day)
            guard age >= 0 else { return strength * 0.15 }
            return strength * (0.35 + 1.4 / (1 + Double(age) / 5))
        }

        private static func entries(
            _ campaign: Campaign, _ place: Place, referrers: [String]
        ) -> [(value: Entry, weight: Double)] {
            var entries: [(value: Entry, weight: Double)] = []
            func add(_ weight: Double, query: String = "", fragment: String = "", referrer: String) {
                entries.append((Entry(place: place, query: query, fragment: fragment, referrer: referrer), weight))
            }
            for (index, tag) in campaign.hashtags.enumerated() {
                let word = tag.hasPrefix("#") ? String(tag.dropFirst()) : tag
                for (referrer, weight) in zip(referrers, [4.0, 3, 2, 1]) {
                    add(weight / Double(index + 1), fragment: word, referrer: referrer)
                }
            }
            for glob in campaign.utmCampaign {
                let name = concrete(glob, "2026")
                add(3, query: "utm_source=instagram-ads&utm_medium=paid&utm_campaign=\(name)", referrer: "")
                add(2, query: "utm_source=newsletter&utm_medium=email&utm_campaign=\(name)", referrer: "")
            }
            for glob in campaign.utmSource {
                add(2, query: "utm_source=\(concrete(glob, "weekly"))&utm_medium=email", referrer: "")
            }
            for glob in campaign.utmMedium where campaign.utmSource.isEmpty {
                add(2, query: "utm_source=partner&utm_medium=\(concrete(glob, "mail"))", referrer: "")
            }
            for host in campaign.referrers { add(2, referrer: "https://\(host)/") }
            if !campaign.paths.isEmpty {
                add(2, referrer: "https://www.google.com/")
                add(1.5, referrer: "")
            }
            return entries
        }

        /// A value that a glob covers, as it can stand in a query.
        private static func concrete(_ glob: String, _ filling: String) -> String {
            let text = glob.split(separator: "*", omittingEmptySubsequences: false).joined(separator: "-\(filling)")
            let word = text.hasPrefix("-") ? String(text.dropFirst()) : text
            return String(word.map { $0 == " " || $0 == "&" || $0 == "#" || $0 == "%" || $0 == "+" ? "-" : $0 })
        }
    }

    /// All pages, the most read first.
    let places: Weighted<Place>
    /// The site's campaigns.
    let draws: [Draw]
    private let home: Place

    /// - Parameter launches: for each campaign the day on which it begins, unless its dates say so.
    init(_ site: Site, launches: [Day]) {
        let home = Place(path: "/", title: site.name)
        self.home = home
        let landings = site.campaigns.map { Self.place(of: $0, site: site) ?? home }
        var places = [home]
        for place in landings where !places.contains(where: { $0.path == place.path }) { places.append(place) }
        places.append(Place(path: "/news/", title: "News · \(site.name)"))
        for slug in Self.stories {
            let headline = slug.split(separator: "-").joined(separator: " ")
            places.append(
                Place(path: "/news/\(slug)/", title: "\(headline.prefix(1).uppercased())\(headline.dropFirst())"))
        }
        self.places = Weighted(zipf: places)
        draws = site.campaigns.enumerated().map { index, campaign in
            Draw(
                campaign, place: landings[index], strength: 1 / Double(index + 1).squareRoot(),
                launch: launches[index], referrers: Self.networks)
        }
    }

    /// A visit that no campaign brought.
    func entry(_ chance: inout Chance) -> Entry {
        Entry(place: places.draw(&chance), referrer: Self.referrers.draw(&chance))
    }

    /// The page that a campaign's first path rule covers.
    private static func place(of campaign: Campaign, site: Site) -> Place? {
        guard let glob = campaign.paths.first else { return nil }
        let segments = glob.split(separator: "/").filter { $0 != "**" }.map { segment in
            segment.split(separator: "*", omittingEmptySubsequences: false).joined(separator: "story")
        }
        let path = segments.isEmpty ? "/" : "/\(segments.joined(separator: "/"))/"
        return Place(path: path, title: "\(campaign.name) · \(site.name)")
    }

    private static let networks = [
        "https://t.co/", "https://l.facebook.com/", "https://l.instagram.com/", "https://www.youtube.com/",
    ]

    private static let referrers = Weighted<String>([
        ("", 42), ("https://www.google.com/", 27), ("https://l.facebook.com/", 8), ("https://t.co/", 5),
        ("https://www.bing.com/", 3), ("https://l.instagram.com/", 3), ("https://www.linkedin.com/", 2),
        ("https://duckduckgo.com/", 2), ("https://fr.wikipedia.org/wiki/Jeunesse", 1.5), ("https://t.me/", 1.5),
        ("https://chatgpt.com/", 1.5), ("https://www.unaoc.example/partners/", 1), ("https://news.example/world/", 1),
        ("https://blog.example/", 0.5),
    ])

    private static let stories = [
        "three-hundred-councillors-for-a-day", "well-number-fifty-gives-water", "a-song-that-crossed-the-river",
        "night-buses-run-on-friday", "the-school-that-tests-its-own-water", "two-radios-one-programme",
        "what-the-market-said", "a-bridge-for-cyclists", "letters-from-the-old-harbour", "the-choir-of-both-banks",
        "a-map-of-every-well", "how-we-count-without-watching", "the-first-skate-park", "dinner-for-four-hundred",
        "a-dry-summer-remembered", "the-women-who-run-the-pumps", "seven-answers-to-a-rumour", "autumn-on-the-selva",
    ]
}
