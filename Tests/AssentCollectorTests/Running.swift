import AssentCore
import AssentStore
import Foundation
import Logging
import ServiceLifecycle
import Support
import Synchronization

@testable import AssentCollector

/// The server's clock in the hands of a test.
final class TestClock: Sendable {
    private let time: Mutex<Instant>

    init(_ start: Instant) { time = Mutex(start) }

    var now: Instant { time.withLock { $0 } }
    func advance(milliseconds: Int64) { time.withLock { $0 = $0.advanced(by: milliseconds) } }
    func advance(days: Int) { advance(milliseconds: Int64(days) * Day.milliseconds) }
}

/// A real collector on loopback over a real store.
struct Running {
    let addresses: Collector.Addresses
    let clock: TestClock
    let directory: TemporaryDirectory
    let log: Notes<String>
    let stop: @Sendable () async -> Void

    static let staffToken = String(repeating: "s", count: 43)
    /// Noon of a Monday.
    static let noon = Samples.monday.start.advanced(by: Day.milliseconds / 2)

    static func configuration(sites: [Site] = [Samples.site], requestsPerMinute: Int = 0) -> Configuration {
        var configuration = Configuration()
        configuration.listen = "127.0.0.1:0"
        configuration.staffListen = "127.0.0.1:0"
        configuration.requestsPerMinute = requestsPerMinute
        configuration.sites = sites
        return configuration
    }

    /// Runs a collector for as long as the closure does, and stops it as SIGTERM would.
    static func collector(
        _ configuration: Configuration = configuration(), in directory: TemporaryDirectory? = nil,
        clock: TestClock = TestClock(noon), patience: Patience = Patience(), manager: ServiceManager = .none,
        pages: [String: StaticFile] = [:],
        _ body: (Running) async throws -> Void
    ) async throws {
        let directory = try directory ?? TemporaryDirectory()
        let data = "\(directory.path)/data"
        let store = try Store.open(directory: data, key: Samples.key, durability: .process, now: clock.now)
        let log = Notes<String>()
        let logger = Logger(label: "test") { _ in LogfmtHandler(now: { clock.now }) { line in log.add(line) } }
        let (started, signal) = AsyncStream.makeStream(of: Collector.Addresses.self)
        let collector = Collector(
            configuration: configuration, store: store, reader: try StoreReader(directory: data), key: Samples.key,
            staffToken: staffToken, timeZones: [:],
            countries: CountryTable(zoneTable: Array("IQ\t+3321\tAsia/Baghdad\n".utf8), rules: []), pages: pages,
            manager: manager, patience: patience, now: { clock.now }, logger: logger
        ) { signal.yield($0) }
        let group = ServiceGroup(services: [collector], logger: logger)
        let running = Task {
            defer { signal.finish() }
            try await group.run()
        }
        let stop: @Sendable () async -> Void = {
            await group.triggerGracefulShutdown()
            _ = await running.result
        }
        do {
            guard let addresses = await started.first(where: { _ in true }) else {
                try await running.value
                return
            }
            try await body(
                Running(addresses: addresses, clock: clock, directory: directory, log: log, stop: stop))
        } catch {
            await stop()
            try store.close(at: clock.now)
            throw error
        }
        await stop()
        try store.close(at: clock.now)
    }

    // MARK: Talking to it

    func client() throws -> Client { try Client(addresses.listen) }

    var reader: StoreReader { get throws { try StoreReader(directory: "\(directory.path)/data") } }

    /// Events that a report would see, in order of time.
    func events(site: String = "coalition") throws -> [Event] {
        try Running.events(in: directory, site: site)
    }

    static func events(in directory: TemporaryDirectory, site: String = "coalition") throws -> [Event] {
        let period = try StoreReader(directory: "\(directory.path)/data").events(
            site: site, from: Instant(milliseconds: 0), to: Instant(milliseconds: 253_402_300_799_000), columns: .all)
        return period.segments.flatMap { segment in (0..<segment.count).map { segment.event(at: $0) } }
            .sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    /// Gives a consent and returns its token.
    func consent(_ headers: [String: String?] = [:]) throws -> String {
        let answer = try client().ask("POST", "/v1/consent", Running.consentBody(), headers)
        guard answer.status == 201 else { throw Client.Closed() }
        return answer.json("token")
    }

    static func consentBody(
        _ choice: String = "granted", act: String? = "click", source: String = "banner", locale: String = "en",
        notice: String = Samples.notices[0].version, site: String = "coalition"
    ) -> String {
        let act = act.map { ",\"act\":\"\($0)\"" } ?? ""
        return
            #"{"site":"\#(site)","choice":"\#(choice)","notice":"\#(notice)","locale":"\#(locale)","source":"\#(source)"\#(act)}"#
    }

    static func pageview(_ id: String, age: Int = 0, url: String = "https://www.example.org/en/", more: String = "")
        -> String
    {
        #"{"id":"\#(id)","type":"pageview","age":\#(age),"url":"\#(url)"\#(more)}"#
    }

    static func eventsBody(_ events: [String], token: String? = nil, site: String = "coalition") -> String {
        let consent = token.map { "\"consent\":\"\($0)\"," } ?? ""
        return #"{"site":"\#(site)",\#(consent)"events":[\#(events.joined(separator: ","))]}"#
    }
}

extension Client.Answer {
    /// A text or number of the body's JSON by its path; empty if it is not there.
    func json(_ path: String...) -> String {
        var value = try? JSONSerialization.jsonObject(with: Data(body.utf8))
        for name in path { value = (value as? [String: Any])?[name] }
        return value.map { "\($0)" } ?? ""
    }
}

/// What was noted, by anybody, in order.
final class Notes<Note: Sendable>: Sendable {
    private let notes = Mutex<[Note]>([])

    var all: [Note] { notes.withLock { $0 } }
    func add(_ note: Note) { notes.withLock { $0.append(note) } }
}
