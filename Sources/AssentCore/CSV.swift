/// Comma-separated values (RFC 4180) that no spreadsheet takes for a formula.
package enum CSV {
    /// What a field is, for only texts can be mistaken for formulas.
    package enum Field {
        case text(String)
        /// A number as it is written, with its sign.
        case number(String)
        case none
    }

    /// One record with its end of line.
    package static func line(_ fields: [Field]) -> [UInt8] {
        Array(fields.map(written).joined(separator: ",").utf8) + [0x0D, 0x0A]
    }

    /// A text that a spreadsheet would calculate, because of how it begins, has an apostrophe before it.
    private static func written(_ field: Field) -> String {
        let text: String
        switch field {
        case .none: return ""
        case .number(let number): return number
        case .text(let foreign): text = foreign
        }
        let isFormula = text.unicodeScalars.first.map {
            "=+-@\t\r\n|%\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains($0)
        }
        let safe = isFormula == true ? "'\(text)" : text
        guard safe.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0D || $0 == 0x0A }) else { return safe }
        return "\"" + safe.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
