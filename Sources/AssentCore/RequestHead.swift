/// Why bytes are not taken for the head of a request. What has no one meaning to every reader is refused, so that a proxy
/// in front and the collector never see different requests in the same bytes.
package enum HeadProblem: Error {
    /// They are no request of HTTP/1.1.
    case malformed
    /// They are longer than ``Limits/headerBytesMax`` or have more than ``Limits/headerFieldsMax`` fields.
    case tooLong
}

/// Looks for the end of a head in bytes that arrive piece by piece. Each byte is looked at once, eight at a time.
package struct HeadSearch: Sendable {
    /// Where the head begins: a line that is empty may stand before it (RFC 9112, section 2.2).
    package private(set) var start = 0
    private var line = 0
    private var seen = 0

    package init() {}

    /// The end of the head, after its empty line; nil as long as it is not there.
    /// - Parameter bytes: those of the call before, and what has come since.
    package mutating func end(in bytes: RawSpan) throws(HeadProblem) -> Int? {
        try bytes.withUnsafeBytes { (bytes) throws(HeadProblem) in
            while let feed = HeadSearch.lineFeed(in: bytes, from: seen) {
                guard feed > line, bytes[feed - 1] == 0x0D else { throw .malformed }
                let isEmpty = feed - 1 == line
                (seen, line) = (feed + 1, feed + 1)
                guard isEmpty else { continue }
                guard start == feed - 1 else {
                    guard feed + 1 - start <= Limits.headerBytesMax else { throw .tooLong }
                    return feed + 1
                }
                // One may stand before the first line, and no more.
                guard start == 0 else { throw .malformed }
                start = feed + 1
            }
            seen = bytes.count
            // What begins like no method will not become a request.
            guard bytes.count == start || bytes[start] == 0x0D || (0x41...0x5A).contains(bytes[start]) else {
                throw .malformed
            }
            guard bytes.count - start <= Limits.headerBytesMax else { throw .tooLong }
            return nil
        }
    }

    private static func lineFeed(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        let (ones, highs) = (UInt64(0x0101_0101_0101_0101), UInt64(0x8080_8080_8080_8080))
        var at = start
        while at + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) ^ ones &* 0x0A
            // The lowest byte that is found is one; those above it may only seem so.
            let found = (word &- ones) & ~word & highs
            if found != 0 { return at + found.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < bytes.count {
            if bytes[at] == 0x0A { return at }
            at += 1
        }
        return nil
    }
}

/// The head of a request of HTTP/1.0 or 1.1, read strictly (RFC 9112). It says where the parts are that the collector
/// looks at; the bytes stay where they are, and nothing is allocated.
package struct RequestHead: Sendable {
    /// What is asked for. Names are those of the wire: case matters.
    package enum Method: Sendable {
        case get, head, post, delete, options, other
    }

    /// The header fields that are looked at.
    package enum Field: Int, Sendable, CaseIterable {
        case host, origin, userAgent, contentType, authorization, cookie, forwarded, forwardedFor
        case secFetchSite, brands, mobile, platform
    }

    /// Where something stands, counted from the first byte of the head.
    package typealias Place = Range<Int>

    /// What is asked for.
    package private(set) var method = Method.other
    /// The path as it was sent, with its slash; `*` where the request is about no path.
    package private(set) var path = 0..<0
    /// What stands between `?` and the end of the target.
    package private(set) var query = 0..<0
    /// Whether it is HTTP/1.1, and not 1.0.
    package private(set) var isVersion11 = true
    /// Bytes of the body; nil if it was not said.
    package private(set) var contentLength: Int?
    /// Whether the body comes in a transfer coding.
    package private(set) var isEncoded = false
    /// Whether the client ends the connection with this request.
    package private(set) var closes = false
    /// `Expect: 100-continue`.
    package private(set) var expectsContinue = false
    /// `Sec-GPC: 1`.
    package private(set) var gpc = false
    /// `DNT: 1`.
    package private(set) var dnt = false
    /// `Sec-Purpose`, or the older `Purpose`, says prefetch.
    package private(set) var isPrefetch = false
    /// Fields that stand there more often than once, beside the last of each in ``place(of:)``.
    package private(set) var earlier: [(field: Field, place: Place)] = []

    private var places = InlineArray<12, Place>(repeating: 0..<0)
    private var found: UInt16 = 0

    /// The value of a field, the last one if there are several; nil if there is none.
    package func place(of field: Field) -> Place? {
        found & 1 << UInt16(field.rawValue) == 0 ? nil : places[field.rawValue]
    }

    /// Reads a head that is whole.
    /// - Parameter bytes: from the first byte of its first line to the end of its empty line, as ``HeadSearch`` found it.
    package init(_ bytes: RawSpan) throws(HeadProblem) {
        try bytes.withUnsafeBytes { (bytes) throws(HeadProblem) in
            // Whatever is read below stops at a line feed, so that nothing is read behind the last byte.
            guard let first = bytes.first, (0x41...0x5A).contains(first), bytes.last == 0x0A else { throw .malformed }
            var at = try readFirstLine(bytes)
            var fields = 0
            while at < bytes.count, bytes[at] != 0x0D {
                fields += 1
                guard fields <= Limits.headerFieldsMax else { throw .tooLong }
                at = try readField(bytes, at)
            }
            guard at + 2 == bytes.count else { throw .malformed }
        }
        // Two lengths, or a length and a coding, are how requests are smuggled past a proxy.
        guard !isEncoded || contentLength == nil && isVersion11 else { throw .malformed }
        if !isVersion11 { closes = true }
    }

    // MARK: The first line

    private mutating func readFirstLine(_ bytes: UnsafeRawBufferPointer) throws(HeadProblem) -> Int {
        var at = 0
        while bytes[at] != 0x20 {
            guard RequestHead.isNameByte(bytes[at]) else { throw .malformed }
            at += 1
        }
        method = RequestHead.method(bytes, 0..<at)
        let start = at + 1
        at = start
        var mark = -1
        while bytes[at] != 0x20 {
            guard (0x21...0x7E).contains(bytes[at]) else { throw .malformed }
            if bytes[at] == UInt8(ascii: "?"), mark < 0 { mark = at }
            at += 1
        }
        let end = mark < 0 ? at : mark
        try readTarget(bytes, start..<end)
        query = (mark < 0 ? at : mark + 1)..<at
        if RequestHead.is(bytes, at + 1, "HTTP/1.1\r\n") {
            isVersion11 = true
        } else if RequestHead.is(bytes, at + 1, "HTTP/1.0\r\n") {
            isVersion11 = false
        } else {
            throw .malformed
        }
        return at + 11
    }

    /// Takes a path, a whole address, as a proxy may be asked for, or `*`.
    private mutating func readTarget(_ bytes: UnsafeRawBufferPointer, _ target: Place) throws(HeadProblem) {
        guard let first = target.first.map({ bytes[$0] }) else { throw .malformed }
        if first == UInt8(ascii: "/") {
            path = target
        } else if first == UInt8(ascii: "*"), target.count == 1, method == .options {
            path = target
        } else if RequestHead.is(bytes, target.lowerBound, "http://") {
            let authority = target.lowerBound + 7
            let slash = bytes[authority..<target.upperBound].firstIndex(of: UInt8(ascii: "/"))
            path = (slash ?? target.upperBound)..<target.upperBound
            guard slash ?? target.upperBound > authority else { throw .malformed }
        } else {
            throw .malformed
        }
    }

    private static func method(_ bytes: UnsafeRawBufferPointer, _ name: Place) -> Method {
        switch name.count {
        case 3 where `is`(bytes, 0, "GET"): .get
        case 4 where `is`(bytes, 0, "POST"): .post
        case 4 where `is`(bytes, 0, "HEAD"): .head
        case 6 where `is`(bytes, 0, "DELETE"): .delete
        case 7 where `is`(bytes, 0, "OPTIONS"): .options
        default: .other
        }
    }

    // MARK: Fields

    /// Reads one line: a name, a colon at once behind it, and a value without control characters. A line that goes on the
    /// one before is refused.
    private mutating func readField(_ bytes: UnsafeRawBufferPointer, _ start: Int) throws(HeadProblem) -> Int {
        var at = start
        while bytes[at] != UInt8(ascii: ":") {
            guard RequestHead.isNameByte(bytes[at]) else { throw .malformed }
            at += 1
        }
        let name = start..<at
        guard !name.isEmpty else { throw .malformed }
        at += 1
        while RequestHead.isBlank(bytes[at]) { at += 1 }
        let value = at
        while bytes[at] >= 0x20 && bytes[at] != 0x7F || bytes[at] == 0x09 { at += 1 }
        guard bytes[at] == 0x0D, bytes[at + 1] == 0x0A else { throw .malformed }
        var end = at
        while end > value, RequestHead.isBlank(bytes[end - 1]) { end -= 1 }
        try take(bytes, name, value..<end)
        return at + 2
    }

    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ name: Place, _ value: Place
    ) throws(HeadProblem) {
        func isNamed(_ word: StaticString) -> Bool { RequestHead.isWord(bytes, name, word) }
        func isOne() -> Bool { value.count == 1 && bytes[value.lowerBound] == UInt8(ascii: "1") }
        switch name.count {
        case 3 where isNamed("dnt"): dnt = isOne()
        case 4 where isNamed("host"): keep(.host, value)
        case 6 where isNamed("origin"): keep(.origin, value)
        case 6 where isNamed("cookie"): keep(.cookie, value)
        case 6 where isNamed("expect"): expectsContinue = RequestHead.isWord(bytes, value, "100-continue")
        case 7 where isNamed("sec-gpc"): gpc = isOne()
        case 7 where isNamed("purpose"): readPurpose(bytes, value)
        case 9 where isNamed("forwarded"): keep(.forwarded, value)
        case 9 where isNamed("sec-ch-ua"): keep(.brands, value)
        case 10 where isNamed("user-agent"): keep(.userAgent, value)
        case 10 where isNamed("connection"): readConnection(bytes, value)
        case 11 where isNamed("sec-purpose"): readPurpose(bytes, value)
        case 12 where isNamed("content-type"): keep(.contentType, value)
        case 13 where isNamed("authorization"): keep(.authorization, value)
        case 14 where isNamed("content-length"): try readLength(bytes, value)
        case 14 where isNamed("sec-fetch-site"): keep(.secFetchSite, value)
        case 15 where isNamed("x-forwarded-for"): keep(.forwardedFor, value)
        case 16 where isNamed("sec-ch-ua-mobile"): keep(.mobile, value)
        case 17 where isNamed("transfer-encoding"): isEncoded = true
        case 18 where isNamed("sec-ch-ua-platform"): keep(.platform, value)
        default: break
        }
    }

    private mutating func keep(_ field: Field, _ value: Place) {
        if let place = place(of: field) { earlier.append((field, place)) }
        places[field.rawValue] = value
        found |= 1 << UInt16(field.rawValue)
    }

    private mutating func readLength(_ bytes: UnsafeRawBufferPointer, _ value: Place) throws(HeadProblem) {
        // Fifteen digits are more than any body has, and fit.
        guard contentLength == nil, (1...15).contains(value.count) else { throw .malformed }
        var length = 0
        for at in value {
            guard (0x30...0x39).contains(bytes[at]) else { throw .malformed }
            length = length * 10 + Int(bytes[at] - 0x30)
        }
        contentLength = length
    }

    private mutating func readPurpose(_ bytes: UnsafeRawBufferPointer, _ value: Place) {
        let length = 8
        guard value.count >= length else { return }
        for at in value.lowerBound...value.upperBound - length
        where RequestHead.isWord(bytes, at..<at + length, "prefetch") {
            isPrefetch = true
        }
    }

    private mutating func readConnection(_ bytes: UnsafeRawBufferPointer, _ value: Place) {
        var start = value.lowerBound
        while start < value.upperBound {
            var end = start
            while end < value.upperBound, bytes[end] != UInt8(ascii: ",") { end += 1 }
            var (first, last) = (start, end)
            while first < last, RequestHead.isBlank(bytes[first]) { first += 1 }
            while last > first, RequestHead.isBlank(bytes[last - 1]) { last -= 1 }
            if RequestHead.isWord(bytes, first..<last, "close") { closes = true }
            start = end + 1
        }
    }

    // MARK: Bytes

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Whether a name may have that byte (RFC 9110, section 5.6.2).
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, UInt8(ascii: "-"): true
        case UInt8(ascii: "!"), 0x23...0x27, UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "."), 0x5E...0x60,
            UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// Whether that text stands there.
    private static func `is`(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ text: StaticString) -> Bool {
        guard start + text.utf8CodeUnitCount <= bytes.count else { return false }
        for offset in 0..<text.utf8CodeUnitCount where bytes[start + offset] != text.utf8Start[offset] { return false }
        return true
    }

    /// Whether a word in lower case stands there, whatever its case there.
    private static func isWord(_ bytes: UnsafeRawBufferPointer, _ place: Place, _ word: StaticString) -> Bool {
        guard place.count == word.utf8CodeUnitCount else { return false }
        for offset in 0..<place.count {
            let (byte, wanted) = (bytes[place.lowerBound + offset], word.utf8Start[offset])
            guard byte == wanted || (0x41...0x5A).contains(byte) && byte | 0x20 == wanted else { return false }
        }
        return true
    }
}
