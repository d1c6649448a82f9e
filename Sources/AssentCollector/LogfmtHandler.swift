internal import AssentCore
internal import Glibc
public import Logging

/// Writes each message as one line of logfmt to standard error: `time=… level=info msg="…" key=value`.
///
/// What the collector logs is about itself: it never holds an address, a URL, a token or a visitor.
public struct LogfmtHandler: LogHandler {
    /// Least level that is written.
    public var logLevel: Logger.Level
    /// Pairs that every line has.
    public var metadata: Logger.Metadata = [:]
    /// Gives further pairs for each line.
    public var metadataProvider: Logger.MetadataProvider?

    private let write: @Sendable (String) -> Void

    /// A handler for a level.
    /// - Parameter write: takes each line with its end; by default it goes to standard error, as one write.
    public init(level: Logger.Level = .info, write: (@Sendable (String) -> Void)? = nil) {
        logLevel = level
        self.write = write ?? LogfmtHandler.writeToStandardError
    }

    /// A pair that every line has.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME, &clock)
        let time = Instant(milliseconds: Int64(clock.tv_sec) * 1_000 + Int64(clock.tv_nsec) / 1_000_000)
        var line = "time=\(time.rfc3339) level=\(event.level.rawValue) msg="
        line += LogfmtHandler.value(event.message.description)
        let pairs = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(LogfmtHandler.value(value.description))"
        }
        write(line + "\n")
    }

    private static func value(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D }
        guard !isPlain else { return text }
        var json = JSONWriter(capacity: text.utf8.count + 2)
        json.string(text)
        return json.text
    }

    private static let writeToStandardError: @Sendable (String) -> Void = { line in
        let bytes = Array(line.utf8)
        // A log that cannot be written has nowhere to say so.
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
