import Crypto

/// What the browser holds: it names a consent record and is signed with the server's key.
///
/// 30 bytes of claims and a MAC of 32 bytes over the site's id and the claims, together in base64url without padding
/// (83 characters). All numbers are big-endian.
///
/// | offset | bytes | claim |
/// |---|---|---|
/// | 0 | 1 | version, 1 |
/// | 1 | 1 | flags: bit 0 given under GPC, bit 1 given under DNT |
/// | 2 | 4 | number of the visitor |
/// | 6 | 4 | number of the consent record |
/// | 10 | 8 | time of the record, milliseconds since 1970 |
/// | 18 | 12 | first bytes of the notice's SHA-256 |
/// | 30 | 32 | HMAC-SHA256 |
public struct Token: Sendable, Equatable {
    /// The visitor's number on the token's site.
    public var visitor: VisitorNumber
    /// The consent record's number.
    public var record: RecordNumber
    /// When the record was made.
    public var issued: Instant
    /// The beginning of the notice version that was shown.
    public var notice: NoticePrefix
    /// Whether the choice was made while the browser said `Sec-GPC: 1`.
    public var underGPC: Bool
    /// Whether the choice was made while the browser said `DNT: 1`.
    public var underDNT: Bool

    private static let claimBytes = 30
    private static let macBytes = 32
    /// Characters of every token.
    public static let length = 83

    /// A token by its claims.
    /// - Parameter notice: the notice version, 64 hex digits.
    public init(
        visitor: VisitorNumber, record: RecordNumber, issued: Instant, notice: String, underGPC: Bool, underDNT: Bool
    ) {
        self.visitor = visitor
        self.record = record
        self.issued = issued
        self.notice = NoticePrefix(ofVersion: notice)
        self.underGPC = underGPC
        self.underDNT = underDNT
    }

    /// First instant at which it is no longer valid. It never slides.
    public var expires: Instant { issued.advanced(by: Limits.consentMilliseconds) }

    private var claims: [UInt8] {
        var bytes: [UInt8] = [1, (underGPC ? 1 : 0) | (underDNT ? 2 : 0)]
        bytes.reserveCapacity(Token.claimBytes + Token.macBytes)
        withUnsafeBytes(of: visitor.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: record.bigEndian) { bytes.append(contentsOf: $0) }
        bytes += bigEndianBytes(UInt64(bitPattern: issued.milliseconds))
        withUnsafeBytes(of: notice.first.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: notice.rest.bigEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// The signed claims in a text: decoded only, ``Signer`` decides whether they are true.
    private init?(claims bytes: ArraySlice<UInt8>) {
        guard bytes.count == Token.claimBytes, bytes[0] == 1, bytes[1] <= 3 else { return nil }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        visitor = VisitorNumber(number(2..<6))
        record = RecordNumber(number(6..<10))
        issued = Instant(milliseconds: Int64(bitPattern: number(10..<18)))
        notice = NoticePrefix(first: number(18..<26), rest: UInt32(number(26..<30)))
        underGPC = bytes[1] & 1 != 0
        underDNT = bytes[1] & 2 != 0
    }

    /// The first 12 bytes of a notice version, which tell the versions of a site apart.
    public struct NoticePrefix: Sendable, Hashable {
        fileprivate var first: UInt64
        fileprivate var rest: UInt32

        fileprivate init(first: UInt64, rest: UInt32) {
            self.first = first
            self.rest = rest
        }

        /// The beginning of a version, 64 hex digits.
        public init(ofVersion version: String) {
            let bytes = (Hex.bytes(version) ?? []).prefix(12)
            func number(_ range: Range<Int>) -> UInt64 {
                range.reduce(0) { $0 << 8 | UInt64($1 < bytes.count ? bytes[$1] : 0) }
            }
            self.init(first: number(0..<8), rest: UInt32(number(8..<12)))
        }
    }

    /// Signs and checks the tokens of one site.
    ///
    /// The keyed state of the MAC, with the site's id already taken in, is kept and copied: a check costs two
    /// compressions of SHA-256 and no key set-up.
    public struct Signer: Sendable {
        private let keyed: HMAC<SHA256>

        /// A signer for a site. Tokens of another site or key do not pass.
        public init(key: ServerKey, site: String) {
            var keyed = HMAC<SHA256>(key: key.derived(for: "token"))
            keyed.update(data: [UInt8(truncatingIfNeeded: site.utf8.count)] + Array(site.utf8))
            self.keyed = keyed
        }

        /// The token as text.
        public func sign(_ token: Token) -> String {
            let claims = token.claims
            var mac = keyed
            mac.update(data: claims)
            return Base64URL.text(claims + Array(mac.finalize()))
        }

        /// The claims of a text, or nil if it is no token that this key made for this site.
        public func verify(_ text: some StringProtocol) -> Token? {
            guard text.utf8.count == Token.length, let bytes = Base64URL.bytes(text),
                bytes.count == Token.claimBytes + Token.macBytes
            else { return nil }
            var mac = keyed
            mac.update(data: bytes[..<Token.claimBytes])
            // Comparing a MAC with bytes takes the same time wherever they differ.
            guard mac.finalize() == bytes[Token.claimBytes...] else { return nil }
            return Token(claims: bytes[..<Token.claimBytes])
        }
    }
}

/// What a `Content-Security-Policy` says of a text that stands in the page itself.
public enum PolicySource {
    /// The source expression that allows exactly these bytes: `'sha256-…'` with Base64 in its first alphabet.
    public static func sha256(of bytes: [UInt8]) -> String {
        let digits = Base64URL.text(Array(SHA256.hash(data: bytes))).map { digit -> Character in
            switch digit {
            case "-": "+"
            case "_": "/"
            default: digit
            }
        }
        return "'sha256-\(String(digits))='"
    }
}
