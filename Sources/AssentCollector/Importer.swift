public import AssentCore
public import AssentStore

/// Reads lines of an import, one event each, and stores them in large batches. Used with a collector and without one.
///
/// Bytes may come in pieces of any size; memory is bounded by ``Limits/importBatchEvents`` events and one line.
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
    private var waiting: [EventLine] = []

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

    /// Takes the next bytes. Batches that are full are stored; what is stored is durable.
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
        try write()
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
            _ = try gate.admit(line, visitor: 0, record: ground)
            waiting.append(line)
        } catch {
            counts.bad += 1
            badLine(number, error.description)
        }
        if waiting.count == Limits.importBatchEvents { try write() }
    }

    private mutating func write() throws(StoreError) {
        guard !waiting.isEmpty else { return }
        let lines = waiting
        waiting.removeAll(keepingCapacity: true)
        let numbers = try store.numbers(of: lines.map(\.visitor), site: gate.site.id)
        var events: [ConsentedEvent] = []
        events.reserveCapacity(lines.count)
        for (line, visitor) in zip(lines, numbers) where visitor != 0 {
            if let event = try? gate.admit(line, visitor: visitor, record: ground) { events.append(event) }
        }
        let stored = try store.importEvents(events, site: gate.site.id, at: now())
        counts.stored += stored
        counts.duplicates += lines.count - stored
    }
}
