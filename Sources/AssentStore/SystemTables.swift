public import AssentCore
import Glibc

/// The time-zone tables of the system (Debian's `tzdata`): rules of zones, and which country a zone lies in.
public enum SystemTables {
    private static let directory = "/usr/share/zoneinfo"

    /// The rules of a time zone by its IANA name; `UTC` needs no file.
    /// - Throws: ``StoreError`` if the system has no such zone, with what to install.
    public static func timeZone(_ name: String) throws(StoreError) -> TimeZoneRules {
        if name == "UTC" || name.isEmpty { return .utc }
        let hint = "use an IANA name such as Europe/Brussels, and see that the package tzdata is installed"
        guard isZoneName(name), let bytes = try? Files.read("\(directory)/\(name)") else {
            throw StoreError(.invalid, "time zone \(name)", "the system has no such time zone; \(hint)")
        }
        do {
            return try TimeZoneRules(tzif: bytes)
        } catch {
            throw StoreError(.damaged, "time zone \(name)", "its table cannot be read (\(error)); \(hint)")
        }
    }

    /// Which country each zone lies in. Without the system's tables every country is unknown.
    public static func countries() -> CountryTable {
        CountryTable(
            zoneTable: (try? Files.read("\(directory)/zone.tab")) ?? [],
            rules: (try? Files.read("\(directory)/tzdata.zi")) ?? [])
    }

    /// Letters, digits, `_`, `-`, `+` and inner slashes: nothing that leaves the directory.
    private static func isZoneName(_ name: String) -> Bool {
        name.utf8.count <= Limits.localeBytesMax && !name.hasPrefix("/") && !name.contains("..")
            && name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || Array("_-+/".utf8).contains(byte)
            }
    }
}
