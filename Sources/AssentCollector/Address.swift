internal import Glibc

/// A client's address. It lives as long as its request, for the rate limit, and is never written anywhere.
struct Address: Sendable, Hashable {
    private let high: UInt64
    /// An IPv4 address stands in its IPv6 form, `::ffff:a.b.c.d`.
    private let low: UInt64

    private static let mappedIPv4: UInt64 = 0xFFFF << 32

    /// What clients of one network share: the first 24 bits of an IPv4 address, 48 of an IPv6 one.
    var prefix: UInt64 {
        high == 0 && low >> 32 == 0xFFFF ? 1 << 63 | low >> 8 : high >> 16
    }

    /// An address without port and brackets; nil for anything else.
    init?(_ text: some StringProtocol) {
        var four = in_addr()
        var six = in6_addr()
        let text = String(text)
        // C would read only as far as the zero.
        guard !text.utf8.contains(0) else { return nil }
        if inet_pton(AF_INET, text, &four) == 1 {
            (high, low) = (0, Address.mappedIPv4 | UInt64(UInt32(bigEndian: four.s_addr)))
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            (high, low) = withUnsafeBytes(of: six) { bytes in
                (
                    UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
        } else {
            return nil
        }
    }

}

/// Whom the collector believes what it says about a client's address.
struct TrustedProxies: Sendable {
    private let addresses: Set<Address>

    init(_ addresses: [String]) { self.addresses = Set(addresses.compactMap { Address($0) }) }

    /// Whether an address is that of one.
    func isProxy(_ address: Address) -> Bool { addresses.contains(address) }

    /// The address of the client behind a peer.
    ///
    /// Each proxy appends the address that it was called from, so the list is read from its end, as far as those who
    /// wrote it are trusted. `X-Forwarded-For` is preferred: a proxy that writes only that passes a client's own
    /// `Forwarded` on.
    func client(peer: Address, forwarded: [String], forwardedFor: [String]) -> Address {
        guard addresses.contains(peer) else { return peer }
        let hops =
            forwardedFor.isEmpty
            ? forwarded.flatMap { $0.split(separator: ",") }.map(TrustedProxies.node)
            : forwardedFor.flatMap { $0.split(separator: ",") }
        var client = peer
        for hop in hops.reversed() {
            guard let address = TrustedProxies.address(ofNode: hop) else { break }
            client = address
            guard addresses.contains(address) else { break }
        }
        return client
    }

    /// The `for` of one element of a `Forwarded` header (RFC 7239); empty if it has none.
    private static func node(_ element: Substring) -> Substring {
        for pair in element.split(separator: ";") {
            let pair = pair.drop { $0 == " " || $0 == "\t" }
            if pair.prefix(4).lowercased() == "for=" { return pair.dropFirst(4) }
        }
        return ""
    }

    /// The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `"[2001:db8::1]:80"`; nil for a hidden one.
    private static func address(ofNode node: Substring) -> Address? {
        let text = node.filter { $0 != "\"" && $0 != " " && $0 != "\t" }
        if text.hasPrefix("[") { return Address(text.dropFirst().prefix { $0 != "]" }) }
        if let address = Address(text) { return address }
        return Address(text.prefix { $0 != ":" })
    }
}
