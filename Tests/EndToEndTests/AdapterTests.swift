import Support
import Testing

extension EndToEnd {
    /// Consent that another banner collected, against an imitation of its interface in the states that a page can find it
    /// in. What it says counts with evidence of an act, and each trap stores nothing and sends nothing.
    @Suite(.timeLimit(.minutes(10))) struct AdapterTests {
        /// What a page with an adapter comes to.
        enum Outcome: Sendable {
            /// The consent is recorded and the page is counted.
            case granted
            /// A no that was clicked: one request that tallies it.
            case refused
            /// No request; with this reason.
            case nothing(String?)
        }

        /// Another banner in a state, as JavaScript that runs before the page, and what a click in it changes.
        struct Case: Sendable, CustomTestStringConvertible {
            var adapter: String
            var state: String
            var does: String
            var click: String?
            var outcome: Outcome

            init(_ adapter: String, _ state: String, _ does: String, click: String? = nil, _ outcome: Outcome) {
                (self.adapter, self.state, self.does, self.click, self.outcome) = (adapter, state, does, click, outcome)
            }

            var testDescription: String { "\(adapter): \(state)" }
        }

        private static let orestbida = """
            CookieConsent = { valid: false, accepted: [], validConsent() { return this.valid },
                acceptedCategory(name) { return this.accepted.includes(name) }, showPreferences() { opened = true } };
            """
        private static let klaro = """
            manager = { confirmed: false, consents: {}, watchers: [], getConsent(name) { return this.consents[name] || false },
                watch(watcher) { this.watchers.push(watcher) },
                tell(name) { for (const each of this.watchers) each.update(this, name, {}) } };
            klaro = { getManager: () => manager, show() { opened = true } };
            """
        private static let cookieYes = """
            cky = { activeLaw: "gdpr", isUserActionCompleted: false, categories: { analytics: false } };
            getCkyConsent = () => cky; revisitCkyConsent = () => { opened = true };
            """
        private static let tcf = """
            listeners = []; tcData = { gdprApplies: true, isServiceSpecific: true, eventStatus: "cmpuishown",
                purpose: { consents: {}, legitimateInterests: { 1: true, 8: true } },
                publisher: { consents: {}, legitimateInterests: {} } };
            tell = () => { for (const each of listeners) each({ ...tcData, listenerId: 1 }, true) };
            __tcfapi = (command, version, callback) => {
                if (command !== "addEventListener" || version !== 2) return;
                listeners.push(callback); callback({ ...tcData, listenerId: 1 }, true);
            };
            """
        private static let consentMode = "dataLayer = []; gtag = function () { dataLayer.push(arguments) };"
        private static let cookiebot = """
            Cookiebot = { hasResponse: false, consent: { statistics: false, method: null }, renew() { opened = true } };
            """
        private static let oneTrust = """
            groups = (text, more) => keep("OptanonConsent", `isGpcEnabled=0&interactionCount=1&groups=${
                encodeURIComponent(text)}&AwaitingReconsent=${more}`);
            OneTrust = { ToggleInfoDisplay() { opened = true } };
            """
        private static let usercentrics = """
            say = (type, given) => window.dispatchEvent(new CustomEvent("ucEvent",
                { detail: { event: "consent_status", action: "onInitialPageLoad", type, Assent: given } }));
            """
        private static let usercentrics3 = """
            details = { consent: { type: "IMPLICIT" }, services: { abc: { name: "Assent", consent: { given: true } } } };
            __ucCmp = { getConsentDetails: async () => details, showSecondLayer() { opened = true } };
            """
        private static let didomi = """
            Didomi = { required: true, open: true, enabled: false, isConsentRequired() { return this.required },
                shouldConsentBeCollected() { return this.open }, preferences: { show() { opened = true } },
                getCurrentUserStatus() { return { purposes: Object.fromEntries(
                    ["cookies", "measure_content_performance"].map((id) => [id, { id, enabled: this.enabled }])) } } };
            """

        static let cases: [Case] = [
            .init(
                "cookieconsent", "accepted earlier",
                orestbida + "CookieConsent.valid = true; CookieConsent.accepted = ['analytics']", .granted),
            .init(
                "cookieconsent", "opt-out mode before an act", orestbida + "CookieConsent.accepted = ['analytics']",
                .nothing("implied")),
            .init(
                "cookieconsent", "accepted now", orestbida,
                click: "CookieConsent.valid = true; CookieConsent.accepted = ['analytics']", .granted),
            .init("cookieconsent", "refused now", orestbida, click: "CookieConsent.valid = true", .refused),
            .init(
                "klaro", "saved earlier", klaro + "manager.confirmed = true; manager.consents.assent = true", .granted),
            .init("klaro", "on by default", klaro + "manager.consents.assent = true", .nothing("implied")),
            .init(
                "klaro", "a draft that is not saved", klaro + "manager.confirmed = true",
                click: "manager.consents.assent = true; manager.tell('consents')", .nothing(nil)),
            .init(
                "klaro", "saved now", klaro,
                click: "manager.consents.assent = manager.confirmed = true; manager.tell('saveConsents')", .granted),
            .init(
                "wp", "allowed earlier", "wp_consent_type = 'optin'; keep('wp_consent_statistics', 'allow')", .granted),
            .init(
                "wp", "no type set", "wp_has_consent = () => true; keep('wp_consent_statistics', 'allow')",
                .nothing("no_cmp")),
            .init(
                "wp", "opt-out", "wp_consent_type = 'optout'; keep('wp_consent_statistics', 'allow')",
                .nothing("implied")),
            .init(
                "wp", "anonymous statistics only",
                "wp_consent_type = 'optin'; keep('wp_consent_statistics-anonymous', 'allow')", .nothing("implied")),
            .init(
                "wp", "allowed now", "wp_consent_type = 'optin'", click: "keep('wp_consent_statistics', 'allow')",
                .granted),
            .init(
                "cookieyes", "accepted earlier",
                cookieYes + """
                    cky.isUserActionCompleted = cky.categories.analytics = true;
                    keep("cookieyes-consent", "consentid:eA==,consent:yes,action:yes,necessary:yes,analytics:yes")
                    """, .granted),
            .init(
                "cookieyes", "defaults at load",
                cookieYes + """
                    cky.categories.analytics = true; keep("cookieyes-consent", "consentid:eA==,consent:no,action:,analytics:yes");
                    document.dispatchEvent(new CustomEvent("cookieyes_consent_update", { detail: { accepted: ["analytics"] } }))
                    """, .nothing("implied")),
            .init(
                "cookieyes", "closed by the X", cookieYes + "cky.categories.analytics = true",
                click: """
                    cky.isUserActionCompleted = true; keep("cookieyes-consent", "consent:no,action:yes,analytics:yes")
                    """, .refused),
            .init(
                "cookieyes", "law of California",
                cookieYes + """
                    cky.activeLaw = "ccpa"; cky.isUserActionCompleted = cky.categories.analytics = true;
                    keep("cookieyes-consent", "consent:yes,action:yes,analytics:yes")
                    """, .nothing("implied")),
            .init(
                "complianz", "allowed earlier",
                "complianz = { consenttype: 'optin' }; keep('cmplz_statistics', 'allow')", .granted),
            .init(
                "complianz", "a bot's consent", "complianz = { consenttype: 'optin' }; cmplz_has_consent = () => true",
                .nothing("implied")),
            .init(
                "complianz", "another region",
                "complianz = { consenttype: 'other' }; keep('cmplz_statistics', 'allow')", .nothing("implied")),
            .init(
                "complianz", "opt-out", "complianz = { consenttype: 'optout' }; keep('cmplz_statistics', 'allow')",
                .nothing("implied")),
            .init(
                "tcf", "a valid string",
                tcf + "tcData.eventStatus = 'tcloaded'; tcData.purpose.consents = { 1: true, 8: true }", .granted),
            .init(
                "tcf", "the publisher's own no",
                tcf + """
                    tcData.eventStatus = "tcloaded"; tcData.purpose.consents = { 1: true, 8: true };
                    tcData.publisher.consents = { 1: true, 8: false }
                    """, .nothing(nil)),
            .init(
                "tcf", "the dialogue is up", tcf + "tcData.purpose.consents = { 1: true, 8: true }", .nothing("implied")
            ),
            .init("tcf", "legitimate interest", tcf + "tcData.eventStatus = 'tcloaded'", .nothing(nil)),
            .init(
                "tcf", "outside the GDPR", tcf + "tcData = { gdprApplies: false, eventStatus: 'tcloaded' }",
                .nothing("implied")),
            .init(
                "tcf", "not service-specific",
                tcf + """
                    Object.assign(tcData, { eventStatus: "tcloaded", isServiceSpecific: false, purpose: { consents: { 1: true, 8: true } } })
                    """, .nothing("implied")),
            .init("tcf", "the stub only", "__tcfapi = () => {}", .nothing("no_cmp")),
            .init(
                "tcf", "accepted now", tcf,
                click: """
                    tcData.eventStatus = "useractioncomplete"; tcData.purpose.consents = { 1: true, 8: true }; tell()
                    """, .granted),
            .init(
                "consent-mode", "granted by default",
                consentMode + "gtag('consent', 'default', { analytics_storage: 'granted', region: ['US'] })",
                .nothing("implied")),
            .init(
                "consent-mode", "updated now",
                consentMode + "gtag('consent', 'default', { analytics_storage: 'denied' })",
                click: "gtag('consent', 'update', { analytics_storage: 'granted' })", .granted),
            .init(
                "consent-mode", "updated twice",
                consentMode + """
                    gtag("consent", "update", { analytics_storage: "granted" }); gtag("consent", "update", { analytics_storage: "denied" })
                    """, .nothing(nil)),
            .init(
                "cookiebot", "explicit",
                cookiebot
                    + "Cookiebot.hasResponse = true; Cookiebot.consent = { statistics: true, method: 'explicit' }",
                .granted),
            .init(
                "cookiebot", "implied",
                cookiebot + "Cookiebot.hasResponse = true; Cookiebot.consent = { statistics: true, method: 'implied' }",
                .nothing("implied")),
            .init(
                "cookiebot", "no method",
                cookiebot + "Cookiebot.hasResponse = true; Cookiebot.consent = { statistics: true }",
                .nothing("implied")),
            .init(
                "cookiebot", "a region without a question",
                cookiebot + """
                    Cookiebot.hasResponse = true; Cookiebot.consent = { statistics: true, method: "explicit" };
                    keep("CookieConsent", "{stamp:%27-1%27%2Cnecessary:true%2Cstatistics:true%2Cmethod:%27explicit%27}")
                    """, .nothing("implied")),
            .init(
                "onetrust", "accepted earlier",
                oneTrust
                    + "groups('C0001:1,C0002:1', false); keep('OptanonAlertBoxClosed', '2026-11-01T10:00:00.000Z')",
                .granted),
            .init("onetrust", "on by default", oneTrust + "groups('C0001:1,C0002:1', false)", .nothing("implied")),
            .init(
                "onetrust", "waits to be asked again",
                oneTrust + "groups('C0001:1,C0002:1', true); keep('OptanonAlertBoxClosed', '2025-11-01T10:00:00.000Z')",
                .nothing("implied")),
            .init(
                "onetrust", "refused now", oneTrust + "groups('C0001:1,C0002:0', false)",
                click: "keep('OptanonAlertBoxClosed', '2026-11-24T10:00:00.000Z')", .refused),
            .init(
                "usercentrics", "implicit", usercentrics + "setTimeout(() => say('implicit', true), 900)",
                .nothing("implied")),
            .init(
                "usercentrics", "mixed", usercentrics + "setTimeout(() => say('EXPLICIT', null), 900)",
                .nothing("implied")),
            .init("usercentrics", "explicit now", usercentrics, click: "say('explicit', true)", .granted),
            .init(
                "usercentrics", "explicit in version 3", usercentrics3 + "details.consent.type = 'EXPLICIT'", .granted),
            .init("usercentrics", "implicit in version 3", usercentrics3, .nothing("implied")),
            .init("didomi", "accepted earlier", didomi + "Didomi.open = false; Didomi.enabled = true", .granted),
            .init(
                "didomi", "no consent required",
                didomi + "Didomi.required = Didomi.open = false; Didomi.enabled = true", .nothing("implied")),
            .init("didomi", "not asked yet", didomi + "Didomi.enabled = true", .nothing("implied")),
            .init("cookie-law-info", "its yes", "keep('viewed_cookie_policy', 'yes')", .nothing("unproven")),
            .init("soledad", "its yes", "keep('penci_law_footer', '1')", .nothing("unproven")),
            .init("anything", "a name that is none", "", .nothing("unproven")),
        ]

        /// A page with an adapter and the other banner. A click on the heading is one in that banner.
        private static func open(_ state: String, of adapter: String, click: String? = nil) async throws -> (
            PageServer, Tab
        ) {
            let server = try await PageServer.start(pages: ["/other/": ScriptTests.page("data-consent=\"\(adapter)\"")])
            let tab = try await newProfile()
            try await tab.runFirst(
                """
                keep = (name, value) => document.cookie = `${name}=${value}; path=/`;
                \(state);
                document.addEventListener("click", (event) => { if (event.target.localName === "h1") { \(click ?? "") } });
                """)
            try await tab.open(server.origin + "/other/")
            try await tab.wait(for: "window.assent")
            return (server, tab)
        }

        @Test("What it says counts only with evidence of an act", arguments: cases)
        func states(each: Case) async throws {
            let (server, tab) = try await Self.open(each.does, of: each.adapter, click: each.click)
            if each.click != nil {
                try await tab.wait(for: "performance.now() > 1300")
                #expect(server.received.map(\.path) == [])
                try await tab.click("h1")
            }
            switch each.outcome {
            case .granted:
                try await server.wait(for: "the pageview") { $0.count == 2 }
                #expect(server.received.map(\.path) == ["/v1/consent", "/v1/events"])
                #expect(server.received[0].body["choice"] == "granted")
                #expect(server.received[0].body["source"] == .string("cmp:\(each.adapter)"))
                #expect(server.received[0].body["act"] == "click")
                #expect(try await tab.evaluate("assent.status().choice") == "granted")
            case .refused:
                try await server.wait(for: "the tally") { $0.count == 1 }
                #expect(server.received[0].body["choice"] == "refused")
            case .nothing(let reason):
                let then = try await tab.evaluate("performance.now()").number ?? 0
                try await tab.wait(for: "performance.now() > \(then + 1700)")
                #expect(server.received.map(\.path) == [])
                #expect(try await tab.evaluate("assent.status().reason") == (reason.map { .string($0) } ?? .null))
                #expect(try await tab.cookies(of: server.origin)["assent_choice"] == nil)
            }
            #expect(try await tab.evaluate("document.querySelectorAll('[data-assent]').length") == 0)
            #expect(try await tab.storage() == [])
            #expect(tab.problems == [])
        }

        @Test(
            "A grant taken back there is a withdrawal here; its stored yes brings nothing back, a new act on a later page does"
        )
        func takenBack() async throws {
            let click = "CookieConsent.accepted = CookieConsent.accepted.length ? [] : ['analytics']"
            let state = Self.orestbida + "CookieConsent.valid = true; CookieConsent.accepted = ['analytics']"
            let (server, tab) = try await Self.open(state, of: "cookieconsent", click: click)
            try await server.wait(for: "the pageview") { $0.count == 2 }
            try await tab.click("h1")
            try await server.wait(for: "the withdrawal") { $0.last?.path == "/v1/withdraw" }
            try await tab.open(server.origin + "/other/")
            try await tab.wait(for: "performance.now() > 2000")
            #expect(server.received.count == 3)
            #expect(try await tab.evaluate("assent.status().choice") == "refused")
            try await tab.click("h1")
            try await tab.wait(for: "(then = window.then || performance.now()) + 1200 < performance.now()")
            #expect(server.received.count == 3)
            try await tab.click("h1")
            try await server.wait(for: "the consent and the pageview") { $0.count == 5 }
            #expect(server.received[3].body["choice"] == "granted")
        }

        @Test("The other banner may come late; its settings are the choices; the keyboard is a key")
        func late() async throws {
            let state = "setTimeout(() => { \(Self.didomi) }, 3000)"
            let (server, tab) = try await Self.open(state, of: "didomi")
            #expect(try await tab.evaluate("assent.status().choice") == "unknown")
            try await tab.wait(for: "window.Didomi")
            try await tab.evaluate("assent.openChoices()")
            #expect(try await tab.evaluate("opened") == true)
            try await tab.wait(for: "assent.status().reason === 'implied'")
            try await tab.evaluate(
                "document.addEventListener('keydown', () => { Didomi.open = false; Didomi.enabled = true })")
            try await tab.press(.tab)
            try await server.wait(for: "the consent") { !$0.isEmpty }
            #expect(server.received[0].body["act"] == "key")
        }

        @Test("A browser that objects is not counted for a stored yes, but for a new one", arguments: ["gpc", "dnt"])
        func objection(signal: String) async throws {
            let (name, value) = signal == "gpc" ? ("globalPrivacyControl", "true") : ("doNotTrack", "'1'")
            let state = """
                Object.defineProperty(Navigator.prototype, "\(name)", { get: () => \(value) });
                \(Self.klaro) manager.confirmed = manager.consents.assent = true;
                """
            let click = """
                manager.consents.assent = !manager.consents.assent; manager.tell("saveConsents");
                """
            let (server, tab) = try await Self.open(state, of: "klaro", click: click)
            try await tab.wait(for: "performance.now() > 1800")
            #expect(server.received.map(\.path) == [])
            #expect(try await tab.evaluate("assent.status().reason") == .string(signal))
            try await tab.click("h1")
            try await tab.wait(for: "(then = window.then || performance.now()) + 1200 < performance.now()")
            try await tab.click("h1")
            try await server.wait(for: "the consent and the pageview") { $0.count == 2 }
        }

        @Test("All keys of a list must be granted")
        func keys() async throws {
            let server = try await PageServer.start(pages: [
                "/other/": ScriptTests.page("data-consent=\"cookieconsent\" data-consent-key=\"analytics, audience\"")
            ])
            let tab = try await newProfile()
            try await tab.runFirst(
                Self.orestbida + "CookieConsent.valid = true; CookieConsent.accepted = ['analytics']")
            try await tab.open(server.origin + "/other/")
            try await tab.wait(for: "performance.now() > 1700")
            #expect(server.received.map(\.path) == [])
            try await tab.evaluate("CookieConsent.accepted.push('audience')")
            try await server.wait(for: "the consent") { !$0.isEmpty }
        }
    }
}
