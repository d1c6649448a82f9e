/// Turns paths into the pages of a report: without trailing slash and without a leading locale segment, so that the
/// languages of one page are one row.
public struct PathFolding: Sendable {
    private let locales: Set<String>

    /// - Parameter locales: languages of the site; letter case of the segment does not matter.
    public init(locales: [String]) { self.locales = Set(locales.map { $0.lowercased() }) }

    /// `/ar/youth-day/` becomes `/youth-day`, `/ar/` and the empty path `/`.
    public func folded(_ path: String) -> String {
        var rest = Substring(path)
        if rest.hasPrefix("/") { rest.removeFirst() }
        let first = rest.prefix { $0 != "/" }
        if locales.contains(first.lowercased()) {
            rest = rest[first.endIndex...]
            if rest.hasPrefix("/") { rest.removeFirst() }
        }
        while rest.hasSuffix("/") { rest.removeLast() }
        return "/" + rest
    }
}

/// Says where a visit came from, by its first pageview.
public struct Sources: Sendable {
    /// The source of a visit that no other page led to.
    public static let direct = "direct"

    private let ownHosts: Set<String>

    /// Sources as a site sees them: its own pages are none.
    public init(site: Site) { ownHosts = Set(site.hosts.map { String(Self.withoutWWW($0)) }) }

    /// `utm_source` in lower case, else the name of a known referrer, else its host without `www.`;
    /// ``direct`` where there is none or it is the site's own.
    public func name(page: Page, referrer: Referrer) -> String {
        tagged(page) ?? name(referrer)
    }

    /// `utm_source` in lower case; nil where a page says none.
    public func tagged(_ page: Page) -> String? {
        QueryParameters(page.query).first { $0.name == "utm_source" && !$0.value.isEmpty }?.value.lowercased()
    }

    /// What ``name(page:referrer:)`` says where the page says nothing.
    public func name(_ referrer: Referrer) -> String {
        let host = Self.withoutWWW(referrer.host)
        if host.isEmpty || ownHosts.contains(String(host)) { return Self.direct }
        return Self.knownName(of: host) ?? String(host)
    }

    private static func withoutWWW(_ host: String) -> Substring {
        host.hasPrefix("www.") ? host.dropFirst(4) : Substring(host)
    }

    private static func knownName(of host: Substring) -> String? {
        for suffix in HostSuffixes(String(host)) {
            if let name = known[String(suffix)] { return name }
            if let name = searchEngine(suffix) { return name }
        }
        return nil
    }

    /// Search engines that have a domain in every country: `google.be`, `google.co.uk`, `yahoo.co.jp`.
    private static func searchEngine(_ host: Substring) -> String? {
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard let name = countryEngines[String(labels[0])], (2...3).contains(labels.count),
            labels.last?.utf8.count == 2, labels.count == 2 || ["co", "com"].contains(labels[1])
        else { return nil }
        return name
    }

    private static let countryEngines = ["google": "Google", "yahoo": "Yahoo", "yandex": "Yandex"]

    private static let known: [String: String] = [
        "t.co": "X", "x.com": "X", "twitter.com": "X", "com.twitter.android": "X",
        "facebook.com": "Facebook", "fb.com": "Facebook", "fb.me": "Facebook", "com.facebook.katana": "Facebook",
        "messenger.com": "Messenger", "instagram.com": "Instagram", "com.instagram.android": "Instagram",
        "threads.net": "Threads", "threads.com": "Threads", "bsky.app": "Bluesky", "go.bsky.app": "Bluesky",
        "linkedin.com": "LinkedIn", "lnkd.in": "LinkedIn", "com.linkedin.android": "LinkedIn",
        "youtube.com": "YouTube", "youtu.be": "YouTube", "tiktok.com": "TikTok", "snapchat.com": "Snapchat",
        "pinterest.com": "Pinterest", "pin.it": "Pinterest", "reddit.com": "Reddit", "redd.it": "Reddit",
        "com.reddit.frontpage": "Reddit", "t.me": "Telegram", "telegram.org": "Telegram", "telegram.me": "Telegram",
        "org.telegram.messenger": "Telegram", "whatsapp.com": "WhatsApp", "wa.me": "WhatsApp",
        "com.whatsapp": "WhatsApp", "discord.com": "Discord", "slack.com": "Slack", "vk.com": "VK",
        "mastodon.social": "Mastodon", "medium.com": "Medium", "github.com": "GitHub",
        "news.ycombinator.com": "Hacker News", "wikipedia.org": "Wikipedia",
        "google.com": "Google", "com.google.android.googlequicksearchbox": "Google", "news.google.com": "Google News",
        "mail.google.com": "Gmail", "com.google.android.gm": "Gmail", "gemini.google.com": "Gemini",
        "bing.com": "Bing", "duckduckgo.com": "DuckDuckGo", "yahoo.com": "Yahoo", "yandex.com": "Yandex",
        "ya.ru": "Yandex", "baidu.com": "Baidu", "ecosia.org": "Ecosia", "qwant.com": "Qwant",
        "startpage.com": "Startpage", "search.brave.com": "Brave Search", "naver.com": "Naver", "seznam.cz": "Seznam",
        "chatgpt.com": "ChatGPT", "chat.openai.com": "ChatGPT", "claude.ai": "Claude", "perplexity.ai": "Perplexity",
        "copilot.microsoft.com": "Copilot", "outlook.live.com": "Outlook", "outlook.office.com": "Outlook",
        "mail.yahoo.com": "Yahoo Mail",
    ]
}

/// The allow-listed parameters of a page's query, decoded, in their order.
package struct QueryParameters: Sequence, IteratorProtocol {
    private var rest: Substring

    package init(_ query: String) { rest = Substring(query) }

    package mutating func next() -> (name: String, value: String)? {
        while !rest.isEmpty {
            let pair = rest.prefix { $0 != "&" }
            rest = rest[pair.endIndex...].dropFirst()
            guard let equals = pair.firstIndex(of: "=") else { continue }
            return (String(pair[..<equals]), Self.decoded(pair[pair.index(after: equals)...]))
        }
        return nil
    }

    private static func decoded(_ value: Substring) -> String {
        guard value.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(value)
        }
        let bytes = Array(value.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = Character(UnicodeScalar(bytes[index + 1])).hexDigitValue,
                let low = Character(UnicodeScalar(bytes[index + 2])).hexDigitValue
            {
                result.append(UInt8(high << 4 | low))
                index += 3
            } else {
                result.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
