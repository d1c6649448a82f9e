internal import AssentCore
internal import AssentStore

// POST /v1/consent and POST /v1/withdraw: what a visitor chooses, durable before the answer.
extension PublicRoutes {
    func consent(_ request: Request, _ reply: Reply) -> Outcome {
        let parsed: ConsentRequest
        do throws(BadRequest) {
            parsed = try ConsentRequest.parse(request.body.array)
        } catch {
            return .now(.problem(.badRequest, error.description))
        }
        guard let site = sites[parsed.site] else { return .now(PublicRoutes.unknownSite) }
        guard !isForeign(request, to: site) else { return .now(PublicRoutes.foreign) }
        let at = now()
        let token = request.cookieToken ?? request.bearer
        switch parsed.choice {
        case .granted:
            if let objection = site.gate.objection(to: parsed) { return .now(.problem(.unprocessable, objection)) }
            return grant(parsed, request, token: token, site, at, reply)
        case .refused:
            if case .success(let consent) = site.gate.consent(
                token: token, at: at, standing: site.standing(of:))
            {
                return withdraw(consent.visitor, erase: nil, site, at, reply)
            }
            return refuse(request, site, at, reply)
        }
    }

    private func grant(
        _ parsed: ConsentRequest, _ request: Request, token: String?, _ site: ServedSite, _ at: Instant,
        _ reply: Reply
    ) -> Outcome {
        guard let notice = site.notice(version: parsed.notice) else {
            return .now(.problem(.unprocessable, "notice: is no notice version of this site"))
        }
        // A valid token keeps its visitor; whoever has withdrawn, or let it expire, comes as somebody new.
        let renewed = site.gate.consent(token: token, at: at, standing: site.standing(of:))
        let consent = NewConsent(
            site: parsed.site, visitor: (try? renewed.get())?.visitor, notice: notice, act: parsed.act,
            source: parsed.source, underGPC: request.head.gpc, underDNT: request.head.dnt, at: at, day: site.day(of: at)
        )
        guard committer.submit(.grant(consent), reply: reply) else { return .now(PublicRoutes.busy) }
        return .ledger { [metrics] answer in
            guard case .granted(let record) = answer else { return PublicRoutes.confused }
            metrics.choicesGranted.add()
            let claims = Token(
                visitor: record.visitor, record: record.number, issued: record.issued, notice: parsed.notice,
                underGPC: request.head.gpc, underDNT: request.head.dnt)
            let token = site.gate.token(claims)
            var response = Response(.created) { json in
                json.object { json in
                    json.key("token")
                    json.string(token)
                    json.key("record")
                    json.string(record.id.description)
                    json.key("visitor")
                    json.string(record.visitorID.hex)
                    json.key("expires")
                    json.string(claims.expires.rfc3339)
                }
            }
            response.keepToken(token)
            response.keepChoice("granted", of: site.site)
            return response
        }
    }

    private func refuse(_ request: Request, _ site: ServedSite, _ at: Instant, _ reply: Reply) -> Outcome {
        guard committer.submit(.refuse(site: site.site.id, day: site.day(of: at)), reply: reply) else {
            return .now(PublicRoutes.busy)
        }
        return .ledger { [metrics] _ in
            metrics.choicesRefused.add()
            var response = Response(.ok) { json in
                json.object { json in
                    json.key("choice")
                    json.string("refused")
                }
            }
            if request.cookieToken != nil { response.expireToken() }
            response.keepChoice("refused", of: site.site)
            return response
        }
    }

    func withdraw(_ request: Request, _ reply: Reply) -> Outcome {
        let parsed: WithdrawRequest
        do throws(BadRequest) {
            parsed =
                try request.isForm
                ? WithdrawRequest(form: request.body.array) : WithdrawRequest.parse(request.body.array)
        } catch {
            return .now(.problem(.badRequest, error.description))
        }
        guard let site = sites[parsed.site] else { return .now(PublicRoutes.unknownSite) }
        guard !isForeign(request, to: site) else { return .now(PublicRoutes.foreign) }
        // A consent that has expired, or was withdrawn before, can be taken back as well.
        guard let token = site.holder(of: parsed.consent ?? request.bearer ?? request.cookieToken) else {
            return .now(PublicRoutes.noConsent)
        }
        return withdraw(token.visitor, erase: parsed.erase, site, now(), reply)
    }

    /// The same for whoever has no valid token, whatever is wrong with it.
    static let noConsent: Response = {
        var response = Response.problem(.unauthorized, "There is no valid consent in the request.")
        response.field("WWW-Authenticate", "Bearer")
        response.field("Cache-Control", "no-store")
        return response
    }()

    private func withdraw(
        _ visitor: VisitorNumber, erase: Bool?, _ site: ServedSite, _ at: Instant, _ reply: Reply
    ) -> Outcome {
        withdraw(visitor, erase: erase, site, at, reply) { Response($0, isWithdrawn: true) }
    }

    /// Withdraws, and answers with what is made of it, beside which the cookies change.
    func withdraw(
        _ visitor: VisitorNumber, erase: Bool?, _ site: ServedSite, _ at: Instant, _ reply: Reply,
        _ answer: @escaping (Withdrawal) -> Response
    ) -> Outcome {
        let request = LedgerRequest.withdraw(
            site: site.site.id, visitor: visitor, erase: erase ?? (site.site.onWithdraw == .erase), at: at,
            day: site.day(of: at))
        guard committer.submit(request, reply: reply) else { return .now(PublicRoutes.busy) }
        return .ledger { [metrics] made in
            guard case .withdrawn(let withdrawal) = made else { return PublicRoutes.confused }
            metrics.choicesWithdrawn.add()
            var response = answer(withdrawal)
            response.expireToken()
            response.keepChoice("refused", of: site.site)
            return response
        }
    }

    static let busy = Response.unavailable("Too much waits to be stored. Send it again later.")
    static let confused = Response.problem(.failed, "The ledger gave another answer than was asked for.")
}

extension WithdrawRequest {
    /// The body of an HTML form.
    fileprivate init(form body: [UInt8]) throws(BadRequest) {
        guard let text = String(utf8: body.span) else { throw BadRequest("", "must be UTF-8") }
        let form = Query(text[...])
        guard let site = form["site"] else { throw BadRequest("site", "is missing") }
        let erase: Bool?
        switch form["erase"] {
        case nil: erase = nil
        case "true", "on", "1": erase = true
        case "false", "0": erase = false
        default: throw BadRequest("erase", "must be true or false")
        }
        self.init(site: site, erase: erase, consent: form["consent"])
    }
}

extension Response {
    /// What a withdrawal, or an erasure without one, did.
    init(_ withdrawal: Withdrawal, isWithdrawn: Bool) {
        self.init(.ok) { json in
            json.object { json in
                json.key("withdrawn")
                json.boolean(isWithdrawn)
                json.key("erased")
                json.object { json in
                    json.key("events")
                    json.integer(withdrawal.events)
                    json.key("partitions")
                    json.integer(withdrawal.partitions)
                }
                json.key("receipt")
                json.string(withdrawal.receipt)
            }
        }
    }

    // MARK: Cookies

    private static let tokenEnd = "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="

    private mutating func choice(_ value: String, seconds: Int, of site: Site) {
        let domain = site.cookieDomain.map { "; Domain=\($0)" } ?? ""
        field(
            "Set-Cookie",
            "\(Request.choiceCookie)=\(value); Path=/; Secure; SameSite=Lax; Max-Age=\(seconds)\(domain)")
    }

    /// The token, for as long as the consent is valid.
    mutating func keepToken(_ token: String) {
        field("Set-Cookie", "\(Request.tokenCookie)=\(token)\(Response.tokenEnd)\(Limits.consentSeconds)")
    }

    mutating func expireToken() { field("Set-Cookie", "\(Request.tokenCookie)=\(Response.tokenEnd)0") }

    /// What the script may read: `granted` or `refused`.
    mutating func keepChoice(_ choice: String, of site: Site) {
        self.choice(choice, seconds: Limits.consentSeconds, of: site)
    }

    mutating func expireChoice(of site: Site) { choice("", seconds: 0, of: site) }
}
