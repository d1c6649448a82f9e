internal import CSQLite
internal import Glibc

/// A connection to one SQLite database, for one thread at a time. The only file that speaks to SQLite.
///
/// Every file is kept in write-ahead mode with `secure_delete`, so that freed content is overwritten with zeros, and
/// without memory-mapped reading, so that a failing disk is an error and not a signal.
final class SQLite {
    /// How a file is opened.
    enum Mode: Equatable {
        /// Makes it if it is missing. `durable`: a commit is on the disk when it returns, else in the kernel.
        case write(durable: Bool)
        /// Reads beside a writer.
        case read
    }

    /// A value of a column or parameter.
    enum Value {
        case null
        case integer(Int64)
        case text(String)
        case blob([UInt8])
    }

    /// Time to wait for another process that holds a lock, in milliseconds.
    private static let busyMilliseconds: Int32 = 5_000
    /// Time that a checkpoint waits for readers, in milliseconds: writers wait with it, and the next one does as well.
    private static let checkpointMilliseconds: Int32 = 100

    /// `SQLITE_READONLY_ROLLBACK`: what a crash left unfinished must be undone first, which a reader cannot.
    private static let rollsBack = SQLITE_READONLY | 3 << 8

    let path: String
    private let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]

    /// Opens a database.
    /// - Throws: ``StoreError``, of kind `missing` if it is to be read and is not there.
    init(_ path: String, _ mode: Mode) throws(StoreError) {
        // SQLite would let everybody read a file that it makes; its log gets the mode of the file.
        if mode != .read { try Files.ensure(path) }
        var handle: OpaquePointer?
        let access = mode == .read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
        let code = sqlite3_open_v2(path, &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard let handle else { throw StoreError(.inputOutput, "Cannot open \(path): out of memory.") }
        guard code == SQLITE_OK else {
            defer { sqlite3_close_v2(handle) }
            throw SQLite.error(code, handle, "open", path)
        }
        self.handle = handle
        self.path = path
        sqlite3_busy_timeout(handle, SQLite.busyMilliseconds)
        if case .write(let durable) = mode {
            try run("PRAGMA secure_delete=ON")
            // Else sorting and VACUUM would leave copies of rows in temporary files, which nothing overwrites.
            try run("PRAGMA temp_store=MEMORY")
            try run("PRAGMA journal_mode=WAL")
            try run("PRAGMA synchronous=\(durable ? "FULL" : "NORMAL")")
            try run("PRAGMA journal_size_limit=1048576")
        }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// Executes a statement without rows.
    func run(_ sql: String, _ parameters: Value...) throws(StoreError) {
        try query(sql, parameters) { (_) throws(StoreError) in }
    }

    /// Executes a statement and hands over its rows one by one. A row is valid only within the call.
    func rows(_ sql: String, _ parameters: Value..., each: (Row) throws(StoreError) -> Void) throws(StoreError) {
        try query(sql, parameters, each)
    }

    /// The first row of a statement by what is taken from it; nil if there is none.
    func first<Result>(
        _ sql: String, _ parameters: Value..., take: (Row) throws(StoreError) -> Result
    ) throws(StoreError) -> Result? {
        var result: Result?
        try query(sql, parameters) { (row) throws(StoreError) in if result == nil { result = try take(row) } }
        return result
    }

    /// Number of the row that was inserted last.
    var lastInserted: Int64 { sqlite3_last_insert_rowid(handle) }

    /// All or nothing: what the body did is committed, or undone if anything throws.
    func transaction<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try run("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // SQLite may have rolled back already, as it does when the disk is full.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    /// Reads in one snapshot: what is committed meanwhile is not seen.
    func snapshot<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try run("BEGIN")
        defer { sqlite3_exec(handle, "COMMIT", nil, nil, nil) }
        return try body()
    }

    /// Moves the write-ahead log into the file and cuts it to nothing.
    /// - Returns: false if a reader still needs it.
    func checkpoint() throws(StoreError) -> Bool {
        sqlite3_busy_timeout(handle, SQLite.checkpointMilliseconds)
        defer { sqlite3_busy_timeout(handle, SQLite.busyMilliseconds) }
        return try first("PRAGMA wal_checkpoint(TRUNCATE)") { (row) in row.integer(0) == 0 } ?? false
    }

    /// Writes all that is committed into a new file, in one snapshot, while writers go on. It is made anew: nothing that
    /// was freed is in it, no page and no rest of one. It is whole by itself, with no log beside it, and durable.
    ///
    /// Cost: about as much as reading it. Memory holds a row and SQLite's cache.
    /// - Throws: ``StoreError`` of kind `damaged` if this database cannot be read; else the copy could not be written.
    func copy(to target: String) throws(StoreError) {
        try Files.ensure(target)
        do throws(StoreError) {
            try run("VACUUM INTO ?", .text(target))
        } catch {
            switch error.kind {
            case .damaged, .held: throw error
            case .full: throw StoreError(.full, "The disk of \(target) is full: make room there, and begin again.")
            default:
                throw StoreError(
                    error.kind, "Cannot copy \(path) to \(target): \(String(cString: sqlite3_errmsg(handle))).")
            }
        }
        try Files.synchronize(file: target)
    }

    /// Moves the write-ahead log into the file and does without one from now on.
    func foldLog() throws(StoreError) { _ = try first("PRAGMA journal_mode=DELETE") { $0.text(0) } }

    private func query(
        _ sql: String, _ parameters: [Value], _ each: (Row) throws(StoreError) -> Void
    ) throws(StoreError) {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, parameter) in parameters.enumerated() {
            let code =
                switch parameter {
                case .null: sqlite3_bind_null(statement, Int32(index + 1))
                case .integer(let value): sqlite3_bind_int64(statement, Int32(index + 1), value)
                case .text(let text):
                    sqlite3_bind_text(statement, Int32(index + 1), text, Int32(text.utf8.count), SQLite.transient)
                case .blob(let bytes):
                    bytes.isEmpty
                        ? sqlite3_bind_zeroblob(statement, Int32(index + 1), 0)
                        : sqlite3_bind_blob64(
                            statement, Int32(index + 1), bytes, UInt64(bytes.count), SQLite.transient)
                }
            guard code == SQLITE_OK else { throw SQLite.error(code, handle, "use", path) }
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: try each(Row(statement: statement))
            case SQLITE_DONE: return
            case let code: throw SQLite.error(code, handle, "use", path)
            }
        }
    }

    private func prepared(_ sql: String) throws(StoreError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw SQLite.error(code, handle, "use", path) }
        statements[sql] = statement
        return statement
    }

    /// The bytes of a parameter are copied.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    private static func error(_ code: Int32, _ handle: OpaquePointer, _ verb: String, _ path: String) -> StoreError {
        let reason = String(cString: sqlite3_errmsg(handle))
        let system = sqlite3_system_errno(handle)
        switch code & 0xFF {
        case SQLITE_IOERR where system == ENOSPC || system == EDQUOT, SQLITE_FULL:
            return StoreError(.full, "The disk of \(path) is full: make room, nothing is lost meanwhile.")
        // Only a file that is being made has a rollback journal: it is empty for whoever reads it.
        case SQLITE_READONLY where code == rollsBack: return StoreError(.missing, "\(path) is empty.")
        // A reader of a file in write-ahead mode needs an index beside it, and makes it if no writer has.
        case SQLITE_READONLY where sqlite3_db_readonly(handle, "main") == 1,
            SQLITE_CANTOPEN where [0, ENOENT, EROFS].contains(system) && Files.exists(path):
            return StoreError(
                .readOnly,
                "\(path) can be read only where files can be made beside it: run this as the owner of the directory, or "
                    + "copy that to where it can be written.")
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
            return StoreError(.readOnly, "\(path) cannot be written: \(reason). Check its owner and the mount.")
        case SQLITE_CANTOPEN: return StoreError(errno: system == 0 ? ENOENT : system, "open", path)
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return StoreError(.damaged, "\(path) is damaged: \(reason). Restore it from a backup.")
        case SQLITE_BUSY, SQLITE_LOCKED: return StoreError(.held, "\(path) is held by another process.")
        default: return StoreError(.inputOutput, "Cannot \(verb) \(path): \(reason).")
        }
    }

    /// The current row of a statement.
    struct Row {
        fileprivate let statement: OpaquePointer

        func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

        /// A count or number that is never negative.
        func number<Number: UnsignedInteger>(_ column: Int32) throws(StoreError) -> Number {
            guard let number = Number(exactly: integer(column)) else {
                let file = sqlite3_db_filename(sqlite3_db_handle(statement), "main").map { String(cString: $0) }
                throw StoreError(.damaged, "\(file ?? "A file") is damaged: it holds a number that is none.")
            }
            return number
        }

        func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

        func text(_ column: Int32) -> String {
            guard let start = sqlite3_column_text(statement, column) else { return "" }
            let count = Int(sqlite3_column_bytes(statement, column))
            return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
        }

        func blob(_ column: Int32) -> [UInt8] {
            guard let start = sqlite3_column_blob(statement, column) else { return [] }
            return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
        }
    }
}
