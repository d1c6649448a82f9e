import AssentCore
import Glibc

/// An address and a port, as listeners are configured.
public struct Endpoint: Sendable, Equatable {
    /// IPv4 or IPv6, without brackets.
    public let host: String
    /// 0 stands for any free one.
    public let port: Int

    /// `127.0.0.1:8787`, `[::1]:8787`; nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard Addresses.isIP(String(host)), isBracketed == host.contains(":"), Addresses.isPort(digits),
            let port = Int(digits)
        else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// Whether it takes every address of the machine.
    public var isEverywhere: Bool { host == "0.0.0.0" || host == "::" }

    /// Whether two listeners could not be opened side by side.
    func overlaps(_ other: Endpoint) -> Bool {
        port == other.port && port != 0 && (host == other.host || isEverywhere || other.isEverywhere)
    }
}

/// Whether texts of a configuration are addresses, origins and host names. No name is looked up.
enum Addresses {
    /// An IPv4 or IPv6 address without brackets.
    static func isIP(_ text: String) -> Bool {
        var buffer = in6_addr()
        return inet_pton(AF_INET, text, &buffer) == 1 || inet_pton(AF_INET6, text, &buffer) == 1
    }

    static func isPort(_ digits: Substring) -> Bool {
        (1...5).contains(digits.utf8.count) && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
            && (0...65_535).contains(Int(digits) ?? -1)
    }

    /// Why it is no origin as browsers send it, as the end of a sentence; nil if it is one.
    static func objection(toOrigin text: String) -> String? {
        let form = "must be scheme://host or scheme://host:port, such as https://www.example.org"
        guard let scheme = ["https", "http"].first(where: { text.lowercased().hasPrefix("\($0)://") }) else {
            return form
        }
        let authority = text.dropFirst(scheme.utf8.count + 3)
        guard !authority.hasSuffix("/") else { return "must end without a slash" }
        guard authority.allSatisfy({ !"/?#@".contains($0) }) else { return "\(form), without anything behind it" }
        guard text == text.lowercased() else { return "must be in lower case, as browsers send it" }
        var host = authority
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            let port = authority[authority.index(after: colon)...]
            guard isPort(port), let number = Int(port), number > 0 else { return form }
            guard number != (scheme == "https" ? 443 : 80) else {
                return "must be without :\(number), which browsers leave out"
            }
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { return isIP(String(host.dropFirst().dropLast())) ? nil : form }
        guard host.utf8.allSatisfy({ $0 < 0x80 }) else {
            return "must have its host in ASCII (xn--…), as browsers send it"
        }
        return isHost(String(host)) ? nil : form
    }

    /// A host name in lower case, or an IPv4 address.
    static func isHost(_ text: String) -> Bool {
        (1...Limits.hostBytesMax).contains(text.utf8.count)
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy {
                        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
                    }
            }
    }

    /// Whether a host is a domain or lies below it.
    static func host(_ host: String, isWithin domain: String) -> Bool {
        host == domain || host.hasSuffix(".\(domain)")
    }

    /// The longest domain that both lie in, if a site can have it as its own; nil for foreign hosts.
    static func commonDomain(_ one: String, _ other: String) -> String? {
        let labels = one.split(separator: ".")
        for count in stride(from: labels.count, to: 1, by: -1) {
            let domain = labels.suffix(count).joined(separator: ".")
            if host(other, isWithin: domain) { return isIP(domain) || looksLikeSuffix(domain) ? nil : domain }
        }
        return nil
    }

    /// A language tag: `en`, `pt-BR`, `zh-Hant`.
    static func isLocale(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return text.utf8.count <= Limits.localeBytesMax
            && parts.enumerated().allSatisfy { index, part in
                (index == 0 ? 2...3 : 1...8).contains(part.utf8.count)
                    && part.utf8.allSatisfy {
                        (0x61...0x7A).contains($0 | 0x20) || index > 0 && (0x30...0x39).contains($0)
                    }
            }
    }
}
