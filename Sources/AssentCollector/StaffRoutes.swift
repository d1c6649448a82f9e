internal import AssentCore
internal import AssentReport
internal import AssentStore
internal import NIOCore
internal import NIOPosix

/// What the staff listener answers. Everything about visitors' data needs the staff token.
final class StaffRoutes: Sendable {
    let sites: [String: ServedSite]
    private let first: ServedSite?
    /// Days by site.
    private let retentionDays: [String: Int]
    let store: Store
    private let reader: StoreReader
    private let committer: Committer
    private let metrics: Metrics
    private let token: [UInt8]
    let now: @Sendable () -> Instant
    /// Reports, imports and upkeep take their time: they wait for one another, and nobody else for them.
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let stopSign: StopSign

    init(
        sites: [ServedSite], retentionDays: [String: Int], store: Store, reader: StoreReader, committer: Committer,
        metrics: Metrics, token: String, stopSign: StopSign, now: @escaping @Sendable () -> Instant
    ) {
        self.sites = Dictionary(sites.map { ($0.site.id, $0) }, uniquingKeysWith: { $1 })
        first = sites.first
        self.retentionDays = retentionDays
        self.store = store
        self.reader = reader
        self.committer = committer
        self.metrics = metrics
        self.token = Array(token.utf8)
        self.stopSign = stopSign
        self.now = now
        pool.start()
    }

    /// Waits for what is under way, and ends the thread.
    func finish() async {
        await pool.finish()
    }

    /// What can be refused by its header alone: only of the staff a long body is read.
    func refusal(_ request: Request) -> Response? {
        guard let length = request.contentLength, length > Limits.consentBodyBytesMax else { return nil }
        let isImport = request.route == .import
        let bytesMax = isImport ? Limits.importChunkBytesMax : Limits.consentBodyBytesMax
        if length > bytesMax { return .tooLarge(bytesMax: bytesMax) }
        return isStaff(request) ? nil : StaffRoutes.unauthorized
    }

    private static let unauthorized: Response = {
        var response = Response.problem(.unauthorized, "Send the staff token: Authorization: Bearer …")
        response.field("WWW-Authenticate", "Bearer")
        return response
    }()

    /// Answers a whole request.
    func answer(_ request: Request, _ reply: Reply) -> Outcome {
        let isPost = [.import, .seal, .prune, .erase, .receive, .close].contains(request.route)
        guard isPost || [.health, .ready, .metrics, .report].contains(request.route) else {
            return .now(.problem(.notFound, "There is nothing here."))
        }
        guard request.method == (isPost ? .post : .get) || request.method == .head && !isPost else {
            var response = Response.problem(.methodNotAllowed, isPost ? "Only POST." : "Only GET and HEAD.")
            response.field("Allow", isPost ? "POST" : "GET, HEAD")
            return .now(response)
        }
        switch request.route {
        case .health: return .now(StaffRoutes.text(.ok, "ok"))
        case .ready: return .now(readiness)
        case .metrics:
            let levels = Metrics.Levels(
                queue: committer.waiting, journal: store.waiting, isHealthy: committer.failure == nil)
            return .now(
                Response(.ok, "text/plain; version=0.0.4; charset=utf-8", .bytes(metrics.prometheusText(levels))))
        default:
            guard isStaff(request) else { return .now(StaffRoutes.unauthorized) }
            guard !stopSign.isUp else { return .now(.unavailable("The collector is stopping.")) }
            let (query, body, route) = (request.query, request.body.array, request.route)
            pool.submit { _ in
                let response =
                    switch route {
                    case _ where self.stopSign.isUp: Response.unavailable("The collector is stopping.")
                    case .import: self.importLines(body, query)
                    case .seal: self.seal(query)
                    case .prune: self.prune()
                    case .erase: self.erase(body)
                    case .receive: self.receive(body)
                    case .close: self.close(body)
                    default: self.report(query)
                    }
                reply.connection.eventLoop.execute {
                    reply.connection.value.complete(reply.number, .response(response))
                }
            }
            return .later
        }
    }

    private static func text(_ status: Status, _ sentence: String) -> Response { .problem(status, sentence) }

    private var readiness: Response {
        if stopSign.isUp { return .unavailable("The collector is stopping.") }
        guard let failure = committer.failure else { return StaffRoutes.text(.ok, "ready") }
        return .unavailable("Events cannot be made durable. \(failure.description)")
    }

    /// Compares in the same time wherever the tokens differ.
    private func isStaff(_ request: Request) -> Bool {
        guard let sent = request.bearer.map({ Array($0.utf8) }), sent.count == token.count else { return false }
        return zip(sent, token).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    // MARK: Report

    /// `GET /v1/report?site=&week=`, or `from` and `to`, `compare`, `campaign`, as the command has them.
    private func report(_ query: Query) -> Response {
        guard let site = query["site"].map({ sites[$0] }) ?? first else { return PublicRoutes.unknownSite }
        do throws(ReportError) {
            let request = try ReportRequest(
                week: query["week"], from: query["from"], to: query["to"], compare: query["compare"],
                campaign: query["campaign"], now: now(), timeZone: site.timeZone)
            let report = try Report.make(
                site: site.site, timeZone: site.timeZone, request: request, reader: reader)
            var response = Response(.ok, "application/json", .bytes(report.json()))
            response.field("Cache-Control", "no-store")
            return response
        } catch {
            switch error {
            case .request: return .problem(.badRequest, error.description)
            case .store: return .problem(.failed, error.description)
            }
        }
    }

    // MARK: Upkeep

    /// `POST /v1/partitions/seal?site=&day=`, both of which can be left out.
    private func seal(_ query: Query) -> Response {
        if let site = query["site"], sites[site] == nil { return PublicRoutes.unknownSite }
        let day = query["day"].flatMap { Day($0) }
        guard (day == nil) == (query["day"] == nil) else {
            return .problem(.badRequest, "day: must be a date such as 2026-11-16")
        }
        return upkeep { () throws(StoreError) in try store.seal(site: query["site"], day: day, at: now()) }
    }

    /// `POST /v1/partitions/prune`
    private func prune() -> Response {
        upkeep { () throws(StoreError) in try store.prune(at: now(), retentionDays: retentionDays) }
    }

    private func upkeep(_ body: () throws(StoreError) -> Upkeep) -> Response {
        do throws(StoreError) {
            let upkeep = try body()
            return Response(.ok) { json in upkeep.write(to: &json) }
        } catch {
            return .unavailable(error.description)
        }
    }

    // MARK: Import

    /// `POST /v1/import?site=ID&basis=TEXT` with whole lines; `ground=N` in the place of `basis` for the next lines of
    /// the same import. Bad lines are numbered from 1 within the request.
    private func importLines(_ body: [UInt8], _ query: Query) -> Response {
        guard let site = query["site"].flatMap({ sites[$0] }) else { return PublicRoutes.unknownSite }
        do throws(StoreError) {
            let ground: RecordNumber
            if let number = query["ground"].flatMap(RecordNumber.init) {
                ground = number
            } else if let basis = query["basis"], !basis.isEmpty {
                ground = try Importer.ground(basis: basis, site: site.site.id, at: now(), in: store)
            } else {
                return .problem(.badRequest, "basis: is missing")
            }
            var answer = ImportAnswer()
            var importer = Importer(store: store, gate: site.gate, ground: ground, now: now)
            try importer.add(body[...])
            try importer.finish()
            answer.bad = importer.takeProblems()
            metrics.linesImported.add(importer.counts.stored)
            answer.ground = ground
            answer.lines = importer.counts.lines
            answer.stored = importer.counts.stored
            answer.duplicates = importer.counts.duplicates
            answer.skipped = importer.counts.bad
            return Response(.ok) { [answer] json in answer.write(to: &json) }
        } catch {
            return .unavailable(error.description)
        }
    }
}
