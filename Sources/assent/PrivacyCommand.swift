import ArgumentParser
import AssentCore
import AssentStore

/// `assent privacy`
struct PrivacyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy", abstract: "Do what visitors ask for in other ways than on the site.",
        discussion: "All of it works beside a running collector and without one.",
        subcommands: [
            Erase.self, Export.self, VerifyReceipt.self, ProveCommand.self, RequestsCommand.self, ReceiveCommand.self,
            CloseCommand.self,
        ])

    /// `assent privacy erase`
    struct Erase: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Withdraw a visitor's consent, erase every event, and print a receipt.",
            discussion: "The receipt is one JSON document that names the visitor by a keyed hash: keep it byte for "
                + "byte. Exits 1 if something is left: then it stays under way, and the same command says how it stands."
        )

        @OptionGroup var common: CommonOptions

        @OptionGroup var asked: RequestOptions

        func run() throws {
            let configuration = try common.load()
            let (site, visitor, today, received) = try asked.read(configuration)
            let progress = Progress("erasing")
            defer { progress.end() }
            var receipt: [UInt8]?
            var closing: Failure?
            do throws(Failure) {
                let isDone: Void? = try holding(configuration) { (store, now) throws(StoreError) in
                    receipt = try store.erase(
                        visitor, site: site.id, at: now, day: today, received: received)
                }
                if isDone == nil {
                    receipt = try ask(
                        configuration, EraseRequest(site: site.id, visitor: visitor, received: received))
                }
            } catch {
                // What was done is told all the same.
                guard receipt != nil else { throw error }
                closing = error
            }
            progress.end()
            guard let receipt else { throw Failure(.failed, EraseRequest.unknownVisitor) }
            var writer = FileWriter()
            try writer.write(receipt)
            try writer.finish()
            try complain(of: receipt, configuration)
            if let closing { throw closing }
        }

        /// - Returns: the receipt; nil if the site knows no such visitor.
        private func ask(_ configuration: Configuration, _ request: EraseRequest) throws(Failure) -> [UInt8]? {
            var client = try StaffClient(configuration)
            let answer = try client.post("/v1/privacy/erase", request.body)
            if answer.status == 404, answer.text == EraseRequest.unknownVisitor { return nil }
            guard answer.status == 200 else {
                throw Failure(.failed, "The collector answered \(answer.status): \(answer.text)")
            }
            return answer.body
        }

        /// Ends the command with what is left, if anything is.
        private func complain(of document: [UInt8], _ configuration: Configuration) throws {
            let receipt: ErasureReceipt
            do {
                let key = try Secrets.knownServerKey(in: configuration.data)
                receipt = try ErasureReceipt(document: document, key: key)
            } catch let error as StoreError {
                throw Failure(error)
            } catch {
                throw Failure(.failed, "What the collector answered is no receipt: \(error).")
            }
            guard receipt.state == .unfinished || !receipt.left.isEmpty else { return }
            throw Failure(
                .failed,
                "Not everything could be erased now. Left: \(receipt.left.joined(separator: "; ")). No report or export "
                    + "shows it, and every drain tries again. assent partitions verify names what is damaged.")
        }
    }

    /// `assent privacy verify-receipt`
    struct VerifyReceipt: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-receipt",
            abstract: "Compare a receipt with the server's key and the ledger. Exits 2 and says what is wrong.")

        @OptionGroup var common: CommonOptions

        @Option(help: "The visitor whose receipt it must be: 32 hex digits.")
        var visitor: String?

        @Argument(help: "The receipt, or - for standard input.")
        var file: String

        func validate() throws { _ = try visitor.map { try VisitorID(option: $0) } }

        func run() throws {
            let configuration = try common.load()
            let visitor = try visitor.map { try VisitorID(option: $0) }
            let document = try contents()
            let findings: ReceiptFindings
            do throws(StoreError) {
                let reader = try StoreReader(directory: configuration.data)
                let key = try Secrets.knownServerKey(in: configuration.data)
                findings = try reader.verify(receipt: document, key: key, visitor: visitor)
            } catch {
                throw Failure(error)
            }
            var writer = FileWriter()
            try writer.write(Array(findings.holds.map { "\($0)\n" }.joined().utf8))
            try writer.finish()
            guard findings.faults.isEmpty else {
                throw Failure(.foundWrong, findings.faults.joined(separator: "\n"))
            }
        }

        private func contents() throws(Failure) -> [UInt8] {
            let input = try LineInput(file)
            var bytes: [UInt8] = []
            while true {
                let block = try input.block()
                if block.isEmpty { return bytes }
                bytes += block
                guard bytes.count <= Limits.receiptBytesMax else {
                    throw Failure(.foundWrong, "No receipt has more than \(Limits.receiptBytesMax) bytes.")
                }
            }
        }
    }
}

extension VisitorID {
    /// The id that an option says. What it says is not repeated: it may be somebody's id with a slip of the pen.
    init(option text: String) throws {
        guard let id = VisitorID(hex: text) else { throw ValidationError("--visitor must be 32 hex digits.") }
        self = id
    }
}
