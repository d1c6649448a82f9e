public import AssentCore

/// What a site holds of one visitor, read beside a running collector.
public struct Held: Sendable {
    /// Whose it is.
    public let id: VisitorID
    let visitor: VisitorNumber
    let site: Site
    let reader: StoreReader

    /// What is held under a visitor's number; nil for one whose events are erased.
    public init?(_ visitor: VisitorNumber, of site: Site, _ reader: StoreReader) throws(StoreError) {
        guard let id = try Ledger.id(try reader.ledger(), of: visitor, site: site.id) else { return nil }
        (self.id, self.visitor, self.site, self.reader) = (id, visitor, site, reader)
    }

    /// What is held under a visitor's id; nil if the site knows none.
    public init?(_ id: VisitorID, of site: Site, _ reader: StoreReader) throws(StoreError) {
        guard let visitor = try Ledger.number(try reader.ledger(), of: id, site: site.id) else { return nil }
        (self.id, self.visitor, self.site, self.reader) = (id, visitor, site, reader)
    }

    // MARK: Events

    /// UTC days on which there may be events, ascending, and those of them on which some wait in the journal.
    func days() throws(StoreError) -> (all: [Day], waiting: Set<Day>) {
        var waiting: Set<Day> = []
        // The journal first, so that a drain in between hides nothing.
        try reader.journal(site.id, visitor, damaged: { _ in }) { _, events in
            for event in events { waiting.insert(event.time.day) }
        }
        return (waiting.union(try Partition.days(reader.directory, site.id)).sorted(), waiting)
    }

    /// The visitor's events of a day by segments in the order in which they arrived, each in order of time.
    /// - Parameters:
    ///   - waits: whether some may wait in the journal.
    ///   - damaged: told of what cannot be read and may hold some, in a clause.
    func events(
        _ day: Day, _ columns: ColumnSet, waits: Bool, damaged: (String) -> Void
    ) throws(StoreError) -> [EventColumns] {
        var waiting: [(number: Int64, event: Event)] = []
        if waits {
            try reader.journal(site.id, visitor, damaged: { _ in damaged("journal: a row cannot be read") }) {
                for event in $1 where event.time.day == day { waiting.append(($0, event)) }
            }
        }
        do throws(StoreError) {
            // It may have come into being since the days were listed, or have gone with its retention.
            guard let partition = try reader.partition(site.id, day) else {
                return Partition.Reading(waiting: waiting.map(\.event), in: .min ..< .max).segments
            }
            return try partition.events(of: visitor, columns, waiting: waiting) {
                damaged("partition \(day): a damaged segment may hold events")
            }
        } catch  where error.kind == .damaged {
            damaged("partition \(day): it is damaged")
            return []
        }
    }

    /// Refuses to go on where an erasure has come in between.
    func checkStillHeld() throws(StoreError) {
        guard try Ledger.id(try reader.ledger(), of: visitor, site: site.id) == id else {
            throw StoreError(.missing, "What was held of the visitor was erased meanwhile.")
        }
    }

    // MARK: Consents

    /// One consent of a visitor, with what was shown.
    public struct Consent: Sendable, Equatable {
        /// Number of its entry in the ledger.
        public var number: RecordNumber
        /// Its public name.
        public var record: String
        /// The server's time of the act.
        public var at: Instant
        /// Until when it is valid, RFC 3339.
        public var expires: String
        /// `click` or `key`.
        public var act: String
        /// `banner`, `settings`, `api` or `cmp:<name>`.
        public var source: String
        /// Language of the notice.
        public var locale: String
        /// Notice version: the SHA-256 of the text.
        public var notice: String
        /// The text that was shown.
        public var text: String
        /// Whether the browser said `Sec-GPC: 1`.
        public var underGPC: Bool
        /// Whether the browser said `DNT: 1`.
        public var underDNT: Bool
        /// When it was taken back; nil if it was not.
        public var withdrawn: Instant?
    }

    /// Consents in the order in which they were given, those of before an erasure that left them included.
    /// - Parameters:
    ///   - number: entries up to this one are left out.
    ///   - count: how many there may be.
    public func consents(after number: RecordNumber, atMost count: Int) throws(StoreError) -> [Consent] {
        try Ledger.consents(try reader.ledger(), of: visitor, site: site.id, after: number, atMost: count)
    }

    // MARK: Sums

    /// What there is, in numbers.
    public struct Summary: Sendable, Equatable {
        /// Events by kind.
        public var events: [Event.Kind: Int] = [:]
        /// Events by local date.
        public var days: [Day: Int] = [:]
        /// The last consents that were given, ``Limits/heldConsentsShown`` at most.
        public var consents: [Consent] = []
        /// Whether something damaged may hold more.
        public var isIncomplete = false
    }

    /// Adds up what there is.
    /// - Parameter timeZone: rules by which an event has its date.
    public func summary(_ timeZone: TimeZoneRules) throws(StoreError) -> Summary {
        var summary = Summary()
        let days = try days()
        for day in days.all {
            let segments = try events(day, [.order, .kinds], waits: days.waiting.contains(day)) { _ in
                summary.isIncomplete = true
            }
            for events in segments {
                for event in 0..<events.count {
                    guard let kind = Event.Kind(rawValue: events.kinds[event]) else { continue }
                    summary.events[kind, default: 0] += 1
                    summary.days[timeZone.date(of: Instant(milliseconds: events.times[event])), default: 0] += 1
                }
            }
        }
        summary.consents = try Ledger.consents(
            try reader.ledger(), of: visitor, site: site.id, after: 0, atMost: Limits.heldConsentsShown, last: true)
        try checkStillHeld()
        return summary
    }
}

extension Partition {
    /// One visitor's events in a snapshot: those of each segment that has any, then those of the journal that are no
    /// duplicates.
    fileprivate func events(
        of visitor: VisitorNumber, _ columns: ColumnSet, waiting: [(number: Int64, event: Event)], damaged: () -> Void
    ) throws(StoreError) -> [EventColumns] {
        try database.snapshot { () throws(StoreError) in
            var found: [EventColumns] = []
            let held = try segments()
            for segment in held where has(segment, anyOf: [visitor]) {
                do throws(StoreError) {
                    guard Partition.holds(try read(segment, []).visitors, anyOf: [visitor]) else { continue }
                    let columns = try read(segment, columns.union(.order))
                    found.append(columns.selecting(columns.events(of: [visitor])))
                } catch  where error.kind == .damaged {
                    damaged()
                }
            }
            let drained = try drainedThrough()
            let rest = EventColumns.arrived(waiting.lazy.filter { $0.number > drained }.map(\.event))
            return found + (try new([rest], beside: held))
        }
    }
}

// The same look-ups in a ledger that no process may have brought up to date.
extension Ledger {
    private static let siteKey = "(SELECT number FROM site WHERE id=?1)"

    /// The id of a visitor; nil for one that was erased.
    static func id(_ database: SQLite, of visitor: VisitorNumber, site: String) throws(StoreError) -> VisitorID? {
        try database.first(
            try Format.version(of: database) < 2
                ? "SELECT id FROM visitor WHERE site=?1 AND number=?2"
                : "SELECT id FROM visitor WHERE key=?2<<10|\(siteKey)", .text(site), .integer(Int64(visitor))
        ) { VisitorID(bytes: $0.blob(0)) } ?? nil
    }

    /// The number of an id that was not erased; nil for one that is unknown.
    static func number(_ database: SQLite, of id: VisitorID, site: String) throws(StoreError) -> VisitorNumber? {
        try database.first(
            try Format.version(of: database) < 2
                ? "SELECT number FROM visitor WHERE site=?1 AND id=?2"
                : "SELECT key>>10 FROM visitor WHERE substr(id,1,3)=substr(?2,1,3) AND id=?2 AND key&1023=\(siteKey)",
            .text(site), .blob(id.bytes)
        ) { (row) throws(StoreError) in try row.number(0) }
    }

    /// Consents of a visitor under the number of now and all earlier ones, ascending.
    /// - Parameter last: whether those are left out that are too many at the beginning, not at the end.
    fileprivate static func consents(
        _ database: SQLite, of visitor: VisitorNumber, site: String, after number: RecordNumber, atMost count: Int,
        last: Bool = false
    ) throws(StoreError) -> [Held.Consent] {
        // An erasure that left the consent has the earlier number, under the keyed hash that the entries of this one have.
        let hash =
            try database.first(
                "SELECT body->>'visitor_hash' FROM entry WHERE site=? AND visitor=? LIMIT 1", .text(site),
                .integer(Int64(visitor))
            ) { Hex.bytes($0.text(0)) } ?? nil
        var consents: [Held.Consent] = []
        try database.rows(
            """
            SELECT number, at, body->>'record', body->>'expires', body->>'act', body->>'source', entry.body->>'locale',
                body->>'notice', coalesce(text,''), body->>'gpc', body->>'dnt',
                (SELECT at FROM entry WHERE site=?1 AND visitor=?2 AND kind='withdrawal')
            FROM entry LEFT JOIN notice ON version=body->>'notice'
            WHERE entry.site=?1 AND kind IN ('grant','renewal') AND number>?3 AND visitor IN
                (SELECT ?2 UNION ALL SELECT visitor FROM erasure WHERE site=?1 AND id_hash=?5)
            ORDER BY number \(last ? "DESC" : "ASC") LIMIT ?4
            """, .text(site), .integer(Int64(visitor)), .integer(Int64(number)), .integer(Int64(count)),
            .blob(hash ?? [])
        ) { (row) throws(StoreError) in
            consents.append(
                Held.Consent(
                    number: try row.number(0), record: row.text(2), at: Instant(milliseconds: row.integer(1)),
                    expires: row.text(3), act: row.text(4), source: row.text(5), locale: row.text(6),
                    notice: row.text(7), text: row.text(8), underGPC: row.integer(9) != 0,
                    underDNT: row.integer(10) != 0,
                    withdrawn: row.isNull(11) ? nil : Instant(milliseconds: row.integer(11))))
        }
        return last ? consents.reversed() : consents
    }
}
