import ArgumentParser
import AssentCollector
import AssentCore
import AssentReport
import AssentStore

/// `assent partitions`
struct PartitionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partitions", abstract: "Look after the files that hold the events of a site and UTC day.",
        discussion: "All of it works beside a running collector, which seals and prunes by itself too.",
        subcommands: [List.self, Verify.self, Seal.self, Prune.self, BackupCommand.self])

    /// `assent partitions list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List partitions with their state and size, and their sum. Exits 2 if one cannot be read.")

        @OptionGroup var common: CommonOptions

        @Option(help: "Only the partitions of that site.")
        var site: String?

        func run() throws {
            let configuration = try common.load()
            if let site { _ = try configuration.site(site) }
            let (facts, damage) = try reading { () throws(StoreError) in
                try StoreReader(directory: configuration.data).partitions(site: site)
            }
            var table = AlignedTable(["site", "day", "state", "events", "bytes", "bytes an event", "format"], left: 3)
            func add(_ names: [String], events: UInt64, bytes: Int64, format: String) {
                let tenths = events == 0 ? 0 : (UInt64(bytes) * 10 + events / 2) / events
                let each = events == 0 ? "–" : "\(tenths / 10).\(tenths % 10)"
                table.add(names + ["\(events)", "\(bytes)", each, format])
            }
            for each in facts {
                add(
                    [each.name.site, "\(each.name.day)", each.isSealed ? "sealed" : "open"], events: each.events,
                    bytes: each.bytes, format: "\(each.format)")
            }
            add(
                ["total", facts.count == 1 ? "1 day" : "\(facts.count) days", ""],
                events: facts.reduce(0) { $0 + $1.events }, bytes: facts.reduce(0) { $0 + $1.bytes }, format: "–")
            try say(table.lines)
            try complain(damage)
        }
    }

    /// `assent partitions verify`
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read every byte of partitions, journal and ledger. Exits 2 and names what is damaged.",
            discussion: "With --data BACKUP, of a backup, which must also be what its backup.json says.")

        @OptionGroup var common: CommonOptions

        func run() throws {
            let configuration = try common.load()
            let progress = Progress("reading ledger and journal")
            let found = try reading { () throws(StoreError) in
                try StoreReader(directory: configuration.data).inspect { name in progress.show("reading \(name)") }
            }
            progress.end()
            let faults = found.faults.count
            try say([
                "\(found.partitions) partitions with \(found.events) events, the journal and the ledger: "
                    + (faults == 0 ? "nothing is wrong." : "\(faults) faults.")
                    + (found.elsewhere == 0 ? "" : " \(found.elsewhere) partitions lie in earlier backups.")
            ])
            try complain(found.faults)
        }
    }

    /// `assent partitions seal`
    struct Seal: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Seal the days that can get no more events: one run, without event ids, in fewer bytes.",
            discussion: "A day can get events until 24 hours after its end. An import for a sealed day opens it again.")

        @OptionGroup var common: CommonOptions

        @Option(help: "Only the partitions of that site.")
        var site: String?

        @Option(help: "Only that UTC day.", transform: OptionValue.date)
        var day: Day?

        func run() throws {
            let configuration = try common.load()
            if let site { _ = try configuration.site(site) }
            let parts = [site.map { "site=\($0)" }, day.map { "day=\($0)" }].compactMap(\.self)
            let target = "/v1/partitions/seal" + (parts.isEmpty ? "" : "?" + parts.joined(separator: "&"))
            let done = try keepingUp(configuration, target, "sealing") { (store, now, progress) throws(StoreError) in
                try store.seal(
                    site: site, day: day, at: now, progress: { name in progress.show("sealing \(name)") })
            }
            try say(done.partitions.map { "sealed \($0)" })
            try complain(done.damage)
        }
    }

    /// `assent partitions prune`
    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove the days that are older than the retention_days of their site.")

        @OptionGroup var common: CommonOptions

        func run() throws {
            let configuration = try common.load()
            let done = try keepingUp(configuration, "/v1/partitions/prune", "removing") {
                (store, now, _) throws(StoreError) in
                try store.prune(at: now, retentionDays: configuration.retentionDays)
            }
            try say(done.partitions.map { "removed \($0)" })
            try complain(done.damage)
        }
    }
}

/// What reading a store gives, or why the command fails.
func reading<Result>(_ body: () throws(StoreError) -> Result) throws(Failure) -> Result {
    do throws(StoreError) {
        return try body()
    } catch {
        throw Failure(error)
    }
}

/// Does it to the data directory, or asks the collector that holds it to.
/// - Parameter doing: what a person is told meanwhile.
private func keepingUp(
    _ configuration: Configuration, _ target: String, _ doing: String,
    _ body: (Store, Instant, Progress) throws(StoreError) -> Upkeep
) throws(Failure) -> Upkeep {
    let progress = Progress("opening \(configuration.data)")
    defer { progress.end() }
    let upkeep = try holding(configuration) { (store, now) throws(StoreError) in
        progress.show(doing)
        return try body(store, now, progress)
    }
    if let upkeep { return upkeep }
    progress.show("\(doing): the collector does it")
    var client = try StaffClient(configuration)
    let answer = try client.post(target)
    guard answer.status == 200, let upkeep = try? Upkeep(parsing: answer.body) else {
        throw Failure(.failed, "The collector answered \(answer.status): \(answer.text)")
    }
    return upkeep
}

/// Writes a result, line by line.
func say(_ lines: [String]) throws(Failure) {
    var writer = FileWriter()
    try writer.write(Array(lines.map { "\($0)\n" }.joined().utf8))
    try writer.finish()
}

/// Ends the command with what is damaged, if anything is.
func complain(_ damage: [String]) throws(Failure) {
    guard damage.isEmpty else { throw Failure(.foundWrong, damage.joined(separator: "\n")) }
}

/// Rows in columns, two spaces apart: the first ones stand at the left, the others, which are numbers, at the right.
struct AlignedTable {
    private var rows: [[String]]
    private let left: Int

    init(_ titles: [String], left: Int) {
        rows = [titles]
        self.left = left
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                return column < left ? text + space : space + text
            }.joined(separator: "  ")
        }
    }
}
