/// Which country a time zone lies in, from the system's own tables: `zone.tab` names a country for each zone, and
/// `tzdata.zi` lists the older names of zones as links.
public struct CountryTable: Sendable {
    private var countries: [String: String] = [:]

    /// Reads both tables; lines that are not understood are passed over, for the tables grow with the years.
    /// - Parameters:
    ///   - zoneTable: contents of `zone.tab`: country, coordinates and zone, separated by tabs.
    ///   - rules: contents of `tzdata.zi`, of which the link lines (`L target name`) are read.
    public init(zoneTable: [UInt8], rules: [UInt8]) {
        for line in zoneTable.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
            let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            guard fields.count >= 3, fields[0].count == 2 else { continue }
            countries[text(fields[2])] = text(fields[0])
        }
        for line in rules.split(separator: UInt8(ascii: "\n")) where line.starts(with: "L ".utf8) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count == 3, let country = countries[text(fields[1])] else { continue }
            // A name that zone.tab has itself keeps its own country: Europe/Oslo links to Berlin's rules today.
            if countries[text(fields[2])] == nil { countries[text(fields[2])] = country }
        }
        func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
    }

    /// ISO 3166-1 code of the zone's country, or an empty string where there is none (`UTC`) or it is unknown.
    public func country(ofZone zone: String) -> String { countries[zone] ?? "" }
}
