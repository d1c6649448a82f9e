internal import AssentCore
internal import AssentStore
internal import NIOCore

// GET and DELETE /v1/my-data, GET and POST /privacy: what a visitor can see, take and have erased.
extension PublicRoutes {
    private static let dataMethods = "GET, HEAD, DELETE, OPTIONS"
    private static let pageMethods = "GET, HEAD, POST, OPTIONS"

    func data(_ request: Request, _ reply: Reply) -> Outcome {
        switch request.method {
        case .get, .head, .delete: break
        case .options: return .now(preflight(request, allow: PublicRoutes.dataMethods))
        default: return .now(PublicRoutes.notAllowed(PublicRoutes.dataMethods))
        }
        if let refusal = overLimit(request) { return .now(refusal) }
        guard let site = site(of: request) else { return .now(PublicRoutes.unknownSite) }
        guard !isForeign(request, to: site) else { return .now(PublicRoutes.foreign) }
        let at = now()
        guard let visitor = site.visitor(of: request.bearer ?? request.cookieToken, at: at) else {
            return .now(PublicRoutes.noConsent)
        }
        if request.method == .delete {
            return erase(visitor, site, at, reply) { erasure in
                erasure.map { Response($0, isWithdrawn: false) } ?? PublicRoutes.noConsent
            }
        }
        let isDownload = request.query["download"] != nil
        return rights.answer(reply) { [rights] place throws(StoreError) in
            guard let held = try Held(visitor, of: site.site, rights.reader) else { return PublicRoutes.noConsent }
            var response = Response(.ok, "application/json", try rights.body(HeldDocument(held), place))
            response.field("Cache-Control", "no-store")
            if isDownload {
                response.field("Content-Disposition", "attachment; filename=\"my-data-\(site.site.id).json\"")
            }
            return response
        }
    }

    /// Erases what there is of a visitor, who keeps the consent, and answers with what is made of it, or of there being none.
    private func erase(
        _ visitor: VisitorNumber, _ site: ServedSite, _ at: Instant, _ reply: Reply,
        _ answer: @escaping (Withdrawal?) -> Response
    ) -> Outcome {
        guard committer.submit(.erase(site: site.site.id, visitor: visitor, at: at), reply: reply) else {
            return .now(PublicRoutes.busy)
        }
        return .ledger { made in
            guard case .erased(let erasure) = made else { return PublicRoutes.confused }
            return answer(erasure)
        }
    }

    // MARK: The page

    func privacy(_ request: Request, _ reply: Reply) -> Outcome {
        switch request.method {
        case .get, .head, .post: break
        case .options: return .now(preflight(request, allow: PublicRoutes.pageMethods))
        default: return .now(PublicRoutes.notAllowed(PublicRoutes.pageMethods))
        }
        if let refusal = overLimit(request) { return .now(refusal) }
        guard let site = site(of: request) else { return .now(PublicRoutes.unknownSite) }
        let words = PrivacyWords.words(request.query["lang"], of: site.site)
        let visitor = site.visitor(of: request.cookieToken ?? request.bearer, at: now())
        if request.method == .post { return submitted(request, site, words, visitor, reply) }

        let done = request.query["done"].flatMap(PrivacyPage.Done.init)
        guard let visitor else { return .now(PrivacyPage(site: site, words: words, done: done).response) }
        return rights.answer(reply) { [rights] _ throws(StoreError) in
            var page = PrivacyPage(site: site, words: words, done: done)
            if let held = try Held(visitor, of: site.site, rights.reader) {
                page.held = (held.id, try held.summary(site.timeZone))
            }
            return page.response
        }
    }

    /// A form of the page. What is done already is done.
    private func submitted(
        _ request: Request, _ site: ServedSite, _ words: PrivacyWords, _ visitor: VisitorNumber?, _ reply: Reply
    ) -> Outcome {
        guard request.contentLength != nil else { return .now(.problem(.lengthRequired, "Say Content-Length.")) }
        guard request.isForm else {
            return .now(.problem(.unsupportedMediaType, "The body must be application/x-www-form-urlencoded."))
        }
        guard isFromOwnPage(request, of: site) else { return .now(PublicRoutes.foreign) }
        let page = PrivacyPage.query(site.site, words.language)
        func back(_ done: PrivacyPage.Done?) -> Response {
            var response = Response(.seeOther)
            response.field("Location", page + (done.map { "&done=\($0.rawValue)" } ?? ""))
            response.field("Cache-Control", "no-store")
            return response
        }
        switch String(utf8: request.body.readableBytesUInt8Span).flatMap({ Query($0[...])["do"] }) {
        case "erase":
            guard let visitor else { return .now(back(nil)) }
            return erase(visitor, site, now(), reply) { back($0.map { _ in .erased }) }
        case "withdraw":
            guard let visitor else { return .now(back(.withdrawn)) }
            return withdraw(visitor, erase: nil, site, now(), reply) { _ in back(.withdrawn) }
        default: return .now(.problem(.badRequest, "do: must be erase or withdraw"))
        }
    }

    /// Whether a form was posted by the page itself, which has the collector's origin, or by one of the site's. Without
    /// `Origin` the request is judged by the rest.
    private func isFromOwnPage(_ request: Request, of site: ServedSite) -> Bool {
        guard let origin = request.origin else { return !request.isCrossSite }
        if site.gate.allows(origin: origin) { return true }
        return request.host.map { origin.lowercased().hasSuffix("://\($0.lowercased())") } == true
    }
}
