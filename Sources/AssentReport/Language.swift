internal import AssentCore

/// A language that a report speaks: its words are ``Words``, its numbers and dates are here, written as the Unicode
/// Common Locale Data Repository has them.
public enum Language: String, Sendable, CaseIterable {
    case en
    case fr
    case ar

    /// Whether it is written from right to left.
    var isRightToLeft: Bool { self == .ar }

    /// What stands for a number that cannot be given.
    static let missing = "–"

    // MARK: Numbers

    /// `1,234,567`, `1 234 567`, `١٬٢٣٤٬٥٦٧`.
    func number(_ number: Int) -> String {
        var text = ""
        let digits = Array(String(number.magnitude))
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += groupSeparator }
            text += self.digit(digit)
        }
        return number < 0 ? minus + text : text
    }

    /// `1,234.5` from a number of tenths.
    private func decimal(tenths: Int) -> String {
        number(tenths / 10) + decimalSeparator + digit(Character(String(tenths % 10)))
    }

    /// `12.3%` from a rate of 0 to 1.
    func percent(_ rate: Fraction) -> String { decimal(tenths: rate.rounded(decimals: 3)) + percentSign }

    /// `+12.3%` from thousandths.
    func change(thousandths: Int) -> String {
        let sign = thousandths > 0 ? "+" : thousandths < 0 ? minus : ""
        return sign + decimal(tenths: Int(thousandths.magnitude)) + percentSign
    }

    /// `24s`, `1m 24s`, `15h 20m`.
    func duration(_ seconds: Fraction) -> String {
        let seconds = seconds.rounded(decimals: 0)
        let units = durationUnits
        func part(_ number: Int, _ unit: String) -> String { self.number(number) + unit }
        if seconds < 60 { return part(seconds, units.second) }
        if seconds < 3_600 { return part(seconds / 60, units.minute) + " " + part(seconds % 60, units.second) }
        return part(seconds / 3_600, units.hour) + " " + part(seconds / 60 % 60, units.minute)
    }

    private func digit(_ digit: Character) -> String {
        guard self == .ar, let value = digit.wholeNumberValue else { return String(digit) }
        return String(Array("٠١٢٣٤٥٦٧٨٩")[value])
    }

    /// A number without separators, such as a year.
    private func plain(_ number: Int) -> String { String(number).map { digit($0) }.joined() }

    private var groupSeparator: String {
        switch self {
        case .en: ","
        case .fr: "\u{202F}"
        case .ar: "٬"
        }
    }

    private var decimalSeparator: String {
        switch self {
        case .en: "."
        case .fr: ","
        case .ar: "٫"
        }
    }

    private var percentSign: String {
        switch self {
        case .en: "%"
        case .fr: "\u{202F}%"
        case .ar: "٪"
        }
    }

    private var minus: String { "−" }

    private var durationUnits: (hour: String, minute: String, second: String) {
        switch self {
        case .en: ("h", "m", "s")
        case .fr: ("\u{202F}h", "\u{202F}min", "\u{202F}s")
        case .ar: ("\u{A0}س", "\u{A0}د", "\u{A0}ث")
        }
    }

    // MARK: Dates

    /// What stands between the parts of a list.
    var comma: String { self == .ar ? "، " : ", " }

    /// What stands between a name and what is said of it.
    var colon: String { self == .fr ? "\u{A0}: " : ": " }

    /// A text that is written from left to right, such as the name of a week, among words of this language.
    func leftToRight(_ text: String) -> String { isRightToLeft ? "\u{2066}\(text)\u{2069}" : text }

    /// `16 November 2026`.
    func date(_ day: Day) -> String {
        let (year, month, _) = day.date
        return "\(dayOfMonth(day)) \(months[month - 1]) \(plain(year))"
    }

    /// `16 to 22 November 2026`, with no more of the first date than it needs.
    func dates(_ days: ClosedRange<Day>) -> String {
        let (first, last) = (days.lowerBound.date, days.upperBound.date)
        if days.count == 1 { return date(days.lowerBound) }
        let from =
            first.year != last.year
            ? date(days.lowerBound)
            : first.month != last.month
                ? "\(dayOfMonth(days.lowerBound)) \(months[first.month - 1])" : dayOfMonth(days.lowerBound)
        return "\(since)\(from) \(until) \(date(days.upperBound))"
    }

    /// `Mon 16 Nov`, as short as a table needs it.
    func shortDate(_ day: Day) -> String {
        "\(weekdays[day.weekday - 1]) \(dayOfMonth(day)) \(shortMonths[day.date.month - 1])"
    }

    /// `Mon`.
    func weekday(_ day: Day) -> String { weekdays[day.weekday - 1] }

    private func dayOfMonth(_ day: Day) -> String {
        self == .fr && day.date.day == 1 ? "1er" : plain(day.date.day)
    }

    private var until: String {
        switch self {
        case .en: "to"
        case .fr: "au"
        case .ar: "إلى"
        }
    }

    private var since: String {
        switch self {
        case .en: ""
        case .fr: "du "
        case .ar: "من "
        }
    }

    private var months: [String] {
        switch self {
        case .en:
            [
                "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                "November", "December",
            ]
        case .fr:
            [
                "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
                "novembre", "décembre",
            ]
        case .ar:
            [
                "يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر",
                "ديسمبر",
            ]
        }
    }

    private var shortMonths: [String] {
        switch self {
        case .en: months.map { String($0.prefix(3)) }
        case .fr:
            ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
        case .ar: months
        }
    }

    private var weekdays: [String] {
        switch self {
        case .en: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        case .fr: ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."]
        case .ar: ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"]
        }
    }
}
