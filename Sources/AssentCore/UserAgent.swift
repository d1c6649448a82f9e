/// What a User-Agent header says: a person's browser by its families, or a machine.
///
/// The header is read once, in memory, and never stored. Rules are data: words and marks with the family that they
/// stand for, as browsers send them at ``TrafficRules/date``.
public enum UserAgent {
    /// The client's families, or nil for no User-Agent and for crawlers, monitors, libraries and headless browsers.
    ///
    /// Hints go first where there are any: a User-Agent is frozen in many browsers, and some take the name of another.
    /// - Parameter memory: of headers that came before, judged by the same rules.
    public static func client(
        _ header: String?, _ hints: ClientHints = .none, _ rules: TrafficRules = TrafficRules(),
        _ memory: inout GateMemory
    ) -> Client? {
        guard let header, !header.isEmpty, var client = memory.clients.value(of: header, { client($0, rules) }) else {
            return nil
        }
        if let text = hints.brands {
            switch memory.brands.value(of: text, ClientHints.Brand.init) {
            case .machine: return nil
            case .family(let name): client.browser = name
            case .other: break
            }
        }
        if let device = hints.device { client.device = device }
        if let system = hints.system { client.system = system }
        return client
    }

    /// What the header alone says.
    private static func client(_ header: String, _ rules: TrafficRules) -> Client? {
        guard !isMachine(header, rules) else { return nil }
        let has = Marks(header)
        return Client(device: device(has), browser: first(browsers, in: has), system: first(systems, in: has))
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

    private static func isMachine(_ header: String, _ rules: TrafficRules) -> Bool {
        if header.range(ofASCII: "Go-http-client") != nil || header.range(ofASCII: "+http") != nil { return true }
        guard header.utf8.first.map({ (0x41...0x5A).contains($0 & 0xDF) }) == true else { return true }
        var header = header
        return header.withUTF8 { bytes in
            var word: [UInt8] = []
            for byte in bytes {
                switch byte {
                case 0x41...0x5A: word.append(byte | 0x20)
                case 0x61...0x7A, 0x30...0x39, UInt8(ascii: "-"): word.append(byte)
                default:
                    if isMachineWord(word, rules) { return true }
                    word.removeAll(keepingCapacity: true)
                }
            }
            return isMachineWord(word, rules)
        }
    }

    private static func isMachineWord(_ word: [UInt8], _ rules: TrafficRules) -> Bool {
        func ends(with suffix: StaticString) -> Bool {
            word.suffix(suffix.utf8CodeUnitCount).elementsEqual(bytes(suffix))
        }
        func bytes(_ text: StaticString) -> UnsafeBufferPointer<UInt8> {
            UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        }
        // Most words of a browser are numbers, which no machine is called by.
        guard word.count > 1, !word.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
        if word.starts(with: bytes("python-")) || word.starts(with: bytes("java-")) || ends(with: "spider")
            || ends(with: "crawler")
        {
            return true
        }
        // CUBOT makes telephones.
        if ends(with: "bot") { return !word.elementsEqual(bytes("cubot")) }
        let text = String(decoding: word, as: UTF8.self)
        return machineWords.contains(text) || rules.machines.contains(text)
    }
}

/// The client hints of low entropy that browsers send without being asked (User-Agent Client Hints): brands, whether it
/// is a telephone, and the system. They are read once, in memory, and never stored.
public struct ClientHints: Sendable, Equatable {
    /// `Sec-CH-UA` as it came.
    public var brands: String?
    /// `Sec-CH-UA-Mobile` as it came.
    public var mobile: String?
    /// `Sec-CH-UA-Platform` as it came.
    public var platform: String?

    /// No hints.
    public static let none = ClientHints()

    /// Hints by their headers.
    public init(brands: String? = nil, mobile: String? = nil, platform: String? = nil) {
        self.brands = brands
        self.mobile = mobile
        self.platform = platform
    }

    /// What a list of brands says.
    enum Brand: Sendable {
        /// A browser without a window says so here, whatever its User-Agent says.
        case machine
        case family(String)
        /// One that the User-Agent tells.
        case other

        private static let families: [(brand: StaticString, name: String)] = [
            ("\"Microsoft Edge\"", "Edge"), ("\"Opera\"", "Opera"), ("\"Brave\"", "Brave"),
            ("\"Samsung Internet\"", "Samsung Internet"), ("\"YaBrowser\"", "Yandex"), ("\"Yandex\"", "Yandex"),
            ("\"Vivaldi\"", "Vivaldi"), ("\"DuckDuckGo\"", "DuckDuckGo"), ("\"Google Chrome\"", "Chrome"),
        ]

        init(_ brands: String) {
            if brands.range(ofASCII: "\"HeadlessChrome\"") != nil {
                self = .machine
            } else {
                let family = Self.families.first { brands.range(ofASCII: $0.brand) != nil }
                self = family.map { .family($0.name) } ?? .other
            }
        }
    }

    private static let systems = [
        "\"Windows\"": "Windows", "\"macOS\"": "macOS", "\"Android\"": "Android", "\"iOS\"": "iOS",
        "\"Chrome OS\"": "ChromeOS", "\"Chromium OS\"": "ChromeOS", "\"Linux\"": "Linux", "\"HarmonyOS\"": "HarmonyOS",
    ]

    var system: String? { platform.flatMap { Self.systems[$0] } }

    /// Tablets say that they are no telephones, so that only a telephone is certain, and a tablet by its system.
    var device: Client.Device? {
        switch (mobile, system) {
        case ("?1", _): .mobile
        case ("?0", "Android"): .tablet
        case ("?0", "Windows"), ("?0", "macOS"), ("?0", "Linux"), ("?0", "ChromeOS"): .desktop
        default: nil
        }
    }
}
