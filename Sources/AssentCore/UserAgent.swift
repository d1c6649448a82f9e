/// What a User-Agent header says: a person's browser by its families, or a machine.
///
/// The header is read once, in memory, and never stored. Rules are data: words and marks with the family that they
/// stand for, as browsers send them in autumn 2026.
public enum UserAgent {
    /// The client's families, or nil for no User-Agent and for crawlers, monitors, libraries and headless browsers.
    public static func client(_ header: String?) -> Client? {
        guard let header, !header.isEmpty, !isMachine(header) else { return nil }
        let has = Marks(header)
        return Client(
            device: device(has), browser: first(browsers, in: has), system: first(systems, in: has))
    }

    /// Marks that a client can be known by, tried in order.
    private typealias Family = (mark: StaticString, name: String)

    private static let browsers: [Family] = [
        ("EdgA/", "Edge"), ("EdgiOS/", "Edge"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("OPiOS/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"), ("YaBrowser/", "Yandex"), ("Vivaldi/", "Vivaldi"),
        ("UCBrowser/", "UC Browser"), ("HuaweiBrowser/", "Huawei Browser"), ("DuckDuckGo/", "DuckDuckGo"),
        ("FxiOS/", "Firefox"), ("Firefox/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"),
        ("Safari/", "Safari"), ("AppleWebKit/", "WebKit"),
    ]

    private static let systems: [Family] = [
        ("Windows", "Windows"), ("iPhone", "iOS"), ("iPad", "iOS"), ("iPod", "iOS"), ("Android", "Android"),
        ("HarmonyOS", "HarmonyOS"), ("CrOS", "ChromeOS"), ("Macintosh", "macOS"), ("Linux", "Linux"), ("X11", "Linux"),
    ]

    private static func first(_ families: [Family], in has: Marks) -> String {
        families.first { has($0.mark) }?.name ?? ""
    }

    private static func device(_ has: Marks) -> Client.Device {
        if has("iPad") || has("Tablet") || has("Kindle") || has("Android") && !has("Mobile") { return .tablet }
        if has("Mobi") || has("iPhone") || has("iPod") || has("Android") { return .mobile }
        if has("Windows") || has("Macintosh") || has("X11") || has("CrOS") || has("Linux") { return .desktop }
        return .other
    }

    private struct Marks {
        private let text: String
        init(_ text: String) { self.text = text }
        func callAsFunction(_ mark: StaticString) -> Bool { text.range(ofASCII: mark) != nil }
    }

    /// Words, in lower case, that only machines send.
    private static let machineWords: Set<String> = [
        "headless", "headlesschrome", "phantomjs", "slimerjs", "electron", "puppeteer", "playwright", "selenium",
        "webdriver", "cypress", "curl", "wget", "httpie", "libwww", "lwp", "python", "urllib", "aiohttp", "httpx",
        "scrapy", "java", "okhttp", "axios", "undici", "got", "ruby", "perl", "php", "guzzlehttp", "postmanruntime",
        "insomnia", "httpclient", "restsharp", "winhttp", "node", "deno", "bun", "libcurl", "aria2", "spider",
        "crawler",
        "crawl", "scraper", "slurp", "archiver", "heritrix", "facebookexternalhit", "facebookcatalog",
        "meta-externalagent", "whatsapp", "telegrambot", "skypeuripreview", "embedly", "preview", "validator",
        "monitor",
        "monitoring", "pingdom", "uptimerobot", "uptime", "statuscake", "site24x7", "newrelicpinger", "nagios",
        "zabbix",
        "lighthouse", "pagespeed", "gtmetrix", "mediapartners", "adsbot", "feedfetcher", "feedburner", "rss", "zgrab",
        "masscan", "nmap", "nikto", "sqlmap", "nuclei", "wrk", "ab", "jmeter", "gatling", "k6", "vegeta", "bot",
        "chatgpt-user", "claude-user", "perplexity-user", "google-extended", "googleother", "bytespider", "ccbot",
    ]

    private static func isMachine(_ header: String) -> Bool {
        if header.range(ofASCII: "Go-http-client") != nil || header.range(ofASCII: "+http") != nil { return true }
        guard header.utf8.first.map({ (0x41...0x5A).contains($0 & 0xDF) }) == true else { return true }
        return header.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")) }.contains {
            word in
            if machineWords.contains(String(word)) || word.hasSuffix("spider") || word.hasSuffix("crawler") {
                return true
            }
            // CUBOT makes telephones.
            return word.hasSuffix("bot") && word != "cubot" || word.hasPrefix("python-") || word.hasPrefix("java-")
        }
    }
}
