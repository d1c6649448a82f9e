import ArgumentParser
import AssentCore
import AssentStore

/// `assent ledger`
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Look after the ledger of choices.", subcommands: [Verify.self])

    /// `assent ledger verify`
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read every entry of the ledger. Exits 2 and names what was changed, lost or cut off.",
            discussion: "Works beside a running collector. The last line of the output is the last entry and its hash: "
                + "note it elsewhere, and --expect it later. Without that nobody can tell whether the end was cut off.")

        @OptionGroup var common: CommonOptions

        @Option(help: "An entry that was noted earlier, as NUMBER:HASH: it must stand there still.")
        var expect: String?

        @Option(help: "text or json.")
        var format = ProofFormat.text

        func validate() throws {
            guard let expect, LedgerAnchor(expect) == nil else { return }
            throw ValidationError(
                "--expect must be a number, a colon and 64 hex digits, as assent ledger verify writes it.")
        }

        func run() throws {
            let configuration = try common.load()
            let progress = Progress("reading the ledger")
            let found = try reading { () throws(StoreError) in
                try StoreReader(directory: configuration.data).verifyLedger(
                    expecting: expect.flatMap { LedgerAnchor($0) }
                ) { number in progress.show("reading the ledger, entry \(number)") }
            }
            progress.end()
            switch format {
            case .text:
                let isWhole = found.faults.isEmpty
                try say(
                    [
                        "\(found.entries) \(found.entries == 1 ? "entry" : "entries"): "
                            + (isWhole ? "nothing is wrong." : "\(found.faults.count) faults.")
                    ] + (found.last.map { ["\($0)"] } ?? []))
            case .json: try write(json(found))
            }
            try complain(found.faults)
        }

        private func json(_ found: LedgerFindings) -> [UInt8] {
            var json = JSONWriter()
            json.object { json in
                json.key("schema")
                json.string("assent.ledger/1")
                json.key("holds")
                json.boolean(found.faults.isEmpty)
                json.key("entries")
                json.integer(found.entries)
                json.key("last")
                json.string(found.last?.description)
                json.key("expected")
                json.string(expect)
                json.key("faults")
                json.array { json in for fault in found.faults { json.string(fault) } }
            }
            json.endLine()
            return json.bytes
        }
    }
}

/// How what is proved can be written.
enum ProofFormat: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
}

/// Writes a whole document to standard output.
func write(_ document: [UInt8]) throws(Failure) {
    var writer = FileWriter()
    try writer.write(document)
    try writer.finish()
}
