/// An event that may be stored: only the gate makes one, and journal and partitions take nothing else.
public struct ConsentedEvent: Sendable, Equatable {
    /// The event, cleaned and classified.
    public let event: Event

    init(_ event: Event) { self.event = event }

    /// An imported event under the number that the ledger has given its visitor since it was admitted with 0.
    public consuming func numbered(_ visitor: VisitorNumber) -> ConsentedEvent {
        precondition(event.visitor == 0, "an event changes its visitor only once")
        var event = event
        event.visitor = visitor
        return ConsentedEvent(event)
    }
}

/// What a request says beside its body, as the gate needs it. The collector makes it from the headers and forgets it.
public struct RequestContext: Sendable {
    /// The `User-Agent` header.
    public var userAgent: String?
    /// What the browser says of itself beside it.
    public var hints: ClientHints
    /// `Sec-GPC: 1`.
    public var gpc: Bool
    /// `DNT: 1`.
    public var dnt: Bool
    /// `Sec-Purpose` (or the older `Purpose`) says prefetch.
    public var isPrefetch: Bool
    /// The token of the cookie.
    public var cookieToken: String?

    /// A context by its parts.
    public init(
        userAgent: String?, hints: ClientHints = .none, gpc: Bool = false, dnt: Bool = false, isPrefetch: Bool = false,
        cookieToken: String? = nil
    ) {
        self.userAgent = userAgent
        self.hints = hints
        self.gpc = gpc
        self.dnt = dnt
        self.isPrefetch = isPrefetch
        self.cookieToken = cookieToken
    }
}

/// What the gate decided of one request's events.
public struct Admission: Sendable {
    /// Whose events they are; 0 if none was admitted.
    public var visitor: VisitorNumber = 0
    /// Events that may be stored, in the order of the request.
    public var events: [ConsentedEvent] = []
    /// One reason for each event that may not.
    public var refusals: [Refusal] = []
}

/// How the visitor stands whom a token names.
public struct Standing: Sendable, Equatable {
    /// The number that the visitor has now: another than the token's where events were erased and the consent was kept.
    public var visitor: VisitorNumber
    /// Whether the consent is withdrawn.
    public var hasWithdrawn: Bool
    /// When the visitor's events were erased last: none from before may be stored. Nil if they never were.
    public var erased: Instant?

    /// A standing by its parts.
    public init(visitor: VisitorNumber, hasWithdrawn: Bool = false, erased: Instant? = nil) {
        self.visitor = visitor
        self.hasWithdrawn = hasWithdrawn
        self.erased = erased
    }
}

/// Decides, for one site, which events may be stored and which choices are consents. Pure: it is told the time, and how
/// visitors stand. Of reference type, for every request asks it.
///
/// The order of reasons is fixed: first what concerns the request (prefetch, bot), then the consent, then the browser's
/// signals, then each event's own address.
public final class Gate: Sendable {
    /// The site that it guards.
    public let site: Site
    private let signer: Token.Signer
    private let hosts: Set<String>
    private let origins: Set<String>
    private let countries: CountryTable
    private let currentNotices: Set<Token.NoticePrefix>
    private let knownNotices: [String: String]
    private let asksAgain: Bool
    private let supersededWithoutAsking: Set<Token.NoticePrefix>
    private let unknownVisitors: [ClosedRange<VisitorNumber>]
    private let rules: TrafficRules

    /// A gate for a site. Made once at start; checking costs no preparation.
    /// - Parameter unknownVisitors: numbers that a genuine token can name and the ledger does not know, because it was
    ///   restored from a backup that is older than the token.
    public init(
        site: Site, key: ServerKey, countries: CountryTable, rules: TrafficRules = TrafficRules(),
        unknownVisitors: [ClosedRange<VisitorNumber>] = []
    ) {
        self.site = site
        self.rules = rules
        self.unknownVisitors = unknownVisitors
        self.countries = countries
        signer = Token.Signer(key: key, site: site.id)
        hosts = Set(site.hosts)
        origins = Set(site.origins)
        var current: [String: Notice] = [:]
        for notice in site.notices { current[notice.locale] = notice }
        currentNotices = Set(current.values.map { Token.NoticePrefix(ofVersion: $0.version) })
        knownNotices = Dictionary(site.notices.map { ($0.version, $0.locale) }, uniquingKeysWith: { $1 })
        asksAgain = current.values.contains(where: \.reask)
        supersededWithoutAsking = Set(
            site.notices.filter { current[$0.locale]?.reask == false }
                .map { Token.NoticePrefix(ofVersion: $0.version) })
    }

    /// Whether a page of that origin may post here.
    public func allows(origin: String) -> Bool { origins.contains(origin) || origins.contains(origin.lowercased()) }

    /// Whether a host name (without port) is one of the site's own.
    public func isOwn(host: String) -> Bool { hosts.contains(host.lowercased()) }

    // MARK: Consent

    /// The consent that a token names, if it is valid now, under the number that the visitor has now.
    public func consent(
        token: String?, at now: Instant, standing: (VisitorNumber) -> Standing
    ) -> Result<Token, Refusal> {
        judge(holder(of: token), at: now, standing: standing).map(\.consent)
    }

    private func judge(
        _ holder: Token?, at now: Instant, standing: (VisitorNumber) -> Standing
    ) -> Result<(consent: Token, erased: Instant?), Refusal> {
        guard var consent = holder else { return .failure(.noConsent) }
        let standing = standing(consent.visitor)
        guard !standing.hasWithdrawn else { return .failure(.withdrawn) }
        guard now < consent.expires else { return .failure(.expired) }
        guard isCurrent(consent.notice) else { return .failure(.noticeChanged) }
        consent.visitor = standing.visitor
        return .success((consent, standing.erased))
    }

    /// What a genuine token of this site says, valid now or not: enough for taking the consent back.
    public func holder(of token: String?) -> Token? { known(token.flatMap(signer.verify)) }

    private func holder(of token: String?, _ memory: inout GateMemory) -> Token? {
        guard let token else { return nil }
        let found = memory.tokens.valueIfAny(of: token) { [signer, site] text in
            signer.verify(text).map { (site.id, $0) }
        }
        // A token of another site is none of this one.
        return found?.site == site.id ? known(found?.token) : nil
    }

    private func known(_ holder: Token?) -> Token? {
        guard let holder, !unknownVisitors.contains(where: { $0.contains(holder.visitor) }) else { return nil }
        return holder
    }

    /// A text that is shown now is enough. So is one that the configuration still lists for a locale whose newer text
    /// does not ask again, and any earlier text while no locale asks again.
    private func isCurrent(_ notice: Token.NoticePrefix) -> Bool {
        currentNotices.contains(notice) || !asksAgain || supersededWithoutAsking.contains(notice)
    }

    /// The token text for a consent record.
    public func token(_ token: Token) -> String { signer.sign(token) }

    /// Why a `granted` choice is no consent, as a sentence for the site's developer; nil if it is one.
    ///
    /// It must be an affirmative act, under a notice version that the configuration knows for that locale, from a
    /// source that the wire knows.
    public func objection(to request: ConsentRequest) -> String? {
        guard request.act == "click" || request.act == "key" else {
            return "act: must be click or key; nothing else is an act of consent"
        }
        let isAdapter = request.source.hasPrefix("cmp:") && Site.isValidID(request.source.dropFirst(4))
        guard ["banner", "settings", "api"].contains(request.source) || isAdapter else {
            return "source: must be banner, settings, api or cmp:<name>"
        }
        guard let locale = knownNotices[request.notice] else {
            return "notice: is no notice version of this site"
        }
        guard locale == request.locale else { return "locale: is not the language of that notice" }
        return nil
    }

    // MARK: Events

    /// Judges the events of one request.
    /// - Parameters:
    ///   - receivedAt: time of receipt by the server's clock.
    ///   - memory: of requests that came before on the same event loop.
    ///   - standing: how a visitor of this site stands, by the number in a token.
    public func admit(
        _ request: EventsRequest, _ context: RequestContext, receivedAt: Instant, _ memory: inout GateMemory,
        standing: (VisitorNumber) -> Standing
    ) -> Admission {
        var admission = Admission()
        func refuseAll(_ reason: Refusal) -> Admission {
            admission.refusals = Array(repeating: reason, count: request.events.count)
            return admission
        }
        if context.isPrefetch { return refuseAll(.prefetch) }
        guard let client = UserAgent.client(context.userAgent, context.hints, rules, &memory) else {
            return refuseAll(.bot)
        }
        let (consent, erased): (Token, Instant?)
        let holder = holder(of: request.consent ?? context.cookieToken, &memory)
        switch judge(holder, at: receivedAt, standing: standing) {
        case .success(let judged): (consent, erased) = judged
        case .failure(let reason): return refuseAll(reason)
        }
        if context.gpc, !consent.underGPC { return refuseAll(.gpc) }
        if context.dnt, !consent.underDNT { return refuseAll(.dnt) }
        admission.visitor = consent.visitor
        admission.events.reserveCapacity(request.events.count)
        for beacon in request.events {
            let time = max(receivedAt.advanced(by: -beacon.age), min(consent.issued, receivedAt))
            if let erased, time < erased {
                admission.refusals.append(.erased)
                continue
            }
            switch event(
                beacon, at: time, visitor: consent.visitor, record: consent.record, client: client, &memory)
            {
            case .success(let event): admission.events.append(ConsentedEvent(event))
            case .failure(let reason): admission.refusals.append(reason)
            }
        }
        return admission
    }

    /// Judges one line of an import, which stands on the ground that the ledger recorded for it.
    /// - Parameter memory: of earlier lines.
    /// - Throws: ``BadRequest`` if the line's page is none of the site's or its referrer is a known spammer.
    public func admit(
        _ line: EventLine, visitor: VisitorNumber, record: RecordNumber, _ memory: inout GateMemory
    ) throws(BadRequest) -> ConsentedEvent {
        func family(_ name: String) -> String {
            name.isEmpty
                ? "" : memory.families.value(of: name) { Cleaning.text($0, bytesMax: EventLine.familyBytesMax) }
        }
        let client = Client(
            device: line.client.device, browser: family(line.client.browser), system: family(line.client.system))
        switch event(line.beacon, at: line.time, visitor: visitor, record: record, client: client, &memory) {
        case .success(var event):
            if let country = line.country { event.country = country }
            return ConsentedEvent(event)
        case .failure(.host): throw BadRequest("url", "its host is none of the site's")
        case .failure: throw BadRequest("referrer", "is a known spammer")
        }
    }

    private func event(
        _ beacon: BeaconEvent, at time: Instant, visitor: VisitorNumber, record: RecordNumber, client: Client,
        _ memory: inout GateMemory
    ) -> Result<Event, Refusal> {
        let page = memory.pages.value(of: beacon.url) { url in WebAddress(url).map(Cleaning.page) }
        guard let page, hosts.contains(page.host) else { return .failure(.host) }
        let referrer =
            beacon.referrer.isEmpty
            ? Referrer.none
            : memory.referrers.value(of: beacon.referrer) { text in
                let referrer = Cleaning.referrer(text)
                return rules.isSpam(referrer: referrer.host) ? nil : referrer
            }
        guard let referrer else { return .failure(.spamReferrer) }
        return .success(
            Event(
                id: beacon.id, time: time, visitor: visitor, record: record, kind: beacon.kind, page: page,
                title: beacon.title.isEmpty
                    ? ""
                    : memory.titles.value(of: beacon.title) { title in
                        Cleaning.text(title, bytesMax: Limits.titleBytesMax)
                    },
                referrer: referrer,
                locale: beacon.locale.isEmpty ? "" : memory.locales.value(of: beacon.locale, Cleaning.locale),
                country: countries.country(ofZone: beacon.zone), client: client, name: beacon.name,
                target: beacon.target.isEmpty ? "" : memory.targets.value(of: beacon.target, Cleaning.target),
                engagedMilliseconds: beacon.engagedMilliseconds, scroll: beacon.scroll))
    }
}
