import AssentCore
import Foundation
import Testing

@Suite struct CalendarTests {
    @Test("Every day from 1600 to 2400 is written and read back, follows its neighbour and has the next weekday")
    func days() throws {
        let first = try #require(Day(year: 1600, month: 1, day: 1)),
            last = try #require(Day(year: 2400, month: 12, day: 31))
        #expect(first.description == "1600-01-01" && first.weekday == 6)
        var previous = first.advanced(by: -1)
        for day in first...last {
            let (year, month, dayOfMonth) = day.date
            guard Day(year: year, month: month, day: dayOfMonth) == day, Day(day.description) == day,
                previous.distance(to: day) == 1, day.weekday == previous.weekday % 7 + 1
            else {
                Issue.record("\(day) after \(previous)")
                return
            }
            previous = day
        }
    }

    @Test(
        "Dates that do not exist are none",
        arguments: [
            "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "26-1-1", "2026-1-01", "2026-01-01 ", "",
            "0000-01-01",
        ])
    func noDay(text: String) { #expect(Day(text) == nil) }

    @Test(
        "ISO weeks at the turn of the year",
        arguments: [
            ("2026-01-01", "2026-W01"), ("2025-12-29", "2026-W01"), ("2027-01-03", "2026-W53"),
            ("2027-01-04", "2027-W01"),
            ("2021-01-03", "2020-W53"), ("2024-12-30", "2025-W01"), ("2026-11-22", "2026-W47"),
            ("2016-01-03", "2015-W53"),
        ])
    func weeks(date: String, week: String) throws {
        let day = try #require(Day(date))
        #expect(ISOWeek(containing: day).description == week)
        #expect(try #require(ISOWeek(week)).days.contains(day))
    }

    @Test("Every week agrees with the calendar of the Foundation", .timeLimit(.minutes(1)))
    func weeksAgainstFoundation() throws {
        var calendar = Foundation.Calendar(identifier: .iso8601)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for number in stride(from: Int32(-20_000), to: 40_000, by: 3) {
            let day = Day(number: number)
            let date = Date(timeIntervalSince1970: Double(day.start.milliseconds) / 1_000)
            let parts = calendar.dateComponents([.yearForWeekOfYear, .weekOfYear], from: date)
            let (year, week) = ISOWeek(containing: day).yearAndNumber
            guard year == parts.yearForWeekOfYear, week == parts.weekOfYear else {
                Issue.record("\(day): \(year)-\(week)")
                return
            }
        }
    }

    @Test(
        "Weeks that do not exist are none",
        arguments: ["2025-W53", "2026-W54", "2026-W00", "2026-47", "2026W47", "2026-W4", "2026-W047"])
    func noWeek(text: String) { #expect(ISOWeek(text) == nil) }

    @Test("Weeks go on before the first year of the calendar")
    func firstWeek() throws {
        let first = try #require(ISOWeek("0001-W01"))
        #expect(first.advanced(by: -1).description == "0000-W52")
        #expect(first.advanced(by: -53).yearAndNumber == (-1, 52))
    }

    @Test(
        "Instants of RFC 3339",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-22T12:00:00.250Z", 1_795_348_800_250),
            ("2026-11-22T13:00:00+01:00", 1_795_348_800_000), ("2026-11-22t11:30:00.9999-00:30", 1_795_348_800_999),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000), ("1969-12-31T23:59:59.5Z", -500),
        ] as [(String, Int64)])
    func instants(text: String, milliseconds: Int64) {
        #expect(Instant(rfc3339: text)?.milliseconds == milliseconds)
        #expect(Instant(rfc3339: Instant(milliseconds: milliseconds).rfc3339)?.milliseconds == milliseconds)
    }

    @Test(
        "What is no instant",
        arguments: [
            "2026-11-22", "2026-11-22T12:00:00", "2026-11-22T24:00:00Z", "2026-11-22T12:60:00Z",
            "2026-11-22T12:00:00.Z",
            "2026-11-22T12:00:00+25:00", "2026-11-22T12:00:00Zjunk", "2026-02-30T12:00:00Z",
        ])
    func noInstant(text: String) { #expect(Instant(rfc3339: text) == nil) }

    @Test func `limits agree with one another`() { #expect(Limits.relationsHold()) }
}

@Suite struct TimeZoneTests {
    static func rules(_ name: String) throws -> TimeZoneRules {
        try TimeZoneRules(tzif: Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)"))))
    }

    @Test(
        "Offsets from 1970 to 2120 agree with the C library",
        arguments: [
            "Europe/Brussels", "America/New_York", "Asia/Baghdad", "Africa/Casablanca", "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "America/Sao_Paulo", "Europe/Dublin", "Africa/Cairo", "Asia/Gaza", "Pacific/Apia", "UTC",
        ])
    func offsets(zone: String) throws {
        let rules = try Self.rules(zone)
        let timeZone = try #require(TimeZone(identifier: zone))
        var second: Int64 = 0
        while second < 4_733_510_400 {
            let expected = timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
            guard rules.offsetSeconds(at: Instant(milliseconds: second * 1_000)) == expected else {
                Issue.record(
                    "\(zone) at \(second): \(rules.offsetSeconds(at: Instant(milliseconds: second * 1_000))), not \(expected)"
                )
                return
            }
            second += 9_767 * 3
        }
    }

    @Test(
        "A local date begins where it says, also where clocks skip midnight or repeat it",
        arguments: [
            ("Europe/Brussels", "2026-03-29", "2026-03-28T23:00:00Z"),
            ("Europe/Brussels", "2026-03-30", "2026-03-29T22:00:00Z"),
            ("Europe/Brussels", "2026-10-25", "2026-10-24T22:00:00Z"),
            ("Europe/Brussels", "2026-10-26", "2026-10-25T23:00:00Z"),
            ("America/New_York", "2026-03-09", "2026-03-09T04:00:00Z"),
            ("America/New_York", "2026-11-02", "2026-11-02T05:00:00Z"),
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
            ("Asia/Baghdad", "2026-08-12", "2026-08-11T21:00:00Z"),
            ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
            ("Pacific/Apia", "2026-01-01", "2025-12-31T11:00:00Z"),
        ])
    func starts(zone: String, date: String, start: String) throws {
        let rules = try Self.rules(zone)
        let day = try #require(Day(date))
        #expect(rules.start(of: day).rfc3339 == start)
        #expect(rules.date(of: rules.start(of: day)) == day)
        #expect(rules.date(of: rules.start(of: day).advanced(by: -1)) < day)
    }

    @Test("Foreign bytes are refused and never trap")
    func foreignBytes() throws {
        let good = Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/Europe/Brussels")))
        var random = SeededGenerator(seed: 1)
        for length in stride(from: 0, to: good.count, by: 7) {
            #expect(throws: TimeZoneRules.Malformed.self) { try TimeZoneRules(tzif: Array(good[..<length])) }
        }
        for _ in 0..<2_000 {
            var bytes = good
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let rules = try? TimeZoneRules(tzif: bytes) { _ = rules.start(of: Day(number: 20_000)) }
        }
    }

    @Test(
        "Zones have their countries, also by their older names",
        arguments: [
            ("Europe/Brussels", "BE"), ("Asia/Baghdad", "IQ"), ("Asia/Calcutta", "IN"), ("Europe/Kiev", "UA"),
            ("UTC", ""),
            ("Europe/Oslo", "NO"), ("Nowhere/Land", ""),
        ])
    func countries(zone: String, country: String) throws {
        let table = CountryTable(
            zoneTable: Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/zone.tab"))),
            rules: Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/tzdata.zi"))))
        #expect(table.country(ofZone: zone) == country)
    }
}
