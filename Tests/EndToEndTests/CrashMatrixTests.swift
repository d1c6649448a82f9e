import AssentCore
import AssentStore
import Foundation
import Support
import Testing

/// Whatever call a step of the store is killed or fails at, readers see each partition as it was before or as it is
/// after, nothing that was acknowledged is lost or doubled, and doing it again ends as if nothing had happened.
@Suite(.enabled(if: Strace.isPossible, "needs strace, and the right to trace a process"), .timeLimit(.minutes(30)))
struct CrashMatrixTests {
    /// `make crash-matrix` takes every call; else every so many, a different remainder for each kind of fault.
    private static let isWhole = ProcessInfo.processInfo.environment["ASSENT_CRASH_MATRIX"] == "whole"

    private static func places(_ calls: [String], every: Int, from first: Int = 0) -> [Int] {
        Array(stride(from: isWhole ? 0 : first % every, to: calls.count, by: isWhole ? 1 : every))
    }

    /// A step, the directory before it, and what it comes to if nothing disturbs it.
    private struct Undisturbed {
        let step: CrashStep
        let configuration: TemporaryDirectory
        let start: TemporaryDirectory
        let before: Contents
        let after: Contents
        /// Files and directories of a data directory, but for the memory that SQLite's processes share.
        private let names: [String]
        private let needles: [ByteSearch.Needle]

        init(_ step: CrashStep) throws {
            self.step = step
            configuration = try TemporaryDirectory()
            try CrashStep.configuration.write(
                toFile: "\(configuration.path)/assent.toml", atomically: true, encoding: .utf8)
            try Data(step.lines()).write(to: URL(filePath: "\(configuration.path)/lines"))
            start = try TemporaryDirectory()
            needles = try step.prepare(start.path)
            let (look, end) = (try start.copy(), try start.copy())
            before = try Contents(look.path)
            let outcome = try Program.outcome(Self.command(step, configuration, end))
            try #require(outcome.status == 0, "\(outcome.errors)")
            after = try Contents(end.path)
            let files = Set(try start.files() + end.files())
            let folders = files.map { String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex)) }
            let logs = files.filter { $0.hasSuffix(".sqlite") }.flatMap { ["\($0)-wal", "\($0)-journal"] }
            names = files.filter { !$0.hasSuffix("-shm") } + logs + folders + ["partitions"]
        }

        func command(_ directory: TemporaryDirectory) -> [String] { Self.command(step, configuration, directory) }

        private static func command(
            _ step: CrashStep, _ configuration: TemporaryDirectory, _ directory: TemporaryDirectory
        ) -> [String] {
            let file = step.command[0] == "import" ? ["\(configuration.path)/lines"] : []
            return step.command + file
                + ["--config", "\(configuration.path)/assent.toml", "--data", directory.path]
        }

        func paths(_ directory: TemporaryDirectory) -> [String] {
            Set(names).sorted().map { $0.isEmpty ? directory.path : "\(directory.path)/\($0)" }
        }

        /// The calls that the step makes when nothing disturbs it.
        func calls(_ names: [String]) throws -> [String] {
            let directory = try start.copy()
            let (calls, outcome) = try Strace.calls(names, of: command(directory), on: paths(directory))
            try #require(outcome.status == 0 && calls.count > 2, "\(calls.count) calls; \(outcome.errors)")
            return calls
        }

        func run(_ fault: Strace.Fault, at place: Int, of calls: [String]) throws -> (
            outcome: Program.Outcome, directory: TemporaryDirectory
        ) {
            let directory = try start.copy()
            let outcome = try Strace.run(command(directory), fault, at: place, of: calls, on: paths(directory))
            return (outcome, directory)
        }

        /// What must hold right after a fault, and when the step is done again.
        func check(_ directory: TemporaryDirectory, _ place: String) throws {
            let found = try Contents(directory.path)
            #expect(found.faults.isEmpty, "\(place)")
            #expect(found.isBetween(before, after), "\(place): a part is neither as before nor as after")
            if let erased = step.erased {
                #expect(found.visitors["coalition"]?[erased] == nil, "\(place)")
                #expect(
                    found.parts.allSatisfy { name, part in
                        name.site != "coalition" || part.events.allSatisfy { $0.visitor != erased }
                    }, "\(place): a reader sees who is erased")
            }
            let again = try Program.outcome(command(directory))
            #expect(again.status == 0, "\(place): \(again.errors)")
            #expect(try Contents(directory.path) == after, "\(place): done again it is not as if nothing had happened")
            #expect(try findings(directory).isEmpty, "\(place)")
            try goesOn(directory, place)
        }

        /// Where something lies of what may not be found in the end.
        func findings(_ directory: TemporaryDirectory) throws -> [String] {
            needles.isEmpty ? [] : try ByteSearch(directory.path, for: needles).findings
        }

        /// The directory takes new events, and erasures are noted as done.
        private func goesOn(_ directory: TemporaryDirectory, _ place: String) throws {
            let store = try CrashStep.open(directory.path)
            #expect(!store.needsDrain, "\(place): something is left to do")
            try CrashStep.append(1, "second", CrashStep.now.day, seed: 77, to: store)
            try store.close(at: CrashStep.now)
            #expect(try Contents(directory.path).count == after.count + 1, "\(place)")
        }
    }

    @Test("A step changes what it is for, and nothing else", arguments: CrashStep.all)
    func undisturbed(step: CrashStep) throws {
        let whole = try Undisturbed(step)
        #expect(whole.before.faults.isEmpty && whole.after.faults.isEmpty)
        #expect(whole.after.drained == whole.after.count)
        let (before, after) = (whole.before, whole.after)
        switch step.testDescription {
        case "drain":
            #expect(before.parts == after.parts && before.parts.count == 4 && before.drained == 20)
        case "seal":
            #expect(before.count == 105 && after.count == 105)
            #expect(before.parts.mapValues(\.hash) == after.parts.mapValues(\.hash))
            #expect(before.parts.values.allSatisfy { !$0.isSealed } && after.parts.values.allSatisfy(\.isSealed))
        case "prune":
            #expect(before.parts.count == 6 && Set(after.parts.keys.map(\.day)) == [CrashStep.old])
        case "withdraw":
            #expect(before.count == 30 && after.count < 30 && after.drained == after.count)
            #expect(before.visitors["coalition"]?.count == 6 && after.visitors["coalition"]?[2] == nil)
            #expect(try !whole.findings(whole.start).isEmpty)
        case "import":
            #expect(before.count == 10 && after.count == 30 && before.parts.values.allSatisfy(\.isSealed))
            #expect(after.visitors["coalition"]?.count == 8)
        default:
            #expect(before.parts == after.parts && before.visitors == after.visitors)
            #expect(before.drained > after.drained)
            #expect(try !whole.findings(whole.start).isEmpty)
        }
    }

    @Test(
        "A step that is killed at any call is finished or not begun, and doing it again finishes it",
        arguments: CrashStep.all)
    func killed(step: CrashStep) throws {
        let whole = try Undisturbed(step)
        let calls = try whole.calls(Strace.writing)
        for place in Self.places(calls, every: 4) {
            let (_, directory) = try whole.run(.kill, at: place, of: calls)
            try whole.check(directory, "killed at call \(place) of \(calls.count), \(calls[place])")
        }
    }

    @Test("A step one of whose calls fails ends with 1 and a sentence, and nothing is lost", arguments: CrashStep.all)
    func failed(step: CrashStep) throws {
        let whole = try Undisturbed(step)
        let calls = try whole.calls(Strace.all)
        for place in Self.places(calls, every: 6, from: 1) {
            let (outcome, directory) = try whole.run(.failure("EIO"), at: place, of: calls)
            let name = "EIO at call \(place) of \(calls.count), \(calls[place])"
            try Self.check(outcome, directory, whole, name, reads: calls[place] == "pread64")
        }
    }

    @Test(
        "A step for which there is no room any more ends with 1 and a sentence, and nothing is lost",
        arguments: CrashStep.all)
    func full(step: CrashStep) throws {
        let whole = try Undisturbed(step)
        let calls = try whole.calls(Strace.needingRoom)
        for place in Self.places(calls, every: 4, from: 2) {
            let (outcome, directory) = try whole.run(.failures("ENOSPC"), at: place, of: calls)
            let name = "ENOSPC from call \(place) of \(calls.count) on, \(calls[place])"
            try Self.check(outcome, directory, whole, name)
        }
    }

    /// A command that says it is done is done; else it ends with 1 and one sentence that says where.
    /// - Parameter reads: it was a read that failed: what cannot be read is damage, and a seal that meets damage goes on,
    ///   names it and ends with 2.
    private static func check(
        _ outcome: Program.Outcome, _ directory: TemporaryDirectory, _ whole: Undisturbed, _ place: String,
        reads: Bool = false
    ) throws {
        #expect(outcome.signal == nil, "\(place)")
        if outcome.status == 0 {
            #expect(try Contents(directory.path) == whole.after, "\(place): it said that it was done")
        } else {
            let said = outcome.errors.split(separator: "\n")
            #expect(outcome.status == 1 || reads && outcome.status == 2, "\(place): \(outcome.status)")
            // A receipt and the sentence that goes with it are for the visitor too, and name no path.
            let isNamed = said.allSatisfy {
                $0.contains(directory.path) || $0.hasPrefix("Not everything could be erased now. Left: ")
            }
            #expect(said.count == 1 && isNamed && said[0].hasSuffix("."), "\(place): \(said)")
        }
        try whole.check(directory, place)
    }
}
