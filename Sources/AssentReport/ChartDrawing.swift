internal import AssentCore

/// Draws a chart as inline SVG with a name, in the colours of the page. In a language that is written from right to left
/// a chart begins at the right.
struct ChartDrawing {
    let chart: ReportDocument.Chart
    let language: Language
    let words: Words

    private static let width = 720
    private static let daysHeight = 160
    private static let rowHeight = 34
    private static let barHeight = 12
    /// Most bars of names; the table has all of them.
    private static let namesMax = 12
    /// Most values that are said one by one.
    private static let spokenMax = 31
    /// Most dates that have a label below their bar.
    private static let labelsMax = 7
    /// Room that a date with its year takes.
    private static let labelWidth = 100

    /// Figure, caption and key.
    var html: HTML {
        """
        <figure tabindex="0">
        <figcaption>\(chart.title)\(key)</figcaption>
        \(chart.kind == .days ? days : names)
        </figure>

        """
    }

    private var key: HTML {
        guard let then = chart.series.then else { return "" }
        return """
            <span class="key now"></span>\(chart.series.now)<span class="key then"></span>\(then)
            """
    }

    /// What somebody hears who does not see it: all values, as the table below has them; of very many only the greatest.
    private var spoken: String {
        func text(_ value: Int?) -> String { value.map(language.number) ?? words.notShown }
        guard chart.points.count <= Self.spokenMax else {
            return "\(chart.title)\(language.colon)0 – \(language.number(most))"
        }
        let points = chart.points.prefix(chart.kind == .days ? .max : Self.namesMax).map { point in
            let then = point.hasThen ? " (\(text(point.then)))" : ""
            return TextWidth.printable(point.name) + language.colon + text(point.now) + then
        }
        return "\(chart.title). \(points.joined(separator: "; "))"
    }

    private var most: Int {
        max(1, chart.points.reduce(0) { max($0, $1.now ?? 0, $1.then ?? 0) })
    }

    /// The place of a bar from the side at which the language begins.
    private func x(_ place: Int, width: Int) -> Int {
        language.isRightToLeft ? Self.width - place - width : place
    }

    private func svg(height: Int, _ content: HTML) -> HTML {
        """
        <svg viewBox="0 0 \(Self.width) \(height)" width="\(Self.width)" height="\(height)" direction="ltr" role="img" \
        aria-label="\(spoken)">\(content)</svg>
        """
    }

    private var days: HTML {
        let (top, bottom) = (16, 20)
        let space = Self.daysHeight - top - bottom
        let count = chart.points.count
        let isCompared = chart.series.then != nil
        let step = max(1, (count + Self.labelsMax - 1) / Self.labelsMax)
        // Places are in hundredths, for many dates have less than a unit each.
        let slot = Self.width * 100 / max(1, count)
        let bar = max(1, isCompared ? slot * 35 / 100 : slot * 6 / 10)
        var content: HTML = ""
        func text(_ hundredths: Int) -> String { FixedPoint.text(hundredths, decimals: 2) }
        func x(_ place: Int, width: Int) -> Int {
            language.isRightToLeft ? Self.width * 100 - place - width : place
        }
        func draw(_ value: Int?, at place: Int, _ name: HTML) {
            let height = value.map { $0 * space / most } ?? space
            let kind: HTML = value == nil ? "none" : name
            content += """
                <rect class="\(kind)" x="\(text(x(place, width: bar)))" y="\(top + space - height)" \
                width="\(text(bar))" height="\(height)"/>
                """
        }
        for (index, point) in chart.points.enumerated() {
            let start = index * slot + (slot - bar * (isCompared ? 2 : 1)) / 2
            draw(point.now, at: start, "now")
            if point.hasThen { draw(point.then, at: start + bar, "then") }
            guard index.isMultiple(of: step) else { continue }
            if step == 1 {
                content += """
                    <text x="\(text(x(index * slot, width: slot) + slot / 2))" y="\(Self.daysHeight - 5)" \
                    text-anchor="middle">\(point.name)</text>
                    """
            } else if index * slot <= (Self.width - Self.labelWidth) * 100 {
                // A label that is wider than its bar begins where that does.
                content += """
                    <text x="\(text(x(index * slot, width: 0)))" y="\(Self.daysHeight - 5)" \
                    text-anchor="\(language.isRightToLeft ? "end" : "start")">\(point.name)</text>
                    """
            }
            guard let now = point.now, step == 1 else { continue }
            content += """
                <text class="soft" x="\(text(x(start, width: bar) + bar / 2))" \
                y="\(top + space - now * space / most - 4)" text-anchor="middle">\(language.number(now))</text>
                """
        }
        let base = top + space
        content += "<line class=\"axis\" x1=\"0\" x2=\"\(Self.width)\" y1=\"\(base)\" y2=\"\(base)\"/>"
        return svg(height: Self.daysHeight, content)
    }

    private var names: HTML {
        let (names, numbers) = (200, 70)
        let space = Self.width - names - numbers
        var content: HTML = ""
        let points = chart.points.prefix(Self.namesMax)
        for (index, point) in points.enumerated() {
            let top = index * Self.rowHeight + 4
            let name = TextWidth.truncated(TextWidth.printable(point.name), to: 26)
            content += """
                <text x="\(x(names - 8, width: 0))" y="\(top + 15)" \
                text-anchor="\(language.isRightToLeft ? "start" : "end")">\(Self.isolated(name))</text>
                """
            let hasThen = point.hasThen
            func draw(_ value: Int?, at y: Int, height: Int, _ name: HTML) {
                let width = value.map { $0 * space / most } ?? Self.barHeight * 2
                let kind: HTML = value == nil ? "none" : name
                content += """
                    <rect class="\(kind)" x="\(x(names, width: width))" y="\(y)" width="\(width)" height="\(height)"/>
                    """
            }
            let height = hasThen ? Self.barHeight : Self.barHeight * 2
            draw(point.now, at: top, height: height, "now")
            if hasThen { draw(point.then, at: top + Self.barHeight, height: height, "then") }
            let end = names + (point.now ?? 0) * space / most + 6
            content += """
                <text x="\(x(end, width: 0))" y="\(top + (hasThen ? 11 : 16))" \
                text-anchor="\(language.isRightToLeft ? "end" : "start")">\
                \(Self.isolated(point.now.map(language.number) ?? Language.missing))</text>
                """
        }
        return svg(height: points.count * Self.rowHeight + 4, content)
    }

    /// A small line of bars within a table.
    static func sparkline(_ values: [Int?], name: String, language: Language) -> HTML {
        let (bar, gap, height) = (7, 2, 22)
        let width = values.count * (bar + gap)
        let most = max(1, values.reduce(0) { max($0, $1 ?? 0) })
        var content: HTML = ""
        for (index, value) in values.enumerated() {
            let place = index * (bar + gap)
            let x = language.isRightToLeft ? width - place - bar : place
            let tall = value.map { max(1, $0 * height / most) } ?? 2
            content += """
                <rect class="\(value == nil ? "then" : "now")" x="\(x)" y="\(height - tall)" width="\(bar)" \
                height="\(tall)"/>
                """
        }
        return """
            <svg class="spark" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)" role="img" \
            aria-label="\(name)">\(content)</svg>
            """
    }

    /// A name in its own direction, whatever stands beside it.
    private static func isolated(_ text: String) -> String { "\u{2068}\(text)\u{2069}" }
}
