import AssentCore
import Foundation
import Support
import Testing

/// The commands as an operator runs them: the real program, real files, exit codes.
@Suite(.timeLimit(.minutes(5))) struct CommandTests {
    /// A configuration and a data directory of a test's own.
    struct Place {
        let folder: TemporaryDirectory
        let config: String
        let listen: String
        let staff: String

        init(_ change: (String) -> String = { $0 }) throws {
            folder = try TemporaryDirectory()
            config = "\(folder.path)/assent.toml"
            listen = "127.0.0.1:\(try Program.freePort())"
            staff = "127.0.0.1:\(try Program.freePort())"
            let text = """
                listen = "\(listen)"
                staff_listen = "\(staff)"
                data = "\(folder.path)/data"
                [[site]]
                id = "coalition"
                origins = ["https://www.example.org"]
                timezone = "Europe/Brussels"
                locales = ["en", "ar"]
                minimum_group = 1
                [[site.notice]]
                locale = "en"
                text = "May we, for 395 days?"
                [[site.campaign]]
                id = "youth-day"
                name = "#YouthDay"
                hashtags = ["YouthDay"]

                """
            try change(text).write(toFile: config, atomically: true, encoding: .utf8)
        }

        func run(
            _ arguments: String..., input: String? = nil, environment: [String: String] = [:]
        ) throws -> Program.Outcome {
            try Program.outcome(arguments + ["--config", config], input: input, environment: environment)
        }

        /// A file of lines in the folder.
        func file(_ lines: [String]) throws -> String {
            let path = "\(folder.path)/lines.ndjson"
            try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
    }

    /// Events of three visitors, in order of time, as an export writes them.
    static let lines = [
        #"{"time":"2026-11-17T08:00:00Z","visitor":"00000000000000000000000000000001","type":"pageview","#
            + #""url":"https://www.example.org/en/#YouthDay","title":"Home","referrer":"https://t.co/","locale":"en","#
            + #""country":"BE","device":"mobile","browser":"Firefox","system":"Android"}"#,
        #"{"time":"2026-11-17T08:00:09.5Z","visitor":"00000000000000000000000000000001","type":"engagement","#
            + #""url":"https://www.example.org/en/#YouthDay","seconds":12.5,"scroll":80}"#,
        #"{"time":"2026-11-17T23:30:00Z","visitor":"00000000000000000000000000000002","type":"pageview","#
            + #""url":"https://www.example.org/ar/","title":"=1+1, \"عنوان\"","country":"IQ"}"#,
        #"{"time":"2026-11-18T00:00:00Z","visitor":"00000000000000000000000000000003","type":"action","#
            + #""url":"https://www.example.org/en/","name":"share","target":"https://wa.me/"}"#,
    ]

    // MARK: Configuration

    @Test("config check says what a valid configuration means")
    func valid() throws {
        let place = try Place()
        let checked = try place.run("config", "check")
        #expect(checked.status == 0)
        #expect(
            checked.text.hasPrefix("\(place.config) is valid.") && checked.text.contains("coalition")
                && checked.text.contains("#YouthDay"))
        #expect(checked.text.contains("src=\"/assent/assent.js?site=coalition\" data-site=\"coalition\"\n"))
        #expect(
            checked.errors == "\(place.config):8: warning: There is no notice for ar: pages in ar are not measured. "
                + "Add a [[site.notice]].\n")
    }

    @Test(
        "A configuration that is wrong ends every command with 78, file and line on standard error",
        arguments: [
            ["config", "check"], ["report"], ["serve"], ["export"], ["import", "--basis", "b", "-"], ["simulate"],
        ])
    func wrong(command: [String]) throws {
        let place = try Place {
            $0.replacing("timezone = \"Europe/Brussels\"", with: "timezone = \"Mars\"\ncolour = 1")
        }
        let outcome = try Program.outcome(command + ["--config", place.config])
        #expect(outcome.status == 78)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.contains("\(place.config):7: timezone must be"))
        #expect(outcome.errors.contains("\(place.config):8: “colour” is no key in [[site]]"))
        #expect(!FileManager.default.fileExists(atPath: "\(place.folder.path)/data"))
    }

    @Test("A variable overrides a key, --data overrides both, and a bad variable is named")
    func environment() throws {
        let place = try Place()
        let variables = ["ASSENT_DATA": "/elsewhere", "ASSENT_DURABILITY": "process"]
        #expect(
            try place.run("config", "check", environment: variables).text.contains("/elsewhere, durability process"))
        let given = try place.run("config", "check", "--data", "/here", environment: variables)
        #expect(given.text.contains("/here, durability process"))
        let bad = try place.run("config", "check", environment: ["ASSENT_LISTEN": "x"])
        #expect(bad.status == 78)
        #expect(bad.errors.hasPrefix("ASSENT_LISTEN: "))
    }

    @Test(
        "A command that cannot be meant is answered with 64",
        arguments: [
            ["report", "--format", "pdf"], ["report", "--week", "2026-W54"], ["report", "--from", "2026-11-17"],
            ["report", "--site", "other"], ["report", "--campaign", "other"], ["report", "--colour"],
            ["export", "--from", "2026-11-31"], ["export", "--from", "2026-11-18", "--to", "2026-11-17"],
            ["import", "-"], ["import", "--basis", " ", "-"], ["simulate", "--weeks", "0"],
            ["simulate", "--end", "2999-01-01"], ["nonsense"],
        ])
    func usage(command: [String]) throws {
        let place = try Place()
        _ = try place.run("import", "--basis", "b", "-", input: place.file(Self.lines))
        let outcome = try Program.outcome(command + ["--config", place.config])
        #expect(outcome.status == 64, "\(outcome.errors)")
        #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
    }

    // MARK: Import, export, report

    @Test("What is imported is exported again to the byte, and importing it twice stores it once")
    func roundTrip() throws {
        let place = try Place()
        let first = try place.run("import", "--basis", "statistics of 2026", try place.file(Self.lines))
        #expect(first.status == 0)
        #expect(first.text == "4 lines: 4 stored, 0 held already, 0 skipped.\n")
        let second = try place.run("import", "--basis", "again", "-", input: place.file(Self.lines.reversed()))
        #expect(second.status == 0)
        #expect(second.text == "4 lines: 0 stored, 4 held already, 0 skipped.\n")

        let exported = try place.run("export")
        let lines = exported.text.split(separator: "\n").map(String.init)
        #expect(exported.status == 0)
        #expect(lines == Self.lines.map { $0.replacing(".5Z", with: ".500Z") })
        let copy = try Place()
        _ = try copy.run("import", "--basis", "copy", "-", input: place.file(lines))
        #expect(try copy.run("export").output == exported.output)
    }

    @Test("An export is cut at local dates, and a field of its CSV is never a formula")
    func csv() throws {
        let place = try Place()
        _ = try place.run("import", "--basis", "b", try place.file(Self.lines))
        // 23:30 UTC is half past midnight of the 18th in Brussels.
        #expect(try place.run("export", "--to", "2026-11-17").text.split(separator: "\n").count == 2)
        let path = "\(place.folder.path)/export.csv"
        let exported = try place.run("export", "--from", "2026-11-18", "--format", "csv", "--output", path)
        #expect(exported.status == 0 && exported.output.isEmpty)
        let records = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\r\n")
        #expect(records.count == 4 && records[3].isEmpty)
        #expect(records[0].hasPrefix("time,visitor,type,"))
        #expect(records[1].contains(#","'=1+1, ""عنوان""","#))
    }

    @Test("Bad lines are named with number and reason and skipped; past twenty they are counted")
    func badLines() throws {
        let place = try Place()
        let foreign = Self.lines[0].replacing("www.example.org", with: "example.net")
        let lines =
            [Self.lines[0], "{}", "", "nonsense", foreign] + Array(repeating: "[]", count: 20) + [Self.lines[1]]
        let outcome = try place.run("import", "--basis", "b", try place.file(lines))
        #expect(outcome.status == 1)
        #expect(outcome.text == "25 lines: 2 stored, 0 held already, 23 skipped.\n")
        let said = outcome.errors.split(separator: "\n")
        #expect(said.first == "line 2: type: is missing")
        #expect(said.contains("line 4: must be an object"))
        #expect(said.contains("line 5: url: its host is none of the site's"))
        #expect(said.count == 22)
        #expect(said.suffix(2) == ["… and 3 bad lines more", "23 of 25 lines were skipped."])
    }

    @Test("An import works beside a running collector, with the same numbers of lines")
    func besideCollector() async throws {
        let place = try Place()
        let collector = try await Program.Collector(config: place.config, staff: place.staff)
        let lines = Self.lines + ["nonsense"]
        let first = try place.run("import", "--basis", "50% & more", try place.file(lines))
        #expect(first.status == 1)
        #expect(first.text == "5 lines: 4 stored, 0 held already, 1 skipped.\n")
        #expect(first.errors.hasPrefix("line 5: must be an object\n"))
        #expect(
            try place.run("import", "--basis", "b", try place.file(lines)).text.hasPrefix("5 lines: 0 stored, 4 held"))
        #expect(try place.run("export").text.split(separator: "\n").count == 4)
        let held = try place.run("simulate")
        #expect(held.status == 1)
        #expect(held.errors.contains("is held by another Assent"))
        collector.kill()
        #expect(try place.run("export").text.split(separator: "\n").count == 4)
    }

    @Test("Partitions are listed, verified, sealed and pruned, beside a running collector and without one")
    func partitions() async throws {
        let place = try Place()
        let past = Instant(milliseconds: Int64(Date.now.timeIntervalSince1970) * 1_000).day.advanced(by: -6)
        let lines = Self.lines.map {
            $0.replacingOccurrences(of: "2026-11-17", with: "\(past)").replacingOccurrences(
                of: "2026-11-18", with: "\(past.advanced(by: 1))")
        }
        #expect(try place.run("import", "--basis", "b", try place.file(lines)).status == 0)
        let list = try place.run("partitions", "list")
        #expect(list.status == 0 && list.errors.isEmpty)
        let rows = list.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.first?.prefix(5) == ["site", "day", "state", "events", "bytes"])
        let partitions = rows.dropFirst().dropLast()
        #expect(partitions.allSatisfy { $0[0] == "coalition" && $0[2] == "open" && $0.last == "1" })
        let bytes = partitions.reduce(0) { $0 + (Int($1[4]) ?? 0) }
        let days = partitions.map { $0[1] }
        let count = [String(days.count), days.count == 1 ? "day" : "days"]
        #expect(rows.last == ["total"] + count + ["4", "\(bytes)", "\(bytes / 4).0", "–"])
        #expect(Set(list.text.split(separator: "\n").map(\.count)).count == 1, "columns stand below one another")
        let expected = days.map { "sealed coalition/\($0)\n" }.joined()
        #expect(try place.run("partitions", "seal", "--day", "2020-01-01").output.isEmpty)
        #expect(try place.run("partitions", "seal").text == expected)
        #expect(try place.run("partitions", "seal").text == "")
        let verified = try place.run("partitions", "verify")
        #expect(verified.status == 0 && verified.text.hasSuffix("nothing is wrong.\n"), "\(verified.text)")

        let collector = try await Program.Collector(config: place.config, staff: place.staff)
        #expect(try place.run("partitions", "seal").status == 0)
        #expect(try place.run("partitions", "prune").text == "")
        #expect(try place.run("partitions", "verify").status == 0)
        let unknown = try place.run("partitions", "seal", "--site", "nowhere")
        #expect(unknown.status == 64)
        collector.kill()

        let path = "\(place.folder.path)/data/partitions/coalition/\(days[0]).sqlite"
        try Data(repeating: 7, count: 8_192).write(to: URL(filePath: path))
        for command in ["list", "verify"] {
            let found = try place.run("partitions", command)
            #expect(found.status == 2)
            #expect(found.errors.contains(path), "\(found.errors)")
        }
        let short = try String(contentsOfFile: place.config, encoding: .utf8)
            .replacingOccurrences(of: "minimum_group = 1", with: "minimum_group = 1\nretention_days = 1")
        try short.write(toFile: place.config, atomically: true, encoding: .utf8)
        let pruned = try place.run("partitions", "prune")
        #expect(pruned.text == days.map { "removed coalition/\($0)\n" }.joined())
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A report is written as a table and as JSON, without colours in a pipe, and a file appears whole")
    func report() throws {
        let place = try Place()
        _ = try place.run("import", "--basis", "b", try place.file(Self.lines))
        let table = try place.run("report", "--week", "2026-W47", environment: ["COLUMNS": "90"])
        #expect(table.status == 0 && table.errors.isEmpty)
        #expect(table.text.contains("#YouthDay") && !table.text.contains("\u{1B}"))
        let json = try JSON(place.run("report", "--week", "2026-W47", "--format", "json").output)
        #expect(json["totals"]["visitors"] == .number(3))
        #expect(json["campaigns"][0]["visits"] == .number(1))
        let path = "\(place.folder.path)/report.json"
        try "before".write(toFile: path, atomically: true, encoding: .utf8)
        let written = try place.run("report", "--week", "2026-W47", "--format", "json", "--output", path)
        #expect(written.status == 0 && written.output.isEmpty)
        #expect(try JSON(Data(contentsOf: URL(filePath: path))) == json)
        let refused = try place.run("report", "--output", "\(place.folder.path)/nowhere/report.txt")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("Cannot write"))
    }

    @Test("A damaged segment is named, what is left is reported, and the exit code is 1")
    func damage() throws {
        let place = try Place()
        _ = try place.run("import", "--basis", "b", try place.file(Self.lines))
        let path = "\(place.folder.path)/data/partitions/coalition/2026-11-17.sqlite"
        try Program.sqlite(path, "UPDATE stream SET crc = crc + 1")
        let damaged = try Data(contentsOf: URL(filePath: path))
        let outcome = try place.run("report", "--week", "2026-W47", "--format", "json")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("2026-11-17.sqlite"))
        #expect(try JSON(outcome.output)["totals"]["visitors"] == .number(1))
        let exported = try place.run("export")
        #expect(exported.status == 1)
        #expect(
            exported.errors.contains("2026-11-17.sqlite, segment 1") && exported.errors.hasSuffix("what is damaged.\n"))
        #expect(exported.text == "\(Self.lines[3])\n")
        #expect(try Data(contentsOf: URL(filePath: path)) == damaged, "it is left where it is")
    }

    @Test("Without data, commands that read say so and fail", arguments: [["report"], ["export"]])
    func noData(command: [String]) throws {
        let place = try Place()
        let outcome = try Program.outcome(command + ["--config", place.config])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("There is no data in"))
        #expect(!FileManager.default.fileExists(atPath: "\(place.folder.path)/data"))
    }

    @Test("A port that is taken and a directory that cannot be written end the collector with 1 and a sentence")
    func cannotServe() async throws {
        let place = try Place()
        let collector = try await Program.Collector(config: place.config, staff: place.staff)
        let taken = try place.run("serve", "--data", "\(place.folder.path)/other")
        #expect(taken.status == 1)
        #expect(taken.errors.contains("another program listens there"))
        let held = try place.run("serve")
        #expect(held.status == 1)
        #expect(held.errors.contains("is held by another Assent"))
        collector.kill()
        let unwritable = try place.run("serve", "--data", "/proc/assent")
        #expect(unwritable.status == 1)
        #expect(unwritable.errors.contains("Cannot make the directory /proc/assent"))
    }

    // MARK: Simulation and demonstration

    @Test("The same seed gives the same numbers, another one others, and their report is full")
    func simulation() throws {
        func simulate(seed: String) throws -> (said: String, totals: JSON, campaigns: JSON) {
            let place = try Place()
            let simulated = try place.run(
                "simulate", "--weeks", "2", "--visitors", "80", "--seed", seed, "--end", "2026-11-22")
            #expect(simulated.status == 0, "\(simulated.errors)")
            let json = try JSON(place.run("report", "--week", "2026-W47", "--format", "json").output)
            return (simulated.text, json["totals"], json["campaigns"])
        }
        let (first, again, other) = (try simulate(seed: "7"), try simulate(seed: "7"), try simulate(seed: "8"))
        #expect(first.said == again.said && first.totals == again.totals && first.campaigns == again.campaigns)
        #expect(first.totals != other.totals)
        #expect(first.said.contains("80 consents"))
        guard case .number(let visits) = first.campaigns[0]["visits"] else {
            Issue.record("a campaign has visits")
            return
        }
        #expect(visits > 0)
    }

    @Test("demo --once serves its pages, prints last week's report, and leaves nothing behind")
    func demo() throws {
        let folder = try TemporaryDirectory()
        let outcome = try Program.outcome(["demo", "--once"], environment: ["TMPDIR": folder.path])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text.contains("#YouthDay") && outcome.text.contains("Opt-in rate"))
        #expect(try folder.files().isEmpty)
    }
}
