internal import AssentCore

/// What imports recognise a held event by: visitor, time, kind, page and name as one 64-bit hash, a set for each day.
///
/// A set is filled from the partition when a day is first met and holds as long as nobody else adds to the partition;
/// beyond ``Limits/importKeysMax`` all are forgotten and filled again when they are needed.
struct ImportKeys {
    private struct Key: Hashable {
        var site: String
        var day: Day
    }

    private var sets: [Key: (content: ContentHash, hashes: Set<UInt64>)] = [:]
    private var total = 0

    /// Whether the day's set is that of the partition as it is.
    func knows(_ site: String, _ day: Day, _ content: ContentHash) -> Bool {
        sets[Key(site: site, day: day)]?.content == content
    }

    /// Fills a day's set with what its partition holds.
    mutating func begin(_ site: String, _ day: Day, _ held: [EventColumns]) {
        if total > Limits.importKeysMax {
            sets = [:]
            total = 0
        }
        var hashes: Set<UInt64> = []
        for columns in held {
            for event in 0..<columns.count {
                hashes.insert(
                    ImportKeys.hash(
                        columns.visitors[event], columns.times[event], columns.kinds[event], columns.pages[event],
                        columns.names[event]))
            }
        }
        forget(site, day)
        total += hashes.count
        sets[Key(site: site, day: day)] = (ContentHash(), hashes)
    }

    /// Those events that the day's set does not have, which has them then.
    mutating func unseen(_ events: [Event], _ site: String, _ day: Day) -> [Event] {
        let key = Key(site: site, day: day)
        return events.filter { event in
            let hash = ImportKeys.hash(
                event.visitor, event.time.milliseconds, event.kind.rawValue, event.page, event.name)
            let isNew = sets[key]?.hashes.insert(hash).inserted == true
            total += isNew ? 1 : 0
            return isNew
        }
    }

    /// Says which content the set stands for.
    mutating func remember(_ site: String, _ day: Day, _ content: ContentHash) {
        sets[Key(site: site, day: day)]?.content = content
    }

    /// Drops a set that holds more than was stored.
    mutating func forget(_ site: String, _ day: Day) {
        total -= sets.removeValue(forKey: Key(site: site, day: day))?.hashes.count ?? 0
    }

    private static func hash(
        _ visitor: VisitorNumber, _ time: Int64, _ kind: UInt8, _ page: Page, _ name: String
    ) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(visitor)
        hasher.combine(time)
        hasher.combine(kind)
        hasher.combine(page)
        hasher.combine(name)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
