import ArgumentParser
import AssentConfiguration
import AssentCore
import AssentStore

/// `assent privacy prove`
struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "Prove a consent: who agreed to what, when and how, and what became of it.",
        discussion:
            "For a supervisor. JSON is a record after ISO/IEC TS 27560 with the ledger's hashes beside it. Works "
            + "beside a running collector, for visitors who were erased, and for sites that have left the configuration. "
            + "Exits 2 if the ledger or the record is damaged.")

    @OptionGroup var common: CommonOptions

    @Option(help: "The record: the UUID that was answered to the consent.")
    var record: String

    @Option(help: "text or json.")
    var format = ProofFormat.text

    func validate() throws {
        guard RecordID(record) == nil else { return }
        throw ValidationError("--record must be a UUID such as 0a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d.")
    }

    func run() throws {
        let configuration = try common.load()
        guard let record = RecordID(record) else { return }
        let progress = Progress("reading the ledger")
        defer { progress.end() }
        let proof = try reading { () throws(StoreError) in
            let reader = try StoreReader(directory: configuration.data)
            return try reader.proof(of: record, key: try Self.key(in: configuration.data), at: Clock.now)
        }
        progress.end()
        guard let proof else {
            throw Failure(.failed, "The ledger in \(configuration.data) has no consent record of that id.")
        }
        let controls = SiteControls(configuration.sites.first { $0.id == proof.site })
        try write(format == .text ? Array(proof.text(controls).utf8) : proof.json(controls))
        try complain(proof.faults)
    }

    /// A ledger alone proves as much, but for whose the keyed hash is.
    private static func key(in directory: String) throws(StoreError) -> ServerKey? {
        do throws(StoreError) {
            return try Secrets.knownServerKey(in: directory)
        } catch  where error.kind == .missing {
            return nil
        }
    }
}
