public import AssentCore
internal import Synchronization

extension Store {
    /// Seals partitions that can get no more events: their UTC day ended more than ``Limits/ageMillisecondsMax`` ago, and
    /// the journal is drained. Reports stay the same; an import for a sealed day opens it again until the next seal.
    ///
    /// Cost: about as much as writing the events anew; other writers of partitions wait for one of them at a time.
    /// - Parameters:
    ///   - site: only those of that site.
    ///   - day: only those of that day.
    ///   - now: the server's time.
    ///   - goesOn: asked before each partition; after a no the others are left to the next call.
    ///   - progress: told of each partition before it is looked at.
    /// - Returns: what was sealed. A damaged partition stays open and is named.
    /// - Throws: ``StoreError`` such as a full disk; what was sealed before stays sealed.
    @discardableResult public func seal(
        site: String? = nil, day: Day? = nil, at now: Instant, while goesOn: () -> Bool = { true },
        progress: (PartitionName) -> Void = { _ in }
    ) throws(StoreError) -> Upkeep {
        var upkeep = Upkeep()
        upkeep.damage = try drain(at: now)
        let oldest = now.advanced(by: -Limits.ageMillisecondsMax)
        for each in try sites() where site == nil || each == site {
            for other in try Partition.days(directory, each) where day == nil || other == day {
                guard other.advanced(by: 1).start < oldest else { continue }
                guard goesOn() else { return upkeep }
                progress(PartitionName(site: each, day: other))
                do throws(StoreError) {
                    if try seal(each, other) { upkeep.partitions.append(PartitionName(site: each, day: other)) }
                } catch  where error.kind == .damaged {
                    if !upkeep.damage.contains(error.description) { upkeep.damage.append(error.description) }
                } catch  where error.kind == .missing {
                    continue
                }
            }
        }
        return upkeep
    }

    /// - Returns: whether there was anything to do.
    private func seal(_ site: String, _ day: Day) throws(StoreError) -> Bool {
        try partitions.withLock { (_) throws(StoreError) in
            // Reading is enough for most of them.
            let reader = try Partition(directory: directory, site: site, day: day, .read)
            if try reader.isSealedAndCut() { return false }
            try partition(site, day).seal()
            return true
        }
    }

    /// Removes partitions whose retention has ended: the UTC day ended more than that many days ago.
    /// - Parameters:
    ///   - now: the server's time.
    ///   - retentionDays: days by site. What belongs to another site stays.
    /// - Returns: what was removed.
    /// - Throws: ``StoreError``; what was removed before stays removed.
    @discardableResult public func prune(at now: Instant, retentionDays: [String: Int]) throws(StoreError) -> Upkeep {
        var upkeep = Upkeep()
        for (site, days) in retentionDays.sorted(by: { $0.key < $1.key }) {
            try partitions.withLock { (_) throws(StoreError) in
                let removed = try Partition.remove(directory, site) { $0.advanced(by: 1 + days).start < now }
                upkeep.partitions += removed.map { PartitionName(site: site, day: $0) }
            }
        }
        return upkeep
    }

    private func sites() throws(StoreError) -> [String] { try Files.names(in: "\(directory)/partitions") }
}
