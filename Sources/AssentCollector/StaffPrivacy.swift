internal import AssentCore
internal import AssentStore

// What the staff do for visitors who ask in other ways than on the site.
extension StaffRoutes {
    /// `POST /v1/privacy/erase` with an ``EraseRequest``: the receipt.
    func erase(_ body: [UInt8]) -> Response {
        privacy { () throws(BadRequest) in
            try EraseRequest(parsing: body)
        } answer: { (request) throws(StoreError) in
            guard let site = sites[request.site] else { return PublicRoutes.unknownSite }
            let at = now()
            let today = site.day(of: at)
            if let objection = objection(to: request.received, today) { return objection }
            let receipt = try store.erase(
                request.visitor, site: request.site, at: at, day: today, received: request.received)
            guard let receipt else { return .problem(.notFound, EraseRequest.unknownVisitor) }
            var response = Response(.ok, "application/json", .bytes(receipt))
            response.field("Cache-Control", "no-store")
            return response
        }
    }

    /// `POST /v1/privacy/receive` with a ``ReceivedRequest``: the number of its entry.
    func receive(_ body: [UInt8]) -> Response {
        privacy { () throws(BadRequest) in
            try ReceivedRequest(parsing: body)
        } answer: { (request) throws(StoreError) in
            guard let site = sites[request.site] else { return PublicRoutes.unknownSite }
            let at = now()
            if let objection = objection(to: request.received, site.day(of: at)) { return objection }
            guard let number = try store.note(request, at: at) else {
                return .problem(.notFound, ReceivedRequest.unknownVisitor)
            }
            return StaffRoutes.number(number)
        }
    }

    /// `POST /v1/privacy/close` with a ``ClosedRequest``: its number.
    func close(_ body: [UInt8]) -> Response {
        privacy { () throws(BadRequest) in
            try ClosedRequest(parsing: body)
        } answer: { (closed) throws(StoreError) in
            guard try store.close(closed, at: now()) else { return .problem(.notFound, ClosedRequest.noOpenRequest) }
            return StaffRoutes.number(closed.request)
        }
    }

    private func privacy<Body>(
        parse: () throws(BadRequest) -> Body, answer: (Body) throws(StoreError) -> Response
    ) -> Response {
        let body: Body
        do throws(BadRequest) {
            body = try parse()
        } catch {
            return .problem(.badRequest, error.description)
        }
        do throws(StoreError) {
            return try answer(body)
        } catch {
            return .unavailable(error.description)
        }
    }

    private func objection(to received: Day?, _ today: Day) -> Response? {
        received.flatMap { PrivacyRequest.objection(toReceived: $0, today: today) }
            .map { .problem(.badRequest, "received: \($0)") }
    }

    private static func number(_ number: RecordNumber) -> Response {
        Response(.ok) { json in
            json.object { json in
                json.key("request")
                json.integer(number)
            }
        }
    }
}
