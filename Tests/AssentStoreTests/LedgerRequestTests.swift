import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// Requests for access and erasure, as they are noted, answered and listed.
@Suite struct LedgerRequestTests {
    static let now = LedgerTests.now
    static let today = now.day

    /// A store with two visitors, and their ids.
    struct Scene {
        let directory: TemporaryDirectory
        let store: Store
        let ids: [VisitorID]

        init() throws {
            directory = try TemporaryDirectory()
            store = try LedgerTests.open(directory)
            let answers = try store.commit([.grant(LedgerTests.consent()), .grant(LedgerTests.consent())])
            ids = answers.compactMap { if case .granted(let record) = $0 { record.visitorID } else { nil } }
        }

        func note(
            _ kind: PrivacyRequest.Kind, _ visitor: VisitorID? = nil, received: Day = today, site: String = "coalition"
        ) throws -> RecordNumber? {
            try store.note(ReceivedRequest(kind, site: site, visitor: visitor, received: received), at: now)
        }

        func close(_ number: RecordNumber, declined: Bool = false) throws -> Bool {
            try store.close(ClosedRequest(request: number, isDeclined: declined), at: now.advanced(by: 5))
        }

        func withdraw(_ visitor: VisitorNumber) throws {
            _ = try store.commit([
                .withdraw(site: "coalition", visitor: visitor, erase: true, at: now, day: today)
            ])
        }

        func list(site: String? = nil) throws -> [PrivacyRequest] {
            try StoreReader(directory: directory.path).requests(site: site) { $1.day }
        }

        func entries() throws -> [String] {
            var kinds: [String] = []
            try SQLite("\(directory.path)/ledger.sqlite", .read).rows("SELECT kind FROM entry ORDER BY number") {
                kinds.append($0.text(0))
            }
            return kinds
        }
    }

    @Test func `a request waits until it is closed, and no longer`() throws {
        let scene = try Scene()
        let noted = try #require(try scene.note(.access, received: Self.today.advanced(by: -40)))
        let other = try #require(try scene.note(.erase, scene.ids[0]))
        var list = try scene.list()
        #expect(list.map(\.number) == [noted, other] && list.map(\.kind) == [.access, .erase])
        #expect(list.map { $0.state(on: Self.today) } == [.overdue, .open] && list.allSatisfy { !$0.isFromSite })
        #expect(try scene.close(noted))
        #expect(try scene.close(other, declined: true))
        list = try scene.list()
        #expect(list.map { $0.state(on: Self.today) } == [.done, .declined])
        #expect(list.allSatisfy { $0.closed == Self.now.advanced(by: 5) })
        for number in [noted, other, 1, 99] { #expect(try !scene.close(number), "\(number) does not wait") }
        #expect(try scene.entries().suffix(4) == ["request", "request", "closed", "closed"])
        #expect(try StoreReader(directory: scene.directory.path).ledgerFault() == nil)
    }

    @Test func `asking twice is asking once, as long as nobody has answered`() throws {
        let scene = try Scene()
        let first = try #require(try scene.note(.access, scene.ids[0]))
        #expect(try scene.note(.access, scene.ids[0]) == first)
        #expect(try scene.note(.access, scene.ids[1]) == first + 1)
        #expect(try scene.note(.erase, scene.ids[0]) == first + 2)
        #expect(try scene.note(.access) == first + 3, "who is not known may be somebody else")
        #expect(try scene.note(.access) == first + 4)
        #expect(try scene.close(first))
        #expect(try scene.note(.access, scene.ids[0]) == first + 6)
    }

    @Test func `who has everything erased and goes on has asked for access all the same`() throws {
        let scene = try Scene()
        let asked = try #require(try scene.note(.access, scene.ids[0], received: Self.today.advanced(by: -20)))
        _ = try scene.store.commit([.erase(site: "coalition", visitor: 1, at: Self.now)])
        try scene.store.drain(at: Self.now)
        #expect(try scene.note(.access, scene.ids[0]) == asked)
        #expect(try scene.close(asked))
        let list = try scene.list()
        #expect(list.map(\.kind) == [.access, .erase] && list.allSatisfy { $0.state(on: Self.today) == .done })
        // What was erased then is not what is asked for now.
        let erase = try #require(try scene.note(.erase, scene.ids[0]))
        #expect(try scene.list().last?.number == erase && scene.list().last?.state(on: Self.today) == .open)
        #expect(try StoreReader(directory: scene.directory.path).ledgerFault() == nil)
    }

    @Test func `a visitor whom the site does not know cannot have asked`() throws {
        let scene = try Scene()
        #expect(try scene.note(.access, Samples.visitorID(9)) == nil)
        #expect(try scene.note(.access, scene.ids[0], site: "second") == nil)
        #expect(try scene.list().isEmpty)
    }

    @Test func `an erasure on the site is a request that ends by itself`() throws {
        let scene = try Scene()
        try scene.withdraw(1)
        let open = try scene.list()
        #expect(open.count == 1 && open[0].isFromSite && open[0].kind == .erase && open[0].received == Self.today)
        #expect(open[0].state(on: Self.today) == .open)
        #expect(try !scene.close(open[0].number))
        let later = Self.now.advanced(by: 60_000)
        try scene.store.drain(at: later)
        #expect(try scene.list().map(\.closed) == [later])
        _ = try scene.store.commit([
            .withdraw(site: "coalition", visitor: 2, erase: false, at: Self.now, day: Self.today)
        ])
        #expect(try scene.list().count == 1, "a withdrawal that keeps the events asks for no erasure")
    }

    @Test func `a request that was noted is met by the erasure, whoever asks for that`() throws {
        let scene = try Scene()
        let received = Self.today.advanced(by: -10)
        let first = try #require(try scene.note(.erase, scene.ids[0], received: received))
        let second = try #require(try scene.note(.erase, scene.ids[1], received: received))
        try scene.withdraw(1)
        _ = try scene.store.erase(scene.ids[1], site: "coalition", at: Self.now, day: Self.today)
        let list = try scene.list()
        #expect(list.map(\.number) == [first, second] && list.allSatisfy { $0.received == received })
        #expect(list.allSatisfy { $0.state(on: Self.today) == .done && !$0.isFromSite })
        #expect(try !scene.entries().contains("closed"))
        #expect(try !scene.close(first))
    }

    @Test func `an erasure by the staff notes when the request came, once`() throws {
        let scene = try Scene()
        let received = Self.today.advanced(by: -3)
        for _ in 0..<3 {
            #expect(
                try scene.store.erase(
                    scene.ids[0], site: "coalition", at: Self.now, day: Self.today, received: nil) != nil)
        }
        _ = try scene.store.erase(
            scene.ids[1], site: "coalition", at: Self.now, day: Self.today, received: received)
        #expect(try scene.list().map(\.received) == [Self.today, received])
        #expect(try scene.entries().count { $0 == "request" } == 2)
    }

    @Test func `who was erased and asks again has a request that the same command closes`() throws {
        let scene = try Scene()
        _ = try scene.store.erase(scene.ids[0], site: "coalition", at: Self.now, day: Self.today)
        let noted = try #require(try scene.note(.erase, scene.ids[0]))
        #expect(try scene.list().map { $0.state(on: Self.today) } == [.done, .open])
        _ = try scene.store.erase(scene.ids[0], site: "coalition", at: Self.now, day: Self.today)
        #expect(try scene.list().map { $0.state(on: Self.today) } == [.done, .done])
        _ = try scene.store.erase(
            scene.ids[0], site: "coalition", at: Self.now, day: Self.today, received: Self.today.advanced(by: -1))
        let list = try scene.list()
        #expect(list.count == 3 && list[1].number == noted && list.allSatisfy { $0.closed != nil })
        #expect(try StoreReader(directory: scene.directory.path).ledgerFault() == nil)
    }

    @Test func `requests are those of a site, and survive a restart`() throws {
        let scene = try Scene()
        _ = try scene.note(.access)
        _ = try scene.note(.access, site: "second")
        try scene.withdraw(2)
        let before = try scene.list()
        try scene.store.close(at: Self.now)
        try LedgerTests.open(scene.directory).close(at: Self.now)
        #expect(try scene.list().map(\.number) == before.map(\.number))
        #expect(try scene.list(site: "second").map(\.site) == ["second"])
        #expect(try scene.list(site: "coalition").count == 2 && scene.list(site: "third").isEmpty)
    }

    @Test func `a request names nobody in a byte of the chain`() throws {
        let scene = try Scene()
        _ = try scene.note(.erase, scene.ids[0])
        _ = try scene.store.erase(scene.ids[0], site: "coalition", at: Self.now, day: Self.today)
        let needles = [ByteSearch.Needle(scene.ids[0].hex), ByteSearch.Needle("the id", scene.ids[0].bytes)]
        #expect(try ByteSearch(scene.directory.path, for: needles).findings.isEmpty)
    }
}
