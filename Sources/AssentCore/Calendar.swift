/// A point in time: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
public struct Instant: Sendable, Hashable, Comparable {
    /// Milliseconds since the epoch.
    public var milliseconds: Int64

    /// The instant that many milliseconds after the epoch.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Whether the left one is earlier.
    public static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    /// The instant that many milliseconds later.
    public func advanced(by milliseconds: Int64) -> Instant { Instant(milliseconds: self.milliseconds + milliseconds) }

    /// The UTC day that holds it: the partition of an event at that time.
    public var day: Day { Day(number: Int32(milliseconds.floorDivided(by: Day.milliseconds))) }
}

/// A day by its number since 1970-01-01: a UTC day (partitions) or a local date (reports), as its user says.
public struct Day: Sendable, Hashable, Comparable, Strideable {
    /// Length of a UTC day in milliseconds.
    public static let milliseconds: Int64 = 86_400_000

    /// Days since 1970-01-01.
    public var number: Int32

    /// The day with that number.
    public init(number: Int32) { self.number = number }

    /// The day of a proleptic Gregorian date, or nil if there is no such date.
    ///
    /// Days are counted in eras of 400 years from 1 March, so that the leap day is the last of its year.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9_999).contains(year), (1...12).contains(month), day >= 1,
            day <= Day.length(ofMonth: month, in: year)
        else { return nil }
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        number = Int32(shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468)
    }

    /// The day written as `YYYY-MM-DD`, or nil if it is anything else.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = bytes[0..<4].decimal, let month = bytes[5..<7].decimal, let day = bytes[8..<10].decimal
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    static func length(ofMonth month: Int, in year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Year, month and day of the month.
    public var date: (year: Int, month: Int, day: Int) {
        let shifted = Int(number) + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// Day of the week, 1 for Monday to 7 for Sunday (ISO 8601).
    public var weekday: Int { (Int(number) + 3).modulo(7) + 1 }

    /// The same day of the next month, or its last day where it has none.
    public var monthLater: Day {
        let (year, month, day) = date
        let (nextYear, next) = month == 12 ? (year + 1, 1) : (year, month + 1)
        return Day(year: nextYear, month: next, day: min(day, Day.length(ofMonth: next, in: nextYear))) ?? self
    }

    /// The first instant of it as a UTC day.
    public var start: Instant { Instant(milliseconds: Int64(number) * Day.milliseconds) }

    /// Whether the left one is earlier.
    public static func < (left: Day, right: Day) -> Bool { left.number < right.number }
    /// Days from this one to the other.
    public func distance(to other: Day) -> Int { Int(other.number) - Int(number) }
    /// The day that many days later.
    public func advanced(by days: Int) -> Day { Day(number: number + Int32(days)) }
}

extension Day: CustomStringConvertible {
    /// `YYYY-MM-DD`.
    public var description: String {
        let (year, month, day) = date
        return "\(year.padded(to: 4))-\(month.padded(to: 2))-\(day.padded(to: 2))"
    }
}

/// A week of ISO 8601: Monday to Sunday, numbered so that week 1 holds the year's first Thursday.
public struct ISOWeek: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Its Monday.
    public let monday: Day

    /// The week that holds a day.
    public init(containing day: Day) { monday = day.advanced(by: 1 - day.weekday) }

    /// The week written as `2026-W47`, or nil if there is no such week.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 8, bytes[4] == UInt8(ascii: "-"), bytes[5] == UInt8(ascii: "W"),
            let year = bytes[0..<4].decimal, let number = bytes[6..<8].decimal, number >= 1,
            let fourthOfJanuary = Day(year: year, month: 1, day: 4)
        else { return nil }
        let first = ISOWeek(containing: fourthOfJanuary)
        let week = ISOWeek(containing: first.monday.advanced(by: (number - 1) * 7))
        guard week.yearAndNumber == (year, number) else { return nil }
        self = week
    }

    /// The year that the week is counted in, and its number, 1 to 53.
    public var yearAndNumber: (year: Int, number: Int) {
        let (year, month, day) = monday.advanced(by: 3).date
        let ordinal = (1..<month).reduce(day) { $0 + Day.length(ofMonth: $1, in: year) }
        return (year, (ordinal - 1) / 7 + 1)
    }

    /// Monday to Sunday.
    public var days: ClosedRange<Day> { monday...monday.advanced(by: 6) }
    /// The week that many weeks later.
    public func advanced(by weeks: Int) -> ISOWeek { ISOWeek(containing: monday.advanced(by: 7 * weeks)) }
    /// Whether the left one is earlier.
    public static func < (left: ISOWeek, right: ISOWeek) -> Bool { left.monday < right.monday }
    /// `2026-W47`.
    public var description: String {
        let (year, number) = yearAndNumber
        return "\(year.padded(to: 4))-W\(number.padded(to: 2))"
    }
}

extension Instant {
    /// The instant written after RFC 3339 (`2026-11-22T12:00:00.250Z`, `…+01:00`), or nil if it is anything else.
    /// Digits of a second beyond the third are dropped. A leap second is taken as the second before it.
    public init?(rfc3339 text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.count <= 40, let day = Day(String(decoding: bytes[0..<10], as: UTF8.self)),
            bytes[10] | 0x20 == UInt8(ascii: "t") || bytes[10] == UInt8(ascii: " "), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), let hour = bytes[11..<13].decimal, hour < 24,
            let minute = bytes[14..<16].decimal, minute < 60, let second = bytes[17..<19].decimal, second <= 60
        else { return nil }
        var index = 19
        var fraction = 0
        if bytes[index] == UInt8(ascii: ".") {
            let digits = bytes[(index + 1)...].prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty, let thousandths = (Array(digits.prefix(3)) + [0x30, 0x30]).prefix(3).decimal else {
                return nil
            }
            fraction = thousandths
            index += 1 + digits.count
        }
        var offsetMinutes = 0
        let zone = bytes[index...]
        if zone.count == 1, zone[index] | 0x20 == UInt8(ascii: "z") {
            offsetMinutes = 0
        } else if zone.count == 6, zone[index + 3] == UInt8(ascii: ":"),
            let hours = zone[index + 1..<index + 3].decimal,
            let minutes = zone[index + 4..<index + 6].decimal, hours < 24, minutes < 60,
            zone[index] == UInt8(ascii: "+") || zone[index] == UInt8(ascii: "-")
        {
            offsetMinutes = (hours * 60 + minutes) * (zone[index] == UInt8(ascii: "-") ? -1 : 1)
        } else {
            return nil
        }
        let seconds = (hour * 60 + minute - offsetMinutes) * 60 + min(second, 59)
        self.init(milliseconds: day.start.milliseconds + Int64(seconds * 1_000 + fraction))
        // In UTC it can be a day of the year 0 or 10000.
        if offsetMinutes != 0, !(1...9_999).contains(self.day.date.year) { return nil }
    }

    /// RFC 3339 in UTC, with milliseconds only where there are any: `2026-11-22T12:00:00Z`.
    public var rfc3339: String {
        let ofDay = Int(milliseconds.modulo(Day.milliseconds))
        let fraction = ofDay % 1_000 == 0 ? "" : ".\((ofDay % 1_000).padded(to: 3))"
        let second = ofDay / 1_000
        return "\(day)T\((second / 3_600).padded(to: 2)):\((second / 60 % 60).padded(to: 2)):"
            + "\((second % 60).padded(to: 2))\(fraction)Z"
    }
}

extension BinaryInteger {
    /// Quotient rounded down, also for negative numbers. The divisor is positive.
    public func floorDivided(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Remainder that is never negative. The divisor is positive.
    public func modulo(_ divisor: Self) -> Self {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }

    /// Decimal digits with leading zeros.
    func padded(to width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}

extension Collection<UInt8> {
    /// The number that all of these ASCII digits write, or nil; at most 9 digits.
    var decimal: Int? {
        guard !isEmpty, count <= 9 else { return nil }
        var value = 0
        for byte in self {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
}
