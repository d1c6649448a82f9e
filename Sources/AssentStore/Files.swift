internal import Glibc

/// The few calls to the file system that are not SQLite's.
public enum Files {
    /// Longest file that is read whole, in bytes.
    public static let readBytesMax = 16 * 1024 * 1024

    /// The contents of a file; nil if there is none.
    /// - Throws: ``StoreError`` if it cannot be read or is larger than `bytesMax`.
    public static func contents(_ path: String, bytesMax: Int = readBytesMax) throws(StoreError) -> [UInt8]? {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw StoreError(errno: errno, "read", path)
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw StoreError(errno: errno, "read", path)
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else {
                throw StoreError(
                    .inputOutput, "\(path) is larger than \(bytesMax) bytes, which no file of its kind is.")
            }
        }
    }

    /// Makes a directory for its owner alone, and those above it; one that is there stays as it is.
    public static func makeDirectory(_ path: String) throws(StoreError) {
        guard !path.isEmpty, path != "/", path != "." else { return }
        if mkdir(path, 0o700) == 0 { return try synchronize(directory: parent(of: path)) }
        if errno == EEXIST { return }
        guard errno == ENOENT, parent(of: path) != "." else {
            throw StoreError(errno: errno, "make the directory", path)
        }
        try makeDirectory(parent(of: path))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw StoreError(errno: errno, "make the directory", path)
        }
        try synchronize(directory: parent(of: path))
    }

    /// Makes an empty file for its owner alone; one that is there stays as it is.
    static func ensure(_ path: String) throws(StoreError) {
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            if errno == EEXIST { return }
            throw StoreError(errno: errno, "make", path)
        }
        close(file)
        try synchronize(directory: parent(of: path))
    }

    /// Names in a directory in ascending order; none if there is no such directory.
    public static func names(in path: String) throws(StoreError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw StoreError(errno: errno, "list", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes a new file whole or not at all, durable and for its owner alone; one that is there is kept.
    public static func create(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        let temporary = "\(path).new"
        var failure = write(temporary, bytes)
        if failure == 0, link(temporary, path) != 0, errno != EEXIST { failure = errno }
        unlink(temporary)
        guard failure == 0 else { throw StoreError(errno: failure, "write", path) }
        try synchronize(directory: parent(of: path))
    }

    /// Makes a file durable in a directory that nobody else uses, where it need not appear whole.
    static func put(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        let failure = write(path, bytes)
        guard failure == 0 else { throw StoreError(errno: failure, "write", path) }
        try synchronize(directory: parent(of: path))
    }

    /// Writes a file for its owner alone and synchronizes it.
    /// - Returns: why it failed, 0 if it did not.
    private static func write(_ path: String, _ bytes: [UInt8]) -> Int32 {
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return errno }
        var written = 0
        var failure: Int32 = 0
        while written < bytes.count, failure == 0 {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count >= 0 { written += count } else if errno != EINTR { failure = errno }
        }
        if failure == 0, fsync(file) != 0 { failure = errno }
        close(file)
        return failure
    }

    /// Size of a file in bytes; 0 if there is none.
    static func size(_ path: String) throws(StoreError) -> Int64 {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            if errno == ENOENT { return 0 }
            throw StoreError(errno: errno, "look at", path)
        }
        return Int64(facts.st_size)
    }

    /// Removes a file; one that is gone already is no error.
    static func remove(_ path: String) throws(StoreError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw StoreError(errno: errno, "remove", path) }
    }

    /// Removes an empty directory; one that is gone already is no error.
    static func removeDirectory(_ path: String) throws(StoreError) {
        guard rmdir(path) == 0 || errno == ENOENT else { throw StoreError(errno: errno, "remove", path) }
    }

    /// Gives a directory its name, durably. An empty directory of that name makes room for it.
    static func rename(directory: String, to path: String) throws(StoreError) {
        guard Glibc.rename(directory, path) == 0 else { throw StoreError(errno: errno, "make", path) }
        try synchronize(directory: parent(of: path))
    }

    /// Whether something has that name.
    static func exists(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0
    }

    /// Whether a path leads to a directory.
    static func isDirectory(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    /// Where a path leads to, without links and dots; nil if it leads nowhere.
    static func resolved(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// Makes what was created, renamed or removed in a directory durable.
    static func synchronize(directory: String) throws(StoreError) { try synchronize(directory, O_DIRECTORY) }

    /// Makes what was written into a file durable.
    static func synchronize(file: String) throws(StoreError) { try synchronize(file, 0) }

    private static func synchronize(_ path: String, _ kind: Int32) throws(StoreError) {
        let file = Glibc.open(path, O_RDONLY | kind | O_CLOEXEC)
        guard file >= 0 else { throw StoreError(errno: errno, "open", path) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw StoreError(errno: errno, "synchronize", path) }
    }
}

extension StoreError {
    /// The error of a system call on a file or directory.
    init(errno: Int32, _ verb: String, _ path: String) {
        let kind: Kind =
            switch errno {
            case ENOSPC, EDQUOT: .full
            case EROFS, EACCES, EPERM: .readOnly
            case ENOENT, ENOTDIR: .missing
            default: .inputOutput
            }
        self.init(kind, "Cannot \(verb) \(path): \(String(cString: strerror(errno))).")
    }
}
