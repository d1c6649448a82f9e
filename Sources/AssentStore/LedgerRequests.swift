public import AssentCore

// What visitors ask for in other ways than on the site: noted in the chain when it comes, closed when it is answered.
extension Store {
    /// Notes a request. While one of the same kind by the same visitor waits, it is that one: asking twice is asking once.
    /// - Parameter now: the server's time, later than which it cannot have come.
    /// - Returns: the number of its entry; nil if the site knows no visitor of that id.
    @discardableResult public func note(
        _ request: ReceivedRequest, at now: Instant
    ) throws(StoreError) -> RecordNumber? {
        try withLedger { (ledger) throws(StoreError) in
            try ledger.transaction { () throws(StoreError) in try ledger.note(request, at: now) }
        }
    }

    /// Notes the answer to a request that was noted.
    /// - Returns: false if no request of that number waits. An erasure that was asked for on the site ends by itself.
    public func close(_ closed: ClosedRequest, at now: Instant) throws(StoreError) -> Bool {
        try withLedger { (ledger) throws(StoreError) in
            try ledger.transaction { () throws(StoreError) in try ledger.close(closed, at: now) }
        }
    }
}

extension StoreReader {
    /// Every request for access or erasure that the ledger has, in the order in which they were noted: those of the staff,
    /// and the erasures that visitors asked for on the site themselves.
    /// - Parameters:
    ///   - site: only those of that site.
    ///   - day: the local date of a site.
    public func requests(
        site: String? = nil, day: (_ site: String, Instant) -> Day
    ) throws(StoreError) -> [PrivacyRequest] {
        let ledger = try ledger()
        return try ledger.snapshot { () throws(StoreError) in
            try Ledger.requests(ledger, day: day).filter { site == nil || $0.site == site }
        }
    }
}

extension Ledger {
    /// Entries of requests that wait, of one visitor and kind. Access that was asked for under a number that the visitor no
    /// longer has waits all the same; an erasure of what that number stood for does not.
    private static let waiting = """
        SELECT number FROM entry AS asked WHERE site=?1 AND kind='request' AND body->>'right'=?3
        AND visitor IN (SELECT ?2 UNION SELECT visitor FROM erasure WHERE ?3='access' AND site=?1 AND id_hash=?4)
        AND NOT EXISTS(SELECT 1 FROM entry WHERE site=?1 AND visitor=asked.visitor AND number>asked.number
            AND (kind='closed' AND body->>'request'=asked.number OR kind='erased' AND ?3='erase')) ORDER BY number
        """

    func note(_ request: ReceivedRequest, at now: Instant) throws(StoreError) -> RecordNumber? {
        var visitor: (number: VisitorNumber, hash: [UInt8]?)?
        if let id = request.visitor {
            var known = try number(of: id, site: request.site)
            if known == nil { known = try erasure(of: id, site: request.site)?.visitor }
            guard let number = known else { return nil }
            visitor = (number, hash(of: id))
            let waiting = try database.first(
                Ledger.waiting, .text(request.site), .integer(Int64(number)), .text(request.kind.rawValue),
                .blob(hash(of: id))
            ) { (row) throws(StoreError) -> RecordNumber in try row.number(0) }
            if let waiting { return waiting }
        }
        return try append("request", site: request.site, visitor: visitor, at: now) { body in
            body.key("right")
            body.string(request.kind.rawValue)
            body.key("received")
            body.string(request.received.description)
        }
    }

    func close(_ closed: ClosedRequest, at now: Instant) throws(StoreError) -> Bool {
        let noted = try database.first(
            """
            SELECT site, visitor, body->>'visitor_hash' FROM entry AS asked WHERE number=?1 AND kind='request'
            AND NOT EXISTS(SELECT 1 FROM entry WHERE site=asked.site AND visitor IS asked.visitor AND number>asked.number
                AND (kind='closed' AND body->>'request'=asked.number
                    OR kind='erased' AND asked.body->>'right'='erase' AND asked.visitor NOT NULL))
            """, .integer(Int64(closed.request))
        ) { (row) throws(StoreError) in
            let number: VisitorNumber? = row.isNull(1) ? nil : try row.number(1)
            return (site: row.text(0), visitor: number.map { (number: $0, hash: Hex.bytes(row.text(2))) })
        }
        guard let noted else { return false }
        try append("closed", site: noted.site, visitor: noted.visitor, at: now) { body in
            body.key("request")
            body.integer(closed.request)
            body.key("outcome")
            body.string((closed.isDeclined ? PrivacyRequest.State.declined : .done).rawValue)
        }
        return true
    }

    /// Closes what a visitor who was erased before has asked for anew.
    func closeErasures(of visitor: VisitorNumber, site: String, at now: Instant) throws(StoreError) {
        try transaction { () throws(StoreError) in
            var waiting: [RecordNumber] = []
            try database.rows(
                Ledger.waiting, .text(site), .integer(Int64(visitor)), .text(PrivacyRequest.Kind.erase.rawValue), .null
            ) { (row) throws(StoreError) in waiting.append(try row.number(0)) }
            for request in waiting { _ = try close(ClosedRequest(request: request, isDeclined: false), at: now) }
        }
    }

    /// Requests as they are now. An erasure is one by itself, unless the staff had noted that it was asked for.
    static func requests(
        _ database: SQLite, day: (_ site: String, Instant) -> Day
    ) throws(StoreError) -> [PrivacyRequest] {
        var requests: [PrivacyRequest] = []
        var waiting: [RecordNumber: Int] = [:]
        // Erasures of a visitor end together: what was asked for on the site and what was noted.
        var erasures: [String: [VisitorNumber: [Int]]] = [:]
        func wait(_ request: PrivacyRequest, erasureOf visitor: VisitorNumber?) {
            waiting[request.number] = requests.count
            if let visitor { erasures[request.site, default: [:]][visitor, default: []].append(requests.count) }
            requests.append(request)
        }
        try database.rows(
            """
            SELECT number, kind, site, visitor, at, body->>'right', body->>'received', body->>'request',
                body->>'outcome' FROM entry
            WHERE number IN (SELECT number FROM entry WHERE kind IN ('request','closed','erasure','erased'))
            AND json_valid(body) ORDER BY number
            """
        ) { (row) throws(StoreError) in
            let (site, at) = (row.text(2), Instant(milliseconds: row.integer(4)))
            let visitor: VisitorNumber? = row.isNull(3) ? nil : try row.number(3)
            switch row.text(1) {
            case "request":
                guard let kind = PrivacyRequest.Kind(rawValue: row.text(5)), let received = Day(row.text(6)) else {
                    return
                }
                wait(
                    PrivacyRequest(
                        number: try row.number(0), site: site, kind: kind, isFromSite: false, received: received),
                    erasureOf: kind == .erase ? visitor : nil)
            case "closed":
                guard let index = waiting.removeValue(forKey: try row.number(7)) else { return }
                requests[index].closed = requests[index].closed ?? at
                requests[index].isDeclined = row.text(8) == PrivacyRequest.State.declined.rawValue
            case "erasure":
                let isNoted = visitor.flatMap { erasures[site]?[$0] }?.contains { requests[$0].closed == nil } ?? false
                if isNoted { return }
                wait(
                    PrivacyRequest(
                        number: try row.number(0), site: site, kind: .erase, isFromSite: true,
                        received: day(site, at)), erasureOf: visitor)
            default:
                guard let visitor else { return }
                for index in erasures[site]?.removeValue(forKey: visitor) ?? [] where requests[index].closed == nil {
                    requests[index].closed = at
                }
            }
        }
        // One that was complete before the chain said so.
        try database.rows("SELECT entry, completed FROM erasure WHERE completed NOT NULL") { (row) throws(StoreError) in
            guard let index = waiting[try row.number(0)], requests[index].closed == nil else { return }
            requests[index].closed = Instant(milliseconds: row.integer(1))
        }
        return requests
    }
}
