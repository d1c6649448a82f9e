/// What a backup holds, and which earlier backups it needs: the file `backup.json` in its directory.
public struct BackupManifest: Sendable, Equatable {
    /// A partition as it lies in the backup that holds it.
    public struct Partition: Sendable, Equatable {
        /// Which partition.
        public var name: PartitionName
        /// Whether it was sealed.
        public var isSealed: Bool
        /// Events in it.
        public var events: UInt64
        /// SHA-256 over its content, 64 hex digits, as a report lists it.
        public var contentSHA256: String
        /// The last row of the journal whose events are in it.
        public var drainedThrough: Int64
        /// The last entry of the ledger whose erasure was done in it.
        public var erasedThrough: Int64
        /// Version of its format.
        public var format: Int
        /// Size of the file in bytes.
        public var bytes: Int64
        /// When the backup was made that holds the file: this one or an earlier one.
        public var backup: Instant

        /// A partition by its parts.
        public init(
            name: PartitionName, isSealed: Bool, events: UInt64, contentSHA256: String, drainedThrough: Int64,
            erasedThrough: Int64, format: Int, bytes: Int64, backup: Instant
        ) {
            self.name = name
            self.isSealed = isSealed
            self.events = events
            self.contentSHA256 = contentSHA256
            self.drainedThrough = drainedThrough
            self.erasedThrough = erasedThrough
            self.format = format
            self.bytes = bytes
            self.backup = backup
        }

        /// Whether it holds the same events in the same form, though it may know less of erasures and of rows of the
        /// journal that left nothing in it.
        public func holdsTheSame(as other: Partition) -> Bool {
            (name, isSealed, events) == (other.name, other.isSealed, other.events)
                && (contentSHA256, format) == (other.contentSHA256, other.format)
        }
    }

    /// When the backup was begun, by which others name it.
    public var made: Instant
    /// The earlier backup that this one adds to; nil for one that stands alone.
    public var since: Instant?
    /// Entries of the ledger.
    public var entries: UInt64 = 0
    /// Hash of the last of them, 64 hex digits; empty if there is none.
    public var lastHash = ""
    /// Every partition that a restore brings back, by site and day.
    public var partitions: [Partition] = []
    /// Partitions of earlier backups that have been removed since.
    public var gone: [PartitionName] = []
    /// Partitions that could not be read. What an earlier backup has of them is not listed.
    public var unreadable: [PartitionName] = []

    private static let schema = "assent.backup/1"

    /// A backup with nothing in it.
    public init(made: Instant, since: Instant? = nil) {
        self.made = made
        self.since = since
    }

    /// Writes it as JSON.
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.key("schema")
            json.string(Self.schema)
            json.key("made")
            json.string(made.rfc3339)
            json.key("since")
            json.string(since?.rfc3339)
            json.key("ledger")
            json.object { json in
                json.key("entries")
                json.integer(entries)
                json.key("hash")
                json.string(lastHash)
            }
            json.key("partitions")
            json.array { json in for partition in partitions { partition.write(to: &json) } }
            for (name, values) in [("gone", gone), ("unreadable", unreadable)] {
                json.key(name)
                json.array { json in for value in values { json.string(value.description) } }
            }
        }
        json.endLine()
    }

    /// Reads what ``write(to:)`` wrote.
    /// - Throws: ``BadRequest`` for anything else, also for a schema that this version does not know.
    public init(parsing text: [UInt8]) throws(BadRequest) {
        self = try JSONReader.read(text.span.bytes) { (reader) throws(BadRequest) in
            var manifest = BackupManifest(made: Instant(milliseconds: 0))
            var seen = Fields()
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "schema":
                    guard try seen.string("schema", 0, &reader, bytesMax: Limits.nameBytesMax) == Self.schema else {
                        throw BadRequest("schema", "must be \(Self.schema)")
                    }
                case "made": manifest.made = try Self.time("made", 1, &seen, &reader)
                case "ledger":
                    try seen.read("ledger", 2, &reader) { (reader) throws(BadRequest) in
                        try manifest.readLedger(&reader)
                    }
                case "partitions":
                    manifest.partitions = try seen.read("partitions", 3, &reader) { (reader) throws(BadRequest) in
                        var partitions: [Partition] = []
                        try reader.array { (_, reader) throws(BadRequest) in partitions.append(try Partition(&reader)) }
                        return partitions
                    }
                case "gone": manifest.gone = try Self.names("gone", 4, &seen, &reader)
                case "unreadable": manifest.unreadable = try Self.names("unreadable", 5, &seen, &reader)
                case "since":
                    let since = try seen.string("since", 6, &reader, bytesMax: Limits.nameBytesMax)
                    manifest.since = since.isEmpty ? nil : try Self.time(since, "since")
                default: try reader.skip()
                }
            }
            try seen.require(["schema", "made", "ledger", "partitions", "gone", "unreadable"], mask: 0b11_1111)
            return manifest
        }
    }

    private mutating func readLedger(_ reader: inout JSONReader) throws(BadRequest) {
        var seen = Fields()
        try reader.object { (key, reader) throws(BadRequest) in
            switch key {
            case "entries": entries = UInt64(try seen.number("entries", 0, &reader, in: 0...Double(UInt32.max)))
            case "hash": lastHash = try seen.string("hash", 1, &reader, bytesMax: Limits.nameBytesMax)
            default: try reader.skip()
            }
        }
        try seen.require(["entries"], mask: 0b1)
    }

    fileprivate static func time(
        _ name: StaticString, _ bit: UInt32, _ seen: inout Fields, _ reader: inout JSONReader
    ) throws(BadRequest) -> Instant {
        try time(try seen.string(name, bit, &reader, bytesMax: Limits.nameBytesMax), "\(name)")
    }

    private static func time(_ text: String, _ name: String) throws(BadRequest) -> Instant {
        guard let time = Instant(rfc3339: text) else { throw BadRequest(name, "must be a time") }
        return time
    }

    private static func names(
        _ name: StaticString, _ bit: UInt32, _ seen: inout Fields, _ reader: inout JSONReader
    ) throws(BadRequest) -> [PartitionName] {
        try seen.read(name, bit, &reader) { (reader) throws(BadRequest) in
            var names: [PartitionName] = []
            try reader.array { (_, reader) throws(BadRequest) in
                names.append(try PartitionName(reading: &reader))
            }
            return names
        }
    }
}

extension PartitionName {
    /// A name in JSON.
    fileprivate init(reading reader: inout JSONReader) throws(BadRequest) {
        guard let name = PartitionName(try reader.string(bytesMax: Limits.nameBytesMax)) else {
            throw BadRequest("", "must be a site and a day")
        }
        self = name
    }
}

extension BackupManifest.Partition {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.key("partition")
            json.string(name.description)
            json.key("state")
            json.string(isSealed ? "sealed" : "open")
            json.key("events")
            json.integer(events)
            json.key("sha256")
            json.string(contentSHA256)
            for (name, value) in [
                ("drained_through", drainedThrough), ("erased_through", erasedThrough), ("format", Int64(format)),
                ("bytes", bytes),
            ] {
                json.key(name)
                json.integer(value)
            }
            json.key("backup")
            json.string(backup.rfc3339)
        }
    }

    fileprivate init(_ reader: inout JSONReader) throws(BadRequest) {
        // Whole numbers up to this one are exact in JSON.
        let numbers: ClosedRange<Double> = 0...9_007_199_254_740_991
        var name: PartitionName?
        var (state, sha256, backup) = ("", "", Instant(milliseconds: 0))
        var (events, drained, erased, format, bytes) = (0.0, 0.0, 0.0, 0.0, 0.0)
        var seen = Fields()
        try reader.object { (key, reader) throws(BadRequest) in
            switch key {
            case "partition":
                name = try seen.read("partition", 0, &reader) { (reader) throws(BadRequest) in
                    try PartitionName(reading: &reader)
                }
            case "state": state = try seen.string("state", 1, &reader, bytesMax: Limits.nameBytesMax)
            case "events": events = try seen.number("events", 2, &reader, in: numbers)
            case "sha256": sha256 = try seen.string("sha256", 3, &reader, bytesMax: Limits.nameBytesMax)
            case "drained_through": drained = try seen.number("drained_through", 4, &reader, in: numbers)
            case "erased_through": erased = try seen.number("erased_through", 5, &reader, in: numbers)
            case "format": format = try seen.number("format", 6, &reader, in: numbers)
            case "bytes": bytes = try seen.number("bytes", 7, &reader, in: numbers)
            case "backup": backup = try BackupManifest.time("backup", 8, &seen, &reader)
            default: try reader.skip()
            }
        }
        try seen.require(
            [
                "partition", "state", "events", "sha256", "drained_through", "erased_through", "format", "bytes",
                "backup",
            ], mask: 0b1_1111_1111)
        guard let name, state == "open" || state == "sealed" else {
            throw BadRequest("state", "must be open or sealed")
        }
        self.init(
            name: name, isSealed: state == "sealed", events: UInt64(events), contentSHA256: sha256,
            drainedThrough: Int64(drained), erasedThrough: Int64(erased), format: Int(format), bytes: Int64(bytes),
            backup: backup)
    }
}
