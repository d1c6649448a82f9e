import AssentCore

/// How a table looks.
public struct TableStyle: Sendable, Equatable {
    /// Cells in a line, from 60 to 160; a value outside is moved to the nearer bound.
    public let width: Int
    /// Whether changes have colours and titles are bold (escape codes of ECMA-48); never in a pipe or a file.
    public let colours: Bool

    /// A style by its parts.
    public init(width: Int, colours: Bool) {
        self.width = min(max(width, Limits.tableCells.lowerBound), Limits.tableCells.upperBound)
        self.colours = colours
    }

    /// The text in a tone, if there are colours.
    func painted(_ text: String, _ tone: ReportDocument.Tone) -> String {
        guard colours, let code = tone.code else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

/// A section's rows in columns: the first for names, the others for numbers, which stand at the right.
struct TextTable {
    private static let gap = 2
    /// Cells that names get at least, even if a column of numbers must be left out for it.
    private static let nameCellsMin = 20
    /// Cells that names get where there is room, so that the tables of a report stand alike.
    private static let nameCellsUsual = 24

    private let name: String
    private let columns: [ReportDocument.Column]
    private let rows: [ReportDocument.Row]

    init(_ section: ReportDocument.Section) {
        name = TextWidth.printable(section.title)
        columns = section.columns.map { column in
            ReportDocument.Column(
                title: TextWidth.truncated(TextWidth.printable(column.title), to: Self.nameCellsUsual),
                dispensable: column.dispensable)
        }
        rows = section.rows.map { row in
            ReportDocument.Row(name: TextWidth.printable(row.name), cells: row.cells, tone: row.tone)
        }
    }

    /// Lines of the same number of cells, at most those of the style.
    func lines(_ style: TableStyle) -> [String] {
        let widths = columns.indices.map { column in
            rows.map { TextWidth.cells($0.cells[column].text) }.reduce(TextWidth.cells(columns[column].title), max)
        }
        var shown = Array(columns.indices)
        func left() -> Int { style.width - shown.reduce(0) { $0 + widths[$1] + Self.gap } }
        while left() < Self.nameCellsMin, shown.count > 1,
            let least = shown.max(by: { columns[$0].dispensable < columns[$1].dispensable })
        {
            shown.removeAll { $0 == least }
        }
        let natural = rows.map { TextWidth.cells($0.name) }.reduce(TextWidth.cells(name), max)
        let names = min(left(), max(natural, Self.nameCellsUsual))
        let titles = columns.map { ReportDocument.Cell($0.title, tone: .faint) }
        return ([ReportDocument.Row(name: name, cells: titles, tone: .title)] + rows).map { row in
            let first = TextWidth.truncated(row.name, to: names)
            let numbers = shown.map { column in
                let cell = row.cells[column]
                return Self.spaces(Self.gap + widths[column] - TextWidth.cells(cell.text))
                    + style.painted(Self.isolated(cell.text), cell.tone)
            }
            return Self.directed(
                style.painted(Self.isolated(first), row.tone)
                    + Self.spaces(names - TextWidth.cells(first)) + numbers.joined())
        }
    }

    /// Text that is written from right to left, shut off from what stands beside it, so that columns stay in order.
    static func isolated(_ text: String) -> String {
        TextWidth.isRightToLeft(text) ? "\u{2068}\(text)\u{2069}" : text
    }

    /// A line that runs from left to right whatever is in it.
    static func directed(_ line: String) -> String { TextWidth.isRightToLeft(line) ? "\u{200E}\(line)" : line }

    private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
}

extension ReportDocument.Tone {
    /// The parameter of its escape code (ECMA-48, select graphic rendition).
    fileprivate var code: Int? {
        switch self {
        case .plain: nil
        case .title: 1
        case .faint: 2
        case .more: 32
        case .less: 31
        }
    }
}
