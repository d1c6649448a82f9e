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

    /// Adds every event of a segment. Cost: that of a SHA-256 for each, about 0.3 µs.
    mutating func add(_ columns: EventColumns) {
        var digests = EventDigests(columns)
        for event in 0..<columns.count { add(ContentHash.words(digests.digest(of: event))) }
        count += UInt64(columns.count)
    }

    /// Takes an event away. A stored count that is too small stays at 0, and the hash then tells that it is wrong.
    mutating func remove(_ event: Event) { remove(ContentHash.digest(event)) }

    /// Takes those events of a segment away.
    mutating func remove(_ events: some Sequence<Int>, of columns: EventColumns) {
        var digests = EventDigests(columns)
        for event in events { remove(digests.digest(of: event)) }
    }

    private mutating func remove(_ digest: SHA256.Digest) {
        let (a, b, c, d) = ContentHash.words(digest)
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
    private static func digest(_ event: Event) -> SHA256.Digest {
        var writer = ByteWriter(capacity: 256)
        writer.varint(event.visitor)
        writer.varint(event.record)
        writer.zigzag(event.time.milliseconds)
        writer.byte(event.kind.rawValue)
        writer.writeContent(event)
        return SHA256.hash(data: writer.bytes)
    }

    private static func words(_ bytes: SHA256.Digest) -> (UInt64, UInt64, UInt64, UInt64) {
        bytes.withUnsafeBytes { words($0) }
    }

    private static func words(_ bytes: [UInt8]) -> (UInt64, UInt64, UInt64, UInt64) {
        bytes.withUnsafeBytes { words($0) }
    }

    /// The lowest word first.
    private static func words(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64, UInt64, UInt64) {
        func word(_ offset: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        return (word(24), word(16), word(8), word(0))
    }

    private func bigEndian(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}

/// The digests of events that stand in columns: what many events share is written once for all of them.
private struct EventDigests {
    private let columns: EventColumns
    /// Texts and bytes of each distinct value, as a row has them.
    private let pages: Texts
    private let titles: Texts
    private let referrers: Texts
    private let locales: Texts
    private let countries: Texts
    private let clients: Texts
    private let names: Texts
    private let targets: Texts
    private var row = ByteWriter(capacity: 512)

    init(_ columns: EventColumns) {
        func written<Value>(
            _ column: EventColumns.Interned<Value>, _ write: (inout ByteWriter, Value) -> Void
        ) -> Texts {
            var texts = Texts()
            var writer = ByteWriter(capacity: 256)
            for value in column.values {
                writer.clear()
                write(&writer, value)
                texts.append(utf8: writer.bytes[...])
            }
            return texts
        }
        self.columns = columns
        pages = written(columns.pages) { $0.write($1) }
        titles = written(columns.titles) { $0.text($1) }
        referrers = written(columns.referrers) { $0.write($1) }
        locales = written(columns.locales) { $0.text($1) }
        countries = written(columns.countries) { $0.text($1) }
        clients = written(columns.clients) { $0.write($1) }
        names = written(columns.names) { $0.text($1) }
        targets = written(columns.targets) { $0.text($1) }
    }

    mutating func digest(of event: Int) -> SHA256.Digest {
        row.clear()
        row.varint(columns.visitors[event])
        row.varint(columns.records[event])
        row.zigzag(columns.times[event])
        row.byte(columns.kinds[event])
        row.raw(pages.bytes(at: Int(columns.pages.indices[event])))
        row.raw(titles.bytes(at: Int(columns.titles.indices[event])))
        row.raw(referrers.bytes(at: Int(columns.referrers.indices[event])))
        row.raw(locales.bytes(at: Int(columns.locales.indices[event])))
        row.raw(countries.bytes(at: Int(columns.countries.indices[event])))
        row.raw(clients.bytes(at: Int(columns.clients.indices[event])))
        row.raw(names.bytes(at: Int(columns.names.indices[event])))
        row.raw(targets.bytes(at: Int(columns.targets.indices[event])))
        row.varint(columns.engaged[event])
        row.byte(columns.scrolls[event])
        return row.bytes.withUnsafeBytes { bytes in
            var hash = SHA256()
            hash.update(bufferPointer: bytes)
            return hash.finalize()
        }
    }
}
