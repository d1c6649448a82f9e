public import AssentCore
public import AssentStore
internal import Glibc
public import Logging
internal import NIOCore
internal import NIOPosix
public import ServiceLifecycle

/// Why the collector cannot serve: what, where and what to do, in one sentence.
public struct CollectorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence for people.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// The running collector: two listeners over one data directory.
///
/// Request by request: a connection gathers it, a route judges it, the committer makes durable what it stores, and only
/// then it is answered. The keeper tidies up behind.
public struct Collector: Service {
    /// Where the listeners really listen, as `address:port`.
    public struct Addresses: Sendable, Equatable {
        /// The public one.
        public let listen: String
        /// That of the staff.
        public let staff: String
    }

    private let configuration: Configuration
    private let store: Store
    private let reader: StoreReader
    private let sites: [ServedSite]
    private let staffToken: String
    private let pages: [String: StaticFile]
    private let manager: ServiceManager
    private let patience: Patience
    private let now: @Sendable () -> Instant
    private let logger: Logger
    private let started: @Sendable (Addresses) -> Void

    /// A collector that will serve the sites of a configuration.
    /// - Parameters:
    ///   - store: stays open when ``run()`` is over: whoever opened it closes it.
    ///   - reader: reads the same directory, for reports and for visitors who ask what is held.
    ///   - key: signs the tokens; the one that the store was opened with.
    ///   - timeZones: rules by the name that sites have in the configuration; UTC where there are none.
    ///   - pages: files that the public listener gives out beside its own, by path; for a demonstration.
    ///   - manager: whoever started the process; is told when it serves and when it stops.
    ///   - now: the server's clock.
    ///   - started: is told where the listeners listen once both do. Port 0 in the configuration is any free one.
    public init(
        configuration: Configuration, store: Store, reader: StoreReader, key: ServerKey, staffToken: String,
        timeZones: [String: TimeZoneRules], countries: CountryTable, pages: [String: StaticFile] = [:],
        manager: ServiceManager = .none, now: @escaping @Sendable () -> Instant, logger: Logger,
        started: @escaping @Sendable (Addresses) -> Void = { _ in }
    ) {
        self.init(
            configuration: configuration, store: store, reader: reader, key: key, staffToken: staffToken,
            timeZones: timeZones, countries: countries, pages: pages, manager: manager, patience: Patience(), now: now,
            logger: logger,
            started: started)
    }

    init(
        configuration: Configuration, store: Store, reader: StoreReader, key: ServerKey, staffToken: String,
        timeZones: [String: TimeZoneRules], countries: CountryTable, pages: [String: StaticFile],
        manager: ServiceManager, patience: Patience, now: @escaping @Sendable () -> Instant, logger: Logger,
        started: @escaping @Sendable (Addresses) -> Void
    ) {
        self.configuration = configuration
        self.store = store
        self.reader = reader
        self.staffToken = staffToken
        self.pages = pages
        self.manager = manager
        self.patience = patience
        self.now = now
        self.logger = logger
        self.started = started
        sites = configuration.sites.map { site in
            ServedSite(
                site, key: key, timeZone: timeZones[site.timezone] ?? .utc, countries: countries,
                rules: configuration.rules, store: store)
        }
    }

    /// Serves until a graceful shutdown, or until its task is cancelled. Then it accepts nothing more, answers 503 to
    /// what still comes, finishes what it has taken, writes it into partitions, and returns.
    /// - Throws: ``CollectorError`` if it cannot listen.
    public func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: Collector.availableCores())
        do {
            try await serve(on: group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try? await group.shutdownGracefully()
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        let loops = Array(group.makeIterator())
        let stopSign = StopSign()
        let metrics = Metrics()
        let retentionDays = configuration.retentionDays
        let keeper = Keeper(
            store: store, retentionDays: retentionDays, metrics: metrics, logger: logger, now: now)
        let committer = Committer(store: store, keeper: keeper, metrics: metrics, logger: logger, loops: loops)
        let rights = RightsDesk(reader: reader, stopSign: stopSign, logger: logger)
        let open = PublicRoutes(
            sites: sites, committer: committer, keeper: keeper, rights: rights, metrics: metrics,
            loops: loops.count, requestsPerMinute: configuration.requestsPerMinute, pages: pages, stopSign: stopSign,
            now: now)
        let staff = StaffRoutes(
            sites: sites, retentionDays: retentionDays, store: store, reader: reader, committer: committer,
            metrics: metrics, token: staffToken,
            stopSign: stopSign, now: now)
        func finish() async {
            await committer.finish()
            await rights.finish()
            await staff.finish()
            await keeper.finish()
        }

        let listeners: [Listener]
        do {
            listeners = try await listen(open, staff, metrics, stopSign, group, loops)
        } catch {
            await finish()
            throw error
        }
        let turns = group.next().scheduleRepeatedTask(
            initialDelay: .seconds(Int64(Limits.drainSeconds)), delay: .seconds(Int64(Limits.drainSeconds))
        ) { _ in
            keeper.turn()
            committer.recover()
        }
        keeper.turn()
        started(Addresses(listen: listeners[0].address, staff: listeners[1].address))
        manager.tell("READY=1")
        let signs = manager.watch(loops)
        logger.info("Listening.", metadata: ["public": "\(listeners[0].address)", "staff": "\(listeners[1].address)"])

        try? await gracefulShutdown()
        manager.tell("STOPPING=1")
        logger.info("Stopping.")
        stopSign.raise()
        turns.cancel()
        for listener in listeners { try? await listener.channel.close().get() }
        await close(listeners, loops)
        await finish()
        signs?.cancel()
        logger.info("Stopped.")
    }

    private func listen(
        _ open: PublicRoutes, _ staff: StaffRoutes, _ metrics: Metrics, _ stopSign: StopSign,
        _ group: MultiThreadedEventLoopGroup, _ loops: [any EventLoop]
    ) async throws(CollectorError) -> [Listener] {
        func desk(
            crossOrigin: [String: String], refusal: @escaping @Sendable (Request) -> Response?,
            answer: @escaping @Sendable (Request, Reply) -> Outcome
        ) -> Desk {
            Desk(
                answer: answer, refusal: refusal, crossOrigin: crossOrigin,
                trusted: TrustedProxies(configuration.trustedProxies), metrics: metrics,
                stopSign: stopSign, now: now, patience: patience)
        }
        let first = try await Listener.open(
            configuration.listen, key: "listen",
            desk: desk(
                crossOrigin: PublicRoutes.crossOrigin(configuration.sites), refusal: PublicRoutes.refusal,
                answer: open.answer),
            connections: Connections(count: metrics.connections, loops: loops),
            connectionsMax: Collector.connectionsMax(),
            inherited: manager.sockets["listen"], group: group, loops: loops)
        do throws(CollectorError) {
            let second = try await Listener.open(
                configuration.staffListen, key: "staff_listen",
                desk: desk(crossOrigin: [:], refusal: staff.refusal, answer: staff.answer),
                connections: Connections(count: Metrics.Gauge(), loops: loops),
                connectionsMax: Limits.staffConnectionsMax,
                inherited: manager.sockets["staff_listen"], group: group, loops: loops)
            return [first, second]
        } catch {
            try? await first.channel.close().get()
            throw error
        }
    }

    /// Ends the connections when they are answered; those that do not come to an end by themselves in half of the time
    /// that there is are left to the end of their event loops.
    private func close(_ listeners: [Listener], _ loops: [any EventLoop]) async {
        let deadline = NIODeadline.now() + .milliseconds(Int64(Limits.stopSeconds) * 500)
        for listener in listeners { listener.connections.stop() }
        while listeners.contains(where: { $0.connections.count.value > 0 }), NIODeadline.now() < deadline {
            try? await loops[0].scheduleTask(in: .milliseconds(10)) {}.futureResult.get()
        }
    }

    /// ``Limits/connectionsMax``, or what the process may open if that is less: the soft limit is raised to the hard one
    /// first, and the store keeps its share.
    private static func connectionsMax() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Limits.connectionsMax }
        let wanted = rlim_t(Limits.connectionsMax + Limits.reservedFiles)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = min(wanted, limit.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else {
            return Limits.connectionsMax
        }
        return max(1, Int(limit.rlim_cur) - Limits.reservedFiles)
    }

    /// Processors that this process may use: NIO does not look at its affinity.
    private static func availableCores() -> Int {
        let status = (try? Files.contents("/proc/self/status")) ?? []
        let name = Array("\nCpus_allowed:".utf8)
        guard let place = status.firstRange(of: name) else { return System.coreCount }
        let mask = status[place.upperBound...].prefix { $0 != UInt8(ascii: "\n") }
        let count = mask.reduce(0) { $0 + (Character(Unicode.Scalar($1)).hexDigitValue ?? 0).nonzeroBitCount }
        return count > 0 ? min(count, System.coreCount) : System.coreCount
    }
}
