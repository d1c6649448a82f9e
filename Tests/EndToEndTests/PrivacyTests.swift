import AssentCore
import Foundation
import FoundationNetworking
import Support
import Testing

/// `assent privacy`, as an operator runs it for a visitor who wrote a letter.
@Suite(.timeLimit(.minutes(5))) struct PrivacyTests {
    typealias Place = CommandTests.Place
    static let visitor = "5eed0c0ffee0d15ea5e0a11ba5e0ba11"
    static let other = "00000000000000000000000000000002"
    static let unknown = "0000000000000000000000000000abcd"

    /// A place with the events of three visitors, of whom one has an id that no other bytes look like.
    static func filled() throws -> Place {
        let place = try Place()
        let lines = CommandTests.lines.map { $0.replacing("00000000000000000000000000000001", with: visitor) }
        let imported = try place.run("import", "--basis", "b", try place.file(lines))
        try #require(imported.status == 0, "\(imported.errors)")
        return place
    }

    static func sqlite(_ place: Place, _ file: String, _ statement: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["sqlite3", "\(place.folder.path)/data/\(file)", statement]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    static func save(_ receipt: Data, in place: Place) throws -> String {
        let path = "\(place.folder.path)/receipt.json"
        try receipt.write(to: URL(filePath: path))
        return path
    }

    @Test(
        "An erasure prints a receipt that can be verified, beside a running collector and without one",
        arguments: [false, true])
    func erase(besideCollector: Bool) async throws {
        let place = try Self.filled()
        let exported = try place.run("export").text.split(separator: "\n")
        let collector = besideCollector ? try await Program.Collector(config: place.config, staff: place.staff) : nil

        let erased = try place.run("privacy", "erase", "--site", "coalition", "--visitor", Self.visitor)
        #expect(erased.status == 0 && erased.errors.isEmpty, "\(erased.errors)")
        let receipt = try JSON(erased.output)
        #expect(receipt["schema"] == "assent.erasure/1" && receipt["state"] == "erased")
        #expect(receipt["totals"] == ["events": 2, "partitions": 1] && receipt["left"] == [])
        #expect(receipt["partitions"][0]["before"]["events"] == 3 && receipt["partitions"][0]["after"]["events"] == 1)
        #expect(!erased.text.contains(Self.visitor))

        let left = try place.run("export")
        #expect(left.text.split(separator: "\n") == exported.filter { !$0.contains(Self.visitor) })
        let folder = place.folder
        #expect(try folder.files(containing: Array(Self.visitor.utf8)).allSatisfy { $0.hasSuffix(".ndjson") })
        #expect(try folder.files(containing: #require(VisitorID(hex: Self.visitor)).bytes).isEmpty)

        let path = try Self.save(erased.output, in: place)
        let verified = try place.run("privacy", "verify-receipt", path, "--visitor", Self.visitor)
        #expect(verified.status == 0 && verified.errors.isEmpty, "\(verified.errors)")
        #expect(verified.text.split(separator: "\n").count == 5)
        #expect(try place.run("privacy", "verify-receipt", "-", input: path).status == 0)

        let again = try place.run("privacy", "erase", "--visitor", Self.visitor.uppercased())
        #expect(again.status == 0)
        let second = try JSON(again.output)
        #expect(second["state"] == "erased_before" && second["totals"]["events"] == 0)
        #expect(second["completed"] == receipt["completed"] && second["earlier"][0]["events"] == 2)
        let before = try place.run("privacy", "verify-receipt", try Self.save(again.output, in: place))
        #expect(before.status == 0 && before.text.contains("had been erased before"))

        let none = try place.run("privacy", "erase", "--visitor", Self.unknown)
        #expect(none.status == 1 && none.output.isEmpty)
        #expect(none.errors == "The site knows no visitor of that id: nothing was erased.\n")
        #expect(try place.run("partitions", "verify").status == 0)
        collector?.kill()
        #expect(try place.run("export").output == left.output)
    }

    @Test(
        "What cannot be meant is answered with 64, and an id is not repeated",
        arguments: [
            ["erase"], ["erase", "--visitor", "1234"], ["erase", "--visitor", unknown.replacing("a", with: "x")],
            ["erase", "--visitor", unknown + "00"], ["erase", "--site", "other", "--visitor", unknown],
            ["verify-receipt"], ["verify-receipt", "-", "--visitor", "1234"],
        ])
    func usage(arguments: [String]) throws {
        let place = try Self.filled()
        let outcome = try Program.outcome(["privacy"] + arguments + ["--config", place.config])
        #expect(outcome.status == 64 && outcome.output.isEmpty && !outcome.errors.isEmpty)
        for argument in arguments where argument.allSatisfy(\.isHexDigit) || argument.contains("x") {
            #expect(!outcome.errors.contains(argument))
        }
    }

    @Test("While a segment is damaged the receipt says what is left, and so does the exit code")
    func damaged() throws {
        let place = try Self.filled()
        let partition = "partitions/coalition/2026-11-17.sqlite"
        try Self.sqlite(place, partition, "UPDATE stream SET crc = crc + 1")
        let erased = try place.run("privacy", "erase", "--visitor", Self.visitor)
        #expect(erased.status == 1)
        let clause = "partition 2026-11-17: a damaged segment may hold events"
        #expect(erased.errors.contains(clause))
        let receipt = try JSON(erased.output)
        #expect(receipt["state"] == "unfinished" && receipt["completed"] == .null)
        #expect(receipt["left"] == .array([.string(clause)]))
        let path = try Self.save(erased.output, in: place)
        let verified = try place.run("privacy", "verify-receipt", path)
        #expect(verified.status == 0 && verified.text.contains("still under way"))

        try Self.sqlite(place, partition, "UPDATE stream SET crc = crc - 1")
        let finished = try place.run("privacy", "erase", "--visitor", Self.visitor)
        #expect(finished.status == 0)
        #expect(try JSON(finished.output)["totals"]["events"] == 2, "the start that finished it keeps the receipt")
        #expect(try place.run("privacy", "verify-receipt", path).text.contains("The ledger says that it was complete"))
    }

    @Test("A receipt of which anything is wrong is named, with 2")
    func wrongReceipts() throws {
        let place = try Self.filled()
        let receipt = try place.run("privacy", "erase", "--visitor", Self.visitor).output
        let path = try Self.save(receipt, in: place)
        func verify(_ arguments: String...) throws -> Program.Outcome {
            try Program.outcome(["privacy", "verify-receipt"] + arguments + ["--config", place.config])
        }
        let stranger = try verify(path, "--visitor", Self.other)
        #expect(stranger.status == 2 && stranger.errors == "It is the receipt of another visitor.\n")
        #expect(stranger.text.contains("no byte of it was changed"))
        for (bytes, fault) in [
            (Data(), "mac: is missing"), (Data("{}\n".utf8), "mac: is missing"),
            (
                Data(String(decoding: receipt, as: UTF8.self).replacing("\"events\":2", with: "\"events\":3").utf8),
                "changed"
            ),
            (Data(String(decoding: receipt, as: UTF8.self).replacing("\n", with: "\r\n").utf8), "mac: is missing"),
            (receipt.dropLast(), "mac: is missing"), (receipt + [0x20], "mac: is missing"),
        ] {
            let found = try verify(try Self.save(bytes, in: place))
            #expect(found.status == 2 && found.output.isEmpty && found.errors.contains(fault), "\(found.errors)")
        }
        let missing = try verify("\(place.folder.path)/nowhere.json")
        #expect(missing.status == 1 && missing.errors.contains("Cannot read"))

        _ = try Self.save(receipt, in: place)
        try Self.sqlite(place, "ledger.sqlite", "DELETE FROM entry WHERE kind = 'erased'")
        let ended = try verify(path)
        #expect(ended.status == 2 && ended.errors.contains("No entry of the ledger has the SHA-256"))
        let key = "\(place.folder.path)/data/server.key"
        try FileManager.default.removeItem(atPath: key)
        let keyless = try verify(path)
        #expect(keyless.status == 1 && keyless.errors.contains("There is no \(key)"))
        #expect(!FileManager.default.fileExists(atPath: key), "a new key would check nothing")
        let nothing = try verify(path, "--data", "\(place.folder.path)/nowhere")
        #expect(nothing.status == 1 && nothing.errors.contains("There is no data in"))
    }
}

/// `assent privacy export`
@Suite(.timeLimit(.minutes(5))) struct PrivacyExportTests {
    typealias Place = CommandTests.Place

    @Test(
        "The document has what an export has of the visitor, beside a running collector and without one",
        arguments: [false, true])
    func export(besideCollector: Bool) async throws {
        let place = try PrivacyTests.filled()
        let exported = try place.run("export").text.split(separator: "\n").filter { $0.contains(PrivacyTests.visitor) }
        let collector = besideCollector ? try await Program.Collector(config: place.config, staff: place.staff) : nil
        let outcome = try place.run("privacy", "export", "--visitor", PrivacyTests.visitor.uppercased())
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        let document = try JSON(outcome.output)
        #expect(document["site"] == "coalition" && document["visitor"] == .string(PrivacyTests.visitor))
        #expect(document["events"].array == (try exported.map { try JSON(String($0)) }) && exported.count == 2)
        #expect(document["consents"] == [] && document["recipients"] == [] && document["retention_days"] == 395)
        #expect(outcome.text.hasSuffix("}\n"))

        let none = try place.run("privacy", "export", "--visitor", PrivacyTests.unknown)
        #expect(none.status == 1 && none.output.isEmpty)
        #expect(none.errors == "The site holds nothing of a visitor of that id.\n")
        #expect(try place.run("privacy", "export", "--visitor", "12").status == 64)
        // The request is noted and answered.
        let requests = try JSON(try place.run("privacy", "list", "--format", "json").output)["requests"].array
        #expect(requests.map { $0["kind"] } == ["access"] && requests.map { $0["state"] } == ["done"])
        #expect(try place.run("ledger", "verify").status == 0)
        collector?.kill()
    }

    @Test("What is damaged is named, and the exit code says that the document may lack something")
    func damaged() throws {
        let place = try PrivacyTests.filled()
        try PrivacyTests.sqlite(place, "partitions/coalition/2026-11-17.sqlite", "UPDATE stream SET crc = crc + 1")
        let outcome = try place.run("privacy", "export", "--visitor", PrivacyTests.visitor)
        let clause = "partition 2026-11-17: a damaged segment may hold events"
        #expect(outcome.status == 1 && outcome.errors.contains(clause))
        #expect(try JSON(outcome.output)["incomplete"] == .array([.string(clause)]))
        let requests = try JSON(try place.run("privacy", "list", "--format", "json").output)["requests"].array
        #expect(requests.map { $0["state"] } == ["open"], "it waits for the whole answer")
    }

    @Test(
        "After an erasure that was answered, a kill and a start nothing of before is seen, and the visitor is counted")
    func killed() async throws {
        let place = try Place()
        let collector = try await Program.Collector(config: place.config, staff: place.staff)
        // Each request is one of another browser, with no cookie of an earlier one.
        let settings = URLSessionConfiguration.ephemeral
        settings.httpCookieStorage = nil
        let session = URLSession(configuration: settings)
        func ask(
            _ method: String, _ path: String, _ body: String? = nil, token: String = ""
        ) async throws -> (status: Int, text: String) {
            var request = URLRequest(url: try #require(URL(string: "http://\(place.listen)\(path)")))
            request.httpMethod = method
            request.httpBody = body.map { Data($0.utf8) }
            request.setValue("text/plain", forHTTPHeaderField: "Content-Type")
            request.setValue(Chromium.userAgent, forHTTPHeaderField: "User-Agent")
            if !token.isEmpty { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
            let (data, answer) = try await session.data(for: request)
            return ((answer as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
        }
        let notice = Notice(locale: "en", text: "May we, for 395 days?").version
        func consent() async throws -> String {
            let body =
                #"{"site":"coalition","choice":"granted","notice":"\#(notice)","locale":"en","act":"click","source":"banner"}"#
            return try #require(try JSON(try await ask("POST", "/v1/consent", body).text)["token"].string)
        }
        func view(_ id: String, _ token: String) async throws -> Int {
            let event = #"{"id":"\#(id)","type":"pageview","age":0,"url":"https://www.example.org/\#(id)"}"#
            return try await ask(
                "POST", "/v1/events", #"{"site":"coalition","consent":"\#(token)","events":[\#(event)]}"#
            ).status
        }
        let path = "/v1/my-data?site=coalition"
        let (one, other) = (try await consent(), try await consent())
        for token in [one, other] { #expect(try await view("page-before", token) == 204) }
        let unchanged = try await ask("GET", path, token: other).text
        let erased = try await ask("DELETE", path, token: one)
        #expect(erased.status == 200)
        #expect(try JSON(erased.text)["erased"]["events"] == 1)
        collector.kill()

        let next = try await Program.Collector(config: place.config, staff: place.staff)
        #expect(try JSON(try await ask("GET", path, token: one).text)["events"] == [])
        #expect(try await ask("GET", path, token: other).text == unchanged)
        #expect(try await view("page-after1", one) == 204)
        let document = try JSON(try await ask("GET", path, token: one).text)
        #expect(document["events"].array.map { $0["url"] } == ["https://www.example.org/page-after1"])
        #expect(document["consents"].array.count == 1)
        next.kill()
        #expect(try place.run("export").text.split(separator: "\n").count == 2)
        #expect(try place.run("partitions", "verify").status == 0)
    }
}
