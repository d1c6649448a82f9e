import Foundation
import Glibc
import Synchronization

/// A real Firefox without a window, spoken to in the Marionette protocol: over TCP, each message a JSON array behind its
/// length, one command after the other. Clicks and keys are trusted events, as those of a visitor.
public final class Firefox: Sendable {
    /// A cookie as the browser holds it.
    public struct Cookie: Sendable, Equatable {
        /// Its value.
        public let value: String
        /// The attributes that it came with, such as `HttpOnly`, in the order of the alphabet.
        public let attributes: [String]
    }

    private struct State {
        var lastCommand = 0
        var buffer = Data()
    }

    private let state = Mutex(State())
    private let socket: Int32
    private let companion: Companion
    private let folder: TemporaryDirectory
    private let queue = DispatchQueue(label: "Firefox")

    /// Nothing of its own accord: no updates, no lists, no telemetry, no probes of the network.
    private static let preferences = """
        user_pref("marionette.port", 0);
        user_pref("focusmanager.testmode", true);
        user_pref("app.normandy.enabled", false);
        user_pref("app.update.disabledForTesting", true);
        user_pref("browser.safebrowsing.downloads.remote.enabled", false);
        user_pref("browser.safebrowsing.malware.enabled", false);
        user_pref("browser.safebrowsing.phishing.enabled", false);
        user_pref("browser.safebrowsing.update.enabled", false);
        user_pref("browser.shell.checkDefaultBrowser", false);
        user_pref("browser.region.network.url", "");
        user_pref("datareporting.policy.dataSubmissionEnabled", false);
        user_pref("dom.push.connection.enabled", false);
        user_pref("extensions.update.enabled", false);
        user_pref("media.gmp-manager.updateEnabled", false);
        user_pref("network.captive-portal-service.enabled", false);
        user_pref("network.connectivity-service.enabled", false);
        user_pref("privacy.globalprivacycontrol.functionality.enabled", true);
        user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
        user_pref("toolkit.telemetry.server", "data:,");
        """

    /// Starts the program `firefox-esr` with an empty profile and hands it to the closure; afterwards it is gone.
    public static func run<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Firefox) async throws -> Value
    ) async throws -> Value {
        let browser = try await Firefox()
        defer { browser.close() }
        return try await body(browser)
    }

    private init() async throws {
        folder = try TemporaryDirectory()
        let profile = "\(folder.path)/profile"
        try FileManager.default.createDirectory(atPath: profile, withIntermediateDirectories: false)
        try Self.preferences.write(toFile: "\(profile)/user.js", atomically: true, encoding: .utf8)
        companion = try Companion(
            [
                "firefox-esr", "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile",
                profile,
            ], log: "\(folder.path)/log")
        var port: UInt16?
        try await companion.wait(for: "Firefox listens") {
            port = (try? String(contentsOfFile: "\(profile)/MarionetteActivePort", encoding: .utf8)).flatMap(
                UInt16.init)
            return port != nil
        }
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var patience = timeval(tv_sec: Int(Chromium.patience.components.seconds), tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port?.bigEndian ?? 0
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected, try state.withLock({ try read(&$0) })["marionetteProtocol"] == 3 else {
            throw BrowserError("Firefox does not speak Marionette 3")
        }
        try await send("WebDriver:NewSession", ["capabilities": [:]])
    }

    deinit { Glibc.close(socket) }

    /// Kills it with all its processes. Doing it twice is no error.
    public func close() { companion.end() }

    // MARK: Protocol

    /// Sends one command and waits for its result.
    @discardableResult private func send(_ name: String, _ parameters: JSON = [:]) async throws -> JSON {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in continuation.resume(with: Result { try exchange(name, parameters) }) }
        }
    }

    private func exchange(_ name: String, _ parameters: JSON) throws -> JSON {
        try state.withLock { state in
            state.lastCommand += 1
            let number = JSON.number(Double(state.lastCommand))
            let text = JSON.array([0, number, .string(name), parameters]).text
            var rest = Array("\(text.utf8.count):\(text)".utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { throw BrowserError("\(name): Firefox has gone") }
                rest = rest.dropFirst(count)
            }
            while true {
                let answer = try read(&state)
                guard answer[1] == number else { continue }  // of a command that took too long
                if let problem = answer[2]["message"].string { throw BrowserError("\(name): \(problem)") }
                return answer[3]
            }
        }
    }

    private func read(_ state: inout State) throws -> JSON {
        while true {
            if let colon = state.buffer.firstIndex(of: UInt8(ascii: ":")),
                let length = Int(String(decoding: state.buffer[..<colon], as: UTF8.self)),
                state.buffer.endIndex - colon - 1 >= length
            {
                let end = colon + 1 + length
                defer { state.buffer = Data(state.buffer[end...]) }
                return try JSON(Data(state.buffer[(colon + 1)..<end]))
            }
            var part = [UInt8](repeating: 0, count: 65_536)
            let count = recv(socket, &part, part.count, 0)
            guard count > 0 else { throw BrowserError(count == 0 ? "Firefox has gone" : "Firefox does not answer") }
            state.buffer.append(contentsOf: part[..<count])
        }
    }

    // MARK: Pages

    /// Opens an address and waits until it is loaded.
    public func open(_ url: String) async throws { try await send("WebDriver:Navigate", ["url": .string(url)]) }

    /// Goes back one page in the history and waits until it is shown.
    public func goBack() async throws { try await send("WebDriver:Back") }

    /// What an expression gives in the page; a promise is waited for.
    @discardableResult public func evaluate(_ expression: String) async throws -> JSON {
        try await send("WebDriver:ExecuteScript", ["script": .string("return (\(expression))"), "args": []])["value"]
    }

    /// Waits until an expression is true in the page.
    public func wait(for expression: String) async throws {
        try await companion.wait(for: expression) {
            ((try? await evaluate("Boolean(\(expression))")) ?? .null).isTruthy
        }
    }

    // MARK: Hands

    /// Scrolls the first element that matches into view and clicks its middle.
    public func click(_ selector: String) async throws {
        try await wait(for: "document.querySelector(`\(selector)`)")
        let query: JSON = ["using": "css selector", "value": .string(selector)]
        let element = try await send("WebDriver:FindElement", query)["value"]
        guard let name = element.keys.first else { throw BrowserError("no \(selector)") }
        try await send("WebDriver:ElementClick", ["id": element[name]])
    }

    /// Presses a key and lets it go.
    public func press(_ key: Tab.Key) async throws {
        let value: JSON =
            switch key {
            case .tab: "\u{E004}"
            case .enter: "\u{E007}"
            case .space: " "
            case .escape: "\u{E00C}"
            case .pageDown: "\u{E00F}"
            }
        let actions: JSON = [["type": "keyDown", "value": value], ["type": "keyUp", "value": value]]
        try await send("WebDriver:PerformActions", ["actions": [["type": "key", "id": "keys", "actions": actions]]])
    }

    // MARK: Surroundings

    /// Makes it the browser of somebody else: an empty page, no cookies, and Global Privacy Control as said.
    public func becomeNew(objecting: Bool = false) async throws {
        try await open("about:blank")
        try await send("Marionette:SetContext", ["value": "chrome"])
        try await evaluate(
            """
            (Services.cookies.removeAll(), Services.cache2.clear(),
                Services.prefs.setBoolPref("privacy.globalprivacycontrol.enabled", \(objecting)))
            """)
        try await send("Marionette:SetContext", ["value": "content"])
    }

    /// Cookies that the browser holds for the page, those that scripts cannot read included, by name.
    public func cookies() async throws -> [String: Cookie] {
        let cookies = try await send("WebDriver:GetCookies").array
        return Dictionary(
            cookies.map { cookie in
                let flags = ["httpOnly": "HttpOnly", "secure": "Secure"].filter { cookie[$0.key] == true }
                let texts = ["path": "Path", "sameSite": "SameSite"].map {
                    "\($0.value)=\(cookie[$0.key].string ?? "")"
                }
                return (
                    cookie["name"].string ?? "",
                    Cookie(value: cookie["value"].string ?? "", attributes: (flags.values + texts).sorted())
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Names of everything that the page's origin keeps in the browser, cookies aside.
    public func storage() async throws -> [JSON] { try await evaluate(Tab.storageNames).array }
}
