import AssentCore
import Crypto
import Foundation
import Support
import Testing

@testable import AssentStore

/// What the receipt of an erasure says, and what it is worth.
@Suite struct ReceiptTests {
    static let now = ErasureTests.now
    static let later = now.advanced(by: 3_600_000)

    /// A directory with six visitors whose events lie in two partitions, in several segments, and in the journal.
    struct Scene {
        let directory: TemporaryDirectory
        var store: Store
        let ids: [VisitorID]
        let drained: [ConsentedEvent]
        let waiting: [ConsentedEvent]

        init() throws {
            directory = try TemporaryDirectory()
            store = try ErasureTests.open(directory)
            ids = try ErasureTests.grant(store, count: 6).map(\.visitorID)
            drained = try ErasureTests.events(300, seed: 1)
            waiting = try ErasureTests.events(60, seed: 2)
            _ = try store.append([EventBatch(site: "coalition", events: drained)])
            try store.drain(at: now)
            _ = try store.append([EventBatch(site: "coalition", events: waiting)])
        }

        /// The receipt that an erasure of that visitor gives now.
        func erase(_ visitor: Int = 2, at time: Instant = now) throws -> [UInt8]? {
            try ReceiptTests.erase(ids[visitor - 1], store, at: time)
        }
    }

    static func erase(_ id: VisitorID, _ store: Store, at time: Instant = now) throws -> [UInt8]? {
        try store.erase(id, site: "coalition", at: time, day: Samples.monday)
    }

    static func read(_ document: [UInt8]?) throws -> ErasureReceipt {
        try ErasureReceipt(document: #require(document), key: Samples.key)
    }

    static func verify(
        _ document: [UInt8], _ directory: TemporaryDirectory, key: ServerKey = Samples.key, _ id: VisitorID? = nil
    ) throws -> ReceiptFindings {
        try StoreReader(directory: directory.path).verify(receipt: document, key: key, visitor: id)
    }

    static func ledger(_ directory: TemporaryDirectory, _ mode: SQLite.Mode = .read) throws -> SQLite {
        try SQLite("\(directory.path)/ledger.sqlite", mode)
    }

    static func count(_ directory: TemporaryDirectory, _ query: String) throws -> Int64? {
        try ledger(directory).first("SELECT count(*) FROM \(query)") { $0.integer(0) }
    }

    static func content(_ events: [ConsentedEvent]) -> ErasureReceipt.Content {
        var content = ContentHash()
        for event in events { content.add(event.event) }
        return ErasureReceipt.Content(events: content.count, sha256: content.text)
    }

    // MARK: What it says

    @Test func `a receipt says what was found where, what was rewritten, and nothing of who it was`() throws {
        let scene = try Scene()
        let document = try #require(try scene.erase())
        let receipt = try Self.read(document)
        #expect(receipt.state == .erased && receipt.site == "coalition" && receipt.left.isEmpty)
        #expect(receipt.asked == Self.now && receipt.completed == Self.now && receipt.earlier.isEmpty)
        #expect(receipt.visitorHash == Hex.text(Samples.key.mac(domain: "visitor", scene.ids[1].bytes)))
        let entry = try Self.ledger(scene.directory).first(
            "SELECT kind, hash FROM entry WHERE number=?", .integer(Int64(receipt.entry))
        ) { ($0.text(0), Hex.text($0.blob(1))) }
        #expect(entry?.0 == "erasure" && entry?.1 == receipt.entryHash)
        #expect(receipt.journalEvents == scene.waiting.count { $0.event.visitor == 2 })
        #expect(receipt.rewritings.map(\.day) == [Samples.monday, Samples.monday.advanced(by: 1)])
        for each in receipt.rewritings {
            let events = scene.drained.filter { $0.event.time.day == each.day }
            #expect(each.events == events.count { $0.event.visitor == 2 } && each.segments == 1)
            #expect(each.before == Self.content(events))
            #expect(each.after == Self.content(events.filter { $0.event.visitor != 2 }))
        }
        #expect(receipt.events == (scene.drained + scene.waiting).count { $0.event.visitor == 2 })

        let text = String(decoding: document, as: UTF8.self)
        #expect(!text.contains(scene.ids[1].hex) && !text.contains("visitor_number"))
        let json = try JSON(Data(document))
        #expect(
            text.split(separator: "\n").filter { $0.hasPrefix("  \"") }.map { String($0.split(separator: "\"")[1]) }
                == [
                    "schema", "state", "site", "visitor_hash", "asked", "completed", "ledger", "journal", "partitions",
                    "totals", "earlier", "left", "mac",
                ])
        #expect(json["schema"] == "assent.erasure/1" && json["completed"] == "2026-11-18T00:00:00Z")
        #expect(json["totals"]["events"] == .number(Double(receipt.events)) && json["totals"]["partitions"] == 2)
    }

    @Test func `its last member is the keyed hash of every byte before it`() throws {
        let scene = try Scene()
        let document = try #require(try scene.erase())
        let tail = String(decoding: document.suffix(80), as: UTF8.self)
        let mac = Samples.key.mac(domain: "erasure", Array(document.dropLast(80)))
        #expect(tail == ",\n  \"mac\": \"\(Hex.text(mac))\"\n}\n")
        #expect(ErasureReceipt.tailBytes == 80)
    }

    @Test func `what is written is read, and altering, adding or taking away any byte is found`() throws {
        let scene = try Scene()
        let document = try #require(try scene.erase())
        let receipt = try Self.read(document)
        #expect(receipt.document(key: Samples.key) == document)
        for place in document.indices {
            var altered = document
            altered[place] ^= 1 << UInt8(place % 8)
            #expect(try Self.verify(altered, scene.directory).faults.count == 1, "byte \(place)")
        }
        for other in [[], Array(document.dropLast()), Array(document.dropFirst()), document + [0x0A]] {
            #expect(try Self.verify(other, scene.directory).faults.count == 1)
        }
        #expect(try Self.verify(document, scene.directory).faults.isEmpty)
    }

    // MARK: What the ledger says of it

    @Test func `the chain says how the erasure ended, and the days that were found are forgotten`() throws {
        let scene = try Scene()
        let document = try #require(try scene.erase())
        let receipt = try Self.read(document)
        let body = try Self.ledger(scene.directory).first("SELECT body FROM entry WHERE kind='erased'") { $0.text(0) }
        let json = try JSON(try #require(body))
        #expect(json["erasure"].number == Double(receipt.entry) && json["events"].number == Double(receipt.events))
        #expect(json["partitions"] == 2 && json["visitor_hash"].string == receipt.visitorHash)
        #expect(json["receipt"].string == Hex.text(Array(SHA256.hash(data: document))))
        #expect(try Self.count(scene.directory, "erasure_part") == 0)
        #expect(try StoreReader(directory: scene.directory.path).ledgerFault() == nil)
    }

    @Test func `a withdrawal on the site has an end in the chain too`() throws {
        let scene = try Scene()
        _ = try ErasureTests.withdraw(scene.store, 2)
        #expect(try Self.count(scene.directory, "entry WHERE kind='erased'") == 0)
        try scene.store.drain(at: Self.later)
        #expect(try Self.count(scene.directory, "entry WHERE kind='erased' AND at=\(Self.later.milliseconds)") == 1)
        for _ in 0..<2 { try scene.store.drain(at: Self.later) }
        #expect(try Self.count(scene.directory, "entry WHERE kind='erased'") == 1)
    }

    @Test(
        "An end that nobody asked for is a fault of the chain",
        arguments: [
            (
                #"{"number":%,"kind":"erased","site":"coalition","at":"1970-01-01T00:00:00Z","visitor_number":9,"erasure":1}"#,
                "completes an erasure that no entry asked for"
            ),
            (
                #"{"number":%,"kind":"erased","site":"coalition","at":"1970-01-01T00:00:00Z","visitor_number":9,"#,
                "has a body that is no JSON"
            ),
        ])
    func unasked(body: String, says: String) throws {
        let scene = try Scene()
        _ = try scene.erase()
        let ledger = try Self.ledger(scene.directory, .write(durable: false))
        let last = try #require(
            try ledger.first("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1") {
                (number: $0.integer(0), hash: $0.blob(1))
            })
        let body = body.replacing("%", with: "\(last.number + 1)")
        try ledger.run(
            "INSERT INTO entry VALUES(?,'erased','coalition',9,0,?,?)", .integer(last.number + 1), .text(body),
            .blob(Ledger.chain(last.hash, Array(body.utf8))))
        let fault = try StoreReader(directory: scene.directory.path).ledgerFault()
        #expect(fault?.contains("entry \(last.number + 1) \(says)") == true)
    }

    // MARK: Which receipt

    @Test func `the details are handed out once, and whoever asks again hears that nothing is held`() throws {
        let scene = try Scene()
        let first = try Self.read(try scene.erase())
        for time in [Self.later, Self.later.advanced(by: 1)] {
            let document = try #require(try scene.erase(at: time))
            let again = try Self.read(document)
            #expect(again.state == .erasedBefore && again.asked == Self.now && again.completed == Self.now)
            #expect(again.events == 0 && again.rewritings.isEmpty && again.left.isEmpty)
            #expect((again.entry, again.entryHash) == (first.entry, first.entryHash))
            #expect(again.earlier.map(\.events) == [first.events] && again.earlier.map(\.partitions) == [2])
            #expect(try Self.verify(document, scene.directory, scene.ids[1]).faults.isEmpty)
        }
        #expect(try Self.count(scene.directory, "entry WHERE kind IN ('withdrawal','erasure','erased')") == 3)
    }

    @Test func `an id that the site does not know is no erasure`() throws {
        let scene = try Scene()
        #expect(try Self.erase(Samples.visitorID(77), scene.store) == nil)
        #expect(try scene.store.erase(scene.ids[0], site: "second", at: Self.now, day: Samples.monday) == nil)
        #expect(try Self.count(scene.directory, "entry WHERE kind='withdrawal'") == 0)
    }

    @Test func `a visitor who had withdrawn and let the events stay is erased, and the withdrawal counts once`() throws
    {
        let scene = try Scene()
        _ = try ErasureTests.withdraw(scene.store, 2, erase: false)
        #expect(try Self.read(try scene.erase()).events > 0)
        let tallies = try StoreReader(directory: scene.directory.path).tallies(
            site: "coalition", days: Samples.monday...Samples.monday)
        #expect(tallies.withdrawn == 1)
    }

    @Test func `a visitor of whom there were no events gets a receipt that says so`() throws {
        let scene = try Scene()
        let id = try ErasureTests.grant(scene.store)[0].visitorID
        let document = try #require(try Self.erase(id, scene.store))
        let receipt = try Self.read(document)
        #expect(receipt.state == .erased && receipt.events == 0 && receipt.rewritings.isEmpty)
        #expect(try Self.verify(document, scene.directory, id).faults.isEmpty)
    }

    // MARK: What it is worth

    @Test("A receipt is compared with key, chain, end and visitor", arguments: Change.table)
    func worth(change: Change, fault: String?) throws {
        let scene = try Scene()
        var document = try #require(try scene.erase())
        var receipt = try Self.read(document)
        var (key, id) = (Samples.key, scene.ids[1])
        let ledger = try Self.ledger(scene.directory, .write(durable: false))
        switch change {
        case .nothing: break
        case .otherKey: key = ServerKey(bytes: Array(repeating: 1, count: 32))
        case .otherVisitor: id = scene.ids[2]
        case .entryChanged: try ledger.run("UPDATE entry SET hash=zeroblob(32) WHERE number=1")
        case .bodyBroken: try ledger.run("UPDATE entry SET body='{' WHERE kind='erasure'")
        case .erasureGone: try ledger.run("DELETE FROM entry WHERE kind IN ('erasure','erased')")
        case .endGone: try ledger.run("DELETE FROM entry WHERE kind='erased'")
        case .countsMadeUp:
            receipt.journalEvents += 1
            document = receipt.document(key: key)
        case .hashMadeUp:
            receipt.entryHash = String(repeating: "0", count: 64)
            document = receipt.document(key: key)
        }
        let findings = try Self.verify(document, scene.directory, key: key, id)
        #expect(findings.faults.isEmpty == (fault == nil), "\(findings.faults)")
        if let fault {
            #expect(findings.faults.contains { $0.contains(fault) }, "\(findings.faults)")
        } else {
            #expect(findings.holds.count == 5)
            #expect(findings.holds.contains { $0.contains("has the SHA-256 of this receipt") })
        }
    }
}

/// What may have happened to a receipt or to the ledger.
enum Change: String {
    case nothing, otherKey, otherVisitor, entryChanged, bodyBroken, erasureGone, endGone, countsMadeUp, hashMadeUp

    /// Each with a part of the fault that is found.
    static let table: [(Change, String?)] = [
        (.nothing, nil), (.otherKey, "This is no receipt of this server: mac: is not this server's"),
        (.otherVisitor, "It is the receipt of another visitor."),
        (.entryChanged, "or its hash was changed"), (.bodyBroken, "or its hash was changed"),
        (.erasureGone, "readers are told of an erasure that entry 10 does not ask for"),
        (.endGone, "No entry of the ledger has the SHA-256 of this receipt."),
        (.countsMadeUp, "No entry of the ledger has the SHA-256 of this receipt."),
        (.hashMadeUp, "The ledger has no entry"),
    ]
}
