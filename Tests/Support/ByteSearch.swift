import CSQLite
import CZlib
import Foundation

/// Looks for bytes in a data directory as somebody would who has the disk.
///
/// Every file is read raw, so that free pages, write-ahead logs and what was left behind are searched too. Then every
/// value of every table of every SQLite file is taken out whole, since SQLite cuts long ones into pages, and what is a
/// zlib stream is inflated. It uses nothing of the store's own code.
public struct ByteSearch {
    /// Where something was found.
    public private(set) var findings: [String] = []
    /// Values that were zlib streams, and what they inflated to in all.
    public private(set) var inflated = (values: 0, bytes: 0)
    /// Values that were looked into.
    public private(set) var values = 0

    /// What is looked for.
    public struct Needle: Sendable {
        /// What a finding calls it.
        public let name: String
        let bytes: [UInt8]

        /// Bytes.
        public init(_ name: String, _ bytes: [UInt8]) { (self.name, self.bytes) = (name, bytes) }

        /// A text, by itself.
        public init(_ text: String) { self.init(text, Array(text.utf8)) }
    }

    private let needles: [Needle]

    /// Searches a directory.
    public init(_ directory: String, for needles: [Needle]) throws {
        self.needles = needles
        let names = try FileManager.default.subpathsOfDirectory(atPath: directory).sorted()
        for name in names {
            var isDirectory: ObjCBool = false
            let path = "\(directory)/\(name)"
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue else {
                continue
            }
            look(in: try Data(contentsOf: URL(filePath: path)), at: name)
        }
        for name in names where name.hasSuffix(".sqlite") { try lookIntoTables(of: "\(directory)/\(name)", name) }
    }

    private mutating func look(in bytes: Data, at place: String) {
        bytes.withUnsafeBytes { bytes in
            for needle in needles where bytes.contains(needle.bytes) { findings.append("\(needle.name) in \(place)") }
        }
    }

    private mutating func look(into value: Data, at place: String) {
        values += 1
        look(in: value, at: place)
        guard let whole = Self.inflate(value) else { return }
        inflated = (inflated.values + 1, inflated.bytes + whole.count)
        look(in: whole, at: "\(place), inflated")
    }

    private mutating func lookIntoTables(of path: String, _ name: String) throws {
        var handle: OpaquePointer?
        defer { sqlite3_close_v2(handle) }
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else {
            throw Unreadable(file: name)
        }
        var tables: [String] = []
        try rows(handle, "SELECT name FROM sqlite_schema WHERE type='table'", name) { row in
            tables.append(String(decoding: Self.value(row, 0), as: UTF8.self))
        }
        for table in tables {
            try rows(handle, "SELECT * FROM \"\(table)\"", name) { row in
                for column in 0..<sqlite3_column_count(row) {
                    look(into: Self.value(row, column), at: "\(name), table \(table), column \(column)")
                }
            }
        }
    }

    /// A value as SQLite gives it as bytes; a number as its digits.
    private static func value(_ row: OpaquePointer?, _ column: Int32) -> Data {
        guard let start = sqlite3_column_blob(row, column) else { return Data() }
        return Data(bytes: start, count: Int(sqlite3_column_bytes(row, column)))
    }

    private func rows(
        _ handle: OpaquePointer?, _ sql: String, _ name: String, each: (OpaquePointer?) -> Void
    ) throws {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { throw Unreadable(file: name) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: each(statement)
            case SQLITE_DONE: return
            default: throw Unreadable(file: name)
            }
        }
    }

    /// What a zlib stream stands for; nil if it is none.
    private static func inflate(_ stream: Data) -> Data? {
        guard stream.count > 2, stream[0] & 0x0F == 8, (Int(stream[0]) << 8 | Int(stream[1])) % 31 == 0 else {
            return nil
        }
        var room = 64 * 1024
        while true {
            var whole = [UInt8](repeating: 0, count: room)
            var count = uLongf(room)
            switch uncompress(&whole, &count, Array(stream), uLong(stream.count)) {
            case Z_OK: return Data(whole[..<Int(count)])
            case Z_BUF_ERROR where room < 1 << 28: room *= 8
            default: return nil
            }
        }
    }

    /// A SQLite file that cannot be read proves nothing.
    private struct Unreadable: Error {
        let file: String
    }
}
