internal import Crypto

/// The value of a page's `integrity` attribute (W3C Subresource Integrity): what a script must be, to the byte.
public enum SubresourceIntegrity {
    /// `sha384-` and the hash in base64: 71 characters.
    public static func sha384(_ bytes: [UInt8]) -> String {
        "sha384-" + Base64.text(Array(SHA384.hash(data: bytes)))
    }
}
