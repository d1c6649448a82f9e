import AssentCollector
import AssentCore
import DashboardAssets
import NIOCore
import NIOHTTP1
import NIOPosix
import Support
import Synchronization
import Testing

/// The demonstration site with the script, and in place of a collector one that notes what it gets and answers what a
/// test wants. So a test can say what the script sends, and make it hear what a collector says only on bad days.
final class PageServer: Sendable {
    /// A request below `/v1/`.
    struct Received: Sendable {
        let path: String
        let contentType: String?
        let body: JSON
    }

    /// What is answered below `/v1/`.
    struct Answer: Sendable {
        var status: HTTPResponseStatus = .noContent
        var headers: [(String, String)] = []
        var body: [UInt8] = []

        var delay = TimeAmount.zero
        var hangsUp = false
        var isGood = false

        static func late(_ delay: TimeAmount) -> Answer { Answer(delay: delay, isGood: true) }

        static let unavailable = later(seconds: 1)
        static func later(seconds: Int) -> Answer {
            Answer(status: .serviceUnavailable, headers: [("Retry-After", "\(seconds)")])
        }
        static func events(_ result: String) -> Answer { Answer(headers: [("Assent-Result", result)]) }
    }

    /// The site as the script gets it. English has the longest words of an honest notice.
    static let notices = [
        Notice(
            locale: "en",
            text: "Common Ground would like to count which pages are visited, to learn which campaigns reach people. "
                + "If you accept, we keep a random number in a cookie for 182 days and what you visit here for 395 "
                + "days at most, on our own server. Nobody else receives it. You can withdraw at any time; then it is "
                + "erased."),
        Notice(
            locale: "fr",
            text: "Terrain commun aimerait compter les pages visitées, pour savoir quelles campagnes touchent les "
                + "gens. Si vous acceptez, nous gardons un nombre aléatoire dans un cookie pendant 182 jours et vos "
                + "visites ici pendant 395 jours au plus, sur notre propre serveur. Personne d’autre ne les reçoit. "
                + "Vous pouvez vous rétracter à tout moment ; tout est alors effacé."),
        Notice(
            locale: "ar",
            text: "تود أرض مشتركة إحصاء الصفحات التي تُزار لمعرفة الحملات التي تصل إلى الناس. إن قبلتم نحتفظ برقم "
                + "عشوائي في ملف تعريف ارتباط مدة 182 يوماً، وبزياراتكم هنا مدة أقصاها 395 يوماً، على خادمنا وحده. ولا "
                + "يتسلمها أحد سوانا. يمكنكم سحب موافقتكم في أي وقت، فتُمحى كلها."),
    ]

    /// What a page is allowed: nothing but what its own origin has.
    static let policy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; \
        base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
        trusted-types 'none'
        """

    private struct State {
        var received: [Received] = []
        var violations: [JSON] = []
        var answers: [String: [Answer]] = [:]
        var channel: (any Channel)?
    }

    private let state = Mutex(State())
    private let policy: String
    private let files: [String: (type: String, bytes: [UInt8])]

    /// Listens on a free port of the loopback until it is let go.
    /// - Parameters:
    ///   - pages: further pages, path to HTML.
    ///   - collector: origin of a real collector, which the pages then take the script from.
    ///   - policy: what the pages are allowed.
    static func start(
        pages: [String: String] = [:], collector: String? = nil, policy: String = policy
    ) async throws -> PageServer {
        let server = PageServer(pages: pages, collector: collector, policy: policy)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [weak server] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Exchange(server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.state.withLock { $0.channel = channel }
        return server
    }

    private init(pages: [String: String], collector: String?, policy: String) {
        self.policy = (policy + "; report-uri /violation").replacing(
            "'self'; style", with: "'self' \(collector ?? ""); style"
        )
        .replacing("connect-src 'self'", with: "connect-src 'self' \(collector ?? "")")
        var files = pages.mapValues { (type: "text/html; charset=utf-8", bytes: Array($0.utf8)) }
        for index in 0..<assent_asset_demo_count() {
            let file = assent_asset_demo(index)
            var bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
            if let collector {
                bytes.replace(Array("\"/assent.js\"".utf8), with: Array("\"\(collector)/assent.js?site=demo\"".utf8))
            }
            files[String(cString: file.path)] = (String(cString: file.content_type), bytes)
        }
        files["/assent.js"] = ("text/javascript; charset=utf-8", ScriptFile.bytes(of: Self.site))
        self.files = files
    }

    deinit { state.withLock(\.channel)?.close(promise: nil) }

    private static let site = Site(
        id: "demo", name: "Demonstration", origins: ["http://localhost"], locales: notices.map(\.locale),
        notices: notices)

    /// `http://localhost:PORT`: an origin that browsers trust as they do https.
    var origin: String { "http://localhost:\(state.withLock { $0.channel?.localAddress?.port ?? 0 })" }

    /// Requests below `/v1/` so far, in order.
    var received: [Received] { state.withLock(\.received) }

    /// What browsers reported of pages that did what the policy does not allow.
    var violations: [JSON] { state.withLock(\.violations) }

    /// Events of all requests so far, in order, duplicates included.
    var events: [JSON] { received.filter { $0.path == "/v1/events" }.flatMap(\.body["events"].array) }

    /// Waits until a condition holds of the requests and returns them.
    func wait(for what: String, _ condition: ([Received]) -> Bool) async throws {
        let deadline = ContinuousClock.now + Chromium.patience
        while !condition(received) {
            try #require(ContinuousClock.now < deadline, "waited in vain for \(what): \(received)")
            try await Task.sleep(for: Chromium.interval)
        }
    }

    /// Answers the next request of a path in this way instead of the good one.
    func answer(_ path: String, with answer: Answer) { state.withLock { $0.answers[path, default: []].append(answer) } }

    fileprivate func answer(_ head: HTTPRequestHead, _ body: [UInt8]) -> Answer {
        let path = String(head.uri.prefix { $0 != "?" })
        if let file = files[path] {
            return Answer(
                status: .ok, headers: [("Content-Type", file.type), ("Content-Security-Policy", policy)],
                body: file.bytes)
        }
        let json = (try? JSON(String(decoding: body, as: UTF8.self))) ?? .null
        if path == "/violation" {
            state.withLock { $0.violations.append(json) }
            return Answer()
        }
        guard path.hasPrefix("/v1/") else { return Answer(status: .notFound) }
        let prepared: Answer? = state.withLock { state in
            state.received.append(
                Received(path: path, contentType: head.headers.first(name: "content-type"), body: json))
            return state.answers[path]?.isEmpty == false ? state.answers[path]?.removeFirst() : nil
        }
        if let prepared, !prepared.isGood { return prepared }
        var answer = good(path, json)
        answer.delay = prepared?.delay ?? .zero
        return answer
    }

    private func good(_ path: String, _ json: JSON) -> Answer {
        switch (path, json["choice"]) {
        case ("/v1/consent", "granted"):
            let cookies = ["__Host-assent=token; HttpOnly", "assent_choice=granted"]
            return Answer(status: .created, headers: cookies.map(Self.cookie), body: Array("{}".utf8))
        case ("/v1/consent", _): return Answer(status: .ok, headers: [Self.cookie("assent_choice=refused")])
        case ("/v1/withdraw", _):
            let body = #"{"withdrawn":true,"erased":{"events":1,"partitions":1},"receipt":"r"}"#
            return Answer(
                status: .ok,
                headers: [Self.cookie("__Host-assent=; HttpOnly; Max-Age=0"), Self.cookie("assent_choice=refused")],
                body: Array(body.utf8))
        default: return .events("stored=\(json["events"].array.count) duplicate=0 refused=0")
        }
    }

    private static func cookie(_ text: String) -> (String, String) {
        ("Set-Cookie", "\(text); Path=/; Secure; SameSite=Lax" + (text.contains("Max-Age") ? "" : "; Max-Age=15724800"))
    }
}

/// One connection's requests, gathered and answered whole.
private final class Exchange: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private weak let server: PageServer?
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ server: PageServer?) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, body) = (head, [])
        case .body(let part): body += part.readableBytesView
        case .end:
            guard let head, let server else { return context.close(promise: nil) }
            let answer = server.answer(head, body)
            guard !answer.hangsUp else { return context.close(promise: nil) }
            var response = HTTPResponseHead(version: head.version, status: answer.status)
            for (name, value) in answer.headers { response.headers.add(name: name, value: value) }
            if answer.status != .noContent {
                response.headers.add(name: "Content-Length", value: String(answer.body.count))
            }
            let channel = context.channel
            let parts: [HTTPServerResponsePart] = [
                .head(response), .body(.byteBuffer(ByteBuffer(bytes: answer.body))), .end(nil),
            ]
            channel.eventLoop.scheduleTask(in: answer.delay) {
                for part in parts { channel.write(part, promise: nil) }
                channel.flush()
            }
        }
    }
}
