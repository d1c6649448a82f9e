import AssentCore
import Foundation
import FoundationNetworking
import Support
import Testing

/// `assent ledger verify`, `assent privacy prove`, `list`, `receive` and `close`, as a privacy officer runs them.
@Suite(.timeLimit(.minutes(5))) struct ProofCommandTests {
    typealias Place = CommandTests.Place

    /// Posts as a page of the site would, and returns the answer.
    static func post(_ place: Place, _ path: String, _ body: String) async throws -> JSON {
        var request = URLRequest(url: try #require(URL(string: "http://\(place.listen)\(path)")))
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = Data(body.utf8)
        let (answer, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        try #require((200..<300).contains(status), "\(status): \(String(decoding: answer, as: UTF8.self))")
        return try JSON(answer)
    }

    static let consent =
        #"{"site":"coalition","choice":"granted","notice":"\#(Notice(locale: "en", text: "May we, for 395 days?").version)","#
        + #""locale":"en","act":"click","source":"banner"}"#

    static func today(_ days: Int = 0) -> String {
        "\(Instant(milliseconds: Int64(Date.now.timeIntervalSince1970) * 1_000).day.advanced(by: days))"
    }

    @Test("A consent is proved beside a running collector, after the withdrawal, the erasure, and without the site")
    func prove() async throws {
        let place = try Place()
        var collector: Program.Collector? = try await Program.Collector(config: place.config, staff: place.staff)
        let given = try await Self.post(place, "/v1/consent", Self.consent)
        let record = try #require(given["record"].string)
        let (visitor, token) = (try #require(given["visitor"].string), try #require(given["token"].string))

        let text = try place.run("privacy", "prove", "--record", record)
        #expect(text.status == 0 && text.errors.isEmpty, "\(text.errors)")
        for part in [
            record, "visitor         \(visitor)", "by click in banner", "May we, for 395 days?", "granted: in force",
            "controller      coalition", "contact         not configured", "chain           holds",
        ] { #expect(text.text.contains(part), "\(part)") }
        let json = try JSON(try place.run("privacy", "prove", "--record", record, "--format", "json").output)
        #expect(json["holds"] == true && json["consent_record"]["pii_principal_id"].string == visitor)

        _ = try await Self.post(
            place, "/v1/withdraw", #"{"site":"coalition","erase":true,"consent":"\#(token)"}"#)
        let erased = try place.run("privacy", "prove", "--record", record.uppercased())
        #expect(erased.status == 0 && erased.text.contains("withdrawn and erased: asked for at"))
        #expect(!erased.text.contains(visitor) && erased.text.contains("only the keyed hash"))
        collector?.kill()
        collector = nil

        var random = SystemRandomNumberGenerator()
        let unknown = RecordID(random: &random).description
        let none = try place.run("privacy", "prove", "--record", unknown)
        #expect(none.status == 1 && none.output.isEmpty && none.errors.contains("has no consent record of that id"))
        #expect(!none.errors.contains(unknown))

        let toml = try String(contentsOfFile: place.config, encoding: .utf8)
        try toml.replacing("id = \"coalition\"", with: "id = \"another\"").write(
            toFile: place.config, atomically: true, encoding: .utf8)
        let left = try place.run("privacy", "prove", "--record", record)
        #expect(left.status == 0 && left.text.contains("controller      not configured"))
        try FileManager.default.removeItem(atPath: "\(place.folder.path)/data/server.key")
        #expect(try place.run("privacy", "prove", "--record", record).status == 0, "the ledger alone proves it")

        try PrivacyTests.sqlite(place, "ledger.sqlite", "UPDATE notice SET text='We may.'")
        let damaged = try place.run("privacy", "prove", "--record", record)
        #expect(damaged.status == 2 && damaged.text.contains("which is NOT that of the text below"))
        #expect(damaged.errors.contains("its SHA-256 is another") && damaged.errors.hasSuffix(".\n"))
    }

    @Test("The ledger is verified with an anchor from before, beside a running collector and without one")
    func verify() async throws {
        let place = try Place()
        let collector = try await Program.Collector(config: place.config, staff: place.staff)
        for _ in 0..<3 { _ = try await Self.post(place, "/v1/consent", Self.consent) }
        let first = try place.run("ledger", "verify")
        let lines = first.text.split(separator: "\n").map(String.init)
        #expect(first.status == 0 && lines.count == 2 && lines[0] == "4 entries: nothing is wrong.")
        let anchor = try #require(LedgerAnchor(lines[1]))
        #expect(anchor.number == 4)
        for _ in 0..<3 { _ = try await Self.post(place, "/v1/consent", Self.consent) }
        collector.kill()
        let later = try place.run("ledger", "verify", "--expect", lines[1], "--format", "json")
        let json = try JSON(later.output)
        #expect(later.status == 0 && json["holds"] == true && json["entries"] == 7 && json["faults"] == [])
        #expect(json["expected"].string == lines[1] && json["last"].string?.hasPrefix("7:") == true)

        try PrivacyTests.sqlite(place, "ledger.sqlite", "DELETE FROM entry WHERE number > 3")
        #expect(try place.run("ledger", "verify").status == 0, "nobody can tell")
        let cut = try place.run("ledger", "verify", "--expect", lines[1])
        #expect(cut.status == 2 && cut.errors.contains("entry 4, which is expected, is missing"))
        try PrivacyTests.sqlite(place, "ledger.sqlite", "UPDATE entry SET at = at + 1 WHERE number = 2")
        let changed = try place.run("ledger", "verify", "--format", "json")
        #expect(changed.status == 2 && changed.errors.contains("entry 2 has columns that are not what its body says"))
        #expect(try JSON(changed.output)["faults"].array.count == 1)
        #expect(try place.run("partitions", "verify").status == 2)
    }

    @Test(
        "Requests are noted, listed and closed, beside a running collector and without one", arguments: [false, true])
    func requests(besideCollector: Bool) async throws {
        let place = try PrivacyTests.filled()
        let collector = besideCollector ? try await Program.Collector(config: place.config, staff: place.staff) : nil
        #expect(try place.run("privacy", "list").text == "There are no requests.\n")

        let letter = try place.run("privacy", "receive", "--kind", "access", "--received", Self.today(-40))
        #expect(letter.status == 0, "\(letter.errors)")
        #expect(letter.text.hasPrefix("request 2, due \(try #require(Day(Self.today(-40))).monthLater)"))
        let wish = try place.run(
            "privacy", "receive", "--kind", "erase", "--visitor", PrivacyTests.visitor, "--received", Self.today(-2))
        #expect(wish.text.hasPrefix("request 3, due "))
        let overdue = try place.run("privacy", "list")
        #expect(overdue.status == 2 && overdue.errors.hasPrefix("Request 2 is overdue since "))
        #expect(overdue.text.split(separator: "\n").count == 3 && !overdue.text.contains(PrivacyTests.visitor))

        #expect(try place.run("privacy", "close", "2").text == "request 2 is done\n")
        let again = try place.run("privacy", "close", "2")
        #expect(again.status == 1 && again.errors.contains("No request of that number waits"))
        #expect(try place.run("privacy", "erase", "--visitor", PrivacyTests.visitor).status == 0)
        let other = try place.run(
            "privacy", "erase", "--visitor", PrivacyTests.other, "--received", Self.today(-1))
        #expect(other.status == 0, "\(other.errors)")
        let list = try place.run("privacy", "list", "--site", "coalition", "--format", "json")
        #expect(list.status == 0 && list.errors.isEmpty)
        let requests = try JSON(list.output)["requests"].array
        #expect(requests.map { $0["state"] } == ["done", "done", "done"])
        #expect(requests.map { $0["kind"] } == ["access", "erase", "erase"])
        #expect(requests.map { $0["received"].string } == [-40, -2, -1].map(Self.today))

        for (arguments, status, says) in [
            (["receive", "--kind", "erase", "--visitor", PrivacyTests.unknown], 1, "knows no visitor of that id"),
            (["close", "99", "--declined"], 1, "No request of that number waits"),
        ] as [([String], Int32, String)] {
            let outcome = try Program.outcome(["privacy"] + arguments + ["--config", place.config])
            #expect(outcome.status == status && outcome.errors.contains(says) && outcome.output.isEmpty)
        }
        #expect(try place.run("ledger", "verify").status == 0)
        collector?.kill()
    }

    @Test(
        "What cannot be meant is answered with 64",
        arguments: [
            ["privacy", "prove"], ["privacy", "prove", "--record", "1234"], ["privacy", "list", "--site", "other"],
            ["privacy", "receive"], ["privacy", "receive", "--kind", "sale"],
            ["privacy", "receive", "--kind", "erase", "--received", "16.11.2026"],
            ["privacy", "receive", "--kind", "erase", "--received", today(2)],
            ["privacy", "receive", "--kind", "erase", "--received", today(-400)],
            ["privacy", "erase", "--visitor", PrivacyTests.unknown, "--received", today(2)],
            ["privacy", "close"], ["privacy", "close", "-1"], ["ledger", "verify", "--expect", "12"],
        ])
    func usage(arguments: [String]) throws {
        let place = try Place()
        let outcome = try Program.outcome(arguments + ["--config", place.config])
        #expect(outcome.status == 64 && outcome.output.isEmpty && !outcome.errors.isEmpty, "\(outcome)")
    }

    @Test("Without data there is nothing to prove, and none is made")
    func nothing() throws {
        let place = try Place()
        for arguments in [
            ["ledger", "verify"], ["privacy", "list"], ["privacy", "receive", "--kind", "access"],
            ["privacy", "prove", "--record", "0a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"],
        ] {
            let outcome = try Program.outcome(arguments + ["--config", place.config])
            #expect(outcome.status == 1 && outcome.errors.contains("There is no data in"), "\(outcome)")
            #expect(!FileManager.default.fileExists(atPath: "\(place.folder.path)/data"))
        }
    }
}
