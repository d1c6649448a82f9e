import ArgumentParser
import AssentCore
import AssentStore

/// `assent partitions backup`
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the data directory while the collector writes. A copy back restores it.",
        discussion:
            "The directory appears whole or not at all. It holds the server's key: whoever can read it can make "
            + "tokens. deploy/backup.md says how to restore. Exits 2 if a partition could not be read and is not in it."
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "An earlier backup, or its backup.json alone: what is the same there is not copied again.")
    var since: String?

    @Argument(help: "The directory to make, for this backup alone.")
    var directory: String

    func run() throws {
        let configuration = try common.load()
        let progress = Progress("copying the journal")
        let backup = try reading { () throws(StoreError) in
            let earlier = try since.map { (path) throws(StoreError) in try BackupManifest.read(path) }
            return try StoreReader(directory: configuration.data).backup(
                to: directory, since: earlier, at: Clock.now
            ) { name in progress.show("copying \(name)") }
        }
        progress.end()
        let (copied, all) = (backup.copied, backup.manifest.partitions.count)
        let elsewhere = backup.manifest.since.map { since in
            " \(all - copied) are the same in the backup of \(since.rfc3339) or before."
        }
        try say([
            "\(copied) of \(all) partitions, the journal and the ledger, \(backup.bytes) bytes, are in \(directory)."
                + (elsewhere ?? "")
        ])
        try complain(backup.damage)
    }
}
