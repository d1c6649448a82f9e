import ArgumentParser
import AssentCore
import AssentStore

/// `assent privacy list`
struct RequestsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List requests for access and erasure. Exits 2 if one is overdue.",
        discussion: "A request is due one month after it came (GDPR, article 12(3)).")

    /// How the list can be written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "Only the requests of that site.")
    var site: String?

    @Option(help: "table or json.")
    var format = Format.table

    func run() throws {
        let configuration = try common.load()
        if let site { _ = try configuration.site(site) }
        var zones: [String: TimeZoneRules] = [:]
        for site in configuration.sites { zones[site.id] = try site.timeZone() }
        // The days of a site that has left the configuration are those of UTC.
        let day = { (site: String, at: Instant) in zones[site]?.date(of: at) ?? at.day }
        let now = Clock.now
        let requests = try reading { () throws(StoreError) in
            try StoreReader(directory: configuration.data).requests(site: site, day: day)
        }
        switch format {
        case .table:
            var table = AlignedTable(["number", "site", "kind", "by", "received", "due", "state", "closed"], left: 7)
            for each in requests {
                table.add([
                    "\(each.number)", each.site, each.kind.rawValue, each.by, "\(each.received)", "\(each.due)",
                    each.state(on: day(each.site, now)).rawValue, each.closed?.rfc3339 ?? "–",
                ])
            }
            try say(requests.isEmpty ? ["There are no requests."] : table.lines)
        case .json:
            var json = JSONWriter()
            json.object { json in
                json.key("schema")
                json.string("assent.requests/1")
                json.key("made")
                json.string(now.rfc3339)
                json.key("requests")
                json.array { json in
                    for each in requests { each.write(to: &json, today: day(each.site, now)) }
                }
            }
            json.endLine()
            try write(json.bytes)
        }
        try complain(
            requests.filter { $0.state(on: day($0.site, now)) == .overdue }
                .map { "Request \($0.number) is overdue since \($0.due)." })
    }
}

/// `assent privacy receive`
struct ReceiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive", abstract: "Note a request that came in another way than on the site.",
        discussion:
            "It waits until assent privacy close, or until the visitor is erased. Of a visitor who asks twice one "
            + "request waits.")

    /// What can be asked for.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case access
        case erase
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "The site. (default: the only one)")
    var site: String?

    @Option(help: "access or erase.")
    var kind: Kind

    @Option(help: "The date on which it came. (default: today)")
    var received: String?

    @Option(help: "The visitor's id, if it is known: 32 hex digits.")
    var visitor: String?

    func validate() throws { _ = try visitor.map { try VisitorID(option: $0) } }

    func run() throws {
        let configuration = try common.load()
        let site = try configuration.site(site)
        let today = try site.timeZone().date(of: Clock.now)
        let request = ReceivedRequest(
            kind == .access ? .access : .erase, site: site.id, visitor: try visitor.map { try VisitorID(option: $0) },
            received: try OptionValue.received(received, today: today) ?? today)
        let number = try note(request, configuration)
        try say(["request \(number), due \(request.received.monthLater)"])
    }
}

/// `assent privacy close`
struct CloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Note that a request was answered.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "It was answered with a no, and the reasons for it (GDPR, article 12(4)).")
    var declined = false

    @Argument(help: "The number of the request, as assent privacy list says it.")
    var number: RecordNumber

    func run() throws {
        let configuration = try common.load()
        try close(ClosedRequest(request: number, isDeclined: declined), configuration)
        try say(["request \(number) is \(declined ? "declined" : "done")"])
    }
}

/// What a visitor's request is of, and when it came.
struct RequestOptions: ParsableArguments {
    @Option(help: "The site. (default: the only one)")
    var site: String?

    @Option(help: "The visitor's id: 32 hex digits.")
    var visitor: String

    @Option(help: "The date on which the request came. (default: today)")
    var received: String?

    func validate() throws { _ = try VisitorID(option: visitor) }

    /// - Returns: `today` in the site's time zone; `received` only if it was said.
    func read(_ configuration: Configuration) throws -> (site: Site, visitor: VisitorID, today: Day, received: Day?) {
        let site = try configuration.site(site)
        let today = try site.timeZone().date(of: Clock.now)
        return (site, try VisitorID(option: visitor), today, try OptionValue.received(received, today: today))
    }
}

extension OptionValue {
    /// The date on which a request came.
    static func received(_ text: String?, today: Day) throws -> Day? {
        guard let text else { return nil }
        let day = try date(text)
        if let objection = PrivacyRequest.objection(toReceived: day, today: today) {
            throw Failure(.usage, "--received \(objection).")
        }
        return day
    }
}

/// Notes a request, beside a collector or without one.
/// - Returns: its number.
func note(_ request: ReceivedRequest, _ configuration: Configuration) throws(Failure) -> RecordNumber {
    try noting(configuration, "/v1/privacy/receive", request.body, ReceivedRequest.unknownVisitor) {
        (store, now) throws(StoreError) in try store.note(request, at: now)
    }
}

/// Notes the answer to a request, beside a collector or without one.
func close(_ closed: ClosedRequest, _ configuration: Configuration) throws(Failure) {
    _ = try noting(configuration, "/v1/privacy/close", closed.body, ClosedRequest.noOpenRequest) {
        (store, now) throws(StoreError) in try store.close(closed, at: now) ? closed.request : nil
    }
}

/// Notes something in the ledger, or asks the collector that holds it to.
/// - Parameter none: what is said where there is nothing to be noted.
/// - Returns: the number of a request.
private func noting(
    _ configuration: Configuration, _ target: String, _ body: [UInt8], _ none: String,
    _ note: (Store, Instant) throws(StoreError) -> RecordNumber?
) throws(Failure) -> RecordNumber {
    var number: RecordNumber?
    let isDone: Void? = try holding(configuration) { (store, now) throws(StoreError) in number = try note(store, now) }
    if isDone == nil {
        var client = try StaffClient(configuration)
        let answer = try client.post(target, body)
        // The answer says the number of the request.
        if answer.status == 200 {
            number = (try? ClosedRequest(parsing: answer.body))?.request
        } else if answer.status != 404 || answer.text != none {
            throw Failure(.failed, "The collector answered \(answer.status): \(answer.text)")
        }
    }
    guard let number else { throw Failure(.failed, none) }
    return number
}
