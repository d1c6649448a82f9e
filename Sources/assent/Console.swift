import AssentCore
import AssentReport
import Glibc

/// Where a command speaks: results to standard output, everything else to standard error.
enum Console {
    /// Says a line to people.
    static func say(_ text: String) { _ = FileWriter.write(Array((text + "\n").utf8), to: STDERR_FILENO) }

    /// Whether a person sees what is written there.
    static func isTerminal(_ file: Int32) -> Bool { isatty(file) == 1 }

    /// How a table on standard output is to look: as wide as the terminal, or 100 in a pipe; coloured only on a
    /// terminal and where nothing asks for none.
    static var tableStyle: TableStyle {
        let coloured = isTerminal(STDOUT_FILENO) && (variable("NO_COLOR") ?? "").isEmpty && variable("TERM") != "dumb"
        return TableStyle(width: width, colours: coloured)
    }

    /// How a table in a file is to look.
    static let plainTableStyle = TableStyle(width: widthInPipe, colours: false)

    private static let widthInPipe = 100

    private static var width: Int {
        if let columns = variable("COLUMNS").flatMap({ Int($0) }), columns > 0 { return columns }
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return widthInPipe
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// One line on a terminal that says how far a command is; nothing anywhere else.
struct Progress {
    private let isShown = Console.isTerminal(STDERR_FILENO)
    private var lastShown: Int64 = 0

    /// Says it, at most ten times a second.
    mutating func show(_ text: @autoclosure () -> String) {
        guard isShown else { return }
        let now = Clock.now.milliseconds
        guard now - lastShown >= 100 else { return }
        lastShown = now
        _ = FileWriter.write(Array("\r\u{1B}[K\(text())".utf8), to: STDERR_FILENO)
    }

    /// Takes the line away.
    func end() {
        guard isShown, lastShown > 0 else { return }
        _ = FileWriter.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO)
    }
}
