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

        @Option(help: "The site. (default: the only one)")
        var site: String?

        @Option(help: "The visitor's id: 32 hex digits.")
        var visitor: String

        @Option(help: "The date on which the request came. (default: today)")
        var received: String?

        func validate() throws { _ = try VisitorID(option: visitor) }

        func run() throws {
            let configuration = try common.load()
            let site = try configuration.site(site)
            let visitor = try VisitorID(option: visitor)
            let today = try site.timeZone().date(of: Clock.now)
            let received = try OptionValue.received(received, today: today) ?? today
            var writer = FileWriter()
            let damage: [String]
            let request: RecordNumber
            do {
                guard let held = try Held(visitor, of: site, StoreReader(directory: configuration.data)) else {
                    throw Failure(.failed, "The site holds nothing of a visitor of that id.")
                }
                request = try note(
                    ReceivedRequest(.access, site: site.id, visitor: visitor, received: received), configuration)
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
