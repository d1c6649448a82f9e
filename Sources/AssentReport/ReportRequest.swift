public import AssentCore
public import AssentStore

/// Why there is no report: one sentence that says what is wrong and what to do.
public enum ReportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was asked for cannot be: an unknown week, a date that is none, a campaign that the site does not have.
    case request(String)
    /// The data directory could not be read.
    case store(StoreError)

    /// The sentence for people.
    public var description: String {
        switch self {
        case .request(let sentence): sentence
        case .store(let error): error.description
        }
    }
}

/// What a report is to be about: local dates, what to compare them with, maybe one campaign only, and how many weeks of
/// its trend.
public struct ReportRequest: Sendable, Equatable {
    /// Local dates of the site, both ends included.
    public let days: ClosedRange<Day>
    /// Local dates to compare with, both ends included; nil for none.
    public let comparedDays: ClosedRange<Day>?
    /// The id of the only campaign to write of; nil for all.
    public let campaign: String?
    /// What is told of the weeks up to the one with the last date.
    public let trend: Trend

    /// How many weeks are set side by side.
    public enum Trend: Sendable, Equatable {
        /// None.
        case none
        /// ``Limits/reportTrendWeeksUsual``, as a small line beside each campaign.
        case line
        /// So many, within ``Limits/reportTrendWeeks``, as a table too.
        case table(weeks: Int)
    }

    /// A request by its parts.
    public init(
        days: ClosedRange<Day>, comparedDays: ClosedRange<Day>? = nil, campaign: String? = nil, trend: Trend = .none
    ) {
        self.days = days
        self.comparedDays = comparedDays
        self.campaign = campaign
        self.trend = trend
    }

    /// The weeks of the trend, ascending. Weeks before 1970 are left out.
    var weeks: [ISOWeek] {
        let count =
            switch trend {
            case .none: 0
            case .line: Limits.reportTrendWeeksUsual
            case .table(let weeks): weeks
            }
        let last = ISOWeek(containing: days.upperBound)
        return (0..<count).reversed().map { last.advanced(by: -$0) }.filter { $0.monday >= Day(number: 0) }
    }

    /// A request as options of a command or parameters of a query name it; nil stands for "not said".
    ///
    /// - Parameters:
    ///   - week: `2026-W47`. With neither a week nor dates it is the last complete one.
    ///   - from: first local date; needs `to`.
    ///   - to: last local date, included.
    ///   - compare: `previous` (as many days just before, the default), `none`, or a week.
    ///   - campaign: the id of the only campaign to write of.
    ///   - trend: how many weeks are set side by side.
    ///   - now: decides which week is the last complete one.
    /// - Throws: ``ReportError/request(_:)``.
    public init(
        week: String? = nil, from: String? = nil, to: String? = nil, compare: String? = nil, campaign: String? = nil,
        trend: Trend = .none, now: Instant, timeZone: TimeZoneRules
    ) throws(ReportError) {
        switch (week, from, to) {
        case (nil, nil, nil): days = ISOWeek(containing: timeZone.date(of: now)).advanced(by: -1).days
        case (let week?, nil, nil): days = try Self.week(week).days
        case (nil, let from?, let to?):
            let (first, last) = (try Self.day(from), try Self.day(to))
            guard first <= last else { throw .request("The period ends (\(last)) before it begins (\(first)).") }
            days = first...last
        case (nil, _, _): throw .request("A period needs both dates: give --from and --to.")
        default: throw .request("Give a week or two dates, not both.")
        }
        guard days.lowerBound >= Day(number: 0) else {
            throw .request("There are no events before 1970: choose a later period.")
        }
        guard days.count <= Limits.reportDaysMax else {
            throw .request("A report covers at most \(Limits.reportDaysMax) days: choose a shorter period.")
        }
        switch compare {
        case nil, "previous": comparedDays = Self.before(days)
        case "none": comparedDays = nil
        case let week?: comparedDays = try Self.week(week).days
        }
        if case .table(let weeks) = trend, !Limits.reportTrendWeeks.contains(weeks) {
            throw .request(
                "A trend has \(Limits.reportTrendWeeks.lowerBound) to \(Limits.reportTrendWeeks.upperBound) weeks.")
        }
        self.trend = trend
        self.campaign = campaign
    }

    private static func before(_ days: ClosedRange<Day>) -> ClosedRange<Day> {
        days.lowerBound.advanced(by: -days.count)...days.lowerBound.advanced(by: -1)
    }

    private static func week(_ text: String) throws(ReportError) -> ISOWeek {
        guard let week = ISOWeek(text) else {
            throw .request("\(quoted(text)) is no week: write it as 2026-W47, with the year of its Thursday.")
        }
        return week
    }

    private static func day(_ text: String) throws(ReportError) -> Day {
        guard let day = Day(text) else { throw .request("\(quoted(text)) is no date: write it as 2026-11-16.") }
        return day
    }

    /// Foreign text within a sentence: short, and nothing in it that a terminal obeys.
    static func quoted(_ text: String) -> String { "\"\(TextWidth.truncated(TextWidth.printable(text), to: 40))\"" }
}
