import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// What the ledger records, counts and proves.
@Suite struct LedgerTests {
    static let now = Samples.monday.advanced(by: 1).start

    static func open(_ directory: TemporaryDirectory) throws -> Store {
        try Store.open(directory: directory.path, key: Samples.key, durability: .full, now: now)
    }

    static func consent(site: String = "coalition", notice: Int = 0, day: Day = Samples.monday) -> NewConsent {
        NewConsent(
            site: site, notice: Samples.notices[notice], act: "click", source: "banner", underGPC: true, at: now,
            day: day)
    }

    /// A directory whose ledger has entries of every kind.
    static func make() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        _ = try store.commit([
            .grant(consent()), .grant(consent(notice: 1)), .grant(consent(site: "second")),
            .ground(site: "coalition", basis: "Contract of 2026", at: now),
            .withdraw(site: "coalition", visitor: 1, erase: false, at: now, day: Samples.monday),
            .withdraw(site: "coalition", visitor: 2, erase: true, at: now, day: Samples.monday),
        ])
        try store.close(at: now)
        return directory
    }

    @Test func `records are numbered in the order of the requests, visitors by site from 1`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let answers = try store.commit([
            .grant(Self.consent()), .refuse(site: "coalition", day: Samples.monday),
            .grant(Self.consent(site: "second")), .grant(Self.consent()),
        ])
        var records: [ConsentRecord] = []
        for case .granted(let record) in answers { records.append(record) }
        #expect(answers.count == 4 && answers[1] == .counted)
        #expect(records.map(\.visitor) == [1, 1, 2])
        #expect(records.map(\.number) == records.map(\.number).sorted() && Set(records.map(\.number)).count == 3)
        #expect(Set(records.map(\.visitorID)).count == 3 && Set(records.map(\.id)).count == 3)
        #expect(records.allSatisfy { $0.issued == Self.now })
        let ids = try StoreReader(directory: directory.path).visitorIDs(site: "coalition")
        #expect(ids == [1: records[0].visitorID, 2: records[2].visitorID])
    }

    @Test func `choices and refusals are counted by site and local day`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let (first, second) = (Samples.monday, Samples.monday.advanced(by: 1))
        _ = try store.commit([
            .grant(Self.consent()), .grant(Self.consent(day: second)), .grant(Self.consent(site: "second")),
            .refuse(site: "coalition", day: first), .refuse(site: "coalition", day: first),
            .withdraw(site: "coalition", visitor: 1, erase: true, at: Self.now, day: second),
            .refusals(site: "coalition", day: first, reason: .withdrawn, count: 5),
            .refusals(site: "coalition", day: second, reason: .withdrawn, count: 7),
            .refusals(site: "coalition", day: second, reason: .bot, count: 1),
        ])
        let reader = try StoreReader(directory: directory.path)
        func tallies(_ days: ClosedRange<Day>, _ site: String = "coalition") throws -> ChoiceTallies {
            try reader.tallies(site: site, days: days)
        }
        var expected = ChoiceTallies()
        (expected.granted, expected.refused, expected.refusals) = (1, 2, ["withdrawn": 5])
        #expect(try tallies(first...first) == expected)
        (expected.granted, expected.withdrawn, expected.refusals) = (2, 1, ["withdrawn": 12, "bot": 1])
        #expect(try tallies(first...second) == expected)
        expected = ChoiceTallies()
        #expect(try tallies(second.advanced(by: 1)...second.advanced(by: 2)) == expected)
        expected.granted = 1
        #expect(try tallies(first...second, "second") == expected)
    }

    @Test func `the same ground is recorded once for a site`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let requests = ["a", "b", "a", "xa"].map { LedgerRequest.ground(site: "coalition", basis: $0, at: Self.now) }
        let answers = try store.commit(requests)
        #expect(answers == [.ground(1), .ground(2), .ground(1), .ground(3)])
        #expect(try store.commit([.ground(site: "second", basis: "a", at: Self.now)]) == [.ground(4)])
    }

    @Test func `a commit is recorded whole or not at all, and the next one works`() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        _ = try store.commit([.grant(Self.consent())])
        let other = try SQLite("\(directory.path)/ledger.sqlite", .write(durable: false))
        try other.run(
            "CREATE TRIGGER stop BEFORE INSERT ON tally WHEN new.kind='refused' BEGIN SELECT raise(ABORT,''); END")
        let requests: [LedgerRequest] = [
            .grant(Self.consent()),
            .withdraw(site: "coalition", visitor: 1, erase: true, at: Self.now, day: Samples.monday),
            .refuse(site: "coalition", day: Samples.monday),
        ]
        #expect(throws: StoreError.self) { try store.commit(requests) }
        let reader = try StoreReader(directory: directory.path)
        #expect(try reader.visitorIDs(site: "coalition").count == 1)
        #expect(!store.standings(site: "coalition").isOver(1))
        try other.run("DROP TRIGGER stop")
        #expect(try store.commit(requests).count == 3)
        #expect(store.standings(site: "coalition").isOver(1))
        #expect(try reader.ledgerFault() == nil)
    }

    @Test func `each kind of entry is in the chain, which holds`() throws {
        let directory = try Self.make()
        #expect(try StoreReader(directory: directory.path).ledgerFault() == nil)
        var kinds: [String] = []
        var bodies = ""
        try SQLite("\(directory.path)/ledger.sqlite", .read).rows("SELECT kind, body FROM entry ORDER BY number") {
            row in
            kinds.append(row.text(0))
            bodies += row.text(1)
        }
        #expect(Set(kinds).isSuperset(of: ["notice", "grant", "ground", "withdrawal", "erasure"]))
        #expect(kinds.count { $0 == "notice" } == 2, "a text is recorded once")
        #expect(bodies.contains(Samples.notices[0].version) && bodies.contains("Contract of 2026"))
        for id in try StoreReader(directory: directory.path).visitorIDs(site: "coalition").values {
            #expect(!bodies.contains(id.hex))
        }
    }
}
