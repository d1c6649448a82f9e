internal import AssentCore
internal import AssentStore
internal import NIOCore

/// A site with everything about it that is prepared once; of reference type, for every request looks one up.
final class ServedSite: Sendable {
    let site: Site
    let gate: Gate
    let timeZone: TimeZoneRules
    private let standings: Standings
    /// The answer to `GET /assent.js`.
    private let script: Response
    private let notices: [String: Notice]
    private let hosts: Set<String>

    init(
        _ site: Site, key: ServerKey, timeZone: TimeZoneRules, countries: CountryTable, rules: TrafficRules,
        store: Store
    ) {
        self.site = site
        self.timeZone = timeZone
        gate = Gate(
            site: site, key: key, countries: countries, rules: rules,
            unknownVisitors: store.unknownVisitors(site: site.id))
        standings = store.standings(site: site.id)
        notices = Dictionary(site.notices.map { ($0.version, $0) }, uniquingKeysWith: { $1 })
        hosts = Set(site.origins.compactMap { $0.split(separator: "/").last.map(String.init) })
        script = ServedSite.script(of: site, .all)
    }

    /// How a visitor stands to whom a number was given once.
    func standing(of visitor: VisitorNumber) -> Standing { standings.standing(of: visitor) }

    /// What a genuine token says, valid now or not, under the number that the visitor has now.
    func holder(of token: String?) -> Token? {
        guard var holder = gate.holder(of: token) else { return nil }
        holder.visitor = standing(of: holder.visitor).visitor
        return holder
    }

    /// The visitor who may see and erase what is held: a newer notice takes nothing from that.
    func visitor(of token: String?, at now: Instant) -> VisitorNumber? {
        guard let holder = holder(of: token), now < holder.expires, !standing(of: holder.visitor).hasWithdrawn else {
            return nil
        }
        return holder.visitor
    }

    /// The notice of that version.
    func notice(version: String) -> Notice? { notices[version] }

    /// Whether the `Host` of a request is that of one of the origins, port included.
    func hasOrigin(host: String) -> Bool { hosts.contains(host.lowercased()) }

    /// The site's local date.
    func day(of now: Instant) -> Day { timeZone.date(of: now) }

    /// The answer to `GET /assent.js`, with the parts that a query names.
    func script(parts list: String?) -> Response {
        guard let list else { return script }
        guard let parts = ScriptFile.Parts(list) else {
            return .problem(.badRequest, "parts: must be core, banner or names of adapters, with commas between them.")
        }
        return ServedSite.script(of: site, parts)
    }

    private static func script(of site: Site, _ parts: ScriptFile.Parts) -> Response {
        var script = Response(
            .ok, "text/javascript; charset=utf-8", .shared(ByteBuffer(bytes: ScriptFile.bytes(of: site, parts))))
        script.field("Cache-Control", "public, max-age=\(Limits.scriptSeconds)")
        script.field("Vary", "Origin")
        script.field("Cross-Origin-Resource-Policy", "cross-origin")
        return script
    }
}
