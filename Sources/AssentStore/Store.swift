public import AssentCore
internal import Glibc
internal import Synchronization

/// The data directory, held by this process: consent ledger, journal and partitions. Calls block and may come from any
/// thread; those that write the same file wait for one another, and a drain does not hold up an append.
///
/// `append` a batch, `commit` a choice, `drain` into partitions, `importEvents`, `seal`, `prune`: these verbs are
/// all that writes.
public final class Store: Sendable {
    /// Ids of the last 24 hours, filled from the disk when the store is opened.
    public let recentIDs = RecentIDs()

    let directory: String
    let key: ServerKey
    private let durable: Bool
    private let lock: DirectoryLock
    /// None once the store is closed.
    private let ledger: Mutex<Ledger?>
    private let journal: Mutex<Journal?>
    /// Held while partitions are written.
    let partitions = Mutex(())
    private let withdrawnSites = Mutex<[String: WithdrawnVisitors]>([:])
    let erasuresLeft = Atomic(false)
    /// Receipts of erasures that this process has finished, by entry, until they are asked for.
    let receipts = Mutex<[RecordNumber: [UInt8]]>([:])
    /// See ``unknownVisitors(site:)``.
    let unknown: [String: [ClosedRange<VisitorNumber>]]
    private let waitingCounts = Mutex((events: 0, bytes: 0))
    /// Content hashes of what imports have seen, by day; see ``importEvents(_:site:at:)``.
    let imported = Mutex(ImportKeys())

    /// Opens a data directory, makes it if it is missing, and finishes what a crash left.
    /// - Parameter now: the server's time, from which the recent ids are judged.
    /// - Throws: ``StoreError``: held by another process, not writable, damaged, of a newer format.
    public static func open(
        directory: String, key: ServerKey, durability: Configuration.Durability, now: Instant
    ) throws(StoreError) -> Store {
        try Files.makeDirectory(directory)
        let lock = try DirectoryLock(directory)
        try checkRestored(directory)
        try refuseNewer(directory)
        let store = try Store(directory, key, durable: durability == .full, lock, now)
        for (site, visitors) in try store.withLedger({ (ledger) throws(StoreError) in try ledger.withdrawn() }) {
            store.withdrawn(site: site).insert(visitors)
        }
        if let failure = try store.drainAll(at: now, searching: true).failure { throw failure }
        try forgetBackup(directory)
        // An event may have been a day old when it came, and its copies may come for a day after.
        try store.remember(since: now.advanced(by: -Limits.duplicateMilliseconds - Limits.ageMillisecondsMax))
        return store
    }

    /// Refuses a directory that a newer program has written to: what it is asked to do could concern each partition.
    private static func refuseNewer(_ directory: String) throws(StoreError) {
        for site in try Files.names(in: "\(directory)/partitions") {
            for day in try Partition.days(directory, site) {
                do throws(StoreError) {
                    _ = try Partition(directory: directory, site: site, day: day, .read)
                } catch  where error.kind != .newerFormat {
                    // Whoever needs it will say so.
                    continue
                }
            }
        }
    }

    private init(
        _ directory: String, _ key: ServerKey, durable: Bool, _ lock: DirectoryLock, _ now: Instant
    ) throws(StoreError) {
        self.directory = directory
        self.key = key
        self.durable = durable
        self.lock = lock
        ledger = Mutex(try Ledger(path: "\(directory)/ledger.sqlite", key: key, durable: durable))
        journal = Mutex(try Journal(path: "\(directory)/journal.sqlite", durable: durable, now: now))
        unknown = try Ledger.unknownVisitors(SQLite("\(directory)/ledger.sqlite", .read))
    }

    func withLedger<Result: Sendable>(
        _ body: (Ledger) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try ledger.withLock { (ledger) throws(StoreError) in
            guard let ledger else { throw closed }
            return try body(ledger)
        }
    }

    private func withJournal<Result: Sendable>(
        _ body: (Journal) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try journal.withLock { (journal) throws(StoreError) in
            guard let journal else { throw closed }
            return try body(journal)
        }
    }

    private var closed: StoreError { StoreError(.missing, "\(directory) was closed: open it again.") }

    // MARK: Choices

    /// Makes choices durable, all or none; answers stand in the order of the requests. One fsync. An erasure that is
    /// new reads the visitors of each partition of the site first, to say how many events it ends.
    public func commit(_ requests: [LedgerRequest]) throws(StoreError) -> [LedgerAnswer] {
        // Nothing of a visitor is appended from before the ledger says so, so that no row of the journal slips past the
        // drain that finishes an erasure.
        var added: [(sites: WithdrawnVisitors, visitor: VisitorNumber)] = []
        for case .withdraw(let site, let visitor, _, _, _) in requests where withdrawn(site: site).insert(visitor) {
            added.append((withdrawn(site: site), visitor))
        }
        do throws(StoreError) {
            var found: [(events: Int, partitions: Int)] = []
            for request in requests {
                guard case .withdraw(let site, let visitor, true, _, _) = request,
                    try withLedger({ (ledger) throws(StoreError) in try ledger.isKnown(visitor, site: site) })
                else {
                    found.append((0, 0))
                    continue
                }
                // An append that was under way when the visitor was noted is counted too.
                try withJournal { (_) throws(StoreError) in }
                found.append(try count(of: visitor, site: site))
            }
            let answers = try withLedger { (ledger) throws(StoreError) in
                try ledger.transaction { () throws(StoreError) in
                    var answers: [LedgerAnswer] = []
                    for (request, held) in zip(requests, found) { answers.append(try record(request, held, ledger)) }
                    return answers
                }
            }
            if !added.isEmpty { erasuresLeft.store(true, ordering: .relaxed) }
            return answers
        } catch {
            for each in added { each.sites.remove(each.visitor) }
            throw error
        }
    }

    /// Records one request.
    /// - Parameter held: what the visitor of a withdrawal has, for the answer.
    private func record(
        _ request: LedgerRequest, _ held: (events: Int, partitions: Int), _ ledger: Ledger
    ) throws(StoreError) -> LedgerAnswer {
        switch request {
        case .grant(let consent):
            return .granted(try ledger.grant(consent))
        case .refuse(let site, let day):
            try ledger.count("refused", 1, site: site, day: day)
        case .withdraw(let site, let visitor, let erase, let at, let day):
            let erases = try ledger.withdraw(site: site, visitor: visitor, erase: erase, at: at, day: day)
            let (events, partitions) = erases ? held : (0, 0)
            let text = receipt(site: site, at: at, events: events, partitions: partitions)
            return .withdrawn(Withdrawal(events: events, partitions: partitions, receipt: text))
        case .ground(let site, let basis, let at):
            return .ground(try ledger.ground(site: site, basis: basis, at: at))
        case .refusals(let site, let day, let reason, let count):
            try ledger.count(Ledger.kind(of: reason), count, site: site, day: day)
        }
        return .counted
    }

    /// Visitors of a site whose consent is withdrawn, kept up to date. Ask once for a site, keep it.
    public func withdrawn(site: String) -> WithdrawnVisitors {
        withdrawnSites.withLock { sites in
            if let known = sites[site] { return known }
            let visitors = WithdrawnVisitors()
            sites[site] = visitors
            return visitors
        }
    }

    // MARK: Events

    /// Makes events durable: one row of the journal, one fsync. Events of withdrawn visitors are left out.
    /// - Returns: whether enough waits in the journal for a segment, so that a drain is worth it now.
    public func append(_ batches: [EventBatch]) throws(StoreError) -> Bool {
        try withJournal { (journal) throws(StoreError) in
            // Judged under the lock of the journal, so that a drain that follows a withdrawal meets every row of it.
            var kept: [EventBatch] = []
            for batch in batches where batch.count > 0 {
                let withdrawn = withdrawn(site: batch.site)
                guard !withdrawn.isEmpty else {
                    kept.append(batch)
                    continue
                }
                do {
                    let rest = try batch.removing(withdrawn.contains)
                    if rest.count > 0 { kept.append(rest) }
                } catch {
                    preconditionFailure("a batch is made by this process")
                }
            }
            guard !kept.isEmpty else { return }
            try journal.append(kept)
            waitingCounts.withLock { waiting in
                waiting.events += kept.reduce(0) { $0 + $1.count }
                waiting.bytes += kept.reduce(0) { $0 + $1.byteCount }
            }
        }
        return waiting.events >= Limits.segmentEventsMax
    }

    /// Whether a drain has something to do: events wait in the journal, or an erasure is under way.
    public var needsDrain: Bool { waiting.events > 0 || erasuresLeft.load(ordering: .relaxed) }

    /// Writes to the journal without adding to it, as a commit would.
    /// - Throws: ``StoreError`` if events could not be made durable now.
    public func probe() throws(StoreError) {
        try withJournal { (journal) throws(StoreError) in try journal.probe() }
    }

    /// Events and bytes that wait in the journal.
    public var waiting: (events: Int, bytes: Int) { waitingCounts.withLock { $0 } }

    /// Moves what waits in the journal into partitions and finishes erasures that are under way.
    ///
    /// A row of the journal goes only after each partition that has events of it is durable, and a partition takes no row
    /// twice: whatever point a crash comes at, the next drain ends with the same result. What is damaged stays where it
    /// is, events for a damaged partition wait in the journal, and erasures that may concern it stay under way.
    /// - Parameter now: the server's time, noted as that of the erasures that are finished.
    /// - Returns: one sentence for each damaged thing that was met.
    @discardableResult public func drain(at now: Instant) throws(StoreError) -> [String] {
        let drained = try drainAll(at: now)
        if let failure = drained.failure { throw failure }
        return drained.sentences
    }

    /// The same, with what is left of erasures. They come first: what was noted of a partition before a crash is done
    /// before anything is added to it.
    /// - Parameter searching: whether to look for what files from a backup have brought back of visitors who were erased.
    func drainAll(at now: Instant, searching: Bool = false) throws(StoreError) -> Drained {
        try partitions.withLock { (_) throws(StoreError) in
            let (pending, all) = try withLedger { (ledger) throws(StoreError) in
                let pending = try ledger.pendingErasures()
                return (pending, try searching || !pending.isEmpty ? ledger.erasures() : [:])
            }
            var drained = Drained()
            for (site, erased) in all.sorted(by: { $0.key < $1.key }) where searching || pending[site] != nil {
                try erase(pending[site] ?? Ledger.Erasures(), among: erased, site: site, &drained)
            }
            try noteWaiting(all, &drained)
            try drainJournal(passingOver: all, &drained)
            try complete(pending, &drained, at: now)
            return drained
        }
    }

    private func drainJournal(
        passingOver erasures: [String: Ledger.Erasures], _ drained: inout Drained
    ) throws(StoreError) {
        let through = try withJournal { (journal) throws(StoreError) in try journal.last() }
        var next: Int64 = 1
        let reader = try SQLite("\(directory)/journal.sqlite", .read)
        while next <= through {
            var gathered: [String: [Day: [(number: Int64, event: Event)]]] = [:]
            // Rows are read in portions, so that memory is bounded however much a crash has left.
            let last = try Journal.portion(reader, next...through, events: Limits.segmentEventsMax)
            try Journal.events(reader, next...last) { number, sentence in
                drained.rows.insert(number)
                drained.sentences.append(sentence)
                drained.leaveOfAll("journal: a damaged row may hold events")
            } each: { number, site, events in
                let erased = erasures[site]?.entries ?? [:]
                for event in events where erased.isEmpty || erased[event.visitor] == nil {
                    gathered[site, default: [:]][event.time.day, default: []].append((number, event))
                }
            }
            for (site, days) in gathered.sorted(by: { $0.key < $1.key }) {
                for (day, rows) in days.sorted(by: { $0.key < $1.key }) {
                    do throws(StoreError) {
                        if drained.failed.contains(PartitionName(site: site, day: day)) {
                            drained.rows.formUnion(rows.map(\.number))
                            continue
                        }
                        let partition = try partition(site, day)
                        let held = try partition.drainedThrough()
                        let events = rows.filter { $0.number > held }.map(\.event)
                        if !events.isEmpty { _ = try partition.add([.arrived(events)], through: last) }
                    } catch  where error.kind == .damaged {
                        drained.sentences.append(error.description)
                        drained.rows.formUnion(rows.map(\.number))
                    }
                }
            }
            next = last + 1
        }
        let kept = drained.rows
        let isClean = try withJournal { (journal) throws(StoreError) in
            let isClean = try journal.remove(through: through, except: kept)
            let waiting = try journal.waiting()
            waitingCounts.withLock { $0 = waiting }
            return isClean
        }
        if !isClean { drained.leaveOfAll("journal: a reader holds its write-ahead log") }
    }

    /// A partition to be written; it is made if it is missing.
    func partition(_ site: String, _ day: Day) throws(StoreError) -> Partition {
        try Files.makeDirectory(Partition.folder(directory, site))
        return try Partition(directory: directory, site: site, day: day, .write(durable: durable))
    }

    /// Fills the memory of recent ids from the partitions that can hold any of them.
    private func remember(since: Instant) throws(StoreError) {
        for site in try Files.names(in: "\(directory)/partitions") {
            for day in try Partition.days(directory, site) where day >= since.day {
                do throws(StoreError) {
                    let partition = try Partition(directory: directory, site: site, day: day, .read)
                    for columns in try partition.segments(.ids) {
                        for (visitor, id) in zip(columns.visitors, columns.ids) where !id.isEmpty {
                            _ = recentIDs.claim(RecentIDs.hash(site: site, visitor: visitor, id: id), at: since)
                        }
                    }
                } catch  where error.kind == .damaged || error.kind == .missing {
                    // What slips by is found when it is added to the partition.
                    continue
                }
            }
        }
    }

    /// Drains and gives the data directory back, also if the drain throws. Further calls throw.
    public func close(at now: Instant) throws(StoreError) {
        defer {
            ledger.withLock { $0 = nil }
            journal.withLock { $0 = nil }
            lock.release()
        }
        try drain(at: now)
    }
}

/// Visitors of one site who have withdrawn. Safe from any thread.
public final class WithdrawnVisitors: Sendable {
    private let visitors = Mutex<Set<VisitorNumber>>([])

    init() {}

    /// Whether that visitor has withdrawn.
    public func contains(_ visitor: VisitorNumber) -> Bool { visitors.withLock { $0.contains(visitor) } }

    var isEmpty: Bool { visitors.withLock { $0.isEmpty } }

    func insert(_ others: Set<VisitorNumber>) { visitors.withLock { $0.formUnion(others) } }

    /// Whether it was not there.
    func insert(_ visitor: VisitorNumber) -> Bool { visitors.withLock { $0.insert(visitor).inserted } }

    func remove(_ visitor: VisitorNumber) { visitors.withLock { _ = $0.remove(visitor) } }
}

/// A lock on a data directory that ends with the process, however it ends.
final class DirectoryLock: Sendable {
    /// Name of the file that is locked.
    static let name = "lock"
    private let file: Mutex<Int32>

    init(_ directory: String) throws(StoreError) {
        let path = "\(directory)/\(DirectoryLock.name)"
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno: errno, "write", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            Glibc.close(descriptor)
            guard reason == EWOULDBLOCK else { throw StoreError(errno: reason, "lock", path) }
            throw StoreError(.held, "\(directory) is held by another Assent: stop it first, or name another --data.")
        }
        file = Mutex(descriptor)
    }

    func release() {
        file.withLock { descriptor in
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
        }
    }

    deinit { release() }
}
