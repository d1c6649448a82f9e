/// How many cells of a terminal text takes, and how it is cut and padded to a number of them.
enum TextWidth {
    /// Cells that a terminal uses for a text: two for wide characters of East Asia and emoji, none for marks that
    /// combine and for characters that only format, one for all others.
    static func cells(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + cells($1) } }

    /// The text without anything that a terminal or the bidirectional algorithm obeys: foreign names and paths must
    /// neither move the cursor nor turn the rest of the line round.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if !isControl(scalar) {
                clean.append(scalar)
            } else if scalar.properties.generalCategory == .control {
                clean.append("\u{FFFD}")
            }
        }
        return String(clean)
    }

    /// The text if it fits, else its beginning with an ellipsis; at most `width` cells, cut between characters.
    static func truncated(_ text: String, to width: Int) -> String {
        guard cells(text) > width else { return text }
        guard width > 0 else { return "" }
        var kept = ""
        var used = 0
        for character in text {
            let next = cells(character)
            if used + next > width - 1 { break }
            kept.append(character)
            used += next
        }
        return kept + "…"
    }

    /// Whether it holds letters of a script that is written from right to left.
    static func isRightToLeft(_ text: some StringProtocol) -> Bool {
        text.unicodeScalars.contains { scalar in rightToLeft.contains { $0.contains(scalar.value) } }
    }

    /// A flag, a family or a heart takes two cells as a whole; other characters take what their parts take.
    private static func cells(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        guard let first = scalars.first, scalars.count > 1, first.value > 0x7F, first.properties.isEmoji else {
            return scalars.reduce(0) { $0 + cells($1) }
        }
        return first.properties.isEmojiPresentation || scalars.contains("\u{FE0F}") ? 2 : 1
    }

    private static func cells(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return scalar == "\u{AD}" || scalar.properties.generalCategory == .control ? 0 : 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .format, .control, .lineSeparator, .paragraphSeparator:
            return 0
        default: break
        }
        // Vowels and final consonants of Hangul join the syllable before them.
        if (0x1160...0x11FF).contains(scalar.value) { return 0 }
        if scalar.properties.isEmojiPresentation { return 2 }
        return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }

    /// Controls, and the marks that embed, override and isolate directions of text.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }

    /// Wide and full-width characters (Unicode Standard Annex 11), emoji apart.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x2FFFD, 0x30000...0x3FFFD,
    ]

    /// Blocks of Hebrew, Arabic, Syriac, Thaana, N'Ko and their neighbours.
    private static let rightToLeft: [ClosedRange<UInt32>] = [
        0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFF, 0x10800...0x10FFF, 0x1E800...0x1EFFF,
    ]
}
