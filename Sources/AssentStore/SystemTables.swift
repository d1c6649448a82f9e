public import AssentCore

/// The system's time-zone tables (Debian package `tzdata`), read when a process starts.
public enum SystemTables {
    private static let folder = "/usr/share/zoneinfo"

    /// The rules of a zone such as `Europe/Brussels`; `UTC` needs no table.
    /// - Throws: ``StoreError`` if there is no such zone, or its file is no time zone.
    public static func timeZone(named name: String) throws(StoreError) -> TimeZoneRules {
        if name == "UTC" { return .utc }
        guard isZoneName(name), let bytes = try Files.contents("\(folder)/\(name)") else {
            throw StoreError(
                .missing, "There is no time zone \(name) in \(folder): use an IANA name such as Europe/Brussels.")
        }
        do {
            return try TimeZoneRules(tzif: bytes)
        } catch {
            throw StoreError(.damaged, "\(folder)/\(name) is \(error.description). Install the package tzdata anew.")
        }
    }

    /// Which country each zone lies in.
    /// - Throws: ``StoreError`` if the tables are missing.
    public static func countries() throws(StoreError) -> CountryTable {
        func table(_ name: String) throws(StoreError) -> [UInt8] {
            guard let bytes = try Files.contents("\(folder)/\(name)") else {
                throw StoreError(.missing, "There is no \(folder)/\(name). Install the package tzdata.")
            }
            return bytes
        }
        return CountryTable(zoneTable: try table("zone.tab"), rules: try table("tzdata.zi"))
    }

    /// A name that stays below the folder: letters, digits and `_+-` in segments.
    private static func isZoneName(_ name: String) -> Bool {
        (1...Limits.localeBytesMax).contains(name.utf8.count)
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { segment in
                segment.utf8.first.map { (0x41...0x5A).contains($0 & 0xDF) } == true
                    && segment.utf8.allSatisfy {
                        (0x41...0x5A).contains($0 & 0xDF) || (0x30...0x39).contains($0) || "_+-".utf8.contains($0)
                    }
            }
    }
}
