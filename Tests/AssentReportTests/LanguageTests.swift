import AssentCore
import Support
import Testing

@testable import AssentReport

/// Words, numbers and dates of a report in every language.
@Suite struct LanguageTests {
    @Test(
        "Numbers have the digits and separators of the language",
        arguments: [
            (.en, 0, "0"), (.en, 999, "999"), (.en, 1_000, "1,000"), (.en, -1_234_567, "−1,234,567"),
            (.fr, 1_234_567, "1\u{202F}234\u{202F}567"), (.ar, 1_234_567, "١٬٢٣٤٬٥٦٧"), (.ar, 90, "٩٠"),
        ] as [(Language, Int, String)])
    func numbers(language: Language, number: Int, text: String) {
        #expect(language.number(number) == text)
    }

    @Test(
        "Rates and changes are percent with one decimal",
        arguments: [
            (.en, "12.5%", "+1,250.0%", "−3.1%"), (.fr, "12,5\u{202F}%", "+1\u{202F}250,0\u{202F}%", "−3,1\u{202F}%"),
            (.ar, "١٢٫٥٪", "+١٬٢٥٠٫٠٪", "−٣٫١٪"),
        ] as [(Language, String, String, String)])
    func percents(language: Language, rate: String, more: String, less: String) {
        #expect(language.percent(Fraction(1, 8)) == rate)
        #expect(language.change(thousandths: 12_500) == more)
        #expect(language.change(thousandths: -31) == less)
        #expect(language.change(thousandths: 0).first?.isNumber == true)
    }

    @Test(
        "Durations have two units at most",
        arguments: [
            (.en, 0, "0s"), (.en, 59, "59s"), (.en, 60, "1m 0s"), (.en, 3_599, "59m 59s"), (.en, 3_600, "1h 0m"),
            (.en, 3_600_000, "1,000h 0m"), (.fr, 84, "1\u{202F}min 24\u{202F}s"), (.ar, 84, "١\u{A0}د ٢٤\u{A0}ث"),
        ] as [(Language, Int, String)])
    func durations(language: Language, seconds: Int, text: String) {
        #expect(language.duration(Fraction(seconds, 1)) == text)
    }

    @Test(
        "A range of dates says of the first only what the last does not",
        arguments: [
            (
                "2026-11-16", "2026-11-22",
                ["16 to 22 November 2026", "du 16 au 22 novembre 2026", "من ١٦ إلى ٢٢ نوفمبر ٢٠٢٦"]
            ),
            (
                "2026-11-30", "2026-12-01",
                [
                    "30 November to 1 December 2026", "du 30 novembre au 1er décembre 2026",
                    "من ٣٠ نوفمبر إلى ١ ديسمبر ٢٠٢٦",
                ]
            ),
            (
                "2026-12-28", "2027-01-03",
                [
                    "28 December 2026 to 3 January 2027", "du 28 décembre 2026 au 3 janvier 2027",
                    "من ٢٨ ديسمبر ٢٠٢٦ إلى ٣ يناير ٢٠٢٧",
                ]
            ),
            ("2026-02-28", "2026-02-28", ["28 February 2026", "28 février 2026", "٢٨ فبراير ٢٠٢٦"]),
        ])
    func ranges(from: String, to: String, texts: [String]) throws {
        let days = try #require(Day(from))...(try #require(Day(to)))
        #expect(Language.allCases.map { $0.dates(days) } == texts)
    }

    @Test("Every measure, table and key has words, and every word a definition", arguments: Language.allCases)
    func words(language: Language) {
        let words = Words.of(language)
        let measures = Measure.ofTallies.map(\.name) + Measure.ofCampaigns.map(\.name)
        for name in measures + Words.order {
            #expect(words.terms[name].map { !$0.name.isEmpty && !$0.short.isEmpty && $0.definition.count > 10 } == true)
        }
        #expect(Set(Words.order) == Set(words.terms.keys) && Set(measures).isSubset(of: Words.order))
        for dimension in Dimension.allCases { #expect(words.tables[dimension.name]?.isEmpty == false) }
        for device in [Client.Device.desktop, .mobile, .tablet, .other] { #expect(words.keys[device.name] != nil) }
        let isArabic = words.terms.values.allSatisfy { TextWidth.isRightToLeft($0.name + $0.definition) }
        #expect(isArabic == language.isRightToLeft)
    }
}
