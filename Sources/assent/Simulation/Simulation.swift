import AssentCore
import AssentStore

/// Made-up visitors of a site over some weeks: they are asked, some agree, and what they do passes the gate and the
/// store as if it had come over the wire. The same options give the same numbers; ids that the store makes differ.
struct Simulation {
    /// What is simulated.
    struct Options {
        /// Length of the period.
        var weeks = 8
        /// Visitors who agree.
        var visitors = 5_000
        /// Decides every draw.
        var seed: UInt64 = 1
        /// Last day of the period, by the site's clock.
        var end: Day
    }

    /// What came of it.
    struct Outcome {
        var consents = 0
        var refusals = 0
        var withdrawals = 0
        var events = 0
        /// Events that the gate turned away.
        var turnedAway = 0
    }

    private struct Visitor {
        let locale: String
        let zone: Int
        let userAgent: String
        var token: String?
        var number: VisitorNumber = 0
        var lastSeen = Instant(milliseconds: 0)
    }

    private struct Visit {
        let visitor: Int
        let start: Instant
    }

    private let site: Site
    private let options: Options
    private let gate: Gate
    private let timeZone: TimeZoneRules
    private let zones: [TimeZoneRules]
    private let days: ClosedRange<Day>
    private let start: Instant
    private let end: Instant
    private var pages: SimulatedSite
    private var chance: Chance
    private var visitors: [Visitor] = []
    private var visits: [Day: [Visit]] = [:]
    private var outcome = Outcome()

    /// Plans who comes when. Time and memory grow with the visits.
    init(site: Site, key: ServerKey, options: Options) throws(Failure) {
        guard !site.notices.isEmpty else {
            throw Failure(.failed, "Site \(site.id) has no notice, so nobody can agree: add one to the configuration.")
        }
        self.site = site
        self.options = options
        timeZone = try site.timeZone()
        do throws(StoreError) {
            gate = Gate(site: site, key: key, countries: try SystemTables.countries())
            var zones: [TimeZoneRules] = []
            for each in Population.zones { zones.append(try SystemTables.timeZone(named: each.zone)) }
            self.zones = zones
        } catch {
            throw Failure(error)
        }
        days = options.end.advanced(by: 1 - 7 * options.weeks)...options.end
        start = timeZone.start(of: days.lowerBound)
        end = timeZone.start(of: days.upperBound.advanced(by: 1))
        var chance = Chance(seed: options.seed)
        let launches = site.campaigns.map { [days] _ in
            days.lowerBound.advanced(by: chance.number(in: 0...days.count - 1))
        }
        pages = SimulatedSite(site, launches: launches)
        self.chance = chance
        plan()
    }

    // MARK: Who comes when

    private mutating func plan() {
        let homes = Weighted(Population.zones.indices.map { ($0, Population.zones[$0].weight) })
        let arrivals = Weighted(
            days.map { day in
                let growth = 1 + 0.5 * Double(days.lowerBound.distance(to: day)) / Double(days.count)
                return (day, Population.weekdays[day.weekday - 1] * growth * (0.85 + 0.3 * chance.uniform()))
            })
        for index in 0..<options.visitors {
            let zone = homes.draw(&chance)
            visitors.append(
                Visitor(
                    locale: locale(reading: Population.zones[zone].tongue), zone: zone,
                    userAgent: Population.browsers.draw(&chance)))
            var day = arrivals.draw(&chance)
            repeat {
                let hour = Population.hours.draw(&chance)
                let second = Int64(hour) * 3_600 + Int64(chance.uniform() * 3_600)
                let at = zones[zone].start(of: day).advanced(by: second * 1_000)
                // By the site's clock it can be the day before or after the period.
                let visit = Visit(visitor: index, start: min(max(at, start), end.advanced(by: -3_600_000)))
                visits[visit.start.day, default: []].append(visit)
                day = day.advanced(by: 1 + Int(chance.exponential(mean: 5)))
            } while chance.happens(0.42) && day <= days.upperBound
        }
    }

    private mutating func locale(reading tongue: Population.Tongue) -> String {
        let asked = site.locales.filter { locale in site.notices.contains { $0.locale == locale } }
        if asked.contains(tongue.rawValue), chance.happens(0.86) { return tongue.rawValue }
        return asked.first ?? site.notices[0].locale
    }

    // MARK: What they do

    /// Writes everything into the data directory.
    /// - Parameter progress: told each day that is done.
    mutating func run(in store: Store, progress: (Day, Outcome) -> Void) throws(StoreError) -> Outcome {
        for day in visits.keys.sorted() {
            let today = (visits.removeValue(forKey: day) ?? []).enumerated().sorted {
                ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
            }.map(\.element)
            try ask(today, store)
            try send(today, store)
            try store.drain(at: day.advanced(by: 1).start)
            progress(day, outcome)
        }
        try withdraw(store)
        return outcome
    }

    /// Asks those who come for the first time. For each who agrees there are some who do not.
    private mutating func ask(_ visits: [Visit], _ store: Store) throws(StoreError) {
        var requests: [LedgerRequest] = []
        var asked: [(visitor: Int, notice: Notice)] = []
        for visit in visits where visitors[visit.visitor].token == nil {
            let visitor = visitors[visit.visitor]
            guard let notice = site.notices.last(where: { $0.locale == visitor.locale }) else { continue }
            visitors[visit.visitor].token = ""
            let day = timeZone.date(of: visit.start)
            requests.append(
                .grant(
                    NewConsent(
                        site: site.id, notice: notice, act: chance.happens(0.94) ? "click" : "key", source: "banner",
                        at: visit.start, day: day)))
            asked.append((visit.visitor, notice))
            while !chance.happens(0.64) {
                requests.append(.refuse(site: site.id, day: day))
                outcome.refusals += 1
            }
        }
        guard !requests.isEmpty else { return }
        var next = asked.makeIterator()
        for case .granted(let record) in try store.commit(requests) {
            guard let (visitor, notice) = next.next() else { break }
            visitors[visitor].number = record.visitor
            visitors[visitor].token = gate.token(
                Token(
                    visitor: record.visitor, record: record.number, issued: record.issued, notice: notice.version,
                    underGPC: false, underDNT: false))
            outcome.consents += 1
        }
    }

    private mutating func send(_ visits: [Visit], _ store: Store) throws(StoreError) {
        var waiting: [ConsentedEvent] = []
        var turnedAway: [Day: [Refusal: UInt64]] = [:]
        let standings = store.standings(site: site.id)
        var memory = GateMemory(texts: Limits.rememberedTextsOfImportMax)
        for visit in visits {
            let visitor = visitors[visit.visitor]
            let day = timeZone.date(of: visit.start)
            let journey = Journey(site: site, locale: visitor.locale, zone: Population.zones[visitor.zone].zone)
            let context = self.context(of: visitor)
            let sendings = journey.sendings(
                from: visit.start, until: end, entry: entry(on: day), places: pages.places, &chance)
            for sending in sendings {
                var request = EventsRequest()
                request.events = sending.events
                let admission = gate.admit(
                    request, context, receivedAt: sending.at, &memory, standing: standings.standing(of:))
                waiting += admission.events
                outcome.events += admission.events.count
                outcome.turnedAway += admission.refusals.count
                for refusal in admission.refusals { turnedAway[day, default: [:]][refusal, default: 0] += 1 }
            }
            visitors[visit.visitor].lastSeen = sendings.last?.at ?? visit.start
            if waiting.count >= Limits.commitEventsMax / 2 { try append(&waiting, store) }
        }
        try append(&waiting, store)
        let tallies = turnedAway.sorted { $0.key < $1.key }.flatMap { day, reasons in
            reasons.sorted { $0.key.rawValue < $1.key.rawValue }.map { reason, count in
                LedgerRequest.refusals(site: site.id, day: day, reason: reason, count: count)
            }
        }
        if !tallies.isEmpty { _ = try store.commit(tallies) }
    }

    private func append(_ events: inout [ConsentedEvent], _ store: Store) throws(StoreError) {
        guard !events.isEmpty else { return }
        _ = try store.append([EventBatch(site: site.id, events: events)])
        events.removeAll(keepingCapacity: true)
    }

    /// Mostly a person's own browser; now and then a machine, a lost token, or a browser that has begun to say GPC.
    private mutating func context(of visitor: Visitor) -> RequestContext {
        switch chance.uniform() {
        case ..<0.03: RequestContext(userAgent: Population.machines.draw(&chance))
        case ..<0.038: RequestContext(userAgent: visitor.userAgent)
        case ..<0.045: RequestContext(userAgent: visitor.userAgent, gpc: true, cookieToken: visitor.token)
        default: RequestContext(userAgent: visitor.userAgent, cookieToken: visitor.token)
        }
    }

    /// By a campaign or by themselves.
    private mutating func entry(on day: Day) -> SimulatedSite.Entry {
        let weights = pages.draws.map { $0.weight(on: day) }
        var at = chance.uniform() * (weights.reduce(0, +) + Self.weightWithoutCampaign)
        for (draw, weight) in zip(pages.draws, weights) {
            if at < weight { return draw.entries.draw(&chance) }
            at -= weight
        }
        return pages.entry(&chance)
    }

    private static let weightWithoutCampaign = 2.4

    /// A few take their consent back, some time after they were last here.
    private mutating func withdraw(_ store: Store) throws(StoreError) {
        var requests: [LedgerRequest] = []
        for visitor in visitors where visitor.number != 0 && chance.happens(Self.withdrawing(of: visitors.count)) {
            let later = visitor.lastSeen.advanced(by: 60_000 + Int64(chance.exponential(mean: 86_400_000)))
            let at = max(visitor.lastSeen, min(later, end.advanced(by: -1_000)))
            requests.append(
                .withdraw(
                    site: site.id, visitor: visitor.number, erase: site.onWithdraw == .erase, at: at,
                    day: timeZone.date(of: at)))
        }
        guard !requests.isEmpty else { return }
        outcome.withdrawals = try store.commit(requests).count
        try store.drain(at: end)
    }

    /// One in eighty, but no more than some hundred: each reads every partition.
    private static func withdrawing(of visitors: Int) -> Double { min(1.0 / 80, 150 / Double(max(1, visitors))) }
}
