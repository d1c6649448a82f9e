public import AssentCore
public import AssentStore
internal import Glibc
internal import Synchronization

/// Reads lines of an import, one event each, and stores them in large batches. Used with a collector and without one.
///
/// Bytes may come in pieces of any size. They are gathered into blocks (``Limits/importBlockBytes``), which as many
/// threads read as there are processors, while the batch before is stored (``Limits/importBatchEvents``,
/// ``Limits/importBatchBytes``): memory is bounded by a block and three batches.
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
    private let site: String
    private let now: @Sendable () -> Instant
    private let readers: [LineReader]
    /// Bytes that are not read yet, and the number of the line that they begin with, from 1.
    private var rest: [UInt8] = []
    private var number = 1
    /// The line that `rest` begins in the middle of is too long and passed over.
    private var isPassing = false
    private var problems: [ImportAnswer.BadLine] = []
    private var problemsTaken = 0
    private var waiting: [ImportBatch] = []
    /// Bytes of the lines from which they are.
    private var waitingBytes = 0
    /// The batches before, which are stored while the next ones are read.
    private var errand: Errand<Result<Int, StoreError>>?
    private var errandEvents = 0

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
    /// - Parameter ground: what ``ground(basis:site:at:in:)`` gave.
    public init(store: Store, gate: Gate, ground: RecordNumber, now: @escaping @Sendable () -> Instant) {
        self.store = store
        self.now = now
        site = gate.site.id
        // More parts than processors, so that none waits long for another.
        readers = (0..<processors * 2).map { _ in LineReader(gate: gate, ground: ground) }
    }

    /// Takes the next bytes. Batches that are full are stored, beside the reading of the next one; what ``counts`` says is
    /// stored is durable.
    /// - Throws: ``StoreError``; what was stored before stays, and importing it again stores nothing twice.
    public mutating func add(_ bytes: ArraySlice<UInt8>) throws(StoreError) {
        rest += passed(bytes)
        guard rest.count >= Limits.importBlockBytes else { return }
        guard let end = rest.lastIndex(of: newline) else { return beginPassing() }
        let block = rest[...end]
        rest = Array(rest[(end + 1)...])
        try read(block)
        if rest.count > Limits.importLineBytesMax { beginPassing() }
    }

    /// Takes the end of the last line and stores what waits.
    /// - Throws: ``StoreError``
    public mutating func finish() throws(StoreError) {
        if isPassing { _ = passed([newline]) }
        let block = rest[...]
        rest = []
        try read(block)
        try storeWaiting(beside: false)
    }

    /// The first lines that were skipped, at most ``Limits/badLinesNamedMax`` of an import, each given once.
    public mutating func takeProblems() -> [ImportAnswer.BadLine] {
        defer { problemsTaken = problems.count }
        return Array(problems[problemsTaken...])
    }

    // MARK: Lines that are too long

    /// Forgets a line whose end is not in sight; its number of bytes is all that must be known of it.
    private mutating func beginPassing() {
        rest = []
        isPassing = true
    }

    /// What is left of bytes behind the end of a line that is passed over.
    private mutating func passed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard isPassing else { return bytes }
        guard let end = bytes.firstIndex(of: newline) else { return [] }
        isPassing = false
        counts.lines += 1
        note(bad: 1, [ImportAnswer.BadLine(line: number, problem: LineReader.tooLong.description)])
        number += 1
        return bytes[(end + 1)...]
    }

    private mutating func note(bad: Int, _ named: some Sequence<ImportAnswer.BadLine>) {
        counts.bad += bad
        problems += named.prefix(Limits.badLinesNamedMax - problems.count)
    }

    // MARK: Reading and storing

    /// Reads whole lines, a part of them on each processor.
    private mutating func read(_ block: ArraySlice<UInt8>) throws(StoreError) {
        guard !block.isEmpty else { return }
        let parts = zip(readers, block.cut(atLinesInto: readers.count)).map { Part(reader: $0, lines: $1) }
        for read in concurrently(parts, { $0.reader.read($0.lines) }) {
            counts.lines += read.filled
            note(
                bad: read.bad, read.problems.lazy.map { [number] in .init(line: number + $0.line, problem: $0.problem) }
            )
            number += read.lines
            if read.batch.count > 0 { waiting.append(read.batch) }
        }
        waitingBytes += block.count
        // Reading goes on while the batch before is being stored, until a second one waits.
        let events = waiting.reduce(0) { $0 + $1.count }
        let batches = errand?.isDone == false ? 2 : 1
        if events >= Limits.importBatchEvents * batches || waitingBytes >= Limits.importBatchBytes * batches {
            try storeWaiting(beside: true)
        }
    }

    private struct Part: Sendable {
        let reader: LineReader
        let lines: ArraySlice<UInt8>
    }

    /// Waits for the batches before, then stores those that wait: at once, or beside what this thread does next.
    private mutating func storeWaiting(beside: Bool) throws(StoreError) {
        if let running = errand {
            errand = nil
            try note(running.wait(), of: errandEvents)
        }
        guard !waiting.isEmpty else { return }
        let (batches, events) = (waiting, waiting.reduce(0) { $0 + $1.count })
        (waiting, waitingBytes) = ([], 0)
        if beside {
            errandEvents = events
            errand = Errand { [store, site, now] in Importer.store(batches, site, now(), in: store) }
        } else {
            try note(Importer.store(batches, site, now(), in: store), of: events)
        }
    }

    private static func store(
        _ batches: [ImportBatch], _ site: String, _ now: Instant, in store: Store
    ) -> Result<Int, StoreError> {
        do throws(StoreError) {
            return .success(try store.importEvents(batches, site: site, at: now))
        } catch {
            return .failure(error)
        }
    }

    private mutating func note(_ result: Result<Int, StoreError>, of events: Int) throws(StoreError) {
        let stored = try result.get()
        counts.stored += stored
        counts.duplicates += events - stored
    }
}

private let newline = UInt8(ascii: "\n")

/// Reads lines of one import, for one thread at a time.
private final class LineReader: Sendable {
    static let tooLong = BadRequest("", "must be at most \(Limits.importLineBytesMax) bytes")

    /// What came of some lines.
    struct Lines: Sendable {
        var batch = ImportBatch()
        /// All lines, and those that were not empty.
        var lines = 0
        var filled = 0
        var bad = 0
        /// The first bad ones, by their places from 0.
        var problems: [ImportAnswer.BadLine] = []
    }

    private let gate: Gate
    private let ground: RecordNumber
    private let memory = Mutex(GateMemory(texts: Limits.rememberedTextsOfImportMax))

    init(gate: Gate, ground: RecordNumber) {
        self.gate = gate
        self.ground = ground
    }

    func read(_ bytes: ArraySlice<UInt8>) -> Lines {
        memory.withLock { memory in
            var read = Lines()
            var rest = bytes
            while !rest.isEmpty {
                let end = rest.firstNewline ?? rest.endIndex
                var line = rest[..<end]
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                if !line.isEmpty { take(line, &read, &memory) }
                read.lines += 1
                rest = rest[min(end + 1, rest.endIndex)...]
            }
            return read
        }
    }

    private func take(_ line: ArraySlice<UInt8>, _ read: inout Lines, _ memory: inout GateMemory) {
        read.filled += 1
        do throws(BadRequest) {
            guard line.count <= Limits.importLineBytesMax else { throw LineReader.tooLong }
            let parsed = try EventLine(parsing: line)
            // The gate judges now, with no number, so that a bad line gives no visitor one.
            let event = try gate.admit(parsed, visitor: 0, record: ground, &memory)
            read.batch.add(event, of: parsed.visitor)
        } catch {
            read.bad += 1
            guard read.problems.count < Limits.badLinesNamedMax else { return }
            read.problems.append(.init(line: read.lines, problem: error.description))
        }
    }
}

extension ArraySlice<UInt8> {
    /// Where the first line ends.
    fileprivate var firstNewline: Int? {
        withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, let found = memchr(start, Int32(newline), bytes.count) else {
                return nil
            }
            return startIndex + (UnsafeRawPointer(found) - start)
        }
    }

    /// Whole lines in as many parts of about the same size, or fewer.
    fileprivate func cut(atLinesInto count: Int) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var rest = self
        for left in (1...count).reversed() where !rest.isEmpty {
            let end = left == 1 ? nil : rest.dropFirst(rest.count / left).firstNewline
            parts.append(rest[..<(end.map { $0 + 1 } ?? rest.endIndex)])
            rest = rest[parts[parts.count - 1].endIndex...]
        }
        return parts
    }
}
