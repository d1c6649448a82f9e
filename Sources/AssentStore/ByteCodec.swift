internal import AssentCore

/// Takes the fields of what is written, one after the other.
protocol FieldWriter {
    mutating func byte(_ value: UInt8)
    /// Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128).
    mutating func varint(_ value: UInt64)
    /// Count of bytes, then UTF-8.
    mutating func text(_ value: String)
}

extension FieldWriter {
    mutating func varint(_ value: some UnsignedInteger & FixedWidthInteger) { varint(UInt64(value)) }

    /// 0, −1, 1, −2 … as 0, 1, 2, 3 …
    mutating func zigzag(_ value: Int64) { varint(UInt64(bitPattern: value << 1 ^ value >> 63)) }
}

/// Counts the bytes that fields take.
struct FieldLengths: FieldWriter {
    private(set) var count = 0

    mutating func byte(_ value: UInt8) { count += 1 }

    mutating func varint(_ value: UInt64) { count += (70 - (value | 1).leadingZeroBitCount) / 7 }

    mutating func text(_ value: String) {
        let length = value.utf8.count
        varint(UInt64(length))
        count += length
    }
}

/// Writes fields into room that is there. Writing more than fits is a mistake of the program and ends it.
struct RoomWriter: FieldWriter {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ room: UnsafeMutableBufferPointer<UInt8>) { self.room = UnsafeMutableRawBufferPointer(room) }

    mutating func byte(_ value: UInt8) {
        precondition(count < room.count)
        room[count] = value
        count += 1
    }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        byte(UInt8(truncatingIfNeeded: rest))
    }

    mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            varint(UInt64(utf8.count))
            guard let source = utf8.baseAddress else { return }
            precondition(utf8.count <= room.count - count)
            (room.baseAddress! + count).copyMemory(from: source, byteCount: utf8.count)
            count += utf8.count
        }
    }
}

/// Appends fields to bytes.
struct ByteWriter: FieldWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Forgets the bytes and keeps their room.
    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func raw(_ values: some Collection<UInt8>) { bytes.append(contentsOf: values) }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func text(_ value: String) {
        varint(UInt64(value.utf8.count))
        var value = value
        value.withUTF8 { bytes.append(contentsOf: $0) }
    }
}

/// Reads what ``ByteWriter`` wrote; foreign bytes throw and never trap.
struct ByteReader {
    /// The bytes are not what they should be.
    struct Malformed: Error {}

    private let bytes: ArraySlice<UInt8>
    private(set) var index: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    var isAtEnd: Bool { index == bytes.endIndex }

    mutating func byte() throws(Malformed) -> UInt8 {
        guard index < bytes.endIndex else { throw Malformed() }
        defer { index += 1 }
        return bytes[index]
    }

    mutating func raw(_ count: Int) throws(Malformed) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.endIndex - index else { throw Malformed() }
        defer { index += count }
        return bytes[index..<index + count]
    }

    mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            guard shift < 63 || byte <= 1 else { throw Malformed() }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    mutating func varint32() throws(Malformed) -> UInt32 {
        guard let value = UInt32(exactly: try varint()) else { throw Malformed() }
        return value
    }

    /// That many varints, each of which fits the type. Cost: a few instructions a byte.
    mutating func varints<Value: FixedWidthInteger & UnsignedInteger>(
        _ count: Int, as type: Value.Type = Value.self
    ) throws(Malformed) -> [Value] {
        guard count >= 0, count <= bytes.endIndex - index else { throw Malformed() }
        var used = 0
        let values = [Value](unsafeUninitializedCapacity: count) { values, filled in
            bytes[index...].withUnsafeBufferPointer { bytes in
                while filled < count {
                    var value: UInt64 = 0
                    var shift: UInt64 = 0
                    var byte: UInt8 = 0x80
                    while byte >= 0x80 {
                        guard used < bytes.count else { return }
                        byte = bytes[used]
                        used += 1
                        guard shift < 63 || byte <= 1 else { return }
                        value |= UInt64(byte & 0x7F) << shift
                        shift += 7
                    }
                    guard value <= Value.max else { return }
                    values.initializeElement(at: filled, to: Value(truncatingIfNeeded: value))
                    filled += 1
                }
            }
        }
        guard values.count == count else { throw Malformed() }
        index += used
        return values
    }

    /// A number of things that follow, each of which takes at least one byte.
    mutating func count(atMost bound: Int = .max) throws(Malformed) -> Int {
        guard let value = Int(exactly: try varint()), value <= min(bound, bytes.endIndex - index) else {
            throw Malformed()
        }
        return value
    }

    mutating func zigzag() throws(Malformed) -> Int64 { ByteReader.unzigzag(try varint()) }

    /// The number that a zigzag varint stands for.
    static func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

    mutating func text() throws(Malformed) -> String {
        let utf8 = try raw(try count())
        guard let text = String(utf8: utf8.span) else { throw Malformed() }
        return text
    }
}
