import AssentCore
import AssentStore
import Support
import Testing

@testable import AssentCollector

/// Withdrawals that race with events of the same visitor, on real sockets.
@Suite(.serialized, .timeLimit(.minutes(5))) struct WithdrawalRaceTests {
    private static let workers = 4
    private static let visitorsEach = 280
    private static let connections = 3
    private static let marker = "Marker-Of-Who-Withdraws"

    private static func request(_ id: String, _ token: String, title: String) -> String {
        let event = Running.pageview(id, more: #","title":"\#(title)""#)
        return Client.request("POST", "/v1/events", Running.eventsBody([event], token: token))
    }

    private static func withdrawal(_ token: String, erase: Bool) -> String {
        Client.request("POST", "/v1/withdraw", #"{"site":"coalition","erase":\#(erase),"consent":"\#(token)"}"#)
    }

    private static let stored = "stored=1 duplicate=0 refused=0"
    private static let withdrawn = "stored=0 duplicate=0 refused=1 reason=withdrawn"

    /// Visitors one after the other, each with events on several connections before, beside and behind the withdrawal.
    /// - Returns: ids of the events that must stay: those of every tenth visitor, who stays.
    private static func race(_ running: Running, worker: Int) throws -> [String] {
        var kept: [String] = []
        let clients = try (0..<connections).map { _ in try running.client() }
        let chooser = try running.client()
        for visitor in 0..<visitorsEach {
            let stays = visitor % 10 == 9
            let token = try chooser.ask("POST", "/v1/consent", Running.consentBody()).json("token")
            var ids = clients.map { _ in [String]() }
            func send(_ count: Int) {
                for (index, client) in clients.enumerated() {
                    for _ in 0..<count {
                        let id = "event-\(worker)-\(visitor)-\(index)-\(ids[index].count)"
                        ids[index].append(id)
                        client.send(request(id, token, title: stays ? "Stays" : marker))
                    }
                }
            }
            send(2)
            if !stays { chooser.send(withdrawal(token, erase: true)) }
            send(2)
            if !stays { #expect(try chooser.receive().status == 200) }
            let before = ids.map(\.count)
            send(1)
            for (index, client) in clients.enumerated() {
                for (place, id) in ids[index].enumerated() {
                    let answer = try client.receive()
                    let result = answer["assent-result"]
                    let isLate = !stays && place >= before[index]
                    #expect(answer.status == 204 && (result == withdrawn || !isLate && result == stored), "\(id)")
                    if stays {
                        #expect(result == stored)
                        kept.append(id)
                    }
                }
            }
        }
        return kept
    }

    @Test(
        "Of a thousand who withdraw while thousands of their events arrive, none is stored, exported or counted afterwards"
    )
    func erasing() async throws {
        let directory = try TemporaryDirectory()
        var kept: [String] = []
        try await Running.collector(in: directory) { running in
            try await withThrowingTaskGroup(of: [String].self) { group in
                for worker in 0..<Self.workers { group.addTask { try Self.race(running, worker: worker) } }
                for try await ids in group { kept += ids }
            }
            kept.sort()
            #expect(kept.count == Self.workers * Self.visitorsEach / 10 * Self.connections * 5)
            #expect(try running.events().map(\.id).sorted() == kept)
            let report = try Client(running.addresses.staff).ask(
                "GET", "/v1/report?site=coalition&week=2026-W47", nil, ["Authorization": "Bearer \(Running.staffToken)"]
            )
            #expect(report.json("totals", "pageviews") == "\(kept.count)")
            #expect(report.json("totals", "visitors") == "\(Self.workers * Self.visitorsEach / 10)")
            #expect(report.json("consent", "withdrawn") == "\(Self.workers * Self.visitorsEach * 9 / 10)")
        }
        #expect(try Running.events(in: directory).map(\.id).sorted() == kept)
        let reader = try StoreReader(directory: "\(directory.path)/data")
        #expect(try reader.visitorIDs(site: "coalition").count == Self.workers * Self.visitorsEach / 10)
        #expect(try reader.requests { $1.day }.allSatisfy { $0.closed != nil })
        #expect(try ByteSearch(directory.path, for: [ByteSearch.Needle(Self.marker)]).findings.isEmpty)
        #expect(try reader.inspect { _ in }.faults.isEmpty)
    }

    @Test("What is kept of those who withdraw is what was stored when they were answered, and nothing after")
    func keeping() async throws {
        let directory = try TemporaryDirectory()
        var atAnswer: [VisitorNumber: Int] = [:]
        func count(_ events: [Event]) -> [VisitorNumber: Int] {
            events.reduce(into: [:]) { $0[$1.visitor, default: 0] += 1 }
        }
        try await Running.collector(in: directory) { running in
            let clients = try (0..<Self.connections).map { _ in try running.client() }
            let chooser = try running.client()
            for visitor in 1...100 as ClosedRange<VisitorNumber> {
                let token = try chooser.ask("POST", "/v1/consent", Running.consentBody()).json("token")
                for round in 0..<8 {
                    if round == 4 { chooser.send(Self.withdrawal(token, erase: false)) }
                    for (index, client) in clients.enumerated() {
                        client.send(Self.request("event-\(visitor)-\(round)-\(index)", token, title: "Kept"))
                    }
                }
                #expect(try chooser.receive().status == 200)
                atAnswer[visitor] = count(try running.events())[visitor]
                for client in clients { for _ in 0..<8 { #expect(try client.receive().status == 204) } }
            }
            #expect(count(try running.events()) == atAnswer)
        }
        #expect(count(try Running.events(in: directory)) == atAnswer)
        #expect(atAnswer.values.contains { $0 > 0 })
    }
}
