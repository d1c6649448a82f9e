import Testing

@testable import AssentCore

@Suite struct TextTableTests {
    static func hash(_ texts: String...) -> UInt64 {
        var hasher = TextHasher()
        for text in texts { hasher.feed(text) }
        return hasher.value
    }

    @Test("Texts differ in their hash wherever they differ in a byte, an end or a border")
    func differences() {
        let long = String(repeating: "x", count: 40)
        let texts: [[String]] = [
            [], [""], ["", ""], ["\0"], ["\0\0"], ["a"], ["a\0"], ["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"],
            ["abcdefgh"], ["abcdefg", "h"], ["abcdefgh", ""], [long], [long + "x"], [long + "y"], ["é"], ["e\u{301}"],
        ]
        var hashes: Set<UInt64> = []
        for parts in texts {
            var hasher = TextHasher()
            for part in parts { hasher.feed(part) }
            hashes.insert(hasher.value)
        }
        #expect(hashes.count == texts.count)
        #expect(Self.hash("abc", long) == Self.hash("abc", long))
    }

    @Test func `many texts that are alike have hashes of their own, spread over all bits`() {
        var hashes: Set<UInt64> = []
        var ones = [Int](repeating: 0, count: 64)
        for number in 0..<100_000 {
            let hash = Self.hash("/en/stories/\(number)/")
            hashes.insert(hash)
            for bit in 0..<64 where hash >> UInt64(bit) & 1 == 1 { ones[bit] += 1 }
        }
        #expect(hashes.count == 100_000)
        #expect(ones.allSatisfy { (48_000...52_000).contains($0) }, "\(ones)")
    }

    @Test("A table finds what a dictionary finds, also where all hashes are the same", arguments: [UInt64.max, 7, 0])
    func table(mask: UInt64) {
        var generator = SeededGenerator(seed: mask)
        var table = IndexTable()
        var values: [Int] = []
        var expected: [Int: Int] = [:]
        for _ in 0..<2_000 {
            let value = Int.random(in: 0..<600, using: &generator)
            let hash = Self.hash("\(value)") & mask
            let found = table.index(of: hash) { values[$0] == value }
            #expect(found == expected[value])
            if found == nil {
                expected[value] = table.insert(hash)
                #expect(expected[value] == values.count)
                values.append(value)
            }
        }
        #expect(table.count == expected.count)
        table.removeAll()
        #expect(table.count == 0 && table.index(of: 0) { _ in true } == nil)
    }
}

@Suite struct MemoTests {
    @Test func `a value is made once for the bytes of a text, until there are too many`() {
        var memo = Memo<Int>(countMax: 3)
        var made: [String] = []
        func value(_ text: String) -> Int {
            memo.value(of: text) {
                made.append($0); return made.count
            }
        }
        // The same characters, but not the same bytes.
        #expect(value("é") == 1 && value("e\u{301}") == 2 && value("é") == 1 && value("e\u{301}") == 2)
        #expect(value("") == 3 && value("") == 3 && value("é") == 1)
        #expect(value("new") == 4 && value("new") == 4)
        #expect(value("é") == 5, "the others are forgotten")
        #expect(made.count == 5)
    }

    @Test func `what is too long, or has no value, is not remembered`() {
        var memo = Memo<Int>(countMax: 3)
        var made = 0
        func value(_ text: String) -> Int? {
            memo.valueIfAny(of: text) { text in
                made += 1
                return text == "none" ? nil : made
            }
        }
        let longest = String(repeating: "a", count: Limits.rememberedTextBytesMax)
        #expect(value(longest) == 1 && value(longest) == 1)
        #expect(value(longest + "a") == 2 && value(longest + "a") == 3)
        #expect(value("none") == nil && value("none") == nil && made == 5)
    }
}
