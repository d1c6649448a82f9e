import AssentCore
import Foundation
import Support
import Testing

extension EndToEnd {
    /// The privacy page in a browser without scripts: what it shows, what its buttons do, and how it looks to everybody.
    @Suite(.timeLimit(.minutes(5))) struct PrivacyPageTests {
        typealias Screen = BannerTests.Screen

        /// A visitor who has accepted on the site and looks at the page without scripts.
        static func visitor(_ setting: MainJobTests.Setting, path: String = "/en/") async throws -> Tab {
            let tab = try await newProfile()
            try await tab.open(setting.pages.origin + path)
            try await tab.click("[data-assent=accept]")
            try await setting.collector.wait(forMetric: "assent_events_total{result=\"stored\"} 1")
            try await tab.disableScripts()
            return tab
        }

        static func address(_ setting: MainJobTests.Setting, _ language: String) -> String {
            "\(setting.origin)/privacy?site=demo&lang=\(language)"
        }

        static func text(_ tab: Tab, _ hook: String) async throws -> String {
            try await tab.evaluate("document.querySelector('[data-assent=\(hook)]').textContent").string ?? ""
        }

        @Test("A visitor sees what is held, has it erased, and withdraws, all without a script")
        func course() async throws {
            let setting = try await MainJobTests.Setting()
            let tab = try await Self.visitor(setting)
            try await tab.open(Self.address(setting, "en"))
            #expect(try await tab.evaluate("document.scripts.length") == 0)
            let held = try await Self.text(tab, "held")
            #expect(held.contains("Events in all1") && held.contains("Page views1"))
            #expect(held.contains(PageServer.notices[0].text))

            try await tab.leaving { try await tab.click("[data-assent=erase]") }
            #expect(
                try await Self.text(tab, "status") == "What was counted of your visits is erased. The consent stays.")
            #expect(try await Self.text(tab, "held").contains("Events in all0"))
            #expect(try await tab.cookies(of: setting.origin)["assent_choice"] == "granted")
            #expect(try setting.report()["totals"]["pageviews"] == 0)

            try await tab.leaving { try await tab.click("[data-assent=languages] [lang=fr]") }
            #expect(try await tab.evaluate("document.documentElement.lang") == "fr")
            #expect(try await Self.text(tab, "status") == "")
            // By the keyboard, as somebody without a mouse would.
            try await tab.evaluate("document.querySelector('[data-assent=withdraw]').focus()")
            try await tab.leaving { try await tab.press(.enter) }
            #expect(try await Self.text(tab, "status").hasPrefix("Le consentement est retiré."))
            #expect(try await tab.evaluate("document.querySelectorAll('form, [data-assent=download]').length") == 0)
            let cookies = try await tab.cookies(of: setting.origin)
            #expect(cookies["__Host-assent"] == nil && cookies["assent_choice"] == "refused")
            #expect(tab.requests.suffix(8).allSatisfy { $0.url.hasPrefix(setting.origin) })
            #expect(tab.problems == [])
        }

        @Test("axe finds nothing on it, with and without a consent", arguments: ["en", "fr", "ar"])
        func axe(language: String) async throws {
            let setting = try await MainJobTests.Setting()
            let tab = try await newProfile()
            for isHeld in [false, true] {
                if isHeld {
                    try await tab.open(setting.pages.origin + "/\(language)/")
                    try await tab.click("[data-assent=accept]")
                    try await setting.collector.wait(forMetric: "assent_events_total{result=\"stored\"} 1")
                }
                for (scheme, width) in [("light", 320), ("dark", 1280)] {
                    try await tab.emulate(width: width, height: 720, media: ["prefers-color-scheme": scheme])
                    try await tab.open(Self.address(setting, language))
                    #expect(try await tab.evaluate("document.forms.length > 0") == .bool(isHeld))
                    #expect(try await tab.violations() == [], "\(scheme), \(width)")
                    #expect(try await tab.evaluate("document.documentElement.scrollWidth") == .number(Double(width)))
                }
            }
        }

        @Test("The page works at the path where a proxy puts it")
        func mounted() async throws {
            let setting = try await MainJobTests.Setting()
            let tab = try await newProfile()
            try await tab.open(Self.address(setting, "en"))
            // Every address of the page, were it at another one.
            let addresses = try await tab.evaluate(
                """
                [...document.querySelectorAll("a")].map((each) =>
                    new URL(each.getAttribute("href"), "https://site.example/assent/privacy?site=demo").pathname)
                """)
            #expect(addresses == ["/assent/privacy", "/assent/privacy", "/assent/privacy"])
        }

        /// Screens in light and dark.
        static let looks = ["en", "fr", "ar"].flatMap { language in
            [(320, "light"), (1280, "dark"), (320, "dark"), (1280, "light")].map { (language, $0.0, $0.1) }
        }

        @Test("The page fits, can be read and can be hit, in each language, width and scheme")
        func looks() async throws {
            let setting = try await MainJobTests.Setting()
            let tab = try await Self.visitor(setting)
            for (language, width, scheme) in Self.looks {
                let look = "\(language) \(width) \(scheme)"
                try await tab.emulate(width: width, height: 720, media: ["prefers-color-scheme": scheme])
                try await tab.open(Self.address(setting, language))
                try await tab.evaluate(BannerTests.measures)
                try await tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
                #expect(
                    try await tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.dir]")
                        == [.number(Double(width)), language == "ar" ? "rtl" : "ltr"], "\(look)")
                let faults = try await tab.evaluate(
                    """
                    (() => {
                        const name = (each) => `${each.localName} ${each.textContent.trim().slice(0, 30)}`;
                        const small = [...document.querySelectorAll("a, button, summary")].filter((each) =>
                            each.offsetWidth < 44 || each.offsetHeight < 44);
                        const texts = [...document.querySelectorAll("body *")].filter((each) =>
                            [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
                        const pale = texts.filter((each) => ratio(getComputedStyle(each).color, behind(each)) < 4.5);
                        const cut = [...document.querySelectorAll("body *")].filter((each) =>
                            each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== "inline");
                        const thin = [...document.querySelectorAll(".button")].filter((each) =>
                            ratio(getComputedStyle(each).borderTopColor, behind(each.parentElement)) < 3);
                        return [texts.length > 30, ...[small, pale, cut, thin].map((each) => each.map(name))];
                    })()
                    """)
                #expect(faults == [true, [], [], [], []], "\(look)")
                for _ in 0..<3 { try await tab.press(.tab) }
                let focus = try await tab.evaluate(
                    """
                    (() => {
                        const style = getComputedStyle(document.activeElement);
                        return [document.activeElement.localName, style.outlineStyle, parseFloat(style.outlineWidth) >= 2,
                            ratio(style.outlineColor, behind(document.body)) >= 3];
                    })()
                    """)
                #expect(focus == ["a", "solid", true, true], "\(look)")
            }
            #expect(tab.problems == [])
        }

        @Test("Names of things are said to screen readers: headings in order, one main part, named buttons and lists")
        func structure() async throws {
            let setting = try await MainJobTests.Setting()
            let tab = try await Self.visitor(setting)
            try await tab.open(Self.address(setting, "ar"))
            let found = try await tab.evaluate(
                """
                (() => {
                    const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
                    const described = [...document.querySelectorAll("[aria-describedby]")];
                    return [
                        document.querySelectorAll("main").length, document.querySelectorAll("h1").length,
                        document.querySelectorAll("h3, h4").length, new Set(ids).size === ids.length,
                        described.length === 3 && described.every((each) =>
                            document.getElementById(each.getAttribute("aria-describedby"))),
                        document.querySelector("[data-assent=status]").getAttribute("role"),
                        document.title.length > 0, document.querySelector("nav").ariaLabel.length > 0,
                        [...document.querySelectorAll("dl > *")].every((each) => /DT|DD/.test(each.tagName)),
                        getComputedStyle(document.querySelector("code")).direction,
                    ];
                })()
                """)
            #expect(found == [1, 1, 0, true, true, "status", true, true, true, "ltr"])
        }
    }
}
