import AssentCore
import AssentStore

extension Report {
    /// The report for people, in columns that fit a terminal; without escape codes unless the style has colours.
    public func table(style: TableStyle) -> String {
        var blocks = [header(style)]
        blocks.append(totals.lines(style))
        if !campaigns.isEmpty { blocks.append(campaignTable.lines(style)) }
        if request.campaign != nil, let campaign = campaigns.first {
            blocks += tables(ofCampaign: campaign, style)
        } else {
            blocks += tables(ofCampaign: nil, style)
        }
        if let table = actionTable { blocks.append(table.lines(style)) }
        blocks.append(consentTable.lines(style))
        blocks.append(notes.flatMap { Self.wrapped($0, to: style.width) })
        return blocks.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private func header(_ style: TableStyle) -> [String] {
        let name = TextWidth.truncated(TextWidth.printable(site.name.isEmpty ? site.id : site.name), to: style.width)
        let zone = site.timezone.isEmpty ? "UTC" : site.timezone
        var lines = [
            TextTable.directed(style.painted(TextTable.isolated(name), .title)),
            TextWidth.truncated("\(Self.words(for: request.days)), \(zone)", to: style.width),
        ]
        if let days = request.comparedDays { lines.append("compared with \(Self.words(for: days))") }
        return lines
    }

    private static func words(for days: ClosedRange<Day>) -> String {
        let week = ISOWeek(containing: days.lowerBound)
        let dates = "\(days.lowerBound) to \(days.upperBound)"
        return week.days == days ? "week \(week), \(dates)" : dates
    }

    private var totals: TextTable {
        var columns = [TextTable.Column(title: "this period")]
        if compared != nil { columns += [TextTable.Column(title: "before"), TextTable.Column(title: "change")] }
        var table = TextTable(name: "Totals", columns: columns)
        for (label, measure) in zip(Self.labels, Measure.ofTallies) {
            var cells = [TextTable.Cell(text: measure.text(summary.totals))]
            if let compared {
                cells.append(TextTable.Cell(text: measure.text(compared.totals)))
                cells.append(measure.changeCell(of: summary.totals, from: compared.totals))
            }
            table.add(label, cells)
        }
        return table
    }

    private static let labels = ["Visitors", "Visits", "Page views", "Engaged time", "Scroll depth", "Bounce rate"]

    private var campaignTable: TextTable {
        var columns = [
            TextTable.Column(title: "visits"), TextTable.Column(title: "visitors", dispensable: 2),
            TextTable.Column(title: "landings", dispensable: 3), TextTable.Column(title: "page views", dispensable: 5),
            TextTable.Column(title: "median time", dispensable: 1), TextTable.Column(title: "bounce", dispensable: 4),
        ]
        let measures = ["visits", "visitors", "landings", "pageviews", "median_engaged_seconds", "bounce_rate"].map {
            Measure.campaign($0)
        }
        if compared != nil { columns.insert(TextTable.Column(title: "change"), at: 1) }
        var table = TextTable(name: "Campaigns", columns: columns)
        for campaign in campaigns {
            let tally = summary.campaigns[campaign]
            var cells = measures.map { TextTable.Cell(text: $0.text(tally)) }
            if let compared {
                cells.insert(measures[0].changeCell(of: tally, from: compared.campaigns[campaign]), at: 1)
            }
            table.add(site.campaigns[campaign].name, cells)
        }
        guard request.campaign == nil else { return table }
        let others = ["visits", "visitors", "", "pageviews", "", "bounce_rate"].map { name in
            TextTable.Cell(text: name.isEmpty ? Self.missing : Measure.tally(name).text(summary.unattributed))
        }
        let change = Measure.tally("visits").changeCell(of: summary.unattributed, from: compared?.unattributed)
        let cells = compared == nil ? others : [others[0], change] + others.dropFirst()
        table.add("no campaign", cells, tone: .faint)
        return table
    }

    private func tables(ofCampaign campaign: Int?, _ style: TableStyle) -> [[String]] {
        Dimension.allCases.compactMap { dimension in
            let lines = summary.lines(dimension, ofCampaign: campaign)
            if lines.isEmpty { return nil }
            let columns = [
                TextTable.Column(title: "visits"), TextTable.Column(title: "visitors", dispensable: 1),
                TextTable.Column(title: "page views", dispensable: 2), TextTable.Column(title: "time", dispensable: 3),
                TextTable.Column(title: "scroll", dispensable: 5), TextTable.Column(title: "bounce", dispensable: 4),
            ]
            let measures = ["visits", "visitors", "pageviews", "engaged_seconds", "scroll_depth", "bounce_rate"].map {
                Measure.tally($0)
            }
            var table = TextTable(name: dimension.title, columns: columns)
            let own = lines.filter { $0.foldedRows == 0 }
            for line in own.prefix(Limits.tableRowsMax) {
                table.add(line.key, measures.map { TextTable.Cell(text: $0.text(line.tally)) })
            }
            for line in lines where line.foldedRows > 0 {
                table.add(
                    "\(line.key) (\(Self.counted(line.foldedRows, "row")))",
                    measures.map { TextTable.Cell(text: $0.text(line.tally)) }, tone: .faint)
            }
            let rest = own.count - Limits.tableRowsMax
            return table.lines(style) + (rest > 0 ? ["… and \(Self.counted(rest, "row")) more"] : [])
        }
    }

    /// Actions by name, the most frequent first: of the site, or of the one campaign that was asked for.
    private var actionTable: TextTable? {
        let campaign = request.campaign == nil ? nil : campaigns.first
        let tally = campaign.map { summary.campaigns[$0]?.sums } ?? summary.totals
        let actions = (tally?.actions ?? [:]).map { (name: summary.actionNames[Int($0.key)], count: $0.value) }
        if actions.isEmpty { return nil }
        var table = TextTable(name: "Actions", columns: [TextTable.Column(title: "this period")])
        for action in actions.sorted(by: { ($1.count, $0.name) < ($0.count, $1.name) }).prefix(Limits.tableRowsMax) {
            table.add(action.name, [TextTable.Cell(text: Self.grouped(action.count))])
        }
        return table
    }

    private var consentTable: TextTable {
        var table = TextTable(name: "Consent", columns: [TextTable.Column(title: "this period")])
        func add(_ name: String, _ text: String) { table.add(name, [TextTable.Cell(text: text)]) }
        add("Granted", Self.grouped(Int(choices.granted)))
        add("Refused", Self.grouped(Int(choices.refused)))
        add("Withdrawn", Self.grouped(Int(choices.withdrawn)))
        add("Opt-in rate", choices.optInRate.map(Self.percent) ?? Self.missing)
        if let estimate = choices.estimate(visits: summary.totals.visits) {
            add("Estimate of all visits", "about " + Self.grouped(estimate.visits))
            add("95% interval of it", "\(Self.grouped(estimate.low)) to \(Self.grouped(estimate.high))")
        }
        for (reason, count) in choices.refusals.sorted(by: { $0.key < $1.key }) {
            add("Not stored: \(reason)", Self.grouped(Int(count)))
        }
        return table
    }

    private var notes: [String] {
        var notes: [String] = []
        if foldedRows > 0 {
            notes.append(
                "\(Self.counted(foldedRows, "row")) folded: a group of fewer than \(site.minimumGroup) visitors is not "
                    + "shown, nor what would reveal one by subtraction.")
        }
        notes.append(
            "Only visitors who agreed are counted. Nobody can say here what those did who refused, did not choose or "
                + "block scripts; one person with two browsers is two visitors.")
        if choices.estimate(visits: summary.totals.visits) != nil {
            notes.append("The estimate holds if those who refused visit as often as those who agreed.")
        }
        return notes + damage.map { "Left out: \($0)" }
    }

    /// Lines of at most so many cells, broken between words.
    private static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines = [""]
        for word in TextWidth.printable(text).split(separator: " ") {
            let line = lines[lines.count - 1]
            let joined = line.isEmpty ? String(word) : "\(line) \(word)"
            if TextWidth.cells(joined) <= width {
                lines[lines.count - 1] = joined
            } else {
                lines.append(TextWidth.truncated(String(word), to: width))
            }
        }
        return lines.filter { !$0.isEmpty }
    }
}

extension Dimension {
    fileprivate var title: String {
        switch self {
        case .pages: "Pages"
        case .sources: "Sources"
        case .locales: "Languages"
        case .countries: "Countries"
        case .devices: "Devices"
        }
    }
}

extension Measure<Tally> {
    fileprivate static func tally(_ name: String) -> Measure { named(name, in: ofTallies) }
}

extension Measure<CampaignTally> {
    fileprivate static func campaign(_ name: String) -> Measure { named(name, in: ofCampaigns) }
}

extension Measure {
    fileprivate static func named(_ name: String, in measures: [Measure]) -> Measure {
        guard let measure = measures.first(where: { $0.name == name }) else {
            preconditionFailure("no measure \(name)")
        }
        return measure
    }

    /// The number for people; a dash where it cannot be given.
    fileprivate func text(_ subject: Subject?) -> String {
        guard let value = subject.flatMap(value) else { return Report.missing }
        return switch name {
        case "engaged_seconds", "median_engaged_seconds": Report.duration(value)
        case "scroll_depth": Report.percent(Fraction(value.numerator, value.denominator * 100))
        case "bounce_rate": Report.percent(value)
        default: Report.grouped(value.rounded(decimals: 0))
        }
    }

    /// The change with its sign, and a colour for more or less.
    fileprivate func changeCell(of now: Subject?, from then: Subject?) -> TextTable.Cell {
        guard let change = change(of: now, from: then, decimals: 3) else { return TextTable.Cell(text: Report.missing) }
        let sign = change > 0 ? "+" : change < 0 ? "−" : ""
        let text = sign + Report.tenths(Int(change.magnitude)) + "%"
        if change == 0 || name == "bounce_rate" { return TextTable.Cell(text: text) }
        return TextTable.Cell(text: text, tone: change > 0 ? .more : .less)
    }
}

extension Report {
    /// What stands for a number that cannot be given.
    fileprivate static let missing = "–"

    /// `1,234,567`.
    fileprivate static func grouped(_ number: Int) -> String {
        var digits = Array(String(number))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return String(digits)
    }

    /// `1,234.5` from a number of tenths.
    fileprivate static func tenths(_ tenths: Int) -> String { "\(grouped(tenths / 10)).\(tenths % 10)" }

    /// `12.3%` from a rate of 0 to 1.
    fileprivate static func percent(_ rate: Fraction) -> String { tenths(rate.rounded(decimals: 3)) + "%" }

    /// `24s`, `1m 24s` or `15h 20m`.
    fileprivate static func duration(_ seconds: Fraction) -> String {
        let seconds = seconds.rounded(decimals: 0)
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3_600 { return "\(seconds / 60)m \(seconds % 60)s" }
        return "\(grouped(seconds / 3_600))h \(seconds / 60 % 60)m"
    }

    fileprivate static func counted(_ count: Int, _ noun: String) -> String {
        "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
    }
}
