@testable import AssentCore

/// What is kept of addresses and texts: whatever comes, nothing of it names a person or is longer than its bound, and
/// cleaning what was cleaned changes nothing more.
enum CleaningTargets {
    static func address(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        // In lower case a host may become longer than it can be.
        let isWellFormed = WebAddress.isWellFormed(text)
        precondition(isWellFormed == (WebAddress(text) != nil) || isWellFormed && text.utf8.contains { $0 >= 0x80 })
        precondition(Cleaning.locale(text) == "" || Cleaning.locale(text) == text)
        check(fragment: Cleaning.fragment(text[...]))
        check(query: Cleaning.query(text[...]))
        guard let address = WebAddress(text) else { return precondition(Cleaning.referrer(text) == .none) }
        check(host: address.host)
        precondition(["http", "https"].contains(address.scheme.lowercased()) && address.path.utf8.first == 0x2F)

        let page = Cleaning.page(address)
        check(page.path, bytesMax: Limits.pathBytesMax)
        check(query: page.query)
        check(fragment: page.fragment)
        precondition(page.host.hasSameBytes(as: address.host))

        let referrer = Cleaning.referrer(text)
        precondition(referrer.host.hasSameBytes(as: address.host) && referrer.pathClass != .none)
    }

    static func text(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        for bytesMax in [EventLine.familyBytesMax, Limits.titleBytesMax] {
            check(Cleaning.text(text, bytesMax: bytesMax), bytesMax: bytesMax)
        }
    }

    static func target(_ input: [UInt8]) {
        let target = Cleaning.target(String(decoding: input, as: UTF8.self))
        if let address = WebAddress(target) {
            let origin = "\(address.scheme)://\(address.host)"
            precondition(target.hasPrefix(origin) && address.scheme.lowercased() == address.scheme)
            check(host: address.host)
            check(String(target.dropFirst(origin.count)), bytesMax: Limits.pathBytesMax)
        } else {
            check(target, bytesMax: Limits.pathBytesMax)
            precondition(!target.utf8.contains(UInt8(ascii: ":")), "an address of another scheme is no word")
            precondition(Cleaning.target(target).hasSameBytes(as: target))
        }
    }

    // MARK: What must be true

    private static func check(host: String) {
        precondition((1...Limits.hostBytesMax).contains(host.utf8.count) && host.lowercased().hasSameBytes(as: host))
        precondition(WebAddress("https://\(host)/")?.host.hasSameBytes(as: host) == true, "a host stays what it is")
    }

    private static func check(_ text: String, bytesMax: Int) {
        precondition(text.utf8.count <= bytesMax)
        precondition(!text.unicodeScalars.contains { $0.properties.generalCategory == .control })
        precondition(!text.hasPrefix(" ") && text.utf8.last != 0x20 && text.range(ofASCII: "  ") == nil)
        mustNameNobody(text)
        var decoded = text
        for _ in 0..<Limits.percentDecodingsMax {
            decoded = Cleaning.decoded(decoded[...], plusIsSpace: false)
            mustNameNobody(decoded)
        }
        precondition(Cleaning.text(text, bytesMax: bytesMax).hasSameBytes(as: text), "what is clean stays as it is")
    }

    private static func check(query: String) {
        guard !query.isEmpty else { return }
        for item in query.split(separator: "&", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
            precondition(parts.count == 2 && isAllowed(parts[0]))
            let value = Cleaning.decoded(parts[1][...], plusIsSpace: true)
            precondition(!value.isEmpty)
            check(value, bytesMax: Limits.queryValueBytesMax)
        }
        precondition(Cleaning.query(query[...]).hasSameBytes(as: query))
    }

    private static func isAllowed(_ name: String) -> Bool {
        ["ref", "source", "hashtag"].contains(name)
            || name.hasPrefix("utm_") && name.utf8.count <= 32
                && name.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789_".utf8.contains($0) }
    }

    private static func check(fragment: String) {
        precondition(fragment.unicodeScalars.count <= Limits.fragmentLengthMax)
        precondition(
            fragment.unicodeScalars.allSatisfy {
                $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType == .decimal
                    || [.nonspacingMark, .spacingMark].contains($0.properties.generalCategory)
                    || $0.properties.generalCategory == .modifierLetter || $0.properties.generalCategory == .otherLetter
            })
        mustNameNobody(fragment)
        precondition(Cleaning.fragment(fragment[...]).hasSameBytes(as: fragment))
    }

    /// No e-mail address and no long token, by rules of their own.
    private static func mustNameNobody(_ text: String) {
        for word in text.utf8.split(whereSeparator: { " /?#&=<>()[]{},;:\"'|\\\u{7F}".utf8.contains($0) || $0 < 0x20 })
        {
            let sides = word.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
            for (user, domain) in zip(sides, sides.dropFirst()) where !user.isEmpty {
                let dot = domain.dropFirst().firstIndex(of: UInt8(ascii: "."))
                let isName = dot.map { $0 < domain.index(domain.endIndex, offsetBy: -1) } ?? false
                precondition(!isName, "an address of a person is left")
            }
        }
        for run in text.utf8.split(whereSeparator: { !isLetter($0) && !isDigit($0) }) {
            let digits = run.count { isDigit($0) }
            let bound =
                digits == 0
                ? Limits.tokenLettersMin : digits == run.count ? Limits.tokenDigitsMin : Limits.tokenLengthMin
            precondition(run.count < bound, "a long token is left")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
