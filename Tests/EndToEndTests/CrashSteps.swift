import AssentCore
import AssentStore
import Foundation
import Support
import Testing

/// A step of the store as a command of the real program, and the data directory that it begins with.
struct CrashStep: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The command, without its options of place.
    let command: [String]
    /// Fills a data directory; the store is let go without a close when it returns.
    /// - Returns: what may not be found anywhere in the end.
    let prepare: @Sendable (_ directory: String) throws -> [ByteSearch.Needle]
    /// Lines that the command is given in a file; none if it takes no file.
    var lines: @Sendable () throws -> [UInt8] = { [] }
    /// Whom no reader may see.
    var erased: VisitorNumber?

    static let sites = ["coalition", "second"]
    /// The server's time, the same for all of a run.
    static let now = Instant(milliseconds: Int64(Date.now.timeIntervalSince1970) * 1_000)
    /// A day that can get no more events and lies within the retention.
    static let old = now.day.advanced(by: -10)
    /// A day whose retention has ended.
    static let expired = now.day.advanced(by: -40)
    /// Stands in the titles of the visitor who is erased.
    static let marker = "Marker-Of-One-Visitor"

    static let configuration = """
        listen = "127.0.0.1:1"
        staff_listen = "127.0.0.1:2"

        """
        + sites.map { site in
            """
            [[site]]
            id = "\(site)"
            origins = ["https://\(site == "coalition" ? "www" : site).example.org"]
            timezone = "Europe/Brussels"
            locales = ["en"]
            retention_days = 30
            [[site.notice]]
            locale = "en"
            text = "May we, for 395 days?"

            """
        }.joined()

    static func open(_ directory: String) throws -> Store {
        try Store.open(
            directory: directory, key: try Secrets.serverKey(in: directory), durability: .full, now: now)
    }

    static func append(_ count: Int, _ site: String, _ day: Day, seed: UInt64, to store: Store) throws {
        let events = try Samples.events(count, visitors: 1...6, day: day, seed: seed)
        _ = try store.append([EventBatch(site: site, events: events)])
    }

    /// Rows of the journal with events of two sites and two days each, one of which has a partition already.
    private static func fillJournal(_ store: Store, seed: UInt64) throws {
        for row in 0..<2 as Range<UInt64> {
            let batches = try sites.enumerated().map { place, site in
                let events = try (0..<2).flatMap { day in
                    try Samples.events(
                        6, visitors: 1...6, day: old.advanced(by: day),
                        seed: seed + row * 4 + UInt64(place * 2 + day))
                }
                return EventBatch(site: site, events: events)
            }
            _ = try store.append(batches)
        }
    }

    static let drain = CrashStep(testDescription: "drain", command: ["partitions", "prune"]) { directory in
        let store = try open(directory)
        try append(20, "coalition", old, seed: 1, to: store)
        try store.drain(at: now)
        try fillJournal(store, seed: 10)
        return []
    }

    static let seal = CrashStep(testDescription: "seal", command: ["partitions", "seal"]) { directory in
        let store = try open(directory)
        // Runs that are less than half as large as the one before stay runs of their own.
        for (place, count) in [60, 25, 10].enumerated() {
            try append(count, "coalition", old, seed: UInt64(place), to: store)
            try store.drain(at: now)
        }
        try append(10, "second", old, seed: 9, to: store)
        try store.drain(at: now)
        return []
    }

    static let prune = CrashStep(testDescription: "prune", command: ["partitions", "prune"]) { directory in
        let store = try open(directory)
        for (place, day) in [expired, expired.advanced(by: 1), old].enumerated() {
            for site in sites { try append(10, site, day, seed: UInt64(place), to: store) }
        }
        try store.drain(at: now)
        return []
    }

    static let importing = CrashStep(
        testDescription: "import", command: ["import", "--site", "coalition", "--basis", "statistics"],
        prepare: { directory in
            let store = try open(directory)
            // Half of the lines for this day are held, and it is sealed.
            let held = try Samples.events(10, visitors: 1...6, day: old, seed: 1)
            let ids = (1...6).map { Samples.visitorID($0) }
            try #require(try store.numbers(of: ids, site: "coalition") == Array(1...6))
            #expect(try store.importEvents([Samples.importBatch(held)], site: "coalition", at: now) == 10)
            try store.seal(at: now)
            return []
        },
        lines: {
            let events =
                try Samples.events(10, visitors: 1...6, day: old, seed: 1)
                + Samples.events(10, visitors: 1...8, day: old, seed: 2)
                + Samples.events(10, visitors: 1...8, day: old.advanced(by: 1), seed: 3)
            return events.map(\.event).flatMap { event in
                var line = JSONWriter()
                EventLine.write(event, visitor: Samples.visitorID(event.visitor), scheme: "https", to: &line)
                return line.bytes + [UInt8(ascii: "\n")]
            }
        })

    /// An erasure is committed with the withdrawal; its bytes go with the next drain, which every writing command begins
    /// with.
    static let erase = CrashStep(
        testDescription: "erase", command: ["partitions", "prune"],
        prepare: { directory in
            let store = try open(directory)
            let consent = NewConsent(
                site: "coalition", notice: Samples.notices[0], act: "click", source: "banner", at: now, day: old)
            _ = try store.commit([LedgerRequest](repeating: .grant(consent), count: 6))
            let id = try #require(try StoreReader(directory: directory).visitorIDs(site: "coalition")[2])
            _ = try store.append(marked(40, old, seed: 1))
            _ = try store.append(marked(40, old.advanced(by: 1), seed: 2))
            try store.seal(day: old, at: now)
            try append(10, "second", old, seed: 3, to: store)
            try store.drain(at: now)
            // Rows that wait when the erasure comes.
            _ = try store.append(marked(10, old.advanced(by: 1), seed: 4))
            let withdrawal = LedgerRequest.withdraw(
                site: "coalition", visitor: 2, erase: true, at: now, day: now.day)
            let answer = try store.commit([withdrawal])[0]
            guard case .withdrawn(let done) = answer, done.events > 5, done.partitions == 2 else {
                throw Unprepared(answer: answer)
            }
            return [ByteSearch.Needle("the id", id.bytes)] + [marker, id.hex].map(ByteSearch.Needle.init)
        },
        erased: 2)

    /// A request that is noted, a withdrawal that is committed, and an erasure that is finished, all by one command.
    static let withdraw = CrashStep(
        testDescription: "withdraw",
        command: ["privacy", "erase", "--site", "coalition", "--visitor", Samples.visitorID(2).hex],
        prepare: { directory in
            let store = try open(directory)
            let ids = (1...6).map { Samples.visitorID($0) }
            try #require(try store.numbers(of: ids, site: "coalition") == Array(1...6))
            _ = try store.append(marked(20, old, seed: 1))
            try store.drain(at: now)
            _ = try store.append(marked(10, old, seed: 2))
            let id = Samples.visitorID(2)
            return [ByteSearch.Needle("the id", id.bytes)] + [marker, id.hex].map(ByteSearch.Needle.init)
        })

    private struct Unprepared: Error {
        let answer: LedgerAnswer
    }

    /// Events of which those of visitor 2 have the marker in their titles.
    private static func marked(_ count: Int, _ day: Day, seed: UInt64) throws -> [EventBatch] {
        var generator = SeededGenerator(seed: seed)
        let events = try (0..<count).map { index in
            var event = Samples.event(id: "event-\(seed)-\(index)", visitors: 1...6, day: day, using: &generator)
            if event.visitor == 2 { event.title = "\(marker) \(seed) \(index)" }
            return try Samples.consented(event)
        }
        return [EventBatch(site: "coalition", events: events)]
    }

    static let all = [drain, seal, prune, importing, withdraw, erase]
}

/// What readers see of a data directory, and whether it is whole.
struct Contents: Equatable {
    /// A site's UTC day.
    struct Part: Equatable {
        var events: [Event]
        var isSealed: Bool
        var hash: String
    }

    /// By site and day. A day without events is none.
    var parts: [PartitionName: Part] = [:]
    /// The ids of visitors, by site.
    var visitors: [String: [VisitorNumber: VisitorID]] = [:]
    /// Events that are in partitions: the others wait in the journal.
    var drained: UInt64 = 0
    var faults: [String] = []

    init(_ directory: String) throws {
        let reader = try StoreReader(directory: directory)
        for site in CrashStep.sites {
            let period = try reader.events(
                site: site, from: CrashStep.expired.start, to: CrashStep.now.day.advanced(by: 2).start, columns: .all)
            faults += period.damage
            var events: [Day: [Event]] = [:]
            for columns in period.segments {
                for event in (0..<columns.count).map(columns.event(at:)) {
                    events[event.time.day, default: []].append(event)
                }
            }
            for state in period.partitions where state.events > 0 {
                let held = events.removeValue(forKey: state.day) ?? []
                if UInt64(held.count) != state.events { faults.append("\(site)/\(state.day): not all can be read") }
                parts[PartitionName(site: site, day: state.day)] = Part(
                    events: held.sorted(by: Contents.precedes), isSealed: state.isSealed, hash: state.contentSHA256)
            }
            if !events.isEmpty { faults.append("\(site): there are events of no partition") }
            visitors[site] = try reader.visitorIDs(site: site)
        }
        let inspection = try reader.inspect { _ in }
        faults += inspection.faults
        drained = inspection.events
    }

    private static func precedes(_ left: Event, _ right: Event) -> Bool {
        (left.visitor, left.time.milliseconds, left.id) < (right.visitor, right.time.milliseconds, right.id)
    }

    var count: Int { parts.values.reduce(0) { $0 + $1.events.count } }

    /// Whether each part is as it is in one of the two: a step is done or not begun, for each partition by itself.
    func isBetween(_ before: Contents, _ after: Contents) -> Bool {
        Set(parts.keys).union(before.parts.keys).union(after.parts.keys).allSatisfy { name in
            parts[name] == before.parts[name] || parts[name] == after.parts[name]
        } && visitors.allSatisfy { $1 == before.visitors[$0] || $1 == after.visitors[$0] }
    }
}
