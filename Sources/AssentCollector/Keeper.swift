internal import AssentCore
internal import AssentStore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The thread that keeps the house: it drains the journal into partitions, finishes erasures, and writes down how many
/// events were refused for which reason. What fails is tried again at the next turn.
final class Keeper: Sendable {
    private struct Tally: Hashable {
        let site: String
        /// The site's local date.
        let day: Day
        let reason: Refusal
    }

    private struct State {
        var tallies: [Tally: UInt64] = [:]
        /// Somebody knows of something to drain.
        var isWanted = false
        var isRunning = false
    }

    private let store: Store
    private let metrics: Metrics
    private let logger: Logger
    private let now: @Sendable () -> Instant
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())

    init(store: Store, metrics: Metrics, logger: Logger, now: @escaping @Sendable () -> Instant) {
        self.store = store
        self.metrics = metrics
        self.logger = logger
        self.now = now
        pool.start()
    }

    /// Counts events that were not stored. In memory: it is written at the next turn.
    func tally(_ reasons: [Refusal], site: String, day: Day) {
        state.withLock { state in
            for reason in reasons { state.tallies[Tally(site: site, day: day, reason: reason), default: 0] += 1 }
        }
    }

    /// Has the journal drained as soon as the thread is free.
    func drainSoon() { start(draining: true) }

    /// The turn that comes around every ``Limits/drainSeconds``.
    func turn() { start(draining: store.waiting.events > 0) }

    private func start(draining: Bool) {
        let starts = state.withLock { state in
            state.isWanted = state.isWanted || draining
            guard !state.isRunning else { return false }
            state.isRunning = true
            return true
        }
        if starts { pool.submit { _ in self.run() } }
    }

    private func run() {
        repeat { work() } while !rest()
    }

    /// Whether nothing was asked for meanwhile, and the thread may rest.
    private func rest() -> Bool {
        state.withLock { state in
            state.isRunning = state.isWanted
            return !state.isWanted
        }
    }

    private func work() {
        let (tallies, drains) = state.withLock { state in
            let taken = (state.tallies, state.isWanted)
            state.tallies = [:]
            state.isWanted = false
            return taken
        }
        write(tallies)
        if drains { drain() }
    }

    private func write(_ tallies: [Tally: UInt64]) {
        guard !tallies.isEmpty else { return }
        let requests = tallies.map { tally, count in
            LedgerRequest.refusals(site: tally.site, day: tally.day, reason: tally.reason, count: count)
        }
        do throws(StoreError) {
            _ = try store.commit(requests)
        } catch {
            logger.error("\(error.description)")
            state.withLock { $0.tallies.merge(tallies, uniquingKeysWith: +) }
        }
    }

    private func drain() {
        let start = NIODeadline.now()
        do throws(StoreError) {
            try store.drain(at: now())
            metrics.drainSeconds.observe(NIODeadline.now() - start)
        } catch {
            metrics.drainFailures.add()
            logger.error("\(error.description)")
        }
    }

    /// Writes and drains all that is left, and ends the thread.
    func finish() async {
        drainSoon()
        await pool.finish()
    }
}
