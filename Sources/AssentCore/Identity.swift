import Crypto

/// A visitor's random 128-bit id, made by the server at opt-in and derived from nothing.
public struct VisitorID: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    /// A new id from a cryptographic generator.
    public init(random generator: inout some RandomNumberGenerator) {
        high = generator.next()
        low = generator.next()
    }

    /// An id from its 16 bytes; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        (high, low) = bigEndianHalves(bytes)
    }

    /// An id from 32 hex digits, either case; nil for anything else.
    public init?(hex: some StringProtocol) {
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        var count = 0
        for digit in hex.utf8 {
            guard count < 32, let value = Hex.value(ofDigit: digit) else { return nil }
            halves.high = halves.high << 4 | halves.low >> 60
            halves.low = halves.low << 4 | UInt64(value)
            count += 1
        }
        guard count == 32 else { return nil }
        (high, low) = halves
    }

    /// The 16 bytes.
    public var bytes: [UInt8] { bigEndianBytes(high) + bigEndianBytes(low) }
    /// 32 hex digits in lower case.
    public var hex: String { Hex.text(bytes) }
}

/// The name of a consent record: a random UUID (version 4).
public struct RecordID: Sendable, Hashable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// A new id from a cryptographic generator.
    public init(random generator: inout some RandomNumberGenerator) {
        high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    }

    /// An id from its 16 bytes; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        (high, low) = bigEndianHalves(bytes)
    }

    /// An id from the text form `8-4-4-4-12`, either case; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], let bytes = Hex.bytes(groups.joined()) else { return nil }
        self.init(bytes: bytes)
    }

    /// The 16 bytes.
    public var bytes: [UInt8] { bigEndianBytes(high) + bigEndianBytes(low) }

    /// The text form in lower case.
    public var description: String {
        let digits = Array(Hex.text(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }
}

/// The server's secret: 32 random bytes from which every other key is derived, one for each domain of use.
public struct ServerKey: Sendable {
    /// Count of bytes in the key file.
    public static let byteCount = 32

    private let master: SymmetricKey

    /// The key of these bytes; exactly ``byteCount`` of them.
    public init(bytes: [UInt8]) {
        precondition(bytes.count == ServerKey.byteCount, "a server key has \(ServerKey.byteCount) bytes")
        master = SymmetricKey(data: bytes)
    }

    /// A key for one use alone, so that a value made for one purpose never passes for another.
    func derived(for domain: String) -> SymmetricKey {
        SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array("assent/\(domain)".utf8), using: master))
    }

    /// The keyed hash of a message in a domain: HMAC-SHA256, 32 bytes.
    public func mac(domain: String, _ message: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: derived(for: domain)))
    }
}

/// Hexadecimal digits.
public enum Hex {
    /// Two digits in lower case for each byte.
    public static func text(_ bytes: some Collection<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var index = 0
            for byte in bytes {
                buffer[index] = digits[Int(byte >> 4)]
                buffer[index + 1] = digits[Int(byte & 15)]
                index += 2
            }
            return index
        }
    }

    /// The bytes that the digits write, either case; nil where there is anything but pairs of digits.
    public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 2)
        var pending: UInt8?
        for character in text.utf8 {
            guard let value = value(ofDigit: character) else { return nil }
            if let high = pending {
                bytes.append(high << 4 | value)
                pending = nil
            } else {
                pending = value
            }
        }
        return pending == nil ? bytes : nil
    }

    /// The value of one digit, either case.
    static func value(ofDigit character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x41 + 10
        case 0x61...0x66: character - 0x61 + 10
        default: nil
        }
    }
}

extension Notice {
    /// The notice version: SHA-256 of the text in UTF-8, 64 hex digits in lower case.
    public var version: String { Hex.text(Array(SHA256.hash(data: Array(text.utf8)))) }
}

func bigEndianBytes(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

/// The two halves of 16 bytes.
private func bigEndianHalves(_ bytes: some Collection<UInt8>) -> (UInt64, UInt64) {
    var halves: (UInt64, UInt64) = (0, 0)
    for (index, byte) in bytes.enumerated() {
        if index < 8 { halves.0 = halves.0 << 8 | UInt64(byte) } else { halves.1 = halves.1 << 8 | UInt64(byte) }
    }
    return halves
}
