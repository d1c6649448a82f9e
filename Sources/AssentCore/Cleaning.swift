/// An http or https address as it came, taken apart but not yet cleaned.
struct WebAddress {
    var scheme: Substring
    /// Lower case, without port and trailing dots.
    var host: String
    /// With its leading slash; `/` where the address ends with the host.
    var path: Substring
    var query: Substring
    var fragment: Substring

    /// Takes an absolute address apart; nil for anything that is none, for other schemes, and for hosts that cannot be.
    init?(_ text: String) {
        guard let parts = Parts(text) else { return nil }
        func slice(_ range: Range<Int>) -> Substring {
            let utf8 = text.utf8
            let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
            return text[start..<utf8.index(start, offsetBy: range.count)]
        }
        scheme = slice(parts.scheme)
        path = parts.path.isEmpty ? "/" : slice(parts.path)
        query = slice(parts.query)
        fragment = slice(parts.fragment)
        let name = slice(parts.host)
        host = name.utf8.allSatisfy { !(0x41...0x5A).contains($0) && $0 < 0x80 } ? String(name) : name.lowercased()
        // Some letters take more bytes in lower case.
        guard host.utf8.count <= Limits.hostBytesMax else { return nil }
    }

    /// Whether a text is an absolute address, maybe of a host that is too long once it is in lower case. Cost: one look at
    /// each byte.
    static func isWellFormed(_ text: String) -> Bool { Parts(text) != nil }

    /// Where the parts of an address stand in its UTF-8. They begin and end beside ASCII characters.
    private struct Parts {
        var scheme = 0..<0
        var host = 0..<0
        var path = 0..<0
        var query = 0..<0
        var fragment = 0..<0

        init?(_ text: String) {
            var text = text
            guard let parts = text.withUTF8({ Parts($0) }) else { return nil }
            self = parts
        }

        private init?(_ bytes: UnsafeBufferPointer<UInt8>) {
            // "http://" or "https://" in either case.
            let isSecure = bytes.count > 4 && bytes[4] | 0x20 == UInt8(ascii: "s")
            scheme = 0..<(isSecure ? 5 : 4)
            let start = scheme.upperBound + 3
            guard bytes.count >= start, Parts.has(bytes, 0, "http", mask: 0x20),
                Parts.has(bytes, scheme.upperBound, "://", mask: 0)
            else { return nil }
            let slash = Parts.first(bytes, start, bytes.count) { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 }
            let mark = Parts.first(bytes, slash, bytes.count) { $0 == 0x3F || $0 == 0x23 }
            let hash = Parts.first(bytes, mark, bytes.count) { $0 == 0x23 }
            path = slash..<mark
            query = min(mark + 1, hash)..<hash
            fragment = min(hash + 1, bytes.count)..<bytes.count
            guard let host = Parts.host(bytes[start..<slash]) else { return nil }
            self.host = host
        }

        private static func has(
            _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ text: StaticString, mask: UInt8
        ) -> Bool {
            for offset in 0..<text.utf8CodeUnitCount where bytes[start + offset] | mask != text.utf8Start[offset] | mask
            {
                return false
            }
            return true
        }

        /// The first byte from `start` on that ends a part; the end if there is none.
        private static func first(
            _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, _ isEnd: (UInt8) -> Bool
        ) -> Int {
            var at = start
            while at < end, !isEnd(bytes[at]) { at += 1 }
            return at
        }

        /// The name within an authority: no user, port or trailing dots.
        private static func host(_ authority: Slice<UnsafeBufferPointer<UInt8>>) -> Range<Int>? {
            // Most are names that need no second look.
            if authority.count <= Limits.hostBytesMax, authority.last.map(isPlain) == true,
                authority.allSatisfy(isPlainOrDot)
            {
                return authority.startIndex..<authority.endIndex
            }
            var name = authority
            if let at = name.lastIndex(of: UInt8(ascii: "@")) { name = name[(at + 1)...] }
            if name.first == UInt8(ascii: "[") {
                guard let end = name.firstIndex(of: UInt8(ascii: "]")) else { return nil }
                name = name[...end]
            } else if let colon = name.firstIndex(of: UInt8(ascii: ":")) {
                guard name[(colon + 1)...].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
                name = name[..<colon]
            }
            while name.last == UInt8(ascii: ".") { name = name.dropLast() }
            guard !name.isEmpty, name.count <= Limits.hostBytesMax,
                name.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "\\") })
            else { return nil }
            return name.startIndex..<name.endIndex
        }

        private static func isPlain(_ byte: UInt8) -> Bool {
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
        }

        private static func isPlainOrDot(_ byte: UInt8) -> Bool { isPlain(byte) || byte == UInt8(ascii: ".") }
    }
}

/// What is kept of addresses and texts: nothing that names a person, nothing longer than its bound.
enum Cleaning {
    /// The page of an address: host, decoded path, allow-listed query, one-word fragment; each cleaned.
    static func page(_ address: WebAddress) -> Page {
        Page(
            host: address.host, path: path(address.path), query: query(address.query),
            fragment: fragment(address.fragment))
    }

    /// Host and class of a referrer; none for anything that is no web address.
    static func referrer(_ text: String) -> Referrer {
        guard let address = WebAddress(text) else { return .none }
        return Referrer(host: address.host, pathClass: address.path.utf8.count <= 1 ? .root : .page)
    }

    /// An action's target: a web address without query and fragment, or a word of the site's own; empty for addresses
    /// of other schemes, which name people (`mailto:`, `tel:`).
    static func target(_ text: String) -> String {
        if let address = WebAddress(text) {
            return "\(address.scheme.lowercased())://\(address.host)\(path(address.path))"
        }
        let end = text.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? text.endIndex
        guard !text.utf8.contains(UInt8(ascii: ":")) else { return "" }
        let word = self.text(String(text[..<end]), bytesMax: Limits.pathBytesMax)
        // Where something was redacted the word is decoded, and may turn out to be an address or to have a query.
        return word.utf8.contains { ":?#".utf8.contains($0) } ? target(word) : word
    }

    /// A path, percent-decoded where that gives UTF-8, redacted, cut to ``Limits/pathBytesMax``.
    static func path(_ path: Substring) -> String {
        text(decoded(path, plusIsSpace: false), bytesMax: Limits.pathBytesMax)
    }

    /// The allow-listed parameters: `utm_*`, `ref`, `source`, `hashtag`. Names in lower case, values decoded, cleaned
    /// and written again with only the characters escaped that would change the meaning.
    static func query(_ query: Substring) -> String {
        guard !query.isEmpty else { return "" }
        var kept: [UInt8] = []
        for item in query.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].lowercased()
            guard parts.count == 2, isKept(name) else { continue }
            let value = text(decoded(parts[1], plusIsSpace: true), bytesMax: Limits.queryValueBytesMax)
            guard !value.isEmpty else { continue }
            if !kept.isEmpty { kept.append(UInt8(ascii: "&")) }
            kept += Array(name.utf8) + [UInt8(ascii: "=")]
            appendEscaped(value, escaping: "%&#+ ", to: &kept)
        }
        return String(decoding: kept, as: UTF8.self)
    }

    private static func isKept(_ name: String) -> Bool {
        if name == "ref" || name == "source" || name == "hashtag" { return true }
        return name.hasPrefix("utm_") && (5...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }

    /// The fragment if it is one word of 1 to ``Limits/fragmentLengthMax`` letters, digits or `_` of any script, marks
    /// that belong to letters included; else empty.
    static func fragment(_ fragment: Substring) -> String {
        guard !fragment.isEmpty else { return "" }
        let word = decoded(fragment, plusIsSpace: false)
        guard word.unicodeScalars.count <= Limits.fragmentLengthMax,
            word.unicodeScalars.allSatisfy({ scalar in
                switch scalar.properties.generalCategory {
                case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
                    .decimalNumber,
                    .nonspacingMark, .spacingMark:
                    true
                default: scalar == "_"
                }
            }), redacted(word) == word
        else { return "" }
        return word
    }

    /// A text for people: white space folded, control characters gone, personal data redacted, cut to a bound.
    ///
    /// Of a text that is far too long only the beginning is looked at, without its last word: half of an address or a
    /// token would not be known for what it is.
    static func text(_ text: String, bytesMax: Int) -> String {
        var beginning = cut(text, bytesMax: bytesMax * Limits.uncleanedTextRatio)
        if beginning.utf8.count < text.utf8.count,
            let end = beginning.unicodeScalars.lastIndex(where: \.properties.isWhitespace)
        {
            beginning = String(beginning[..<end])
        }
        let whole = redactedWithin(folded(beginning))
        guard whole.utf8.count > bytesMax else { return whole }
        let clean = withoutBrokenEscape(cut(whole, bytesMax: bytesMax))
        // Spaces are single, so that the cut leaves one at most.
        return clean.utf8.last == 0x20 ? String(clean.unicodeScalars.dropLast()) : clean
    }

    /// The longest beginning of whole characters with at most that many bytes.
    ///
    /// A character can have any number of combining marks: it is looked for in one step, since to look whether each byte
    /// begins one would take the square of its length.
    static func cut(_ text: String, bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        let end = text.utf8.index(text.startIndex, offsetBy: bytesMax)
        if end.samePosition(in: text) != nil { return String(text[..<end]) }
        return String(text[..<text.index(before: text.index(after: end))])
    }

    /// A text that was cut, without `%` and hex digits at its end: decoded, part of an escape could be read as part of an
    /// address.
    private static func withoutBrokenEscape(_ text: String) -> String {
        var kept = text.utf8[...]
        while let last = kept.lastIndex(where: { Hex.value(ofDigit: $0) == nil }), kept[last] == UInt8(ascii: "%") {
            kept = kept[..<last]
        }
        return String(Substring(kept))
    }

    /// White space folded to single spaces, none at either end; control characters removed.
    private static func folded(_ text: String) -> String {
        var previous: UInt8 = 0x20
        let isClean = text.utf8.allSatisfy { byte in
            defer { previous = byte }
            return (0x21...0x7E).contains(byte) || byte == 0x20 && previous != 0x20
        }
        // Most paths are plain ASCII without a space to fold: no copy for them.
        if isClean, previous != 0x20 || text.isEmpty { return text }
        var scalars = String.UnicodeScalarView()
        var pendingSpace = false
        for scalar in text.unicodeScalars {
            if scalar.properties.isWhitespace {
                pendingSpace = !scalars.isEmpty
            } else if scalar.properties.generalCategory != .control {
                if pendingSpace { scalars.append(" ") }
                pendingSpace = false
                scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// Percent-decoded; what is no UTF-8 becomes U+FFFD, so that nothing hides behind a stray byte.
    static func decoded(_ text: Substring, plusIsSpace: Bool) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || plusIsSpace && $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let high = rest.first.flatMap(Hex.value(ofDigit:)),
                let low = rest.dropFirst().first.flatMap(Hex.value(ofDigit:))
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends a text with control characters and the given ASCII characters percent-encoded.
    static func appendEscaped(_ text: String, escaping: StaticString, to bytes: inout [UInt8]) {
        let escaped = UnsafeBufferPointer(start: escaping.utf8Start, count: escaping.utf8CodeUnitCount)
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F || escaped.contains(byte) {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
    }
}

// MARK: Redaction

extension Cleaning {
    /// The text with e-mail addresses and long tokens replaced by `[redacted]`.
    ///
    /// An e-mail address is what stands around an `@` without white space or separators, with a dot in its domain. A
    /// token is a run of ``Limits/tokenLengthMin`` or more ASCII letters and digits that mixes both, a run of
    /// ``Limits/tokenDigitsMin`` digits or of ``Limits/tokenLettersMin`` letters, or a run with
    /// `-` and `_` in it that changes at least three times between letters and digits, as UUIDs and random base64 do
    /// and as words joined by hyphens do not.
    static func redacted(_ text: String) -> String {
        var text = text
        return text.withUTF8 { bytes -> String? in
            var ranges = tokens(bytes)
            if bytes.contains(UInt8(ascii: "@")) { ranges = merged(ranges + addresses(bytes)) }
            guard !ranges.isEmpty else { return nil }
            var kept: [UInt8] = []
            var end = 0
            for range in ranges {
                kept += bytes[end..<range.lowerBound]
                kept += Array("[redacted]".utf8)
                end = range.upperBound
            }
            kept += bytes[end...]
            return String(decoding: kept, as: UTF8.self)
        } ?? text
    }

    /// As ``redacted(_:)``, also where it takes further percent-decoding to see what must go: then the text stays decoded
    /// that far, folded again, for a control character may have been encoded too. From there it is decoded further as
    /// often, so that nothing is found where the result is cleaned again; a text in which there always is something goes
    /// as a whole.
    private static func redactedWithin(_ text: String) -> String {
        var clean = redacted(text)
        var decodedText = clean
        var decodings = 0
        var findings = 0
        while decodings < Limits.percentDecodingsMax, decodedText.utf8.contains(UInt8(ascii: "%")) {
            decodings += 1
            decodedText = folded(decoded(decodedText[...], plusIsSpace: false))
            let redactedText = redacted(decodedText)
            guard redactedText != decodedText else { continue }
            (clean, decodedText) = (redactedText, redactedText)
            (decodings, findings) = (0, findings + 1)
            guard findings <= Limits.percentDecodingsMax else { return "[redacted]" }
        }
        return clean
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func tokens(_ bytes: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            guard isLetter(bytes[start]) || isDigit(bytes[start]) else {
                start += 1
                continue
            }
            var end = start
            var changes = 0
            var unbroken = 0
            var unbrokenChanges = 0
            var isToken = false
            while end < bytes.count {
                let byte = bytes[end]
                guard isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") else {
                    break
                }
                if isLetter(byte) || isDigit(byte) {
                    if unbroken > 0, isDigit(byte) != isDigit(bytes[end - 1]) {
                        changes += 1
                        unbrokenChanges += 1
                    }
                    unbroken += 1
                    let least =
                        unbrokenChanges > 0
                        ? Limits.tokenLengthMin : isDigit(byte) ? Limits.tokenDigitsMin : Limits.tokenLettersMin
                    if unbroken >= least { isToken = true }
                } else {
                    unbroken = 0
                    unbrokenChanges = 0
                }
                end += 1
            }
            if isToken || end - start >= Limits.tokenLengthMin && changes >= 3 { found.append(start..<end) }
            start = end
        }
        return found
    }

    private static func addresses(_ bytes: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        func isPart(_ byte: UInt8) -> Bool {
            byte > 0x20 && byte != 0x7F && !"/?#&=<>()[]{},;:\"'|\\@".utf8.contains(byte)
        }
        return bytes.indices.filter { bytes[$0] == UInt8(ascii: "@") }.compactMap { at in
            var start = at
            while start > 0, isPart(bytes[start - 1]) { start -= 1 }
            var end = at + 1
            while end < bytes.count, isPart(bytes[end]) { end += 1 }
            let domain = bytes[(at + 1)..<end]
            guard start < at, let dot = domain.dropFirst().firstIndex(of: UInt8(ascii: ".")), dot < end - 1 else {
                return nil
            }
            return start..<end
        }
    }

    private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        ranges.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { merged, range in
            if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
    }
}

extension Cleaning {
    /// A language tag such as `ar` or `pt-BR` as it came; empty for anything that is none (RFC 5646: subtags of at most
    /// eight letters and digits, the first of letters).
    static func locale(_ text: String) -> String {
        let isTag =
            text.utf8.count <= 35 && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        let subtags = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard isTag, subtags.allSatisfy({ (1...8).contains($0.count) }), subtags[0].allSatisfy(isLetter),
            redacted(text) == text
        else { return "" }
        return text
    }
}
