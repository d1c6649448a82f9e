/// Why a request's body was not taken: which field, and what it must be. Never what it was.
public struct BadRequest: Error, Sendable, Equatable, CustomStringConvertible {
    /// Path of the field, such as `events[1].age`; empty for the body as a whole.
    public var field: String
    /// What is wrong or what it must be.
    public var problem: String

    /// A problem with a field.
    public init(_ field: String, _ problem: String) {
        self.field = field
        self.problem = problem
    }

    /// `events[1].age: must be 0 to 86400000`.
    public var description: String { field.isEmpty ? problem : "\(field): \(problem)" }

    /// The same problem, seen from an object around it.
    func inside(_ outer: String) -> BadRequest { BadRequest(field.isEmpty ? outer : "\(outer).\(field)", problem) }
}

/// Reads JSON (RFC 8259) strictly from bytes, in one pass and without building a tree.
///
/// The caller walks: it asks for an object or array and reads or skips each value. Nesting is bounded by
/// ``Limits/jsonDepthMax``. Strings must be UTF-8; a lone surrogate escape, which a browser may send in a title, becomes
/// U+FFFD.
struct JSONReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0
    private var depth = 0

    /// Reads one whole text with the closure; anything after it but white space is an error.
    static func read<Value>(
        _ body: RawSpan, _ value: (inout JSONReader) throws(BadRequest) -> Value
    ) throws(BadRequest) -> Value {
        try body.withUnsafeBytes { (bytes) throws(BadRequest) in
            var reader = JSONReader(bytes: bytes.assumingMemoryBound(to: UInt8.self))
            let read = try value(&reader)
            reader.skipSpace()
            guard reader.index == reader.bytes.count else { throw reader.malformed }
            return read
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private var malformed: BadRequest { BadRequest("", "not JSON at byte \(index)") }

    private var byte: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while index < bytes.count, bytes[index] <= 0x20 {
            let byte = bytes[index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            index += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard index < bytes.count, UInt32(bytes[index]) == character.value else { return false }
        index += 1
        return true
    }

    // MARK: Objects and arrays

    /// A member's name as it stands between its quotes.
    struct Key {
        fileprivate let bytes: UnsafeBufferPointer<UInt8>
        fileprivate let hasEscapes: Bool

        /// Whether it is that name. A name written with escapes is none that the wire knows.
        @inline(__always) static func ~= (name: StaticString, key: Key) -> Bool {
            guard !key.hasEscapes, key.bytes.count == name.utf8CodeUnitCount else { return false }
            for index in 0..<key.bytes.count where key.bytes[index] != name.utf8Start[index] { return false }
            return true
        }
    }

    /// Reads an object: the closure must read or skip the value of each member.
    mutating func object(
        _ member: (Key, inout JSONReader) throws(BadRequest) -> Void
    ) throws(BadRequest) {
        guard take("{") else { throw unexpected("an object") }
        try enter()
        if !take("}") {
            repeat {
                skipSpace()
                let (range, hasEscapes) = try rawString()
                if hasEscapes || !isASCII(range) { try check(range, hasEscapes: hasEscapes) }
                guard take(":") else { throw malformed }
                try member(Key(bytes: UnsafeBufferPointer(rebasing: bytes[range]), hasEscapes: hasEscapes), &self)
            } while take(",")
            guard take("}") else { throw malformed }
        }
        depth -= 1
    }

    /// Reads an array: the closure must read or skip each element, whose index it is given.
    mutating func array(_ element: (Int, inout JSONReader) throws(BadRequest) -> Void) throws(BadRequest) {
        guard take("[") else { throw unexpected("an array") }
        try enter()
        if !take("]") {
            var count = 0
            repeat {
                try element(count, &self)
                count += 1
            } while take(",")
            guard take("]") else { throw malformed }
        }
        depth -= 1
    }

    private mutating func enter() throws(BadRequest) {
        depth += 1
        guard depth <= Limits.jsonDepthMax else { throw BadRequest("", "nested deeper than \(Limits.jsonDepthMax)") }
    }

    /// "must be X" where a well-formed value of another type begins, "not JSON" elsewhere.
    private mutating func unexpected(_ type: String) -> BadRequest {
        skipSpace()
        guard let byte, "{[\"-0123456789tfn".utf8.contains(byte) else { return malformed }
        return BadRequest("", "must be \(type)")
    }

    /// Passes over any value.
    mutating func skip() throws(BadRequest) {
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): try object { (_, reader) throws(BadRequest) in try reader.skip() }
        case UInt8(ascii: "["): try array { (_, reader) throws(BadRequest) in try reader.skip() }
        case UInt8(ascii: "\""):
            let (range, hasEscapes) = try rawString()
            try check(range, hasEscapes: hasEscapes)
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: _ = try rawNumber()
        }
    }

    private mutating func word(_ word: StaticString) throws(BadRequest) {
        let end = index + word.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[index..<end].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        else { throw malformed }
        index = end
    }

    /// Whether the value is `null`; if so it is passed over.
    mutating func null() throws(BadRequest) -> Bool {
        skipSpace()
        guard byte == UInt8(ascii: "n") else { return false }
        try word("null")
        return true
    }

    // MARK: Values

    /// Reads `true` or `false`.
    mutating func boolean() throws(BadRequest) -> Bool {
        skipSpace()
        switch byte {
        case UInt8(ascii: "t"):
            try word("true")
            return true
        case UInt8(ascii: "f"):
            try word("false")
            return false
        default: throw unexpected("true or false")
        }
    }

    /// Reads a number.
    mutating func number() throws(BadRequest) -> Double {
        skipSpace()
        guard let byte, byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) else { throw unexpected("a number") }
        let (range, isInteger) = try rawNumber()
        if isInteger, range.count <= 15, byte != UInt8(ascii: "-"), let value = integer(range) { return Double(value) }
        guard let value = Double(String(decoding: bytes[range], as: UTF8.self)), value.isFinite else {
            throw BadRequest("", "a number beyond reason")
        }
        return value
    }

    private func integer(_ range: Range<Int>) -> Int64? {
        var value: Int64 = 0
        for byte in bytes[range] { value = value * 10 + Int64(byte &- 0x30) }
        return value
    }

    private mutating func rawNumber() throws(BadRequest) -> (Range<Int>, isInteger: Bool) {
        let start = index
        var isInteger = true
        if byte == UInt8(ascii: "-") { index += 1 }
        if byte == UInt8(ascii: "0") { index += 1 } else { try digits() }
        if byte == UInt8(ascii: ".") {
            isInteger = false
            index += 1
            try digits()
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            isInteger = false
            index += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        return (start..<index, isInteger)
    }

    private mutating func digits() throws(BadRequest) {
        let start = index
        while let byte, (0x30...0x39).contains(byte) { index += 1 }
        guard index > start else { throw malformed }
    }

    /// Reads a string of at most that many bytes of UTF-8.
    mutating func string(bytesMax: Int) throws(BadRequest) -> String {
        skipSpace()
        guard byte == UInt8(ascii: "\"") else { throw unexpected("a string") }
        let (range, hasEscapes) = try rawString()
        let raw = UnsafeBufferPointer(rebasing: bytes[range])
        guard !hasEscapes else {
            let unescaped = try self.unescaped(raw)
            guard unescaped.count <= bytesMax else { throw BadRequest("", "must be at most \(bytesMax) bytes") }
            guard let text = String(utf8: unescaped.span) else { throw BadRequest("", "must be UTF-8") }
            return text
        }
        guard raw.count <= bytesMax else { throw BadRequest("", "must be at most \(bytesMax) bytes") }
        guard let text = String(utf8: raw.span) else { throw BadRequest("", "must be UTF-8") }
        return text
    }

    /// The range between the quotes, and whether there is a backslash in it.
    private mutating func rawString() throws(BadRequest) -> (Range<Int>, hasEscapes: Bool) {
        guard byte == UInt8(ascii: "\"") else { throw malformed }
        let start = index + 1
        var end = start
        var hasEscapes = false
        while true {
            end = plainEnd(from: end)
            guard end < bytes.count, bytes[end] != UInt8(ascii: "\"") else { break }
            guard bytes[end] >= 0x20 else {
                index = end
                throw malformed
            }
            if bytes[end] == UInt8(ascii: "\\") {
                hasEscapes = true
                end += 1
            }
            end += 1
        }
        index = end
        guard end < bytes.count else { throw malformed }
        index += 1
        return (start..<end, hasEscapes)
    }

    /// What nobody wants to know must be text all the same, or another parser would not take what this one took.
    private func check(_ range: Range<Int>, hasEscapes: Bool) throws(BadRequest) {
        let raw = UnsafeBufferPointer(rebasing: bytes[range])
        if hasEscapes { _ = try unescaped(raw) }
        guard (try? UTF8Span(validating: raw.span)) != nil else { throw BadRequest("", "must be UTF-8") }
    }

    /// Whether bytes are ASCII, eight of them at a time.
    private func isASCII(_ range: Range<Int>) -> Bool {
        let raw = UnsafeRawBufferPointer(bytes)
        var at = range.lowerBound
        var found: UInt64 = 0
        while at + 8 <= range.upperBound {
            found |= raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            at += 8
        }
        while at < range.upperBound {
            found |= UInt64(raw[at])
            at += 1
        }
        return found & 0x8080_8080_8080_8080 == 0
    }

    /// The next quote, backslash or control character, eight bytes at a time; a byte of the word may be none of them
    /// where one before it is.
    private func plainEnd(from start: Int) -> Int {
        let raw = UnsafeRawBufferPointer(bytes)
        let (ones, highs) = (UInt64(0x0101_0101_0101_0101), UInt64(0x8080_8080_8080_8080))
        var at = start
        while at + 8 <= raw.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let (quotes, slashes) = (word ^ ones &* 0x22, word ^ ones &* 0x5C)
            let found = (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes
            if found & highs != 0 { return at + (found & highs).trailingZeroBitCount / 8 }
            at += 8
        }
        while at < raw.count, raw[at] >= 0x20, raw[at] != 0x22, raw[at] != 0x5C { at += 1 }
        return at
    }

    private func unescaped(_ raw: UnsafeBufferPointer<UInt8>) throws(BadRequest) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(raw.count)
        var at = 0
        func unit() throws(BadRequest) -> UInt32 {
            guard at + 4 <= raw.count else { throw malformed }
            var value: UInt32 = 0
            for digit in raw[at..<at + 4] {
                guard let digit = Hex.value(ofDigit: digit) else { throw malformed }
                value = value << 4 | UInt32(digit)
            }
            at += 4
            return value
        }
        while at < raw.count {
            let byte = raw[at]
            at += 1
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard at < raw.count else { throw malformed }
            let escape = raw[at]
            at += 1
            switch escape {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                var value = try unit()
                if (0xD800..<0xDC00).contains(value), at + 6 <= raw.count, raw[at] == UInt8(ascii: "\\"),
                    raw[at + 1] == UInt8(ascii: "u")
                {
                    let back = at
                    at += 2
                    let low = try unit()
                    if (0xDC00..<0xE000).contains(low) {
                        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
                    } else {
                        at = back
                    }
                }
                text.append(contentsOf: UTF8.encode(Unicode.Scalar(value) ?? "\u{FFFD}")!)
            default: throw malformed
            }
        }
        return text
    }
}
