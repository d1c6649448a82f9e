internal import AssentCore
internal import Crypto

/// Who gets a report by mail, and from whom.
public struct MailAddresses: Sendable, Equatable {
    /// Recipients, as they stand in the header.
    public let to: [String]
    /// The sender, as it stands in the header; nil leaves it to the program that sends.
    public let from: String?

    /// Addresses by their parts, each an address or a name with an address in angle brackets.
    /// - Throws: ``ReportError/request(_:)`` for one that is none, or that would begin a header of its own.
    public init(to: [String], from: String?) throws(ReportError) {
        guard !to.isEmpty else { throw .request("A mail needs a recipient: give --to.") }
        self.to = try to.map { (text) throws(ReportError) in try Self.checked(text, "--to") }
        self.from = try from.map { (text) throws(ReportError) in try Self.checked(text, "--from") }
    }

    /// An address as a header has it: the name encoded if it is not plain ASCII.
    private static func checked(_ text: String, _ option: String) throws(ReportError) -> String {
        let parts = text.split(separator: "<", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.count == 2 ? parts[0].trimmed : ""
        var address = (parts.count == 2 ? parts[1] : parts[0]).trimmed
        if parts.count == 2 {
            guard address.hasSuffix(">") else { throw invalid(text, option) }
            address.removeLast()
        }
        let halves = address.split(separator: "@", omittingEmptySubsequences: false)
        let isPlain = address.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !Array("()<>[]:;,\\\"".utf8).contains($0) }
        guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty }), isPlain,
            !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw invalid(text, option) }
        guard !name.isEmpty else { return address }
        return "\(MailHeader.encoded(TextWidth.printable(name), asPhrase: true)) <\(address)>"
    }

    private static func invalid(_ text: String, _ option: String) -> ReportError {
        .request(
            "\(option): \(ReportRequest.quoted(text)) is no mail address: write name@example.org, or Name "
                + "<name@example.org>.")
    }

    /// The domain in which a message gets its name.
    fileprivate var domain: String {
        let address = (from ?? to[0]).filter { $0 != ">" }
        return address.split(separator: "@").last.map(String.init) ?? ""
    }
}

extension Report {
    /// The report as a message (RFC 5322, MIME) for `sendmail -t`: as text, and as HTML without charts, which many mail
    /// programs do not show. The same report gives the same bytes, its `Message-ID` too, so that a message that is sent
    /// twice can be known as one; the date is left to the program that sends.
    public func mail(_ addresses: MailAddresses, subject: String? = nil, language: Language = .en) -> [UInt8] {
        let document = document(language, .mail)
        let text = table(style: TableStyle(width: Limits.mailCells, colours: false), language: language)
        let html = HTMLPage(document: document, drawsCharts: false).html.text
        let title = subject.map { TextWidth.printable($0) } ?? document.heading
        let digest = Hex.text(Array(SHA256.hash(data: Array((title + text + html).utf8)).prefix(8)))
        var fields = [
            ("To", addresses.to.joined(separator: ",\r\n ")), ("Subject", MailHeader.encoded(title, asPhrase: false)),
            ("Message-ID", "<assent.\(site.id).\(request.days.lowerBound).\(digest)@\(addresses.domain)>"),
            ("MIME-Version", "1.0"), ("Content-Language", language.rawValue), ("Auto-Submitted", "auto-generated"),
            ("Content-Type", "multipart/alternative;\r\n boundary=\"=_assent_\(digest)\""),
        ]
        if let from = addresses.from { fields.insert(("From", from), at: 0) }
        var message = fields.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
        for (kind, part) in [("plain", text), ("html", html)] {
            message += "--=_assent_\(digest)\r\n"
            message += "Content-Type: text/\(kind); charset=utf-8\r\n"
            let (plain, base64) = (QuotedPrintable.encoded(part), Base64.lines(part))
            let isPlain = plain.utf8.count <= base64.utf8.count
            message += "Content-Transfer-Encoding: \(isPlain ? "quoted-printable" : "base64")\r\n\r\n"
            message += (isPlain ? plain : base64) + "\r\n"
        }
        return Array((message + "--=_assent_\(digest)--\r\n").utf8)
    }
}

/// Texts in the header of a message.
enum MailHeader {
    /// Bytes of UTF-8 in one encoded word, so that a line has at most 76 characters with it.
    private static let wordBytes = 39
    private static let lineBytes = 76

    /// As it is if it is plain ASCII, else as encoded words (RFC 2047, base 64), folded. It must have no controls.
    static func encoded(_ text: String, asPhrase: Bool) -> String {
        let specials = Array("()<>[]:;@\\,.\"=?_".utf8)
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && !(asPhrase && specials.contains($0)) }
        // What looks like an encoded word is encoded, and so is a word that is too long for a line.
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        if isPlain, !text.contains("=?"), parts.allSatisfy({ $0.utf8.count <= wordBytes }) { return folded(parts) }
        var words: [[UInt8]] = [[]]
        for character in text {
            let bytes = Array(String(character).utf8)
            if words[words.count - 1].count + bytes.count > wordBytes, !words[words.count - 1].isEmpty {
                words.append([])
            }
            words[words.count - 1] += bytes
        }
        return words.map { "=?utf-8?B?\(Base64.text($0))?=" }.joined(separator: "\r\n ")
    }

    /// Words with a line break before those that would make a line too long.
    private static func folded(_ words: [Substring]) -> String {
        var text = ""
        // The name of the field stands before the first.
        var column = 10
        for (index, word) in words.enumerated() {
            let isLong = index > 0 && !word.isEmpty && column + word.utf8.count + 1 > lineBytes
            text += index == 0 ? "" : isLong ? "\r\n " : " "
            column = isLong ? word.utf8.count + 1 : column + word.utf8.count + 1
            text += word
        }
        return text
    }
}

extension Base64 {
    /// Text as base 64 in lines of 76 characters (RFC 2045, section 6.8).
    fileprivate static func lines(_ text: String) -> String {
        let digits = Array(Base64.text(Array(text.replacing("\n", with: "\r\n").utf8)).utf8)
        return stride(from: 0, to: digits.count, by: 76).map { start in
            String(decoding: digits[start..<min(start + 76, digits.count)], as: UTF8.self)
        }.joined(separator: "\r\n")
    }
}

/// Text in lines of at most 76 characters of ASCII (RFC 2045, section 6.7).
enum QuotedPrintable {
    private static let lineMax = 76
    private static let hex = Array("0123456789ABCDEF".utf8)

    /// - Parameter text: lines that end with a line feed.
    static func encoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var column = 0
        func add(_ piece: [UInt8], to bytes: inout [UInt8], _ column: inout Int) {
            if column + piece.count > lineMax - 1 {
                bytes += [0x3D, 0x0D, 0x0A]
                column = 0
            }
            bytes += piece
            column += piece.count
        }
        let source = Array(text.utf8)
        for (index, byte) in source.enumerated() {
            switch byte {
            case 0x0A:
                bytes += [0x0D, 0x0A]
                column = 0
            // A blank at the end of a line would be lost on the way.
            case 0x20 where index + 1 == source.count || source[index + 1] == 0x0A:
                add([0x3D, 0x32, 0x30], to: &bytes, &column)
            // A line with a dot alone ends a message for some programs.
            case 0x2E where column == 0: add([0x3D, 0x32, 0x45], to: &bytes, &column)
            case 0x20...0x3C, 0x3E...0x7E: add([byte], to: &bytes, &column)
            default: add([0x3D, hex[Int(byte >> 4)], hex[Int(byte & 15)]], to: &bytes, &column)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        var rest = Substring(self)
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
