import ArgumentParser
import AssentCore
import AssentStore

extension PrivacyCommand {
    /// `assent privacy export`
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print everything that is held of a visitor as one JSON document.",
            discussion:
                "The same document as the visitor's own browser gets. The request is noted in the ledger, and closed when "
                + "the document is written. Exits 1 if something damaged may hold more; the request then waits.")

        @OptionGroup var common: CommonOptions

        @OptionGroup var asked: RequestOptions

        func run() throws {
            let configuration = try common.load()
            let (site, visitor, today, received) = try asked.read(configuration)
            var writer = FileWriter()
            let damage: [String]
            let request: RecordNumber
            do {
                guard let held = try Held(visitor, of: site, StoreReader(directory: configuration.data)) else {
                    throw Failure(.failed, "The site holds nothing of a visitor of that id.")
                }
                request = try note(
                    ReceivedRequest(.access, site: site.id, visitor: visitor, received: received ?? today),
                    configuration)
                var document = HeldDocument(held)
                while !document.isAtEnd { try writer.write(try document.next()) }
                damage = document.damage
            } catch let error as StoreError {
                throw Failure(error)
            }
            try writer.finish()
            guard damage.isEmpty else {
                throw Failure(
                    .failed,
                    "The document may be incomplete: \(damage.joined(separator: "; ")). assent partitions verify names what "
                        + "is damaged. Request \(request) stays open.")
            }
            try close(ClosedRequest(request: request, isDeclined: false), configuration)
        }
    }
}
