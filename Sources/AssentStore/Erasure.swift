public import AssentCore
internal import Synchronization

// What becomes of the events of visitors who want to be forgotten.
extension Store {
    /// Erases a visitor by the id, as the visitor's own withdrawal would, and finishes it: the drain is part of it.
    ///
    /// A receipt of state `erased` is handed out once. An erasure that was asked for before and finished meanwhile by
    /// this process gives it at the first call afterwards; any later one gives `erasedBefore`.
    /// - Parameters:
    ///   - now: the server's time.
    ///   - day: the site's local date, for the tally.
    ///   - received: the local date on which the request came, if that is not this one; it is noted in the chain.
    /// - Returns: the document of an ``ErasureReceipt``; nil if the site knows no such id.
    /// - Throws: ``StoreError`` if the erasure could not be recorded. What keeps it from being finished stands in the
    ///   receipt.
    public func erase(
        _ id: VisitorID, site: String, at now: Instant, day: Day, received: Day? = nil
    ) throws(StoreError) -> [UInt8]? {
        let (known, visitor) = try withLedger { (ledger) throws(StoreError) in
            (try ledger.erasure(of: id, site: site), try ledger.number(of: id, site: site))
        }
        guard known != nil || visitor != nil else { return nil }
        // Who only asks how an erasure stands asks for nothing new.
        if visitor != nil || received != nil {
            let request = ReceivedRequest(.erase, site: site, visitor: id, received: received ?? day)
            guard try note(request, at: now) != nil else { return nil }
        }
        if let visitor {
            _ = try commit([.withdraw(site: site, visitor: visitor, erase: true, at: now, day: day)])
        }
        var stopped: [String] = []
        var drained = Drained()
        do throws(StoreError) {
            drained = try drainAll(at: now, searching: visitor == nil && known?.completed != nil)
        } catch {
            stopped = ["the drain: \(error.reason)"]
        }
        return try withLedger { [drained] (ledger) throws(StoreError) in
            guard let erasure = try ledger.erasure(of: id, site: site) else { return nil }
            let isComplete = erasure.completed != nil
            let left = drained.left(of: erasure.visitor, site: site, isComplete: isComplete) + stopped
            if isComplete, left.isEmpty { try ledger.closeErasures(of: erasure.visitor, site: site, at: now) }
            if isComplete, left.isEmpty, let document = receipts.withLock({ $0.removeValue(forKey: erasure.entry) }) {
                return document
            }
            var receipt = try ledger.receipt(
                isComplete ? .erasedBefore : .unfinished, of: erasure, completed: erasure.completed)
            receipt.left = left
            return receipt.document(key: key)
        }
    }

    /// One line: what was done and when, then its MAC. Whoever holds the key can check it; it names no visitor.
    func receipt(_ kind: String, site: String, at: Instant, events: Int, partitions: Int) -> String {
        let text = "assent-\(kind)/1 site=\(site) at=\(at.rfc3339) events=\(events) partitions=\(partitions)"
        return "\(text) mac=\(Hex.text(key.mac(domain: "receipt", Array(text.utf8))))"
    }

    // MARK: What there is of visitors

    /// How many events of a visitor lie in how many partitions and days of the journal. What is damaged counts for
    /// none: it must not keep anybody from withdrawing.
    func count(of visitor: VisitorNumber, site: String) throws(StoreError) -> (events: Int, partitions: Int) {
        var events = 0
        var days: Set<Day> = []
        var drained: [Day: Int64] = [:]
        let waiting = try waiting(of: { $0 == site && $1 == visitor })
        for day in try Partition.days(directory, site) {
            do throws(StoreError) {
                let partition = try Partition(directory: directory, site: site, day: day, .read)
                let found = try partition.count(of: visitor)
                drained[day] = found.drainedThrough
                if found.events > 0 { days.insert(day) }
                events += found.events
            } catch  where error.kind == .damaged || error.kind == .missing {
                continue
            }
        }
        for each in waiting where each.row > drained[each.day] ?? 0 {
            events += 1
            days.insert(each.day)
        }
        return (events, days.count)
    }

    /// An event of a visitor in the journal.
    private struct Waiting {
        var row: Int64
        var site: String
        var day: Day
        var visitor: VisitorNumber
    }

    private func waiting(
        of isOne: (String, VisitorNumber) -> Bool
    ) throws(StoreError) -> [Waiting] {
        var waiting: [Waiting] = []
        let reader = try SQLite("\(directory)/journal.sqlite", .read)
        try Journal.events(reader, 1...Int64.max, damaged: { _, _ in }) { row, site, events in
            for event in events where isOne(site, event.visitor) {
                waiting.append(Waiting(row: row, site: site, day: event.time.day, visitor: event.visitor))
            }
        }
        return waiting
    }

    /// Notes in the ledger what waits in the journal of visitors who are being erased: the drain passes over it. All of it
    /// before any of it, for what a partition has drained is not counted again after a crash.
    func noteWaiting(_ erasures: [String: Ledger.Erasures], _ drained: inout Drained) throws(StoreError) {
        guard !erasures.isEmpty else { return }
        var counts: [PartitionName: [VisitorNumber: Int]] = [:]
        var through: [PartitionName: Int64] = [:]
        for each in try waiting(of: { erasures[$0]?.entries[$1] != nil }) {
            let name = PartitionName(site: each.site, day: each.day)
            if through[name] == nil { through[name] = try drainedThrough(name) }
            if let last = through[name], each.row > last { counts[name, default: [:]][each.visitor, default: 0] += 1 }
            drained.erasedRows.append((each.row, each.site, each.visitor))
        }
        for (name, counts) in counts {
            guard let erased = erasures[name.site] else { continue }
            try withLedger { (ledger) throws(StoreError) in
                try ledger.noteWaiting(counts, erased, site: name.site, day: name.day)
            }
            drained.find(Set(counts.keys), erased, name.site)
        }
    }

    /// The last row of the journal that a partition holds: 0 if there is none yet; the highest number if it is damaged, for
    /// what waits for it stays in the journal and is counted when it is repaired.
    private func drainedThrough(_ name: PartitionName) throws(StoreError) -> Int64 {
        do throws(StoreError) {
            return try Partition(directory: directory, site: name.site, day: name.day, .read).drainedThrough()
        } catch  where error.kind == .missing {
            return 0
        } catch  where error.kind == .damaged {
            return Int64.max
        }
    }

    // MARK: Erasing

    /// What a drain met that stays as it is, and what that leaves of visitors who are being erased.
    struct Drained {
        /// One for each damaged thing.
        var sentences: [String] = []
        /// Rows of the journal that must stay.
        var rows: Set<Int64> = []
        /// Partitions that could not be written: nothing is added to them before that is done which was noted.
        var failed: Set<PartitionName> = []
        /// Why the first of them could not.
        var failure: StoreError?
        /// Rows of the journal with events of visitors who are being erased.
        var erasedRows: [(row: Int64, site: String, visitor: VisitorNumber)] = []
        /// Visitors of whom something was found, by site.
        private(set) var found: [String: Ledger.Erasures] = [:]
        private var left: [String: [VisitorNumber: Set<String>]] = [:]
        private var leftOfAll: Set<String> = []

        mutating func find(_ visitors: Set<VisitorNumber>, _ erasures: Ledger.Erasures, _ site: String) {
            found[site, default: Ledger.Erasures()].add(erasures.entries.filter { visitors.contains($0.key) })
        }

        mutating func leave(_ visitors: Set<VisitorNumber>, of site: String, _ clause: String) {
            for visitor in visitors { left[site, default: [:]][visitor, default: []].insert(clause) }
        }

        mutating func leaveOfAll(_ clause: String) { leftOfAll.insert(clause) }

        /// What may still hold something of a visitor, a clause each; of one whose erasure is complete only what has come
        /// back and is damaged.
        func left(of visitor: VisitorNumber, site: String, isComplete: Bool = false) -> [String] {
            (isComplete ? [] : leftOfAll).union(left[site]?[visitor] ?? []).sorted()
        }
    }

    /// Removes visitors from the partitions of a site: those who wait for it, and all whose erasure a partition has not
    /// seen, for it may be restored from a backup that is older than the ledger.
    /// - Parameters:
    ///   - pending: erasures that are under way.
    ///   - all: every erasure of the site that is to be looked for.
    func erase(
        _ pending: Ledger.Erasures, among all: Ledger.Erasures, site: String, _ drained: inout Drained
    ) throws(StoreError) {
        for day in try Partition.days(directory, site) {
            // Of whatever cannot be read nobody knows what it has seen.
            var erased = all
            do throws(StoreError) {
                // Reading is enough for most of them where nothing is under way.
                let reader = try Partition(directory: directory, site: site, day: day, .read)
                let through = try reader.erasedThrough()
                erased = pending
                erased.add(all.entries.filter { $0.value > through })
                if !erased.entries.isEmpty { try erase(erased, waiting: pending, site, day, &drained) }
            } catch  where error.kind == .missing {
                // It is only being made.
                continue
            } catch {
                drained.leave(erased.visitors, of: site, "partition \(day): \(error.reason)")
                if error.kind == .damaged {
                    drained.sentences.append(error.description)
                } else {
                    drained.failed.insert(PartitionName(site: site, day: day))
                    drained.failure = drained.failure ?? error
                }
            }
        }
    }

    private func erase(
        _ erased: Ledger.Erasures, waiting: Ledger.Erasures, _ site: String, _ day: Day, _ drained: inout Drained
    ) throws(StoreError) {
        var concerned = waiting.visitors
        let (left, isHeld) = try partition(site, day).erase(erased.visitors, through: erased.through) {
            (rewriting) throws(StoreError) in
            try withLedger { (ledger) throws(StoreError) in
                try ledger.note(rewriting, erased, site: site, day: day)
            }
            drained.find(Set(rewriting.found.keys), erased, site)
            concerned.formUnion(rewriting.found.keys)
        } damaged: {
            drained.sentences.append($0.description)
        }
        drained.leave(left, of: site, "partition \(day): a damaged segment may hold events")
        if isHeld { drained.leave(concerned, of: site, "partition \(day): a reader holds its write-ahead log") }
    }

    /// Completes the erasures of which nothing is left: those that were under way, and those of which something was found.
    func complete(
        _ pending: [String: Ledger.Erasures], _ drained: inout Drained, at now: Instant
    ) throws(StoreError) {
        for (row, site, visitor) in drained.erasedRows where drained.rows.contains(row) {
            drained.leave([visitor], of: site, "journal: a row with events waits for a partition")
        }
        var finished: [String: Ledger.Erasures] = [:]
        var erasures = pending
        for (site, found) in drained.found { erasures[site, default: Ledger.Erasures()].add(found.entries) }
        for (site, erased) in erasures {
            let entries = erased.entries.filter { drained.left(of: $0.key, site: site).isEmpty }
            if !entries.isEmpty { finished[site] = Ledger.Erasures(entries: entries) }
        }
        if !finished.isEmpty {
            let documents = try withLedger { (ledger) throws(StoreError) in try ledger.complete(finished, at: now) }
            if let documents {
                keepReceipts(documents)
            } else {
                drained.leaveOfAll("ledger: a reader holds its write-ahead log")
            }
        }
        try withLedger { (ledger) throws(StoreError) in
            erasuresLeft.store(try !ledger.pendingErasures().isEmpty, ordering: .relaxed)
        }
    }

    private func keepReceipts(_ documents: [RecordNumber: [UInt8]]) {
        receipts.withLock { kept in
            kept.merge(documents) { $1 }
            for entry in kept.keys.sorted().dropLast(Limits.receiptsKeptMax) { kept[entry] = nil }
        }
    }
}

extension StoreError {
    /// The error as a clause without a path, for those who are not the operator's.
    fileprivate var reason: String {
        switch kind {
        case .full: "the disk is full"
        case .readOnly: "it cannot be written"
        case .held: "another process holds it"
        case .damaged: "it is damaged"
        case .newerFormat: "it has a newer format"
        case .inputOutput, .missing: "reading or writing failed"
        }
    }
}
