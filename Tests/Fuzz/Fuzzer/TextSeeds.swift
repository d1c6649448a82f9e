import AssentStore

@testable import AssentCore

/// What requests and files say.
extension Seeds {
    static let events: [[UInt8]] = [
        #"{"site":"coalition","consent":"T","events":[{"id":"7f6c0001","type":"pageview","age":0,"#
            + #""url":"https://www.example.org/ar/","title":"\u064a","x":{"y":[1,null,true]}}]}"#,
        #"{"site":"a","events":[{"id":"90ab0002","type":"engagement","age":13e1,"url":"https://a.example/","#
            + #""seconds":14.2,"scroll":80},{"id":"c3d40003","type":"action","age":1,"url":"https://a.example/","#
            + #""name":"read_more","target":"https://x.example/"}]}"#,
    ].map { Array($0.utf8) }

    static let choices: [[UInt8]] = [
        #"{"site":"a","choice":"granted","notice":"00","locale":"ar","act":"click","source":"banner"}"#,
        #"{"site":"a","erase":true,"consent":"T"}"#,
    ].map { Array($0.utf8) }

    static let requests: [[UInt8]] = [
        #"{"kind":"access","site":"a","visitor":"00112233445566778899aabbccddeeff","received":"2026-11-16"}"#,
        #"{"request":12,"declined":true}"#,
    ].map { Array($0.utf8) }

    static let json: [[UInt8]] = texts([
        #"{"a":[1,-0.5e+3,true,false,null,"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800"],"\u0061":{}}"#,
        #" [ [ ] , { "x" : 9007199254740993 } , 1E400 ] "#, "\"يوم 😀\"", "-0",
    ])

    static let tokens: [[UInt8]] = {
        let claims = Token(
            visitor: 7, record: 9, issued: Instant(milliseconds: 1_795_000_000_000),
            notice: String(repeating: "ab", count: 32), underGPC: true, underDNT: false)
        return [Array(RequestTargets.signer.sign(claims).utf8), Array(0..<64), []]
    }()

    // MARK: Requests

    static let queries = texts(["week=2026-W47&compare=previous&x=%C3%A9+%41&week=2", "a=%&=b&c&&d==", "%2b=1&é=%zz"])

    static let heads = texts([
        "GET /assent.js?parts=core HTTP/1.1\r\nHost: www.example.org\r\nConnection: keep-alive, close\r\n\r\n",
        "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nContent-Type: text/plain\r\n\r\n{}",
        "POST /v1/events HTTP/1.0\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0\r\n\r\n",
        "\r\nOPTIONS * HTTP/1.1\r\nCookie: a=b\r\nCookie: c=d\r\nSec-GPC: 1\r\nPurpose: prefetch\r\n\r\n",
        "HEAD http://www.example.org/a HTTP/1.1\r\nHost: a\r\n b\r\nX : y\r\n\r\n",
    ])

    static let headers = texts([
        """
        /v1/report?site=a&week=2026-W47
        Host: [::1]:8787
        Cookie: a=b; __Host-assent=T; assent_choice=granted
        Authorization: Bearer T
        Content-Type: text/plain;charset=UTF-8
        Content-Length: 12
        Sec-GPC: 1
        DNT: 1
        Sec-Purpose: prefetch;prerender
        Sec-Fetch-Site: cross-site
        """,
        """
        /v1/events
        host: www.example.org:443
        origin: https://www.example.org
        expect: 100-Continue
        transfer-encoding: chunked
        x-forwarded-for: 203.0.113.9, 127.0.0.1
        forwarded: for="[2001:db8::1]:80";proto=https
        sec-ch-ua: "Brave";v="140"
        sec-ch-ua-mobile: ?0
        sec-ch-ua-platform: "macOS"
        content-type: APPLICATION/x-www-form-urlencoded
        """,
    ])

    static let forwarded = texts([
        "203.0.113.9, 192.0.2.1\nfor=203.0.113.9;proto=https, for=\"[2001:db8::1]:4711\"",
        "\"[::1]:80\", unknown\nFor=_x",
        "::ffff:203.0.113.9\nby=::1; for=192.0.2.1:80", "2001:db8::1",
    ])

    static let clients = texts([
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/1"
            + "\n\"Google Chrome\";v=\"140\", \"Not=A?Brand\";v=\"24\"\n?0\n\"Chrome OS\"",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1\n\n?1\n\"Android\"",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://x) CUBOT", "python-requests/2.32\n\"HeadlessChrome\"",
    ])

    // MARK: Addresses and texts

    static let addresses = texts([
        "https://u:p@WWW.Example.org.:8443/%D8%A7%D9%84/a%252540b.example/?utm_source=a%20b+c&REF=%26%23&fbclid=1#%D9%8A",
        "http://[::1]:80?hashtag=%23Youth&utm_term=joe%2540example.org&source=#a_1", "mailto:jane@example.org",
        "https://e.org/u/jane.doe@mail.example.org/o/550e8400-e29b-41d4-a716-446655440000/4929123412341234", "pt-BR",
        "HTTPS://\u{130}.example/\u{130}", "hero%3Avideo?x", "YouthDay",
    ])

    static let texts = texts([
        "  Youth \n\t Day\u{0}  jane@example.org %6a%40%65%78.org",
        "a%1Cb%0A%20 jane%252540example.org e\u{301}\u{200D}😀",
        "9f86d081884c7d659a2feaa0c55ad015 kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk 20261123-0930",
        "x%3Aa@b.cc a%40b.cc/d%25252540e.f",
    ])

    // MARK: Files

    static let globs = texts(["/youth-day/**/b*\n/youth-day/a/c/bd/", "**/a\nb/c/a", "a*b*c\naXbbYc", "\n"])

    static let timeZones = ["Europe/Brussels", "Africa/Casablanca", "America/Nuuk", "Asia/Tehran", "UTC"].compactMap {
        try? Files.contents("/usr/share/zoneinfo/\($0)")
    }

    static let countries = texts([
        "# comment\nIQ\t+3321\tAsia/Baghdad\nBE\t+5050\tEurope/Brussels\tx\n\0L Europe/Brussels Europe/Amsterdam\nR x"
    ])

    static let configurations = texts([
        #"""
        listen = "127.0.0.1:8787"
        staff_listen = "[::1]:8788"
        durability = "process"
        requests_per_minute = 6_00
        trusted_proxies = ["127.0.0.1", '::1']
        bots = ["newbot"]
        spam_referrers = ["spam.example"]
        [[site]]
        id = "coalition"
        origins = ["https://www.example.org", "https://example.org:8443"]
        timezone = "Europe/Brussels"
        locales = ["en", "pt-BR"]
        retention_days = 395
        minimum_group = 10
        on_withdraw = "keep"
        cookie_domain = "example.org"
        collector = "https://stats.example.org"
          [[site.notice]]
          locale = "en"
          text = """
        May we \
          count?"""
          reask = true
          [[site.campaign]]
          id = "youth-day"
          name = "\u00e9"
          hashtags = ["#YouthDay"]
          paths = ["/youth-day/**", "/*/x"]
          utm_campaign = ["youth*"]
          referrers = ["t.co"]
          from = 2026-08-01
          to = 2026-08-31
        """#,
        "site = [{id = \"a\", origins = [\"http://[::1]:80\"]}]\n# 1.5 1979-05-27T07:32:00Z\n",
        "a.b.c = 1e3\n[d.'e']\n",
    ])

    static let manifests: [[UInt8]] = {
        var manifest = BackupManifest(made: Instant(milliseconds: 1_795_348_800_250), since: Instant(milliseconds: 1))
        (manifest.entries, manifest.lastHash) = (12, String(repeating: "ab", count: 32))
        let name = PartitionName(site: "coalition", day: Day(number: 20_773))
        manifest.partitions = [
            BackupManifest.Partition(
                name: name, isSealed: true, events: 9, contentSHA256: "0f", drainedThrough: 8, erasedThrough: 7,
                format: 1, bytes: 16_384, backup: manifest.made)
        ]
        (manifest.gone, manifest.unreadable) = ([name], [name])
        var json = JSONWriter()
        manifest.write(to: &json)
        return [json.bytes]
    }()

    static let receipts: [[UInt8]] = {
        var receipt = ErasureReceipt(
            state: .erased, site: "coalition", visitorHash: "0f", asked: Instant(milliseconds: 1_795_348_800_250),
            completed: Instant(milliseconds: 1_795_348_900_000), entry: 7, entryHash: "ab")
        receipt.journalEvents = 3
        let content = ErasureReceipt.Content(events: 9, sha256: "cd")
        receipt.rewritings = [
            .init(day: Day(number: 20_773), events: 5, segments: 1, before: content, after: content)
        ]
        receipt.earlier = [.init(entry: 6, at: receipt.asked, events: 2, partitions: 1)]
        receipt.left = ["backups"]
        return [receipt.document(key: FileTargets.key).dropLast(ErasureReceipt.tailBytes)]
    }()

    static let answers = texts([
        #"{"ground":7,"lines":3,"stored":1,"duplicates":1,"skipped":1,"bad":[{"line":2,"problem":"time: is missing"}]}"#,
        #"{"partitions":["site/2026-11-16"],"damage":["A segment cannot be read."]}"#,
    ])

    static let names = texts([
        "2026-02-28", "2026-W53", "2026-11-22T12:00:00.250+01:00", "9999-12-31T23:59:60Z", "site/2026-11-16",
        "00112233445566778899AABBCCDDEEFF", "127.0.0.1:8787", "[::1]:0",
    ])

    private static func texts(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
}
