internal import AssentCore
internal import AssentStore
internal import DashboardAssets
internal import NIOCore

/// A site with everything about it that is prepared once; of reference type, for every request looks one up.
final class ServedSite: Sendable {
    let site: Site
    let gate: Gate
    let timeZone: TimeZoneRules
    private let standings: Standings
    /// The answer to `GET /assent.js`.
    let script: Response
    private let notices: [String: Notice]
    private let hosts: Set<String>

    /// Where the script's source has a place for what it must know of the site.
    private static let mark = "/*ASSENT:SITE*/null"

    init(_ site: Site, key: ServerKey, timeZone: TimeZoneRules, countries: CountryTable, store: Store) {
        self.site = site
        self.timeZone = timeZone
        gate = Gate(
            site: site, key: key, countries: countries, unknownVisitors: store.unknownVisitors(site: site.id))
        standings = store.standings(site: site.id)
        notices = Dictionary(site.notices.map { ($0.version, $0) }, uniquingKeysWith: { $1 })
        hosts = Set(site.origins.compactMap { $0.split(separator: "/").last.map(String.init) })
        var script = Response(
            .ok, "text/javascript; charset=utf-8", .shared(ByteBuffer(bytes: ServedSite.script(of: site))))
        script.field("Cache-Control", "public, max-age=\(Limits.scriptSeconds)")
        script.field("Vary", "Origin")
        script.field("Cross-Origin-Resource-Policy", "cross-origin")
        self.script = script
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

    /// The script with the site's notices in it: the same bytes for the same configuration.
    static func script(of site: Site) -> [UInt8] {
        let asset = assent_asset_script()
        let source = Array(UnsafeBufferPointer(start: asset.bytes, count: asset.count))
        guard let place = source.firstRange(of: Array(mark.utf8)) else {
            preconditionFailure("the script has a place for its site")
        }
        return Array(source[..<place.lowerBound]) + values(of: site) + Array(source[place.upperBound...])
    }

    private static func values(of site: Site) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.object { json in
            json.key("id")
            json.string(site.id)
            json.key("hosts")
            json.array { json in
                for host in site.hosts { json.string(host) }
            }
            json.key("locales")
            json.array { json in
                for locale in site.locales { json.string(locale) }
            }
            json.key("notices")
            json.object { json in
                for (index, notice) in site.notices.enumerated()
                where !site.notices[(index + 1)...].contains(where: { $0.locale == notice.locale }) {
                    json.key(notice.locale)
                    json.object { json in
                        json.key("text")
                        json.string(notice.text)
                        json.key("version")
                        json.string(notice.version)
                    }
                }
            }
        }
        return json.bytes
    }
}
