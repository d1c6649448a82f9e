import ArgumentParser
import AssentCore
import AssentStore

/// `assent simulate`
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Fill the data directory with made-up visitors.",
        discussion: "For trying things out, never beside real data: what is made up cannot be told from it. "
            + "The same seed gives the same numbers.")

    @OptionGroup var common: CommonOptions

    @Option(help: "The site. (default: the only one)")
    var site: String?

    @Option(help: "Weeks, 1 to 104.")
    var weeks = 8

    @Option(help: "Visitors who agree, 1 to 10000000.")
    var visitors = 5_000

    @Option(help: "Decides every draw.")
    var seed: UInt64 = 1

    @Option(help: "Last day, by the site's clock. (default: yesterday)", transform: OptionValue.date)
    var end: Day?

    func validate() throws {
        guard Limits.simulatedWeeks.contains(weeks) else {
            throw ValidationError("--weeks must be 1 to \(Limits.simulatedWeeks.upperBound).")
        }
        guard Limits.simulatedVisitors.contains(visitors) else {
            throw ValidationError("--visitors must be 1 to \(Limits.simulatedVisitors.upperBound).")
        }
    }

    func run() throws {
        let configuration = try common.load()
        let site = try configuration.site(site)
        let today = try site.timeZone().date(of: Clock.now)
        let end = end ?? today.advanced(by: -1)
        guard end < today else {
            throw Failure(.usage, "--end must be before today: nothing is simulated ahead of time.")
        }
        let options = Simulation.Options(weeks: weeks, visitors: visitors, seed: seed, end: end)
        let outcome = try Self.simulate(options, site: site, configuration)
        var writer = FileWriter()
        try writer.write(
            Array(
                """
                Simulated \(weeks) weeks of \(site.id) to \(end) with seed \(seed):
                \(outcome.consents) consents, \(outcome.refusals) refusals, \(outcome.withdrawals) withdrawals, \
                \(outcome.events) events stored, \(outcome.turnedAway) turned away.

                """.utf8))
        try writer.finish()
    }

    /// Holds the data directory, makes it if it is missing, and writes what is simulated.
    static func simulate(
        _ options: Simulation.Options, site: Site, _ configuration: Configuration
    ) throws(Failure) -> Simulation.Outcome {
        let progress = Progress()
        defer { progress.end() }
        do {
            try Files.makeDirectory(configuration.data)
            let key = try Secrets.serverKey(in: configuration.data)
            var simulation = try Simulation(site: site, key: key, options: options)
            let store = try Store.open(
                directory: configuration.data, key: key, durability: .process, now: Clock.now)
            let outcome = try simulation.run(in: store) { day, outcome in
                progress.show("\(day): \(outcome.events) events of \(outcome.consents) visitors")
            }
            try store.close(at: Clock.now)
            return outcome
        } catch let failure as Failure {
            throw failure
        } catch let error as StoreError {
            throw Failure(error)
        } catch {
            preconditionFailure("nothing else is thrown here")
        }
    }
}
