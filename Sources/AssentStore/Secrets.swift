public import AssentCore

/// The two secrets of a data directory, made where they are missing and readable by their owner alone.
public enum Secrets {
    /// The key in `server.key`: 32 random bytes. Without the same key no token is valid and no keyed hash is found.
    /// - Throws: ``StoreError`` if it cannot be read or made, or is not a key.
    public static func serverKey(in directory: String) throws(StoreError) -> ServerKey {
        let path = keyPath(directory)
        return try serverKey(path, try secret(path) { randomBytes(ServerKey.byteCount) })
    }

    /// The key of a directory that must have one: what was signed with it is to be checked.
    /// - Throws: ``StoreError`` if it is missing, cannot be read, or is not a key.
    public static func knownServerKey(in directory: String) throws(StoreError) -> ServerKey {
        let path = keyPath(directory)
        guard let bytes = try Files.contents(path) else {
            throw StoreError(.missing, "There is no \(path): restore it from a backup, no other key will do.")
        }
        return try serverKey(path, bytes)
    }

    private static func keyPath(_ directory: String) -> String { "\(directory)/server.key" }

    private static func serverKey(_ path: String, _ bytes: [UInt8]) throws(StoreError) -> ServerKey {
        guard bytes.count == ServerKey.byteCount else {
            throw StoreError(
                .damaged,
                "\(path) is no server key: it must have \(ServerKey.byteCount) bytes. Restore it from a backup.")
        }
        return ServerKey(bytes: bytes)
    }

    /// The token in `staff.token`: one line of 43 characters or more.
    /// - Throws: ``StoreError`` if it cannot be read or made, or is too short.
    public static func staffToken(in directory: String) throws(StoreError) -> String {
        let path = "\(directory)/staff.token"
        let bytes = try secret(path) { Array((Hex.text(randomBytes(32)) + "\n").utf8) }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard line.count >= 43, line.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw StoreError(
                .damaged, "\(path) is no staff token: one line of at least 43 characters. Remove it to get a new one.")
        }
        return String(decoding: line, as: UTF8.self)
    }

    private static func secret(_ path: String, make: () -> [UInt8]) throws(StoreError) -> [UInt8] {
        if let bytes = try Files.contents(path) { return bytes }
        try Files.create(path, make())
        // Another process may have been first: what is on the disk counts.
        return try Files.contents(path) ?? []
    }

    private static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}
