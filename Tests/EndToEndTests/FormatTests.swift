import Foundation
import Support
import Testing

/// Files of a newer version, and what every command does about them.
@Suite(.timeLimit(.minutes(5))) struct FormatTests {
    static let commands = [
        ["report", "--week", "2026-W47"], ["export"], ["import", "--basis", "b", "/dev/null"], ["serve"],
        ["partitions", "list"], ["partitions", "verify"], ["partitions", "seal"], ["partitions", "prune"],
        ["partitions", "backup"],
    ]

    @Test(
        "A newer format is refused with the version it has and the one that is known, and the file stays as it is",
        arguments: ["ledger.sqlite", "journal.sqlite", "partitions/coalition/2026-11-18.sqlite"])
    func newer(file: String) throws {
        let place = try CommandTests.Place()
        #expect(try place.run("import", "--basis", "b", try place.file(CommandTests.lines)).status == 0)
        let path = "\(place.folder.path)/data/\(file)"
        try Program.sqlite(path, "PRAGMA user_version=99")
        let before = try Data(contentsOf: URL(filePath: path))
        for command in Self.commands {
            let target = command.last == "backup" ? ["\(place.folder.path)/backup"] : []
            let outcome = try Program.outcome(command + target + ["--config", place.config])
            if file == "journal.sqlite", command.last == "list" {
                #expect(outcome.status == 0, "what waits is not listed")
                continue
            }
            // These look at one partition after the other and go on.
            let goesOn = file.hasPrefix("partitions") && ["list", "verify", "backup"].contains(command.last)
            let isFound = goesOn || file == "journal.sqlite" && command.last == "verify"
            #expect(outcome.status == (isFound ? 2 : 1), "\(command): \(outcome.errors)")
            #expect(
                outcome.errors.contains("\(path) has format 99; this version knows "), "\(command): \(outcome.errors)")
            #expect(outcome.errors.contains("use a newer Assent"))
            if goesOn {
                #expect(
                    !outcome.text.contains("2026-11-18")
                        && outcome.text.contains(command.last == "list" ? "2026-11-17" : "1 "))
            }
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        let other = try place.run(
            "report", "--from", "2026-11-16", "--to", "2026-11-16", "--compare", "none", "--format", "json")
        #expect(other.status == (file.hasPrefix("partitions") ? 0 : 1), "what is not read does not matter")
    }
}
