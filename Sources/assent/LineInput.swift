import AssentCore
import Glibc

/// Reads a file or standard input in large blocks, or in chunks of whole lines.
struct LineInput: ~Copyable {
    /// Whole lines, or one line that is too long to be sent.
    struct Chunk {
        let bytes: [UInt8]
        /// Number of the first one, from 1.
        let firstLine: Int
        let isTooLong: Bool
    }

    private let file: Int32
    private let name: String
    private var rest: [UInt8] = []
    private var line = 1
    private var isAtEnd = false
    private static let blockBytes = 1 << 20

    /// - Parameter path: `-` for standard input.
    init(_ path: String) throws(Failure) {
        name = path == "-" ? "standard input" : path
        file = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure(.failed, "Cannot read \(name): \(String(cString: strerror(errno))).") }
        posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    deinit { if file != STDIN_FILENO { close(file) } }

    /// The next bytes; none at the end.
    func block() throws(Failure) -> [UInt8] {
        while true {
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: Self.blockBytes) { buffer, filled in
                count = read(file, buffer.baseAddress, buffer.count)
                filled = max(0, count)
            }
            if count >= 0 { return bytes }
            guard errno == EINTR else {
                throw Failure(.failed, "Cannot read \(name): \(String(cString: strerror(errno))).")
            }
        }
    }

    /// As many whole lines as fit; nil at the end. A line that does not fit by itself is passed over.
    mutating func chunk(bytesMax: Int) throws(Failure) -> Chunk? {
        while !isAtEnd, rest.count <= bytesMax {
            let bytes = try block()
            isAtEnd = bytes.isEmpty
            rest += bytes
        }
        guard !rest.isEmpty else { return nil }
        let newline = UInt8(ascii: "\n")
        let first = line
        let isLast = isAtEnd && rest.count <= bytesMax
        guard let end = isLast ? rest.count : rest.prefix(bytesMax).lastIndex(of: newline).map({ $0 + 1 }) else {
            try passLine()
            return Chunk(bytes: [], firstLine: first, isTooLong: true)
        }
        let bytes = Array(rest[..<end])
        rest.removeFirst(end)
        line += bytes.count { $0 == newline }
        return Chunk(bytes: bytes, firstLine: first, isTooLong: false)
    }

    private mutating func passLine() throws(Failure) {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                rest.removeFirst(end + 1)
                break
            }
            rest = try block()
            isAtEnd = rest.isEmpty
            if isAtEnd { break }
        }
        line += 1
    }
}
