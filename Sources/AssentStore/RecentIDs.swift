public import AssentCore
internal import Synchronization

/// A bounded memory of the event ids of the last 24 hours, as 64-bit hashes keyed anew in each process. Safe from any
/// thread.
///
/// Ids stand in two generations: when the younger one is a day old, or holds half of ``Limits/recentIDsMax``, the older
/// one is forgotten. So an id is remembered for a day or longer, unless more than that half arrive in a day. What slips
/// by is dropped when segments are merged.
public final class RecentIDs: Sendable {
    private struct Generations {
        var young = HashTable()
        var old = HashTable()
        var begun = Instant(milliseconds: 0)

        mutating func claim(_ hash: UInt64, at now: Instant) -> Bool {
            guard !young.contains(hash), !old.contains(hash) else { return false }
            if young.count >= Limits.recentIDsMax / 2
                || now.milliseconds - begun.milliseconds >= Limits.duplicateMilliseconds
            {
                old = young
                young = HashTable()
                begun = now
            }
            young.insert(hash)
            return true
        }
    }

    private let generations = Mutex(Generations())

    /// No ids.
    public init() {}

    /// The hash of an event's identity.
    public static func hash(site: String, visitor: VisitorNumber, id: String) -> UInt64 {
        var hasher = TextHasher()
        hasher.feed(site)
        hasher.feed(UInt64(visitor))
        hasher.feed(id)
        return hasher.value
    }

    /// Remembers ids.
    /// - Returns: the places of those that were known, in this call or before it: the events are duplicates.
    public func claim(_ hashes: [UInt64], at now: Instant) -> [Int] {
        generations.withLock { generations in
            var known: [Int] = []
            for (place, hash) in hashes.enumerated() where !generations.claim(hash, at: now) { known.append(place) }
            return known
        }
    }

    /// Forgets ids whose events did not become durable.
    public func release(_ hashes: [UInt64]) {
        generations.withLock { generations in
            for hash in hashes {
                generations.young.remove(hash)
                generations.old.remove(hash)
            }
        }
    }
}

/// A set of hashes: each stands at the place that its low bits name, or at the next free one. At most half of the places
/// are taken.
struct HashTable {
    /// 0 is free; the hash that is 0 is taken for 1.
    private var places: [UInt64] = []
    private(set) var count = 0

    func contains(_ hash: UInt64) -> Bool { count > 0 && places[place(of: max(1, hash))] != 0 }

    mutating func insert(_ hash: UInt64) {
        guard !contains(hash) else { return }
        if (count + 1) * 2 > places.count {
            let hashes = places
            places = Array(repeating: 0, count: max(1_024, places.count * 2))
            for hash in hashes where hash != 0 { places[place(of: hash)] = hash }
        }
        places[place(of: max(1, hash))] = max(1, hash)
        count += 1
    }

    /// - Returns: whether it was there.
    @discardableResult mutating func remove(_ hash: UInt64) -> Bool {
        guard contains(hash) else { return false }
        var gap = place(of: max(1, hash))
        places[gap] = 0
        count -= 1
        // Those behind it move up, as far as their own place allows.
        let mask = places.count - 1
        var next = (gap + 1) & mask
        while places[next] != 0 {
            let home = Int(truncatingIfNeeded: places[next]) & mask
            if (next - home) & mask >= (next - gap) & mask {
                places[gap] = places[next]
                places[next] = 0
                gap = next
            }
            next = (next + 1) & mask
        }
        return true
    }

    /// Where a hash is, or would go.
    private func place(of hash: UInt64) -> Int {
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while places[place] != 0, places[place] != hash { place = (place + 1) & mask }
        return place
    }
}
