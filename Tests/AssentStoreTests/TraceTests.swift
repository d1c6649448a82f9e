import AssentCore
import Foundation
import Support
import Testing

@testable import AssentStore

/// An erasure by the eyes of somebody who has the disk: every byte of every file, and everything inflated.
@Suite struct TraceTests {
    static let now = Samples.monday.advanced(by: 3).start
    static let sites = ["coalition", "second"]

    /// The visitor who is erased, on the first site. On the other one the number is somebody else's.
    static let visitor: VisitorNumber = 2

    /// A text for each field of the visitor that can hold one, found nowhere else.
    static let markers = (
        path: "/only/Heliotrope", query: "utm_term=Marmalade", fragment: "Tamarisk", title: "Quillwort 😀 of theirs",
        referrer: "gossamer.example", locale: "tlh", country: "QZ", browser: "Zephyrbrowse", system: "Obsidianos",
        name: "juniper_act", target: "https://www.example.org/Larkspur", idPrefix: "Ptarmigan"
    )

    static var needles: [ByteSearch.Needle] {
        // A country of two letters is found in anything.
        [
            markers.path, markers.query, "Marmalade", markers.fragment, markers.title, markers.referrer, "tlh",
            markers.browser, markers.system, markers.name, markers.target, "Larkspur", markers.idPrefix,
        ].map(ByteSearch.Needle.init)
    }

    /// Random events of two days; those of the visitor to be erased have a marker in every text.
    static func events(_ count: Int, _ site: String, seed: UInt64) throws -> [ConsentedEvent] {
        var generator = SeededGenerator(seed: seed)
        return try (0..<count).map { index in
            var event = Samples.event(
                id: "event-\(seed)-\(index)", visitors: 1...6, day: Samples.monday.advanced(by: index % 2),
                using: &generator)
            if site == sites[0], event.visitor == visitor {
                event.id = "\(markers.idPrefix)-\(seed)-\(index)"
                event.page = Page(
                    host: event.page.host, path: markers.path, query: markers.query, fragment: markers.fragment)
                event.title = "\(markers.title) \(index)"
                event.referrer = Referrer(host: markers.referrer, pathClass: .page)
                (event.locale, event.country) = (markers.locale, markers.country)
                event.client = Client(device: .mobile, browser: markers.browser, system: markers.system)
                if event.kind == .action { (event.name, event.target) = (markers.name, markers.target) }
            }
            return try Samples.consented(event)
        }
    }

    /// Pieces of the streams that hold a marker once they are inflated: what a free page would still have of them.
    static func pieces(_ directory: TemporaryDirectory) throws -> [ByteSearch.Needle] {
        let texts = [
            markers.path, markers.title, markers.referrer, markers.locale, markers.browser, markers.name,
            markers.target, markers.idPrefix,
        ].map { Data($0.utf8) }
        return try pieces(directory.path) { content in texts.contains { content.range(of: $0) != nil } }
    }

    /// Pieces of streams of the first site.
    /// - Parameter isAsked: given what a stream inflates to.
    static func pieces(_ directory: String, where isAsked: (Data) -> Bool) throws -> [ByteSearch.Needle] {
        var pieces: [ByteSearch.Needle] = []
        for day in try Partition.days(directory, sites[0]) {
            let path = Partition.path(directory, sites[0], day)
            // Ids stand as they are, and those of others stay.
            let streams = "SELECT number, bytes, inflated FROM stream WHERE number&31<>\(EncodedColumn.ID.ids.rawValue)"
            try SQLite(path, .read).rows(streams) { row in
                let (number, bytes) = (row.integer(0), row.blob(1))
                guard let content = Deflate.inflate(bytes, count: Int(row.integer(2))), isAsked(Data(content)) else {
                    return
                }
                for start in stride(from: 16, to: bytes.count - 40, by: 300) {
                    let name = "stream \(number) of \(day) at \(start)"
                    pieces.append(ByteSearch.Needle(name, Array(bytes[start..<start + 40])))
                }
            }
        }
        return pieces
    }

    /// What an export has of each visitor of each site: the lines, byte for byte.
    static func exports(_ directory: TemporaryDirectory) throws -> [String: [UInt8]] {
        var lines: [String: [String]] = [:]
        for site in sites {
            let period = try StoreReader(directory: directory.path).events(
                site: site, from: Samples.monday.start, to: now, columns: .all)
            #expect(period.damage.isEmpty)
            for event in period.segments.flatMap(\.events) {
                var line = JSONWriter()
                EventLine.write(event, visitor: Samples.visitorID(event.visitor), scheme: "https", to: &line)
                lines["\(site) \(event.visitor)", default: []].append(line.text)
            }
        }
        return lines.mapValues { Array($0.sorted().joined(separator: "\n").utf8) }
    }

    @Test func `no byte of an erased visitor is left in any file, inflated or raw, and all others are as they were`()
        throws
    {
        let directory = try TemporaryDirectory()
        let store = try Store.open(directory: directory.path, key: Samples.key, durability: .full, now: Self.now)
        var id: VisitorID?
        for site in Self.sites {
            let consent = NewConsent(
                site: site, notice: Samples.notices[0], act: "click", source: "banner", at: Self.now,
                day: Samples.monday)
            for answer in try store.commit([LedgerRequest](repeating: .grant(consent), count: 6)) {
                guard case .granted(let record) = answer, site == Self.sites[0], record.visitor == Self.visitor else {
                    continue
                }
                id = record.visitorID
            }
            for seed in 1...3 as ClosedRange<UInt64> {
                _ = try store.append([EventBatch(site: site, events: try Self.events(400, site, seed: seed))])
                if seed < 3 { try store.drain(at: Self.now) }
            }
        }
        // One day sealed, one open, and rows that wait in the journal.
        #expect(try store.seal(day: Samples.monday, at: Self.now).partitions.count == 2)
        for site in Self.sites {
            let events = try Self.events(100, site, seed: 4).filter { $0.event.time.day != Samples.monday }
            _ = try store.append([EventBatch(site: site, events: events)])
        }
        let visitorID = try #require(id)
        let needles =
            Self.needles + [ByteSearch.Needle("the id", visitorID.bytes), ByteSearch.Needle(visitorID.hex)]
        let pieces = try Self.pieces(directory)
        let before = try ByteSearch(directory.path, for: needles)
        // Markers are in the journal as they are, and in partitions once those are inflated.
        for needle in Self.needles {
            for place in ["journal.sqlite", "partitions/coalition/2026-11-16.sqlite", "inflated"] {
                let isID = needle.name == Self.markers.idPrefix && place.hasPrefix("partitions/coalition/2026-11-16")
                #expect(
                    before.findings.contains { $0.hasPrefix("\(needle.name) in") && $0.contains(place) } != isID,
                    "\(needle.name) in \(place); a sealed day has no ids")
            }
        }
        #expect(before.findings.contains { $0.hasPrefix("the id in ledger.sqlite") })
        #expect(before.inflated.values > 50 && before.inflated.bytes > 50_000)
        // A piece that lies across two pages is not found as it is.
        let whole = try ByteSearch(directory.path, for: pieces)
        #expect(Set(whole.findings).count > 15, "streams with markers can be told by their own bytes")
        let exports = try Self.exports(directory)
        #expect(exports.count == 12 && exports.values.allSatisfy { $0.count > 500 })
        var expected = exports
        expected["coalition \(Self.visitor)"] = nil

        _ = try ErasureTests.withdraw(store, Self.visitor)
        #expect(try Self.exports(directory) == expected)
        #expect(try store.drain(at: Self.now).isEmpty)
        for store in [store, nil] {
            let after = try ByteSearch(directory.path, for: needles + pieces)
            #expect(after.findings.isEmpty)
            #expect(after.inflated.values > 50 && after.values > before.values / 2)
            #expect(try Self.exports(directory) == expected)
            try store?.close(at: Self.now)
        }
        #expect(try StoreReader(directory: directory.path).inspect { _ in }.faults.isEmpty)
    }

    @Test func `the search finds what lies in a free page, in a log, and across the pages of a long value`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.sqlite"
        let file = try SQLite(path, .write(durable: false))
        try file.run("CREATE TABLE t(b BLOB)")
        func find(_ text: String) throws -> [String] {
            try ByteSearch(directory.path, for: [ByteSearch.Needle(text)]).findings
        }
        var random = SeededGenerator(seed: 1)
        let long = (0..<20_000).map { _ in UInt8.random(in: 0x61...0x7A, using: &random) }
        try file.run("INSERT INTO t VALUES(?)", .blob(long))
        for start in stride(from: 0, to: 19_000, by: 1_500) {
            let text = String(decoding: long[start..<start + 900], as: UTF8.self)
            #expect(try find(text).contains { $0.contains("table t") }, "at \(start)")
        }
        try file.run(
            "INSERT INTO t VALUES(?)", .blob(Deflate.compress(Array("hidden in a stream".utf8) + long, .quick)))
        #expect(try find("hidden in a stream") == ["hidden in a stream in a.sqlite, table t, column 0, inflated"])
        try file.run("PRAGMA secure_delete=OFF")
        try file.run("INSERT INTO t VALUES(?)", .blob(Array("left behind".utf8)))
        _ = try file.checkpoint()
        try file.run("DELETE FROM t")
        #expect(try find("left behind").contains("left behind in a.sqlite"))
        try file.run("INSERT INTO t VALUES(?)", .text("in the log"))
        #expect(try find("in the log").contains("in the log in a.sqlite-wal"))
    }
}
