import ArgumentParser
import AssentCore
import AssentReport
import AssentStore
import Glibc

/// `assent report`
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Campaigns, pages, sources and choices of a week or any other period.")

    /// How a report can be written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "The site. (default: the only one)")
    var site: String?

    @Option(help: "An ISO week such as 2026-W47. (default: the last complete one)")
    var week: String?

    @Option(help: "First local date, with --to in place of a week.")
    var from: String?

    @Option(help: "Last local date, included.")
    var to: String?

    @Option(help: "previous, none, or a week to compare with. (default: previous)")
    var compare: String?

    @Option(help: "The only campaign to write of.")
    var campaign: String?

    @Option(help: "table or json.")
    var format = Format.table

    @Option(help: "Write to this file, whole or not at all.")
    var output: String?

    func run() throws {
        let configuration = try common.load()
        let site = try configuration.site(site)
        let timeZone = try site.timeZone()
        let report: Report
        let progress = Progress("reading the events of \(site.id)")
        defer { progress.end() }
        do throws(ReportError) {
            let request = try ReportRequest(
                week: week, from: from, to: to, compare: compare, campaign: campaign, now: Clock.now,
                timeZone: timeZone)
            report = try Self.make(request, site: site, timeZone: timeZone, data: configuration.data)
        } catch {
            if case .request = error { throw Failure(.usage, error.description) }
            throw Failure(error)
        }
        let bytes: [UInt8] =
            switch format {
            case .table: Array(report.table(style: output == nil ? Console.tableStyle : Console.plainTableStyle).utf8)
            case .json: report.json()
            }
        progress.end()
        var writer = try output.map { (path) throws(Failure) in try FileWriter(path: path) } ?? FileWriter()
        try writer.write(bytes)
        try writer.finish()
        for sentence in report.damage { Console.say(sentence) }
        guard report.damage.isEmpty else {
            throw Failure(.failed, "The report is without what is damaged.")
        }
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
