import AssentCore
import Testing

@Suite struct JSONWriterTests {
    @Test func `objects and arrays nest and part their members with commas`() {
        var json = JSONWriter()
        json.object { json in
            json.key("a")
            json.array { json in
                json.integer(1)
                json.object { _ in }
                json.array { _ in }
                json.boolean(true)
            }
            json.key("b")
            json.null()
            json.key("c")
            json.string("x")
        }
        json.endLine()
        json.integer(-7)
        #expect(json.text == #"{"a":[1,{},[],true],"b":null,"c":"x"}"# + "\n-7")
    }

    @Test(
        "Strings are escaped so that every parser and every terminal reads them alike",
        arguments: [
            ("plain", #""plain""#), (#"a"b\c/"#, #""a\"b\\c/""#),
            ("\u{0}\u{1}\u{1B}\u{7F}", #""\u0000\u0001\u001b\u007f""#),
            ("\n\r\t", #""\n\r\t""#), ("\r\n", #""\r\n""#), ("\u{85}\u{9B}", #""\u0085\u009b""#),
            ("\u{2028}\u{2029}", #""\u2028\u2029""#), ("يوم الشباب", #""يوم الشباب""#), ("🇮🇶", #""🇮🇶""#), ("", #""""#),
        ])
    func escapes(text: String, expected: String) {
        var json = JSONWriter()
        json.string(text)
        #expect(json.text == expected)
    }

    @Test(
        "Fixed decimals are exact",
        arguments: [
            (0, 1, "0.0"), (5, 1, "0.5"), (-5, 1, "-0.5"), (123, 1, "12.3"), (1, 4, "0.0001"), (10_000, 4, "1.0000"),
            (-12_345, 4, "-1.2345"), (42, 0, "42"), (Int.min, 1, "-922337203685477580.8"),
        ])
    func fixed(value: Int, decimals: Int, expected: String) {
        var json = JSONWriter()
        json.fixed(value, decimals: decimals)
        #expect(json.text == expected)
    }

    @Test func `nothing is null`() {
        var json = JSONWriter()
        json.array { json in
            json.string(String?.none)
            json.integer(Int?.none)
            json.fixed(nil, decimals: 1)
        }
        #expect(json.text == "[null,null,null]")
    }
}
