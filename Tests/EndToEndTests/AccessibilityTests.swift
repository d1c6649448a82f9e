import Foundation
import Support
import Testing

extension EndToEnd {
    /// The built-in parts in every language, width and scheme of colours, and what tools cannot judge: the order of
    /// things, magnified pages, what is said.
    @Suite(.timeLimit(.minutes(5))) struct AccessibilityTests {
        static let locales = ["en", "fr", "ar"]
        static let sizes = [(320, 568), (768, 1024), (1280, 720)]

        /// Answers of the browser to media queries.
        enum Look: String, CaseIterable {
            case light, dark
            case forced, forcedDark

            var media: [String: String] {
                let scheme = self == .light || self == .forced ? "light" : "dark"
                let forced = self == .forced || self == .forcedDark ? "active" : "none"
                return [
                    "prefers-color-scheme": scheme, "forced-colors": forced, "prefers-reduced-motion": "reduce",
                ]
            }
        }

        /// What the visitor has done so far.
        enum Stage: CaseIterable { case asked, refused, granted, choosing }

        static let html = """
            <!doctype html><html lang="LANG" dir="DIR"><meta charset="utf-8">
            <meta name="viewport" content="width=device-width">STYLE<title>Page</title><link rel="icon" href="/demo.svg">
            <body><main><h1>Page</h1><p><a href="/demo.svg">River</a></p></main>
            <script defer src="/assent.js" data-site="demo"></script>
            """

        /// - Parameter isWhite: leaves out the style sheet, which has colours for dark schemes.
        static func page(_ locale: String, isWhite: Bool) -> String {
            html.replacing("LANG", with: locale).replacing("DIR", with: locale == "ar" ? "rtl" : "ltr")
                .replacing("STYLE", with: isWhite ? "" : "<link rel=\"stylesheet\" href=\"/demo.css\">")
        }

        /// Every element that the script makes, and the room that it may take.
        static let measures =
            BannerTests.measures + """
                window.ours = (more = "") => [...document.querySelectorAll(["banner", "panel", "choices", "withdraw", "status"]
                    .map((hook) => `[data-assent=${hook}]${more}`).join())];
                window.visible = (each) => each.getClientRects().length > 0 && each.textContent !== "";
                window.cut = () => [...ours(), ...ours(" *")].filter(visible).filter((each) => {
                    const [box, style] = [each.getBoundingClientRect(), getComputedStyle(each)];
                    return box.left < -1 || box.right > innerWidth + 1
                        || style.display !== "inline" && each.scrollWidth > each.clientWidth + 2
                        || /hidden|clip/.test(style.overflowY) && each.scrollHeight > each.clientHeight + 2;
                }).map((each) => each.outerHTML.slice(0, 100));
                window.around = (element) => {
                    const color = behind(element);
                    return /^rgba.*, 0\\)$/.test(color) ? "rgb(255, 255, 255)" : color;
                };
                window.controls = () => [...ours(), ...ours(" *")].filter((each) => each.matches("a, button"));
                """

        static func server(isWhite: Bool = false) async throws -> PageServer {
            let pages = locales.map { ("/page/\($0)/", page($0, isWhite: isWhite)) }
            return try await PageServer.start(pages: Dictionary(uniqueKeysWithValues: pages))
        }

        /// A new visitor of a page that has nothing of its own, at a stage.
        static func visitor(
            _ server: PageServer, _ locale: String, at stage: Stage, _ look: Look = .light, width: Int = 1280,
            height: Int = 720
        ) async throws -> Tab {
            let tab = try await newProfile()
            try await tab.runFirst(measures)
            try await tab.emulate(width: width, height: height, media: look.media)
            try await tab.open("\(server.origin)/page/\(locale)/")
            try await tab.wait(for: "document.querySelector('[data-assent=banner]')")
            if stage == .asked { return tab }
            try await tab.click(stage == .refused ? "[data-assent=refuse]" : "[data-assent=accept]")
            try await tab.wait(for: "(document.querySelector('[role=status]') || {}).textContent")
            if stage == .choosing {
                try await tab.evaluate("document.querySelector('[data-assent=choices]').focus()")
                try await tab.press(.enter)
                try await tab.wait(for: "document.querySelector('[data-assent=panel]')")
            }
            return tab
        }

        // MARK: In all looks

        @Test(
            "axe finds nothing, with the banner, after each choice, and in the panel",
            arguments: locales, Look.allCases)
        func axe(locale: String, look: Look) async throws {
            let server = try await Self.server()
            for stage in Stage.allCases {
                let tab = try await Self.visitor(server, locale, at: stage, look)
                for (width, height) in Self.sizes {
                    try await tab.emulate(width: width, height: height, media: look.media)
                    let (found, cut) = (try await tab.violations(), try await tab.evaluate("cut()"))
                    #expect(found == [], "\(stage) \(width)")
                    #expect(cut == [], "\(stage) \(width)")
                }
                try await tab.close()
            }
        }

        @Test("axe finds nothing on the pages of the demonstration site", arguments: locales)
        func demonstration(locale: String) async throws {
            let server = try await PageServer.start()
            let tab = try await newProfile()
            for (path, look) in [("", Look.light), ("news/", .dark), ("voices/", .light)] {
                try await tab.emulate(width: 1280, height: 720, media: look.media)
                try await tab.open("\(server.origin)/\(locale)/\(path)")
                try await tab.wait(for: "document.querySelector('[data-assent=banner]')")
                let found = try await tab.violations()
                #expect(found == [], "\(path)")
            }
        }

        /// Texts and controls of ours that stand out too little: 4.5 : 1 for text, 3 : 1 for a border and the ring of the
        /// focus.
        static let weak = """
            (() => {
                const texts = [...ours(), ...ours(" *")].filter(visible).filter((each) =>
                    [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE));
                return [...texts.filter((each) => ratio(getComputedStyle(each).color, around(each)) < 4.5)
                    .map((each) => `${each.dataset.assent}: faint text on ${around(each)}`),
                ...controls().filter(visible).flatMap((each) => {
                    each.focus({ focusVisible: true });
                    if (document.activeElement !== each) return []; // behind the panel
                    const [style, outside] = [getComputedStyle(each), around(each.parentElement)];
                    const line = style.borderTopStyle === "none" ? style.color : style.borderTopColor;
                    const edge = Math.max(ratio(line, outside), ratio(around(each), outside));
                    return [
                        ...(style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2 ? [] : ["no ring"]),
                        ...(ratio(style.outlineColor, outside) >= 3 ? [] : ["faint ring"]),
                        ...(edge >= 3 ? [] : ["faint edge"]),
                    ].map((what) => `${each.dataset.assent}: ${what} on ${outside}`);
                })];
            })()
            """

        @Test(
            "Every text stands out, and every control has an edge and shows the focus by a ring that do",
            arguments: [Look.light, .dark])
        func contrast(look: Look) async throws {
            let server = try await Self.server()
            for stage in Stage.allCases {
                let tab = try await Self.visitor(server, "en", at: stage, look)
                let weak = try await tab.evaluate(Self.weak)
                #expect(weak == [], "\(stage)")
                try await tab.close()
            }
        }

        @Test("So it is on a page that stays white for those who prefer dark ones")
        func white() async throws {
            let server = try await Self.server(isWhite: true)
            let tab = try await Self.visitor(server, "en", at: .granted, .dark)
            let weak = try await tab.evaluate(Self.weak)
            #expect(weak == [])
        }

        /// How far the lightest and the darkest point of three parts of a box in a picture lie apart: within it, over its
        /// upper edge, and where the ring of the focus is.
        static func painted(_ picture: String, _ box: JSON) -> String {
            """
            (async () => {
                const data = await fetch("data:image/png;base64,\(picture)");
                const image = await createImageBitmap(await data.blob());
                const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
                canvas.drawImage(image, 0, 0);
                const { x, y, width, height } = \(box.text);
                const middle = x + width / 2;
                return [[x + 8, y + 8, width - 16, height - 16], [middle, y - 1, 1, 6], [middle, y - 7, 1, 7]]
                    .map((part) => {
                        const pixels = canvas.getImageData(...part.map(Math.round)).data;
                        const colors = Array.from({ length: pixels.length / 4 }, (_, index) =>
                            `rgb(${pixels.slice(4 * index, 4 * index + 3).join()})`);
                        const lights = colors.map(luminance);
                        return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
                    });
            })()
            """
        }

        @Test(
            "With forced colours the buttons are painted with text, edge and ring",
            arguments: [Look.forced, .forcedDark])
        func forced(look: Look) async throws {
            let server = try await Self.server()
            let judge = try await newProfile()
            try await judge.evaluate(BannerTests.measures)
            for (stage, root) in [(Stage.asked, "banner"), (.choosing, "panel")] {
                let tab = try await Self.visitor(server, "en", at: stage, look)
                for hook in ["accept", "refuse"] {
                    let button = "document.querySelector('[data-assent=\(root)] [data-assent=\(hook)]')"
                    try await tab.evaluate("\(button).focus({ focusVisible: true })")
                    let box = try await tab.evaluate("\(button).getBoundingClientRect().toJSON()")
                    let picture = try await tab.screenshot().base64EncodedString()
                    let ratios = try await judge.evaluate(Self.painted(picture, box)).array.compactMap(\.number)
                    try #require(ratios.count == 3)
                    #expect(ratios[0] >= 4.5 && ratios[1] >= 3 && ratios[2] >= 3, "\(root) \(hook) \(ratios)")
                }
                try await tab.close()
            }
        }

        @Test(
            "Nothing moves by itself or by degrees, whether or not less motion is preferred", arguments: [true, false])
        func motion(reduced: Bool) async throws {
            let server = try await Self.server()
            for stage in Stage.allCases {
                let tab = try await Self.visitor(server, "en", at: stage)
                let motion = ["prefers-reduced-motion": reduced ? "reduce" : "no-preference"]
                try await tab.emulate(width: 1280, height: 720, media: motion)
                let moving = try await tab.evaluate(
                    """
                    [...document.getAnimations().map(() => "animation"), ...[...ours(), ...ours(" *")].filter((each) => {
                        const style = getComputedStyle(each);
                        return style.transitionDuration !== "0s" || style.animationName !== "none"
                            || style.scrollBehavior === "smooth";
                    }).map((each) => each.outerHTML.slice(0, 80))]
                    """)
                #expect(moving == [])
                try await tab.close()
            }
        }

        @Test(
            "The stored choice is told by more than a colour, and nothing is chosen beforehand",
            arguments: Look.allCases)
        func pressed(look: Look) async throws {
            let server = try await Self.server()
            let asked = try await Self.visitor(server, "en", at: .asked, look)
            let marked = ":checked, [aria-checked=true], [aria-pressed=true], [aria-selected=true]"
            #expect(try await asked.evaluate("document.querySelectorAll('\(marked), input, select').length") == 0)
            let tab = try await Self.visitor(server, "en", at: .choosing, look)
            let differing = try await tab.evaluate(
                """
                (() => {
                    const buttons = [...document.querySelectorAll("[data-assent=panel] :is([data-assent=accept], [data-assent=refuse])")];
                    const shape = (each) => [getComputedStyle(each, "::before").content, getComputedStyle(each, "::after").content,
                        ...["borderTopStyle", "borderTopWidth", "textDecorationLine", "fontWeight"]
                            .map((name) => getComputedStyle(each)[name])].join();
                    return [buttons.map((each) => each.ariaPressed), shape(buttons[0]) !== shape(buttons[1])];
                })()
                """)
            #expect(differing == [["true", "false"], true])
        }

        @Test(
            "What was chosen is said without lying on the controls that change it", arguments: locales)
        func uncovered(locale: String) async throws {
            let server = try await PageServer.start()
            let tab = try await BannerTests.banner(
                server, BannerTests.Screen(locale: locale, width: 320, height: 568), media: Look.light.media)
            try await tab.click("[data-assent=accept]")
            try await tab.wait(for: "(document.querySelector('[role=status]') || {}).textContent")
            let covered = try await tab.evaluate(
                """
                [...document.querySelectorAll("[data-assent=choices], [data-assent=withdraw]")].filter((each) => {
                    scrollTo({ top: document.body.scrollHeight, behavior: "instant" });
                    each.focus();
                    const { left, right, top, bottom } = each.getBoundingClientRect();
                    return !each.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
                }).map((each) => each.dataset.assent)
                """)
            #expect(covered == [])
        }

        // MARK: Large text, small windows

        @Test(
            "At 400% of a window of 1280 × 1024 both buttons are in view, and so is some of the page",
            arguments: locales)
        func magnified(locale: String) async throws {
            let server = try await Self.server()
            for stage in [Stage.asked, .choosing] {
                let tab = try await Self.visitor(server, locale, at: stage, width: 320, height: 256)
                let root = stage == .asked ? "banner" : "panel"
                for hook in ["accept", "refuse"] {
                    let box = try await tab.evaluate(
                        "document.querySelector('[data-assent=\(root)] [data-assent=\(hook)]').getBoundingClientRect().toJSON()"
                    )
                    #expect((box["top"].number ?? -1) >= 0 && (box["bottom"].number ?? 999) <= 256, "\(stage) \(hook)")
                    #expect((box["left"].number ?? -1) >= 0 && (box["right"].number ?? 999) <= 320, "\(stage) \(hook)")
                }
                #expect(try await tab.evaluate("cut()") == [])
                #expect(try await tab.evaluate("document.documentElement.scrollWidth") == 320)
                if stage == .asked {
                    let top = try await tab.evaluate("ours()[0].getBoundingClientRect().top").number
                    #expect(try #require(top) >= 44, "what has the focus needs room")
                }
                // All of the text can be scrolled to by the keyboard: to where it ends.
                let reached = try await tab.evaluate(
                    """
                    (() => {
                        const [text, root] = ["text", "\(root)"].map((hook) => document.querySelector(`[data-assent=${hook}]`));
                        const scroller = [text, text.parentElement, root].find((each) => each.scrollHeight > each.clientHeight + 1
                            && /auto|scroll/.test(getComputedStyle(each).overflowY));
                        if (!scroller) return true;
                        scroller.scrollTop = scroller.scrollHeight;
                        const [end, buttons] = [text.getBoundingClientRect().bottom,
                            root.querySelector("[data-assent=accept]").getBoundingClientRect().top];
                        return end <= buttons + 1;
                    })()
                    """)
                #expect(reached == true, "\(stage)")
                try await tab.close()
            }
        }

        @Test("With the text spacing that readers may set nothing is cut at any stage", arguments: locales)
        func spacing(locale: String) async throws {
            let server = try await Self.server()
            for stage in Stage.allCases {
                let tab = try await Self.visitor(server, locale, at: stage, width: 320, height: 568)
                try await tab.evaluate(
                    """
                    (() => {
                        const sheet = new CSSStyleSheet();
                        sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
                            word-spacing: 0.16em !important } p { margin-block-end: 2em !important }`);
                        document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
                    })()
                    """)
                let cut = try await tab.evaluate("cut()")
                #expect(cut == [], "\(stage)")
                #expect(try await tab.evaluate("document.documentElement.scrollWidth") == 320, "\(stage)")
                let small = try await tab.evaluate(
                    "controls().filter(visible).filter((each) => each.offsetWidth < 44 || each.offsetHeight < 44).length"
                )
                #expect(small == 0, "\(stage)")
                try await tab.close()
            }
        }

        // MARK: Order and words

        @Test(
            "What is said to screen readers: a region and its name, the notice, then two buttons; later a named panel")
        func spoken() async throws {
            let server = try await Self.server()
            let asked = try await Self.visitor(server, "en", at: .asked)
            let said = try await asked.spoken("[data-assent=banner]")
            let title = try #require(said.first?.dropFirst("region ".count))
            #expect(!title.isEmpty)
            let kinds = said.filter { !$0.hasPrefix("paragraph") && !$0.hasPrefix("status") }
            #expect(
                kinds.map { $0.prefix { $0 != " " } } == ["region", "heading", "link", "button", "button"], "\(said)")
            #expect(kinds[1] == "heading \(title)")
            #expect(Array(kinds.suffix(2)) == ["button Accept", "button Refuse"])
            let choosing = try await Self.visitor(server, "en", at: .choosing)
            let panel = try await choosing.spoken("[data-assent=panel]")
            #expect(panel.first == "dialog \(title)")
            let modal = "document.querySelector('[data-assent=panel]').matches(':modal')"
            #expect(try await choosing.evaluate(modal) == true)
        }

        @Test("Text comes before the choice, and Tab goes from Accept to Refuse, in each language", arguments: locales)
        func order(locale: String) async throws {
            let server = try await Self.server()
            let tab = try await Self.visitor(server, locale, at: .asked)
            let order = try await tab.evaluate(
                """
                [...document.querySelectorAll("[data-assent=banner] [data-assent]")].map((each) => each.dataset.assent)
                    .filter((hook) => ["title", "text", "more", "accept", "refuse"].includes(hook))
                """)
            #expect(order == ["title", "text", "more", "accept", "refuse"])
            var reached: [JSON] = []
            for _ in 1...4 {
                try await tab.press(.tab)
                reached.append(
                    try await tab.evaluate("document.activeElement.dataset.assent || document.activeElement.localName"))
            }
            #expect(reached == ["more", "accept", "refuse", "a"])
            for _ in 1...2 { try await tab.press(.tab, shift: true) }
            #expect(try await tab.evaluate("document.activeElement.dataset.assent") == "accept")
            #expect(
                try await tab.evaluate("new URL(document.querySelector('[data-assent=more]').href).search")
                    == .string("?site=demo&lang=\(locale)"))
        }

        @Test("Every part says its language and direction", arguments: locales)
        func direction(locale: String) async throws {
            let server = try await Self.server()
            let wanted = JSON.string(locale + (locale == "ar" ? " rtl" : " ltr"))
            for stage in Stage.allCases {
                let tab = try await Self.visitor(server, locale, at: stage)
                // The page itself says something else, so that nothing is inherited from it.
                try await tab.evaluate("(document.documentElement.lang = 'de', document.documentElement.dir = '')")
                let said = try await tab.evaluate(
                    """
                    ours().filter(visible).map((each) => [each.closest("[lang]").lang, getComputedStyle(each).direction].join(" "))
                    """
                ).array
                #expect(!said.isEmpty && said.allSatisfy { $0 == wanted }, "\(stage): \(JSON.array(said).text)")
                try await tab.close()
            }
        }

        @Test("In Arabic the panel and the lasting controls are the mirror image", arguments: sizes.map(\.0))
        func mirrored(width: Int) async throws {
            let server = try await Self.server()
            var starts: [String: [Double]] = [:]
            for locale in ["en", "ar"] {
                let tab = try await Self.visitor(server, locale, at: .choosing, width: width)
                let places = try await tab.evaluate(
                    """
                    ["[data-assent=panel]", "[data-assent=panel] [data-assent=text]", "[data-assent=panel] [data-assent=accept]",
                        "[data-assent=panel] [data-assent=refuse]"].map((each) => {
                        const box = document.querySelector(each).getBoundingClientRect();
                        return "\(locale)" === "ar" ? innerWidth - box.right : box.left;
                    })
                    """)
                starts[locale] = places.array.compactMap(\.number)
            }
            let (english, arabic) = try (#require(starts["en"]), #require(starts["ar"]))
            #expect(english.count == 4 && arabic[2] < arabic[3] && english[2] < english[3])
            for (one, other) in zip(english, arabic) { #expect(abs(one - other) <= 1) }
        }

        @Test("Its style sheets have logical properties only, and no element a style of its own")
        func logical() async throws {
            let server = try await Self.server()
            let tab = try await Self.visitor(server, "ar", at: .choosing)
            let physical = try await tab.evaluate(
                """
                (() => {
                    const side = /(^|[^-a-z])((margin|padding|border|scroll-margin|scroll-padding)-(left|right)[-a-z]*|left|right)\\s*:|(text-align|float|clear)\\s*:\\s*(left|right)/;
                    const rules = (sheet) => [...sheet.cssRules].flatMap((rule) =>
                        [...(rule.style && side.test(rule.style.cssText) ? [rule.cssText] : []),
                            ...(rule.cssRules ? rules(rule) : [])]);
                    return [...document.adoptedStyleSheets.flatMap(rules), ...[...ours(), ...ours(" *")]
                        .filter((each) => each.hasAttribute("style")).map((each) => each.outerHTML.slice(0, 80))];
                })()
                """)
            #expect(physical == [])
            let count = try await tab.evaluate(
                "document.adoptedStyleSheets.flatMap((each) => [...each.cssRules]).length")
            #expect((count.number ?? 0) > 5)
        }

        // MARK: On every page, and without scripts

        @Test(
            "On a later page the control is there at once and the panel shows what was chosen",
            arguments: [Stage.refused, .granted])
        func later(stage: Stage) async throws {
            let server = try await Self.server()
            let tab = try await Self.visitor(server, "fr", at: stage)
            try await tab.open(server.origin + "/page/ar/")
            try await tab.wait(for: "document.querySelector('[data-assent=choices]')")
            #expect(
                try await tab.evaluate("document.querySelectorAll('[data-assent=withdraw]').length")
                    == (stage == .granted ? 1 : 0))
            try await tab.click("[data-assent=choices]")
            let stored = try await tab.evaluate(
                "[...document.querySelectorAll('[data-assent=panel] [aria-pressed]')].map((each) => each.ariaPressed)")
            #expect(stored == (stage == .granted ? ["true", "false"] : ["false", "true"]))
        }

        @Test("Without scripts there is no banner and no request")
        func scriptless() async throws {
            let server = try await Self.server()
            let tab = try await newProfile()
            try await tab.allowScripts(false)
            try await tab.open(server.origin + "/page/en/")
            #expect(try await tab.evaluate("document.querySelectorAll('[data-assent]').length") == 0)
            #expect(server.received.map(\.path) == [])
            #expect(try await tab.cookies(of: server.origin) == [:])
            #expect(Set(tab.requests.map(\.path)).isSubset(of: ["/page/en", "/demo.svg", "/demo.css"]))
        }
    }
}
