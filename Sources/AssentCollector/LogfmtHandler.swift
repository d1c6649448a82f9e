public import AssentCore
internal import Glibc
public import Logging
internal import Synchronization

/// Writes each message as one line of logfmt to standard error: `time=… level=info msg="…" key=value`.
///
/// What the collector logs is about itself: it never holds an address, a URL, a token or a visitor. A message that comes
/// again is written once in ``Limits/logRepeatMilliseconds``, then with how often it was not (`repeated=12`), so that a
/// disk that is full is not filled further by saying so.
public struct LogfmtHandler: LogHandler {
    /// Least level that is written.
    public var logLevel: Logger.Level
    /// Pairs that every line has.
    public var metadata: Logger.Metadata = [:]
    /// Gives further pairs for each line.
    public var metadataProvider: Logger.MetadataProvider?

    private let write: @Sendable (String) -> Void
    private let now: @Sendable () -> Instant
    /// Shared by all copies of the handler.
    private let repeats = Repeats()

    /// A handler for a level.
    /// - Parameters:
    ///   - now: the clock; by default that of the system.
    ///   - write: takes each line with its end; by default it goes to standard error, as one write.
    public init(
        level: Logger.Level = .info, now: (@Sendable () -> Instant)? = nil, write: (@Sendable (String) -> Void)? = nil
    ) {
        logLevel = level
        self.now = now ?? LogfmtHandler.systemTime
        self.write = write ?? LogfmtHandler.writeToStandardError
    }

    /// A pair that every line has.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        var line = "level=\(event.level.rawValue) msg="
        line += LogfmtHandler.value(event.message.description)
        let pairs = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(LogfmtHandler.value(value.description))"
        }
        let time = now()
        guard let left = repeats.left(line, at: time) else { return }
        write("time=\(time.rfc3339) \(line)\(left > 0 ? " repeated=\(left)" : "")\n")
    }

    private static func value(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D }
        guard !isPlain else { return text }
        var json = JSONWriter(capacity: text.utf8.count + 2)
        json.string(text)
        return json.text
    }

    @Sendable private static func systemTime() -> Instant {
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME, &clock)
        return Instant(milliseconds: Int64(clock.tv_sec) * 1_000 + Int64(clock.tv_nsec) / 1_000_000)
    }

    private static let writeToStandardError: @Sendable (String) -> Void = { line in
        let bytes = Array(line.utf8)
        // A log that cannot be written has nowhere to say so.
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}

/// Which messages were written lately.
private final class Repeats: Sendable {
    private let messages = Mutex<[String: (written: Instant, left: Int)]>([:])

    /// How often a message was left out since it was written last; nil if it is to be left out now.
    func left(_ message: String, at now: Instant) -> Int? {
        messages.withLock { messages in
            if let known = messages[message] {
                let age = now.milliseconds - known.written.milliseconds
                if (0..<Limits.logRepeatMilliseconds).contains(age) {
                    messages[message]?.left += 1
                    return nil
                }
            } else if messages.count >= Limits.logMessagesMax {
                messages.removeAll()
            }
            let left = messages[message]?.left ?? 0
            messages[message] = (now, 0)
            return left
        }
    }
}
