public import AssentCore
internal import DashboardAssets

/// The script as `GET /assent.js` gives it out: expressions of JavaScript that were minified when the program was made, and
/// what they must know of the site. The same configuration gives the same bytes.
public enum ScriptFile {
    /// What of the script is given out beside the core.
    public struct Parts: Sendable, Equatable {
        /// Whether the built-in banner is.
        var banner: Bool
        /// Names of adapters.
        var adapters: [Substring]

        /// The banner and every adapter.
        public static let all = Parts(banner: true, adapters: ScriptFile.adapters)
        /// For sites that ask by themselves.
        public static let core = Parts(banner: false, adapters: [])

        /// The parts that a comma list names: `core`, `banner`, and adapters.
        /// - Returns: nil if a name is none of them.
        init?(_ list: String) {
            self = .core
            for name in list.split(separator: ",") {
                switch name {
                case "core": continue
                case "banner": banner = true
                default:
                    guard ScriptFile.adapters.contains(name) else { return nil }
                    if !adapters.contains(name) { adapters.append(name) }
                }
            }
        }

        private init(banner: Bool, adapters: [Substring]) {
            self.banner = banner
            self.adapters = adapters
        }
    }

    /// The script of a site.
    public static func bytes(of site: Site, _ parts: Parts = .all) -> [UInt8] {
        let watch = parts.adapters.map { "\"\($0)\":\(piece($0))" }.joined(separator: ",")
        let core = piece(parts == .core ? "alone" : "core")
        let banner = parts.banner ? piece("banner") : "null"
        let rest = parts == .core ? "" : ",\(banner)" + (watch.isEmpty ? "" : ",(\(piece("watch")))({\(watch)})")
        // Whatever goes wrong in it, a page does not hear of it.
        return Array("try{(\(core))(\(values(of: site, withTexts: parts.banner))\(rest))}catch{}\n".utf8)
    }

    /// The value of a tag's `integrity` for the script of a site. It changes with the site's notices, locales and origins,
    /// and with the program.
    public static func integrity(of site: Site, _ parts: Parts = .all) -> String {
        SubresourceIntegrity.sha384(bytes(of: site, parts))
    }

    /// Names of pieces, and their expressions.
    private static let pieces: [(name: Substring, code: Substring)] = {
        let asset = assent_asset_script()
        let text = String(decoding: UnsafeBufferPointer(start: asset.bytes, count: asset.count), as: UTF8.self)
        return text.split(separator: "\n").map { line in
            let space = line.firstIndex(of: " ") ?? line.endIndex
            return (line[..<space], line[space...].dropFirst())
        }
    }()

    private static let adapters = pieces.map(\.name).filter { !["alone", "core", "banner", "watch"].contains($0) }

    private static func piece(_ name: Substring) -> Substring {
        guard let piece = pieces.first(where: { $0.name == name }) else {
            preconditionFailure("no such piece: \(name)")
        }
        return piece.code
    }

    private static func values(of site: Site, withTexts: Bool) -> String {
        // One notice per language, the last one; in the order of the site's languages, but `en-GB` before `en`.
        var notices: [Notice] = []
        for notice in site.notices.reversed() where !notices.contains(where: { $0.locale == notice.locale }) {
            notices.append(notice)
        }
        func rank(_ notice: Notice) -> Int {
            let wider = notices.map(\.locale).filter { notice.locale == $0 || notice.locale.hasPrefix("\($0)-") }
            return wider.map { site.locales.firstIndex(of: $0) ?? site.locales.count }.min() ?? 0
        }
        let ordered = notices.sorted { (rank($0), -$0.locale.utf8.count) < (rank($1), -$1.locale.utf8.count) }
        var json = JSONWriter(capacity: 4_096)
        json.array { json in
            json.string(site.id)
            json.array { json in
                for host in site.hosts { json.string(host) }
            }
            json.array { json in
                for notice in ordered {
                    json.array { json in
                        json.string(notice.locale)
                        json.string(notice.version)
                        if withTexts { json.string(notice.text) }
                    }
                }
            }
        }
        return String(json.text.dropFirst().dropLast())
    }
}
