import AssentCore
import Testing

@Suite struct CampaignRulesTests {
    static func site(_ campaign: Campaign) -> Site {
        Site(
            id: "s", name: "S", origins: ["https://www.example.org"], locales: ["en", "fr", "ar", "pt-BR"],
            campaigns: [campaign])
    }

    static func matches(_ campaign: Campaign, _ page: Page, _ referrer: Referrer = .none) -> Bool {
        let matcher = CampaignMatcher(site: site(campaign))
        return matcher.campaigns(of: page).union(matcher.campaigns(of: referrer)).contains(0)
    }

    @Test(
        "Path globs: `*` within a segment, `**` any number of segments, trailing slash and locale aside",
        arguments: [
            ("/youth-day/**", "/youth-day", true), ("/youth-day/**", "/ar/youth-day/", true),
            ("/youth-day/**", "/youth-day/a/b", true), ("/youth-day/**", "/youth-days", false),
            ("/youth-day/**", "/Youth-Day/a", false), ("/youth-day/*", "/youth-day", false),
            ("/youth-day/*", "/youth-day/a", true), ("/youth-day/*", "/youth-day/a/b", false),
            ("/youth-day/", "/youth-day", true), ("/*-day", "/fr/youth-day", true), ("/*-day", "/day", false),
            ("/**/video", "/video", true), ("/**/video", "/a/b/video", true), ("/**/video", "/a/video/b", false),
            ("/a/**/z", "/a/z", true), ("/a/**/z", "/a/b/z/z", true), ("/a/**/z/**", "/a/b/c", false),
            ("/", "/", true), ("/", "/ar/", true), ("/", "/x", false), ("/**", "/", true), ("/**", "/x/y", true),
            ("/*", "/", false), ("/يوم-الشباب/**", "/ar/يوم-الشباب/خبر", true), ("/caf\u{E9}", "/cafe\u{301}", true),
            ("/news", "/pt-br/news", true), ("/news", "/de/news", false), ("/en", "/en/en", true),
            ("/a*b*c", "/a-b-b-c", true), ("/a*b*c", "/a-c-b", false),
        ])
    func paths(glob: String, path: String, expected: Bool) {
        #expect(Self.matches(Campaign(id: "c", name: "C", paths: [glob]), Page(host: "h", path: path)) == expected)
    }

    @Test(
        "A hashtag equals fragment, hashtag, utm_campaign, utm_term or utm_content, without # and regard to case",
        arguments: [
            ("", "YouthDay", true), ("", "youthday", true), ("", "youthdays", false), ("hashtag=%23YOUTHDAY", "", true),
            ("utm_campaign=YouthDay", "", true), ("utm_term=youthday", "", true), ("utm_content=youthDay", "", true),
            ("utm_source=youthday", "", false), ("ref=youthday", "", false), ("utm_term=youthday+now", "", false),
            ("utm_source=x&utm_term=a&utm_term=youthday", "", true), ("", "", false), ("hashtag", "", false),
        ])
    func hashtags(query: String, fragment: String, expected: Bool) {
        let page = Page(host: "h", path: "/", query: query, fragment: fragment)
        #expect(Self.matches(Campaign(id: "c", name: "C", hashtags: ["#YouthDay"]), page) == expected)
    }

    @Test(
        "Case does not matter in any script",
        arguments: [("ΣΊΣΥΦΟΣ", "σίσυφος"), ("Straße", "STRASSE"), ("ÉTÉ", "été"), ("شباب", "شباب")])
    func hashtagsOfAnyScript(rule: String, fragment: String) {
        let page = Page(host: "h", path: "/", fragment: fragment)
        #expect(Self.matches(Campaign(id: "c", name: "C", hashtags: [rule]), page))
    }

    @Test(
        "utm globs ignore case and look at their own parameter only",
        arguments: [
            ("utm_campaign=youthday-2026", true), ("utm_campaign=YOUTHDAY", true), ("utm_campaign=myouthday", false),
            ("utm_term=youthday", false), ("utm_source=newsletter", true), ("utm_source=newsletters", false),
            ("utm_medium=social%20paid", true), ("utm_medium=social/paid", true), ("utm_medium=antisocial", false),
            ("", false),
        ])
    func parameters(query: String, expected: Bool) {
        let campaign = Campaign(
            id: "c", name: "C", utmCampaign: ["YouthDay*"], utmSource: ["Newsletter"], utmMedium: ["social*"])
        #expect(Self.matches(campaign, Page(host: "h", path: "/", query: query)) == expected)
    }

    @Test(
        "A referrer rule names a host or a parent domain of it",
        arguments: [
            ("t.co", true), ("m.t.co", true), ("nott.co", false), ("co", false), ("news.example.net", true),
            ("example.net", true), ("example.net.evil.org", false), ("", false),
        ])
    func referrers(host: String, expected: Bool) {
        let campaign = Campaign(id: "c", name: "C", referrers: ["t.co", "Example.net"])
        let referrer = Referrer(host: host, pathClass: host.isEmpty ? .none : .page)
        #expect(Self.matches(campaign, Page(host: "h", path: "/"), referrer) == expected)
    }

    @Test func `empty rules match nothing, not even an empty fragment`() {
        let campaign = Campaign(id: "c", name: "C", hashtags: ["", "#"], referrers: [""])
        #expect(!Self.matches(campaign, Page(host: "h", path: "/")))
    }

    @Test func `a set holds as many campaigns as a site can have`() {
        var set = CampaignSet()
        let members = [0, 1, 63, 64, 127, 128, Limits.campaignsPerSiteMax - 1]
        for member in members.reversed() { set.insert(member) }
        #expect(Array(set) == members)
        #expect(!set.contains(2))
        set.remove(64)
        #expect(!set.contains(64) && set.contains(63))
        #expect(CampaignSet().isEmpty && Array(CampaignSet()).isEmpty && CampaignSet().isDisjoint(with: set))
    }

    @Test(
        "Pages fold trailing slash and locale segment",
        arguments: [
            ("/ar/youth-day/", "/youth-day"), ("/youth-day", "/youth-day"), ("/", "/"), ("", "/"), ("/ar", "/"),
            ("/AR/", "/"), ("/arts/", "/arts"), ("/x/ar/", "/x/ar"), ("/fr/a/b//", "/a/b"), ("/ar/fr", "/fr"),
        ])
    func pages(path: String, expected: String) {
        #expect(PathFolding(locales: ["en", "fr", "ar"]).folded(path) == expected)
    }

    @Test(
        "The source is utm_source, else a known name, else the host, else direct",
        arguments: [
            ("utm_source=NewsLetter", "t.co", "newsletter"), ("utm_source=", "t.co", "X"), ("", "t.co", "X"),
            ("utm_source=%C3%89t%C3%A9", "", "été"), ("utm_medium=x", "", "direct"), ("", "www.example.org", "direct"),
            ("", "example.org", "direct"), ("", "blog.example.org", "blog.example.org"),
            ("", "l.facebook.com", "Facebook"),
            ("", "www.google.com", "Google"), ("", "www.google.co.uk", "Google"), ("", "www.google.be", "Google"),
            ("", "mail.google.com", "Gmail"), ("", "google.evil.org", "google.evil.org"),
            ("", "www.rtbf.be", "rtbf.be"),
            ("", "notx.com", "notx.com"), ("", "fr.wikipedia.org", "Wikipedia"), ("", "", "direct"),
        ])
    func sources(query: String, host: String, expected: String) {
        let site = Self.site(Campaign(id: "c", name: "C"))
        let page = Page(host: "www.example.org", path: "/", query: query)
        let referrer = host.isEmpty ? Referrer.none : Referrer(host: host, pathClass: .page)
        #expect(Sources(site: site).name(page: page, referrer: referrer) == expected)
    }
}
