public import AssentCore
public import AssentStore
internal import Glibc
internal import Synchronization

/// Reads lines of an import, one event each, and stores them in large batches. Used with a collector and without one.
///
/// Bytes may come in pieces of any size; memory is bounded by two batches (``Limits/importBatchEvents``,
/// ``Limits/importBatchBytes``) and one line.
public struct Importer {
    /// What became of the lines so far.
    public struct Counts: Sendable, Equatable {
        /// Lines that were read; empty ones are none.
        public var lines = 0
        /// Events that were stored.
        public var stored = 0
        /// Events that were held already, and those of visitors who were erased.
        public var duplicates = 0
        /// Lines that were skipped because something is wrong with them.
        public var bad = 0

        /// Nothing was read.
        public init() {}
    }

    /// What became of the lines so far. Lines that wait to be stored count as lines only.
    public private(set) var counts = Counts()

    private let store: Store
    private let gate: Gate
    private let ground: RecordNumber
    private let now: @Sendable () -> Instant
    private let badLine: (Int, String) -> Void
    /// Number of the line that is being read, from 1.
    private var number = 1
    private var rest: [UInt8] = []
    private var isTooLong = false
    private var waiting: [Admitted] = []
    /// Bytes of the lines that wait.
    private var waitingBytes = 0
    /// The batch before, which is stored while the next one is read.
    private var errand: Errand?

    /// A line that has passed the gate, its event still without a number.
    private struct Admitted: Sendable {
        let visitor: VisitorID
        let event: ConsentedEvent
    }

    /// Records the ground on which imported events are held.
    /// - Parameter basis: why they may be held, for the ledger.
    /// - Returns: the number that imported events bear in the place of a consent record.
    /// - Throws: ``StoreError``
    public static func ground(
        basis: String, site: String, at now: Instant, in store: Store
    ) throws(StoreError) -> RecordNumber {
        guard case .ground(let number)? = try store.commit([.ground(site: site, basis: basis, at: now)]).first else {
            preconditionFailure("the ledger answers a ground with its number")
        }
        return number
    }

    /// An importer for the site of a gate.
    /// - Parameters:
    ///   - ground: what ``ground(basis:site:at:in:)`` gave.
    ///   - badLine: is told the number of each line that is skipped, from 1, and what is wrong with it.
    public init(
        store: Store, gate: Gate, ground: RecordNumber, now: @escaping @Sendable () -> Instant,
        badLine: @escaping (Int, String) -> Void
    ) {
        self.store = store
        self.gate = gate
        self.ground = ground
        self.now = now
        self.badLine = badLine
    }

    /// Takes the next bytes. Batches that are full are stored, beside the reading of the next one; what ``counts`` says is
    /// stored is durable.
    /// - Throws: ``StoreError``; what was stored before stays, and importing it again stores nothing twice.
    public mutating func add(_ bytes: ArraySlice<UInt8>) throws(StoreError) {
        var bytes = bytes
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            take(bytes[..<end])
            try endLine()
            bytes = bytes[(end + 1)...]
        }
        take(bytes)
    }

    /// Takes the end of the last line and stores what waits.
    /// - Throws: ``StoreError``
    public mutating func finish() throws(StoreError) {
        if !rest.isEmpty || isTooLong { try endLine() }
        try write(beside: false)
    }

    private mutating func take(_ bytes: ArraySlice<UInt8>) {
        guard !isTooLong else { return }
        if rest.count + bytes.count > Limits.importLineBytesMax {
            isTooLong = true
            rest = []
        } else {
            rest += bytes
        }
    }

    private mutating func endLine() throws(StoreError) {
        defer {
            rest.removeAll(keepingCapacity: true)
            isTooLong = false
            number += 1
        }
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
        guard isTooLong || !rest.isEmpty else { return }
        counts.lines += 1
        do throws(BadRequest) {
            guard !isTooLong else { throw BadRequest("", "must be at most \(Limits.importLineBytesMax) bytes") }
            let line = try EventLine(parsing: rest)
            // The gate judges now, with any number, so that a bad line gives no visitor a number.
            waiting.append(
                Admitted(visitor: line.visitor, event: try gate.admit(line, visitor: 0, record: ground)))
        } catch {
            counts.bad += 1
            badLine(number, error.description)
        }
        waitingBytes += rest.count
        if waiting.count == Limits.importBatchEvents || waitingBytes >= Limits.importBatchBytes {
            try write(beside: true)
        }
    }

    /// Waits for the batch before, then stores what waits: at once, or beside what this thread does next.
    private mutating func write(beside: Bool) throws(StoreError) {
        if let (result, count) = errand?.wait() {
            errand = nil
            try note(result, of: count)
        }
        guard !waiting.isEmpty else { return }
        let (batch, store, site, now) = (waiting, store, gate.site.id, now)
        waiting.removeAll(keepingCapacity: true)
        waitingBytes = 0
        if beside {
            errand = Errand(count: batch.count) { Importer.store(batch, site, now(), in: store) }
        } else {
            try note(Importer.store(batch, site, now(), in: store), of: batch.count)
        }
    }

    private mutating func note(_ result: Result<Int, StoreError>, of count: Int) throws(StoreError) {
        let stored = try result.get()
        counts.stored += stored
        counts.duplicates += count - stored
    }

    private static func store(
        _ batch: [Admitted], _ site: String, _ now: Instant, in store: Store
    ) -> Result<Int, StoreError> {
        do throws(StoreError) {
            // In the order of their first lines, so that the numbers follow from the lines alone.
            var seen: Set<VisitorID> = []
            let visitors = batch.map(\.visitor).filter { seen.insert($0).inserted }
            let numbers = Dictionary(
                uniqueKeysWithValues: zip(visitors, try store.numbers(of: visitors, site: site)))
            var events: [ConsentedEvent] = []
            events.reserveCapacity(batch.count)
            for line in batch {
                guard let number = numbers[line.visitor], number != 0 else { continue }
                events.append(line.event.numbered(number))
            }
            return .success(try store.importEvents(events, site: site, at: now))
        } catch {
            return .failure(error)
        }
    }
}

/// The storing of one batch on a thread of its own. It is over when the last reference goes.
private final class Errand: Sendable {
    /// What the thread holds.
    private final class Work: Sendable {
        let store: @Sendable () -> Result<Int, StoreError>
        let result = Mutex<Result<Int, StoreError>?>(nil)

        init(_ store: @escaping @Sendable () -> Result<Int, StoreError>) { self.store = store }

        func run() {
            let done = store()
            result.withLock { $0 = done }
        }
    }

    private let count: Int
    private let work: Work
    private let thread = Mutex<pthread_t?>(nil)

    init(count: Int, _ store: @escaping @Sendable () -> Result<Int, StoreError>) {
        self.count = count
        work = Work(store)
        let handed = Unmanaged.passRetained(work)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, handed.toOpaque())
        if status == 0 {
            self.thread.withLock { $0 = thread }
        } else {
            // No thread to be had: then it is done here.
            handed.takeRetainedValue().run()
        }
    }

    deinit { join() }

    /// What became of the batch, and how many events it had.
    func wait() -> (result: Result<Int, StoreError>, count: Int) {
        join()
        guard let done = work.result.withLock({ $0 }) else { preconditionFailure("the thread leaves a result") }
        return (done, count)
    }

    private func join() {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let running { pthread_join(running, nil) }
    }
}
