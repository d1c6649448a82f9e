internal import Crypto

/// The value of a page's `integrity` attribute (W3C Subresource Integrity): what a script must be, to the byte.
public enum SubresourceIntegrity {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// `sha384-` and the hash in base64: 71 characters.
    public static func sha384(_ bytes: [UInt8]) -> String {
        let hash = Array(SHA384.hash(data: bytes))
        var text = Array("sha384-".utf8)
        for start in stride(from: 0, to: hash.count, by: 3) {  // 48 bytes: nothing is left over
            let group = UInt32(hash[start]) << 16 | UInt32(hash[start + 1]) << 8 | UInt32(hash[start + 2])
            for shift in [18, 12, 6, 0] as [UInt32] { text.append(alphabet[Int(group >> shift & 63)]) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
