public import AssentCore

/// What was copied into a backup.
public struct Backup: Sendable, Equatable {
    /// What the backup's `backup.json` says.
    public var manifest: BackupManifest
    /// Partitions that were copied; the others lie in earlier backups.
    public var copied = 0
    /// Size of all files that were copied.
    public var bytes: Int64 = 0
    /// One sentence for each partition that could not be read and is not in it.
    public var damage: [String] = []
}

extension StoreReader {
    /// Copies the data directory into a new one, beside a running collector and without its lock.
    ///
    /// The journal is copied first, then the partitions, the ledger last. So a row that is drained meanwhile is in the
    /// copy of the journal, of its partition, or of both, and the partition says so; and the ledger knows every visitor,
    /// record and erasure that the copied partitions rest on. What is erased meanwhile may still lie in copies, and goes
    /// when the copy is opened as a store. The directory appears whole and durable, or not at all.
    ///
    /// Cost: about that of reading everything. The collector's writers do not wait; a write-ahead log is not cut while
    /// its file is copied.
    /// - Parameters:
    ///   - target: path of the backup: nothing, or an empty directory. What is being made has this name and `.partial`.
    ///   - earlier: what an earlier backup says: partitions that are the same there are not copied again.
    ///   - now: the server's time, which names the backup.
    ///   - progress: told of each partition before it is read.
    /// - Throws: ``StoreError`` if it cannot be made whole. A partition that cannot be read is left out and named.
    public func backup(
        to target: String, since earlier: BackupManifest? = nil, at now: Instant, progress: (PartitionName) -> Void
    ) throws(StoreError) -> Backup {
        guard !Files.exists("\(directory)/\(BackupFolder.manifest)") else {
            throw StoreError(.missing, "\(directory) is itself a backup: copy its files.")
        }
        if let earlier { try checkOrigin(of: earlier) }
        let folder = try BackupFolder(target, of: directory)
        do throws(StoreError) {
            // Backups are known by their times: this one's must be another one though the clock may have been set back.
            let made = earlier.map { max(now, $0.made.advanced(by: 1)) } ?? now
            var backup = Backup(manifest: BackupManifest(made: made, since: earlier?.made))
            try copyKeyAndJournal(to: folder, &backup)
            try copyPartitions(to: folder, since: earlier, &backup, progress)
            try copyLedger(to: folder, &backup)
            var json = JSONWriter()
            backup.manifest.write(to: &json)
            try Files.put("\(folder.path)/\(BackupFolder.manifest)", json.bytes)
            try folder.finish()
            return backup
        } catch {
            folder.abandon()
            throw error
        }
    }

    /// Refuses an earlier backup of another directory, or of what a restore has taken back.
    private func checkOrigin(of earlier: BackupManifest) throws(StoreError) {
        guard earlier.entries > 0 else { return }
        let hash = try ledger().first(
            "SELECT hash FROM entry WHERE number=?", .integer(Int64(earlier.entries))
        ) { Hex.text($0.blob(0)) }
        guard hash == earlier.lastHash else {
            throw StoreError(
                .missing,
                "The backup of \(earlier.made.rfc3339) is none of \(directory) as it is now: begin with a full backup.")
        }
    }

    private func copyKeyAndJournal(to folder: BackupFolder, _ backup: inout Backup) throws(StoreError) {
        guard let key = try Files.contents("\(directory)/server.key") else {
            throw StoreError(.missing, "There is no \(directory)/server.key, and no backup is of use without it.")
        }
        try Files.put("\(folder.path)/server.key", key)
        backup.bytes += Int64(key.count)
        do throws(StoreError) {
            let journal = try SQLite("\(directory)/journal.sqlite", .read)
            try Format.journal.check(journal)
            backup.bytes += try folder.copy(journal, to: "\(folder.path)/journal.sqlite")
        } catch  where error.kind == .missing {
            // It is only being made: nothing is in it.
        }
    }

    private func copyPartitions(
        to folder: BackupFolder, since earlier: BackupManifest?, _ backup: inout Backup,
        _ progress: (PartitionName) -> Void
    ) throws(StoreError) {
        let known = Dictionary(
            (earlier?.partitions ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for name in try names(site: nil) where Site.isValidID(name.site) {
            progress(name)
            do throws(StoreError) {
                guard let partition = try partition(name.site, name.day) else { continue }
                let facts = try partition.facts(bytes: 0, backup: backup.manifest.made)
                if let same = known[name], same.holdsTheSame(as: facts) {
                    backup.manifest.partitions.append(same)
                    continue
                }
                try Files.makeDirectory(Partition.folder(folder.path, name.site))
                let bytes = try folder.copy(
                    partition.database, to: Partition.path(folder.path, name.site, name.day))
                let copy = try Partition(directory: folder.path, site: name.site, day: name.day, .read)
                backup.manifest.partitions.append(try copy.facts(bytes: bytes, backup: backup.manifest.made))
                backup.copied += 1
                backup.bytes += bytes
            } catch  where error.kind != .full && error.kind != .readOnly {
                try Files.remove(Partition.path(folder.path, name.site, name.day))
                // Retention may have removed it while it was read.
                guard Files.exists(Partition.path(directory, name.site, name.day)) else { continue }
                backup.manifest.unreadable.append(name)
                backup.damage.append(error.description)
            }
        }
        let held = Set(backup.manifest.partitions.map(\.name) + backup.manifest.unreadable)
        backup.manifest.gone = Set(known.keys).union(earlier?.gone ?? []).subtracting(held).sorted()
    }

    private func copyLedger(to folder: BackupFolder, _ backup: inout Backup) throws(StoreError) {
        let path = "\(folder.path)/ledger.sqlite"
        _ = try folder.copy(try ledger(), to: path)
        let copy = try SQLite(path, .write(durable: true))
        try Ledger.prepare(copy)
        try Ledger.skipNumbers(copy)
        try copy.foldLog()
        let last = try copy.first("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1") {
            (row) throws(StoreError) -> (UInt64, String) in (try row.number(0), Hex.text(row.blob(1)))
        }
        (backup.manifest.entries, backup.manifest.lastHash) = last ?? (0, "")
        backup.bytes += try Files.size(path)
    }
}

extension BackupManifest {
    /// What a backup says of itself.
    /// - Parameter path: its directory, or its `backup.json` alone.
    /// - Throws: ``StoreError`` if it is none.
    public static func read(_ path: String) throws(StoreError) -> BackupManifest {
        let file = Files.isDirectory(path) ? "\(path)/\(BackupFolder.manifest)" : path
        guard let bytes = try Files.contents(file, bytesMax: Limits.backupManifestBytesMax) else {
            throw StoreError(.missing, "There is no \(file): name the directory of a backup, or its backup.json.")
        }
        do {
            return try BackupManifest(parsing: bytes)
        } catch {
            throw StoreError(.damaged, "\(file) is no manifest of a backup that this version knows: \(error).")
        }
    }
}

extension Partition {
    /// What a manifest says of it, from one snapshot.
    func facts(bytes: Int64, backup: Instant) throws(StoreError) -> BackupManifest.Partition {
        try database.snapshot { () throws(StoreError) in
            let content = try content()
            return BackupManifest.Partition(
                name: PartitionName(site: site, day: day), isSealed: try isSealed(), events: content.count,
                contentSHA256: content.text, drainedThrough: try drainedThrough(), erasedThrough: try erasedThrough(),
                format: try format(), bytes: bytes, backup: backup)
        }
    }
}

/// Where a backup is made: a directory beside its place, which gets its name when it is whole.
final class BackupFolder {
    /// Name of the file that makes a directory a backup.
    static let manifest = "backup.json"
    private static let files = ["server.key", "journal.sqlite", "ledger.sqlite", manifest]

    /// The directory in which it is being made.
    let path: String
    private let target: String
    private let lock: DirectoryLock

    /// Begins anew: what a killed backup left there goes.
    init(_ target: String, of data: String) throws(StoreError) {
        var target = target
        while target.count > 1, target.hasSuffix("/") { target.removeLast() }
        target = Files.resolved(target) ?? target
        guard let parent = Files.resolved(Files.parent(of: target)), let data = Files.resolved(data) else {
            throw StoreError(
                .missing, "There is no directory for \(target) to be in: make it, or mount the disk that it is on.")
        }
        guard parent != data, !parent.hasPrefix("\(data)/") else {
            throw StoreError(
                .missing, "\(target) lies inside the data directory: name a place outside, best on another disk.")
        }
        if Files.exists(target) {
            guard Files.isDirectory(target), try Files.names(in: target).isEmpty else {
                throw StoreError(.missing, "\(target) is there already: name a new directory, or an empty one.")
            }
        }
        self.target = target
        path = "\(target).partial"
        try Files.makeDirectory(path)
        do throws(StoreError) {
            lock = try DirectoryLock(path)
        } catch  where error.kind == .held {
            throw StoreError(.held, "Another backup is being made in \(path): wait until it is done.")
        }
        try clear()
    }

    /// Copies a database.
    /// - Returns: the size of the copy in bytes.
    func copy(_ database: SQLite, to path: String) throws(StoreError) -> Int64 {
        try database.copy(to: path)
        return try Files.size(path)
    }

    /// Puts the backup in its place.
    func finish() throws(StoreError) {
        try Files.rename(directory: path, to: target)
        // Until now another one that was begun for the same place had to find it.
        try Files.remove("\(target)/\(DirectoryLock.name)")
    }

    /// Removes what was made, as far as that can be.
    func abandon() {
        try? clear()
        try? Files.remove("\(path)/\(DirectoryLock.name)")
        try? Files.removeDirectory(path)
    }

    /// Removes the files of a backup and no others.
    private func clear() throws(StoreError) {
        let partitions = "\(path)/partitions"
        for site in try Files.names(in: partitions) {
            for name in try Files.names(in: "\(partitions)/\(site)") where Day(name.prefix(10)) != nil {
                try Files.remove("\(partitions)/\(site)/\(name)")
            }
            try Files.removeDirectory("\(partitions)/\(site)")
        }
        try Files.removeDirectory(partitions)
        for name in try Files.names(in: path) where Self.files.contains(where: name.hasPrefix) {
            try Files.remove("\(path)/\(name)")
        }
        guard try Files.names(in: path) == [DirectoryLock.name] else {
            throw StoreError(
                .missing, "\(path) holds files that are not of a backup: look at them, and remove the directory.")
        }
    }
}
