import AssentCore
import Foundation
import Support
import Testing

extension EndToEnd {
    /// How the banner looks and behaves for everybody: sizes, contrast, keyboard, direction.
    @Suite(.timeLimit(.minutes(5))) struct BannerTests {
        struct Screen: Sendable, CustomTestStringConvertible {
            let locale: String
            let width: Int
            let height: Int
            var testDescription: String { "\(locale) \(width) × \(height)" }
        }

        static let screens = ["en", "fr", "ar"].flatMap { locale in
            [(320, 568), (768, 1024), (1280, 720)].map { Screen(locale: locale, width: $0.0, height: $0.1) }
        }

        /// Functions that measure what a page shows.
        static let measures = """
            window.box = (hook) => document.querySelector(`[data-assent=banner] [data-assent=${hook}]`)
                .getBoundingClientRect().toJSON();
            window.luminance = (color) => color.match(/[0-9.]+/g).slice(0, 3).map((each) => each / 255)
                .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
                .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
            window.behind = (element) => {
                const color = getComputedStyle(element).backgroundColor;
                return /^rgba.*, 0\\)$/.test(color) && element.parentElement ? behind(element.parentElement) : color;
            };
            window.ratio = (one, other) => {
                const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
                return (high + 0.05) / (low + 0.05);
            };
            """

        /// A profile that looks at the banner of the demonstration site.
        static func banner(
            _ server: PageServer, _ screen: Screen, path: String = "", media: [String: String] = [:]
        ) async throws -> Tab {
            let tab = try await newProfile()
            try await tab.runFirst(measures)
            try await tab.emulate(width: screen.width, height: screen.height, media: media)
            try await tab.open("\(server.origin)/\(screen.locale)/\(path)")
            try await tab.wait(for: "document.querySelector('[data-assent=accept]')")
            return tab
        }

        @Test(
            "Accept and Refuse are two equal buttons side by side, both in view, in a banner that leaves room",
            arguments: screens)
        func buttons(screen: Screen) async throws {
            let server = try await PageServer.start()
            let tab = try await Self.banner(server, screen)
            let differing = try await tab.evaluate(
                """
                (() => {
                    const [one, other] = ["accept", "refuse"].map((hook) => document.querySelector(`[data-assent=${hook}]`));
                    const [a, b] = [one, other].map((each) => getComputedStyle(each));
                    const same = ["fontSize", "fontFamily", "fontWeight", "color", "backgroundColor", "padding", "border",
                        "borderRadius", "textDecoration", "opacity", "boxShadow", "cursor"];
                    return [
                        ...same.filter((name) => a[name] !== b[name]),
                        ...["localName", "type", "className"].filter((name) => one[name] !== other[name]),
                        ...(one.nextElementSibling === other ? [] : ["siblings"]),
                        ...(Math.abs(one.offsetWidth - other.offsetWidth) > 1 ? ["width"] : []),
                        ...(Math.abs(one.offsetHeight - other.offsetHeight) > 1 ? ["height"] : []),
                    ];
                })()
                """)
            #expect(differing == [])
            #expect(try await tab.evaluate("document.documentElement.scrollWidth") == .number(Double(screen.width)))
            for hook in ["accept", "refuse"] {
                let box = try await tab.evaluate("box('\(hook)')")
                let numbers = ["top", "left", "bottom", "right"].map { box[$0].number ?? -1 }
                #expect(numbers[0] >= 0 && numbers[1] >= 0, "\(hook)")
                #expect(numbers[2] <= Double(screen.height) && numbers[3] <= Double(screen.width), "\(hook)")
            }
            let height = try await tab.evaluate("document.querySelector('[data-assent=banner]').offsetHeight").number
            if screen.width >= 768 { #expect(try #require(height) <= Double(screen.height) / 2) }
            let small = try await tab.evaluate(
                """
                [...document.querySelectorAll("[data-assent=banner] :is(a, button)")].filter((each) =>
                    each.offsetWidth < 44 || each.offsetHeight < 44).map((each) => each.dataset.assent)
                """)
            #expect(small == [])
        }

        @Test("The notice stands there to the character, in its language and direction", arguments: PageServer.notices)
        func notice(notice: Notice) async throws {
            let server = try await PageServer.start()
            let tab = try await Self.banner(server, Screen(locale: notice.locale, width: 1280, height: 720))
            #expect(
                try await tab.evaluate("document.querySelector('[data-assent=text]').textContent")
                    == .string(notice.text))
            let root = try await tab.evaluate(
                """
                (() => {
                    const root = document.querySelector("[data-assent=banner]");
                    const name = document.getElementById(root.getAttribute("aria-labelledby"));
                    return [root.lang, root.dir, root.getAttribute("role"), root.hasAttribute("aria-modal"),
                        name.dataset.assent, document.body.firstElementChild === root,
                        document.activeElement === document.body, document.getAnimations().length];
                })()
                """)
            let direction: JSON = notice.locale == "ar" ? "rtl" : "ltr"
            #expect(root == [.string(notice.locale), direction, "region", false, "title", true, true, 0])
        }

        @Test("In Arabic the layout is the mirror image", arguments: [320, 1280])
        func mirrored(width: Int) async throws {
            let server = try await PageServer.start()
            var starts: [String: [Double]] = [:]
            for locale in ["en", "ar"] {
                let tab = try await Self.banner(server, Screen(locale: locale, width: width, height: 720))
                let edge = locale == "ar" ? "innerWidth - box(each).right" : "box(each).left"
                let places = try await tab.evaluate("['accept', 'refuse', 'text', 'title'].map((each) => \(edge))")
                starts[locale] = places.array.compactMap(\.number)
            }
            let (english, arabic) = try (#require(starts["en"]), #require(starts["ar"]))
            #expect(english[0] < english[1] && arabic[0] < arabic[1])
            #expect(abs(english[2] - arabic[2]) <= 1 && abs(english[3] - arabic[3]) <= 1)
            if width == 320 { #expect(abs(english[0] - arabic[0]) <= 1 && abs(english[1] - arabic[1]) <= 1) }
        }

        @Test(
            "Text and marks stand out from what is behind them",
            arguments: ["light", "dark"], [["prefers-contrast": "no-preference"], ["forced-colors": "active"]])
        func contrast(scheme: String, media: [String: String]) async throws {
            let server = try await PageServer.start()
            let media = media.merging(["prefers-color-scheme": scheme]) { first, _ in first }
            let tab = try await Self.banner(server, Screen(locale: "en", width: 768, height: 1024), media: media)
            let ratios = try await tab.evaluate(
                """
                [...document.querySelectorAll("[data-assent=banner] :is(h2, p, a, button)")].map((each) =>
                    ratio(getComputedStyle(each).color, behind(each)))
                """)
            #expect(ratios.array.count == 5)
            #expect(ratios.array.allSatisfy { ($0.number ?? 0) >= 4.5 }, "\(ratios.text)")
            try await tab.press(.tab)
            try await tab.press(.tab)
            let focus = try await tab.evaluate(
                """
                (() => {
                    const style = getComputedStyle(document.activeElement);
                    const around = behind(document.querySelector("[data-assent=banner]"));
                    return [document.activeElement.dataset.assent, style.outlineStyle, parseFloat(style.outlineWidth) >= 2,
                        ratio(style.outlineColor, around) >= 3, ratio(style.borderTopColor, around) >= 3];
                })()
                """)
            #expect(focus == ["accept", "solid", true, true, true])
        }

        @Test(
            "With the text spacing that readers may set nothing is cut and both buttons stay in view",
            arguments: ["en", "fr", "ar"])
        func spacing(locale: String) async throws {
            let server = try await PageServer.start()
            let tab = try await Self.banner(server, Screen(locale: locale, width: 320, height: 568))
            try await tab.evaluate(
                """
                (() => {
                    const sheet = new CSSStyleSheet();
                    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
                        word-spacing: 0.16em !important } p { margin-block-end: 2em !important }`);
                    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
                })()
                """)
            let cut = try await tab.evaluate(
                """
                [...document.querySelectorAll("[data-assent=banner], [data-assent=banner] *")].filter((each) =>
                    each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== "inline")
                    .map((each) => each.outerHTML.slice(0, 80))
                """)
            #expect(cut == [])
            #expect(try await tab.evaluate("document.documentElement.scrollWidth") == 320)
            for hook in ["accept", "refuse"] {
                let box = try await tab.evaluate("box('\(hook)')")
                #expect((box["bottom"].number ?? 999) <= 568 && (box["top"].number ?? -1) >= 0)
            }
        }

        @Test(
            "The banner wholly covers nothing that has the focus, also at 400% of 1280 × 1024",
            arguments: [("en", 320, 568), ("fr", 320, 256), ("ar", 320, 256), ("ar", 1280, 720)])
        func uncovered(locale: String, width: Int, height: Int) async throws {
            let server = try await PageServer.start()
            let screen = Screen(locale: locale, width: width, height: height)
            let still = ["prefers-reduced-motion": "reduce"]  // so that scrolling is done when the focus is there
            let tab = try await Self.banner(server, screen, path: "news/", media: still)
            var seen = 0
            for _ in 0..<60 {
                try await tab.press(.tab)
                let state = try await tab.evaluate(
                    """
                    (() => {
                        const focused = document.activeElement;
                        if (focused === document.body) return "end";
                        const box = focused.getBoundingClientRect();
                        const top = document.querySelector("[data-assent=banner]").getBoundingClientRect().top;
                        return focused.closest("[data-assent=banner]") || box.top < top && box.bottom > 0
                            ? "seen" : focused.outerHTML.slice(0, 100);
                    })()
                    """)
                if state == "end" { break }
                #expect(state == "seen")
                seen += 1
            }
            #expect(seen > 15)
        }

        @Test("The choices open by the keyboard, show what is stored, and Escape leaves them as they are")
        func panel() async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            try await tab.accept("/fr/", on: server)
            let sent = server.received.count
            try await tab.evaluate("document.querySelector('footer [data-assent=choices]').focus()")
            try await tab.press(.enter)
            try await tab.wait(for: "document.querySelector('dialog[data-assent=panel]')")
            let pressed = "[...document.querySelectorAll('[data-assent=panel] button')].map((each) => each.ariaPressed)"
            #expect(try await tab.evaluate(pressed) == ["true", "false"])
            for _ in 0..<6 {
                try await tab.press(.tab)
                #expect(
                    try await tab.evaluate(
                        "document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))")
                        == true)
            }
            try await tab.press(.escape)
            try await tab.wait(for: "!document.querySelector('[data-assent=panel]')")
            #expect(try await tab.evaluate("document.activeElement.dataset.assent") == "choices")
            #expect(try await tab.evaluate("assent.status().choice") == "granted")
            #expect(server.received.count == sent)
            let small = try await tab.evaluate(
                """
                [...document.querySelectorAll("[data-assent=choices], [data-assent=withdraw]")].filter((each) =>
                    each.offsetWidth < 44 || each.offsetHeight < 44).length
                """)
            #expect(small == 0)
            #expect(tab.problems == [])
        }

        @Test("What was chosen is said to screen readers, and stays for five seconds")
        func status() async throws {
            let server = try await PageServer.start()
            let tab = try await Self.banner(server, Screen(locale: "ar", width: 1280, height: 720))
            try await tab.click("[data-assent=refuse]")
            try await tab.wait(for: "(document.querySelector('[role=status][data-assent=status]') || {}).textContent")
            let then = try await tab.evaluate("performance.now()").number ?? 0
            try await tab.wait(for: "performance.now() > \(then + 5000)")
            let words = try await tab.evaluate("document.querySelector('[role=status]').textContent").string
            #expect(words?.isEmpty == false)
            #expect(try await tab.evaluate("document.querySelector('[role=status]').dir") == "rtl")
        }

        @Test("A page without a control of its own gets one, on every page once there is a choice")
        func control() async throws {
            let page = ScriptTests.page()
            let server = try await PageServer.start(pages: ["/one/": page, "/two/": page])
            let tab = try await newProfile()
            try await tab.open(server.origin + "/one/")
            try await tab.wait(for: "document.querySelector('[data-assent=banner]')")
            #expect(try await tab.evaluate("document.querySelectorAll('[data-assent=choices]').length") == 0)
            try await tab.click("[data-assent=refuse]")
            try await tab.wait(for: "document.querySelector('[data-assent=choices]')")
            try await tab.open(server.origin + "/two/")
            try await tab.wait(for: "document.querySelector('[data-assent=choices]')")
            try await tab.click("[data-assent=choices]")
            #expect(
                try await tab.evaluate("document.querySelector('[data-assent=panel] [data-assent=refuse]').ariaPressed")
                    == "true")
        }
    }
}
