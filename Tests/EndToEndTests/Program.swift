import Foundation
import FoundationNetworking
import Glibc
import Support
import Testing

/// The program as an operator runs it, built from this package.
enum Program {
    /// The directory of the package.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    /// It lies beside the tests, so that tests with a sanitizer run a program with the same one.
    static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "assent")

    /// Starts a command, or another one that it is given to.
    static func process(
        _ arguments: [String], under other: [String] = [], input: Any = FileHandle.nullDevice, output: Any,
        errors: Any, environment: [String: String] = [:]
    ) throws -> Process {
        let process = Process()
        process.executableURL = other.isEmpty ? path : URL(filePath: "/usr/bin/env")
        process.arguments = other.isEmpty ? arguments : other + [path.path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        return process
    }

    /// How a command ended and what it said.
    struct Outcome {
        let status: Int32
        /// The signal that ended it, nil if it ended by itself.
        let signal: Int32?
        let output: Data
        let errors: String

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Runs a command to its end, with a file as its standard input or none.
    /// - Parameter other: a program with its arguments that runs it, such as a tracer.
    static func outcome(
        _ arguments: [String], under other: [String] = [], input: String? = nil, environment: [String: String] = [:]
    ) throws -> Outcome {
        let (output, errors) = (Pipe(), Pipe())
        let file = try input.map { try FileHandle(forReadingFrom: URL(filePath: $0)) }
        let process = try process(
            arguments, under: other, input: file ?? FileHandle.nullDevice, output: output, errors: errors,
            environment: environment)
        return try end(of: process, output, errors)
    }

    private static func end(of process: Process, _ output: Pipe, _ errors: Pipe) throws -> Outcome {
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let said = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let signal = process.terminationReason == .uncaughtSignal ? process.terminationStatus : nil
        return Outcome(
            status: process.terminationStatus, signal: signal, output: text,
            errors: String(decoding: said, as: UTF8.self))
    }

    /// Runs a command to its end and returns what it wrote to standard output; it must succeed.
    static func run(_ arguments: String...) throws -> Data {
        let outcome = try outcome(arguments)
        try #require(outcome.status == 0, "assent \(arguments.joined(separator: " ")): \(outcome.errors)")
        return outcome.output
    }

    /// Runs a script of `deploy` to its end, with the program under the name that the script knows.
    static func script(
        _ name: String, _ arguments: String..., environment: [String: String] = [:]
    ) throws -> Outcome {
        let (output, errors) = (Pipe(), Pipe())
        let process = Process()
        process.executableURL = root.appending(path: "deploy/\(name)")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["ASSENT": path.path]) { $1 }
            .merging(environment) { $1 }
        (process.standardOutput, process.standardError) = (output, errors)
        try process.run()
        return try end(of: process, output, errors)
    }

    /// Runs another program of the path to its end.
    static func output(_ arguments: [String]) throws -> Outcome {
        let (output, errors) = (Pipe(), Pipe())
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        (process.standardOutput, process.standardError) = (output, errors)
        try process.run()
        return try end(of: process, output, errors)
    }

    /// Changes a database as somebody with `sqlite3` would.
    static func sqlite(_ path: String, _ sql: String) throws {
        let outcome = try output(["sqlite3", path, sql])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    /// `assent serve`, killed at the latest when it is let go.
    final class Collector {
        private let process: Process
        private let staff: String

        /// Starts it and waits until it listens.
        /// - Parameters:
        ///   - config: path of its configuration.
        ///   - staff: address and port of its staff listener.
        ///   - data: its data directory, in place of the configured one.
        init(config: String, staff: String, data: String? = nil) async throws {
            let place = data.map { ["--data", $0] } ?? []
            process = try Program.process(
                ["serve", "--config", config] + place, output: FileHandle.nullDevice, errors: FileHandle.nullDevice)
            self.staff = staff
            try await until("it is ready") { try await self.get("/readyz") != nil }
        }

        deinit { kill() }

        /// Ends it at once, without a word, as a loss of power would end it.
        func kill() {
            guard process.isRunning else { return }
            Glibc.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        /// Waits until the metrics have a line.
        func wait(forMetric line: String) async throws {
            try await until(line) {
                try await self.get("/metrics")?.split(separator: "\n").contains { $0 == line } == true
            }
        }

        private func until(_ what: String, _ condition: () async throws -> Bool) async throws {
            let pause = Duration.milliseconds(5)
            var pauses = Int(Chromium.patience / pause)
            while try await !condition() {
                pauses -= 1
                try #require(pauses > 0 && process.isRunning, "waited in vain until \(what)")
                try await Task.sleep(for: pause)
            }
        }

        private func get(_ path: String) async throws -> String? {
            let url = try #require(URL(string: "http://\(staff)\(path)"))
            guard let (body, answer) = try? await URLSession.shared.data(from: url),
                (answer as? HTTPURLResponse)?.statusCode == 200
            else { return nil }
            return String(decoding: body, as: UTF8.self)
        }
    }

    /// A port of the loopback that was free just now.
    static func freePort() throws -> Int {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        try #require(isBound)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
