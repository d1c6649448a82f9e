import Glibc

/// Writes a result in pieces: to standard output, or to a file that appears whole or not at all.
struct FileWriter: ~Copyable {
    private let file: Int32
    private let name: String
    /// Where the file goes when it is whole, and what it is called until then; nil for what is written in place.
    private let paths: (final: String, temporary: String)?
    private var buffer: [UInt8] = []
    private static let bufferBytes = 1 << 16

    /// Standard output.
    init() {
        file = STDOUT_FILENO
        name = "standard output"
        paths = nil
        buffer.reserveCapacity(Self.bufferBytes)
    }

    /// A file. What stands there stays until ``finish()``. Devices and pipes are written in place.
    init(path: String) throws(Failure) {
        name = path
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            paths = nil
            file = open(path, O_WRONLY | O_CLOEXEC)
        } else {
            // A link stays a link: the file that it leads to is replaced.
            let final = realpath(path, nil).map { resolved in
                defer { free(resolved) }
                return String(cString: resolved)
            }
            let paths = (final: final ?? path, temporary: "\(final ?? path).\(getpid()).new")
            self.paths = paths
            file = open(paths.temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        }
        guard file >= 0 else { throw Failure(.failed, "Cannot write \(path): \(String(cString: strerror(errno))).") }
        buffer.reserveCapacity(Self.bufferBytes)
    }

    deinit {
        guard let paths else { return }
        unlink(paths.temporary)
        close(file)
    }

    /// Appends bytes.
    mutating func write(_ bytes: some Collection<UInt8>) throws(Failure) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    /// Writes what is left, and puts the file in its place.
    consuming func finish() throws(Failure) {
        try flush()
        guard let paths else { return }
        guard fsync(file) == 0, rename(paths.temporary, paths.final) == 0 else { throw failure }
    }

    private mutating func flush() throws(Failure) {
        guard Self.write(buffer, to: file) else { throw failure }
        buffer.removeAll(keepingCapacity: true)
    }

    private var failure: Failure { Failure(.failed, "Cannot write \(name): \(String(cString: strerror(errno))).") }

    /// Writes all bytes. False if the system refuses; `errno` says why.
    static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    return false
                }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }
}
