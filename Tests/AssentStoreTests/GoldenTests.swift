import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// Files of format version 1 as they were once written: they are read for ever, by this program and, the partitions, by
/// one that was written from the document of the format.
@Suite struct GoldenTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
    static let days: [(name: String, isSealed: Bool)] = [("2026-11-16", true), ("2026-11-17", false)]

    /// A data directory with the file, for SQLite writes beside what it reads.
    static func copy(_ name: String) throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try Files.makeDirectory(Partition.folder(directory.path, "coalition"))
        try FileManager.default.copyItem(
            at: folder.appending(path: "\(name).sqlite"),
            to: URL(filePath: "\(Partition.folder(directory.path, "coalition"))/\(name).sqlite"))
        return directory
    }

    /// What was written: an event a line, then the hash of the content.
    static func expected(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: "\(name).txt"), encoding: .utf8)
    }

    /// An event as the other reader writes it.
    static func line(_ event: Event) -> String {
        let page = [event.page.host, event.page.path, event.page.query, event.page.fragment]
        let numbers = [
            Int64(event.visitor), Int64(event.record), event.time.milliseconds, Int64(event.kind.rawValue),
        ].map(String.init)
        let rest = [
            event.title, event.referrer.host, "\(event.referrer.pathClass.rawValue)", event.locale, event.country,
            "\(event.client.device.rawValue)", event.client.browser, event.client.system, event.name, event.target,
            "\(event.engagedMilliseconds)", "\(event.scroll)",
        ]
        return ([event.id] + numbers + page + rest).joined(separator: "\u{1F}")
    }

    @Test("A file of version 1 says what was written into it", arguments: days)
    func read(name: String, isSealed: Bool) throws {
        let directory = try Self.copy(name)
        let day = try #require(Day(name))
        let partition = try Partition(directory: directory.path, site: "coalition", day: day, .read)
        #expect(try partition.isSealed() == isSealed)
        #expect(try partition.inspect().faults.isEmpty)
        let events = try partition.segments(.all).flatMap(\.events).map(Self.line)
        let lines = events + [try partition.content().text]
        #expect(lines.map { "\($0)\n" }.joined() == (try Self.expected(name)))
    }

    @Test("A reader that knows only the document of the format reads the same", arguments: days)
    func readByAnother(name: String, isSealed: Bool) throws {
        let reader = Process()
        reader.executableURL = URL(filePath: "/usr/bin/env")
        reader.arguments = [
            "python3", Self.folder.appending(path: "read-partition.py").path,
            Self.folder.appending(path: "\(name).sqlite").path,
        ]
        let output = Pipe()
        reader.standardOutput = output
        try reader.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        reader.waitUntilExit()
        #expect(reader.terminationStatus == 0)
        #expect(text == (try Self.expected(name)))
    }

    @Test("A file of version 1 is written on", arguments: days)
    func written(name: String, isSealed: Bool) throws {
        let directory = try Self.copy(name)
        let day = try #require(Day(name))
        let partition = try Partition(
            directory: directory.path, site: "coalition", day: day, .write(durable: false))
        let before = try partition.content().count
        let more = try Samples.events(20, visitors: 1...9, day: day, seed: 77).map(\.event)
        #expect(try partition.add([EventColumns(more)], through: nil) == 20)
        try partition.seal()
        #expect(try partition.content().count == before + 20)
        #expect(try partition.inspect().faults.isEmpty)
    }

    // MARK: Ledger

    /// A data directory with a ledger of an older version. That of version 1 has a consent, a renewal, a ground, a withdrawal that keeps, an
    /// erasure that is complete (visitor 2) and one that is not (visitor 3); and with a partition that has events of both.
    static func ledger(version: Int = 1) throws -> TemporaryDirectory {
        let directory = try copy("2026-11-16")
        try FileManager.default.copyItem(
            at: folder.appending(path: "ledger-\(version).sqlite"), to: URL(filePath: "\(directory.path)/ledger.sqlite")
        )
        return directory
    }

    @Test func `a ledger of version 1 is read as it is`() throws {
        let directory = try Self.ledger()
        let reader = try StoreReader(directory: directory.path)
        #expect(try reader.ledgerFault() == nil)
        #expect(try reader.visitorIDs(site: "coalition").keys.sorted() == [1, 4, 5, 6])
        let tallies = try reader.tallies(site: "coalition", days: Samples.monday...Samples.monday)
        #expect((tallies.granted, tallies.refused, tallies.withdrawn) == (2, 1, 3))
        let events = try reader.events(
            site: "coalition", from: Samples.monday.start, to: Samples.monday.advanced(by: 1).start, columns: .order)
        let visitors = Set(events.segments.flatMap(\.visitors))
        #expect(visitors.contains(5) && visitors.isDisjoint(with: [2, 3]))
        #expect(try Format.version(of: SQLite("\(directory.path)/ledger.sqlite", .read)) == 1)
    }

    @Test func `a ledger of version 2 is read, then brought up to date, and ids are looked up by both of their ends`()
        throws
    {
        // What the program of version 2 made of that of version 1.
        let directory = try Self.ledger(version: 2)
        let reader = try StoreReader(directory: directory.path)
        let id = try #require(try reader.visitorIDs(site: "coalition")[5])
        #expect(try reader.ledgerFault() == nil)
        #expect(try Format.version(of: SQLite("\(directory.path)/ledger.sqlite", .read)) == 2)

        let store = try ErasureTests.open(directory)
        let ledger = try SQLite("\(directory.path)/ledger.sqlite", .read)
        #expect(try Format.version(of: ledger) == 3)
        #expect(try store.numbers(of: [id], site: "coalition") == [5])
        #expect(
            try ledger.first("SELECT group_concat(name) FROM sqlite_master WHERE tbl_name='visitor' AND type='index'") {
                $0.text(0)
            } == "visitor_ends")
        let plan = try ledger.first(
            "EXPLAIN QUERY PLAN \(Ledger.visitorSearch)", .blob([]), .blob([]), .blob([]), .integer(1)
        ) { $0.text(3) }
        #expect(plan?.contains("visitor_ends (<expr>=? AND <expr>=?)") == true)
        #expect(try StoreReader(directory: directory.path).ledgerFault() == nil)
    }

    @Test func `a ledger of version 1 is brought up to date, and what was under way in it is finished`() throws {
        let directory = try Self.ledger()
        let old = try ReceiptTests.ledger(directory).first("SELECT group_concat(hex(hash)) FROM entry") { $0.text(0) }
        let store = try ErasureTests.open(directory)
        #expect(try Format.version(of: SQLite("\(directory.path)/ledger.sqlite", .read)) == 3)
        let hashes = "SELECT group_concat(hex(hash)) FROM entry WHERE number<=9"
        #expect(try ReceiptTests.ledger(directory).first(hashes) { $0.text(0) } == old)

        let pending = try #require(try ReceiptTests.erase(Samples.visitorID(3), store))
        let receipt = try ReceiptTests.read(pending)
        #expect(receipt.state == .erased && receipt.entry == 9 && receipt.events > 0)
        #expect(receipt.asked == Samples.monday.advanced(by: 1).start.advanced(by: 90_000))
        #expect(try ReceiptTests.verify(pending, directory, Samples.visitorID(3)).faults.isEmpty)
        // The partition is from before the erasure of visitor 2, as one from a backup would be.
        let again = try ReceiptTests.read(try ReceiptTests.erase(Samples.visitorID(2), store))
        #expect(again.state == .erased && again.entry == 6 && again.earlier.isEmpty)
        let known = try ReceiptTests.read(try ReceiptTests.erase(Samples.visitorID(5), store))
        #expect(known.state == .erased && known.events > 0)
        #expect(try StoreReader(directory: directory.path).ledgerFault() == nil)
    }

    @Test func `a visitor who was erased under version 1 has no end in the chain, and a receipt`() throws {
        let directory = try Self.ledger()
        try FileManager.default.removeItem(atPath: "\(directory.path)/partitions")
        let document = try #require(try ReceiptTests.erase(Samples.visitorID(2), ErasureTests.open(directory)))
        let receipt = try ReceiptTests.read(document)
        #expect(receipt.state == .erasedBefore && receipt.earlier.isEmpty && receipt.left.isEmpty)
        #expect(receipt.completed == Samples.monday.advanced(by: 1).start.advanced(by: 60_000))
        #expect(try ReceiptTests.verify(document, directory, Samples.visitorID(2)).faults.isEmpty)
    }

    @Test func `a format is brought up to date step by step, all or nothing`() throws {
        let directory = try TemporaryDirectory()
        let database = try SQLite("\(directory.path)/file", .write(durable: false))
        try Format(applicationID: 7, version: 1).prepare(database) { () throws(StoreError) in
            try database.run("CREATE TABLE one(x)")
        }
        let newest = Format(applicationID: 7, version: 3)
        #expect(throws: StoreError.self) {
            try newest.prepare(database, create: {}) { (version) throws(StoreError) in
                try database.run(version == 1 ? "CREATE TABLE two(x)" : "CREATE TABLE one(x)")
            }
        }
        #expect(try Format.version(of: database) == 1)
        var steps: [Int64] = []
        for _ in 0..<2 {
            try newest.prepare(database, create: {}) { (version) throws(StoreError) in
                steps.append(version)
                try database.run("CREATE TABLE step\(version)(x)")
            }
        }
        #expect(steps == [1, 2])
        #expect(try Format.version(of: database) == 3)
        #expect(try database.first("SELECT count(*) FROM sqlite_schema WHERE name='two'") { $0.integer(0) } == 0)
    }
}
