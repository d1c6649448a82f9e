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
    func painted(_ text: String, _ tone: TextTable.Tone) -> String {
        guard colours, let code = tone.code else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

/// Text in columns: the first for names, the others for numbers, which stand at the right.
struct TextTable {
    enum Tone {
        case plain, title, faint, more, less

        var code: Int? {
            switch self {
            case .plain: nil
            case .title: 1
            case .faint: 2
            case .more: 32
            case .less: 31
            }
        }
    }

    struct Cell {
        var text: String
        var tone = Tone.plain
    }

    struct Column {
        let title: String
        /// Columns with the highest number go first where the line is too short for all of them.
        var dispensable = 0
    }

    private static let gap = 2
    /// Cells that names get at least, even if a column of numbers must be left out for it.
    private static let nameCellsMin = 20
    /// Cells that names get where there is room, so that the tables of a report stand alike.
    private static let nameCellsUsual = 24

    private let name: String
    private let columns: [Column]
    private var rows: [(name: String, cells: [Cell], tone: Tone)] = []

    init(name: String, columns: [Column]) {
        self.name = name
        self.columns = columns
    }

    /// Adds a row with one cell for each column of numbers.
    mutating func add(_ name: String, _ cells: [Cell], tone: Tone = .plain) {
        rows.append((TextWidth.printable(name), cells, tone))
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
        let titles = columns.map { Cell(text: $0.title, tone: .faint) }
        return ([(name, titles, Tone.title)] + rows).map { row in
            let first = TextWidth.truncated(row.name, to: names)
            let numbers = shown.map { column in
                let cell = row.cells[column]
                return Self.spaces(Self.gap + widths[column] - TextWidth.cells(cell.text))
                    + style.painted(cell.text, cell.tone)
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
