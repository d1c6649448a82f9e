public import AssentCore

/// What the reference says of one key: its table, name, type, default and range. A key that is not in
/// ``Configuration/keys`` is unknown.
public struct ConfigurationKey: Sendable, Equatable {
    /// The tables of the file.
    public enum Table: String, Sendable, CaseIterable {
        /// Keys before the first table.
        case top = ""
        /// `[[site]]`.
        case site = "site"
        /// `[[site.notice]]`.
        case notice = "site.notice"
        /// `[[site.campaign]]`.
        case campaign = "site.campaign"

        /// As it is written: `[[site]]`; nothing for the top of the file.
        public var heading: String { self == .top ? "" : "[[\(rawValue)]]" }
    }

    /// Types of values.
    public enum ValueType: String, Sendable {
        case string
        case integer
        case boolean = "true or false"
        case date
        case strings = "array of strings"
        case tables
    }

    /// Where it stands.
    public let table: Table
    /// Its name.
    public let name: String
    /// What its value must be.
    public let type: ValueType
    /// The default as it would be written, `required`, or `none`.
    public let fallback: String
    /// What the value may be.
    public let range: String

    init(_ table: Table, _ name: String, _ type: ValueType, _ fallback: String, _ range: String) {
        self.table = table
        self.name = name
        self.type = type
        self.fallback = fallback
        self.range = range
    }

    /// The environment variable that overrides it: top-level keys that are no table have one.
    public var variable: String? { table == .top && type != .tables ? Self.variable(of: name) : nil }

    static func variable(of name: String) -> String { "ASSENT_\(name.uppercased())" }
}

extension Configuration {
    /// Every key, in the order of the reference.
    public static let keys: [ConfigurationKey] = [
        ConfigurationKey(.top, "listen", .string, "\"127.0.0.1:8787\"", "address:port"),
        ConfigurationKey(.top, "staff_listen", .string, "\"127.0.0.1:8788\"", "address:port, another one"),
        ConfigurationKey(.top, "data", .string, "\"data\"", "a path"),
        ConfigurationKey(.top, "durability", .string, "\"full\"", "\"full\", \"process\""),
        ConfigurationKey(.top, "requests_per_minute", .integer, "600", text(Limits.requestsPerMinuteRange)),
        ConfigurationKey(.top, "trusted_proxies", .strings, "[\"127.0.0.1\"]", "IP addresses"),
        ConfigurationKey(.top, "bots", .strings, "[]", "words of 2 to 64 of a-z 0-9 -"),
        ConfigurationKey(.top, "spam_referrers", .strings, "[]", "host names in lower case"),
        ConfigurationKey(.top, "site", .tables, "required", "at least one"),

        ConfigurationKey(.site, "id", .string, "required", "1 to 32 of a-z 0-9 -"),
        ConfigurationKey(.site, "name", .string, "the id", "1 to \(Limits.nameBytesMax) bytes"),
        ConfigurationKey(.site, "origins", .strings, "required", "scheme://host[:port], at least one"),
        ConfigurationKey(.site, "timezone", .string, "\"UTC\"", "an IANA time zone"),
        ConfigurationKey(.site, "locales", .strings, "[\"en\"]", "language tags, at least one"),
        ConfigurationKey(.site, "retention_days", .integer, "395", "1 to \(Limits.retentionDaysMax)"),
        ConfigurationKey(.site, "minimum_group", .integer, "10", text(Limits.minimumGroupRange)),
        ConfigurationKey(.site, "on_withdraw", .string, "\"erase\"", "\"erase\", \"keep\""),
        ConfigurationKey(.site, "controller", .string, "the name", "1 to \(Limits.nameBytesMax) bytes"),
        ConfigurationKey(.site, "contact", .string, "none", "1 to \(Limits.nameBytesMax) bytes"),
        ConfigurationKey(.site, "address", .string, "none", "1 to \(Limits.nameBytesMax) bytes"),
        ConfigurationKey(.site, "jurisdiction", .string, "none", "1 to \(Limits.nameBytesMax) bytes"),
        ConfigurationKey(.site, "storage_location", .string, "none", "1 to \(Limits.nameBytesMax) bytes"),
        ConfigurationKey(.site, "cookie_domain", .string, "none", "parent domain of every origin"),
        ConfigurationKey(.site, "collector", .string, "none", "scheme://host[:port][/path]"),
        ConfigurationKey(.site, "notice", .tables, "none", "any number"),
        ConfigurationKey(.site, "campaign", .tables, "none", "at most \(Limits.campaignsPerSiteMax)"),

        ConfigurationKey(.notice, "locale", .string, "required", "one of the site's locales"),
        ConfigurationKey(.notice, "text", .string, "required", "1 to \(Limits.noticeBytesMax) bytes"),
        ConfigurationKey(.notice, "reask", .boolean, "false", "true, false"),

        ConfigurationKey(.campaign, "id", .string, "required", "1 to 32 of a-z 0-9 -"),
        ConfigurationKey(.campaign, "name", .string, "the id", "1 to \(Limits.nameBytesMax) bytes"),
        ConfigurationKey(.campaign, "hashtags", .strings, "[]", "words, with or without #"),
        ConfigurationKey(.campaign, "paths", .strings, "[]", "globs that begin with /"),
        ConfigurationKey(.campaign, "utm_campaign", .strings, "[]", "globs"),
        ConfigurationKey(.campaign, "utm_source", .strings, "[]", "globs"),
        ConfigurationKey(.campaign, "utm_medium", .strings, "[]", "globs"),
        ConfigurationKey(.campaign, "referrers", .strings, "[]", "hosts or parent domains"),
        ConfigurationKey(.campaign, "from", .date, "none", "a local date"),
        ConfigurationKey(.campaign, "to", .date, "none", "a local date, not before from"),
    ]

    private static func text(_ range: ClosedRange<Int>) -> String { "\(range.lowerBound) to \(range.upperBound)" }
}
