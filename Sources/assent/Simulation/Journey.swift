import AssentCore

/// What one simulated visit sends: a request for each page that was read, with what happened there.
struct Journey {
    /// One page's request and when it is received.
    struct Sending {
        let at: Instant
        let events: [BeaconEvent]
    }

    private let origin: String
    private let locale: String
    private let zone: String
    private let isPrefixed: Bool

    /// - Parameters:
    ///   - locale: the language that is read.
    ///   - zone: the browser's time zone.
    init(site: Site, locale: String, zone: String) {
        origin = site.origins[0]
        self.locale = locale
        self.zone = zone
        isPrefixed = site.locales.count > 1
    }

    /// The requests of a visit that begins at one instant and is over at another.
    func sendings(
        from start: Instant, until end: Instant, entry: SimulatedSite.Entry,
        places: Weighted<SimulatedSite.Place>, _ chance: inout Chance
    ) -> [Sending] {
        var sendings: [Sending] = []
        var now = start
        var entry = entry
        // Each page is left with some likelihood; who reads long reads on.
        while sendings.count < Self.pagesMax, now < end {
            let rest = Double(end.milliseconds - now.milliseconds) / 1_000
            let seconds = min(900, rest, chance.logNormal(median: sendings.isEmpty ? 16 : 28, spread: 1.05))
            let left = now.advanced(by: Int64(seconds * 1_000))
            sendings.append(Sending(at: left, events: events(entry, seconds: seconds, &chance)))
            guard chance.happens(seconds > 20 ? 0.56 : 0.3) else { break }
            now = left.advanced(by: Int64(chance.exponential(mean: 2_500)))
            let here = url(of: entry.place, query: "", fragment: "")
            entry = SimulatedSite.Entry(place: places.draw(&chance), referrer: here)
        }
        return sendings
    }

    private static let pagesMax = 24

    /// The page view, what was done on the page, and the attention it got, each as old as it is when the page is left.
    private func events(
        _ entry: SimulatedSite.Entry, seconds: Double, _ chance: inout Chance
    ) -> [BeaconEvent] {
        var view = beacon(.pageview, entry, ago: seconds, &chance)
        view.title = entry.place.title
        view.referrer = entry.referrer
        var events = [view]
        for (name, probability, target) in Self.actions where chance.happens(probability * min(1, seconds / 20)) {
            var action = beacon(.action, entry, ago: seconds * chance.uniform(), &chance)
            action.name = name
            action.target = target
            events.append(action)
        }
        if seconds >= 1 {
            var engagement = beacon(.engagement, entry, ago: 0, &chance)
            engagement.engagedMilliseconds = UInt32(seconds * 1_000 * (0.45 + 0.5 * chance.uniform()))
            engagement.scroll = UInt8(min(100, 20 + Int(seconds * 1.2) + chance.number(in: 0...30)))
            events.append(engagement)
        }
        return events
    }

    /// Acts, how likely they are on a page that is read for 20 seconds, and what they lead to.
    private static let actions: [(name: String, probability: Double, target: String)] = [
        ("read_more", 0.16, ""), ("load_more", 0.07, ""), ("video_play", 0.05, ""), ("share", 0.025, "https://wa.me/"),
        ("outbound", 0.06, "https://www.un.org/en/observances/youth-day"),
    ]

    private func beacon(
        _ kind: Event.Kind, _ entry: SimulatedSite.Entry, ago seconds: Double, _ chance: inout Chance
    ) -> BeaconEvent {
        var beacon = BeaconEvent()
        beacon.id = "s\(String(chance.bits(), radix: 36))-\(String(chance.bits() >> 32, radix: 36))"
        beacon.kind = kind
        beacon.age = Int64(seconds * 1_000)
        beacon.url = url(of: entry.place, query: entry.query, fragment: entry.fragment)
        beacon.locale = locale
        beacon.zone = zone
        return beacon
    }

    private func url(of place: SimulatedSite.Place, query: String, fragment: String) -> String {
        "\(origin)\(isPrefixed ? "/\(locale)" : "")\(place.path)"
            + (query.isEmpty ? "" : "?\(query)") + (fragment.isEmpty ? "" : "#\(fragment)")
    }
}
