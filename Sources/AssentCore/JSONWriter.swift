/// Appends JSON (RFC 8259) to bytes: compact, in the order in which it is told, and so the same bytes for the same calls.
///
/// Commas are its own business. That a key stands before every member of an object, and that nothing is left open, is
/// the caller's; ``object(_:)`` and ``array(_:)`` close what they open.
public struct JSONWriter: Sendable {
    /// What was written so far, in UTF-8.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Nothing yet.
    /// - Parameter capacity: bytes to make room for at once.
    public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// What was written so far.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// An object with the members that the closure writes, each a key and a value.
    public mutating func object<Failure: Error>(
        _ members: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        open(UInt8(ascii: "{"))
        try members(&self)
        close(UInt8(ascii: "}"))
    }

    /// An array of the values that the closure writes.
    public mutating func array<Failure: Error>(_ items: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
        open(UInt8(ascii: "["))
        try items(&self)
        close(UInt8(ascii: "]"))
    }

    /// The name of the member whose value comes next.
    public mutating func key(_ name: some StringProtocol) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A string; control characters, `"`, `\`, U+2028 and U+2029 are escaped. Nil is written as `null`.
    public mutating func string(_ value: (some StringProtocol)?) {
        guard let value else { return null() }
        separate()
        quote(value)
    }

    /// A whole number. Nil is written as `null`.
    public mutating func integer(_ value: (some BinaryInteger)?) {
        guard let value else { return null() }
        separate()
        bytes.append(contentsOf: String(value).utf8)
    }

    /// `value` ÷ 10 to the power of `decimals`, with exactly that many decimals: 1234 with 3 is `1.234`. Nil is `null`.
    public mutating func fixed(_ value: Int?, decimals: Int) {
        guard let value else { return null() }
        separate()
        bytes.append(contentsOf: FixedPoint.text(value, decimals: decimals).utf8)
    }

    /// `true` or `false`.
    public mutating func boolean(_ value: Bool) { literal(value ? "true" : "false") }

    /// `null`.
    public mutating func null() { literal("null") }

    /// The end of a line, outside of any value: documents end with one, and so does each line of NDJSON.
    public mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func quote(_ text: some StringProtocol) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(scalar.value)])
            case "\n": bytes.append(contentsOf: "\\n".utf8)
            case "\r": bytes.append(contentsOf: "\\r".utf8)
            case "\t": bytes.append(contentsOf: "\\t".utf8)
            case "\0"..<" ", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                bytes.append(contentsOf: "\\u".utf8)
                bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
                bytes.append(contentsOf: digits.utf8)
            default: bytes.append(contentsOf: scalar.utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

/// Decimal numbers kept as whole multiples of a power of ten, so that they are written without rounding.
public enum FixedPoint {
    /// `value` ÷ 10 to the power of `decimals`, with exactly that many decimals.
    public static func text(_ value: Int, decimals: Int) -> String {
        let digits = String(value.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.utf8.count)) + digits
        let whole = padded.dropLast(decimals)
        let fraction = decimals > 0 ? "." + padded.suffix(decimals) : ""
        return (value < 0 ? "-" : "") + whole + fraction
    }
}
