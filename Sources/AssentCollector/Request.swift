internal import AssentCore
internal import NIOHTTP1

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

    init(path: Substring) {
        switch path {
        case "/v1/events": self = .events
        case "/v1/consent": self = .consent
        case "/v1/withdraw": self = .withdraw
        case "/v1/my-data": self = .data
        case "/privacy": self = .privacy
        case "/assent.js": self = .script
        case "/.well-known/gpc.json": self = .gpc
        case "/healthz": self = .health
        case "/readyz": self = .ready
        case "/metrics": self = .metrics
        case "/v1/report": self = .report
        case "/v1/import": self = .import
        case "/v1/partitions/seal": self = .seal
        case "/v1/partitions/prune": self = .prune
        case "/v1/privacy/erase": self = .erase
        case "/v1/privacy/receive": self = .receive
        case "/v1/privacy/close": self = .close
        default: self = .other
        }
    }
}

/// One request, as far as the collector looks at it. What a header says beside is never read.
struct Request {
    let method: HTTPMethod
    let route: Route
    let path: Substring
    let query: Query
    /// Whether the connection ends with it. NIO's parser stops at the offer of another protocol.
    private(set) var closes: Bool
    /// Whether bodies in chunks are understood.
    let takesChunks: Bool
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var expectsContinue = false
    private(set) var host: String?
    /// Whether it has the one `Host` that HTTP/1.1 asks for (RFC 9112, section 3.2); before, none was asked for.
    private(set) var isAddressed = true
    private(set) var origin: String?
    private(set) var userAgent: String?
    private(set) var hints = ClientHints.none
    private(set) var contentType: String?
    private(set) var authorization: String?
    private(set) var isCrossSite = false
    private(set) var gpc = false
    private(set) var dnt = false
    private(set) var isPrefetch = false
    /// The token of the cookie, whether or not it is a good one.
    private(set) var cookieToken: String?
    /// Who is to be judged by the rate limit.
    private(set) var client: Address?
    var body: [UInt8] = []

    static let tokenCookie = "__Host-assent"
    static let choiceCookie = "assent_choice"

    /// Looks through the headers once.
    init(_ head: HTTPRequestHead, peer: Address?, trusted: TrustedProxies) {
        method = head.method
        let end = head.uri.utf8.firstIndex(of: UInt8(ascii: "?")) ?? head.uri.endIndex
        path = head.uri[..<end]
        query = Query(head.uri[end...].dropFirst())
        route = Route(path: path)
        takesChunks = head.version.minor > 0
        closes = !head.isKeepAlive || !takesChunks
        var forwarded: [String] = []
        var forwardedFor: [String] = []
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 3 where name.utf8.isWord("dnt"): dnt = value == "1"
            case 4 where name.utf8.isWord("host"):
                isAddressed = host == nil
                host = value
            case 6 where name.utf8.isWord("origin"): origin = value
            case 6 where name.utf8.isWord("cookie"): readToken(inCookies: value)
            case 6 where name.utf8.isWord("expect"): expectsContinue = value.lowercased() == "100-continue"
            case 7 where name.utf8.isWord("sec-gpc"): gpc = value == "1"
            case 7 where name.utf8.isWord("upgrade"): closes = true
            case 7 where name.utf8.isWord("purpose"): isPrefetch = isPrefetch || value.lowercased().contains("prefetch")
            case 9 where name.utf8.isWord("forwarded"): forwarded.append(value)
            case 9 where name.utf8.isWord("sec-ch-ua"): hints.brands = value
            case 10 where name.utf8.isWord("user-agent"): userAgent = value
            case 11 where name.utf8.isWord("sec-purpose"):
                isPrefetch = isPrefetch || value.lowercased().contains("prefetch")
            case 12 where name.utf8.isWord("content-type"): contentType = value
            case 13 where name.utf8.isWord("authorization"): authorization = value
            case 14 where name.utf8.isWord("content-length"): contentLength = Int(value)
            case 14 where name.utf8.isWord("sec-fetch-site"): isCrossSite = value == "cross-site"
            case 15 where name.utf8.isWord("x-forwarded-for"): forwardedFor.append(value)
            case 16 where name.utf8.isWord("sec-ch-ua-mobile"): hints.mobile = value
            case 17 where name.utf8.isWord("transfer-encoding"): isChunked = true
            case 18 where name.utf8.isWord("sec-ch-ua-platform"): hints.platform = value
            default: break
            }
        }
        if host == nil { isAddressed = !takesChunks }
        client = peer.map { trusted.client(peer: $0, forwarded: forwarded, forwardedFor: forwardedFor) }
    }

    private mutating func readToken(inCookies header: String) {
        guard cookieToken == nil else { return }
        for cookie in header.utf8.split(separator: UInt8(ascii: ";")) {
            let cookie = cookie.drop { $0 == 0x20 }
            let name = Request.tokenCookie.utf8
            guard cookie.starts(with: name), cookie.dropFirst(name.count).first == UInt8(ascii: "=") else { continue }
            cookieToken = String(Substring(cookie.dropFirst(name.count + 1)))
            return
        }
    }

    /// The token of an `Authorization: Bearer` header.
    var bearer: String? {
        guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { return nil }
        return String(authorization.dropFirst(7))
    }

    /// The host name of the request, without port.
    var hostName: Substring? {
        guard let host else { return nil }
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return host[...end] }
        return host.prefix { $0 != ":" }
    }

    /// Whether the body is of that media type, given in lower case, whatever its parameters.
    private func isContent(_ mediaType: StaticString) -> Bool {
        guard let type = contentType?.utf8.prefix(while: { $0 != UInt8(ascii: ";") && $0 != 0x20 }) else {
            return false
        }
        return type.count == mediaType.utf8CodeUnitCount && type.isWord(mediaType)
    }

    /// Whether the body may be JSON: a beacon says `text/plain`, so that it needs no preflight.
    var isJSON: Bool { isContent("text/plain") || isContent("application/json") }

    /// Whether the body is an HTML form's.
    var isForm: Bool { isContent("application/x-www-form-urlencoded") }
}

extension Sequence<UInt8> {
    /// Whether ASCII of the same length is that word, given in lower case, whatever its own case.
    fileprivate func isWord(_ word: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        return elementsEqual(wanted) { $0 == $1 || (0x41...0x5A).contains($0) && $0 | 0x20 == $1 }
    }
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
