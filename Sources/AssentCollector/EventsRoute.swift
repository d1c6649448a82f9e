internal import AssentCore
internal import AssentStore

// POST /v1/events: parse, find the site, judge origin and consent, wait until it is durable.
extension PublicRoutes {
    func events(_ request: Request, _ reply: Reply) -> Outcome {
        let parsed: EventsRequest
        do throws(BadRequest) {
            parsed = try EventsRequest.parse(request.body)
        } catch {
            return .now(.problem(.badRequest, error.description))
        }
        guard let site = sites[parsed.site] else { return .now(PublicRoutes.unknownSite) }
        guard !isForeign(request, to: site) else { return .now(PublicRoutes.foreign) }
        let receivedAt = now()
        let context = RequestContext(
            userAgent: request.userAgent, hints: request.hints, gpc: request.gpc, dnt: request.dnt,
            isPrefetch: request.isPrefetch, cookieToken: request.cookieToken)
        let admission = site.gate.admit(
            parsed, context, receivedAt: receivedAt, standing: site.standing(of:))

        var result = (stored: 0, duplicate: 0)
        if !admission.events.isEmpty {
            guard
                let counts = committer.submit(admission.events, site: parsed.site, at: receivedAt, reply: reply)
            else { return .now(.unavailable("Too much waits to be stored. Send it again later.")) }
            result = counts
        }
        metrics.eventsDuplicate.add(result.duplicate)
        metrics.unknownFields.add(parsed.unknownFields)
        var response = Response(.noContent)
        var summary = "stored=\(result.stored) duplicate=\(result.duplicate) refused=\(admission.refusals.count)"
        if !admission.refusals.isEmpty {
            metrics.refused(admission.refusals)
            keeper.tally(admission.refusals, site: parsed.site, day: site.day(of: receivedAt))
            let reasons = Refusal.allCases.filter(admission.refusals.contains)
            summary += " reason=" + reasons.map(\.rawValue).joined(separator: ",")
            // The visitor can be asked again.
            if request.cookieToken != nil, reasons.contains(where: \.endsConsent) {
                response.expireToken()
                response.expireChoice(of: site.site)
            }
        }
        response.field("Assent-Result", summary)
        return admission.events.isEmpty ? .now(response) : .durable(response)
    }
}

extension Refusal {
    fileprivate var endsConsent: Bool { self == .noConsent || self == .expired || self == .noticeChanged }
}
