import Support
import Testing

@testable import AssentCore

@Suite struct RequestHeadTests {
    /// What became of bytes: the head and where it ends, that more must come, or why they are refused.
    private enum Outcome: Equatable {
        case head(String, end: Int)
        case incomplete
        case refused(HeadProblem)
    }

    /// Reads bytes that arrive in pieces of a size.
    private static func outcome(_ text: String, pieces: Int = .max) -> Outcome { outcome(Array(text.utf8), pieces) }

    private static func outcome(_ bytes: [UInt8], _ pieces: Int = .max) -> Outcome {
        var search = HeadSearch()
        var arrived = 0
        do throws(HeadProblem) {
            while arrived < bytes.count {
                arrived += min(pieces, bytes.count - arrived)
                let come = bytes[..<arrived]
                guard let end = try search.end(in: come.span.bytes) else { continue }
                let head = bytes[search.start..<end]
                return .head(
                    described(try RequestHead(head.span.bytes), bytes, search.start), end: end)
            }
            return .incomplete
        } catch {
            return .refused(error)
        }
    }

    /// What a head says, in one line.
    private static func described(_ head: RequestHead, _ bytes: [UInt8], _ start: Int) -> String {
        func text(_ place: RequestHead.Place) -> String {
            String(decoding: bytes[start + place.lowerBound..<start + place.upperBound], as: UTF8.self)
        }
        var words = ["\(head.method)", text(head.path), head.isVersion11 ? "1.1" : "1.0"]
        if !head.query.isEmpty { words.append("query=\(text(head.query))") }
        if let length = head.contentLength { words.append("length=\(length)") }
        for (name, value) in [
            ("encoded", head.isEncoded), ("closes", head.closes), ("continue", head.expectsContinue), ("gpc", head.gpc),
            ("dnt", head.dnt), ("prefetch", head.isPrefetch),
        ] where value { words.append(name) }
        for (field, place) in head.earlier { words.append("earlier \(field)=\(text(place))") }
        for field in RequestHead.Field.allCases {
            if let place = head.place(of: field) { words.append("\(field)=\(text(place))") }
        }
        return words.joined(separator: " ")
    }

    @Test(
        "A head says what was asked for, however it is cut into pieces",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "get / 1.1"),
            ("GET /assent.js?parts=core HTTP/1.0\r\n\r\n", "get /assent.js 1.0 query=parts=core closes"),
            ("GET /a?b?c HTTP/1.1\r\n\r\n", "get /a 1.1 query=b?c"),
            ("GET /a? HTTP/1.1\r\n\r\n", "get /a 1.1"),
            ("OPTIONS * HTTP/1.1\r\n\r\n", "options * 1.1"),
            ("HEAD http://www.example.org/a?b HTTP/1.1\r\n\r\n", "head /a 1.1 query=b"),
            ("GET http://www.example.org HTTP/1.1\r\n\r\n", "get  1.1"),
            ("BREW /pot HTTP/1.1\r\n\r\n", "other /pot 1.1"),
            ("\r\nGET / HTTP/1.1\r\n\r\n", "get / 1.1"),
            (
                "POST /v1/events HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 12\r\nContent-Type:text/plain\r\n\r\n",
                "post /v1/events 1.1 length=12 host=www.example.org contentType=text/plain"
            ),
            ("GET / HTTP/1.1\r\nhOST: \t a b \t\r\nX-Other: é\r\n\r\n", "get / 1.1 host=a b"),
            ("GET / HTTP/1.1\r\nOrigin:\r\nUser-Agent: \r\n\r\n", "get / 1.1 origin= userAgent="),
            (
                "GET / HTTP/1.1\r\nSec-GPC: 1\r\nDNT: 1\r\nSec-Purpose: prefetch;anonymous\r\n\r\n",
                "get / 1.1 gpc dnt prefetch"
            ),
            ("GET / HTTP/1.1\r\nSec-GPC: 11\r\nDNT: true\r\nPurpose: Prefetch\r\n\r\n", "get / 1.1 prefetch"),
            ("GET / HTTP/1.1\r\nSec-Purpose: preview\r\nPurpose: fetch\r\n\r\n", "get / 1.1"),
            ("GET / HTTP/1.1\r\nConnection: keep-alive , CLOSE\r\n\r\n", "get / 1.1 closes"),
            ("GET / HTTP/1.1\r\nConnection: closed, enclose\r\n\r\n", "get / 1.1"),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n",
                "post / 1.1 encoded continue"
            ),
            (
                "GET / HTTP/1.1\r\nCookie: a=b\r\nCookie: c=d\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for=x\r\n\r\n",
                "get / 1.1 earlier cookie=a=b cookie=c=d forwarded=for=x forwardedFor=192.0.2.1"
            ),
            (
                "GET / HTTP/1.1\r\nSec-CH-UA: \"A\"\r\nSec-CH-UA-Mobile: ?1\r\nSec-CH-UA-Platform: \"B\"\r\n"
                    + "Sec-Fetch-Site: cross-site\r\nAuthorization: Bearer c\r\n\r\n",
                "get / 1.1 authorization=Bearer c secFetchSite=cross-site brands=\"A\" mobile=?1 platform=\"B\""
            ),
        ])
    func heads(text: String, said: String) {
        for pieces in [Int.max, 1, 2, 7] {
            #expect(Self.outcome(text + "GET", pieces: pieces) == .head(said, end: text.utf8.count))
        }
        for count in 0..<text.utf8.count { #expect(Self.outcome(Array(text.utf8.prefix(count))) == .incomplete) }
    }

    @Test(
        "What has no one meaning is refused, however it is cut into pieces",
        arguments: [
            "get / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n",
            "GET\t/ HTTP/1.1\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.2\r\n\r\n", "GET / HTTP/11\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n", "GET / http/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\n\r\n",
            "GET / HTTP/1.1\r\n\n", "GET / HTTP/1.1\r\r\n\r\n", "GET a HTTP/1.1\r\n\r\n", "GET * HTTP/1.1\r\n\r\n",
            "CONNECT www.example.org:443 HTTP/1.1\r\n\r\n", "GET http:///a HTTP/1.1\r\n\r\n",
            "GET ftp://www.example.org/ HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "\n\nGET / HTTP/1.1\r\n\r\n", "GET /\u{7F} HTTP/1.1\r\n\r\n", "GET /é HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\n: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHö: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\u{7F}\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1 2\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 1,1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1000000000000000\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n",
        ])
    func refused(text: String) {
        for pieces in [Int.max, 1, 2, 7] { #expect(Self.outcome(text, pieces: pieces) == .refused(.malformed)) }
    }

    @Test("A head has at most so many bytes and fields")
    func bounds() {
        func head(bytes: Int) -> String {
            let start = "GET / HTTP/1.1\r\nX: "
            return start + String(repeating: "x", count: bytes - start.utf8.count - 4) + "\r\n\r\n"
        }
        func head(fields: Int) -> String {
            "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: fields) + "\r\n"
        }
        let max = Limits.headerBytesMax
        for pieces in [Int.max, 100] {
            #expect(Self.outcome(head(bytes: max), pieces: pieces) == .head("get / 1.1", end: max))
            #expect(Self.outcome(head(bytes: max + 1), pieces: pieces) == .refused(.tooLong))
            #expect(Self.outcome(String(head(bytes: max + 9).prefix(max + 1)), pieces: pieces) == .refused(.tooLong))
            #expect(Self.outcome("\r\n" + head(bytes: max), pieces: pieces) == .head("get / 1.1", end: max + 2))
        }
        let fields = Limits.headerFieldsMax
        #expect(Self.outcome(head(fields: fields)) == .head("get / 1.1", end: head(fields: fields).utf8.count))
        #expect(Self.outcome(head(fields: fields + 1)) == .refused(.tooLong))
    }

    @Test("A line feed is found wherever it stands, and nothing else is taken for one")
    func lineFeeds() {
        for place in 0..<40 {
            // Bytes that are near to a line feed, so that a carry between bytes of a word would show.
            for near in [UInt8(0x0B), 0x09, 0x8A, 0x21] {
                var value = [UInt8](repeating: near == 0x0B || near == 0x8A ? 0x21 : near, count: place)
                if near == 0x8A { value = [UInt8](repeating: 0x8A, count: place) }
                let bytes = Array("GET / HTTP/1.1\r\nX: a".utf8) + value + Array("\r\n\r\n".utf8)
                #expect(Self.outcome(bytes) == .head("get / 1.1", end: bytes.count))
            }
        }
    }

    @Test("Mutations are read or refused in the same way, in one piece and byte by byte", arguments: 0..<8)
    func mutations(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let start = Array(
            ("POST /v1/events?a=b HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 12\r\nConnection: close\r\n"
                + "Cookie: __Host-assent=abc\r\nSec-CH-UA: \"A\";v=\"1\"\r\n\r\n").utf8)
        let alphabet = Array("\r\n\r\n :GETPOSTHP/1.1,;abc\u{0}\t\"?*".utf8) + [0x7F, 0x80, 0xFF]
        for _ in 0..<4_000 {
            var bytes = start
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[at] = alphabet.randomElement(using: &generator) ?? 0
                case 1: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: at)
                default: bytes.remove(at: at)
                }
            }
            #expect(Self.outcome(bytes) == Self.outcome(bytes, 1))
        }
    }
}
