/// A hash over texts by their bytes, keyed anew in each process: an eighth of the work of ``Hasher``, and like it of no
/// use to somebody who looks for texts with the same one.
package struct TextHasher {
    private static let key = UInt64.random(in: .min ... .max)
    private static let factor = UInt64.random(in: .min ... .max) | 1

    private var state: UInt64
    /// The secrets, looked up once for each hash.
    private let key: UInt64
    private let factor: UInt64

    package init() {
        (key, factor) = (TextHasher.key, TextHasher.factor)
        state = key
    }

    /// The hash of all that was fed.
    package var value: UInt64 { state ^ state >> 32 }

    package mutating func feed(_ number: UInt64) {
        let (high, low) = (state ^ number).multipliedFullWidth(by: factor)
        state = (high ^ low) &+ key
    }

    package mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        var at = 0
        while at + 8 <= bytes.count {
            feed(bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            at += 8
        }
        // At most seven bytes, and above them how many there were in all, so that it matters where a text ends.
        var rest: UInt64 = 0
        while at < bytes.count {
            rest = rest << 8 | UInt64(bytes[at])
            at += 1
        }
        feed(rest | UInt64(truncatingIfNeeded: bytes.count) << 56)
    }

    package mutating func feed(_ text: String) {
        var text = text
        text.withUTF8 { feed(UnsafeRawBufferPointer($0)) }
    }
}

/// Finds the index of a value by its hash; the values themselves are kept by whoever asks. Indices are given from 0.
package struct IndexTable: Sendable {
    /// Indices plus 1 by the low bits of the hash, each at the next free place; 0 is free.
    private var slots: [UInt32] = []
    private var hashes: [UInt64] = []

    package init() {}

    /// How many values have an index.
    package var count: Int { hashes.count }

    /// The index of a value with that hash of which the closure says that it is the one.
    package func index(of hash: UInt64, where isSame: (Int) -> Bool) -> Int? {
        guard !slots.isEmpty else { return nil }
        var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[place] != 0 {
            let index = Int(slots[place]) - 1
            if hashes[index] == hash, isSame(index) { return index }
            place = (place + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Gives the next index to a value that has none.
    package mutating func insert(_ hash: UInt64) -> Int {
        if (hashes.count + 1) * 2 > slots.count {
            slots = [UInt32](repeating: 0, count: max(16, slots.count * 2))
            for index in hashes.indices { settle(index) }
        }
        hashes.append(hash)
        settle(hashes.count - 1)
        return hashes.count - 1
    }

    package mutating func removeAll() {
        slots = []
        hashes = []
    }

    private mutating func settle(_ index: Int) {
        var place = Int(truncatingIfNeeded: hashes[index]) & (slots.count - 1)
        while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
        slots[place] = UInt32(index + 1)
    }
}
