import Foundation
import Support
import Testing

/// Runs the program under `strace`, which kills it at one of its calls to the system, or makes calls fail.
enum Strace {
    /// What happens at a call.
    enum Fault: Sendable {
        /// The program is gone before the call is done.
        case kill
        /// The call fails with that error, and those after it are done.
        case failure(String)
        /// The call and all that come after it fail with that error.
        case failures(String)
    }

    /// Calls that change files or make what was changed durable.
    static let writing = ["pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "link", "mkdir"]
    /// Those of them that need room on the disk.
    static let needingRoom = ["pwrite64", "write", "fdatasync", "fsync", "link", "mkdir"]
    /// Those and the calls that open and read.
    static let all = writing + ["openat", "pread64"]

    /// Whether a process may be traced here.
    static let isPossible: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "true"]
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationReason == .exit && process.terminationStatus == 0
    }()

    /// The names of the calls to these files and directories that a command makes, in order.
    static func calls(
        _ names: [String], of command: [String], on paths: [String]
    ) throws -> (calls: [String], outcome: Program.Outcome) {
        let (outcome, log) = try run(command, ["-e", "trace=\(names.joined(separator: ","))"], on: paths)
        // A line is the number of the thread, some spaces, and the call.
        let lines = log.split(separator: "\n")
        let threads = Set(lines.map { $0.prefix { $0 != " " } })
        // Calls are counted for each thread by itself.
        try #require(threads.count == 1, "one thread alone works on the files")
        return (lines.map { String($0.drop { $0 != " " }.drop { $0 == " " }.prefix { $0 != "(" }) }, outcome)
    }

    /// Runs a command with a fault at one of the calls that it makes.
    /// - Parameters:
    ///   - place: the index in `calls` at which it comes.
    ///   - calls: what ``calls(_:of:on:)`` gave for the same command on a copy of the same files.
    static func run(
        _ command: [String], _ fault: Fault, at place: Int, of calls: [String], on paths: [String]
    ) throws -> Program.Outcome {
        // The count of `when` is that of calls of one name.
        func count(_ name: String) -> Int { calls[..<place].count { $0 == name } + 1 }
        let injections =
            switch fault {
            case .kill: ["\(calls[place]):signal=SIGKILL:when=\(count(calls[place]))"]
            case .failure(let error): ["\(calls[place]):error=\(error):when=\(count(calls[place]))"]
            case .failures(let error): Set(calls).sorted().map { "\($0):error=\(error):when=\(count($0))+" }
            }
        var options = ["-e", "trace=\(Set(calls).sorted().joined(separator: ","))"]
        for injection in injections { options += ["-e", "inject=\(injection)"] }
        // Only what is traced stops the program, which is much faster; but then a signal is not injected.
        if case .kill = fault {} else { options.append("--seccomp-bpf") }
        let (outcome, log) = try run(command, options, on: paths)
        if case .kill = fault {
            #expect(outcome.signal == SIGKILL, "it was not killed")
        } else {
            #expect(log.contains("(INJECTED)"), "no call failed")
        }
        return outcome
    }

    private static func run(
        _ command: [String], _ options: [String], on paths: [String]
    ) throws -> (outcome: Program.Outcome, log: String) {
        let folder = try TemporaryDirectory()
        let log = "\(folder.path)/log"
        let filters = paths.flatMap { ["-P", $0] }
        let outcome = try Program.outcome(command, under: ["strace", "-f", "-qq", "-o", log] + filters + options)
        let text = try? String(contentsOfFile: log, encoding: .utf8)
        return (outcome, try #require(text, "strace did not run: \(outcome.errors)"))
    }
}
