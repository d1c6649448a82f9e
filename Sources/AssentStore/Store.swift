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
    private let siteStandings = Mutex<[String: Standings]>([:])
    let erasuresLeft = Atomic(false)
    /// Whether a start has left the journal to the next drain, which must look in it for visitors who were erased long ago.
    private let searchIsDue = Atomic(false)
    /// Receipts of erasures that this process has finished, by entry, until they are asked for.
    let receipts = Mutex<[RecordNumber: [UInt8]]>([:])
    /// See ``unknownVisitors(site:)``.
    let unknown: [String: [ClosedRange<VisitorNumber>]]
    private let waitingCounts = Mutex((events: 0, bytes: 0))
    private let isHurried = Atomic(false)

    /// Opens a data directory, makes it if it is missing, and finishes what a crash left.
    /// - Parameter now: the server's time, from which the recent ids are judged.
    /// - Throws: ``StoreError``: held by another process, not writable, damaged, of a newer format.
    public static func open(
        directory: String, key: ServerKey, durability: Configuration.Durability, now: Instant
    ) throws(StoreError) -> Store {
        try open(
            directory: directory, key: key, durability: durability, now: now, draining: Limits.drainedAtStartMax)
    }

    /// - Parameter draining: how many events may wait in the journal for this call to drain them.
    static func open(
        directory: String, key: ServerKey, durability: Configuration.Durability, now: Instant, draining: Int
    ) throws(StoreError) -> Store {
        try Files.makeDirectory(directory)
        let lock = try DirectoryLock(directory)
        try checkRestored(directory)
        try refuseNewer(directory)
        let store = try Store(directory, key, durable: durability == .full, lock, now)
        try store.withLedger { (ledger) throws(StoreError) in
            try ledger.changes { site, visitor, change in store.standings(site: site).apply(change, to: visitor) }
        }
        // A long journal is drained by the first drain that follows, while events are taken already.
        let waiting = try store.withJournal { (journal) throws(StoreError) in try journal.waiting() }
        store.waitingCounts.withLock { $0 = waiting }
        let drains = waiting.events <= draining
        if let failure = try store.drainAll(at: now, searching: true, emptying: drains).failure { throw failure }
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
        var leaving: [(standings: Standings, visitor: VisitorNumber)] = []
        defer { for each in leaving { each.standings.endLeaving(each.visitor) } }
        for request in requests {
            guard let leaver = request.leaver else { continue }
            let standings = standings(site: leaver.site)
            let visitor = standings.standing(of: leaver.visitor).visitor
            if standings.leave(visitor) { leaving.append((standings, visitor)) }
        }
        var found: [Held] = []
        for request in requests { found.append(try held(request)) }
        let answers = try withLedger { (ledger) throws(StoreError) in
            var changes: [Change] = []
            let answers = try ledger.transaction { () throws(StoreError) in
                var answers: [LedgerAnswer] = []
                for (request, held) in zip(requests, found) {
                    answers.append(try record(request, held, ledger, &changes))
                }
                return answers
            }
            for each in changes { standings(site: each.site).apply(each.change, to: each.visitor) }
            return answers
        }
        if !leaving.isEmpty { erasuresLeft.store(true, ordering: .relaxed) }
        return answers
    }

    /// What a visitor who leaves has, for the answer.
    private typealias Held = (visitor: VisitorNumber, events: Int, partitions: Int)
    private typealias Change = (site: String, visitor: VisitorNumber, change: Standings.Change)

    private func held(_ request: LedgerRequest) throws(StoreError) -> Held {
        guard let leaver = request.leaver, leaver.erases else { return (0, 0, 0) }
        let visitor = standings(site: leaver.site).standing(of: leaver.visitor).visitor
        guard try withLedger({ (ledger) throws(StoreError) in try ledger.isKnown(visitor, site: leaver.site) }) else {
            return (0, 0, 0)
        }
        // An append that was under way when the visitor was noted is counted too.
        try withJournal { (_) throws(StoreError) in }
        let (events, partitions) = try count(of: visitor, site: leaver.site)
        return (visitor, events, partitions)
    }

    /// Records one request.
    /// - Parameters:
    ///   - held: of the number that the visitor had when it was counted.
    ///   - changes: those of the requests before, to which its own is added.
    private func record(
        _ request: LedgerRequest, _ held: Held, _ ledger: Ledger, _ changes: inout [Change]
    ) throws(StoreError) -> LedgerAnswer {
        /// The number of now: an erasure may have come between the request and its turn.
        func current(_ visitor: VisitorNumber, _ site: String) -> VisitorNumber {
            var current = standings(site: site).standing(of: visitor).visitor
            for case (site, current, .restarted(let next, _)) in changes { current = next }
            return current
        }
        func withdrawal(_ kind: String, _ site: String, _ at: Instant, erasing visitor: VisitorNumber?) -> Withdrawal {
            let (events, partitions) = visitor == held.visitor ? (held.events, held.partitions) : (0, 0)
            return Withdrawal(
                events: events, partitions: partitions,
                receipt: receipt(kind, site: site, at: at, events: events, partitions: partitions))
        }
        switch request {
        case .grant(var consent):
            consent.visitor = consent.visitor.map { current($0, consent.site) }
            return .granted(try ledger.grant(consent))
        case .refuse(let site, let day):
            try ledger.count("refused", 1, site: site, day: day)
        case .withdraw(let site, let visitor, let erase, let at, let day):
            let visitor = current(visitor, site)
            let erases = try ledger.withdraw(site: site, visitor: visitor, erase: erase, at: at, day: day)
            changes.append((site, visitor, .withdrawn))
            return .withdrawn(withdrawal("withdrawal", site, at, erasing: erases ? visitor : nil))
        case .erase(let site, let visitor, let at):
            let visitor = current(visitor, site)
            guard let next = try ledger.restart(site: site, visitor: visitor, at: at) else { return .erased(nil) }
            changes.append((site, visitor, .restarted(next, at)))
            return .erased(withdrawal("erasure", site, at, erasing: visitor))
        case .ground(let site, let basis, let at):
            return .ground(try ledger.ground(site: site, basis: basis, at: at))
        case .refusals(let site, let day, let reason, let count):
            try ledger.count(Ledger.kind(of: reason), count, site: site, day: day)
        }
        return .counted
    }

    /// How visitors of a site stand, kept up to date. Ask once for a site, keep it.
    public func standings(site: String) -> Standings {
        siteStandings.withLock { sites in
            if let known = sites[site] { return known }
            let standings = Standings()
            sites[site] = standings
            return standings
        }
    }

    // MARK: Events

    /// Makes events durable: one row of the journal, one fsync. Events of visitors who have withdrawn are left out.
    /// - Returns: whether enough waits in the journal for a segment, so that a drain is worth it now.
    public func append(_ batches: [EventBatch]) throws(StoreError) -> Bool {
        try withJournal { (journal) throws(StoreError) in
            // Judged under the lock of the journal, so that a drain that follows a withdrawal meets every row of it.
            var kept: [EventBatch] = []
            for batch in batches where batch.count > 0 {
                let standings = standings(site: batch.site)
                guard standings.hasAnyOver else {
                    kept.append(batch)
                    continue
                }
                do {
                    let rest = try batch.removing(standings.isOver)
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
    /// - Parameters:
    ///   - searching: whether to look for what files from a backup have brought back of visitors who were erased.
    ///   - emptying: whether to drain the journal too. What it holds hides nothing: readers know who is erased.
    func drainAll(
        at now: Instant, searching: Bool = false, emptying: Bool = true
    ) throws(StoreError) -> Drained {
        try partitions.withLock { (_) throws(StoreError) in
            let searching = searching || searchIsDue.load(ordering: .relaxed)
            let (pending, all) = try withLedger { (ledger) throws(StoreError) in
                let pending = try ledger.pendingErasures()
                return (pending, try searching || !pending.isEmpty ? ledger.erasures() : [:])
            }
            var drained = Drained()
            for (site, erased) in all.sorted(by: { $0.key < $1.key }) where searching || pending[site] != nil {
                try erase(pending[site] ?? Ledger.Erasures(), among: erased, site: site, &drained)
            }
            if emptying {
                try noteWaiting(all, &drained)
                try drainJournal(passingOver: all, &drained)
                searchIsDue.store(false, ordering: .relaxed)
            } else {
                searchIsDue.store(searching, ordering: .relaxed)
                drained.leaveOfAll("journal: it is not drained yet")
            }
            try complete(pending, &drained, at: now)
            return drained
        }
    }

    private func drainJournal(
        passingOver erasures: [String: Ledger.Erasures], _ drained: inout Drained
    ) throws(StoreError) {
        var through = try withJournal { (journal) throws(StoreError) in try journal.last() }
        var next: Int64 = 1
        let reader = try SQLite("\(directory)/journal.sqlite", .read)
        while next <= through {
            if next > 1, isHurried.load(ordering: .relaxed) {
                through = next - 1
                drained.leaveOfAll("journal: it is not drained yet")
                break
            }
            var gathered: [PartitionName: Arrivals] = [:]
            var current: (name: PartitionName, arrivals: Arrivals)?
            // Rows are read in portions, so that memory is bounded however much a crash has left.
            let last = try Journal.portion(reader, next...through, events: Limits.segmentEventsMax)
            try Journal.events(reader, next...last) { number, sentence in
                drained.rows.insert(number)
                drained.sentences.append(sentence)
                drained.leaveOfAll("journal: a damaged row may hold events")
            } each: { number, site, events in
                let erased = erasures[site]?.entries ?? [:]
                for event in events where erased.isEmpty || erased[event.visitor] == nil {
                    let name = PartitionName(site: site, day: event.time.day)
                    if let current, current.name == name {
                        current.arrivals.add(event, number)
                        continue
                    }
                    let arrivals = gathered[name] ?? Arrivals()
                    gathered[name] = arrivals
                    current = (name, arrivals)
                    arrivals.add(event, number)
                }
            }
            for (name, arrivals) in gathered.sorted(by: { $0.key < $1.key }) {
                do throws(StoreError) {
                    if drained.failed.contains(name) {
                        drained.rows.formUnion(arrivals.numbers)
                        continue
                    }
                    let partition = try partition(name.site, name.day)
                    let columns = arrivals.columns(after: try partition.drainedThrough())
                    if columns.count > 0 { _ = try partition.add([columns], through: last) }
                } catch  where error.kind == .damaged {
                    drained.sentences.append(error.description)
                    drained.rows.formUnion(arrivals.numbers)
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

    /// Fills the memory of recent ids from the partitions that can hold any of them, and from the journal.
    private func remember(since: Instant) throws(StoreError) {
        let reader = try SQLite("\(directory)/journal.sqlite", .read)
        try Journal.events(reader, 1...Int64.max, damaged: { _, _ in }) { _, site, events in
            _ = recentIDs.claim(events.map { RecentIDs.hash(site: site, visitor: $0.visitor, id: $0.id) }, at: since)
        }
        for site in try Files.names(in: "\(directory)/partitions") {
            for day in try Partition.days(directory, site) where day >= since.day {
                do throws(StoreError) {
                    let partition = try Partition(directory: directory, site: site, day: day, .read)
                    for columns in try partition.segments(.ids) {
                        let hashes = zip(columns.visitors, columns.ids).lazy.filter { !$1.isEmpty }
                            .map { RecentIDs.hash(site: site, visitor: $0, id: $1) }
                        _ = recentIDs.claim(Array(hashes), at: since)
                    }
                } catch  where error.kind == .damaged || error.kind == .missing {
                    // What slips by is found when it is added to the partition.
                    continue
                }
            }
        }
    }

    /// A drain that is under way ends after the portion that it is at: what is left is for the next start.
    public func hurry() { isHurried.store(true, ordering: .relaxed) }

    /// Drains, unless more waits than a start drains before it serves, and gives the data directory back, also if the drain
    /// throws. Further calls throw.
    public func close(at now: Instant) throws(StoreError) {
        try close(at: now, draining: Limits.drainedAtStartMax)
    }

    /// - Parameter draining: how many events may wait in the journal for this call to drain them.
    func close(at now: Instant, draining: Int) throws(StoreError) {
        defer {
            ledger.withLock { $0 = nil }
            journal.withLock { $0 = nil }
            lock.release()
        }
        if waiting.events <= draining { try drain(at: now) }
    }
}

/// Events on their way from the journal into a partition, column by column: they take a tenth of the memory that they
/// would take as values.
private final class Arrivals {
    private var columns = EventColumns()
    private var interning = Interning()
    /// For each event the row that it is from.
    private(set) var numbers: [Int64] = []

    func add(_ event: Event, _ number: Int64) {
        columns.append(event, &interning)
        numbers.append(number)
    }

    /// Those of later rows than that one.
    func columns(after drained: Int64) -> EventColumns {
        guard numbers.contains(where: { $0 <= drained }) else { return columns }
        return columns.selecting(numbers.indices.filter { numbers[$0] > drained })
    }
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
