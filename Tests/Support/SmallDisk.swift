import Foundation

/// A small disk of a test's own: a file system in memory. It takes the right to mount one.
public final class SmallDisk {
    /// Where it is mounted.
    public let directory: TemporaryDirectory

    /// Mounts one; nil without the right to.
    public init?(kilobytes: Int) throws {
        directory = try TemporaryDirectory()
        guard SmallDisk.run("mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "assent", directory.path) else {
            return nil
        }
    }

    /// Takes all the room that is left but for that much, in place of what was taken before.
    public func fill(leaving bytes: UInt64) throws {
        let path = "\(directory.path)/ballast"
        try Data().write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        let page = Data(repeating: 1, count: 4_096)
        while (try? file.write(contentsOf: page)) != nil {}
        let end = try file.seekToEnd()
        try file.truncate(atOffset: end - min(end, bytes))
        try file.close()
    }

    deinit { _ = SmallDisk.run("umount", directory.path) }

    private static func run(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try? process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Whether this process may mount one.
    public static let isPossible = (try? SmallDisk(kilobytes: 64)) != nil
}
