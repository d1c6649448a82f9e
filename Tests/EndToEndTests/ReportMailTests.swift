import AssentCore
import Foundation
import Support
import Testing

/// The report as a mail, read back by another program, and the timer's script that sends it.
@Suite(.timeLimit(.minutes(5))) struct ReportMailTests {
    /// What Python's parser of mail reads: a line for each header and part.
    private static let reader = """
        import email, email.policy, json, sys
        mail = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.iter_parts()}
        print(json.dumps({"from": mail["From"], "to": mail["To"], "subject": mail["Subject"], "type":
            mail.get_content_type(), "id": mail["Message-ID"], "text": parts["text/plain"], "html":
            parts["text/html"], "headers": mail.keys(), "defects": [str(each) for each in mail.defects]}))
        """

    private static func read(_ path: String) throws -> JSON {
        let read = try Program.output(["python3", "-c", reader, path])
        try #require(read.status == 0, "\(read.errors)")
        return try JSON(read.output)
    }

    @Test(
        "A parser of mail reads the report in text and in HTML, and every header as it was meant",
        arguments: ["en", "fr", "ar"])
    func mail(language: String) throws {
        let setting = try ReportSetting()
        let options = ["--format", "email", "--lang", language, "--from", "Büro, Assent <assent@example.org>"]
        let path = "\(setting.place.folder.path)/report.eml"
        let written = try Program.outcome(
            [
                "report", "--config", setting.place.config, "--to", "team@example.org", "--to",
                "الفريق <all@example.org>",
                "--output", path,
            ] + options)
        #expect(written.status == 0 && written.errors == "")
        let mail = try Self.read(path)
        #expect(mail["defects"] == .array([]))
        #expect(mail["type"] == "multipart/alternative")
        #expect(mail["from"] == "\"Büro, Assent\" <assent@example.org>")
        #expect(mail["to"] == "team@example.org, الفريق <all@example.org>")
        let subject = try #require(mail["subject"].string)
        #expect(subject.contains("Coalition <85>") && subject.contains(setting.week.description))
        let table = try setting.write("report.txt", "--lang", language)
        let html = try #require(mail["html"].string)
        #expect(html.contains("<html lang=\"\(language)\"") && !html.contains("<svg") && !html.contains("<script"))
        let text = try #require(mail["text"].string)
        let first = try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n").first
        #expect(text.split(whereSeparator: \.isNewline).first == first)
        // Without a date, which the program that sends puts in, so that the same report has the same bytes.
        #expect(!mail["headers"].array.contains("Date"))
        let again = "\(setting.place.folder.path)/again.eml"
        _ = try Program.outcome(
            [
                "report", "--config", setting.place.config, "--to", "team@example.org", "--to",
                "الفريق <all@example.org>",
                "--output", again,
            ] + options)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: URL(filePath: again)))
    }

    @Test(
        "Addresses that are none, dates beside a week and options of another format are named, with 64",
        arguments: [
            ["--format", "email"], ["--format", "email", "--to", "a@b@c"], ["--to", "team@example.org"],
            ["--subject", "x"], ["--format", "csv"], ["--table", "pages"], ["--format", "csv", "--table", "trend"],
            ["--all-weeks", "0"], ["--all-weeks", "105"],
            ["--to", "2026-11-01", "--to", "2026-11-02", "--from", "2026-11-01"], ["--lang", "de"],
        ])
    func usage(options: [String]) throws {
        let setting = try ReportSetting(weeks: 1, visitors: 1)
        let outcome = try Program.outcome(["report", "--config", setting.place.config] + options)
        #expect(outcome.status == 64 && outcome.output.isEmpty && !outcome.errors.isEmpty, "\(outcome.errors)")
    }

    @Test(
        "--explain says what every number means, and needs neither data nor a configuration",
        arguments: ["en", "fr", "ar"])
    func explain(language: String) throws {
        let outcome = try Program.outcome(["report", "--explain", "--lang", language, "--config", "/nowhere.toml"])
        #expect(outcome.status == 0 && outcome.errors == "")
        #expect(outcome.text.split(separator: "\n").count > 45)
    }

    // MARK: The timer's script

    /// A program that takes mail in place of the real one.
    private struct Sendmail {
        let setting: ReportSetting
        let folder: String
        var program: String { "\(folder)/sendmail" }
        var state: String { "\(folder)/state" }

        init(weeks: Int) throws {
            setting = try ReportSetting(weeks: weeks)
            folder = setting.place.folder.path
            try FileManager.default.createDirectory(atPath: "\(folder)/box", withIntermediateDirectories: true)
            try takes(then: "exit 0")
        }

        /// What it does with a message once it has it.
        func takes(then end: String) throws {
            let script =
                "#!/bin/sh\n[ \"$1\" = -t ] || exit 64\nexec 3<&0\ncat > \"\(folder)/box/$(date +%s%N)\"\n\(end)\n"
            try script.write(toFile: program, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        }

        func run() throws -> Program.Outcome {
            try Program.script(
                "assent-report", state, "--config", setting.place.config, "--to", "team@example.org",
                environment: ["SENDMAIL": program])
        }

        /// Messages in the order in which they were sent.
        func box() throws -> [JSON] {
            try FileManager.default.contentsOfDirectory(atPath: "\(folder)/box").sorted()
                .map { try ReportMailTests.read("\(folder)/box/\($0)") }
        }
    }

    @Test("A week is mailed once, and what was missed is made up for, the oldest first")
    func weeks() throws {
        let mail = try Sendmail(weeks: 4)
        for _ in 0..<2 { #expect(try mail.run().status == 0) }
        #expect(try mail.box().count == 1)
        let last = mail.setting.week
        #expect(try String(contentsOfFile: "\(mail.state)/sent", encoding: .utf8) == "\(last.monday)\n")
        try "\(last.advanced(by: -3).monday)\n".write(toFile: "\(mail.state)/sent", atomically: true, encoding: .utf8)
        #expect(try mail.run().status == 0)
        let subjects = try mail.box().compactMap { $0["subject"].string }
        let weeks = [last, last.advanced(by: -2), last.advanced(by: -1), last]
        #expect(subjects.count == 4)
        for (subject, week) in zip(subjects, weeks) { #expect(subject.contains(week.description)) }
        #expect(try mail.run().status == 0)
        #expect(try mail.box().count == 4)
    }

    @Test(
        "A message that was not taken is sent by the next run, and one of which nobody knows has the same Message-ID again",
        arguments: ["exit 1", "kill -9 $PPID"])
    func again(end: String) throws {
        let mail = try Sendmail(weeks: 1)
        try mail.takes(then: end)
        let cut = try mail.run()
        #expect(end == "exit 1" ? cut.status == 75 : cut.signal == 9)
        try mail.takes(then: "exit 0")
        for _ in 0..<2 { #expect(try mail.run().status == 0) }
        let ids = try mail.box().map { $0["id"].string }
        #expect(ids.count == 2 && ids[0] != nil && ids[0] == ids[1])
    }

    @Test(
        "What is chosen by the script is no option of it, and a note that is no date is named",
        arguments: ["--week=2026-W40", "2026-11-01"])
    func misuse(option: String) throws {
        let mail = try Sendmail(weeks: 1)
        let refused = try Program.script(
            "assent-report", mail.state, "--config", mail.setting.place.config, option,
            environment: ["SENDMAIL": mail.program])
        #expect(refused.status == 64 && refused.errors.contains(option))
        try "yesterday\n".write(toFile: "\(mail.state)/sent", atomically: true, encoding: .utf8)
        let damaged = try mail.run()
        #expect(damaged.status == 78 && damaged.errors.contains("is no date"))
        #expect(try mail.box().isEmpty)
    }

    @Test("The timer's calendar is a Monday at six where the site is")
    func calendar() throws {
        let unit = try String(
            contentsOf: Program.root.appending(path: "deploy/assent-report.timer"), encoding: .utf8)
        let line = try #require(unit.firstMatch(of: /OnCalendar=(.*)/))
        let checked = try Program.output(["systemd-analyze", "calendar", "--iterations=2", String(line.1)])
        #expect(checked.status == 0, "\(checked.errors)")
        #expect(checked.text.matches(of: /Mon \d{4}-\d\d-\d\d \d\d:00:00/).count >= 2)
    }
}
