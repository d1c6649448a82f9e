public import AssentCore
internal import Glibc
internal import Synchronization

/// The data directory, held by this process: consent ledger, journal and partitions. Calls block and may come from any
/// thread; those that write the same file wait for one another, and a drain does not hold up an append.
///
/// `append` a batch, `commit` a choice, `drain` into partitions, `importEvents`: these verbs are all that writes.
public final class Store: Sendable {
    /// Ids of the last 24 hours, filled from the disk when the store is opened.
    public let recentIDs = RecentIDs()

    private let directory: String
    private let key: ServerKey
    private let durable: Bool
    private let lock: DirectoryLock
    private let ledger: Mutex<Ledger>
    private let journal: Mutex<Journal>
    /// Held while partitions are written.
    private let partitions = Mutex(())
    private let withdrawnSites = Mutex<[String: WithdrawnVisitors]>([:])
    private let waitingCounts = Mutex((events: 0, bytes: 0))
    /// Content hashes of what imports have seen, by day; see ``importEvents(_:site:at:)``.
    private let imported = Mutex(ImportKeys())

    /// Opens a data directory, makes it if it is missing, and finishes what a crash left.
    /// - Parameter now: the server's time, from which the recent ids are judged.
    /// - Throws: ``StoreError``: held by another process, not writable, damaged, of a newer format.
    public static func open(
        directory: String, key: ServerKey, durability: Configuration.Durability, now: Instant
    ) throws(StoreError) -> Store {
        try Files.makeDirectory(directory)
        let store = try Store(directory, key, durable: durability == .full, DirectoryLock(directory))
        for (site, visitors) in try store.ledger.withLock({ (ledger) throws(StoreError) in try ledger.withdrawn() }) {
            store.withdrawn(site: site).insert(visitors)
        }
        try store.drain(at: now)
        try store.remember(since: now.advanced(by: -Limits.duplicateMilliseconds))
        return store
    }

    private init(_ directory: String, _ key: ServerKey, durable: Bool, _ lock: DirectoryLock) throws(StoreError) {
        self.directory = directory
        self.key = key
        self.durable = durable
        self.lock = lock
        ledger = Mutex(try Ledger(path: "\(directory)/ledger.sqlite", key: key, durable: durable))
        journal = Mutex(try Journal(path: "\(directory)/journal.sqlite", durable: durable))
    }

    // MARK: Choices

    /// Makes choices durable, all or none; answers stand in the order of the requests. One fsync.
    public func commit(_ requests: [LedgerRequest]) throws(StoreError) -> [LedgerAnswer] {
        // Nothing of a visitor is appended from before the ledger says so, so that no row of the journal slips past the
        // drain that finishes an erasure.
        var added: [(sites: WithdrawnVisitors, visitor: VisitorNumber)] = []
        for case .withdraw(let site, let visitor, _, _, _) in requests where withdrawn(site: site).insert(visitor) {
            added.append((withdrawn(site: site), visitor))
        }
        var answers: [LedgerAnswer]
        do throws(StoreError) {
            answers = try ledger.withLock { (ledger) throws(StoreError) in
                try ledger.transaction { () throws(StoreError) in
                    var answers: [LedgerAnswer] = []
                    for request in requests { answers.append(try record(request, ledger)) }
                    return answers
                }
            }
        } catch {
            for each in added { each.sites.remove(each.visitor) }
            throw error
        }
        for (index, request) in requests.enumerated() {
            guard case .withdrawn(let withdrawal) = answers[index],
                case .withdraw(let site, let visitor, _, let at, _) = request
            else { continue }
            // Erased just now: what still lies in the files is what no reader sees any more.
            let found = withdrawal.events > 0 ? try count(of: visitor, site: site) : (events: 0, partitions: 0)
            let text = receipt(site: site, at: at, events: found.events, partitions: found.partitions)
            answers[index] = .withdrawn(
                Withdrawal(events: found.events, partitions: found.partitions, receipt: text))
        }
        return answers
    }

    /// Records one request. An erasure that is new says 1 event, until they are counted outside of the transaction.
    private func record(_ request: LedgerRequest, _ ledger: Ledger) throws(StoreError) -> LedgerAnswer {
        switch request {
        case .grant(let consent):
            return .granted(try ledger.grant(consent))
        case .refuse(let site, let day):
            try ledger.count("refused", 1, site: site, day: day)
        case .withdraw(let site, let visitor, let erase, let at, let day):
            let erases = try ledger.withdraw(site: site, visitor: visitor, erase: erase, at: at, day: day)
            return .withdrawn(Withdrawal(events: erases ? 1 : 0, partitions: 0, receipt: ""))
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

    /// How many events of a visitor lie in how many partitions and days of the journal.
    private func count(of visitor: VisitorNumber, site: String) throws(StoreError) -> (events: Int, partitions: Int) {
        var events = 0
        var days: Set<Day> = []
        let path = "\(directory)/journal.sqlite"
        var drained: [Day: Int64] = [:]
        var waiting: [(number: Int64, day: Day)] = []
        try Journal.batches(try SQLite(path, .read), 1...Int64.max, damaged: { _, _ in }) { number, batches in
            for batch in batches where batch.site == site {
                for event in (try? batch.events()) ?? [] where event.visitor == visitor {
                    waiting.append((number, event.time.day))
                }
            }
        }
        for day in try Partition.days(directory, site) {
            let partition = try Partition(directory: directory, site: site, day: day, .read)
            let found = try partition.snapshot { () throws(StoreError) in
                drained[day] = try partition.drainedThrough()
                return try partition.count(of: visitor)
            }
            if found > 0 { days.insert(day) }
            events += found
        }
        for (number, day) in waiting where number > drained[day] ?? 0 {
            events += 1
            days.insert(day)
        }
        return (events, days.count)
    }

    /// One line: what was done and when, then its MAC. Whoever holds the key can check it; it names no visitor.
    private func receipt(site: String, at: Instant, events: Int, partitions: Int) -> String {
        let text = "assent-withdrawal/1 site=\(site) at=\(at.rfc3339) events=\(events) partitions=\(partitions)"
        return "\(text) mac=\(Hex.text(key.mac(domain: "receipt", Array(text.utf8))))"
    }

    // MARK: Events

    /// Makes events durable: one row of the journal, one fsync. Events of withdrawn visitors are left out.
    /// - Returns: whether enough waits in the journal for a segment, so that a drain is worth it now.
    public func append(_ batches: [EventBatch]) throws(StoreError) -> Bool {
        try journal.withLock { (journal) throws(StoreError) in
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

    /// Events and bytes that wait in the journal.
    public var waiting: (events: Int, bytes: Int) { waitingCounts.withLock { $0 } }

    /// Moves what waits in the journal into partitions and finishes erasures that are under way.
    ///
    /// A row of the journal goes only after each partition that has events of it is durable, and a partition takes no row
    /// twice: whatever point a crash comes at, the next drain ends with the same result.
    /// - Parameter now: the server's time, noted as that of the erasures that are finished.
    public func drain(at now: Instant) throws(StoreError) {
        try partitions.withLock { (_) throws(StoreError) in
            let erasures = try ledger.withLock { (ledger) throws(StoreError) in try ledger.pendingErasures() }
            let isClean = try drainJournal()
            guard !erasures.isEmpty else { return }
            var isDone = isClean
            for (site, visitors) in erasures {
                for day in try Partition.days(directory, site) {
                    let partition = try partition(site, day)
                    let isGone = try partition.erase(visitors)
                    isDone = isDone && isGone
                }
            }
            guard isDone else { return }
            try ledger.withLock { (ledger) throws(StoreError) in
                try ledger.complete(erasures, at: now)
            }
        }
    }

    /// - Returns: whether nothing of the rows is left in the journal's files.
    private func drainJournal() throws(StoreError) -> Bool {
        let through = try journal.withLock { (journal) throws(StoreError) in try journal.last() }
        var next: Int64 = 1
        var damaged: [Int64] = []
        let reader = try SQLite("\(directory)/journal.sqlite", .read)
        while next <= through {
            var gathered: [String: [Day: [(number: Int64, event: Event)]]] = [:]
            // Rows are read in portions, so that memory is bounded however much a crash has left.
            let last = try Journal.portion(reader, next...through, events: Limits.segmentEventsMax)
            try Journal.batches(reader, next...last, damaged: { number, _ in damaged.append(number) }) {
                number, batches in
                for batch in batches {
                    for event in (try? batch.events()) ?? [] {
                        gathered[batch.site, default: [:]][event.time.day, default: []].append((number, event))
                    }
                }
            }
            for (site, days) in gathered.sorted(by: { $0.key < $1.key }) {
                for (day, rows) in days.sorted(by: { $0.key < $1.key }) {
                    let partition = try partition(site, day)
                    let drained = try partition.drainedThrough()
                    let events = rows.filter { $0.number > drained }.map(\.event)
                    if !events.isEmpty { try partition.add(events, through: last) }
                }
            }
            next = last + 1
        }
        return try journal.withLock { (journal) throws(StoreError) in
            let isClean = try journal.remove(through: through, except: damaged)
            let waiting = try journal.waiting()
            waitingCounts.withLock { $0 = waiting }
            return isClean
        }
    }

    private func partition(_ site: String, _ day: Day) throws(StoreError) -> Partition {
        try Files.makeDirectory(Partition.folder(directory, site))
        return try Partition(directory: directory, site: site, day: day, .write(durable: durable))
    }

    /// Fills the memory of recent ids from the partitions that can hold any of them.
    private func remember(since: Instant) throws(StoreError) {
        for site in try Files.names(in: "\(directory)/partitions") {
            for day in try Partition.days(directory, site) where day >= since.day {
                let partition = try Partition(directory: directory, site: site, day: day, .read)
                let segments = try partition.segments(from: since, columns: .ids, damaged: { _ in })
                for columns in segments {
                    for (visitor, id) in zip(columns.visitors, columns.ids) where !id.isEmpty {
                        _ = recentIDs.claim(RecentIDs.hash(site: site, visitor: visitor, id: id), at: since)
                    }
                }
            }
        }
    }

    // MARK: Imports

    /// Numbers for imported visitors, given where they are new. 0 for one that was erased and must not come back.
    public func numbers(of visitors: [VisitorID], site: String) throws(StoreError) -> [VisitorNumber] {
        try ledger.withLock { (ledger) throws(StoreError) in
            try ledger.transaction { () throws(StoreError) in
                var numbers: [VisitorNumber] = []
                numbers.reserveCapacity(visitors.count)
                for visitor in visitors { numbers.append(try ledger.number(importing: visitor, site: site)) }
                return numbers
            }
        }
    }

    /// Stores imported events straight into partitions, durable when it returns, leaving out those that agree in
    /// visitor, time, kind, URL and name with one that is held or came before in `events`.
    /// - Returns: how many were stored.
    public func importEvents(
        _ events: [ConsentedEvent], site: String, at now: Instant
    ) throws(StoreError) -> Int {
        try drain(at: now)
        let withdrawn = withdrawn(site: site)
        var days: [Day: [Event]] = [:]
        for event in events where !withdrawn.contains(event.event.visitor) {
            days[event.event.time.day, default: []].append(event.event)
        }
        return try partitions.withLock { (_) throws(StoreError) in
            var stored = 0
            for (day, events) in days.sorted(by: { $0.key < $1.key }) {
                let partition = try partition(site, day)
                let state = try partition.content()
                let new = try imported.withLock { (keys) throws(StoreError) in
                    if !keys.knows(site, day, state) {
                        let columns: ColumnSet = [.order, .kinds, .pages, .names]
                        let held = try partition.segments(columns: columns) { (damage) throws(StoreError) in
                            throw damage
                        }
                        keys.begin(site, day, held)
                    }
                    return keys.unseen(events, site, day)
                }
                guard !new.isEmpty else { continue }
                do throws(StoreError) {
                    try partition.add(new, through: nil)
                } catch {
                    imported.withLock { $0.forget(site, day) }
                    throw error
                }
                let content = try partition.content()
                imported.withLock { $0.remember(site, day, content) }
                stored += new.count
            }
            return stored
        }
    }

    /// Drains and gives the data directory back. Nothing may be called after it.
    public func close(at now: Instant) throws(StoreError) {
        try drain(at: now)
        lock.release()
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
private final class DirectoryLock: Sendable {
    private let file: Mutex<Int32>

    init(_ directory: String) throws(StoreError) {
        let path = "\(directory)/lock"
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
