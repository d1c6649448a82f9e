/// The words of a report in one language. What is said of a number stands beside it, so that no language's plurals are
/// needed.
struct Words: Sendable {
    /// The name of a number, at length and for the head of a column, and what it is.
    struct Term: Sendable {
        let name: String
        let short: String
        let definition: String

        init(_ name: String, _ short: String, _ definition: String) {
            self.name = name
            self.short = short
            self.definition = definition
        }
    }

    /// What is said of a campaign that nothing matches.
    struct Hints: Sendable {
        let runs: @Sendable (_ dates: String) -> String
        let runsFrom: @Sendable (_ date: String) -> String
        let runsUntil: @Sendable (_ date: String) -> String
        let nearest: @Sendable (_ rule: String, _ value: String, _ pageviews: String, _ pattern: String) -> String
        let none: String
    }

    let report: String
    let week: String
    let comparedWith: String

    let totals: String
    let thisPeriod: String
    let before: String
    let change: String
    let campaigns: String
    let campaign: String
    let noCampaign: String
    let overlaps: String
    let both: @Sendable (_ one: String, _ other: String) -> String
    let trend: String
    let weeks: @Sendable (_ count: String) -> String
    /// By the names of ``Dimension``.
    let tables: [String: String]
    /// Keys of rows that are words and not what a visitor's browser said.
    let keys: [String: String]
    let other: @Sendable (_ rows: String) -> String
    let more: @Sendable (_ rows: String) -> String
    let actions: String
    let count: String

    let consent: String
    let granted: String
    let refused: String
    let withdrawn: String
    let about: @Sendable (_ number: String) -> String
    let interval: String
    let between: @Sendable (_ low: String, _ high: String) -> String

    let partitions: String
    let state: String
    let sealed: String
    let open: String
    let events: String

    let notShown: String
    let folded: @Sendable (_ rows: String, _ minimum: String) -> String
    let onlyAgreed: String
    let share: @Sendable (_ rate: String) -> String
    let returning: String
    let estimateHolds: String
    let read: @Sendable (_ partitions: String, _ open: String) -> String
    let leftOut: @Sendable (_ sentence: String) -> String
    let explain: String
    let oneCampaign: String
    let definitions: String
    let hints: Hints

    /// By the names of the measures, and of what else has a definition.
    let terms: [String: Term]

    /// The term of a measure.
    subscript(name: String) -> Term {
        guard let term = terms[name] else { preconditionFailure("no words for \(name)") }
        return term
    }

    /// Names of what has a definition, in the order in which they are explained.
    static let order = [
        "visitors", "visits", "pageviews", "engaged_seconds", "scroll_depth", "bounce_rate", "actions", "landings",
        "median_engaged_seconds", "change", "campaigns", "unattributed", "overlaps", "pages", "sources", "locales",
        "countries", "devices", "days", "links", "opt_in_rate", "refusals", "estimate", "folded", "partitions",
    ]

    /// The words of a language.
    static func of(_ language: Language) -> Words {
        switch language {
        case .en: english
        case .fr: french
        case .ar: arabic
        }
    }
}
