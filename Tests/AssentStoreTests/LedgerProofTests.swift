import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// What a look at the whole ledger finds.
@Suite struct LedgerProofTests {
    static let now = LedgerTests.now

    /// A directory whose ledger has an entry of every kind:
    /// 1 notice, 2 grant of visitor 1, 3 grant of 2, 4 renewal of 1, 5 ground, 6 request of 2, 7 withdrawal of 1,
    /// 8 withdrawal and 9 erasure of 2, 10 its end, 11 request of nobody who is known, 12 its end.
    static func make() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let store = try LedgerTests.open(directory)
        var renewal = LedgerTests.consent()
        renewal.visitor = 1
        _ = try store.commit([
            .grant(LedgerTests.consent()), .grant(LedgerTests.consent()), .grant(renewal),
            .ground(site: "coalition", basis: "Contract of 2026", at: now),
        ])
        let id = try #require(try StoreReader(directory: directory.path).visitorIDs(site: "coalition")[2])
        #expect(
            try store.note(ReceivedRequest(.erase, site: "coalition", visitor: id, received: now.day), at: now) == 6)
        _ = try store.commit([
            .withdraw(site: "coalition", visitor: 1, erase: false, at: now, day: Samples.monday),
            .withdraw(site: "coalition", visitor: 2, erase: true, at: now, day: Samples.monday),
        ])
        try store.drain(at: now)
        #expect(try store.note(ReceivedRequest(.access, site: "coalition", received: now.day), at: now) == 11)
        #expect(try store.close(ClosedRequest(request: 11, isDeclined: false), at: now))
        try store.close(at: now)
        return directory
    }

    static func change(_ directory: TemporaryDirectory, _ statements: String...) throws {
        let ledger = try SQLite("\(directory.path)/ledger.sqlite", .write(durable: false))
        for statement in statements { try ledger.run(statement) }
    }

    /// Hashes every entry anew, as somebody would who wants to hide a change.
    static func hashAnew(_ directory: TemporaryDirectory) throws {
        let ledger = try SQLite("\(directory.path)/ledger.sqlite", .write(durable: false))
        var bodies: [(number: Int64, body: String)] = []
        try ledger.rows("SELECT number, body FROM entry ORDER BY number") { bodies.append(($0.integer(0), $0.text(1))) }
        var hash: [UInt8] = []
        for (number, body) in bodies {
            hash = Ledger.chain(hash, Array(body.utf8))
            try ledger.run("UPDATE entry SET hash=? WHERE number=?", .blob(hash), .integer(number))
        }
    }

    static func findings(
        _ directory: TemporaryDirectory, expecting anchor: LedgerAnchor? = nil
    ) throws -> LedgerFindings {
        try StoreReader(directory: directory.path).verifyLedger(expecting: anchor)
    }

    static let kinds = [
        "notice", "grant", "grant", "renewal", "ground", "request", "withdrawal", "withdrawal", "erasure", "erased",
        "request", "closed",
    ]

    @Test func `a ledger with every kind of entry is whole, and ends with what its last row has`() throws {
        let directory = try Self.make()
        let ledger = try SQLite("\(directory.path)/ledger.sqlite", .read)
        var kinds: [String] = []
        var last: [UInt8] = []
        try ledger.rows("SELECT kind, hash FROM entry ORDER BY number") { row in
            kinds.append(row.text(0))
            last = row.blob(1)
        }
        #expect(kinds == Self.kinds)
        let found = try Self.findings(directory)
        #expect(found.faults.isEmpty && found.entries == 12)
        #expect(found.last == LedgerAnchor(number: 12, hash: last))
        let anchor = try #require(found.last)
        #expect(LedgerAnchor(anchor.description) == anchor)
        #expect(try Self.findings(directory, expecting: anchor).faults.isEmpty)
        let empty = try TemporaryDirectory()
        try LedgerTests.open(empty).close(at: Self.now)
        #expect(try Self.findings(empty) == LedgerFindings())
    }

    @Test(
        "What is no anchor is none",
        arguments: ["", "12", "0:\(zeros)", "-1:\(zeros)", "1:\(zeros)0", "1:\(zeros):", "a:\(zeros)"])
    func anchors(text: String) {
        #expect(LedgerAnchor(text) == nil)
        #expect(LedgerAnchor("1:\(Self.zeros)") != nil)
    }

    static let zeros = String(repeating: "0", count: 64)

    @Test(
        "Whatever is changed in the chain is found, with the entry and what is wrong",
        arguments: [
            ("UPDATE entry SET body=replace(body,'click','keys') WHERE number=2", "entry 2 or its hash was changed"),
            ("UPDATE entry SET hash=zeroblob(32) WHERE number=1", "entry 1 or its hash was changed"),
            ("DELETE FROM entry WHERE number=3", "entry 3 is missing"),
            ("DELETE FROM entry WHERE number IN (1,2)", "entries 1 to 2 are missing"),
            ("UPDATE entry SET number=99 WHERE number=12", "entries 12 to 98 are missing"),
            (
                """
                UPDATE entry SET body=(SELECT body FROM entry AS other WHERE other.number=5-entry.number)
                WHERE number IN (2,3)
                """, "entry 2 was changed: its body is that of another entry"
            ),
            ("UPDATE entry SET visitor=9 WHERE number=2", "entry 2 has columns that are not what its body says"),
            ("UPDATE entry SET visitor=NULL WHERE number=2", "entry 2 has columns that are not what its body says"),
            ("UPDATE entry SET site='other' WHERE number=2", "entry 2 has columns that are not what its body says"),
            ("UPDATE entry SET kind='ground' WHERE number=2", "entry 2 has columns that are not what its body says"),
            ("UPDATE entry SET at=at+1 WHERE number=2", "entry 2 has columns that are not what its body says"),
            ("UPDATE notice SET text='We may.'", "was changed: its SHA-256 is another"),
            ("DELETE FROM notice", "entry 1 names a notice whose text is missing"),
            ("UPDATE notice SET locale='fr'", "was shown there and in that language"),
            ("DELETE FROM erasure", "entry 9 asks for an erasure that readers do not know of"),
            ("UPDATE erasure SET visitor=1", "entry 9 asks for an erasure that readers do not know of"),
            ("UPDATE erasure SET id_hash=zeroblob(32)", "entry 9 asks for an erasure that readers do not know of"),
            ("UPDATE erasure SET entry=7", "readers are told of an erasure that entry 7 does not ask for"),
        ])
    func tampering(statement: String, says: String) throws {
        let directory = try Self.make()
        try Self.change(directory, statement)
        let faults = try Self.findings(directory).faults
        #expect(faults.contains { $0.contains(says) && $0.contains("ledger.sqlite: ") }, "\(faults)")
        #expect(try StoreReader(directory: directory.path).inspect { _ in }.faults == faults)
    }

    @Test(
        "An entry that refers to nothing is found though all hashes are made anew",
        arguments: [
            (
                2, #""kind":"grant""#, #""kind":"other""#, "grant", "other",
                "entry 4 renews a consent that no entry gave"
            ),
            (4, #""visitor_hash":""#, #""visitor_hash":"0"#, "", "", "entry 4 renews a consent that no entry gave"),
            (2, #""notice":""#, #""notice":"0"#, "", "", "entry 2 names a notice whose text is missing"),
            (
                8, #""kind":"withdrawal""#, #""kind":"other""#, "withdrawal", "other",
                "entry 9 asks for an erasure without"
            ),
            (9, #""kind":"erasure""#, #""kind":"other""#, "erasure", "other", "entry 10 completes an erasure that no"),
            (10, #""erasure":9"#, #""erasure":8"#, "", "", "entry 10 completes an erasure that no entry asked for"),
            (
                11, #""kind":"request""#, #""kind":"other""#, "request", "other",
                "entry 12 closes a request that no entry"
            ),
            (12, #""request":11"#, #""request":6"#, "", "", "entry 12 closes a request that no entry noted"),
            (5, "{", "{{", "", "", "entry 5"),
        ])
    func dangling(
        number: Int, old: String, new: String, oldKind: String, newKind: String, says: String
    ) throws {
        let directory = try Self.make()
        let anchor = try #require(try Self.findings(directory).last)
        try Self.change(
            directory, "UPDATE entry SET body=replace(body,'\(old)','\(new)') WHERE number=\(number)",
            "UPDATE entry SET kind=replace(kind,'\(oldKind)','\(newKind)') WHERE number=\(number) AND '\(oldKind)'<>''")
        try Self.hashAnew(directory)
        let faults = try Self.findings(directory).faults
        #expect(faults.contains { $0.contains(says) }, "\(faults)")
        #expect(!faults.contains { $0.contains("or its hash was changed") })
        let expected = try Self.findings(directory, expecting: anchor).faults
        #expect(expected.contains { $0.contains("entry 12 has another hash than is expected") })
    }

    @Test(
        "A restart goes on with a consent that was given, right behind the erasure of the old number",
        arguments: [
            ("", "", ""),
            (#""before":1"#, #""before":9"#, "gives a new number without an erasure of the old one"),
            (#""erasure":3"#, #""erasure":2"#, "gives a new number without an erasure of the old one"),
            (#""erasure":3"#, #""erasure":2"#, "entry 3 asks for an erasure without a withdrawal"),
            (#""kind":"grant""#, #""kind":"other""#, "entry 4 goes on with a consent that no entry gave"),
        ])
    func restarts(old: String, new: String, says: String) throws {
        let directory = try TemporaryDirectory()
        let store = try LedgerTests.open(directory)
        _ = try store.commit([.grant(LedgerTests.consent())])
        _ = try store.commit([.erase(site: "coalition", visitor: 1, at: Self.now)])
        var renewal = LedgerTests.consent()
        renewal.visitor = 2
        _ = try store.commit([.grant(renewal)])
        _ = try store.commit([
            .withdraw(site: "coalition", visitor: 2, erase: true, at: Self.now, day: Samples.monday)
        ])
        try store.drain(at: Self.now)
        try store.close(at: Self.now)
        #expect(try Self.findings(directory).faults == [])
        guard !old.isEmpty else { return }
        try Self.change(
            directory, "UPDATE entry SET body=replace(body,'\(old)','\(new)') WHERE number IN (2,4)",
            "UPDATE entry SET kind='other' WHERE number=2 AND '\(new)' LIKE '%other%'")
        try Self.hashAnew(directory)
        let faults = try Self.findings(directory).faults
        #expect(faults.contains { $0.contains(says) }, "\(faults)")
    }

    @Test func `a withdrawal without a consent is found, that of an imported visitor has none and is fine`() throws {
        let directory = try TemporaryDirectory()
        let store = try LedgerTests.open(directory)
        let event = try Samples.events(1, visitors: 1...1, day: Samples.monday, seed: 1)
        #expect(try store.importEvents([Samples.importBatch(event)], site: "coalition", at: Self.now) == 1)
        #expect(
            try store.erase(Samples.visitorID(1), site: "coalition", at: Self.now, day: Samples.monday) != nil)
        #expect(try Self.findings(directory).faults.isEmpty)
        _ = try store.commit([
            .withdraw(site: "coalition", visitor: 77, erase: false, at: Self.now, day: Samples.monday)
        ])
        #expect(try Self.findings(directory).faults.first?.contains("withdraws a consent that no entry gave") == true)
    }

    @Test func `entries that are cut off are missed by an anchor alone`() throws {
        let directory = try Self.make()
        let anchors = try (1...12 as ClosedRange<Int64>).map { number in
            let ledger = try SQLite("\(directory.path)/ledger.sqlite", .read)
            let hash = try ledger.first("SELECT hash FROM entry WHERE number=?", .integer(number)) { $0.blob(0) }
            return LedgerAnchor(number: number, hash: try #require(hash))
        }
        for anchor in anchors { #expect(try Self.findings(directory, expecting: anchor).faults.isEmpty) }
        let other = LedgerAnchor(number: 3, hash: anchors[3].hash)
        #expect(
            try Self.findings(directory, expecting: other).faults.first?.contains("entry 3 has another hash") == true)
        try Self.change(directory, "DELETE FROM entry WHERE number>10")
        #expect(try Self.findings(directory).faults.isEmpty)
        for anchor in anchors {
            let faults = try Self.findings(directory, expecting: anchor).faults
            let isCut = anchor.number > 10
            #expect(faults.count == (isCut ? 1 : 0))
            #expect(!isCut || faults[0].contains("entry \(anchor.number), which is expected, is missing"))
        }
    }

    @Test func `of many faults some are named and the others counted`() throws {
        let directory = try TemporaryDirectory()
        let store = try LedgerTests.open(directory)
        _ = try store.commit([LedgerRequest](repeating: .grant(LedgerTests.consent()), count: 40))
        try store.close(at: Self.now)
        try Self.change(directory, "UPDATE entry SET at=at+1")
        let faults = try Self.findings(directory).faults
        #expect(faults.count == Limits.ledgerFaultsNamedMax + 1)
        #expect(faults.last?.hasSuffix(": 21 more faults.") == true)
    }

    @Test func `a file that SQLite cannot read is named as damaged`() throws {
        let directory = try Self.make()
        let path = "\(directory.path)/ledger.sqlite"
        var bytes = try Data(contentsOf: URL(filePath: path))
        let page = bytes.count / 2 / 4096 * 4096
        bytes.replaceSubrange(page..<page + 512, with: Data(repeating: 0xA5, count: 512))
        try bytes.write(to: URL(filePath: path))
        #expect(try Self.findings(directory).faults.contains { $0.contains("\(path)") && $0.contains("damaged") })
    }
}
