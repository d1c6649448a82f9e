import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// What is held of one visitor, and an erasure after which the visitor goes on.
@Suite struct HeldTests {
    typealias E = ErasureTests

    static func held(_ directory: TemporaryDirectory, _ visitor: VisitorNumber) throws -> Held? {
        try Held(visitor, of: Samples.site, StoreReader(directory: directory.path))
    }

    /// The whole document, and the sizes of its pieces.
    static func document(_ held: Held) throws -> (json: JSON, pieces: [Int]) {
        var document = HeldDocument(held)
        var (bytes, pieces): ([UInt8], [Int]) = ([], [])
        while !document.isAtEnd {
            let piece = try document.next()
            pieces.append(piece.count)
            bytes += piece
        }
        return (try JSON(String(decoding: bytes, as: UTF8.self)), pieces)
    }

    static func erase(_ store: Store, _ visitor: VisitorNumber, at now: Instant = E.now) throws -> Withdrawal? {
        guard case .erased(let erased) = try store.commit([.erase(site: "coalition", visitor: visitor, at: now)])[0]
        else { throw CocoaError(.coderInvalidValue) }
        return erased
    }

    static func lines(_ events: [Event], of id: VisitorID) throws -> [JSON] {
        try events.map { event in
            var json = JSONWriter()
            EventLine.write(event, visitor: id, scheme: "https", to: &json)
            return try JSON(json.text)
        }
    }

    @Test(
        "The document has the events of one visitor in order of time and arrival, wherever they lie",
        arguments: [1, 2] as [UInt64])
    func reference(seed: UInt64) throws {
        let directory = try TemporaryDirectory()
        let store = try E.open(directory)
        let records = try E.grant(store, count: 6)
        var arrived: [Event] = []
        for turn in 0..<4 {
            let events = try E.events(turn == 3 ? 90 : 4_000, seed: seed * 10 + UInt64(turn))
            _ = try store.append([EventBatch(site: "coalition", events: events + events.prefix(50))])
            if turn < 3 { try store.drain(at: E.now) }
            if turn == 1 {
                let sealed = try store.seal(
                    site: "coalition", day: Samples.monday, at: E.now.advanced(by: 86_400_000 * 3))
                #expect(sealed.partitions.count == 1)
            }
            arrived += events.map(\.event)
        }
        for record in records {
            let held = try #require(try Self.held(directory, record.visitor))
            #expect(held.id == record.visitorID)
            let (json, pieces) = try Self.document(held)
            var expected: [(offset: Int, element: Event)] = []
            for each in arrived.enumerated() where each.element.visitor == record.visitor { expected.append(each) }
            expected.sort { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            func content(_ line: JSON) -> [JSON] {
                // A seal drops the ids.
                EventLine.fieldNames.filter { $0 != "id" }.map { line[$0] }
            }
            let found = json["events"].array
            #expect(found.count == expected.count && expected.count > 1_500)
            #expect(found.map(content) == (try Self.lines(expected.map(\.element), of: held.id)).map(content))
            #expect(pieces.count > 1 && pieces.dropLast().allSatisfy { $0 >= Limits.heldPieceBytes })
            #expect(json["consents"].array.count == 1)
            let summary = try held.summary(.utc)
            #expect(summary.events.values.reduce(0, +) == expected.count)
            #expect(summary.days.values.reduce(0, +) == expected.count && summary.days.count == 2)
            #expect(!summary.isIncomplete)
        }
        #expect(try Self.held(directory, 7) == nil)
    }

    @Test func `a damaged segment is named in the document, and what can be read is there`() throws {
        let directory = try TemporaryDirectory()
        let store = try E.open(directory)
        _ = try E.grant(store, count: 6)
        let events = try E.events(600, seed: 1)
        _ = try store.append([EventBatch(site: "coalition", events: events)])
        try store.drain(at: E.now)
        let path = Partition.path(directory.path, "coalition", Samples.monday)
        try SQLite(path, .write(durable: false)).run("UPDATE stream SET crc=crc+1")
        let held = try #require(try Self.held(directory, 2))
        let (json, _) = try Self.document(held)
        let tuesday = events.count { $0.event.visitor == 2 && $0.event.time.day != Samples.monday }
        #expect(json["events"].array.count == tuesday && tuesday > 0)
        #expect(json["incomplete"] == ["partition 2026-11-16: a damaged segment may hold events"])
        #expect(try held.summary(.utc).isIncomplete)
    }

    @Test func `all consents of a visitor are there, however many, with the texts that were shown`() throws {
        let directory = try TemporaryDirectory()
        let store = try E.open(directory)
        var visitor = try #require(try E.grant(store).first).visitor
        func renew(_ count: Int, _ notice: Notice) throws {
            let consent = NewConsent(
                site: "coalition", visitor: visitor, notice: notice, act: "key", source: "cmp:tcf", underGPC: true,
                at: E.now.advanced(by: 1), day: Samples.monday)
            for case .granted(let record) in try store.commit(Array(repeating: .grant(consent), count: count)) {
                #expect(record.visitor == visitor)
            }
        }
        try renew(2 * Limits.heldPieceConsents - 2, Samples.notices[1])
        _ = try #require(try Self.erase(store, visitor))
        visitor = store.standings(site: "coalition").standing(of: visitor).visitor
        try renew(2, Samples.notices[0])
        _ = try E.grant(store, count: 3)
        let held = try #require(try Self.held(directory, visitor))
        let consents = try Self.document(held).json["consents"].array
        #expect(consents.count == 2 * Limits.heldPieceConsents + 1)
        #expect(Set(consents.map { $0["record"].string }).count == consents.count)
        let texts = consents.map { $0["notice_text"].string }
        let (english, arabic) = (Samples.notices[0].text, Samples.notices[1].text)
        #expect(texts.first == english && texts.suffix(2) == [english, english])
        #expect(texts.dropFirst().dropLast(2).allSatisfy { $0 == arabic })
        #expect(consents.last?["gpc"] == true && consents.last?["source"] == "cmp:tcf")
        #expect(
            try held.summary(.utc).consents.map(\.number).suffix(3)
                == held.consents(after: 0, atMost: 99).map(\.number).suffix(3))
        #expect(try held.summary(.utc).consents.count == Limits.heldConsentsShown)

        _ = try E.withdraw(store, visitor, erase: false)
        let kept = try Self.document(try #require(try Self.held(directory, visitor))).json["consents"].array
        #expect(kept.allSatisfy { $0["withdrawn"] == .string(E.now.rfc3339) } && kept.count == consents.count)
    }

    // MARK: Erasing and going on

    @Test func `no byte of what was erased is left, and the visitor goes on under the same id`() throws {
        let directory = try TemporaryDirectory()
        let store = try E.open(directory)
        let records = try E.grant(store, count: 6)
        var events: [ConsentedEvent] = []
        for seed in 1...3 {
            let more = try E.events(seed == 3 ? 60 : 4_000, seed: UInt64(seed))
            _ = try store.append([EventBatch(site: "coalition", events: more)])
            if seed < 3 { try store.drain(at: E.now) }
            events += more
        }
        let erased = try #require(try Self.erase(store, 2))
        #expect(erased.events == events.count { $0.event.visitor == 2 } && erased.partitions == 2)
        let left = events.filter { $0.event.visitor != 2 }.map { "\($0.event)" }.sorted()
        #expect(E.texts(try E.read(directory)) == left, "hidden before it is rewritten")
        let standing = Standing(visitor: 7, erased: E.now)
        #expect(store.standings(site: "coalition").standing(of: 2) == standing)
        // What is still under way under the old number goes nowhere.
        _ = try store.append([
            EventBatch(site: "coalition", events: try E.events(60, seed: 4).filter { $0.event.visitor == 2 })
        ])
        #expect(E.texts(try E.read(directory)) == left)

        let crashed = try directory.copy()
        #expect(try store.drain(at: E.now).isEmpty)
        for (directory, store) in [(directory, store), (crashed, try E.open(crashed))] {
            #expect(try directory.files(containing: Array(E.marker.utf8)).isEmpty)
            #expect(E.texts(try E.read(directory)) == left)
            let reader = try StoreReader(directory: directory.path)
            #expect(try reader.visitorIDs(site: "coalition")[7] == records[1].visitorID)
            #expect(try reader.visitorIDs(site: "coalition").count == 6)
            #expect(try reader.ledgerFault() == nil)
            try store.close(at: E.now)
            let again = try E.open(directory)
            for visitor in [2, 7] as [VisitorNumber] {
                #expect(again.standings(site: "coalition").standing(of: visitor) == standing)
            }
            #expect(try Self.document(try #require(try Self.held(directory, 7))).json["consents"].array.count == 1)
            #expect(try Self.held(directory, 2) == nil)
            try again.close(at: E.now)
        }
    }

    @Test func `an erasure, a renewal and a withdrawal of one commit are of the same visitor, in their order`() throws {
        let directory = try TemporaryDirectory()
        let store = try E.open(directory)
        let record = try #require(try E.grant(store).first)
        _ = try store.append([EventBatch(site: "coalition", events: try E.events(60, seed: 1))])
        let renewal = NewConsent(
            site: "coalition", visitor: 1, notice: Samples.notices[0], act: "click", source: "banner", at: E.now,
            day: Samples.monday)
        let answers = try store.commit([
            .erase(site: "coalition", visitor: 1, at: E.now), .grant(renewal),
            .erase(site: "coalition", visitor: 1, at: E.now),
            .withdraw(site: "coalition", visitor: 1, erase: true, at: E.now, day: Samples.monday),
            .erase(site: "coalition", visitor: 1, at: E.now),
        ])
        guard case .erased(let first?) = answers[0], case .granted(let renewed) = answers[1],
            case .erased(let second?) = answers[2], case .withdrawn(let withdrawal) = answers[3],
            case .erased(nil) = answers[4]
        else { throw CocoaError(.coderInvalidValue) }
        #expect(first.events > 0 && second.events == 0 && withdrawal.events == 0)
        #expect(renewed.visitorID == record.visitorID && renewed.visitor == 2)
        for visitor in 1...3 as ClosedRange<VisitorNumber> {
            let standing = store.standings(site: "coalition").standing(of: visitor)
            #expect(standing.visitor == 3 && standing.hasWithdrawn)
        }
        try store.drain(at: E.now)
        #expect(try directory.files(containing: record.visitorID.bytes).isEmpty)
        let reader = try StoreReader(directory: directory.path)
        #expect(try reader.tallies(site: "coalition", days: Samples.monday...Samples.monday).withdrawn == 1)
        #expect(try reader.ledgerFault() == nil)
    }

    @Test func `an erasure that the ledger cannot take changes nothing`() throws {
        let directory = try TemporaryDirectory()
        let store = try E.open(directory)
        _ = try E.grant(store, count: 2)
        let path = "\(directory.path)/ledger.sqlite"
        try SQLite(path, .write(durable: false)).run(
            "CREATE TRIGGER stop BEFORE INSERT ON entry WHEN new.kind='restart' BEGIN SELECT raise(ABORT,'no'); END")
        #expect(throws: StoreError.self) { try Self.erase(store, 2) }
        let event = try E.events(60, seed: 1).filter { $0.event.visitor == 2 }
        _ = try store.append([EventBatch(site: "coalition", events: event)])
        #expect(try E.read(directory).segments.reduce(0) { $0 + $1.count } == event.count)
        #expect(store.standings(site: "coalition").standing(of: 2) == Standing(visitor: 2))
        #expect(try Self.held(directory, 2) != nil)
    }

    @Test func `an import brings nothing back from before an erasure, and takes what came after`() throws {
        let directory = try TemporaryDirectory()
        let store = try E.open(directory)
        let events = try Samples.events(40, visitors: 1...2, seed: 1)
        #expect(try store.importEvents([try Samples.importBatch(events)], site: "coalition", at: E.now) == events.count)
        let number = try store.numbers(of: [Samples.visitorID(1)], site: "coalition")[0]
        let noon = Samples.monday.start.advanced(by: 43_200_000)
        _ = try #require(try Self.erase(store, number, at: noon))
        let stored = try store.importEvents([try Samples.importBatch(events)], site: "coalition", at: E.now)
        let after = events.map(\.event).filter { $0.visitor == 1 && $0.time >= noon }
        #expect(stored == after.count && !after.isEmpty)
        let held = try #require(
            try Held(Samples.visitorID(1), of: Samples.site, StoreReader(directory: directory.path)))
        let times = try Self.document(held).json["events"].array.compactMap { $0["time"].string }
        #expect(times == after.map(\.time).sorted().map(\.rfc3339))
    }

    @Test func `an erasure by the id reaches what came after an earlier one, and its receipt says so`() throws {
        let directory = try TemporaryDirectory()
        let store = try E.open(directory)
        let id = try E.grant(store, count: 2)[1].visitorID
        let first = try E.events(60, seed: 1).filter { $0.event.visitor <= 2 }
        _ = try store.append([EventBatch(site: "coalition", events: first)])
        _ = try #require(try Self.erase(store, 2))
        let later = try E.events(60, seed: 2).map(\.event).filter { $0.visitor == 2 }
        _ = try store.append([
            EventBatch(
                site: "coalition",
                unchecked: later.map { event in
                    var event = event
                    event.visitor = 3
                    return event
                })
        ])
        let document = try #require(try store.erase(id, site: "coalition", at: E.now, day: Samples.monday))
        let receipt = try ErasureReceipt(document: document, key: Samples.key)
        #expect(receipt.state == .erased && receipt.events == later.count && receipt.left.isEmpty)
        let reader = try StoreReader(directory: directory.path)
        let findings = try reader.verify(receipt: document, key: Samples.key, visitor: id)
        #expect(findings.faults.isEmpty && findings.holds.count == 5)
        let again = try #require(try store.erase(id, site: "coalition", at: E.now, day: Samples.monday))
        #expect(try ErasureReceipt(document: again, key: Samples.key).state == .erasedBefore)
        #expect(try directory.files(containing: id.bytes).isEmpty)
        #expect(try directory.files(containing: Array(E.marker.utf8)).isEmpty)
    }
}
