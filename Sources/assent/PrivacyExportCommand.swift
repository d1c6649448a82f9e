import ArgumentParser
import AssentCore
import AssentStore

extension PrivacyCommand {
    /// `assent privacy export`
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print everything that is held of a visitor as one JSON document.",
            discussion:
                "The same document as the visitor's own browser gets. Exits 1 if something damaged may hold more."
        )

        @OptionGroup var common: CommonOptions

        @Option(help: "The site. (default: the only one)")
        var site: String?

        @Option(help: "The visitor's id: 32 hex digits.")
        var visitor: String

        func validate() throws { _ = try VisitorID(option: visitor) }

        func run() throws {
            let configuration = try common.load()
            let site = try configuration.site(site)
            let visitor = try VisitorID(option: visitor)
            var writer = FileWriter()
            let damage: [String]
            do {
                guard let held = try Held(visitor, of: site, StoreReader(directory: configuration.data)) else {
                    throw Failure(.failed, "The site holds nothing of a visitor of that id.")
                }
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
                        + "is damaged.")
            }
        }
    }
}
