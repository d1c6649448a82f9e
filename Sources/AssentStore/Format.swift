/// What a file is and the version of its format: `application_id` and `user_version` in SQLite's header.
struct Format {
    /// `ASLG`.
    static let ledger = Format(applicationID: 0x4153_4C47, version: 3)
    /// `ASJR`.
    static let journal = Format(applicationID: 0x4153_4A52, version: 1)
    /// `ASNT`.
    static let partition = Format(applicationID: 0x4153_4E54, version: 1)

    let applicationID: Int64
    let version: Int64

    /// Makes the tables of a new file, brings an older one up to date, all or nothing, and refuses what is of another kind
    /// or a newer format.
    /// - Parameter upgrade: changes the tables from the version that it is given to the next one.
    func prepare(
        _ database: SQLite, create: () throws(StoreError) -> Void,
        upgrade: (Int64) throws(StoreError) -> Void = { _ in }
    ) throws(StoreError) {
        if try isNew(database) {
            try database.transaction { () throws(StoreError) in
                guard try isNew(database) else { return }
                try create()
                try database.run("PRAGMA application_id=\(applicationID)")
                try database.run("PRAGMA user_version=\(version)")
            }
        }
        try check(database)
        guard try Format.version(of: database) < version else { return }
        try database.transaction { () throws(StoreError) in
            var found = try Format.version(of: database)
            while found < version {
                try upgrade(found)
                found += 1
            }
            try database.run("PRAGMA user_version=\(version)")
        }
    }

    /// Refuses what is of another kind or a newer format. A file whose tables are only being made is `missing`.
    func check(_ database: SQLite) throws(StoreError) {
        let path = database.path
        guard try !isNew(database) else { throw StoreError(.missing, "\(path) is empty.") }
        guard try Format.header(database, "application_id") == applicationID else {
            throw StoreError(.damaged, "\(path) is another kind of file. Restore it from a backup.")
        }
        let found = try Format.version(of: database)
        guard found <= version else {
            throw StoreError(
                .newerFormat, "\(path) has format \(found); this version knows \(version): use a newer Assent.")
        }
    }

    private func isNew(_ database: SQLite) throws(StoreError) -> Bool {
        let (version, kind) = (try Format.version(of: database), try Format.header(database, "application_id"))
        return version == 0 && kind == 0
    }

    /// The version that a file says.
    static func version(of database: SQLite) throws(StoreError) -> Int64 { try header(database, "user_version") }

    private static func header(_ database: SQLite, _ field: String) throws(StoreError) -> Int64 {
        try database.first("PRAGMA \(field)") { $0.integer(0) } ?? 0
    }
}
