/// The grammar of RFC 8259 once more, written apart from the reader of the project, to judge what that takes.
struct JSONGrammar {
    /// How deep objects and arrays nest in a text; nil if it is no JSON.
    static func depth(of text: [UInt8]) -> Int? {
        guard String(validating: text, as: UTF8.self) != nil else { return nil }
        var grammar = JSONGrammar(rest: text[...])
        guard grammar.value(depth: 0), grammar.afterSpace() == nil else { return nil }
        return grammar.deepest
    }

    private var rest: ArraySlice<UInt8>
    private var deepest = 0

    private mutating func afterSpace() -> UInt8? {
        rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        return rest.first
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let text = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard rest.starts(with: text) else { return false }
        rest = rest.dropFirst(text.count)
        return true
    }

    private mutating func value(depth: Int) -> Bool {
        // Deeper than any text that the reader takes: nothing is judged any more, and nothing overflows the stack.
        guard depth < 64 else { return false }
        deepest = max(deepest, depth)
        switch afterSpace() {
        case UInt8(ascii: "{"): return items(end: "}", depth) { $0.afterSpace() != nil && $0.string() && $0.colon() }
        case UInt8(ascii: "["): return items(end: "]", depth) { _ in true }
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return take("true")
        case UInt8(ascii: "f"): return take("false")
        case UInt8(ascii: "n"): return take("null")
        default: return number()
        }
    }

    private mutating func colon() -> Bool { afterSpace() != nil && take(":") }

    private mutating func items(end: StaticString, _ depth: Int, name: (inout JSONGrammar) -> Bool) -> Bool {
        rest = rest.dropFirst()
        deepest = max(deepest, depth + 1)
        _ = afterSpace()
        if take(end) { return true }
        while true {
            guard name(&self), value(depth: depth + 1) else { return false }
            _ = afterSpace()
            if take(end) { return true }
            guard take(",") else { return false }
        }
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return true
            case 0..<0x20: return false
            case UInt8(ascii: "\\"):
                guard let escape = rest.popFirst() else { return false }
                if escape == UInt8(ascii: "u") {
                    let digits = rest.prefix(4)
                    let isHex = digits.allSatisfy {
                        (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0)
                    }
                    guard digits.count == 4, isHex else { return false }
                    rest = rest.dropFirst(4)
                } else {
                    guard Array("\"\\/bfnrt".utf8).contains(escape) else { return false }
                }
            default: break
            }
        }
        return false
    }

    private mutating func number() -> Bool {
        func digits(_ rest: inout ArraySlice<UInt8>) -> Bool {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count)
            return !digits.isEmpty
        }
        _ = take("-")
        guard take("0") || digits(&rest) else { return false }
        if take(".") { guard digits(&rest) else { return false } }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard digits(&rest) else { return false }
        }
        return true
    }
}
