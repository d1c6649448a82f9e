import Foundation
import Glibc
import Support
import Testing

/// What a command says on a terminal while it works.
@Suite(.timeLimit(.minutes(5))) struct ProgressTests {
    /// A terminal without anybody before it.
    private final class Terminal {
        let inside: FileHandle
        private let outside: Int32

        init() throws {
            // TIOCSPTLCK and TIOCGPTN: what unlockpt and ptsname do.
            let (unlock, number): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
            outside = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
            var value: CInt = 0
            try #require(ioctl(outside, unlock, &value) == 0 && ioctl(outside, number, &value) == 0)
            inside = FileHandle(fileDescriptor: open("/dev/pts/\(value)", O_RDWR | O_NOCTTY), closeOnDealloc: true)
        }

        deinit { close(outside) }

        /// What is shown until it contains the text, or until it has been silent for a while.
        func read(until text: String) -> String {
            var shown: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while !String(decoding: shown, as: UTF8.self).contains(text) {
                var wanted = pollfd(fd: outside, events: Int16(POLLIN), revents: 0)
                guard poll(&wanted, 1, Int32(Chromium.patience.components.seconds * 1_000)) > 0 else { break }
                let count = Glibc.read(outside, &buffer, buffer.count)
                guard count > 0 else { break }
                shown += buffer[..<count]
            }
            return String(decoding: shown, as: UTF8.self)
        }
    }

    @Test("A command that takes long says so on a terminal, from two seconds on, and never in a pipe")
    func progress() throws {
        let place = try CommandTests.Place()
        let other = try CommandTests.Place()
        let terminal = try Terminal()
        let (input, otherInput) = (Pipe(), Pipe())
        let errors = Pipe()
        let line = Data("\(CommandTests.lines[0])\n".utf8)
        func start(_ place: CommandTests.Place, _ input: Pipe, errors: Any) throws -> Process {
            let process = try Program.process(
                ["import", "--basis", "b", "-", "--config", place.config], input: input,
                output: FileHandle.nullDevice, errors: errors)
            try input.fileHandleForWriting.write(contentsOf: line)
            return process
        }
        let silent = try start(other, otherInput, errors: errors)
        let begin = ContinuousClock.now
        let process = try start(place, input, errors: terminal.inside)
        // The line waits for others, with which it will be read.
        let shown = terminal.read(until: "0 lines (2 s)")
        #expect(shown == "\r\u{1B}[K0 lines (2 s)")
        #expect(ContinuousClock.now - begin >= .seconds(2))
        #expect(terminal.read(until: "(3 s)").hasSuffix("\r\u{1B}[K0 lines (3 s)"))

        for each in [input, otherInput] { try each.fileHandleForWriting.close() }
        process.waitUntilExit()
        silent.waitUntilExit()
        #expect(process.terminationStatus == 0 && silent.terminationStatus == 0)
        let last = terminal.read(until: "\u{1B}[K")
        #expect(last.hasSuffix("\r\u{1B}[K"), "the line is taken away")
        #expect(try errors.fileHandleForReading.readToEnd() ?? Data() == Data())
    }

    @Test(
        "A command that is done sooner says nothing on a terminal",
        arguments: [
            ["export"], ["report"], ["partitions", "verify"], ["partitions", "seal"], ["partitions", "backup"],
        ])
    func short(command: [String]) throws {
        let place = try CommandTests.Place()
        #expect(try place.run("import", "--basis", "b", try place.file(CommandTests.lines)).status == 0)
        let terminal = try Terminal()
        let target = command.last == "backup" ? ["\(place.folder.path)/backup"] : []
        let output = Pipe()
        let begin = ContinuousClock.now
        let process = try Program.process(
            command + target + ["--config", place.config], output: output, errors: terminal.inside)
        process.waitUntilExit()
        let isShort = ContinuousClock.now - begin < .seconds(2)
        try terminal.inside.write(contentsOf: Data("end".utf8))
        let shown = terminal.read(until: "end")
        #expect(shown == "end" || !isShort, "\(shown)")
    }
}
