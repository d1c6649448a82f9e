import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// What a withdrawal does to what is stored, in every file.
@Suite struct ErasureTests {
    static let now = Samples.monday.advanced(by: 2).start
    static let marker = "Marker-Of-One-Visitor"

    static func open(
        _ directory: TemporaryDirectory, draining: Int = Limits.drainedAtStartMax
    ) throws -> Store {
        try Store.open(
            directory: directory.path, key: Samples.key, durability: .process, now: now, draining: draining)
    }

    static func grant(_ store: Store, count: Int = 1) throws -> [ConsentRecord] {
        let consent = NewConsent(
            site: "coalition", notice: Samples.notices[0], act: "click", source: "banner", at: now,
            day: Samples.monday)
        return try store.commit(Array(repeating: .grant(consent), count: count)).compactMap { answer in
            if case .granted(let record) = answer { record } else { nil }
        }
    }

    static func withdraw(
        _ store: Store, _ visitor: VisitorNumber, erase: Bool = true, site: String = "coalition"
    ) throws -> Withdrawal {
        let request = LedgerRequest.withdraw(
            site: site, visitor: visitor, erase: erase, at: now, day: Samples.monday)
        guard case .withdrawn(let withdrawal) = try store.commit([request])[0] else {
            throw CocoaError(.coderInvalidValue)
        }
        return withdrawal
    }

    static func read(_ directory: TemporaryDirectory, _ columns: ColumnSet = .all) throws -> PeriodEvents {
        try StoreReader(directory: directory.path).events(
            site: "coalition", from: Samples.monday.start, to: now, columns: columns)
    }

    /// Random events of two days; the titles of visitor 2 are ``marker`` and a number.
    static func events(_ count: Int, seed: UInt64) throws -> [ConsentedEvent] {
        var generator = SeededGenerator(seed: seed)
        return try (0..<count).map { index in
            var event = Samples.event(
                id: "event-\(seed)-\(index)", visitors: 1...6, day: Samples.monday.advanced(by: index % 2),
                using: &generator)
            if event.visitor == 2 { event.title = "\(marker) \(seed) \(index)" }
            return try Samples.consented(event)
        }
    }

    /// Pieces of the bytes of every title column that holds a title of the marked visitor.
    static func pieces(_ directory: TemporaryDirectory) throws -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        for file in try directory.files() where file.hasPrefix("partitions/") && file.hasSuffix(".sqlite") {
            let streams = "SELECT bytes FROM stream WHERE number&31=\(EncodedColumn.ID.titles.rawValue)"
            try SQLite("\(directory.path)/\(file)", .read).rows(streams) { row in
                let bytes = row.blob(0)
                for start in stride(from: 16, to: bytes.count - 48, by: 256) {
                    pieces.append(Array(bytes[start..<start + 48]))
                }
            }
        }
        return pieces
    }

    @Test func `nothing of an erased visitor is left in any byte of the data directory`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let records = try Self.grant(store, count: 6)
        let id = records[1].visitorID
        #expect(records.map(\.visitor) == Array(1...6))
        var events: [ConsentedEvent] = []
        for seed in 1...3 {
            let more = try Self.events(seed == 3 ? 60 : 4_000, seed: UInt64(seed))
            _ = try store.append([EventBatch(site: "coalition", events: more)])
            if seed < 3 { try store.drain(at: Self.now) }
            events += more
        }
        // Those that lie across two pages of a file are not found as they are.
        let pieces = try Self.pieces(directory).filter { try !directory.files(containing: $0).isEmpty }
        #expect(pieces.count > 4)
        #expect(try !directory.files(containing: Array(Self.marker.utf8)).isEmpty, "it waits in the journal")
        #expect(try !directory.files(containing: id.bytes).isEmpty)

        let withdrawal = try Self.withdraw(store, 2)
        #expect(withdrawal.events == events.count { $0.event.visitor == 2 } && withdrawal.partitions == 2)
        let left = events.filter { $0.event.visitor != 2 }.map { "\($0.event)" }.sorted()
        let hidden = try Self.read(directory)
        #expect(Self.texts(hidden) == left)
        #expect(try StoreReader(directory: directory.path).visitorIDs(site: "coalition")[2] == nil)
        #expect(try store.drain(at: Self.now).isEmpty)
        for store in [store, nil] {
            #expect(try directory.files(containing: id.bytes).isEmpty)
            #expect(try directory.files(containing: Array(id.hex.utf8)).isEmpty)
            #expect(try directory.files(containing: Array(Self.marker.utf8)).isEmpty)
            for piece in pieces { #expect(try directory.files(containing: piece).isEmpty) }
            #expect(Self.texts(try Self.read(directory)) == left)
            try store?.close(at: Self.now)
        }
        #expect(try Self.read(directory).partitions == hidden.partitions, "the hash never counted what was hidden")
        #expect(try StoreReader(directory: directory.path).ledgerFault() == nil)
    }

    static func texts(_ period: PeriodEvents) -> [String] {
        period.segments.flatMap { columns in (0..<columns.count).map { "\(columns.event(at: $0))" } }.sorted()
    }

    @Test func `an erasure that a crash or a reader interrupted is finished by the next start`() throws {
        let directory = try TemporaryDirectory()
        var store: Store? = try Self.open(directory)
        let id = try Self.grant(store!, count: 2)[1].visitorID
        _ = try store!.append([EventBatch(site: "coalition", events: try Self.events(500, seed: 1))])
        try store!.drain(at: Self.now)
        _ = try Self.withdraw(store!, 2)
        let crashed = try directory.copy()
        // A reader in the middle of its work needs the log with the old pages.
        let reader = try SQLite(Partition.path(directory.path, "coalition", Samples.monday), .read)
        try reader.snapshot { () throws(StoreError) in
            try reader.rows("SELECT count(*) FROM stream") { _ in }
            try store!.drain(at: Self.now)
        }
        let open = "SELECT count(*) FROM erasure WHERE completed IS NULL"
        func pending(_ directory: TemporaryDirectory) throws -> Int64? {
            try SQLite("\(directory.path)/ledger.sqlite", .read).first(open) { $0.integer(0) }
        }
        #expect(try pending(directory) == 1)
        store = nil
        for directory in [directory, crashed] {
            store = try Self.open(directory)
            #expect(try pending(directory) == 0)
            #expect(try directory.files(containing: Array(Self.marker.utf8)).isEmpty)
            #expect(try directory.files(containing: id.bytes).isEmpty)
        }
    }

    @Test func `withdrawing twice is answered the same way, with counts of 0, and recorded once`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        _ = try Self.grant(store, count: 2)
        _ = try store.append([EventBatch(site: "coalition", events: try Self.events(50, seed: 1))])
        let request = LedgerRequest.withdraw(
            site: "coalition", visitor: 2, erase: true, at: Self.now, day: Samples.monday)
        let both = try store.commit([request, request])
        let third = try Self.withdraw(store, 2)
        guard case .withdrawn(let first) = both[0], case .withdrawn(let second) = both[1] else {
            Issue.record("no withdrawals")
            return
        }
        #expect(first.events > 0 && (second.events, second.partitions) == (0, 0) && second == third)
        let reader = try StoreReader(directory: directory.path)
        #expect(try reader.tallies(site: "coalition", days: Samples.monday...Samples.monday).withdrawn == 1)
    }

    @Test func `a receipt is signed, names the site, the time and the counts, and not the visitor`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let record = try Self.grant(store)[0]
        let receipt = try Self.withdraw(store, 1).receipt
        let parts = receipt.split(separator: " mac=")
        #expect(parts[0] == "assent-withdrawal/1 site=coalition at=2026-11-18T00:00:00Z events=0 partitions=0")
        #expect(parts[1] == Hex.text(Samples.key.mac(domain: "receipt", Array(parts[0].utf8))))
        #expect(!receipt.contains(record.visitorID.hex))
    }

    @Test func `after a withdrawal that keeps, what is stored counts and nothing new is stored`() throws {
        let directory = try TemporaryDirectory()
        var store = try Self.open(directory)
        _ = try Self.grant(store, count: 6)
        let events = try Self.events(200, seed: 1)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        #expect(try Self.withdraw(store, 2, erase: false).events == 0)
        let more = try Self.events(200, seed: 2)
        for reopens in [false, true] {
            if reopens {
                try store.close(at: Self.now)
                store = try Self.open(directory)
            }
            #expect(store.standings(site: "coalition").isOver(2))
            #expect(!store.standings(site: "coalition").isOver(1) && !store.standings(site: "second").isOver(2))
            _ = try store.append([EventBatch(site: "coalition", events: more.filter { $0.event.visitor == 2 })])
            try store.drain(at: Self.now)
            #expect(Self.texts(try Self.read(directory)) == events.map { "\($0.event)" }.sorted())
        }
        _ = try store.append([EventBatch(site: "coalition", events: more)])
        #expect(try Self.withdraw(store, 2).events == events.count { $0.event.visitor == 2 }, "erased after all")
        #expect(try Self.read(directory, .order).segments.allSatisfy { !$0.visitors.contains(2) })
    }

    @Test func `a visitor of one site is erased there alone`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        _ = try Self.grant(store, count: 6)
        let events = try Self.events(100, seed: 1)
        _ = try store.append(["coalition", "second"].map { EventBatch(site: $0, events: events) })
        try store.drain(at: Self.now)
        _ = try Self.withdraw(store, 2)
        try store.drain(at: Self.now)
        let second = try StoreReader(directory: directory.path).events(
            site: "second", from: Samples.monday.start, to: Self.now, columns: .all)
        #expect(Self.texts(second) == events.map { "\($0.event)" }.sorted())
    }

    @Test func `numbers of erased visitors are not given again, and an import does not bring them back`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let ids = (1...3).map { Samples.visitorID($0) }
        #expect(try store.numbers(of: ids, site: "coalition") == [1, 2, 3])
        #expect(try store.numbers(of: [ids[2], ids[0]], site: "coalition") == [3, 1])
        _ = try Self.withdraw(store, 3)
        try store.drain(at: Self.now)
        #expect(try store.numbers(of: ids, site: "coalition") == [1, 2, 0])
        #expect(try store.numbers(of: ids, site: "second") == [1, 2, 3])
        #expect(try Self.grant(store)[0].visitor == 4)
        let events = try Samples.events(100, visitors: 2...3, seed: 1)
        let stored = try store.importEvents([Samples.importBatch(events)], site: "coalition", at: Self.now)
        #expect(stored == events.count { $0.event.visitor == 2 })
    }

    @Test func `a renewal keeps the visitor, unless a withdrawal came before it`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let first = try Self.grant(store)[0]
        let renewal = NewConsent(
            site: "coalition", visitor: 1, notice: Samples.notices[1], act: "key", source: "settings", at: Self.now,
            day: Samples.monday)
        guard case .granted(let renewed) = try store.commit([.grant(renewal)])[0] else { return }
        #expect((renewed.visitor, renewed.visitorID) == (1, first.visitorID) && renewed.number > first.number)
        let withdrawal = LedgerRequest.withdraw(
            site: "coalition", visitor: 1, erase: false, at: Self.now, day: Samples.monday)
        guard case .granted(let late) = try store.commit([withdrawal, .grant(renewal)])[1] else { return }
        #expect(late.visitor == 2 && late.visitorID != first.visitorID)
    }
}
