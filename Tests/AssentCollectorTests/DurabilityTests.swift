import AssentCore
import AssentStore
import Foundation
import Support
import Testing

@testable import AssentCollector

/// What is acknowledged is there: beside others, after a restart, at the end.
@Suite(.serialized) struct DurabilityTests {
    private func post(_ client: Client, _ ids: [String], _ token: String) throws -> String {
        let body = Running.eventsBody(ids.map { Running.pageview($0) }, token: token)
        return try client.ask("POST", "/v1/events", body)["assent-result"] ?? ""
    }

    @Test("A duplicate is one on any connection, and after a restart")
    func duplicates() async throws {
        let directory = try TemporaryDirectory()
        let clock = TestClock(Running.noon)
        var token = ""
        try await Running.collector(in: directory, clock: clock) { running in
            token = try running.consent()
            let other = try running.consent()
            #expect(
                try post(running.client(), ["event-0001", "event-0002"], token) == "stored=2 duplicate=0 refused=0")
            #expect(
                try post(running.client(), ["event-0002", "event-0003"], token) == "stored=1 duplicate=1 refused=0")
            #expect(try post(running.client(), ["event-0001"], other) == "stored=1 duplicate=0 refused=0")
        }
        try await Running.collector(in: directory, clock: clock) { running in
            let result = try post(running.client(), ["event-0001", "event-0004"], token)
            #expect(result == "stored=1 duplicate=1 refused=0")
        }
        #expect(try Running.events(in: directory).count == 5)
    }

    @Test("Events of 64 connections at once are each stored once, and are there after the end")
    func concurrency() async throws {
        let directory = try TemporaryDirectory()
        var expected: [String] = []
        try await Running.collector(in: directory) { running in
            let tokens = try (0..<64).map { _ in try running.consent() }
            let clients = try (0..<64).map { _ in try running.client() }
            for round in 0..<10 {
                for (index, client) in clients.enumerated() {
                    let ids = (0..<3).map { "round-\(round)-\(index)-\($0)" }
                    let body = Running.eventsBody(ids.map { Running.pageview($0) }, token: tokens[index])
                    client.send(Client.request("POST", "/v1/events", body))
                    // Some are sent again before they are answered.
                    if index % 8 == 0 { client.send(Client.request("POST", "/v1/events", body)) }
                    expected += ids
                }
                for (index, client) in clients.enumerated() {
                    #expect(try client.receive()["assent-result"] == "stored=3 duplicate=0 refused=0")
                    guard index % 8 == 0 else { continue }
                    #expect(try client.receive()["assent-result"] == "stored=0 duplicate=3 refused=0")
                }
            }
        }
        #expect(try Running.events(in: directory).map(\.id).sorted() == expected.sorted())
    }

    @Test("A stop finishes what was accepted, turns the rest away and writes down what was refused")
    func stopping() async throws {
        let directory = try TemporaryDirectory()
        try await Running.collector(in: directory) { running in
            let token = try running.consent()
            let idle = try running.client()
            #expect(try idle.ask("GET", "/.well-known/gpc.json").status == 200)
            let late = try running.client()
            let request = Client.request(
                "POST", "/v1/events", Running.eventsBody([Running.pageview("event-late")], token: token))
            late.send(String(request.dropLast()))
            let clients = try (0..<32).map { _ in try running.client() }
            for (index, client) in clients.enumerated() {
                #expect(try post(client, ["event-00\(index + 10)"], token) == "stored=1 duplicate=0 refused=0")
                client.send(
                    Client.request(
                        "POST", "/v1/events",
                        Running.eventsBody([Running.pageview("event-01\(index + 10)")], token: token)
                    ))
            }
            _ = try running.client().ask("POST", "/v1/events", Running.eventsBody([Running.pageview("event-0001")]))
            let stop = Task { await running.stop() }
            // The request that was under way is whole only now.
            while (try? running.client()) != nil { await Task.yield() }
            late.send(String(request.suffix(1)))
            let answer = try late.receive()
            #expect(answer.status == 503 && answer["retry-after"] == "5" && answer["connection"] == "close")
            await stop.value
            #expect(idle.isClosed())
            var stored = 32
            for client in clients {
                // Accepted before the stop: stored; after it: told so.
                let answer = try client.receive()
                #expect(answer.status == 204 || answer.status == 503)
                if answer.status == 204 { stored += 1 }
                #expect(client.isClosed())
            }
            #expect(try running.events().count == stored)
            let days = Samples.monday...Samples.monday
            #expect(try running.reader.tallies(site: "coalition", days: days).refusals == ["no_consent": 1])
            #expect(try directory.files().contains("data/partitions/coalition/2026-11-16.sqlite"))
        }
    }

    @Test("Where the disk does not take it, everything that waits is told so, and can be sent again")
    func failing() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            let body = Running.eventsBody([Running.pageview("event-0001")], token: token)
            let clients = try (0..<3).map { _ in try running.client() }
            let staff = try Client(running.addresses.staff)
            let lock = try JournalLock(directory: "\(running.directory.path)/data")
            // The others are duplicates of the first, which is not durable.
            for client in clients { client.send(Client.request("POST", "/v1/events", body)) }
            for client in clients {
                let answer = try client.receive()
                #expect(answer.status == 503 && answer["retry-after"] == "5")
            }
            let readiness = try staff.ask("GET", "/readyz")
            #expect(readiness.status == 503 && readiness.body.contains("cannot be made durable. "))
            #expect(running.log.all.contains { $0.contains("level=error") })
            lock.release()
            let results = try clients.map { try $0.ask("POST", "/v1/events", body)["assent-result"] }
            #expect(
                results == ["stored=1 duplicate=0 refused=0"]
                    + Array(repeating: "stored=0 duplicate=1 refused=0", count: 2))
            #expect(try staff.ask("GET", "/readyz").status == 200)
            #expect(try running.events().map(\.id) == ["event-0001"])
        }
    }

    @Test("What cannot listen says so, and leaves the data directory free")
    func noAddress() async throws {
        try await Running.collector { running in
            var configuration = Running.configuration()
            configuration.staffListen = running.addresses.listen
            let error = await #expect(throws: CollectorError.self) {
                try await Running.collector(configuration) { _ in }
            }
            #expect(error?.description.contains("staff_listen: cannot listen at 127.0.0.1") == true)
        }
    }

    @Test("Nothing of a visitor is in the log")
    func silence() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            _ = try post(running.client(), ["event-0001"], token)
            let log = running.log.all
            #expect(log.count == 1 && log[0].contains("msg=Listening. public=127.0.0.1:"))
        }
    }
}

/// Another program that holds the journal, so that nothing can be written to it.
private final class JournalLock {
    private let process = Process()
    private let input = Pipe()

    init(directory: String) throws {
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/sqlite3")
        process.arguments = ["\(directory)/journal.sqlite"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data("BEGIN IMMEDIATE;\n.print locked\n".utf8))
        #expect(output.fileHandleForReading.availableData == Data("locked\n".utf8))
    }

    func release() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    deinit { if process.isRunning { release() } }
}
