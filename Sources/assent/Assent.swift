import ArgumentParser
import Glibc

/// The program: its commands, and how they end.
@main struct Assent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assent",
        abstract: "Consent-aware web analytics: nothing is stored of a visitor who did not say yes.",
        discussion: "Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, "
            + "2 found something wrong, 64 usage, 78 configuration.",
        subcommands: [
            ServeCommand.self, ReportCommand.self, ImportCommand.self, ExportCommand.self, PartitionsCommand.self,
            PrivacyCommand.self, LedgerCommand.self, ConfigCommand.self, SimulateCommand.self, DemoCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            Console.say(failure.description)
            Glibc.exit(failure.status.rawValue)
        } catch {
            exit(withError: error)
        }
    }
}

/// Why a command ends without having done all that it was asked to.
struct Failure: Error, CustomStringConvertible {
    enum Status: Int32 {
        case failed = 1
        case foundWrong = 2
        case usage = 64
        case configuration = 78
    }

    let status: Status
    /// What, where, what to do. May have several lines.
    let description: String

    init(_ status: Status = .failed, _ description: String) {
        self.status = status
        self.description = description
    }

    /// The sentence of an error from another room.
    init(_ error: some Error & CustomStringConvertible) { self.init(.failed, error.description) }
}
