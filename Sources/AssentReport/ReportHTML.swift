internal import AssentCore

extension Report {
    /// The report as one HTML file that loads nothing, has no scripts, and opens from a disk without a network: tables
    /// whose columns lead to their definitions, charts as inline SVG each with its table, light, dark and on paper.
    public func html(language: Language = .en) -> String {
        HTMLPage(document: document(language, .long), drawsCharts: true).html.text
    }
}

/// A report as a page of HTML.
struct HTMLPage {
    let document: ReportDocument
    /// Whether there are charts; many mail programs show none.
    let drawsCharts: Bool

    private var words: Words { document.words }

    /// The whole file.
    var html: HTML {
        var page: HTML = """
            <!DOCTYPE html>
            <html lang="\(document.language.rawValue)" dir="\(document.language.isRightToLeft ? "rtl" : "ltr")">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <meta name="color-scheme" content="light dark">
            <title>\(document.heading)</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body>
            <main>
            <header>
            <h1><bdi>\(shown(document.title))</bdi></h1>

            """
        for line in document.subtitle { page += "<p class=\"period\">\(line)</p>\n" }
        page += "</header>\n"
        for warning in document.warnings { page += "<p class=\"warning\" role=\"alert\">\(shown(warning))</p>\n" }
        for section in document.sections { page += html(of: section) }
        for sections in document.campaigns {
            page += """
                <details>
                <summary><h2><bdi>\(shown(sections[0].title))</bdi></h2></summary>

                """
            for (index, section) in sections.enumerated() { page += html(of: section, isTitled: index > 0) }
            page += "</details>\n"
        }
        page += notes
        page += "</main>\n</body>\n</html>\n"
        return page
    }

    /// Text from anywhere: shown, and nothing that turns its surroundings round.
    private func shown(_ text: String) -> String { TextWidth.printable(text) }

    // MARK: Sections

    private func html(of section: ReportDocument.Section, isTitled: Bool = true) -> HTML {
        let title: HTML = "<bdi>\(shown(section.title))</bdi>"
        let heading: HTML =
            !isTitled ? "" : section.level > 2 ? "<h3>\(title)</h3>\n" : "<h2>\(title)</h2>\n"
        var html: HTML = "<section id=\"\(section.id)\">\n\(heading)"
        if let term = section.term { html += "<p class=\"what\">\(words[term].definition)</p>\n" }
        if drawsCharts, let chart = section.chart, !chart.points.isEmpty {
            html += ChartDrawing(chart: chart, language: document.language, words: words).html
        }
        if !section.rows.isEmpty { html += table(section) }
        for remark in section.remarks { html += "<p class=\"more\">\(remark)</p>\n" }
        html += "</section>\n"
        return html
    }

    /// A table that can be scrolled by itself where the page is too narrow for it.
    private func table(_ section: ReportDocument.Section) -> HTML {
        var html: HTML = """
            <div class="table" role="region" tabindex="0" aria-label="\(shown(section.title))">
            <table>
            <thead><tr><td></td>
            """
        for column in section.columns {
            let title: HTML =
                column.term.map { "<a href=\"#what-\($0)\">\(shown(column.title))</a>" } ?? "\(shown(column.title))"
            html += "<th scope=\"col\">\(title)</th>"
        }
        html += "</tr></thead>\n<tbody>\n"
        for row in section.rows {
            let tone: HTML = row.tone == .faint ? " class=\"faint\"" : ""
            let name: HTML = "<bdi>\(shown(row.name))</bdi>"
            let linked: HTML = row.term.map { "<a href=\"#what-\($0)\">\(name)</a>" } ?? name
            html += "<tr\(tone)><th scope=\"row\">\(linked)</th>"
            for cell in row.cells { html += self.cell(cell) }
            html += "</tr>\n"
        }
        html += "</tbody>\n</table>\n</div>\n"
        return html
    }

    private func cell(_ cell: ReportDocument.Cell) -> HTML {
        if !cell.trend.isEmpty {
            let values = cell.trend.map { $0.map(document.language.number) ?? words.notShown }
            let text = values.joined(separator: ", ")
            return drawsCharts
                ? "<td>\(ChartDrawing.sparkline(cell.trend, name: text, language: document.language))</td>"
                : "<td title=\"\(text)\">\(cell.text)</td>"
        }
        switch cell.tone {
        case .more: return "<td class=\"more\">\(cell.text)</td>"
        case .less: return "<td class=\"less\">\(cell.text)</td>"
        case .plain, .title, .faint: return "<td>\(cell.text)</td>"
        }
    }

    private var notes: HTML {
        var html: HTML = "<footer>\n"
        for note in document.notes { html += "<p>\(note)</p>\n" }
        html += "<section id=\"what\">\n<h2>\(words.definitions)</h2>\n<dl>\n"
        for name in Words.order {
            html += "<dt id=\"what-\(name)\">\(words[name].name)</dt>\n<dd>\(words[name].definition)</dd>\n"
        }
        html += "</dl>\n</section>\n</footer>\n"
        return html
    }

    // MARK: Style

    /// Colours are named once for each scheme; text has a contrast of at least 4.5 to 1, bars of 3 to 1.
    private static let style: HTML = """
        :root{--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--page:#fff;--now:#1f5fbf;--then:#8c959f;--more:#116329;\
        --less:#a40e26;--focus:#0a58ca}
        @media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#a3adb8;--line:#3d444d;--page:#0d1117;\
        --now:#79b8ff;--then:#7d8590;--more:#56d364;--less:#ff9492;--focus:#79b8ff}}
        @media print{:root{--ink:#000;--soft:#333;--line:#999;--page:#fff;--now:#1f5fbf;--then:#8c959f;--more:#000;\
        --less:#000}details::details-content{content-visibility:visible;block-size:auto}tr,figure,dt{break-inside:avoid}h2,h3{break-after:avoid}\
        a{text-decoration:none}body{font-size:10pt}h2{margin-top:1.5rem}.table{overflow:visible}.what{break-after:avoid}}
        @page{margin:15mm}
        *{box-sizing:border-box}
        body{margin:0;overflow-wrap:anywhere;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
        main{max-width:64rem;margin:0 auto;padding:1.5rem 1rem 3rem}
        h1{margin:0;font-size:1.75rem;line-height:1.2}
        h2{margin:2.5rem 0 .5rem;font-size:1.25rem}
        h3{margin:1.75rem 0 .5rem;font-size:1.05rem}
        p{margin:.25rem 0}
        .period,.what,.more:not(td),footer{color:var(--soft)}
        .what,.more:not(td),footer{font-size:.875rem}
        .warning{border-inline-start:.25rem solid var(--less);padding-inline-start:.75rem}
        .table{overflow-x:auto;margin:.5rem 0}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        th,td{padding:.3rem .5rem;border-bottom:1px solid var(--line);text-align:end;vertical-align:top}
        thead th{color:var(--soft);font-weight:400;white-space:nowrap}
        tbody th{text-align:start;font-weight:400;overflow-wrap:anywhere;min-width:8rem}
        td{white-space:nowrap}
        #partitions td:last-child{white-space:normal;overflow-wrap:anywhere;font-size:.75rem}
        tr.faint>*{color:var(--soft)}
        td.more{color:var(--more)}td.less{color:var(--less)}
        a{color:inherit;text-underline-offset:.2em}
        :focus-visible{outline:3px solid var(--focus);outline-offset:2px}
        summary{cursor:pointer;margin-top:1.5rem}summary h2{display:inline;margin:0;max-width:100%}
        figure{margin:1rem 0;overflow-x:auto}
        figure svg{min-width:34rem}
        figcaption{color:var(--soft);font-size:.875rem}
        svg{display:block;max-width:100%;height:auto;overflow:visible}
        svg text{fill:var(--ink);font:13px system-ui,sans-serif}
        svg .soft{fill:var(--soft)}svg .now{fill:var(--now)}svg .then{fill:var(--then)}
        svg .axis{stroke:var(--line)}svg .none{fill:none;stroke:var(--then);stroke-dasharray:3 3}
        svg.spark{display:inline-block;vertical-align:middle}
        .key{display:inline-block;width:.8em;height:.8em;margin-inline:.75em .3em}
        .key.now{background:var(--now)}.key.then{background:var(--then)}
        footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem}
        dt{font-weight:600;margin-top:.5rem}dd{margin:0}
        dt:target,dt:target+dd{color:var(--ink)}
        """
}
