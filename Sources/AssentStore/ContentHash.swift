internal import AssentCore
internal import Crypto

/// A hash over a set of events that does not depend on how they are divided or ordered, and to which events can be
/// added and taken away.
///
/// It is the sum modulo 2²⁵⁶ of the SHA-256 of each event's canonical bytes; its text is the SHA-256 of that sum (32
/// bytes, big-endian) and the count of events (8 bytes, big-endian). It finds damage and differences; against someone
/// who makes up events to fit a sum it is no proof.
struct ContentHash: Sendable, Equatable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private(set) var count: UInt64 = 0

    init() {}

    /// A hash as it was stored: 32 bytes and a count.
    init?(sum: [UInt8], count: UInt64) {
        guard sum.count == 32 else { return nil }
        words = ContentHash.words(sum)
        self.count = count
    }

    var sum: [UInt8] { bigEndian(words.3) + bigEndian(words.2) + bigEndian(words.1) + bigEndian(words.0) }

    /// 64 hex digits.
    var text: String { Hex.text(Array(SHA256.hash(data: sum + bigEndian(count)))) }

    mutating func add(_ event: Event) {
        add(ContentHash.words(ContentHash.digest(event)))
        count += 1
    }

    /// Takes an event away. A stored count that is too small stays at 0, and the hash then tells that it is wrong.
    mutating func remove(_ event: Event) {
        let (a, b, c, d) = ContentHash.words(ContentHash.digest(event))
        // Taking away is adding the two's complement.
        add((~a, ~b, ~c, ~d))
        add((1, 0, 0, 0))
        count -= count > 0 ? 1 : 0
    }

    mutating func add(_ other: ContentHash) {
        add(other.words)
        count += other.count
    }

    static func == (left: ContentHash, right: ContentHash) -> Bool {
        left.words == right.words && left.count == right.count
    }

    private mutating func add(_ other: (UInt64, UInt64, UInt64, UInt64)) {
        var carry: UInt64 = 0
        func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let (partial, first) = left.addingReportingOverflow(right)
            let (whole, second) = partial.addingReportingOverflow(carry)
            carry = first || second ? 1 : 0
            return whole
        }
        words = (sum(words.0, other.0), sum(words.1, other.1), sum(words.2, other.2), sum(words.3, other.3))
    }

    /// Visitor, record, time and kind, then what the event is about; the id is no part of it, for it is
    /// gone after the seal.
    private static func digest(_ event: Event) -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.varint(event.visitor)
        writer.varint(event.record)
        writer.zigzag(event.time.milliseconds)
        writer.byte(event.kind.rawValue)
        writer.writeContent(event)
        return Array(SHA256.hash(data: writer.bytes))
    }

    private static func words(_ bytes: [UInt8]) -> (UInt64, UInt64, UInt64, UInt64) {
        func word(_ index: Int) -> UInt64 { bytes[index..<index + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        return (word(24), word(16), word(8), word(0))
    }

    private func bigEndian(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}
