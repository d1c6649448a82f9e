/// Why an event was not stored. The raw value is the reason on the wire, in tallies, metrics and reports.
public enum Refusal: String, Error, Sendable, CaseIterable {
    /// No token, a forged one, or one for another site.
    case noConsent = "no_consent"
    /// The consent record's 182 days are over.
    case expired
    /// The visitor took the consent back.
    case withdrawn
    /// The notice was replaced and its successor asks again.
    case noticeChanged = "notice_changed"
    /// It happened before the visitor had everything erased.
    case erased
    /// `Sec-GPC: 1`, and the consent was not given under it.
    case gpc
    /// `DNT: 1`, and the consent was not given under it.
    case dnt
    /// No User-Agent, or that of a crawler, monitor, library or headless browser.
    case bot
    /// `Sec-Purpose` or `Purpose` says prefetch.
    case prefetch
    /// The page's host is none of the site's.
    case host
    /// The referrer is a known spammer.
    case spamReferrer = "spam_referrer"
}
