internal import AssentCore
internal import Glibc

/// What a data directory takes up, for whoever watches it.
public struct Holdings: Sendable, Equatable {
    /// Partitions of all sites.
    public var partitions = 0
    /// Their bytes, with their write-ahead logs.
    public var partitionBytes = 0
    /// Bytes of the journal and of its log.
    public var journalBytes = 0
    /// Bytes of the ledger and of its log.
    public var ledgerBytes = 0
    /// Entries of its chain.
    public var ledgerEntries = 0
    /// Bytes that the process can still write on that disk.
    public var freeBytes = 0

    /// Nothing.
    public init() {}
}

extension Store {
    /// Looks at the files. Cost: one look at each partition's size.
    public func holdings() throws(StoreError) -> Holdings {
        var holdings = Holdings()
        for site in try Files.names(in: "\(directory)/partitions") {
            for day in try Partition.days(directory, site) {
                holdings.partitions += 1
                holdings.partitionBytes += Store.bytes(Partition.path(directory, site, day))
            }
        }
        holdings.journalBytes = Store.bytes("\(directory)/journal.sqlite")
        holdings.ledgerBytes = Store.bytes("\(directory)/ledger.sqlite")
        let ledger = try SQLite("\(directory)/ledger.sqlite", .read)
        holdings.ledgerEntries = Int(try ledger.first("SELECT max(number) FROM entry") { $0.integer(0) } ?? 0)
        var disk = statvfs()
        if statvfs(directory, &disk) == 0 { holdings.freeBytes = Int(disk.f_bavail) * Int(disk.f_frsize) }
        return holdings
    }

    /// Bytes of a database and of its log; 0 for one that was removed meanwhile.
    private static func bytes(_ path: String) -> Int {
        ["", "-wal"].reduce(0) { $0 + Int((try? Files.size(path + $1)) ?? 0) }
    }
}
