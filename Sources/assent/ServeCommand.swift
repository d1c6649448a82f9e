import ArgumentParser
import AssentCollector
import AssentCore
import AssentStore
import Logging
import ServiceLifecycle
import UnixSignals

/// `assent serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the collector until SIGTERM or SIGINT.")

    @OptionGroup var common: CommonOptions

    func run() async throws {
        Heaps.ofCollector()
        let serving = try Serving(try common.load(), logLevel: .info, manager: .ofProcess())
        try await serving.run()
    }
}

/// A collector over an opened data directory.
struct Serving {
    private let store: Store
    private let group: ServiceGroup

    /// Opens secrets, tables and store.
    /// - Parameters:
    ///   - pages: files that the public listener gives out beside its own.
    ///   - started: is told where the listeners listen.
    init(
        _ configuration: Configuration, logLevel: Logger.Level, pages: [String: StaticFile] = [:],
        manager: ServiceManager = .none, started: @escaping @Sendable (Collector.Addresses) -> Void = { _ in }
    ) throws(Failure) {
        let logger = Logger(label: "assent") { _ in LogfmtHandler(level: logLevel) }
        do throws(StoreError) {
            var timeZones: [String: TimeZoneRules] = [:]
            for site in configuration.sites {
                timeZones[site.timezone] = try SystemTables.timeZone(named: site.timezone)
            }
            let countries = try SystemTables.countries()
            try Files.makeDirectory(configuration.data)
            let key = try Secrets.serverKey(in: configuration.data)
            let staffToken = try Secrets.staffToken(in: configuration.data)
            store = try Store.open(
                directory: configuration.data, key: key, durability: configuration.durability, now: Clock.now)
            let collector = Collector(
                configuration: configuration, store: store, reader: try StoreReader(directory: configuration.data),
                key: key, staffToken: staffToken, timeZones: timeZones, countries: countries, pages: pages,
                manager: manager,
                now: { Clock.now }, logger: logger, started: started)
            var group = ServiceGroupConfiguration(
                services: [.init(service: collector, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "assent") { _ in
                    LogfmtHandler(level: .warning)
                })
            group.maximumGracefulShutdownDuration = .seconds(Limits.stopSeconds)
            self.group = ServiceGroup(configuration: group)
        } catch {
            throw Failure(error)
        }
    }

    /// Serves until a signal or ``stop()``, then gives the data directory back.
    func run() async throws(Failure) {
        do {
            try await group.run()
        } catch let error as CollectorError {
            throw Failure(error)
        } catch {
            throw Failure(.failed, "The collector stopped: \(error).")
        }
        do throws(StoreError) {
            try store.close(at: Clock.now)
        } catch {
            throw Failure(error)
        }
    }

    /// Lets ``run()`` come to its end.
    func stop() async { await group.triggerGracefulShutdown() }
}
