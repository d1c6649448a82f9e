extension Report {
    /// The report as Markdown (CommonMark with the tables of GitHub): headings, tables whose numbers stand at the right,
    /// definitions at the end. Names are escaped, so that nothing in them is markup.
    public func markdown(language: Language = .en) -> String {
        let document = document(language, .long)
        let words = document.words
        var blocks = ["# " + Self.plain(document.title), document.subtitle.map(Self.escaped).joined(separator: "  \n")]
        blocks += document.warnings.map { "**\(Self.plain($0))**" }
        for section in document.sections + document.campaigns.joined() {
            blocks.append(String(repeating: "#", count: section.level) + " " + Self.plain(section.title))
            if !section.rows.isEmpty { blocks.append(Self.table(section)) }
            blocks += section.remarks.map(Self.escaped)
        }
        blocks.append("---")
        blocks += document.notes.map(Self.escaped)
        blocks.append("## " + Self.plain(words.definitions))
        blocks.append(
            Words.order.map { name in
                "- **\(Self.plain(words[name].name))**\(document.language.colon)\(Self.plain(words[name].definition))"
            }
            .joined(separator: "\n"))
        return blocks.joined(separator: "\n\n") + "\n"
    }

    private static func table(_ section: ReportDocument.Section) -> String {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        let lines =
            [
                line([""] + section.columns.map { plain($0.title) }),
                line([":---"] + section.columns.map { _ in "---:" }),
            ]
            + section.rows.map { row in line([plain(row.name)] + row.cells.map { plain($0.text) }) }
        return lines.joined(separator: "\n")
    }

    /// Text without markup, controls and line breaks, and without anything that turns its surroundings round.
    private static func plain(_ text: String) -> String { escaped(TextWidth.printable(text)) }

    /// Text without markup, for sentences of the report's own, in which foreign parts are harmless already.
    private static func escaped(_ text: String) -> String {
        var plain = ""
        var rest = Substring.UnicodeScalarView(text.unicodeScalars)
        while let scalar = rest.popFirst() {
            switch scalar {
            // Programs that do not read a backslash must not take them for tags either.
            case "&": plain += "&amp;"
            case "<": plain += "&lt;"
            case ">": plain += "&gt;"
            case "\\", "`", "*", "_", "[", "]", "#", "|", "~", "@":
                plain += "\\"
                plain.unicodeScalars.append(scalar)
            // GitHub makes links of addresses that nobody marked as one.
            case ":" where Substring(rest).hasPrefix("//"), "." where plain.suffix(3).lowercased() == "www":
                plain += "\\"
                plain.unicodeScalars.append(scalar)
            default: plain.unicodeScalars.append(scalar)
            }
        }
        return plain
    }
}
