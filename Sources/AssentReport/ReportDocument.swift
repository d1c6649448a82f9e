internal import AssentCore
internal import AssentStore

/// A report as people read it, in one language, whatever it is then written as: a table for a terminal, Markdown, HTML
/// or a mail.
struct ReportDocument {
    let language: Language
    let words: Words
    let title: String
    /// Period, time zone, and what it is compared with.
    let subtitle: [String]
    /// What cannot be left out without being misled: segments that are damaged.
    let warnings: [String]
    let sections: [Section]
    /// The sections of each campaign, its own first; none where only one was asked for.
    let campaigns: [[Section]]
    /// What the numbers cannot say.
    let notes: [String]

    /// Title and period in one line.
    var heading: String {
        words.report + language.colon + TextWidth.printable(title) + language.comma + (subtitle.first ?? "")
    }

    /// Something with a title and a table, and maybe a chart that shows the same.
    struct Section {
        let id: String
        let title: String
        /// The name of a definition in ``Words/terms``.
        var term: String?
        var columns: [Column] = []
        var rows: [Row] = []
        /// What the rows do not say.
        var remarks: [String] = []
        var chart: Chart?
        /// Of its heading; tables of a campaign stand below its own section.
        var level = 2
    }

    /// A column of numbers.
    struct Column {
        let title: String
        /// The name of a definition in ``Words/terms``.
        var term: String?
        /// Columns with the highest number go first where the line is too short for all of them.
        var dispensable = 0
    }

    /// A name and its numbers, one for each column.
    struct Row {
        let name: String
        /// The name of a definition in ``Words/terms``.
        var term: String?
        let cells: [Cell]
        var tone = Tone.plain
    }

    struct Cell {
        let text: String
        var tone = Tone.plain
        /// The numbers that the text draws; nil for those that may not be shown.
        var trend: [Int?] = []

        init(_ text: String, tone: Tone = .plain, trend: [Int?] = []) {
            self.text = text
            self.tone = tone
            self.trend = trend
        }
    }

    enum Tone {
        case plain, title, faint, more, less
    }

    /// Values beside one another, and each beside the one that it is compared with.
    struct Chart {
        enum Kind {
            /// One bar for each date, from the first to the last.
            case days
            /// One bar for each name, under one another.
            case names
        }

        struct Point {
            let name: String
            /// Nil where the value may not be shown.
            let now: Int?
            let then: Int?
            /// Whether there is something that it is compared with.
            let hasThen: Bool
        }

        let kind: Kind
        let title: String
        let points: [Point]
        /// What `now` and `then` are called; `then` is nil where nothing is compared.
        let series: (now: String, then: String?)
    }
}

/// How much of a report is written.
struct Detail {
    /// Most rows of a table.
    let rows: Int
    /// Whether all is written: every date, the tables of every campaign, every partition.
    let isWhole: Bool

    /// What fits a terminal.
    static let short = Detail(rows: Limits.tableRowsMax, isWhole: false)
    /// What fits a mail: some programs cut off what is longer than 100 KB.
    static let mail = Detail(rows: Limits.mailRowsMax, isWhole: false)
    /// What fits a page that can be scrolled and searched.
    static let long = Detail(rows: Limits.documentRowsMax, isWhole: true)
}

extension Report {
    /// The report for people.
    func document(_ language: Language, _ detail: Detail) -> ReportDocument {
        let words = Words.of(language)
        let zone = language.leftToRight(site.timezone.isEmpty ? "UTC" : site.timezone)
        var subtitle = [period(request.days, language) + language.comma + zone]
        if let days = request.comparedDays { subtitle.append("\(words.comparedWith) \(period(days, language))") }
        let sections = Sections(report: self, language: language, words: words, detail: detail)
        return ReportDocument(
            language: language, words: words, title: site.name.isEmpty ? site.id : site.name, subtitle: subtitle,
            warnings: damage.map(words.leftOut),
            sections: sections.overview, campaigns: sections.campaignsInDetail,
            notes: notes(language, words))
    }

    /// `week 2026-W47, 16 to 22 November 2026`.
    func period(_ days: ClosedRange<Day>, _ language: Language) -> String {
        let week = ISOWeek(containing: days.lowerBound)
        let dates = language.dates(days)
        if week.days != days { return dates }
        return "\(Words.of(language).week) \(language.leftToRight(week.description))\(language.comma)\(dates)"
    }

    private func notes(_ language: Language, _ words: Words) -> [String] {
        var notes: [String] = []
        if foldedRows > 0 {
            notes.append(words.folded(language.number(foldedRows), language.number(site.minimumGroup)))
        }
        notes.append(words.onlyAgreed)
        if let rate = choices.optInRate { notes.append(words.share(language.percent(rate))) }
        notes.append(words.returning)
        if choices.estimate(visits: summary.totals.visits) != nil { notes.append(words.estimateHolds) }
        if !partitions.isEmpty {
            notes.append(
                words.read(language.number(partitions.count), language.number(partitions.count { !$0.isSealed })))
        }
        return notes
    }
}
