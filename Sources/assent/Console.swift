import AssentCore
import AssentReport
import Glibc
import Synchronization

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

/// One line on a terminal that says what a command does and for how long already, from ``Limits/progressSeconds`` on;
/// nothing anywhere else.
final class Progress: Sendable {
    /// What the line says; of reference type, for the task that writes it goes on until it is told to end.
    private final class Line: Sendable {
        private let state: Mutex<(text: String, isShown: Bool)>

        init(_ text: String) { state = Mutex((text, false)) }

        func set(_ text: String) { state.withLock { $0.text = text } }

        func write(seconds: Int64) {
            state.withLock { state in
                guard !state.text.isEmpty else { return }
                state.isShown = true
                _ = FileWriter.write(Array("\r\u{1B}[K\(state.text) (\(seconds) s)".utf8), to: STDERR_FILENO)
            }
        }

        func clear() {
            state.withLock { state in
                if state.isShown { _ = FileWriter.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
                state = ("", false)
            }
        }
    }

    /// None where nobody looks.
    private let line: Line?
    private let ticker: Task<Void, Never>?

    /// Begins to count.
    /// - Parameter writesOutput: whether the command writes its result meanwhile, so that nothing is said where that goes
    ///   to a terminal too.
    init(_ text: String = "", writesOutput: Bool = false) {
        guard Console.isTerminal(STDERR_FILENO), !writesOutput || !Console.isTerminal(STDOUT_FILENO) else {
            (line, ticker) = (nil, nil)
            return
        }
        let line = Line(text)
        self.line = line
        // The command's own thread may be deep in its work.
        ticker = Task.detached {
            let start = ContinuousClock.now
            var next = start + .seconds(Limits.progressSeconds)
            while (try? await Task.sleep(until: next, clock: .continuous)) != nil {
                line.write(seconds: (ContinuousClock.now - start).components.seconds)
                next += .seconds(1)
            }
        }
    }

    deinit {
        ticker?.cancel()
        line?.clear()
    }

    /// What it says from now on.
    func show(_ text: @autoclosure () -> String) { line?.set(text()) }

    /// Takes the line away, until there is something to say again.
    func end() { line?.clear() }
}
