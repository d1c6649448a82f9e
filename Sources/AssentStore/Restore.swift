public import AssentCore

// A restored directory is a copy of backups, the earlier ones first. What the opening of a store does for it beside
// draining and erasing anew stands here.

extension Store {
    /// Refuses a directory that was made from backups of which one is missing.
    static func checkRestored(_ directory: String) throws(StoreError) {
        let path = "\(directory)/\(BackupFolder.manifest)"
        guard Files.exists(path) else { return }
        let manifest = try BackupManifest.read(path)
        let missing = manifest.partitions.filter { partition in
            partition.backup != manifest.made
                && !Files.exists(Partition.path(directory, partition.name.site, partition.name.day))
        }
        guard let first = missing.first else { return }
        throw StoreError(
            .missing,
            "\(directory) is restored in part: \(missing.count) partitions, the first of them \(first.name), lie in the "
                + "backup of \(first.backup.rfc3339) and other earlier ones. Copy those first, the earliest first, or "
                + "remove \(path) to go on without them.")
    }

    /// From now on it is no backup, but what has become of one.
    static func forgetBackup(_ directory: String) throws(StoreError) {
        let path = "\(directory)/\(BackupFolder.manifest)"
        guard Files.exists(path) else { return }
        try Files.remove(path)
        try Files.synchronize(directory: directory)
    }

    /// Numbers of a site's visitors that this ledger has given to nobody, as it was when the store was opened. A genuine
    /// token that names one was given after the backup from which the ledger was restored: its consent record is lost.
    public func unknownVisitors(site: String) -> [ClosedRange<VisitorNumber>] { unknown[site] ?? unknown[""] ?? [] }
}

extension Ledger {
    /// Passes over numbers of visitors in a copy, so that a store that is restored from it gives none that a token names
    /// which was given after the copy was made. The row of no site is for sites that have no visitor yet.
    static func skipNumbers(_ copy: SQLite) throws(StoreError) {
        try copy.transaction { () throws(StoreError) in
            try copy.run(
                "INSERT INTO site VALUES((SELECT coalesce(max(number),0)+1 FROM site),'',0) ON CONFLICT(id) DO NOTHING")
            try copy.run(
                "UPDATE site SET last=min(last+?,?)", .integer(Limits.restoredNumbersSkipped),
                .integer(Int64(VisitorNumber.max)))
        }
    }

    /// Numbers that were passed over, by site; under no name those of sites that have no visitor yet. Cost: none, unless
    /// the ledger was restored once; then that of looking at every visitor.
    static func unknownVisitors(_ database: SQLite) throws(StoreError) -> [String: [ClosedRange<VisitorNumber>]] {
        var sites: [(id: String, number: Int64, last: Int64)] = []
        try database.rows("SELECT id, number, last FROM site") {
            sites.append(($0.text(0), $0.integer(1), $0.integer(2)))
        }
        var unknown: [String: [ClosedRange<VisitorNumber>]] = [:]
        // The row of no site says that numbers were passed over.
        guard sites.contains(where: \.id.isEmpty) else { return unknown }
        for (site, number, last) in sites {
            try database.rows(
                """
                WITH given(number) AS (SELECT 0 UNION ALL SELECT ?2 UNION ALL
                    SELECT key>>10 FROM visitor WHERE key&1023=?3 UNION ALL
                    SELECT visitor FROM erasure WHERE site=?1)
                SELECT number+1, next-1 FROM
                    (SELECT number, lead(number) OVER (ORDER BY number) AS next FROM given) WHERE next>number+1
                """, .text(site), .integer(last + 1), .integer(number)
            ) { (row) throws(StoreError) in
                let (first, through): (VisitorNumber, VisitorNumber) = (try row.number(0), try row.number(1))
                unknown[site, default: []].append(first...max(first, through))
            }
        }
        return unknown
    }
}

extension StoreReader {
    /// What does not agree with the manifest of a backup, if the directory is one or was copied from some.
    /// - Returns: a sentence for each fault, and how many partitions of it lie in earlier backups.
    func backupFaults() throws(StoreError) -> (faults: [String], elsewhere: Int) {
        guard Files.exists("\(directory)/\(BackupFolder.manifest)") else { return ([], 0) }
        let manifest = try BackupManifest.read(directory)
        var faults: [String] = []
        let last = try ledger().first("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1") {
            (UInt64(bitPattern: $0.integer(0)), Hex.text($0.blob(1)))
        }
        if (last ?? (0, "")) != (manifest.entries, manifest.lastHash) {
            faults.append("\(directory)/ledger.sqlite does not end with the entry that \(BackupFolder.manifest) names.")
        }
        var elsewhere = 0
        for each in manifest.partitions {
            let path = Partition.path(directory, each.name.site, each.name.day)
            do throws(StoreError) {
                if let partition = try partition(each.name.site, each.name.day) {
                    if try partition.facts(bytes: each.bytes, backup: each.backup) != each {
                        faults.append("\(path) is not the one of the backup of \(each.backup.rfc3339).")
                    }
                } else if each.backup == manifest.made {
                    faults.append("\(path) is missing.")
                } else {
                    elsewhere += 1
                }
            } catch  where error.kind == .damaged || error.kind == .newerFormat {
                // The look at the partition itself names it.
                continue
            }
        }
        return (faults, elsewhere)
    }
}
