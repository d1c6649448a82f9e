import AssentCore
import AssentStore
import Foundation
import Support

/// Weeks of events under names that are markup somewhere, as somebody could have made them who visits the site.
struct ReportSetting {
    let place: CommandTests.Place
    /// The last week that is over in Brussels.
    let week: ISOWeek

    static let name = "\"><img src=x onerror=alert(1)> [x](https://example.net) =1+1 \u{202E}desrever"

    init(weeks: Int = 2, visitors: Int = 12) throws {
        place = try CommandTests.Place { text in
            text.replacing("locales = [\"en\", \"ar\"]", with: "locales = [\"en\", \"fr\", \"ar\"]")
                .replacing("id = \"coalition\"", with: "id = \"coalition\"\nname = \"Coalition <85>\"")
                .replacing("name = \"#YouthDay\"", with: "name = \"#YouthDay <b>\"")
                + "[[site.campaign]]\nid = \"climate\"\nname = \"المناخ | السلام\"\npaths = [\"/climate/**\"]\n"
        }
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let zone = try SystemTables.timeZone(named: "Europe/Brussels")
        week = ISOWeek(containing: zone.date(of: now)).advanced(by: -1)
        let paths = [
            "/en/#YouthDay", "/fr/climate/", "/ar/",
            "/en/\(Self.name.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? "")",
        ]
        var lines: [String] = []
        for back in 0..<weeks {
            for visitor in 1...visitors {
                let day = week.advanced(by: -back).monday.advanced(by: visitor % 7)
                let hex = String(visitor, radix: 16)
                let id = String(repeating: "0", count: 32 - hex.count) + hex
                for (index, path) in paths.enumerated() where (visitor + index) % 3 > 0 {
                    let fields =
                        "\"time\":\"\(day)T10:0\(index):00Z\",\"visitor\":\"\(id)\",\"url\":\"https://www.example.org\(path)\""
                    lines.append("{\(fields),\"type\":\"pageview\",\"locale\":\"en\",\"country\":\"BE\"}")
                    lines.append(
                        "{\(fields),\"type\":\"action\",\"name\":\"outbound\",\"target\":\"https://example.net/a\"}")
                }
            }
        }
        let file = try place.file(lines)
        let imported = try place.run("import", "--site", "coalition", "--basis", "tests", file)
        guard imported.status == 0 else { throw Failed(reason: imported.errors) }
    }

    struct Failed: Error {
        let reason: String
    }

    /// Writes a report into the folder and returns its path.
    func write(_ name: String, _ options: String...) throws -> String {
        let path = "\(place.folder.path)/\(name)"
        let written = try Program.outcome(["report", "--config", place.config, "--output", path] + options)
        guard written.status == 0 else { throw Failed(reason: written.errors) }
        return path
    }
}
