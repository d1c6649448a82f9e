internal import AssentCore
internal import AssentStore
internal import NIOCore
internal import Synchronization

/// What the public listener answers. Everything that a page, a visitor or an attacker can reach is in this type.
final class PublicRoutes: Sendable {
    let sites: [String: ServedSite]
    let committer: Committer
    let keeper: Keeper
    let rights: RightsDesk
    let metrics: Metrics
    let now: @Sendable () -> Instant
    /// What the gates remember, by event loop: nobody waits for another's.
    let memories: [MemoryOfLoop]
    private let inOrder: [ServedSite]
    private let rateLimit: RateLimit?
    private let pages: [String: Response]
    private let stopSign: StopSign

    private static let gpc = Array(#"{"gpc":true,"lastUpdate":"2026-11-01"}"#.utf8)

    init(
        sites: [ServedSite], committer: Committer, keeper: Keeper, rights: RightsDesk, metrics: Metrics,
        loops: Int, requestsPerMinute: Int, pages: [String: StaticFile], stopSign: StopSign,
        now: @escaping @Sendable () -> Instant
    ) {
        self.sites = Dictionary(sites.map { ($0.site.id, $0) }, uniquingKeysWith: { $1 })
        self.committer = committer
        self.keeper = keeper
        self.rights = rights
        self.metrics = metrics
        self.now = now
        self.stopSign = stopSign
        memories = (0..<loops).map { _ in MemoryOfLoop() }
        inOrder = sites
        rateLimit = RateLimit(requestsPerMinute: requestsPerMinute)
        self.pages = pages.mapValues(\.response)
    }

    /// What can be refused by its header alone.
    static func refusal(_ request: Request) -> Response? {
        let bytesMax = request.route == .events ? Limits.eventsBodyBytesMax : Limits.consentBodyBytesMax
        return request.contentLength ?? 0 > bytesMax ? .tooLarge(bytesMax: bytesMax) : nil
    }

    /// Header lines that let pages of the sites' origins read the answers, by origin.
    static func crossOrigin(_ sites: [Site]) -> [String: String] {
        Dictionary(
            sites.flatMap(\.origins).map { origin in
                (
                    origin,
                    "Access-Control-Allow-Origin: \(origin)\r\nAccess-Control-Allow-Credentials: true\r\n"
                        + "Access-Control-Expose-Headers: Assent-Result, Retry-After\r\n"
                )
            }, uniquingKeysWith: { $1 })
    }

    /// Answers a whole request.
    func answer(_ request: Request, _ reply: Reply) -> Outcome {
        guard !stopSign.isUp else {
            return .now(.unavailable("The collector is stopping. Send it again later."))
        }
        switch request.route {
        case .events: return posted(request) { events($0, reply) }
        case .consent: return posted(request) { consent($0, reply) }
        case .withdraw: return posted(request, orForm: true) { withdraw($0, reply) }
        case .data: return data(request, reply)
        case .privacy: return privacy(request, reply)
        case .script: return .now(fetched(request) { script($0) })
        case .gpc: return .now(fetched(request) { _ in Response(.ok, "application/json", .bytes(PublicRoutes.gpc)) })
        default:
            guard let page = pages[request.path] else { return .now(PublicRoutes.notFound) }
            return .now(fetched(request) { _ in page })
        }
    }

    private static let notFound = Response.problem(.notFound, "There is nothing here.")

    private func script(_ request: Request) -> Response {
        site(of: request)?.script(parts: request.query["parts"]) ?? PublicRoutes.unknownSite
    }

    /// The site that the query names, or whose host is asked, or the only one.
    func site(of request: Request) -> ServedSite? {
        if let id = request.query["site"] { return sites[id] }
        if let host = request.host, let name = request.hostName.map(String.init) {
            let site = inOrder.first { $0.hasOrigin(host: host) } ?? inOrder.first { $0.gate.isOwn(host: name) }
            if let site { return site }
        }
        return inOrder.count == 1 ? inOrder[0] : nil
    }

    static let unknownSite = Response.problem(.notFound, "site: is none that this collector serves.")

    // MARK: Methods

    private func fetched(_ request: Request, _ answer: (Request) -> Response) -> Response {
        switch request.method {
        case .get, .head: return answer(request)
        case .options: return PublicRoutes.options(request, allow: "GET, HEAD, OPTIONS", crossOrigin: true)
        default: return PublicRoutes.notAllowed("GET, HEAD, OPTIONS")
        }
    }

    /// What every route of a beacon asks first; the cheapest question comes first.
    private func posted(_ request: Request, orForm: Bool = false, _ answer: (Request) -> Outcome) -> Outcome {
        switch request.method {
        case .post: break
        case .options: return .now(preflight(request, allow: "POST, OPTIONS"))
        default: return .now(PublicRoutes.notAllowed("POST, OPTIONS"))
        }
        guard request.contentLength != nil else {
            return .now(.problem(.lengthRequired, "Say Content-Length."))
        }
        guard request.isJSON || orForm && request.isForm else {
            return .now(.problem(.unsupportedMediaType, "The body must be text/plain or application/json."))
        }
        return overLimit(request).map { .now($0) } ?? answer(request)
    }

    /// The answer to whoever asks too often.
    func overLimit(_ request: Request) -> Response? {
        guard let rateLimit, let client = request.client,
            let seconds = rateLimit.take(client.prefix, at: NIODeadline.now().uptimeNanoseconds)
        else { return nil }
        var response = Response.problem(.tooManyRequests, "Too many requests from this network.")
        response.field("Retry-After", String(seconds))
        return response
    }

    /// The answer to `OPTIONS`, for pages of any site.
    func preflight(_ request: Request, allow: String) -> Response {
        let isOurs = request.origin.map { origin in inOrder.contains { $0.gate.allows(origin: origin) } } ?? true
        return PublicRoutes.options(request, allow: allow, crossOrigin: isOurs)
    }

    private static func options(_ request: Request, allow: String, crossOrigin: Bool) -> Response {
        guard crossOrigin else { return foreign }
        var response = Response(.noContent)
        response.field("Allow", allow)
        guard request.origin != nil else { return response }
        response.field("Access-Control-Allow-Methods", allow)
        response.field("Access-Control-Allow-Headers", "Content-Type, Authorization")
        response.field("Access-Control-Max-Age", String(Limits.preflightSeconds))
        response.field("Vary", "Origin")
        return response
    }

    static func notAllowed(_ allow: String) -> Response {
        var response = Response.problem(.methodNotAllowed, "Only \(allow).")
        response.field("Allow", allow)
        return response
    }

    static let foreign = Response.problem(.forbidden, "This origin is none of the site's.")

    /// Whether a page that is none of the site's sent it. Without `Origin` the request is judged by the rest.
    func isForeign(_ request: Request, to site: ServedSite) -> Bool {
        if let origin = request.origin, !site.gate.allows(origin: origin) { return true }
        guard request.isCrossSite, let host = request.hostName else { return false }
        return site.gate.isOwn(host: String(host))
    }
}

/// What the gates remember of the requests of an event loop.
final class MemoryOfLoop: Sendable {
    private let memory = Mutex(GateMemory(texts: Limits.rememberedTextsOfLoopMax))

    func withLock<Result>(_ body: (inout GateMemory) -> sending Result) -> sending Result {
        memory.withLock { body(&$0) }
    }
}

/// A file that the public listener gives out as it is.
public struct StaticFile: Sendable {
    /// Its media type.
    public var contentType: String
    /// Its contents.
    public var bytes: [UInt8]
    /// Its `Content-Security-Policy`; nil for none.
    public var policy: String?

    /// A file by its parts.
    public init(contentType: String, bytes: [UInt8], policy: String? = nil) {
        self.contentType = contentType
        self.bytes = bytes
        self.policy = policy
    }

    fileprivate var response: Response {
        var response = Response(.ok, contentType, .shared(ByteBuffer(bytes: bytes)))
        response.field("Cache-Control", "no-cache")
        if let policy { response.field("Content-Security-Policy", policy) }
        return response
    }
}
