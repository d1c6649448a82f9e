/// The body of `POST /v1/consent`.
public struct ConsentRequest: Sendable, Equatable {
    /// What the visitor chose.
    public enum Choice: String, Sendable {
        case granted
        case refused
    }

    /// The site's id, not yet looked up.
    public var site = ""
    /// What was chosen.
    public var choice = Choice.refused
    /// Notice version: SHA-256 of the text that was shown; empty if not said.
    public var notice = ""
    /// Language of the notice; empty if not said.
    public var locale = ""
    /// How it was chosen; empty if not said.
    public var act = ""
    /// Where it was chosen; empty if not said.
    public var source = ""

    /// Reads a body strictly.
    /// - Throws: ``BadRequest`` that names the field.
    public static func parse(_ body: [UInt8]) throws(BadRequest) -> ConsentRequest {
        try JSONReader.read(body.span.bytes) { (reader) throws(BadRequest) in
            var request = ConsentRequest()
            var seen = Fields()
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "site": request.site = try seen.string("site", 0, &reader, bytesMax: 64)
                case "choice":
                    guard let choice = Choice(rawValue: try seen.string("choice", 1, &reader, bytesMax: 64)) else {
                        throw BadRequest("choice", "must be granted or refused")
                    }
                    request.choice = choice
                case "notice": request.notice = try seen.string("notice", 2, &reader, bytesMax: 128)
                case "locale": request.locale = try seen.string("locale", 3, &reader, bytesMax: Limits.localeBytesMax)
                case "act": request.act = try seen.string("act", 4, &reader, bytesMax: 64)
                case "source": request.source = try seen.string("source", 5, &reader, bytesMax: 64)
                default: try reader.skip()
                }
            }
            try seen.require(["site", "choice"], mask: 0b11)
            return request
        }
    }
}

/// The body of `POST /v1/withdraw`.
public struct WithdrawRequest: Sendable, Equatable {
    /// The site's id, not yet looked up.
    public var site = ""
    /// Whether what is stored goes too; nil for the site's own rule.
    public var erase: Bool?
    /// The token, where neither the cookie nor the `Authorization` header carries it.
    public var consent: String?

    /// A withdrawal by its parts.
    public init(site: String = "", erase: Bool? = nil, consent: String? = nil) {
        self.site = site
        self.erase = erase
        self.consent = consent
    }

    /// Reads a body strictly.
    /// - Throws: ``BadRequest`` that names the field.
    public static func parse(_ body: [UInt8]) throws(BadRequest) -> WithdrawRequest {
        try JSONReader.read(body.span.bytes) { (reader) throws(BadRequest) in
            var request = WithdrawRequest()
            var seen = Fields()
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "site": request.site = try seen.string("site", 0, &reader, bytesMax: 64)
                case "erase":
                    request.erase = try seen.optional("erase", 1, &reader) { (reader) throws(BadRequest) in
                        try reader.boolean()
                    }
                case "consent":
                    request.consent = try seen.optional("consent", 2, &reader) { (reader) throws(BadRequest) in
                        try reader.string(bytesMax: Limits.consentBodyBytesMax)
                    }
                default: try reader.skip()
                }
            }
            try seen.require(["site"], mask: 1)
            return request
        }
    }
}
