import AssentCore
import AssentStore
import Foundation
import Support
import Testing

/// Clients of a collector that is killed, stopped, or has a bad disk: scenes in Python, on what `clients.py` has.
enum Clients {
    /// What each scene begins with.
    private static let beginning = """
        import os, random, socket
        from clients import *
        assent, config, address, staff, notice, *rest = sys.argv[1:]

        """

    /// Plays a scene to its end.
    /// - Parameters:
    ///   - place: whose configuration the collector has.
    ///   - rest: what the scene finds as `rest`.
    /// - Returns: what it says on standard output.
    static func play(_ scene: String, at place: CommandTests.Place, _ rest: String...) throws -> JSON {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().path
        let notice = Notice(locale: "en", text: "May we, for 395 days?").version
        let played = try Program.output(
            ["env", "PYTHONPATH=\(folder)", "PYTHONDONTWRITEBYTECODE=1", "python3", "-c", beginning + scene]
                + [Program.path.path, place.config, place.listen, place.staff, notice] + rest)
        try #require(played.status == 0, "\(played.errors)")
        return try JSON(played.output)
    }

    /// How often each id is held.
    static func counts(in data: String) throws -> [String: Int] {
        let reader = try StoreReader(directory: data)
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let held = try reader.events(
            site: "coalition", from: now.advanced(by: -2 * Day.milliseconds), to: now.advanced(by: Day.milliseconds),
            columns: .all)
        #expect(held.damage == [] && held.partitions.allSatisfy { !$0.isSealed })
        var counts: [String: Int] = [:]
        for segment in held.segments { for id in segment.ids { counts[id, default: 0] += 1 } }
        return counts
    }

    /// What was acknowledged is held once, nothing is held twice, nothing else than what was tried, and all files are
    /// whole.
    /// - Parameters:
    ///   - told: with lists of ids, `acknowledged` and `tried`.
    ///   - data: the data directory of the place.
    static func expectStoredOnce(_ told: JSON, at place: CommandTests.Place, in data: String) throws {
        let acknowledged = told["acknowledged"].array.compactMap(\.string)
        #expect(Set(acknowledged).count == acknowledged.count)
        let counts = try counts(in: data)
        #expect(acknowledged.count { counts[$0] != 1 } == 0)
        #expect(counts.count { $0.value > 1 } == 0)
        let others = Set(counts.keys).subtracting(acknowledged)
        #expect(others.isSubset(of: told["tried"].array.compactMap(\.string)))
        #expect(told["wrong"] == .array([]))
        #expect(try place.run("partitions", "verify").status == 0)
        #expect(try place.run("ledger", "verify").status == 0)
    }
}
