import Foundation
import Testing

/// The rules of the house that a compiler does not check.
@Suite struct HouseTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// What each target may import. A dependency points to the left only.
    static let imports: [String: Set<String>] = [
        "AssentCore": ["Crypto"],
        "AssentConfiguration": ["AssentCore", "CTOML", "Glibc"],
        "AssentStore": ["AssentCore", "CSQLite", "CZlib", "Crypto", "Glibc", "Synchronization"],
        "AssentReport": ["AssentCore", "AssentStore", "Crypto"],
        "AssentCollector": [
            "AssentCore", "AssentStore", "AssentReport", "DashboardAssets", "Glibc", "Logging", "NIOCore",
            "NIOPosix", "ServiceLifecycle", "Synchronization", "Crypto",
        ],
        "assent": [
            "AssentCore", "AssentConfiguration", "AssentStore", "AssentReport", "AssentCollector", "DashboardAssets",
            "ArgumentParser", "CMalloc", "Glibc", "Logging", "ServiceLifecycle", "Synchronization", "UnixSignals",
        ],
    ]

    /// Modules that exactly one file may import.
    static let single = ["CSQLite", "CZlib", "CTOML", "CMalloc"]

    static func swiftFiles(in folder: String) throws -> [(name: String, lines: [String])] {
        let base = root.appending(path: folder)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: base.path)
        return try paths.filter { $0.hasSuffix(".swift") }.map { path in
            let text = try String(contentsOf: base.appending(path: path), encoding: .utf8)
            return ("\(folder)/\(path)", text.components(separatedBy: "\n"))
        }
    }

    static func modules(_ lines: [String]) -> [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count, !line.hasPrefix(" "),
                words[..<at].allSatisfy({
                    ["public", "internal", "private", "@testable", "@preconcurrency"].contains($0)
                })
            else { return nil }
            return words[at + 1] == "struct" || words[at + 1] == "func" ? words.last : words[at + 1]
        }
    }

    @Test(
        "A target imports only what stands to its left, and nothing imports Foundation",
        arguments: imports.keys.sorted())
    func directions(target: String) throws {
        let allowed = try #require(Self.imports[target])
        let files = try Self.swiftFiles(in: "Sources/\(target)")
        #expect(!files.isEmpty)
        for (name, lines) in files {
            for module in Self.modules(lines) where !allowed.contains(module) {
                Issue.record("\(name) imports \(module)")
            }
        }
    }

    @Test("One file alone speaks to each C library", arguments: single)
    func onePlace(module: String) throws {
        let users = try Self.imports.keys.flatMap { try Self.swiftFiles(in: "Sources/\($0)") }.filter {
            Self.modules($0.lines).contains(module)
        }
        #expect(users.count == 1, "\(users.map(\.name))")
    }

    @Test("No file has more than 600 lines", arguments: ["Sources", "Tests"])
    func sizes(folder: String) throws {
        for (name, lines) in try Self.swiftFiles(in: folder) where lines.count > 601 {
            Issue.record("\(name) has \(lines.count) lines: give a part of it a file of its own")
        }
    }
}
