internal import AssentCore
internal import NIOCore

/// What the paths of both listeners lead to; the names are those of the metrics.
enum Route: String, Sendable, CaseIterable {
    case events
    case consent
    case withdraw
    case data
    case privacy
    case script
    case gpc
    case health
    case ready
    case metrics
    case report
    case `import`
    case seal
    case prune
    case erase
    case receive
    case close
    case other

    /// The route of a path, read byte by byte: nobody asks for more than a handful of them.
    init(path: RawSpan) {
        self = path.withUnsafeBytes { path in
            for (name, route) in Route.paths where name.utf8CodeUnitCount == path.count {
                if path.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: path.count)) { return route }
            }
            return .other
        }
    }

    /// The most wanted first.
    private static let paths: [(path: StaticString, route: Route)] = [
        ("/v1/events", .events), ("/assent.js", .script), ("/v1/consent", .consent), ("/v1/withdraw", .withdraw),
        ("/v1/my-data", .data), ("/privacy", .privacy), ("/.well-known/gpc.json", .gpc), ("/healthz", .health),
        ("/readyz", .ready), ("/metrics", .metrics), ("/v1/report", .report), ("/v1/import", .import),
        ("/v1/partitions/seal", .seal), ("/v1/partitions/prune", .prune), ("/v1/privacy/erase", .erase),
        ("/v1/privacy/receive", .receive), ("/v1/privacy/close", .close),
    ]
}

/// One request, as far as the collector looks at it. What a header says beside is never read.
struct Request: Sendable {
    let head: RequestHead
    /// The bytes of the head: what is only sometimes asked for is made of them then.
    private var bytes: ByteBuffer
    var body = ByteBuffer()
    let route: Route
    /// Who is to be judged by the rate limit.
    let client: Address?
    let origin: String?

    static let tokenCookie = "__Host-assent"
    static let choiceCookie = "assent_choice"

    /// - Parameters:
    ///   - bytes: the whole head, as ``HeadSearch`` found it.
    ///   - peer: the other end of the connection, of which proxies are believed what they say.
    init(_ bytes: ByteBuffer, peer: Address?, trusted: TrustedProxies) throws(HeadProblem) {
        let span = bytes.readableBytesSpan
        let head = try RequestHead(span)
        self.head = head
        self.bytes = bytes
        route = Route(path: span.extracting(head.path))
        func all(_ field: RequestHead.Field) -> [String] {
            (head.earlier.filter { $0.field == field }.map(\.place) + (head.place(of: field).map { [$0] } ?? []))
                .map { bytes.text($0) }
        }
        client = peer.map { peer in
            trusted.isProxy(peer)
                ? trusted.client(peer: peer, forwarded: all(.forwarded), forwardedFor: all(.forwardedFor)) : peer
        }
        origin = head.place(of: .origin).map { bytes.text($0) }
    }

    private func text(_ field: RequestHead.Field) -> String? { head.place(of: field).map { bytes.text($0) } }

    /// Leaves the buffer that the head came in to others, while the body is awaited.
    mutating func copyHead() { bytes = ByteBuffer(bytes.readableBytesView) }

    var method: RequestHead.Method { head.method }

    var contentLength: Int? { head.contentLength }

    var path: String { bytes.text(head.path) }

    var query: Query { Query(bytes.text(head.query)[...]) }

    /// Whether it has the one `Host` that HTTP/1.1 asks for (RFC 9112, section 3.2); before, none was asked for.
    var isAddressed: Bool {
        !head.earlier.contains { $0.field == .host } && (head.place(of: .host) != nil || !head.isVersion11)
    }

    var host: String? { text(.host) }

    /// The host name of the request, without port.
    var hostName: Substring? {
        guard let host else { return nil }
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return host[...end] }
        return host.prefix { $0 != ":" }
    }

    /// Whether a page of another site sent it.
    var isCrossSite: Bool { head.place(of: .secFetchSite).map { bytes.text($0) == "cross-site" } ?? false }

    /// What the gate has to know of it.
    var context: RequestContext {
        RequestContext(
            userAgent: text(.userAgent),
            hints: ClientHints(brands: text(.brands), mobile: text(.mobile), platform: text(.platform)), gpc: head.gpc,
            dnt: head.dnt, isPrefetch: head.isPrefetch, cookieToken: cookieToken)
    }

    /// The token of the cookie, whether or not it is a good one.
    var cookieToken: String? {
        guard let last = head.place(of: .cookie) else { return nil }
        for place in head.earlier.filter({ $0.field == .cookie }).map(\.place) + [last] {
            for cookie in bytes.text(place).utf8.split(separator: UInt8(ascii: ";")) {
                let cookie = cookie.drop { $0 == 0x20 }
                let name = Request.tokenCookie.utf8
                guard cookie.starts(with: name), cookie.dropFirst(name.count).first == UInt8(ascii: "=") else {
                    continue
                }
                return String(Substring(cookie.dropFirst(name.count + 1)))
            }
        }
        return nil
    }

    /// The token of an `Authorization: Bearer` header.
    var bearer: String? {
        guard let authorization = text(.authorization), authorization.prefix(7).lowercased() == "bearer " else {
            return nil
        }
        return String(authorization.dropFirst(7))
    }

    /// Whether the body is of that media type, given in lower case, whatever its parameters.
    private func isContent(_ type: StaticString) -> Bool {
        guard let place = head.place(of: .contentType), place.count >= type.utf8CodeUnitCount else { return false }
        return bytes.readableBytesSpan.extracting(place).withUnsafeBytes { value in
            let length = type.utf8CodeUnitCount
            for at in 0..<length {
                let byte = (0x41...0x5A).contains(value[at]) ? value[at] | 0x20 : value[at]
                guard byte == type.utf8Start[at] else { return false }
            }
            return value.count == length || [UInt8(ascii: ";"), 0x20, 0x09].contains(value[length])
        }
    }

    /// Whether the body may be JSON: `text/plain` is what a beacon can send to another origin without asking first.
    var isJSON: Bool { isContent("text/plain") || isContent("application/json") }

    /// Whether the body is an HTML form's.
    var isForm: Bool { isContent("application/x-www-form-urlencoded") }
}

extension ByteBuffer {
    /// The text of some of the readable bytes; what is no UTF-8 becomes U+FFFD.
    fileprivate func text(_ place: Range<Int>) -> String {
        withUnsafeReadableBytes { String(decoding: $0[place], as: UTF8.self) }
    }

    /// The readable bytes, copied.
    var array: [UInt8] { Array(readableBytesView) }
}

/// Parameters of a query or of a form, decoded where they are asked for.
struct Query: Sendable {
    private let text: Substring

    init(_ text: Substring) { self.text = text }

    /// The first value of that name; nil if there is none, or it is no UTF-8.
    subscript(_ name: String) -> String? {
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts[0].elementsEqual(name.utf8) else { continue }
            return parts.count > 1 ? Query.decoded(parts[1]) : ""
        }
        return nil
    }

    private static func decoded(_ value: Substring.UTF8View.SubSequence) -> String? {
        var bytes: [UInt8] = []
        var rest = value
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let decoded = Hex.bytes(Substring(rest.prefix(2)))?.first else { return nil }
                bytes.append(decoded)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(utf8: bytes.span)
    }
}
