import ArgumentParser
import AssentCollector
import AssentConfiguration
import AssentCore
import AssentReport
import AssentStore
import Glibc
import Logging

/// `assent demo`
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "The main job on this machine: a site, its visitors, a report, and your own visit.",
        discussion: "Everything lies in a temporary folder that is gone afterwards. It has a configuration of its own.")

    @OptionGroup var common: CommonOptions

    @Option(help: "Port of the site. (default: 8787; with --once any free one)")
    var port: Int?

    @Flag(help: "Do not wait: start the collector, look whether it answers, print the report, stop.")
    var once = false

    private static let defaultPort = 8787
    private static let visitors = 1_500
    private static let secondsMax = 10

    func validate() throws {
        guard port.map({ (1...65_535).contains($0) }) ?? true else {
            throw ValidationError("--port must be 1 to 65535.")
        }
    }

    func run() async throws {
        if let file = common.config { Console.say("The demonstration has its own configuration: \(file) is not read.") }
        let folder = try TemporaryFolder(name: "assent-demo")
        let data = common.data ?? "\(folder.path)/data"
        if common.data != nil { try Self.requireEmpty(data) }
        let port = try self.port ?? (once ? Self.freePort() : Self.defaultPort)
        let file = "\(folder.path)/assent.toml"
        let text = DemoSite.configuration(port: port, staffPort: try Self.freePort(), data: data)
        let configuration = try Self.read(text, file: file)
        let site = configuration.sites[0]
        let zone = try site.timeZone()
        let today = zone.date(of: Clock.now)

        let options = Simulation.Options(visitors: Self.visitors, end: today.advanced(by: -1))
        let outcome = try SimulateCommand.simulate(options, site: site, configuration)
        Console.say(
            "Simulated \(options.weeks) weeks of visitors: \(outcome.consents) agreed, \(outcome.refusals) refused, "
                + "\(outcome.withdrawals) withdrew; \(outcome.events) events.\n")

        let (listening, told) = AsyncStream.makeStream(of: Collector.Addresses.self)
        let serving = try Serving(configuration, logLevel: .warning, pages: DemoSite.pages) { addresses in
            told.yield(addresses)
            told.finish()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { told.finish() }
                try await serving.run()
            }
            do {
                for await addresses in listening {
                    try Self.look(at: addresses.listen)
                    try Self.printReport(of: site, zone: zone, data: data)
                    guard !once else { continue }
                    Console.say(Self.guide(port: port, file: file, week: ISOWeek(containing: today), folder.path))
                }
            } catch {
                await serving.stop()
                throw error
            }
            if once { await serving.stop() }
            try await group.waitForAll()
        }
        withExtendedLifetime(folder) {}
    }

    /// What is made up must not come among what is real.
    private static func requireEmpty(_ data: String) throws(Failure) {
        guard let names = try? Files.names(in: data), names.isEmpty else {
            throw Failure(.usage, "\(data) is not empty: --data must name a new directory.")
        }
    }

    private static func read(_ text: String, file: String) throws(Failure) -> Configuration {
        do {
            try Files.create(file, Array(text.utf8))
            return try Configuration(toml: Array(text.utf8), file: file) {
                (try? SystemTables.timeZone(named: $0)) != nil
            }
        } catch let error as StoreError {
            throw Failure(error)
        } catch {
            throw Failure(.configuration, "\(error)")
        }
    }

    /// A port of the loopback address that nobody listens at just now.
    private static func freePort() throws(Failure) -> Int {
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
        guard isBound else { throw Failure(.failed, "There is no free port: \(String(cString: strerror(errno))).") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Whether the site and its script are there.
    private static func look(at address: String) throws(Failure) {
        guard let endpoint = Endpoint(address) else { throw Failure(.failed, "The collector listens nowhere.") }
        var client = try HTTPClient(endpoint, seconds: secondsMax)
        for path in ["/en/", "/assent.js"] {
            let answer = try client.send("GET", path)
            guard answer.status == 200, !answer.body.isEmpty else {
                throw Failure(.failed, "The collector answers \(answer.status) to \(path).")
            }
        }
    }

    private static func printReport(of site: Site, zone: TimeZoneRules, data: String) throws {
        let report: Report
        do throws(ReportError) {
            let request = try ReportRequest(trend: .line, now: Clock.now, timeZone: zone)
            report = try ReportCommand.make(request, site: site, timeZone: zone, data: data)
        } catch {
            throw Failure(error)
        }
        var writer = FileWriter()
        try writer.write(Array(report.table(style: Console.tableStyle).utf8))
        try writer.finish()
    }

    private static func guide(port: Int, file: String, week: ISOWeek, _ folder: String) -> String {
        """

        This was last week, made up. Now you:
          1. Open http://localhost:\(port)/en/ (or /fr/, /ar/), accept, and look around.
          2. See your own visit, in this week so far:
             \(CommandLine.arguments[0]) report --config \(file) --week \(week) --compare none
          3. Withdraw on the page, and make the report again: your visit is gone.

        Ctrl-C ends the demonstration and removes \(folder).
        """
    }
}
