import ArgumentParser
import AssentCollector
import AssentConfiguration
import AssentCore
import AssentStore

/// `assent import`
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Store events of another collector, or those of an export.",
        discussion: "One JSON object a line: an event as on the wire, with visitor, and time in place of age. What is "
            + "held already is not stored twice. Works beside a running collector and without one.")

    @OptionGroup var common: CommonOptions

    @Option(help: "The site. (default: the only one)")
    var site: String?

    @Option(help: "Why these events may be held; goes into the ledger.")
    var basis: String

    @Argument(help: "The file, or - for standard input.")
    var file: String

    func validate() throws {
        guard (1...Limits.basisBytesMax).contains(basis.utf8.count), !basis.allSatisfy(\.isWhitespace) else {
            throw ValidationError("--basis must be 1 to \(Limits.basisBytesMax) bytes that say why.")
        }
    }

    func run() throws {
        let configuration = try common.load()
        let site = try configuration.site(site)
        var input = try LineInput(file)
        var report = ImportReport()
        defer { report.progress.end() }
        do {
            try importing(&input, into: site, configuration, &report)
        } catch {
            report.end()
            throw error
        }
        report.end()
        var writer = FileWriter()
        try writer.write(Array("\(report.summary)\n".utf8))
        try writer.finish()
        if report.bad > 0 { throw Failure(.failed, "\(report.bad) of \(report.lines) lines were skipped.") }
    }

    private func importing(
        _ input: inout LineInput, into site: Site, _ configuration: Configuration, _ report: inout ImportReport
    ) throws {
        let store: Store
        let key: ServerKey
        do throws(StoreError) {
            try Files.makeDirectory(configuration.data)
            key = try Secrets.serverKey(in: configuration.data)
            store = try Store.open(
                directory: configuration.data, key: key, durability: configuration.durability, now: Clock.now)
        } catch {
            guard error.kind == .held else { throw Failure(error) }
            return try asking(&input, about: site, configuration, &report)
        }
        Heaps.ofImport()
        do {
            let gate = Gate(
                site: site, key: key, countries: try SystemTables.countries(), rules: configuration.rules)
            let ground = try Importer.ground(basis: basis, site: site.id, at: Clock.now, in: store)
            var importer = Importer(store: store, gate: gate, ground: ground, now: { Clock.now })
            while true {
                let bytes = try input.block()
                if bytes.isEmpty { break }
                try importer.add(bytes[...])
                report.take(importer.counts, importer.takeProblems())
            }
            try importer.finish()
            report.take(importer.counts, importer.takeProblems())
            try store.close(at: Clock.now)
        } catch let error as StoreError {
            throw Failure(error)
        }
    }

    /// Sends the lines to the collector that holds the data directory, a chunk of whole lines a request.
    private func asking(
        _ input: inout LineInput, about site: Site, _ configuration: Configuration, _ report: inout ImportReport
    ) throws(Failure) {
        var client = try StaffClient(configuration)
        var ground: RecordNumber?
        while let chunk = try input.chunk(bytesMax: Limits.importChunkBytesMax) {
            let start = chunk.firstLine - 1
            if chunk.isTooLong {
                report.take(
                    lines: 1, skipped: 1,
                    bad: [.init(line: start + 1, problem: "must be at most \(Limits.importLineBytesMax) bytes")])
                continue
            }
            let held = ground.map { "ground=\($0)" } ?? "basis=\(basis.queryEscaped)"
            let answer = try client.post("/v1/import?site=\(site.id)&\(held)", chunk.bytes)
            guard answer.status == 200, let said = try? ImportAnswer(parsing: answer.body) else {
                throw Failure(.failed, "The collector answered \(answer.status): \(answer.text)")
            }
            ground = said.ground
            report.take(
                lines: said.lines, stored: said.stored, duplicates: said.duplicates, skipped: said.skipped,
                bad: said.bad.map { .init(line: start + $0.line, problem: $0.problem) })
        }
    }
}

/// What an import says while it runs and when it is done.
private struct ImportReport {
    private(set) var lines = 0
    private(set) var bad = 0
    private var named = 0
    private var stored = 0
    private var duplicates = 0
    let progress = Progress()

    mutating func take(_ counts: Importer.Counts, _ problems: [ImportAnswer.BadLine]) {
        name(problems)
        (lines, stored, duplicates, bad) = (counts.lines, counts.stored, counts.duplicates, counts.bad)
        show()
    }

    mutating func take(
        lines: Int, stored: Int = 0, duplicates: Int = 0, skipped: Int, bad problems: [ImportAnswer.BadLine]
    ) {
        name(problems)
        self.lines += lines
        self.stored += stored
        self.duplicates += duplicates
        bad += skipped
        show()
    }

    private mutating func name(_ problems: [ImportAnswer.BadLine]) {
        for problem in problems.prefix(Limits.badLinesNamedMax - named) {
            named += 1
            progress.end()
            Console.say("line \(problem.line): \(problem.problem)")
        }
    }

    private mutating func show() { progress.show("\(lines) lines") }

    /// Takes the progress away and says how many bad lines were not named.
    func end() {
        progress.end()
        if bad > named { Console.say("… and \(bad - named) bad lines more") }
    }

    var summary: String { "\(lines) lines: \(stored) stored, \(duplicates) held already, \(bad) skipped." }
}
