internal import AssentCore
internal import Synchronization

/// How many requests an address prefix may make: a minute's worth at once, then as they come in again, one after the
/// other.
///
/// For each prefix one number is kept: when it will have all of its minute again (the generic cell rate algorithm). The
/// table has a fixed size, ``Limits/rateLimitPrefixesMax`` in sets of 8; in a full set the prefix that would be whole
/// first is forgotten. Nothing of it is written anywhere.
final class RateLimit: Sendable {
    private struct Entry {
        var prefix: UInt64 = 0
        /// Nanoseconds of the monotonic clock at which everything is given back.
        var whole: UInt64 = 0
    }

    private static let minute: UInt64 = 60_000_000_000
    private static let setSize = 8

    private let interval: UInt64
    /// Chosen anew in each process, so that nobody knows which prefixes meet in a set.
    private let multiplier: UInt64
    private let entries: Mutex<[Entry]>

    /// - Parameter requestsPerMinute: 1 or more; nil for 0, which is no limit.
    init?(requestsPerMinute: Int) {
        guard requestsPerMinute > 0 else { return nil }
        interval = max(1, RateLimit.minute / UInt64(requestsPerMinute))
        multiplier = UInt64.random(in: .min ... .max) | 1
        entries = Mutex(Array(repeating: Entry(), count: Limits.rateLimitPrefixesMax))
    }

    /// Takes one request off a prefix.
    /// - Parameter now: nanoseconds of a monotonic clock.
    /// - Returns: nil if it may pass, else seconds after which the next one may, rounded up.
    func take(_ prefix: UInt64, at now: UInt64) -> Int? {
        entries.withLock { entries in
            let sets = UInt64(entries.count / RateLimit.setSize)
            let start = Int((prefix &* multiplier).multipliedFullWidth(by: sets).high) * RateLimit.setSize
            var chosen = start
            for index in start..<start + RateLimit.setSize {
                if entries[index].prefix == prefix {
                    chosen = index
                    break
                }
                if entries[index].whole < entries[chosen].whole { chosen = index }
            }
            if entries[chosen].prefix != prefix { entries[chosen] = Entry(prefix: prefix, whole: now) }
            let debt = max(entries[chosen].whole, now) - now
            guard debt + interval <= RateLimit.minute else {
                return Int((debt + interval - RateLimit.minute + 999_999_999) / 1_000_000_000)
            }
            entries[chosen].whole = now + debt + interval
            return nil
        }
    }
}
