public import ArgumentParser
import AssentCore
public import AssentReport
import AssentStore
import Glibc

/// `assent report`
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Campaigns, pages, sources and choices of a week or any other period.")

    /// How a report can be written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case markdown
        case html
        case json
        case csv
        case email
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "The site. (default: the only one)")
    var site: String?

    @Option(help: "An ISO week such as 2026-W47. (default: the last complete one)")
    var week: String?

    @Option(
        parsing: .singleValue,
        help: "First local date, with --to in place of a week; or, of a mail, the address it comes from.")
    var from: [String] = []

    @Option(
        parsing: .singleValue,
        help: "Last local date, included; or, of a mail, an address it goes to, as often as needed.")
    var to: [String] = []

    @Option(help: "previous, none, or a week to compare with. (default: previous)")
    var compare: String?

    @Option(help: "The only campaign to write of: its days, pages, sources, actions and links too.")
    var campaign: String?

    @Option(
        help: ArgumentHelp(
            "Set so many weeks side by side, up to the last one of the period.", valueName: "weeks"))
    var allWeeks: Int?

    @Option(help: "table, markdown, html, json, csv or email.")
    var format = Format.table

    @Option(name: .customLong("table"), help: "Which table, with --format csv: totals, campaigns, pages and so on.")
    var csvTable: Report.Table?

    @Option(name: .customLong("lang"), help: "en, fr or ar: words, numbers and dates for people.")
    var language = Language.en

    @Option(help: "What a mail is about, in place of site and period.")
    var subject: String?

    @Flag(help: "Say what each number means, and read nothing.")
    var explain = false

    @Option(help: "Write to this file, whole or not at all.")
    var output: String?

    func run() throws {
        if explain {
            var writer = try writer()
            try writer.write(Report.explanation(style: style, language: language).utf8)
            return try writer.finish()
        }
        let configuration = try common.load()
        let site = try configuration.site(site)
        let timeZone = try site.timeZone()
        let report: Report
        let bytes: [UInt8]
        let progress = Progress("reading the events of \(site.id)")
        defer { progress.end() }
        do throws(ReportError) {
            let addresses = try self.addresses()
            let request = try ReportRequest(
                week: week, from: try date(from, "--from"), to: try date(to, "--to"), compare: compare,
                campaign: campaign, trend: trend, now: Clock.now, timeZone: timeZone)
            report = try Self.make(request, site: site, timeZone: timeZone, data: configuration.data)
            bytes = try self.bytes(of: report, addresses)
        } catch {
            if case .request = error { throw Failure(.usage, error.description) }
            throw Failure(error)
        }
        progress.end()
        var writer = try writer()
        try writer.write(bytes)
        try writer.finish()
        for sentence in report.damage { Console.say(sentence) }
        guard report.damage.isEmpty else {
            throw Failure(.failed, "The report is without what is damaged.")
        }
    }

    private func bytes(of report: Report, _ addresses: MailAddresses?) throws(ReportError) -> [UInt8] {
        if format != .csv, csvTable != nil { throw .request("--table chooses a table of --format csv.") }
        switch format {
        case .table: return Array(report.table(style: style, language: language).utf8)
        case .markdown: return Array(report.markdown(language: language).utf8)
        case .html: return Array(report.html(language: language).utf8)
        case .json: return report.json()
        case .csv:
            guard let csvTable else {
                let names = Report.Table.allCases.map(\.rawValue).joined(separator: ", ")
                throw .request("--format csv writes one table: choose it with --table, one of \(names).")
            }
            return try report.csv(csvTable)
        case .email:
            guard let addresses else { throw .request("A mail needs a recipient: give --to.") }
            return report.mail(addresses, subject: subject, language: language)
        }
    }

    private func writer() throws(Failure) -> FileWriter {
        guard let output else { return FileWriter() }
        return try FileWriter(path: output)
    }

    private var style: TableStyle { output == nil ? Console.tableStyle : Console.plainTableStyle }

    /// What people read has the line of the last weeks; what programs read has what they ask for.
    private var trend: ReportRequest.Trend {
        if let allWeeks { return .table(weeks: allWeeks) }
        return format == .json || format == .csv ? .none : .line
    }

    // MARK: Dates and addresses

    /// `--from` and `--to` are dates of a period, and of a mail also addresses: what has an `@` is one.
    private func date(_ values: [String], _ option: String) throws(ReportError) -> String? {
        let dates = values.filter { !$0.contains("@") }
        guard dates.count <= 1 else { throw .request("\(option) takes one date.") }
        return dates.first
    }

    private func addresses() throws(ReportError) -> MailAddresses? {
        let (senders, recipients) = (from.filter { $0.contains("@") }, to.filter { $0.contains("@") })
        guard format == .email else {
            guard senders.isEmpty, recipients.isEmpty, subject == nil else {
                throw .request("Addresses and a subject belong to --format email.")
            }
            return nil
        }
        guard senders.count <= 1 else { throw .request("A mail comes from one address.") }
        return try MailAddresses(to: recipients, from: senders.first)
    }

    static func make(
        _ request: ReportRequest, site: Site, timeZone: TimeZoneRules, data: String
    ) throws(ReportError) -> Report {
        let reader: StoreReader
        do throws(StoreError) {
            reader = try StoreReader(directory: data)
        } catch {
            throw .store(error)
        }
        return try Report.make(site: site, timeZone: timeZone, request: request, reader: reader)
    }
}

extension Language: ExpressibleByArgument {}
extension Report.Table: ExpressibleByArgument {}
