import AssentCore
import Foundation
import FoundationNetworking
import Glibc
import Support
import Synchronization
import Testing

/// Backups as an administrator makes and restores them: the real program, a busy collector, `cp`, and a kill.
@Suite(.timeLimit(.minutes(5))) struct BackupCommandTests {
    typealias Place = CommandTests.Place

    /// Copies what a directory holds over another one.
    static func copy(_ from: String, over to: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["cp", "-a", "\(from)/.", "\(to)/"]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    /// Visitors who agreed and go on clicking, and the ids of their events.
    final class Visitors: Sendable {
        struct Clicks {
            var begun: Set<String> = []
            var acknowledged: Set<String> = []
            var isOver = false
        }

        private let listen: String
        private let clicks = Mutex(Clicks())

        init(at listen: String) { self.listen = listen }

        var now: Clicks { clicks.withLock { $0 } }

        func end() { clicks.withLock { $0.isOver = true } }

        /// Sends a request as a browser does.
        /// - Returns: its status, its `Assent-Result`, its body.
        func post(_ path: String, _ body: String) async throws -> (status: Int, result: String, body: JSON) {
            var request = URLRequest(url: try #require(URL(string: "http://\(listen)\(path)")))
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
            request.setValue("text/plain", forHTTPHeaderField: "Content-Type")
            request.setValue(
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                forHTTPHeaderField: "User-Agent")
            request.httpShouldHandleCookies = false
            let (data, answer) = try await URLSession.shared.data(for: request)
            let http = try #require(answer as? HTTPURLResponse)
            return (
                http.statusCode, http.value(forHTTPHeaderField: "Assent-Result") ?? "",
                data.isEmpty ? .null : try JSON(data)
            )
        }

        func agree() async throws -> String {
            let notice = Notice(locale: "en", text: "May we, for 395 days?").version
            let answer = try await post(
                "/v1/consent",
                #"{"site":"coalition","choice":"granted","notice":"\#(notice)","locale":"en","act":"click","source":"banner"}"#
            )
            try #require(answer.status == 201)
            return try #require(answer.body["token"].string)
        }

        /// - Returns: what the collector says of it.
        func click(_ id: String, _ token: String) async throws -> String {
            clicks.withLock { _ = $0.begun.insert(id) }
            let answer = try await post(
                "/v1/events",
                #"{"site":"coalition","consent":"\#(token)","events":[{"id":"\#(id)","type":"pageview","age":0,"#
                    + #""url":"https://www.example.org/en/\#(id)"}]}"#)
            if answer.result == "stored=1 duplicate=0 refused=0" {
                clicks.withLock { _ = $0.acknowledged.insert(id) }
            }
            return answer.result
        }

        /// Clicks until ``end()``.
        func goOn(_ name: String, _ token: String) async throws {
            var number = 0
            while !now.isOver {
                let said = try await click("\(name)-\(String(number, radix: 10))-click", token)
                #expect(said == "stored=1 duplicate=0 refused=0")
                number += 1
            }
        }

        func wait(for count: Int) async throws {
            let deadline = ContinuousClock.now + Chromium.patience
            while now.acknowledged.count < count {
                try #require(ContinuousClock.now < deadline, "nothing is acknowledged")
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    /// Ids of exported events; each is there once.
    static func exported(_ place: Place, _ data: String) throws -> Set<String> {
        let outcome = try place.run("export", "--data", data)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let ids = try outcome.text.split(separator: "\n").map { try JSON(String($0))["id"].string ?? "" }
        #expect(Set(ids).count == ids.count)
        return Set(ids)
    }

    @Test("A chain of backups of a busy collector, copied back, has all that was acknowledged before each was made")
    func busy() async throws {
        let place = try Place { "requests_per_minute = 0\n\($0)" }
        let collector = try await Program.Collector(config: place.config, staff: place.staff)
        let visitors = Visitors(at: place.listen)
        let tokens = [try await visitors.agree(), try await visitors.agree(), try await visitors.agree()]
        let folder = place.folder.path
        let names = ["full", "second", "third"]
        var known: [(before: Set<String>, after: Set<String>)] = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, token) in tokens.enumerated() {
                group.addTask { try await visitors.goOn("visitor-\(number)", token) }
            }
            // Every request to seal drains the journal first.
            group.addTask {
                while !visitors.now.isOver {
                    let status = try place.run("partitions", "seal").status
                    #expect(status == 0)
                }
            }
            for (number, name) in names.enumerated() {
                try await visitors.wait(for: 60 * (number + 1))
                let before = visitors.now.acknowledged
                let since = number == 0 ? [] : ["--since", "\(folder)/\(names[number - 1])"]
                let outcome = try Program.outcome(
                    ["partitions", "backup", "\(folder)/\(name)", "--config", place.config] + since)
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
                #expect(outcome.text.contains("bytes, are in \(folder)/\(name).") && outcome.text.hasSuffix("\n"))
                #expect(outcome.text.split(separator: "\n").count == 1)
                known.append((before, visitors.now.begun))
                let verified = try place.run("partitions", "verify", "--data", "\(folder)/\(name)")
                #expect(verified.status == 0, "\(verified.errors)")
            }
            visitors.end()
            try await group.waitForAll()
        }
        collector.kill()

        let restored = "\(folder)/restored"
        try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: true)
        for (name, (before, after)) in zip(names, known) {
            try Self.copy("\(folder)/\(name)", over: restored)
            let ids = try Self.exported(place, restored)
            #expect(ids.isSuperset(of: before) && ids.isSubset(of: after))
            let verified = try place.run("partitions", "verify", "--data", restored)
            #expect(verified.status == 0 && verified.text.hasSuffix("nothing is wrong.\n"), "\(verified.errors)")
        }
        let ids = try Self.exported(place, restored)
        let again = try await Program.Collector(config: place.config, staff: place.staff, data: restored)
        #expect(try Self.exported(place, restored) == ids, "a drain at the start changes nothing")
        #expect(try await visitors.click("after-the-restore", tokens[0]) == "stored=1 duplicate=0 refused=0")
        let late = try #require(known[2].before.first)
        let token = tokens[try #require(late.split(separator: "-")[1].first?.wholeNumberValue)]
        #expect(try await visitors.click(late, token) == "stored=0 duplicate=1 refused=0")
        #expect(!FileManager.default.fileExists(atPath: "\(restored)/backup.json"))
        #expect(FileManager.default.fileExists(atPath: "\(restored)/staff.token"), "it is made anew")
        again.kill()
        #expect(try Self.exported(place, restored) == ids.union(["after-the-restore"]))
    }

    @Test("A consent that a restore has lost is void: its visitor is asked again, and a new one gets another number")
    func lostConsent() async throws {
        let place = try Place()
        let collector = try await Program.Collector(config: place.config, staff: place.staff)
        let visitors = Visitors(at: place.listen)
        let kept = try await visitors.agree()
        let backup = "\(place.folder.path)/backup"
        #expect(try place.run("partitions", "backup", backup).status == 0)
        let lost = try await visitors.agree()
        #expect(try await visitors.click("before-the-loss", lost).hasPrefix("stored=1"))
        collector.kill()

        let again = try await Program.Collector(config: place.config, staff: place.staff, data: backup)
        #expect(try await visitors.click("of-the-kept-one", kept).hasPrefix("stored=1"))
        #expect(
            try await visitors.click("of-the-lost-one", lost) == "stored=0 duplicate=0 refused=1 reason=no_consent")
        let new = try await visitors.agree()
        #expect(try await visitors.click("of-the-new-one", new).hasPrefix("stored=1"))
        again.kill()
        #expect(try Self.exported(place, backup) == ["of-the-kept-one", "of-the-new-one"])
    }

    @Test("A backup that is killed leaves nothing that looks like one, and the next begins anew")
    func killed() async throws {
        let place = try Place()
        #expect(try place.run("import", "--basis", "b", try place.file(CommandTests.lines)).status == 0)
        let (target, partial) = ("\(place.folder.path)/backup", "\(place.folder.path)/backup.partial")
        // A pipe in the place of the last partition, into which nobody writes: the backup waits for it.
        let pipe = "\(place.folder.path)/data/partitions/coalition/2026-11-19.sqlite"
        try #require(mkfifo(pipe, 0o600) == 0)
        let backup = try Program.process(
            ["partitions", "backup", target, "--config", place.config], output: FileHandle.nullDevice,
            errors: FileHandle.nullDevice)
        let deadline = ContinuousClock.now + Chromium.patience
        while !FileManager.default.fileExists(atPath: "\(partial)/partitions/coalition/2026-11-18.sqlite") {
            try #require(ContinuousClock.now < deadline && backup.isRunning)
            try await Task.sleep(for: .milliseconds(2))
        }
        Glibc.kill(backup.processIdentifier, SIGKILL)
        backup.waitUntilExit()
        #expect(backup.terminationReason == .uncaughtSignal)
        try FileManager.default.removeItem(atPath: pipe)

        #expect(!FileManager.default.fileExists(atPath: target))
        #expect(!FileManager.default.fileExists(atPath: "\(partial)/backup.json"))
        let since = try place.run("partitions", "backup", "\(target)2", "--since", partial)
        #expect(since.status == 1 && since.errors.contains("There is no \(partial)/backup.json"))
        #expect(try place.run("partitions", "backup", target).status == 0)
        #expect(!FileManager.default.fileExists(atPath: partial))
        #expect(try place.run("partitions", "verify", "--data", target).status == 0)
        #expect(try place.run("export", "--data", target).output == place.run("export").output)
    }

    @Test("A backup without a partition that cannot be read exits 2, one that cannot be made 1, and both say why")
    func exitCodes() throws {
        let place = try Place()
        let target = "\(place.folder.path)/backup"
        let nothing = try place.run("partitions", "backup", target)
        #expect(nothing.status == 1 && nothing.errors.contains("There is no data in"))
        #expect(try place.run("import", "--basis", "b", try place.file(CommandTests.lines)).status == 0)
        let inside = try place.run("partitions", "backup", "\(place.folder.path)/data/backup")
        #expect(inside.status == 1 && inside.errors.contains("lies inside the data directory"))
        let path = "\(place.folder.path)/data/partitions/coalition/2026-11-17.sqlite"
        try Data(repeating: 7, count: 8_192).write(to: URL(filePath: path))
        let found = try place.run("partitions", "backup", target)
        #expect(found.status == 2 && found.errors.contains(path))
        #expect(found.text.hasPrefix("1 of 1 partitions, the journal and the ledger, "))
        let again = try place.run("partitions", "backup", target)
        #expect(again.status == 1 && again.errors.contains("is there already") && again.output.isEmpty)
        #expect(try place.run("partitions", "backup").status == 64)
    }

    @Test("The nightly script makes a full backup, then what has changed, a full one each week, and removes old chains")
    func nightly() throws {
        let place = try Place()
        #expect(try place.run("import", "--basis", "b", try place.file(CommandTests.lines)).status == 0)
        let shelf = "\(place.folder.path)/shelf"
        try FileManager.default.createDirectory(atPath: shelf, withIntermediateDirectories: true)
        func run() throws -> Program.Outcome {
            try Program.script("assent-backup", shelf, "30", "--config", place.config)
        }
        /// Names of backups; those of this day by their kinds alone.
        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: shelf).sorted().map {
                $0.hasPrefix("2020") ? $0 : String($0.split(separator: "-")[1])
            }
        }
        func rename(_ kind: String, to old: String) throws {
            let name = try #require(
                FileManager.default.contentsOfDirectory(atPath: shelf).first {
                    $0.hasSuffix(kind) && !$0.hasPrefix("2020")
                })
            try FileManager.default.moveItem(atPath: "\(shelf)/\(name)", toPath: "\(shelf)/\(old)")
        }
        let first = try run()
        #expect(
            first.status == 0 && first.errors.isEmpty && first.text.hasPrefix("2 of 2 partitions"), "\(first.errors)")
        let second = try run()
        #expect(second.status == 0 && second.text.hasPrefix("0 of 2 partitions"), "\(second.errors)")
        #expect(try names() == ["full", "since"])

        try rename("-full", to: "20200101T000000Z-full")
        try rename("-since", to: "20200102T000000Z-since")
        #expect(try run().status == 0)
        #expect(try names() == ["20200101T000000Z-full", "20200102T000000Z-since", "full"])
        try rename("-full", to: "20200301T000000Z-full")
        #expect(try run().status == 0)
        #expect(try names() == ["20200301T000000Z-full", "full"], "nothing of the last 30 days needs the first chain")

        let path = "\(place.folder.path)/data/partitions/coalition/2026-11-17.sqlite"
        try Data(repeating: 7, count: 8_192).write(to: URL(filePath: path))
        #expect(try run().status == 2, "a partition that cannot be read")
        #expect(try names() == ["20200301T000000Z-full", "full", "since"])
        try FileManager.default.removeItem(atPath: "\(place.folder.path)/data/server.key")
        #expect(try run().status == 1)
        #expect(try names() == ["20200301T000000Z-full", "full", "since"])
    }

    @Test("After a restore the nightly script begins with a full backup")
    func nightlyAfterRestore() throws {
        let place = try Place()
        #expect(try place.run("import", "--basis", "b", try place.file(CommandTests.lines)).status == 0)
        let (shelf, first) = ("\(place.folder.path)/shelf", "\(place.folder.path)/first")
        try FileManager.default.createDirectory(atPath: shelf, withIntermediateDirectories: true)
        #expect(try place.run("partitions", "backup", first).status == 0)
        #expect(try place.run("import", "--basis", "another", "/dev/null").status == 0)
        #expect(try Program.script("assent-backup", shelf, "30", "--config", place.config).status == 0)
        let outcome = try Program.script("assent-backup", shelf, "30", "--config", place.config, "--data", first)
        #expect(outcome.status == 1 && outcome.errors.contains("is itself a backup"))
        #expect(try place.run("import", "--basis", "a third", "/dev/null", "--data", first).status == 0)
        let again = try Program.script("assent-backup", shelf, "30", "--config", place.config, "--data", first)
        #expect(again.status == 0 && again.errors.contains("begin with a full backup"), "\(again.errors)")
        #expect(again.text.hasPrefix("2 of 2 partitions"))
    }
}
