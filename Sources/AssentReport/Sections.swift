internal import AssentCore
internal import AssentStore

/// Builds the sections of a report for people.
struct Sections {
    typealias Section = ReportDocument.Section
    typealias Column = ReportDocument.Column
    typealias Row = ReportDocument.Row
    typealias Cell = ReportDocument.Cell

    let report: Report
    let language: Language
    let words: Words
    let detail: Detail

    private var summary: Summary { report.summary }
    private var compared: Summary? { report.compared }
    /// The only campaign that was asked for.
    private var campaign: Int? { report.request.campaign == nil ? nil : report.campaigns.first }

    /// All but those of single campaigns, in the order in which they are read.
    var overview: [Section] {
        var sections = [totals]
        if campaign == nil { sections.append(days(ofCampaign: nil)) }
        if !report.campaigns.isEmpty { sections.append(campaigns) }
        if !report.overlaps.isEmpty { sections.append(overlaps) }
        if case .table = report.request.trend { sections.append(trend) }
        if let campaign {
            sections += self.sections(ofCampaign: campaign, level: 2)
        } else {
            sections += tables(ofCampaign: nil, level: 2)
            sections += actions(summary.totals, id: "actions", level: 2)
        }
        sections.append(consent)
        if !report.choices.refusals.isEmpty { sections.append(refusals) }
        if detail.isWhole, !report.partitions.isEmpty { sections.append(partitions) }
        return sections
    }

    /// The sections of every campaign that has visits.
    var campaignsInDetail: [[Section]] {
        guard campaign == nil, detail.isWhole else { return [] }
        return report.campaigns.filter { (summary.campaigns[$0]?.sums.visits ?? 0) > 0 }.map {
            sections(ofCampaign: $0, level: 3)
        }
    }

    // MARK: Totals and campaigns

    private var totals: Section {
        measures(
            Measure.ofTallies, id: "totals", title: words.totals, now: summary.totals, then: compared?.totals)
    }

    /// Each measure as a row: now, before, change.
    private func measures<Subject>(
        _ measures: [Measure<Subject>], id: String, title: String, now: Subject?, then: Subject?
    ) -> Section {
        var section = Section(id: id, title: title, columns: [Column(title: words.thisPeriod)])
        if compared != nil {
            section.columns += [Column(title: words.before), Column(title: words.change, term: "change")]
        }
        section.rows = measures.map { measure in
            var cells = [text(measure, now)]
            if compared != nil { cells += [text(measure, then), change(measure, now, then)] }
            return Row(name: words[measure.name].name, term: measure.name, cells: cells)
        }
        return section
    }

    private var campaigns: Section {
        let names = [
            "visits", "visitors", "landings", "pageviews", "engaged_seconds", "median_engaged_seconds",
            "scroll_depth", "bounce_rate",
        ]
        let dispensable = [0, 3, 4, 6, 7, 2, 8, 5]
        var section = Section(
            id: "campaigns", title: words.campaigns, term: "campaigns", columns: columns(names, dispensable))
        if compared != nil { section.columns.insert(Column(title: words.change, term: "change"), at: 1) }
        let weeks = report.trend.suffix(Limits.reportTrendWeeksUsual)
        if !weeks.isEmpty {
            section.columns.append(Column(title: words.weeks(language.number(weeks.count)), dispensable: 1))
        }
        for campaign in report.campaigns {
            let (now, then) = (summary.campaigns[campaign], compared?.campaigns[campaign])
            var cells = names.map { text(.campaign($0), now) }
            if compared != nil { cells.insert(change(.campaign("visits"), now, then), at: 1) }
            if !weeks.isEmpty { cells.append(sparkline(weeks.map { $0.campaigns[campaign]?.sums.visits })) }
            section.rows.append(Row(name: report.site.campaigns[campaign].name, cells: cells))
        }
        section.remarks = report.hints.map { campaign, hint in
            foreign(report.site.campaigns[campaign].name) + language.colon + text(of: hint)
        }
        guard campaign == nil else { return section }
        var cells = names.map { name in
            ["landings", "median_engaged_seconds"].contains(name)
                ? Cell(Language.missing) : text(.tally(name), summary.unattributed)
        }
        if compared != nil {
            cells.insert(change(.tally("visits"), summary.unattributed, compared?.unattributed), at: 1)
        }
        if !weeks.isEmpty { cells.append(Cell("")) }
        section.rows.append(Row(name: words.noCampaign, term: "unattributed", cells: cells, tone: .faint))
        section.chart = .init(
            kind: .names, title: words.campaigns + language.colon + words["visits"].name,
            points: report.campaigns.map { campaign in
                .init(
                    name: report.site.campaigns[campaign].name, now: summary.campaigns[campaign]?.sums.visits,
                    then: compared?.campaigns[campaign]?.sums.visits, hasThen: compared != nil)
            }, series: series)
        return section
    }

    /// Why nothing matches a campaign.
    private func text(of hint: CampaignHint) -> String {
        switch hint {
        case .notRunning(let from?, let to?): words.hints.runs(language.dates(from...to))
        case .notRunning(let from?, nil): words.hints.runsFrom(language.date(from))
        case .notRunning(nil, let to?): words.hints.runsUntil(language.date(to))
        case .nearest(let rule, let pattern, let value, let pageviews):
            words.hints.nearest(rule.rawValue, foreign(value), language.number(pageviews), foreign(pattern))
        case .notRunning(nil, nil): words.hints.none
        case .nothingNear: words.hints.none
        }
    }

    private var overlaps: Section {
        var section = Section(
            id: "overlaps", title: words.overlaps, term: "overlaps", columns: columns(["visits", "visitors"], [0, 1]))
        section.rows = report.overlaps.prefix(detail.rows).map { overlap in
            Row(
                name: words.both(
                    foreign(report.site.campaigns[overlap.first].name),
                    foreign(report.site.campaigns[overlap.second].name)),
                cells: [Cell(language.number(overlap.visits)), Cell(language.number(overlap.visitors))])
        }
        if report.overlaps.count > detail.rows {
            section.remarks = [words.more(language.number(report.overlaps.count - detail.rows))]
        }
        return section
    }

    private var series: (now: String, then: String?) { (words.thisPeriod, compared == nil ? nil : words.before) }

    private var trend: Section {
        var section = Section(
            id: "trend", title: words.trend,
            columns: columns(["visits", "visitors", "pageviews", "engaged_seconds", "bounce_rate"], [0, 1, 2, 3, 4]))
        section.columns += report.campaigns.prefix(detail.isWhole ? .max : 3).enumerated().map { index, campaign in
            Column(title: report.site.campaigns[campaign].name, dispensable: 5 + index)
        }
        section.rows = report.trend.map { week in
            let cells = ["visits", "visitors", "pageviews", "engaged_seconds", "bounce_rate"].map {
                text(.tally($0), week.totals)
            }
            let visits = report.campaigns.prefix(detail.isWhole ? .max : 3).map {
                text(.campaign("visits"), week.campaigns[$0])
            }
            return Row(name: week.week.description, cells: cells + visits)
        }
        section.chart = .init(
            kind: .days, title: words.trend + language.colon + words["visits"].name,
            points: report.trend.map {
                .init(name: String($0.week.description.suffix(3)), now: $0.totals.visits, then: nil, hasThen: false)
            },
            series: (words["visits"].name, nil))
        return section
    }

    // MARK: One campaign

    /// - Parameter level: of the headings of its tables.
    private func sections(ofCampaign campaign: Int, level: Int) -> [Section] {
        let (id, name) = (report.site.campaigns[campaign].id, report.site.campaigns[campaign].name)
        let (now, then) = (summary.campaigns[campaign], compared?.campaigns[campaign])
        let own = measures(
            Measure.ofCampaigns, id: "campaign-\(id)", title: words.campaign + language.colon + foreign(name), now: now,
            then: then)
        guard let now else { return [own] }
        return [own, days(ofCampaign: campaign, level: level)] + tables(ofCampaign: campaign, level: level)
            + actions(now.sums, id: "campaign-\(id)_actions", level: level)
    }

    // MARK: Tables

    /// One row for each date; a date without a row of its own is 0 where nothing is folded, else not shown.
    private func days(ofCampaign campaign: Int?, level: Int = 2) -> Section {
        func values(_ summary: Summary?, _ days: ClosedRange<Day>?) -> [Tally?] {
            guard let summary, let days else { return [] }
            let lines = summary.lines(.days, ofCampaign: campaign)
            let isWhole = lines.allSatisfy { $0.foldedRows == 0 }
            let known = Dictionary(
                lines.filter { $0.foldedRows == 0 }.map { ($0.key, $0.tally) }, uniquingKeysWith: { first, _ in first })
            return days.map { known[$0.description] ?? (isWhole ? Tally() : nil) }
        }
        let now = values(summary, report.request.days)
        let then = values(compared, report.request.comparedDays)
        var section = Section(
            id: id("days", campaign), title: title("days"), term: "days",
            columns: columns(["visits", "visitors", "pageviews", "engaged_seconds"], [0, 1, 2, 3]), level: level)
        if compared != nil { section.columns.insert(Column(title: words.before), at: 1) }
        let days = Array(report.request.days)
        let spansYears = days[0].date.year != days[days.count - 1].date.year
        func date(_ day: Day) -> String { spansYears ? language.date(day) : language.shortDate(day) }
        section.rows = days.enumerated().map { index, day in
            var cells = ["visits", "visitors", "pageviews", "engaged_seconds"].map { text(.tally($0), now[index]) }
            if compared != nil {
                cells.insert(text(.tally("visits"), index < then.count ? then[index] : nil), at: 1)
            }
            return Row(name: date(day), cells: cells)
        }
        section.chart = .init(
            kind: .days, title: section.title + language.colon + words["visits"].name,
            points: days.enumerated().map { index, day in
                .init(
                    name: days.count > 7 ? date(day) : language.weekday(day), now: now[index]?.visits,
                    then: index < then.count ? then[index]?.visits : nil, hasThen: index < then.count)
            }, series: series)
        if !detail.isWhole, section.rows.count > detail.rows {
            section.remarks = [words.more(language.number(section.rows.count - detail.rows))]
            section.rows.removeLast(section.rows.count - detail.rows)
        }
        return section
    }

    private func tables(ofCampaign campaign: Int?, level: Int) -> [Section] {
        report.dimensions(ofCampaign: campaign).filter { $0 != .days }.compactMap { dimension in
            let lines = summary.lines(dimension, ofCampaign: campaign)
            if lines.isEmpty { return nil }
            let names =
                dimension == .links
                ? ["visits", "visitors"]
                : ["visits", "visitors", "pageviews", "engaged_seconds", "scroll_depth", "bounce_rate"]
            var section = Section(
                id: id(dimension.name, campaign), title: title(dimension.name), term: dimension.name,
                columns: columns(names, [0, 1, 2, 3, 5, 4]), level: level)
            if dimension == .links { section.columns.insert(Column(title: words.count), at: 0) }
            func cells(_ tally: Tally?) -> [Cell] {
                let clicks = Cell(tally.map { language.number($0.actions.values.reduce(0, +)) } ?? Language.missing)
                return (dimension == .links ? [clicks] : []) + names.map { text(.tally($0), tally) }
            }
            let own = lines.filter { $0.foldedRows == 0 }
            section.rows = own.prefix(detail.rows).map { line in
                Row(name: key(line.key, of: dimension), cells: cells(line.tally))
            }
            section.rows += lines.filter { $0.foldedRows > 0 }.map { line in
                Row(
                    name: words.other(language.number(line.foldedRows)), term: "folded", cells: cells(line.tally),
                    tone: .faint)
            }
            if own.count > detail.rows { section.remarks = [words.more(language.number(own.count - detail.rows))] }
            return section
        }
    }

    /// Actions by name, the most frequent first.
    private func actions(_ tally: Tally, id: String, level: Int) -> [Section] {
        if tally.actions.isEmpty { return [] }
        var section = Section(
            id: id, title: words.actions, term: "actions", columns: [Column(title: words.thisPeriod)], level: level)
        let actions = summary.actions(tally).sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        section.rows = actions.prefix(detail.rows).map { Row(name: $0.name, cells: [Cell(language.number($0.count))]) }
        if actions.count > detail.rows { section.remarks = [words.more(language.number(actions.count - detail.rows))] }
        return [section]
    }

    // MARK: Choices, and what the numbers come from

    private var consent: Section {
        let choices = report.choices
        var section = Section(
            id: "consent", title: words.consent, term: "opt_in_rate", columns: [Column(title: words.thisPeriod)])
        let counts = [
            (words.granted, Int(choices.granted)), (words.refused, Int(choices.refused)),
            (words.withdrawn, Int(choices.withdrawn)),
        ]
        section.rows = counts.map { Row(name: $0, cells: [Cell(language.number($1))]) }
        section.rows.append(
            Row(
                name: words["opt_in_rate"].name, term: "opt_in_rate",
                cells: [Cell(choices.optInRate.map(language.percent) ?? Language.missing)]))
        if let estimate = choices.estimate(visits: summary.totals.visits) {
            let interval = words.between(language.number(estimate.low), language.number(estimate.high))
            section.rows += [
                Row(
                    name: words["estimate"].name, term: "estimate",
                    cells: [Cell(words.about(language.number(estimate.visits)))]),
                Row(name: words.interval, cells: [Cell(interval)]),
            ]
        }
        section.chart = .init(
            kind: .names, title: words.consent,
            points: counts.map { .init(name: $0, now: $1, then: nil, hasThen: false) },
            series: (words.thisPeriod, nil))
        return section
    }

    private var refusals: Section {
        var section = Section(
            id: "refusals", title: words["refusals"].name, term: "refusals",
            columns: [Column(title: words.thisPeriod)])
        section.rows = report.choices.refusals.sorted { $0.key < $1.key }.map {
            Row(name: $0.key, cells: [Cell(language.number(Int($0.value)))])
        }
        return section
    }

    private var partitions: Section {
        var section = Section(
            id: "partitions", title: words.partitions, term: "partitions",
            columns: [
                Column(title: words.state), Column(title: words.events), Column(title: "SHA-256"),
            ])
        section.rows = report.partitions.map { partition in
            Row(
                name: partition.day.description,
                cells: [
                    Cell(partition.isSealed ? words.sealed : words.open), Cell(language.number(Int(partition.events))),
                    Cell(partition.contentSHA256),
                ])
        }
        return section
    }

    // MARK: Cells

    /// A text from anywhere within a sentence: without anything that turns its surroundings round, and in a direction of
    /// its own.
    private func foreign(_ text: String) -> String { "\u{2068}\(TextWidth.printable(text))\u{2069}" }

    private func columns(_ names: [String], _ dispensable: [Int]) -> [Column] {
        zip(names, dispensable).map { Column(title: words[$0].short, term: $0, dispensable: $1) }
    }

    private func id(_ table: String, _ campaign: Int?) -> String {
        campaign.map { "campaign-\(report.site.campaigns[$0].id)_\(table)" } ?? table
    }

    private func title(_ table: String) -> String { words.tables[table] ?? table }

    private func key(_ key: String, of dimension: Dimension) -> String {
        switch dimension {
        case .pages, .days, .links: key
        case .sources: key == Sources.direct ? words.keys[key] ?? key : key
        case .locales, .countries: key == "unknown" ? words.keys[key] ?? key : key
        case .devices: words.keys[key] ?? key
        }
    }

    /// The number for people; a dash where it cannot be given.
    private func text<Subject>(_ measure: Measure<Subject>, _ subject: Subject?) -> Cell {
        guard let value = subject.flatMap(measure.value) else { return Cell(Language.missing) }
        return switch measure.name {
        case "engaged_seconds", "median_engaged_seconds": Cell(language.duration(value))
        case "scroll_depth": Cell(language.percent(Fraction(value.numerator, value.denominator * 100)))
        case "bounce_rate": Cell(language.percent(value))
        default: Cell(language.number(value.rounded(decimals: 0)))
        }
    }

    /// The change with its sign, and a tone for more or less.
    private func change<Subject>(_ measure: Measure<Subject>, _ now: Subject?, _ then: Subject?) -> Cell {
        guard let change = measure.change(of: now, from: then, decimals: 3) else { return Cell(Language.missing) }
        let tone: ReportDocument.Tone =
            change == 0 || measure.name == "bounce_rate" ? .plain : change > 0 ? .more : .less
        return Cell(language.change(thousandths: change), tone: tone)
    }

    /// A bar of eight heights for each number, `·` for one that may not be shown.
    private func sparkline(_ values: [Int?]) -> Cell {
        let bars = Array("▁▂▃▄▅▆▇█")
        let most = values.reduce(0) { max($0, $1 ?? 0) }
        let text = values.map { value in
            value.map { String(bars[most == 0 ? 0 : ($0 * (bars.count - 1) * 2 + most) / (most * 2)]) } ?? "·"
        }
        return Cell(text.joined(), trend: values)
    }
}

extension Measure<Tally> {
    static func tally(_ name: String) -> Measure { named(name, in: ofTallies) }
}

extension Measure<CampaignTally> {
    static func campaign(_ name: String) -> Measure { named(name, in: ofCampaigns) }
}

extension Measure {
    private static func named(_ name: String, in measures: [Measure]) -> Measure {
        guard let measure = measures.first(where: { $0.name == name }) else {
            preconditionFailure("no measure \(name)")
        }
        return measure
    }
}
