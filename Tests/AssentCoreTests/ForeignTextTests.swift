import Testing

@testable import AssentCore

/// Inputs that ended a run of the fuzzer, and what else they made us look at.
@Suite struct ForeignTextTests {
    @Test(
        "What nobody wants to know must be JSON in UTF-8 too",
        arguments: [
            (#"{"site":"a","events":[],"x":"\q"}"#, false), (#"{"site":"a","events":[],"x":"\u12"}"#, false),
            (#"{"site":"a","events":[],"\q":1}"#, false), (#"{"site":"a","events":[],"x":"\u00e9\ud800"}"#, true),
            (#"{"site":"a","events":[],"\u0078":1,"é":"é"}"#, true),
        ])
    func unknownFields(body: String, isTaken: Bool) {
        #expect(((try? EventsRequest.parse(Array(body.utf8).span.bytes)) != nil) == isTaken)
    }

    @Test("Bytes that are no UTF-8 are refused in names and in values that nobody wants to know", arguments: 0..<3)
    func noUTF8(place: Int) {
        var texts = ["title-of-x", "y", "z"].map { Array($0.utf8) }
        texts[place][0] = 0xF1
        let body = Array(#"{"site":"a","events":[],""#.utf8) + texts[0] + Array(#"":{""#.utf8) + texts[1]
        #expect(throws: BadRequest.self) {
            let whole = body + Array(#"":[""#.utf8) + texts[2] + Array(#""]}}"#.utf8)
            _ = try EventsRequest.parse(whole.span.bytes)
        }
    }

    @Test(
        "Cleaning what was cleaned changes nothing more, and nothing is left in it however often it was encoded",
        arguments: [
            ("a%40b.cc/d%25252540e.f", "[redacted]/[redacted]"),
            ("a%40b.cc/d%25252540e.f/g%25252525252540h.i", "[redacted]/[redacted]/[redacted]"),
            ("a@b.c/%2561@b.c/%252561%2540b.c/%25252561%252540b.c", "[redacted]/[redacted]/[redacted]/[redacted]"),
            ((1...9).map { "a%\(String(repeating: "25", count: $0))40b.c" }.joined(separator: "/"), "[redacted]"),
        ])
    func depths(text: String, clean: String) {
        #expect(Cleaning.text(text, bytesMax: 512) == clean)
        #expect(Cleaning.text(clean, bytesMax: 512) == clean)
    }

    @Test(
        "A cut leaves no part of an escape, which could be read as part of an address",
        arguments: [("a%2540b.%2540", "a%2540b."), ("a%2540b.%4%30", "a%2540b."), ("a%2540bb 100%", "a%2540bb 100")])
    func brokenEscapes(text: String, clean: String) {
        let filling = String(repeating: "é ", count: 14)
        let cut = Cleaning.text(filling + text + "é", bytesMax: 42 + text.utf8.count - 1)
        #expect(cut == filling + clean)
        #expect(Cleaning.text(cut, bytesMax: 64) == cut)
    }

    @Test(
        "A target that shows to be an address or to have a query, once something is redacted, is one",
        arguments: [
            ("x%3A1 y%40z.cc", ""), ("a%3Fb c%40d.ee", "a"),
            ("https%3A//X.example/y?c a%40d.ee", "https%3A//X.example/y"),
            ("https%3A//X.example/a%40d.ee#b", "https://x.example/[redacted]"),
        ])
    func targets(target: String, kept: String) {
        #expect(Cleaning.target(target) == kept)
        #expect(Cleaning.target(kept) == kept)
    }

    @Test(
        "A host stays what it is when it is read again, and no longer than it can be",
        arguments: [
            ("https://t.co../x", "t.co"), ("https://.../", nil),
            ("https://\(String(repeating: "\u{130}", count: 84))/", String(repeating: "i\u{307}", count: 84)),
            ("https://\(String(repeating: "\u{130}", count: 85))/", nil),
        ])
    func hosts(address: String, host: String?) { #expect(WebAddress(address)?.host == host) }

    @Test(
        "One character may be as long as a body, and whatever is cut is cut in one step",
        .timeLimit(.minutes(1)),
        arguments: [
            "a" + String(repeating: "\u{301}", count: 32_000), String(repeating: "\u{1F468}\u{200D}", count: 9_000),
        ])
    func longCharacters(text: String) {
        // To look at each byte of it took seconds for one text.
        for _ in 0..<20 {
            #expect(Cleaning.text(text, bytesMax: Limits.titleBytesMax) == "")
            #expect(Cleaning.path(text[...]) == "")
        }
        #expect(Cleaning.cut("x" + text, bytesMax: 512) == "x")
    }

    @Test(
        "A time of no year that can be written is none",
        arguments: [
            "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00-01:00",
        ])
    func times(text: String) {
        let time = Instant(rfc3339: text)
        #expect((time == nil) == (text.contains("00:01")))
        #expect(time.flatMap { Instant(rfc3339: $0.rfc3339) } == time)
    }
}
