internal import AssentCore
internal import AssentStore
internal import NIOCore

// POST /v1/events: parse, find the site, judge origin and consent, wait until it is durable.
extension PublicRoutes {
    func events(_ request: Request, _ reply: Reply) -> Outcome {
        let parsed: EventsRequest
        do throws(BadRequest) {
            parsed = try EventsRequest.parse(request.body.readableBytesSpan)
        } catch {
            return .now(.problem(.badRequest, error.description))
        }
        guard let site = sites[parsed.site] else { return .now(PublicRoutes.unknownSite) }
        guard !isForeign(request, to: site) else { return .now(PublicRoutes.foreign) }
        let receivedAt = now()
        let admission = memories[reply.loop].withLock { memory in
            site.gate.admit(parsed, request.context, receivedAt: receivedAt, &memory, standing: site.standing(of:))
        }

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
        var reasons = ""
        if !admission.refusals.isEmpty {
            metrics.refused(admission.refusals)
            keeper.tally(admission.refusals, site: parsed.site, day: site.day(of: receivedAt))
            let distinct = Refusal.allCases.filter(admission.refusals.contains)
            reasons = distinct.map(\.rawValue).joined(separator: ",")
            // The visitor can be asked again.
            if request.cookieToken != nil, distinct.contains(where: \.endsConsent) {
                response.expireToken()
                response.expireChoice(of: site.site)
            }
        }
        response.result(
            stored: result.stored, duplicate: result.duplicate, refused: admission.refusals.count, reasons: reasons)
        return admission.events.isEmpty ? .now(response) : .durable(response)
    }
}

extension Refusal {
    fileprivate var endsConsent: Bool { self == .noConsent || self == .expired || self == .noticeChanged }
}
