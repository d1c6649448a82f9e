/// The rules of one time zone, read from a compiled file of the system's time-zone tables (TZif, RFC 8536).
public struct TimeZoneRules: Sendable, Equatable {
    /// Why bytes are no time zone.
    public struct Malformed: Error, Equatable, CustomStringConvertible {
        /// What is wrong, in one clause.
        public let description: String
    }

    /// Coordinated universal time.
    public static let utc = TimeZoneRules(transitions: [], offsets: [], first: 0, rule: nil)

    /// Seconds since 1970 at which an offset begins, ascending.
    private let transitions: [Int64]
    /// Offset in seconds east of UTC from each transition on.
    private let offsets: [Int32]
    /// Offset before the first transition.
    private let first: Int32
    /// What holds after the last transition; nil: its offset for ever.
    private let rule: PosixRule?

    private init(transitions: [Int64], offsets: [Int32], first: Int32, rule: PosixRule?) {
        self.transitions = transitions
        self.offsets = offsets
        self.first = first
        self.rule = rule
    }

    /// Reads the contents of a TZif file, version 2 or later.
    /// - Throws: ``Malformed`` for anything else; foreign bytes never trap.
    public init(tzif bytes: [UInt8]) throws(Malformed) {
        var reader = Reader(bytes: bytes)
        let old = try reader.header()
        guard old.version >= 2 else {
            throw Malformed(description: "a file of version 1, which has no rule for later years")
        }
        try reader.skip(old.dataBytes(timeBytes: 4))
        let header = try reader.header()
        guard header.typeCount >= 1 else { throw Malformed(description: "no local time type") }
        var transitions: [Int64] = []
        for _ in 0..<header.timeCount { transitions.append(Int64(bitPattern: try reader.number(bytes: 8))) }
        let types = try reader.take(header.timeCount)
        var typeOffsets: [Int32] = []
        for _ in 0..<header.typeCount {
            typeOffsets.append(Int32(truncatingIfNeeded: try reader.number(bytes: 4)))
            try reader.skip(2)
        }
        guard types.allSatisfy({ Int($0) < typeOffsets.count }),
            zip(transitions, transitions.dropFirst()).allSatisfy({ $0 < $1 }),
            typeOffsets.allSatisfy({ (-93_600...93_600).contains($0) })
        else { throw Malformed(description: "transitions out of order or of unknown type") }
        try reader.skip(header.charCount + header.leapCount * 12 + header.standardCount + header.universalCount)
        let footer = try reader.footer()
        var rule: PosixRule?
        if !footer.isEmpty {
            guard let parsed = PosixRule(footer) else { throw Malformed(description: "a footer that is no POSIX rule") }
            rule = parsed
        }
        self.init(
            transitions: transitions, offsets: types.map { typeOffsets[Int($0)] }, first: typeOffsets[0], rule: rule)
    }

    /// Seconds east of UTC at an instant. A binary search; a little arithmetic after the last transition.
    public func offsetSeconds(at instant: Instant) -> Int {
        let second = instant.milliseconds.floorDivided(by: 1_000)
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= second { low = middle + 1 } else { high = middle }
        }
        if low == transitions.count, let rule { return rule.offset(at: second) }
        return Int(low == 0 ? first : offsets[low - 1])
    }

    /// The local date at an instant.
    public func date(of instant: Instant) -> Day {
        instant.advanced(by: Int64(offsetSeconds(at: instant)) * 1_000).day
    }

    /// The first instant of a local date: midnight, or the first moment after it where clocks skip midnight.
    ///
    /// A day is at least 22 hours after and before its neighbours' midnights, so the date changes once between the two
    /// UTC instants searched; that change is found by bisection to the second.
    public func start(of date: Day) -> Instant {
        var low = date.start.milliseconds / 1_000 - 93_600
        var high = date.start.milliseconds / 1_000 + 93_600
        while low < high {
            let middle = (low + high).floorDivided(by: 2)
            if self.date(of: Instant(milliseconds: middle * 1_000)) >= date { high = middle } else { low = middle + 1 }
        }
        return Instant(milliseconds: low * 1_000)
    }
}

extension TimeZoneRules {
    private struct Header {
        var version: Int
        var universalCount: Int
        var standardCount: Int
        var leapCount: Int
        var timeCount: Int
        var typeCount: Int
        var charCount: Int

        func dataBytes(timeBytes: Int) -> Int {
            timeCount * (timeBytes + 1) + typeCount * 6 + charCount + leapCount * (timeBytes + 4) + standardCount
                + universalCount
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        mutating func take(_ count: Int) throws(Malformed) -> ArraySlice<UInt8> {
            guard count <= bytes.count - index else { throw Malformed(description: "cut short") }
            defer { index += count }
            return bytes[index..<index + count]
        }

        mutating func skip(_ count: Int) throws(Malformed) { _ = try take(count) }

        mutating func number(bytes count: Int) throws(Malformed) -> UInt64 {
            try take(count).reduce(0) { $0 << 8 | UInt64($1) }
        }

        mutating func header() throws(Malformed) -> Header {
            guard try take(4).elementsEqual("TZif".utf8) else { throw Malformed(description: "no TZif header") }
            let version = try take(1).first == 0 ? 1 : 2
            try skip(15)
            func count() throws(Malformed) -> Int {
                let value = try number(bytes: 4)
                guard value <= 65_536 else { throw Malformed(description: "a count beyond reason") }
                return Int(value)
            }
            return Header(
                version: version, universalCount: try count(), standardCount: try count(), leapCount: try count(),
                timeCount: try count(), typeCount: try count(), charCount: try count())
        }

        mutating func footer() throws(Malformed) -> [UInt8] {
            guard try take(1).first == 0x0A, let end = bytes[index...].firstIndex(of: 0x0A) else {
                throw Malformed(description: "no footer")
            }
            return Array(try take(end - index))
        }
    }
}

/// The rule for all years after the last transition, such as `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX.1, 8.3, with the
/// extension of RFC 8536 to hours from −167 to 167).
struct PosixRule: Sendable, Equatable {
    private enum Date: Equatable {
        /// Day 1 to 365; 29 February is never counted.
        case julian(Int)
        /// Day 0 to 365; 29 February is counted.
        case dayOfYear(Int)
        /// Month, week 1 to 5 (5: the last), day of the week from Sunday.
        case weekday(month: Int, week: Int, day: Int)
    }

    private var standard = 0
    private var daylight: (offset: Int, begins: (Date, Int), ends: (Date, Int))?

    static func == (left: PosixRule, right: PosixRule) -> Bool {
        guard left.standard == right.standard else { return false }
        switch (left.daylight, right.daylight) {
        case (nil, nil): return true
        case (let a?, let b?): return a.offset == b.offset && a.begins == b.begins && a.ends == b.ends
        default: return false
        }
    }

    init?(_ text: [UInt8]) {
        var rest = text[...]
        guard PosixRule.name(&rest), let offset = PosixRule.time(&rest) else { return nil }
        standard = -offset
        guard !rest.isEmpty else { return }
        guard PosixRule.name(&rest) else { return nil }
        var summer = standard + 3_600
        if rest.first != UInt8(ascii: ",") {
            guard let offset = PosixRule.time(&rest) else { return nil }
            summer = -offset
        }
        guard let begins = PosixRule.date(&rest), let ends = PosixRule.date(&rest), rest.isEmpty else { return nil }
        daylight = (summer, begins, ends)
    }

    func offset(at second: Int64) -> Int {
        guard let daylight else { return standard }
        let year = Instant(milliseconds: (second + Int64(standard)) * 1_000).day.date.year
        // Around New Year the neighbouring year's rule can hold: take the last change before the second.
        var last: (second: Int64, offset: Int)?
        for year in (year - 1)...(year + 1) {
            let changes = [
                (PosixRule.second(of: daylight.begins, in: year) - Int64(standard), daylight.offset),
                (PosixRule.second(of: daylight.ends, in: year) - Int64(daylight.offset), standard),
            ]
            for (change, offset) in changes where change <= second && change > last?.second ?? .min {
                last = (change, offset)
            }
        }
        return last?.offset ?? standard
    }

    private static func second(of rule: (Date, Int), in year: Int) -> Int64 {
        guard let first = Day(year: year, month: 1, day: 1) else { return .max / 2 }
        let day: Day
        switch rule.0 {
        case .dayOfYear(let number): day = first.advanced(by: number)
        case .julian(let number):
            let leap = Day.length(ofMonth: 2, in: year) == 29 && number > 59
            day = first.advanced(by: number - 1 + (leap ? 1 : 0))
        case .weekday(let month, let week, let weekday):
            guard let start = Day(year: year, month: month, day: 1) else { return .max / 2 }
            var number = (weekday - start.weekday).modulo(7) + (week - 1) * 7
            if number >= Day.length(ofMonth: month, in: year) { number -= 7 }
            day = start.advanced(by: number)
        }
        return day.start.milliseconds / 1_000 + Int64(rule.1)
    }

    private static func name(_ rest: inout ArraySlice<UInt8>) -> Bool {
        if rest.first == UInt8(ascii: "<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[(end + 1)...]
            return true
        }
        let letters = rest.prefix { (0x41...0x5A).contains($0 & 0xDF) }
        rest = rest[letters.endIndex...]
        return letters.count >= 3
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>) -> Int? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        rest = rest[digits.endIndex...]
        return digits.count <= 3 ? digits.decimal : nil
    }

    private static func time(_ rest: inout ArraySlice<UInt8>) -> Int? {
        var sign = 1
        if let byte = rest.first, byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") {
            sign = byte == UInt8(ascii: "-") ? -1 : 1
            rest = rest.dropFirst()
        }
        guard let hours = digits(&rest), hours <= 167 else { return nil }
        var seconds = hours * 3_600
        for unit in [60, 1] where rest.first == UInt8(ascii: ":") {
            rest = rest.dropFirst()
            guard let value = digits(&rest), value < 60 else { return nil }
            seconds += value * unit
        }
        return sign * seconds
    }

    private static func date(_ rest: inout ArraySlice<UInt8>) -> (Date, Int)? {
        guard rest.popFirst() == UInt8(ascii: ",") else { return nil }
        let date: Date
        switch rest.first {
        case UInt8(ascii: "M"):
            rest = rest.dropFirst()
            guard let month = digits(&rest), (1...12).contains(month), rest.popFirst() == UInt8(ascii: "."),
                let week = digits(&rest), (1...5).contains(week), rest.popFirst() == UInt8(ascii: "."),
                let day = digits(&rest), day <= 6
            else { return nil }
            date = .weekday(month: month, week: week, day: day)
        case UInt8(ascii: "J"):
            rest = rest.dropFirst()
            guard let number = digits(&rest), (1...365).contains(number) else { return nil }
            date = .julian(number)
        default:
            guard let number = digits(&rest), number <= 365 else { return nil }
            date = .dayOfYear(number)
        }
        guard rest.first == UInt8(ascii: "/") else { return (date, 7_200) }
        rest = rest.dropFirst()
        guard let seconds = time(&rest) else { return nil }
        return (date, seconds)
    }
}
