import Foundation
import Glibc
import Synchronization

/// A program that runs beside a test, with all that it starts, in a process group of its own.
///
/// It ends with ``end()``, and with the process that started it: a shell in the group waits for the end of a
/// connection that only this process holds.
public final class Companion: Sendable {
    private let group: pid_t
    private let connection: Mutex<Int32?>
    private let log: String

    /// Starts a program of the path.
    /// - Parameters:
    ///   - arguments: its name and arguments.
    ///   - log: path of a file for what it says.
    public init(_ arguments: [String], log: String) throws {
        self.log = log
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw BrowserError("no pair of sockets: \(errno)")
        }
        defer { close(ends[0]) }
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_adddup2(&files, ends[0], 0)
        posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&files, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        let script = #""$@" < /dev/null & cat > /dev/null; kill -KILL 0"#
        let words = (["sh", "-c", script, "sh"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        let failure = posix_spawn(&process, "/bin/sh", &files, &attributes, words, environ)
        guard failure == 0 else {
            close(ends[1])
            throw BrowserError("cannot start \(arguments[0]): \(String(cString: strerror(failure)))")
        }
        group = process
        connection = Mutex(ends[1])
    }

    deinit { end() }

    /// Kills it with all its processes. Doing it twice is no error.
    public func end() {
        guard let connection = connection.withLock({ $0.take() }) else { return }
        kill(-group, SIGKILL)
        var status: Int32 = 0
        waitpid(group, &status, 0)
        close(connection)
    }

    /// Waits until a condition holds; an error, with the end of what the program said, if it takes too long.
    public func wait(for what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Chromium.patience
        while try await !condition() {
            guard ContinuousClock.now < deadline else {
                let said = (try? String(contentsOfFile: log, encoding: .utf8))?.suffix(1000) ?? ""
                throw BrowserError("waited \(Chromium.patience) in vain: \(what)\n\(said)")
            }
            try await Task.sleep(for: Chromium.interval)
        }
    }
}
