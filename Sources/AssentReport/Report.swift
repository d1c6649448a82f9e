public import AssentCore
public import AssentStore

/// The numbers of one site and period, ready to be written.
public struct Report: Sendable {
    /// One sentence for each damaged segment that had to be left out.
    public let damage: [String]

    /// Reads and sums up a period and, if asked, the one it is compared with.
    /// - Throws: ``ReportError``.
    public static func make(
        site: Site, timeZone: TimeZoneRules, request: ReportRequest, reader: StoreReader
    ) throws(ReportError) -> Report { fatalError("not yet") }

    /// The report as `assent.report/1`, one line of JSON that ends with a line break: the same bytes for the same data.
    public func json() -> [UInt8] { fatalError() }

    /// The report for people, in columns that fit a terminal.
    public func table(style: TableStyle) -> String { fatalError() }
}

/// How a table looks.
public struct TableStyle: Sendable, Equatable {
    /// Cells in a line, from 60 to 160; a value outside is moved to the nearer bound.
    public let width: Int
    /// Whether changes have colours and titles are bold (escape codes of ECMA-48); never in a pipe or a file.
    public let colours: Bool

    /// A style by its parts.
    public init(width: Int, colours: Bool) {
        self.width = min(max(width, 60), 160)
        self.colours = colours
    }
}
