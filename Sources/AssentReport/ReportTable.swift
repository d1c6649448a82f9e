extension Report {
    /// The report for a terminal, in columns that fit it; without escape codes unless the style has colours.
    public func table(style: TableStyle, language: Language = .en) -> String {
        let document = document(language, .short)
        var blocks = [
            [
                TextTable.directed(
                    style.painted(
                        TextTable.isolated(TextWidth.truncated(TextWidth.printable(document.title), to: style.width)),
                        .title))
            ]
                + document.subtitle.map {
                    TextTable.directed(TextTable.isolated(TextWidth.truncated($0, to: style.width)))
                }
        ]
        blocks += document.warnings.map { Self.wrapped($0, to: style.width, language) }
        blocks += document.sections.map { section in
            TextTable(section).lines(style) + section.remarks.flatMap { Self.wrapped($0, to: style.width, language) }
        }
        let words = document.words
        let notes = document.notes + (request.campaign == nil ? [words.oneCampaign] : []) + [words.explain]
        blocks.append(notes.flatMap { Self.wrapped($0, to: style.width, language) })
        return blocks.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    /// What every number of a report means, in lines of at most so many cells; ends with a line break.
    public static func explanation(style: TableStyle, language: Language = .en) -> String {
        let words = Words.of(language)
        let blocks = Words.order.map { name in
            [TextTable.directed(style.painted(TextTable.isolated(words[name].name), .title))]
                + wrapped(words[name].definition, to: style.width - 2, language).map { "  " + $0 }
        }
        return blocks.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    /// Lines of at most so many cells, broken between words.
    private static func wrapped(_ text: String, to width: Int, _ language: Language) -> [String] {
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
        return lines.filter { !$0.isEmpty }.map { line in
            language.isRightToLeft
                ? TextTable.directed("\u{2067}\(line)\u{2069}") : TextTable.directed(TextTable.isolated(line))
        }
    }
}
