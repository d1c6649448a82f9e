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
        var young: Set<UInt64> = []
        var old: Set<UInt64> = []
        var begun = Instant(milliseconds: 0)
    }

    private let generations = Mutex(Generations())

    /// No ids.
    public init() {}

    /// The hash of an event's identity.
    public static func hash(site: String, visitor: VisitorNumber, id: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(site)
        hasher.combine(visitor)
        hasher.combine(id)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// Remembers an id. False if it was known: the event is a duplicate.
    public func claim(_ hash: UInt64, at now: Instant) -> Bool {
        generations.withLock { generations in
            guard !generations.young.contains(hash), !generations.old.contains(hash) else { return false }
            if generations.young.count >= Limits.recentIDsMax / 2
                || now.milliseconds - generations.begun.milliseconds >= Limits.duplicateMilliseconds
            {
                generations.old = generations.young
                generations.young = []
                generations.begun = now
            }
            generations.young.insert(hash)
            return true
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
