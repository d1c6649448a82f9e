import Foundation
import Glibc

/// A new directory of a test's own, removed with everything in it when the last reference goes.
public final class TemporaryDirectory: Sendable {
    /// Its path, without a trailing slash.
    public let path: String

    /// Makes the directory below the system's place for temporary files.
    public init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "assent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Copies everything that lies in it now into another new directory: what a crash at this moment would leave.
    public func copy() throws -> TemporaryDirectory {
        let copy = try TemporaryDirectory()
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: "\(copy.path)/\(name)")
        }
        return copy
    }

    /// Paths of all files in it, relative to it, in ascending order.
    public func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }.sorted()
    }

    /// Names of the files that hold these bytes anywhere.
    public func files(containing bytes: [UInt8]) throws -> [String] {
        try files().filter { name in
            try Data(contentsOf: URL(filePath: "\(path)/\(name)")).withUnsafeBytes { $0.contains(bytes) }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes lie anywhere in it.
    func contains(_ bytes: [UInt8]) -> Bool {
        var rest = self[...]
        while let start = rest.first(bytes[0]) {
            guard count - start >= bytes.count else { return false }
            if memcmp(baseAddress! + start, bytes, bytes.count) == 0 { return true }
            rest = self[(start + 1)...]
        }
        return false
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Where a byte comes first.
    fileprivate func first(_ byte: UInt8) -> Int? {
        guard let base = base.baseAddress, let found = memchr(base + startIndex, CInt(byte), count) else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
