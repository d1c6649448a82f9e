internal import AssentCore
internal import AssentStore
internal import DashboardAssets

/// `GET /privacy`: what is held of a visitor and what can be done about it, as a page without scripts that can lie at any
/// path, for all it links and posts to is relative to itself.
struct PrivacyPage {
    let site: ServedSite
    let words: PrivacyWords
    /// What was just done.
    var done: Done?
    /// What is held, and whose it is; nil without a valid consent.
    var held: (visitor: VisitorID, summary: Held.Summary)?

    /// What a form did.
    enum Done: String {
        case erased
        case withdrawn
    }

    private static let style: (text: HTML, policy: String) = {
        let asset = assent_asset_privacy_style()
        let bytes = Array(UnsafeBufferPointer(start: asset.bytes, count: asset.count))
        return (HTML(stringLiteral: String(decoding: bytes, as: UTF8.self)), PolicySource.sha256(of: bytes))
    }()

    private static let policy =
        "default-src 'none'; style-src \(style.policy); form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    /// The answer.
    var response: Response {
        var response = Response(.ok, "text/html; charset=utf-8", .bytes(Array(html.text.utf8)))
        response.field("Cache-Control", "no-store")
        response.field("Content-Security-Policy", PrivacyPage.policy)
        // The origin of a form is judged, so it must be said; to others nothing is.
        response.field("Referrer-Policy", "same-origin")
        response.field("Cross-Origin-Opener-Policy", "same-origin")
        return response
    }

    /// The page's own address but for the path.
    static func query(_ site: Site, _ language: String) -> String { "?site=\(site.id)&lang=\(language)" }

    // MARK: Markup

    private var html: HTML {
        """
        <!DOCTYPE html>
        <html lang="\(words.language)" dir="\(words.direction)">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <title>\(words.title) – \(site.site.name)</title>
        <style>\(PrivacyPage.style.text)</style>
        </head>
        <body>
        <main>
        \(languages)
        <h1>\(words.title)</h1>
        <p><bdi>\(site.site.name)</bdi></p>
        <p role="status" data-assent="status">\(status)</p>
        <section data-assent="held">
        <h2>\(words.held)</h2>
        \(holdings)
        </section>
        \(held == nil ? "" : choices)
        \(information)
        </main>
        </body>
        </html>

        """
    }

    private var languages: HTML {
        var links: HTML = ""
        for each in PrivacyWords.spoken(on: site.site) {
            let current: HTML = each.language == words.language ? " aria-current=\"page\"" : ""
            links += """
                <a href="\(PrivacyPage.query(site.site, each.language))" lang="\(each.language)" \
                hreflang="\(each.language)" dir="\(each.direction)"\(current)>\(each.name)</a>

                """
        }
        return "<nav data-assent=\"languages\" aria-label=\"\(words.languages)\">\n\(links)</nav>"
    }

    /// What was just done, as long as the page shows the same.
    private var status: String {
        switch done {
        case .erased where held != nil: words.erased
        case .withdrawn where held == nil:
            site.site.onWithdraw == .erase ? words.withdrawnErased : words.withdrawnKept
        default: ""
        }
    }

    private var holdings: HTML {
        guard let (visitor, summary) = held else { return "<p>\(words.nothing)</p>" }
        var rows: HTML = ""
        if let first = summary.consents.first { rows += row(words.firstConsent, date(first.at)) }
        rows += row(words.events, "\(summary.events.values.reduce(0, +))")
        for (kind, name) in [
            (Event.Kind.pageview, words.pageviews), (.engagement, words.engagements), (.action, words.actions),
        ] {
            rows += row(name, "\(summary.events[kind] ?? 0)")
        }
        rows += row(words.visitor, "<code dir=\"ltr\">\(visitor.hex)</code>")
        let warning: HTML = summary.isIncomplete ? "<p>\(words.incomplete)</p>" : ""
        return "<dl>\n\(rows)</dl>\n\(warning)\(dates(summary))\(consents(summary))"
    }

    private func row(_ name: String, _ value: HTML) -> HTML { "<dt>\(name)</dt><dd>\(value)</dd>\n" }

    private func date(_ time: Instant) -> HTML {
        "<time datetime=\"\(time.rfc3339)\"><bdi>\(site.day(of: time).description)</bdi></time>"
    }

    private func dates(_ summary: Held.Summary) -> HTML {
        guard !summary.days.isEmpty else { return "" }
        var items: HTML = ""
        for (day, count) in summary.days.sorted(by: { $0.key < $1.key }) {
            items += "<li><bdi>\(day.description)</bdi> (\(count))</li>\n"
        }
        return """
            <details>
            <summary>\(words.dates) (\(summary.days.count))</summary>
            <ul>
            \(items)</ul>
            </details>

            """
    }

    private func consents(_ summary: Held.Summary) -> HTML {
        guard !summary.consents.isEmpty else { return "" }
        var items: HTML = ""
        for consent in summary.consents {
            let expires = Instant(rfc3339: consent.expires) ?? consent.at.advanced(by: Limits.consentMilliseconds)
            let source =
                switch consent.source {
                case "banner": words.sources.banner
                case "settings": words.sources.settings
                case "api": words.sources.api
                default: words.sources.other
                }
            items += """
                <dl>
                \(row(words.given, date(consent.at)))\(row(words.until, date(expires)))\(row(words.source, "\(source)"))\
                \(row(words.shown, quote(consent.text, in: consent.locale)))</dl>

                """
        }
        return """
            <details>
            <summary>\(words.consents) (\(summary.consents.count))</summary>
            \(items)</details>

            """
    }

    /// A text of the site's, whose direction only its letters tell.
    private func quote(_ text: String, in locale: String) -> HTML {
        "<blockquote lang=\"\(locale)\" dir=\"auto\">\(text)</blockquote>"
    }

    private var choices: HTML {
        let address = PrivacyPage.query(site.site, words.language)
        func form(_ hook: HTML, _ label: String, _ explanation: String) -> HTML {
            """
            <form method="post" action="\(address)">
            <p id="\(hook)">\(explanation)</p>
            <button class="button" name="do" value="\(hook)" data-assent="\(hook)" aria-describedby="\(hook)">\(label)</button>
            </form>

            """
        }
        let explanation = site.site.onWithdraw == .erase ? words.withdrawErases : words.withdrawKeeps
        return """
            <section>
            <h2>\(words.choices)</h2>
            \(form("withdraw", words.withdraw, explanation))\(form("erase", words.erase, words.eraseExplained))\
            <p id="download">\(words.downloadExplained)</p>
            <a class="button" href="v1/my-data?site=\(site.site.id)&amp;download" data-assent="download" \
            aria-describedby="download">\(words.download)</a>
            </section>
            """
    }

    private var information: HTML {
        func section(_ title: String, _ content: HTML) -> HTML {
            "<section>\n<h2>\(title)</h2>\n\(content)\n</section>\n"
        }
        let notices = site.site.notices
        let notice =
            notices.last { $0.locale == words.language } ?? notices.last { $0.locale == site.site.locales.first }
        func cookie(_ name: String, _ explanation: String) -> HTML {
            "<dt><code dir=\"ltr\">\(name)</code></dt><dd>\(explanation)</dd>\n"
        }
        let cookies: HTML = """
            <dl>
            \(cookie(Request.tokenCookie, words.tokenCookie))\(cookie(Request.choiceCookie, words.choiceCookie))</dl>
            <p>\(words.cookiesLast) \(words.days(Limits.consentDays))</p>
            """
        return """
            \(notice.map { section(words.notice, quote($0.text, in: $0.locale)) } ?? "")\
            \(section(words.purpose, "<p>\(words.purposeExplained)</p>"))\
            \(section(words.retention, "<p>\(words.retentionExplained) \(words.days(site.site.retentionDays))</p>"))\
            \(section(words.recipients, "<p>\(words.nobody)</p>"))\
            \(section(words.cookies, cookies))\
            \(section(words.rights, "<p>\(words.rightsExplained)</p>"))
            """
    }
}
