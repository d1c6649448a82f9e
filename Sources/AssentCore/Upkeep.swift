/// Which partition: a site and a UTC day.
public struct PartitionName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Id of the site.
    public var site: String
    /// UTC day of the events.
    public var day: Day

    /// A name by its parts.
    public init(site: String, day: Day) {
        self.site = site
        self.day = day
    }

    /// A name written as `site/2026-11-16`, or nil if it is anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, Site.isValidID(parts[0]), let day = Day(parts[1]) else { return nil }
        self.init(site: String(parts[0]), day: day)
    }

    /// Whether the left one comes first: by site, then by day.
    public static func < (left: PartitionName, right: PartitionName) -> Bool {
        (left.site, left.day) < (right.site, right.day)
    }

    /// `site/2026-11-16`.
    public var description: String { "\(site)/\(day)" }
}

/// What a turn of upkeep did, and what the staff listener answers to the request for one.
public struct Upkeep: Sendable, Equatable {
    /// Partitions that were sealed, or removed, in order.
    public var partitions: [PartitionName] = []
    /// One sentence for each damaged thing that was met and left as it is.
    public var damage: [String] = []

    /// Nothing was done.
    public init() {}

    /// Writes it as JSON: `{"partitions":["site/2026-11-16"],"damage":["…"]}`.
    public func write(to json: inout JSONWriter) {
        json.object { json in
            for (name, values) in [("partitions", partitions.map(\.description)), ("damage", damage)] {
                json.key(name)
                json.array { json in for value in values { json.string(value) } }
            }
        }
    }

    /// Reads what ``write(to:)`` wrote.
    /// - Throws: ``BadRequest`` for anything else.
    public init(parsing body: [UInt8]) throws(BadRequest) {
        self = try JSONReader.read(body.span.bytes) { (reader) throws(BadRequest) in
            var upkeep = Upkeep()
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "partitions":
                    try reader.array { (_, reader) throws(BadRequest) in
                        guard let name = PartitionName(try reader.string(bytesMax: Limits.nameBytesMax)) else {
                            throw BadRequest("partitions", "holds what is no partition")
                        }
                        upkeep.partitions.append(name)
                    }
                case "damage":
                    try reader.array { (_, reader) throws(BadRequest) in
                        upkeep.damage.append(try reader.string(bytesMax: Limits.fieldBytesMax))
                    }
                default: try reader.skip()
                }
            }
            return upkeep
        }
    }
}
