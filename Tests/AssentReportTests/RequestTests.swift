import AssentCore
import AssentStore
import Support
import Testing

@testable import AssentReport

@Suite struct RequestTests {
    /// What was asked, and the dates of period and comparison as text; nil where it must be refused.
    struct Case: Sendable {
        var week: String?
        var from: String?
        var to: String?
        var compare: String?
        var days: String?
        var compared: String?
    }

    static let cases = [
        Case(days: "2026-11-16 2026-11-22", compared: "2026-11-09 2026-11-15"),
        Case(week: "2026-W53", days: "2026-12-28 2027-01-03", compared: "2026-12-21 2026-12-27"),
        Case(week: "2026-W01", compare: "none", days: "2025-12-29 2026-01-04"),
        Case(week: "2026-W47", compare: "2026-W40", days: "2026-11-16 2026-11-22", compared: "2026-09-28 2026-10-04"),
        Case(from: "2026-03-01", to: "2026-03-10", days: "2026-03-01 2026-03-10", compared: "2026-02-19 2026-02-28"),
        Case(from: "2026-03-01", to: "2026-03-01", days: "2026-03-01 2026-03-01", compared: "2026-02-28 2026-02-28"),
        Case(week: "2025-W53"), Case(week: "2026-47"), Case(from: "2026-03-01"), Case(to: "2026-03-01"),
        Case(from: "2026-03-02", to: "2026-03-01"), Case(from: "2026-02-30", to: "2026-03-01"),
        Case(from: "2020-01-01", to: "2026-03-01"), Case(week: "2026-W47", from: "2026-03-01", to: "2026-03-02"),
        Case(week: "2026-W47", compare: "before"),
    ]

    @Test("A period is a week or two dates, by default the last complete week", arguments: cases)
    func periods(asked: Case) throws {
        // In Brussels Monday 2026-11-23 has begun; in UTC it is still Sunday.
        let now = try #require(Instant(rfc3339: "2026-11-22T23:30:00Z"))
        let zone = try SystemTables.timeZone(named: "Europe/Brussels")
        func make() throws(ReportError) -> ReportRequest {
            try ReportRequest(
                week: asked.week, from: asked.from, to: asked.to, compare: asked.compare, now: now, timeZone: zone)
        }
        guard let days = asked.days else {
            #expect(throws: ReportError.self) { try make() }
            return
        }
        let request = try make()
        #expect("\(request.days.lowerBound) \(request.days.upperBound)" == days)
        #expect(request.comparedDays.map { "\($0.lowerBound) \($0.upperBound)" } == asked.compared)
    }

    @Test("An error quotes what was asked, short and without controls")
    func quoting() throws {
        let week = "\u{1B}[2J\u{202E}" + String(repeating: "w", count: 100)
        #expect {
            try ReportRequest(week: week, now: Samples.monday.start, timeZone: .utc)
        } throws: { error in
            let text = "\(error)"
            return text.utf8.count < 160 && !text.contains("\u{1B}") && !text.contains("\u{202E}")
                && text.contains("www…\" is no week")
        }
    }

    @Test("A report reads a data directory while it is written, journal and partitions alike")
    func store() throws {
        let directory = try TemporaryDirectory()
        let store = try Store.open(
            directory: directory.path, key: Samples.key, durability: .process, now: Samples.monday.start)
        let day = Samples.monday
        let events = try Samples.events(400, visitors: 1...30, day: day, seed: 7)
        _ = try store.append([EventBatch(site: Samples.site.id, events: Array(events.prefix(250)))])
        try store.drain(at: day.start)
        _ = try store.append([EventBatch(site: Samples.site.id, events: Array(events.dropFirst(250)))])
        let request = ReportRequest(days: ISOWeek(containing: day).days, campaign: nil)
        func make() throws -> Report {
            try Report.make(
                site: Samples.site, timeZone: .utc, request: request,
                reader: StoreReader(directory: directory.path))
        }
        let before = try make()
        let made = try members(before)
        let reference = Reference(
            events.map(\.event), site: Samples.site, from: request.days.lowerBound, to: request.days.upperBound)
        #expect(differences(made["pages"], reference.rows("pages"), at: "pages") == [])
        #expect(differences(made["sources"], reference.rows("sources"), at: "sources") == [])
        let partitions = try #require(made["partitions"] as? [Reference.Members])
        #expect(
            partitions.map { "\($0["day"] ?? "") \($0["state"] ?? "") \($0["events"] ?? "")" } == ["\(day) open 400"])
        #expect((partitions.first?["sha256"] as? String)?.count == 64)
        #expect(before.damage == [])

        try store.drain(at: day.start)
        #expect(try make().json() == before.json())
        try store.close(at: day.start)
        #expect(try make().json() == before.json())
    }
}
