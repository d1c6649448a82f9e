import Foundation
import Glibc
import Synchronization

/// Why a browser did not do what a test asked of it.
public struct BrowserError: Error, CustomStringConvertible {
    /// What failed.
    public let description: String
    init(_ description: String) { self.description = description }
}

/// A real Chromium without a window, spoken to over two pipes in the DevTools protocol.
///
/// It dies with ``close()``, and with the process that started it: then its pipe ends. `Chromium.run` is the way to be
/// sure of the first.
public final class Chromium: Sendable {
    /// How long the browser may take for one command, and a page to become what a test waits for.
    public static let patience: Duration = .seconds(30)
    /// How often a page is asked whether it has become so.
    public static let interval: Duration = .milliseconds(25)
    /// What it says it is: its own User-Agent names a headless browser, which is refused as a machine.
    public static let userAgent =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

    private struct Waiting {
        let method: String
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<JSON, any Error>
    }

    private struct State {
        var lastCommand = 0
        var waiting: [Int: Waiting] = [:]
        var listeners: [String: @Sendable (String, JSON) -> Void] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())
    private let process: pid_t
    private let channel: Int32
    private let folder: TemporaryDirectory

    /// Starts the program `chromium` with an empty profile and hands it to the closure; afterwards it is gone.
    public static func run<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Chromium) async throws -> Value
    ) async throws -> Value {
        let browser = try Chromium()
        defer { browser.close() }
        return try await body(browser)
    }

    /// Starts the program `chromium` with an empty profile.
    public init() throws {
        folder = try TemporaryDirectory()
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw BrowserError("no pair of sockets: \(errno)")
        }
        defer { Glibc.close(pair[1]) }
        channel = pair[0]
        process = try Self.spawn(
            [
                "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
                "--no-default-browser-check", "--mute-audio", "--hide-scrollbars", "--user-agent=\(Self.userAgent)",
                "--host-resolver-rules=MAP *.example.org 127.0.0.1", "--user-data-dir=\(folder.path)/profile",
                "--remote-debugging-pipe", "--window-size=1280,900",
            ], speaking: pair[1], log: "\(folder.path)/log")
        Thread.detachNewThread { [self] in read() }
    }

    /// Starts a program of the path in a process group of its own, with the socket as its descriptors 3 and 4.
    private static func spawn(_ arguments: [String], speaking socket: Int32, log: String) throws -> pid_t {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&files, 1, 2)
        // Out of the way first: the socket itself may be 3 or 4.
        let spare = fcntl(socket, F_DUPFD_CLOEXEC, 10)
        defer { Glibc.close(spare) }
        posix_spawn_file_actions_adddup2(&files, spare, 3)
        posix_spawn_file_actions_adddup2(&files, spare, 4)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        let failure = posix_spawnp(&process, arguments[0], &files, &attributes, words, environ)
        guard failure == 0 else {
            throw BrowserError("cannot start \(arguments[0]): \(String(cString: strerror(failure)))")
        }
        return process
    }

    deinit { close() }

    /// Kills it with all its processes and removes its profile. Doing it twice is no error.
    public func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        kill(-process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        shutdown(channel, Int32(SHUT_RDWR))
    }

    /// A new profile with one empty tab: no cookies, no storage, no cache, and nothing shared with another.
    public func newProfile() async throws -> Tab {
        let context = try await send("Target.createBrowserContext")["browserContextId"]
        return try await newTab(in: context)
    }

    func newTab(in context: JSON) async throws -> Tab {
        let target = try await send(
            "Target.createTarget", ["url": "about:blank", "browserContextId": context, "newWindow": true])["targetId"]
        let session = try await send("Target.attachToTarget", ["targetId": target, "flatten": true])["sessionId"]
        return try await Tab(browser: self, context: context, target: target, session: session)
    }

    // MARK: Protocol

    /// Sends one command and waits for its result.
    func send(_ method: String, _ parameters: JSON = [:], session: JSON = .null) async throws -> JSON {
        try await withCheckedThrowingContinuation { continuation in
            let id: Int? = state.withLock { state in
                guard !state.isClosed else { return nil }
                state.lastCommand += 1
                state.waiting[state.lastCommand] = Waiting(
                    method: method, deadline: .now + Self.patience, continuation: continuation)
                return state.lastCommand
            }
            guard let id else { return continuation.resume(throwing: BrowserError("\(method): the browser is closed")) }
            var message: [String: JSON] = ["id": .number(Double(id)), "method": .string(method), "params": parameters]
            if session != .null { message["sessionId"] = session }
            do {
                try write(Array(JSON.object(message).text.utf8) + [0])
            } catch {
                settle(id, .failure(error))
            }
        }
    }

    /// Calls the closure with each event of a session.
    func listen(to session: JSON, _ listener: @escaping @Sendable (String, JSON) -> Void) {
        state.withLock { $0.listeners[session.string ?? ""] = listener }
    }

    private func write(_ message: [UInt8]) throws {
        try state.withLock { _ in  // one message after the other
            var rest = message[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(channel, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw BrowserError("the browser has gone") }
                rest = rest.dropFirst(count)
            }
        }
    }

    private func settle(_ id: Int, _ result: Result<JSON, any Error>) {
        state.withLock { $0.waiting.removeValue(forKey: id) }?.continuation.resume(with: result)
    }

    /// Reads messages, each ended by a zero byte, until the browser goes; ends commands that take too long.
    private func read() {
        var buffer = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var poller = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, 250) > 0 else {
                expire(before: .now, "took more than \(Self.patience)")
                if state.withLock({ $0.isClosed }) { break }
                continue
            }
            let count = recv(channel, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            buffer += chunk[..<count]
            while let end = buffer.firstIndex(of: 0) {
                if let message = try? JSON(Data(buffer[..<end])) { take(message) }
                buffer = Data(buffer[(end + 1)...])
            }
        }
        expire(before: nil, "the browser has gone")
        Glibc.close(channel)
    }

    private func take(_ message: JSON) {
        guard let number = message["id"].number else {
            let listener = state.withLock { $0.listeners[message["sessionId"].string ?? ""] }
            listener?(message["method"].string ?? "", message["params"])
            return
        }
        let id = Int(number)
        if let problem = message["error"]["message"].string {
            let method = state.withLock { $0.waiting[id]?.method } ?? ""
            settle(id, .failure(BrowserError("\(method): \(problem)")))
        } else {
            settle(id, .success(message["result"]))
        }
    }

    private func expire(before now: ContinuousClock.Instant?, _ reason: String) {
        let late = state.withLock { state in
            let ids = state.waiting.filter { now == nil || $0.value.deadline < now! }.keys
            return ids.compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for each in late { each.continuation.resume(throwing: BrowserError("\(each.method): \(reason)")) }
    }
}
