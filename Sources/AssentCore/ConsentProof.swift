/// An entry of the ledger by its number and hash: who notes it elsewhere can later prove that nothing up to it was changed
/// or cut off.
public struct LedgerAnchor: Sendable, Equatable, CustomStringConvertible {
    /// Number of the entry, from 1.
    public var number: Int64
    /// Its hash: 32 bytes.
    public var hash: [UInt8]

    /// An anchor by its parts.
    public init(number: Int64, hash: [UInt8]) {
        self.number = number
        self.hash = hash
    }

    /// An anchor written as `12:` and 64 hex digits, or nil if it is anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = RecordNumber(parts[0]), number > 0, let hash = Hex.bytes(parts[1]),
            hash.count == 32
        else { return nil }
        self.init(number: Int64(number), hash: hash)
    }

    /// `12:` and 64 hex digits.
    public var description: String { "\(number):\(Hex.text(hash))" }
}

/// What a consent record says, what has become of it, and what shows that both are true: who, what, when and how.
public struct ConsentProof: Sendable, Equatable {
    /// What the record is now.
    public enum State: String, Sendable {
        /// It is in force.
        case granted
        /// A later record of the same visitor is in its place.
        case renewed
        /// The visitor has taken it back.
        case withdrawn
        /// Its time is over.
        case expired
        /// The visitor is erased: the id is gone.
        case erased
    }

    /// A later entry about the same visitor.
    public struct Event: Sendable, Equatable {
        /// Number of the entry.
        public var entry: RecordNumber
        /// Its kind: `renewal`, `withdrawal`, `erasure`, `erased`; or `restart`, by which the visitor had erased what was
        /// counted and kept the consent, and `cleared`, the end of that.
        public var kind: String
        /// The server's time.
        public var at: Instant
        /// The record that a renewal made.
        public var record: String?

        /// An event by its parts.
        public init(entry: RecordNumber, kind: String, at: Instant, record: String?) {
            self.entry = entry
            self.kind = kind
            self.at = at
            self.record = record
        }
    }

    /// The record's public name.
    public var record: RecordID
    /// The site's id.
    public var site: String
    /// When it was given, by the server's clock.
    public var given: Instant
    /// First instant at which it is no longer valid.
    public var expires: Instant
    /// Whether it renewed an earlier one.
    public var isRenewal: Bool
    /// Version of the notice that was shown: the SHA-256 that the entry says, in hex.
    public var notice: String
    /// The text of that version; nil if the ledger does not have it.
    public var noticeText: String?
    /// Language of the notice.
    public var locale: String
    /// `click` or `key`.
    public var act: String
    /// `banner`, `settings`, `api` or `cmp:<name>`.
    public var source: String
    /// Whether the browser said `Sec-GPC: 1`.
    public var underGPC: Bool
    /// Whether the browser said `DNT: 1`.
    public var underDNT: Bool
    /// The keyed hash by which the chain names the visitor: 64 hex digits.
    public var visitorHash: String
    /// The visitor's id; nil for one that was erased.
    public var visitor: VisitorID?
    /// Whether the keyed hash is that of the id; nil where there is no id or no key to tell.
    public var isVisitorsHash: Bool?
    /// Number and hash of its entry.
    public var entry: LedgerAnchor
    /// The hash of the entry before, in hex; empty for the first entry.
    public var previousHash: String
    /// The entry's body, byte for byte.
    public var body: String
    /// What came later, in order.
    public var events: [Event] = []
    /// When the erasure was complete; nil where there is none or it is under way.
    public var erasureCompleted: Instant?
    /// The last entry of the ledger.
    public var last: LedgerAnchor
    /// What is wrong with the ledger or with this record, a sentence each: with any of it the record proves nothing.
    public var faults: [String] = []
    /// The server's time of the look.
    public var now: Instant

    /// A proof of which nothing later is known.
    public init(
        record: RecordID, site: String, given: Instant, expires: Instant, isRenewal: Bool, notice: String,
        noticeText: String?, locale: String, act: String, source: String, underGPC: Bool, underDNT: Bool,
        visitorHash: String, visitor: VisitorID?, entry: LedgerAnchor, previousHash: String, body: String,
        last: LedgerAnchor, now: Instant
    ) {
        self.record = record
        self.site = site
        self.given = given
        self.expires = expires
        self.isRenewal = isRenewal
        self.notice = notice
        self.noticeText = noticeText
        self.locale = locale
        self.act = act
        self.source = source
        self.underGPC = underGPC
        self.underDNT = underDNT
        self.visitorHash = visitorHash
        self.visitor = visitor
        self.entry = entry
        self.previousHash = previousHash
        self.body = body
        self.last = last
        self.now = now
    }

    /// What it is now. What ends more comes first.
    public var state: State {
        if event("erasure") != nil { return .erased }
        if event("withdrawal") != nil { return .withdrawn }
        if event("renewal") != nil { return .renewed }
        return now < expires ? .granted : .expired
    }

    /// The first later entry of a kind.
    func event(_ kind: String) -> Event? { events.first { $0.kind == kind } }

    /// SHA-256 of the text that the ledger has, in hex; nil if it has none.
    var noticeTextHash: String? { noticeText.map { Notice(locale: locale, text: $0).version } }

    /// The state in words, with when and where that stands.
    var stateText: String {
        guard let restart = events.last(where: { $0.kind == "restart" }) else { return endText }
        let cleared = events.last { $0.kind == "cleared" && $0.entry > restart.entry }
        return "\(endText); what was counted before \(told(restart)) was asked to be erased, the consent stayed: "
            + (cleared.map { "complete \(told($0))" } ?? "under way")
    }

    private func told(_ event: Event?) -> String { event.map { "at \($0.at.rfc3339), entry \($0.entry)" } ?? "" }

    private var endText: String {
        switch state {
        case .granted: return "granted: in force at \(now.rfc3339)"
        case .renewed: return "renewed \(told(event("renewal"))), as record \(event("renewal")?.record ?? "unknown")"
        case .withdrawn: return "withdrawn \(told(event("withdrawal")))"
        case .expired: return "expired at \(expires.rfc3339)"
        case .erased:
            return "withdrawn and erased: asked for \(told(event("erasure"))), "
                + (erasureCompleted.map { "complete at \($0.rfc3339)" } ?? "under way")
        }
    }

    // MARK: Text

    /// For people: one fact a line, then the text that was shown, then what the chain has.
    /// - Parameter controls: who is responsible, as the configuration says.
    public func text(_ controls: SiteControls) -> String {
        func yes(_ value: Bool) -> String { value ? "yes" : "no" }
        let who =
            visitor.map { "\($0.hex)\(isVisitorsHash == true ? ", whose keyed hash is that of the entry" : "")" }
            ?? "erased: only the keyed hash \(visitorHash) stands for the id"
        let shown: String
        switch noticeTextHash {
        case nil: shown = "the text is missing"
        case notice: shown = "which is that of the text below, computed anew"
        default: shown = "which is NOT that of the text below"
        }
        var lines = [
            ("consent record", record.description),
            ("site", "\(site), \(controls.siteName)"),
            ("controller", controls.name),
            ("contact", controls.contact),
            ("visitor", who),
            ("given", "\(given.rfc3339), by \(act) in \(source)\(isRenewal ? ", a renewal" : "")"),
            ("signals", "Sec-GPC: \(yes(underGPC)), DNT: \(yes(underDNT))"),
            ("valid until", expires.rfc3339),
            ("state", stateText),
            ("notice", "\(locale), SHA-256 \(notice), \(shown)"),
        ].map { name, value in name + String(repeating: " ", count: 16 - name.count) + value }
        lines += ["", "The text that was shown:", "", noticeText ?? "", "", "What the ledger has:", ""]
        lines += [
            "previous hash   \(previousHash.isEmpty ? "none: it is the first entry" : previousHash)",
            "body            \(body)",
            "entry           \(entry), whose hash is SHA-256 of the 32 bytes of the previous hash and the body",
            "last entry      \(last)",
            "chain           "
                + (faults.isEmpty
                    ? "holds: every entry from 1 to \(last.number) was hashed anew, this one among them"
                    : "does NOT hold: \(faults.joined(separator: " "))"),
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Who is responsible for a site and where its data is: what a record needs that the ledger does not say.
public struct SiteControls: Sendable, Equatable {
    /// What stands where the configuration says nothing.
    public static let notConfigured = "not configured"

    /// The site's name for people.
    public var siteName: String
    /// The controller (GDPR, article 4(7)).
    public var name: String
    /// Where the controller can be reached.
    public var contact: String
    /// The controller's postal address.
    public var address: String
    /// Whose law holds.
    public var jurisdiction: String
    /// Where the data is stored.
    public var storageLocation: String
    /// Days that an event is kept; nil if the configuration does not know the site.
    public var retentionDays: Int?
    /// Origins of the site.
    public var origins: [String]

    /// What the configuration says.
    /// - Parameter site: nil for a site that has left it.
    public init(_ site: Site?) {
        siteName = site?.name ?? SiteControls.notConfigured
        name = site.map { $0.controller.name ?? $0.name } ?? SiteControls.notConfigured
        contact = site?.controller.contact ?? SiteControls.notConfigured
        address = site?.controller.address ?? SiteControls.notConfigured
        jurisdiction = site?.controller.jurisdiction ?? SiteControls.notConfigured
        storageLocation = site?.controller.storageLocation ?? SiteControls.notConfigured
        retentionDays = site?.retentionDays
        origins = site?.origins ?? []
    }
}
