import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// Files of format version 1 as they were once written: they are read for ever, by this program and by one that was
/// written from the document of the format.
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
}
