internal import AssentCore
internal import AssentStore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Who waits for something to be done: a place in the order of answers of a connection.
struct Reply: Sendable {
    let connection: NIOLoopBound<Connection>
    /// Number of the connection's event loop.
    let loop: Int
    /// Number of the request on its connection, from 0.
    let number: Int
}

/// What became of it.
enum Completion: Sendable {
    /// Events are durable.
    case durable
    /// The ledger has the choice.
    case ledger(LedgerAnswer)
    /// Nothing is stored, or the rest of a body cannot be made.
    case failed
    /// Work on another thread made this answer.
    case response(Response)
    /// Work on another thread made the next piece of a body.
    case piece([UInt8], isLast: Bool)
}

/// Group commit: one thread takes everything that waits, makes it durable, answers, and begins anew. No timer: an idle
/// collector answers after one fsync, a busy one gathers by itself.
///
/// What enters the queue leaves it in order, and ids of events are claimed as the events enter. So a duplicate is never
/// answered before its first copy is durable; and if a commit fails, everything behind it fails with it and all their
/// ids are released.
final class Committer: Sendable {
    private struct Events {
        let batch: EventBatch
        /// Hashes of the ids that are claimed for it.
        let ids: [UInt64]
        let reply: Reply
    }

    private struct Choice {
        let request: LedgerRequest
        let reply: Reply
        /// Batches that entered before it, counted since the start: they are committed first.
        let after: Int
    }

    private struct Queue {
        var events: [Events] = []
        var choices: [Choice] = []
        var eventCount = 0
        var bytes = 0
        /// Batches that have entered and left since the start.
        var entered = 0
        var left = 0
        var isRunning = false

        var isEmpty: Bool { events.isEmpty && choices.isEmpty }

        mutating func add(_ item: Events) {
            events.append(item)
            entered += 1
            eventCount += item.batch.count
            bytes += item.batch.byteCount
        }

        /// Whether the thread has to be woken, which only the first who enters does.
        mutating func start() -> Bool {
            defer { isRunning = true }
            return !isRunning
        }
    }

    private let store: Store
    private let keeper: Keeper
    private let metrics: Metrics
    private let logger: Logger
    private let loops: [any EventLoop]
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let queue = Mutex(Queue())
    /// Why the last commit failed; nil if it went well.
    private let lastFailure = Mutex<StoreError?>(nil)

    init(store: Store, keeper: Keeper, metrics: Metrics, logger: Logger, loops: [any EventLoop]) {
        self.store = store
        self.keeper = keeper
        self.metrics = metrics
        self.logger = logger
        self.loops = loops
        pool.start()
        pool.submit { _ in Scheduling.gathers() }
    }

    /// Why nothing can be made durable; nil if the last commit went well.
    var failure: StoreError? { lastFailure.withLock { $0 } }

    /// Events and bytes that wait.
    var waiting: (events: Int, bytes: Int) { queue.withLock { ($0.eventCount, $0.bytes) } }

    // MARK: Entering

    /// Lets admitted events of one visitor wait for the next commit.
    /// - Returns: how many are new and how many are duplicates, which are left out; nil if the queue or the journal is
    ///   full, and then nobody will be answered.
    func submit(
        _ events: [ConsentedEvent], site: String, at now: Instant, reply: Reply
    ) -> (stored: Int, duplicate: Int)? {
        guard store.waiting.events < Limits.journalEventsMax else { return nil }
        let ids = events.map { RecentIDs.hash(site: site, visitor: $0.event.visitor, id: $0.event.id) }
        let whole = Events(batch: EventBatch(site: site, events: events), ids: ids, reply: reply)
        let (result, starts) = queue.withLock { queue -> ((stored: Int, duplicate: Int)?, Bool) in
            guard queue.eventCount + events.count <= Limits.queueEventsMax,
                queue.bytes + whole.batch.byteCount <= Limits.queueBytesMax
            else { return (nil, false) }
            let known = store.recentIDs.claim(ids, at: now)
            if known.isEmpty {
                queue.add(whole)
            } else {
                let new = events.indices.filter { !known.contains($0) }
                queue.add(
                    Events(
                        batch: EventBatch(site: site, events: new.map { events[$0] }), ids: new.map { ids[$0] },
                        reply: reply))
            }
            return ((events.count - known.count, known.count), queue.start())
        }
        if starts { run() }
        return result
    }

    /// Lets a choice wait for the next commit.
    /// - Returns: false if the queue is full, and then nobody will be answered.
    func submit(_ request: LedgerRequest, reply: Reply) -> Bool {
        let (isTaken, starts) = queue.withLock { queue in
            guard queue.bytes + Committer.choiceBytes <= Limits.queueBytesMax else { return (false, false) }
            queue.choices.append(Choice(request: request, reply: reply, after: queue.entered))
            queue.bytes += Committer.choiceBytes
            return (true, queue.start())
        }
        if starts { run() }
        return isTaken
    }

    /// What a choice counts in the queue: a notice's text is the largest part of it.
    private static let choiceBytes = Limits.noticeBytesMax

    /// After a failure, tries whether events can be made durable again, so that a collector to which nobody sends any
    /// more, because it said that it is not ready, becomes ready by itself.
    func recover() {
        guard failure != nil else { return }
        pool.submit { _ in
            guard (try? self.store.probe()) != nil else { return }
            self.lastFailure.withLock { $0 = nil }
        }
    }

    /// Waits until what has entered is answered, and ends the thread.
    func finish() async {
        await pool.finish()
    }

    // MARK: Committing

    private func run() {
        pool.submit { _ in
            while let taken = self.take() { self.commit(taken.events, taken.choices) }
        }
    }

    /// As much as one commit takes, from the front; nil, and the thread may rest, if nothing waits.
    private func take() -> (events: [Events], choices: [Choice])? {
        queue.withLock { queue in
            guard !queue.isEmpty else {
                queue.isRunning = false
                return nil
            }
            var end = 0
            var count = 0
            while end < queue.events.count, count + queue.events[end].batch.count <= Limits.commitEventsMax {
                count += queue.events[end].batch.count
                queue.bytes -= queue.events[end].batch.byteCount
                end += 1
            }
            queue.eventCount -= count
            let events = end == queue.events.count ? queue.events : Array(queue.events[..<end])
            if end == queue.events.count { queue.events = [] } else { queue.events.removeFirst(end) }
            queue.left += end
            let due = queue.choices.prefix { $0.after <= queue.left }.count
            let choices = Array(queue.choices[..<due])
            queue.choices.removeFirst(due)
            queue.bytes -= choices.count * Committer.choiceBytes
            return (events, choices)
        }
    }

    /// Events first: a visitor who withdraws in the same commit takes them along.
    private func commit(_ events: [Events], _ choices: [Choice]) {
        let start = NIODeadline.now()
        var answers = Answers(loops: loops.count)
        do throws(StoreError) {
            if !events.isEmpty {
                if try store.append(events.map(\.batch)) { keeper.drainSoon() }
                let count = events.reduce(0) { $0 + $1.batch.count }
                metrics.appended(count, in: NIODeadline.now() - start)
                for item in events { answers.add(.durable, item.reply) }
            }
        } catch {
            fail(error, events, choices, &answers)
            answers.send(to: loops)
            return
        }
        do throws(StoreError) {
            if !choices.isEmpty {
                let made = try store.commit(choices.map(\.request))
                for (choice, answer) in zip(choices, made) { answers.add(.ledger(answer), choice.reply) }
                if choices.contains(where: \.request.leavesWork) { keeper.drainSoon() }
            }
            lastFailure.withLock { $0 = nil }
            metrics.committed(in: NIODeadline.now() - start)
        } catch {
            fail(error, [], choices, &answers)
        }
        answers.send(to: loops)
    }

    /// Everything that waits behind what failed may rest on it, and fails too.
    private func fail(
        _ error: StoreError, _ events: [Events], _ choices: [Choice], _ answers: inout Answers
    ) {
        lastFailure.withLock { $0 = error }
        metrics.commitFailures.add()
        logger.error("\(error.description)")
        let behind = queue.withLock { queue -> (events: [Events], choices: [Choice]) in
            let behind = (queue.events, queue.choices)
            store.recentIDs.release((events + queue.events).flatMap(\.ids))
            queue.left = queue.entered
            queue.events = []
            queue.choices = []
            (queue.eventCount, queue.bytes) = (0, 0)
            return behind
        }
        for item in events + behind.events { answers.add(.failed, item.reply) }
        for choice in choices + behind.choices { answers.add(.failed, choice.reply) }
    }
}

extension NIOThreadPool {
    /// Waits until a pool of one thread has done what it was given, and ends it.
    func finish() async {
        await withCheckedContinuation { done in submit { _ in done.resume() } }
        try? await shutdownGracefully()
    }
}

/// Completions by event loop, so that each loop is woken once for a commit.
private struct Answers {
    private var byLoop: [[(Reply, Completion)]]

    init(loops: Int) { byLoop = Array(repeating: [], count: loops) }

    mutating func add(_ completion: Completion, _ reply: Reply) { byLoop[reply.loop].append((reply, completion)) }

    func send(to loops: [any EventLoop]) {
        for (loop, answers) in zip(loops, byLoop) where !answers.isEmpty {
            loop.execute {
                for (reply, completion) in answers {
                    reply.connection.value.complete(reply.number, completion)
                }
            }
        }
    }
}
