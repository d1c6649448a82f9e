import NIOCore

@testable import AssentCollector
@testable import AssentCore

/// What a request says outside of its body.
enum RequestTargets {
    // MARK: Tokens

    private static func key(_ byte: UInt8) -> ServerKey {
        ServerKey(bytes: Array(repeating: byte, count: ServerKey.byteCount))
    }

    static let signer = Token.Signer(key: key(9), site: "coalition")
    private static let others = [
        Token.Signer(key: key(8), site: "coalition"), Token.Signer(key: key(9), site: "coalitio"),
    ]

    /// Text that may be a token; its first bytes are the claims of one that is.
    static func token(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        if let token = signer.verify(text) { precondition(signer.sign(token).utf8.elementsEqual(text.utf8)) }

        var rest = input[...]
        func number(_ bytes: Int) -> UInt64 {
            defer { rest = rest.dropFirst(bytes) }
            return rest.prefix(bytes).reduce(0) { $0 << 8 | UInt64($1) }
        }
        let flags = number(1)
        let place = Int(number(2))
        let claims = Token(
            visitor: VisitorNumber(number(4)), record: RecordNumber(number(4)),
            issued: Instant(milliseconds: Int64(bitPattern: number(8))), notice: Hex.text(rest.prefix(32)),
            underGPC: flags & 1 != 0, underDNT: flags & 2 != 0)
        let good = signer.sign(claims)
        precondition(good.utf8.count == Token.length && signer.verify(good) == claims)
        for other in others { precondition(other.verify(good) == nil) }
        var bad = Array(good.utf8)
        bad[place % bad.count] ^= 1 << UInt8(flags >> 2 & 7)
        precondition(signer.verify(String(decoding: bad, as: UTF8.self)) == nil)
        precondition(signer.verify(good.dropLast()) == nil && signer.verify(good + "A") == nil)
    }

    // MARK: Queries and headers

    /// A query, or a form.
    static func query(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        let query = Query(text[...])
        for pair in input.split(separator: UInt8(ascii: "&")).prefix(8) {
            let name = String(decoding: pair.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            precondition(query[name].map { Array($0.utf8) } == value(of: name, in: Array(text.utf8)))
        }
        precondition(Query("").self[text] == nil)
        // What is encoded comes back, whatever stands around it.
        let encoded = input.map { "%" + Hex.text([$0]) }.joined()
        precondition(Query("w=1&week=\(encoded)&week=2")["week"] == String(validating: input, as: UTF8.self))
    }

    /// The same by another way: cut and decoded on bytes.
    private static func value(of name: String, in query: [UInt8]) -> [UInt8]? {
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard pair[..<end].elementsEqual(name.utf8) else { continue }
            var value: [UInt8] = []
            var at = min(end + 1, pair.endIndex)
            while at < pair.endIndex {
                if pair[at] == UInt8(ascii: "%") {
                    guard at + 2 < pair.endIndex,
                        let byte = Hex.bytes(String(decoding: pair[at + 1...at + 2], as: UTF8.self))?.first
                    else { return nil }
                    value.append(byte)
                    at += 3
                } else {
                    value.append(pair[at] == UInt8(ascii: "+") ? 0x20 : pair[at])
                    at += 1
                }
            }
            return String(validating: value, as: UTF8.self) == nil ? nil : value
        }
        return nil
    }

    /// The target of a request in the first line, a header in each of the others.
    static func headers(_ input: [UInt8]) {
        var lines = input.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        let uri = lines.removeFirst()
        let headers = lines.compactMap { line -> (String, String)? in
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            return (String(line[..<colon]), String(line[line.utf8.index(after: colon)...].drop { $0 == " " }))
        }
        guard let request = request(uri, headers) else { return }
        precondition(uri.utf8.starts(with: request.path.utf8) && !request.path.utf8.contains(UInt8(ascii: "?")))
        precondition(!(request.isJSON && request.isForm))
        precondition(request.hostName.map { host in headers.contains { $0.1.contains(host) } } ?? true)
        precondition(request.bearer.map { bearer in headers.contains { $0.1.contains(bearer) } } ?? true)
        precondition(token(inCookiesOf: headers).map { Array($0) } == request.cookieToken.map { Array($0.utf8) })
    }

    /// The only place that knows how a request is made; nil for one that is refused, or whose target is a whole address.
    private static func request(_ uri: String, _ headers: [(String, String)]) -> Request? {
        let lines = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        let head = ByteBuffer(string: "POST \(uri) HTTP/1.1\r\n\(lines)\r\n")
        guard uri.utf8.first == UInt8(ascii: "/") else { return nil }
        return try? Request(head, peer: Address("127.0.0.1"), trusted: TrustedProxies(["127.0.0.1"]))
    }

    /// What is taken for a head has one meaning only, and the same when it arrives byte by byte.
    static func head(_ input: [UInt8]) {
        let whole = HeadOutcome(input, piece: input.count)
        precondition(HeadOutcome(input, piece: 1) == whole || input.count > Limits.headerBytesMax)
        guard case .taken(let start, let end) = whole else { return }
        let bytes = input[start..<end]
        guard let head = try? RequestHead(bytes.span.bytes) else { preconditionFailure("it was taken before") }
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        precondition(lines.popLast()?.isEmpty == true, "it ends with a line feed")
        precondition(lines.allSatisfy { $0.last == 0x0D && !$0.dropLast().contains { $0 == 0x0D || $0 == 0 } })
        precondition(lines.popLast()?.count == 1 && lines.allSatisfy { $0.count > 1 }, "an empty line is the last")
        let first = lines.removeFirst().dropLast().split(separator: 0x20, omittingEmptySubsequences: false)
        precondition(first.count == 3 && first.allSatisfy { !$0.isEmpty })
        var lengths: [Int?] = []
        var codings = 0
        for line in lines {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                preconditionFailure("a line without a name")
            }
            precondition(line[..<colon].allSatisfy { $0 > 0x20 && $0 < 0x7F })
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = line[(colon + 1)...].dropLast().filter { $0 != 0x20 && $0 != 0x09 }
            if name == "content-length" { lengths.append(Int(String(decoding: value, as: UTF8.self))) }
            if name == "transfer-encoding" { codings += 1 }
        }
        precondition(lengths.isEmpty ? head.contentLength == nil : lengths == [head.contentLength])
        precondition(head.isEncoded == (codings > 0) && (codings == 0 || lengths.isEmpty))
    }

    private enum HeadOutcome: Equatable {
        case taken(start: Int, end: Int)
        case incomplete
        case refused

        init(_ input: [UInt8], piece: Int) {
            var search = HeadSearch()
            var arrived = 0
            self = .incomplete
            do throws(HeadProblem) {
                while arrived < input.count {
                    arrived += min(piece, input.count - arrived)
                    let come = input[..<arrived]
                    guard let end = try search.end(in: come.span.bytes) else { continue }
                    let head = input[search.start..<end]
                    _ = try RequestHead(head.span.bytes)
                    self = .taken(start: search.start, end: end)
                    return
                }
            } catch {
                self = .refused
            }
        }
    }

    private static func token(inCookiesOf headers: [(String, String)]) -> ArraySlice<UInt8>? {
        let name = Array("\(Request.tokenCookie)=".utf8)
        for (_, value) in headers.filter({ $0.0.utf8.count == 6 && $0.0.lowercased() == "cookie" }) {
            for cookie in Array(value.utf8).split(separator: UInt8(ascii: ";")) {
                let cookie = cookie.drop { $0 == 0x20 }
                if cookie.starts(with: name) { return cookie.dropFirst(name.count) }
            }
        }
        return nil
    }

    // MARK: Addresses

    /// A line for `X-Forwarded-For` and one for `Forwarded`.
    static func forwarded(_ input: [UInt8]) {
        let lines = input.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let peer = Address("192.0.2.1"), let stranger = Address("2001:db8::9"),
            let forger = Address("198.51.100.7")
        else { preconditionFailure("these are addresses") }
        let proxies = TrustedProxies(["192.0.2.1", "::1"])
        for (lines, forged) in [((lines[0], nil), "198.51.100.7,"), ((nil, lines.last), "for=198.51.100.7,")] {
            func client(_ peer: Address, _ forged: String = "") -> Address {
                proxies.client(
                    peer: peer, forwarded: lines.1.map { [forged + $0] } ?? [],
                    forwardedFor: lines.0.map { [forged + $0] } ?? [])
            }
            precondition(client(stranger) == stranger, "nobody else is believed")
            let found = client(peer)
            // Whoever is no proxy ends the list: what a client put before it changes nothing.
            let behind = client(peer, forged)
            precondition(behind == found || proxies.isProxy(found) && behind == forger)
        }
        for text in lines where Address(text) != nil {
            precondition(
                text.utf8.allSatisfy { (0x30...0x3A).contains($0) || (0x61...0x66).contains($0 | 0x20) || $0 == 0x2E })
        }
    }

    // MARK: Clients

    /// A User-Agent, then a line for each hint.
    static func client(_ input: [UInt8]) {
        let lines = input.split(separator: 0x0A, maxSplits: 3, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        let header = lines[0]
        func line(_ place: Int) -> String? { lines.indices.contains(place) ? lines[place] : nil }
        let hints = ClientHints(brands: line(1), mobile: line(2), platform: line(3))
        var memory = GateMemory(texts: 4)
        func client(_ header: String?, _ hints: ClientHints = .none) -> Client? {
            UserAgent.client(header, hints, TrafficRules(), &memory)
        }
        let found = client(header, hints)
        precondition(client(header, hints) == found, "what is remembered is the same")
        precondition(client(header + " examplebot/1.0", hints) == nil)
        precondition(client("curl/8 " + header, hints) == nil && client(nil, hints) == nil)
        precondition(found == nil || client(header) != nil, "hints make no person of a machine")
        guard let found else { return }
        for family in [found.browser, found.system] {
            precondition(family.utf8.count <= 20 && family.utf8.allSatisfy { $0 == 0x20 || ($0 | 0x20).isLetter })
        }
    }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (0x61...0x7A).contains(self) }
}
