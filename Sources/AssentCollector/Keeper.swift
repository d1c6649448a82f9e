internal import AssentCore
internal import AssentStore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The thread that keeps the house: it drains the journal into partitions, finishes erasures, writes down how many
/// events were refused for which reason, seals days that are over, and removes those whose retention has ended. What
/// fails is tried again at the next turn.
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
        /// From when on partitions are sealed, or removed, at the next turn.
        var nextSeal = Instant(milliseconds: 0)
        var nextPrune = Instant(milliseconds: 0)
        var isStopping = false
        /// Damage that was told, and when.
        var told: [String: Instant] = [:]
    }

    private let store: Store
    /// Days by site.
    private let retentionDays: [String: Int]
    private let metrics: Metrics
    private let logger: Logger
    private let now: @Sendable () -> Instant
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())

    init(
        store: Store, retentionDays: [String: Int], metrics: Metrics, logger: Logger,
        now: @escaping @Sendable () -> Instant
    ) {
        self.store = store
        self.retentionDays = retentionDays
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
    func turn() { start(draining: store.needsDrain) }

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
        if isDue({ $0.nextPrune }) { prune() }
        if isDue({ $0.nextSeal }) { seal() }
        if let holdings = try? store.holdings() { metrics.holdings.withLock { $0 = holdings } }
    }

    private func isDue(_ next: (State) -> Instant) -> Bool {
        let now = now()
        return state.withLock { !$0.isStopping && next($0) <= now }
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
            let damage = try store.drain(at: now())
            metrics.drainSeconds.observe(NIODeadline.now() - start)
            warn(damage, again: Limits.sealMilliseconds)
        } catch {
            metrics.drainFailures.add()
            logger.error("\(error.description)")
        }
    }

    private func prune() {
        let now = now()
        do throws(StoreError) {
            let pruned = try store.prune(at: now, retentionDays: retentionDays)
            if !pruned.partitions.isEmpty {
                logger.info("Removed by retention.", metadata: ["partitions": "\(pruned.partitions.count)"])
            }
            state.withLock { $0.nextPrune = now.advanced(by: Limits.pruneMilliseconds) }
        } catch {
            logger.error("\(error.description)")
        }
    }

    /// Seals as long as nothing waits to be drained; what is left then comes at the next turn.
    private func seal() {
        let now = now()
        var isDone = true
        do throws(StoreError) {
            let sealed = try store.seal(at: now) {
                isDone = state.withLock { !$0.isWanted && !$0.isStopping }
                return isDone
            }
            if !sealed.partitions.isEmpty {
                logger.info("Sealed.", metadata: ["partitions": "\(sealed.partitions.count)"])
            }
            warn(sealed.damage, again: nil)
        } catch {
            logger.error("\(error.description)")
        }
        if isDone { state.withLock { $0.nextSeal = now.advanced(by: Limits.sealMilliseconds) } }
    }

    /// Tells damage.
    /// - Parameter again: milliseconds after which the same is told once more; nil for never.
    private func warn(_ damage: [String], again: Int64?) {
        let now = now()
        for sentence in damage {
            let isNew = state.withLock { state in
                if let last = state.told[sentence] {
                    guard let again, last.advanced(by: again) <= now else { return false }
                }
                state.told[sentence] = now
                return true
            }
            if isNew { logger.warning("\(sentence)") }
        }
    }

    /// Writes what is left, drains it if that is soon done, and ends the thread.
    func finish() async {
        state.withLock { $0.isStopping = true }
        store.hurry()
        start(draining: store.waiting.events <= Limits.drainedAtStartMax)
        await pool.finish()
    }
}
