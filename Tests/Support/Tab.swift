public import Foundation
import Synchronization

/// One tab of a ``Chromium``: opens addresses, looks into pages, and does what a visitor's hands do.
public final class Tab: Sendable {
    /// A request that the tab made.
    public struct Request: Sendable {
        /// `GET`, `POST`.
        public let method: String
        /// The whole address.
        public let url: String
        /// Its body, where it has one that the browser tells.
        public let body: String?
        /// Its path.
        public var path: String { URL(string: url)?.path ?? "" }
    }

    private struct State {
        var requests: [Request] = []
        var problems: [String] = []
        var loads = 0
    }

    private let browser: Chromium
    private let context: JSON
    private let target: JSON
    private let session: JSON
    private let state = Mutex(State())

    init(browser: Chromium, context: JSON, target: JSON, session: JSON) async throws {
        (self.browser, self.context, self.target, self.session) = (browser, context, target, session)
        browser.listen(to: session) { [weak self] method, parameters in self?.take(method, parameters) }
        for domain in ["Page", "Runtime", "Network", "Log"] { _ = try await send("\(domain).enable") }
        _ = try await send("Emulation.setFocusEmulationEnabled", ["enabled": true])
    }

    /// Another tab of the same profile.
    public func newTab() async throws -> Tab { try await browser.newTab(in: context) }

    /// Closes the tab, as a visitor would.
    public func close() async throws { _ = try await browser.send("Target.closeTarget", ["targetId": target]) }

    private func send(_ method: String, _ parameters: JSON = [:]) async throws -> JSON {
        try await browser.send(method, parameters, session: session)
    }

    private func take(_ method: String, _ parameters: JSON) {
        state.withLock { state in
            switch method {
            case "Network.requestWillBeSent":
                let request = parameters["request"]
                state.requests.append(
                    Request(
                        method: request["method"].string ?? "", url: request["url"].string ?? "",
                        body: request["postData"].string))
            case "Runtime.exceptionThrown":
                let details = parameters["exceptionDetails"]
                state.problems.append(
                    details["exception"]["description"].string ?? details["text"].string ?? "exception")
            case "Log.entryAdded" where parameters["entry"]["level"] == "error":
                let entry = parameters["entry"]
                state.problems.append("\(entry["text"].string ?? "") \(entry["url"].string ?? "")")
            case "Page.loadEventFired": state.loads += 1
            default: break
            }
        }
    }

    /// All requests of the tab so far, in order, navigations included.
    public var requests: [Request] { state.withLock(\.requests) }

    /// Exceptions, violations of the page's policy, failed requests: what the console shows as errors.
    public var problems: [String] { state.withLock(\.problems) }

    // MARK: Pages

    /// Opens an address and waits until it is loaded.
    public func open(_ url: String) async throws {
        let before = state.withLock(\.loads)
        let failure = try await send("Page.navigate", ["url": .string(url)])["errorText"].string
        if let failure { throw BrowserError("\(url): \(failure)") }
        try await poll("\(url) is loaded") { self.state.withLock(\.loads) > before }
    }

    /// Runs a closure that makes the tab go elsewhere and waits until the page there is loaded.
    public func leaving(_ act: () async throws -> Void) async throws {
        let before = state.withLock(\.loads)
        try await act()
        try await poll("the next page is loaded") { self.state.withLock(\.loads) > before }
    }

    /// What an expression gives in the page; a promise is waited for.
    @discardableResult public func evaluate(_ expression: String) async throws -> JSON {
        let answer = try await send(
            "Runtime.evaluate",
            ["expression": .string(expression), "returnByValue": true, "awaitPromise": true])
        let details = answer["exceptionDetails"]
        guard details == .null else {
            throw BrowserError(details["exception"]["description"].string ?? "cannot evaluate \(expression)")
        }
        return answer["result"]["value"]
    }

    /// Waits until an expression is true in the page.
    public func wait(for expression: String) async throws {
        try await poll(expression) {
            // While the tab moves to another page, there is nothing to ask.
            ((try? await self.evaluate("Boolean(\(expression))")) ?? .null).isTruthy
        }
    }

    private func poll(_ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Chromium.patience
        while try await !condition() {
            guard ContinuousClock.now < deadline else {
                throw BrowserError("waited \(Chromium.patience) in vain: \(what)\n\(problems.joined(separator: "\n"))")
            }
            try await Task.sleep(for: Chromium.interval)
        }
    }

    /// Runs a script in every page of the tab before the page's own.
    public func runFirst(_ script: String) async throws {
        _ = try await send("Page.addScriptToEvaluateOnNewDocument", ["source": .string(script)])
    }

    /// Goes back one page in the tab's history and waits until it is shown.
    public func goBack() async throws { try await move(by: -1) }

    /// Goes forward one page.
    public func goForward() async throws { try await move(by: 1) }

    private func move(by step: Int) async throws {
        let history = try await send("Page.getNavigationHistory")
        let entry = history["entries"][Int(history["currentIndex"].number ?? 0) + step]
        _ = try await send("Page.navigateToHistoryEntry", ["entryId": entry["id"]])
        let url = entry["url"].string ?? ""
        try await wait(for: "location.href === '\(url)' && document.readyState === 'complete'")
    }

    /// Brings the tab to the front, so that it is visible and the others of its window are not.
    public func bringToFront() async throws { _ = try await send("Page.bringToFront") }

    // MARK: Hands

    /// Scrolls the first element that matches into view and clicks its middle: a trusted click of the left button.
    public func click(_ selector: String) async throws {
        try await wait(for: "document.querySelector(\(quoted(selector)))")
        let point = try await evaluate(
            """
            (() => {
                const element = document.querySelector(\(quoted(selector)));
                element.scrollIntoView({ block: "center", behavior: "instant" });
                const box = element.getClientRects()[0];
                if (!box) return "has no box";
                const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                const top = document.elementFromPoint(x, y);
                return element.contains(top) ? [x, y] : `lies under ${top && top.outerHTML.slice(0, 120)}`;
            })()
            """)
        if let problem = point.string { throw BrowserError("\(selector) \(problem)") }
        try await clickAt(point[0], point[1])
    }

    private func clickAt(_ x: JSON, _ y: JSON) async throws {
        for (type, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] as [(JSON, JSON)] {
            let button: JSON = type == "mouseMoved" ? "none" : "left"
            _ = try await send(
                "Input.dispatchMouseEvent",
                ["type": type, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1])
        }
    }

    /// Keys that tests press.
    public enum Key: String, Sendable {
        /// Named as in `KeyboardEvent.key`.
        case tab = "Tab", enter = "Enter", space = " ", escape = "Escape", pageDown = "PageDown"

        var code: (name: JSON, number: JSON, text: JSON) {
            switch self {
            case .tab: ("Tab", 9, "")
            case .enter: ("Enter", 13, "\r")
            case .space: ("Space", 32, " ")
            case .escape: ("Escape", 27, "")
            case .pageDown: ("PageDown", 34, "")
            }
        }
    }

    /// Presses a key and lets it go: trusted events.
    public func press(_ key: Key, shift: Bool = false) async throws {
        let code = key.code
        for type in [code.text == "" ? "rawKeyDown" : "keyDown", "keyUp"] as [JSON] {
            _ = try await send(
                "Input.dispatchKeyEvent",
                [
                    "type": type, "key": .string(key.rawValue), "code": code.name, "text": code.text,
                    "windowsVirtualKeyCode": code.number, "modifiers": shift ? 8 : 0,
                ])
        }
    }

    // MARK: Surroundings

    /// Lets no page run scripts of its own any more, as a visitor may have it set.
    public func disableScripts() async throws {
        _ = try await send("Emulation.setScriptExecutionDisabled", ["value": true])
    }

    /// Gives the page a size in CSS pixels, and answers to media queries, such as `["prefers-color-scheme": "dark"]`.
    public func emulate(
        width: Int, height: Int, media: [String: String] = [:], onPaper isPrinted: Bool = false
    ) async throws {
        _ = try await send(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .number(Double(width)), "height": .number(Double(height)), "deviceScaleFactor": 1,
                "mobile": false,
            ])
        let features = media.sorted(by: <).map { JSON.object(["name": .string($0.key), "value": .string($0.value)]) }
        _ = try await send(
            "Emulation.setEmulatedMedia",
            [
                "features": .array(features), "media": isPrinted ? "print" : "screen",
            ])
    }

    /// Cookies that the profile holds for an address, those that scripts cannot read included: name to value.
    public func cookies(of url: String) async throws -> [String: String] {
        Dictionary(
            try await cookieDetails(of: url).map { ($0["name"].string ?? "", $0["value"].string ?? "") },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The same with all that the browser knows of them: `domain`, `path`, `expires`, `httpOnly`, `secure`, `sameSite`.
    public func cookieDetails(of url: String) async throws -> [JSON] {
        try await send("Network.getCookies", ["urls": [.string(url)]])["cookies"].array
    }

    /// Takes certificates that a test made for itself.
    public func trustAnyCertificate() async throws {
        _ = try await send("Security.setIgnoreCertificateErrors", ["ignore": true])
    }

    /// What assistive technology is told of an element and all that is in it, in order: `button Accept`. Texts without a
    /// role of their own are left out.
    public func spoken(_ selector: String) async throws -> [String] {
        let root = try await send(
            "Runtime.evaluate", ["expression": .string("document.querySelector(\(quoted(selector)))")])
        let nodes = try await send(
            "Accessibility.queryAXTree", ["objectId": root["result"]["objectId"]])["nodes"].array
        return nodes.compactMap { node in
            guard let role = node["role"]["value"].string, node["ignored"] != true,
                !["StaticText", "InlineTextBox", "generic", "none"].contains(role)
            else { return nil }
            return "\(role) \(node["name"]["value"].string ?? "")"
        }
    }

    /// Names of everything that the page's origin keeps in the browser, cookies aside.
    public func storage() async throws -> [JSON] { try await evaluate(Self.storageNames).array }

    static let storageNames = """
        (async () => [...Object.keys(localStorage), ...Object.keys(sessionStorage),
            ...(await indexedDB.databases()).map((each) => each.name), ...(await caches.keys()),
            ...(await navigator.serviceWorker.getRegistrations()).map((each) => each.scope)])()
        """

    /// Lets pages run their scripts, or not. What a test evaluates runs all the same.
    public func allowScripts(_ isAllowed: Bool) async throws {
        _ = try await send("Emulation.setScriptExecutionDisabled", ["value": .bool(!isAllowed)])
    }

    /// A picture of what is seen, as PNG.
    public func screenshot() async throws -> Data {
        let text = try await send("Page.captureScreenshot")["data"].string ?? ""
        return Data(base64Encoded: text) ?? Data()
    }

    /// The page on paper, as PDF.
    public func pdf() async throws -> Data {
        let text = try await send("Page.printToPDF", ["printBackground": true])["data"].string ?? ""
        return Data(base64Encoded: text) ?? Data()
    }

    private func quoted(_ text: String) -> String {
        "\"\(text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\""))\""
    }
}
