import AssentCore

@testable import AssentStore

/// What the store reads, and the lines of an import.
enum StoreTargets {
    static let gate = Gate(
        site: Site(
            id: "coalition", name: "Coalition", origins: ["https://www.example.org"], locales: ["en", "ar"],
            minimumGroup: 1, notices: []),
        key: ServerKey(bytes: Array(repeating: 9, count: ServerKey.byteCount)),
        countries: CountryTable(zoneTable: Array("IQ\t+3321\tAsia/Baghdad\n".utf8), rules: []))

    /// A count of events and a count of bytes for each column, then the columns as they are once they are inflated.
    static func segment(_ input: [UInt8]) {
        var reader = ByteReader(input)
        guard let count = try? reader.varint32() else { return }
        var columns: [EncodedColumn.ID: EncodedColumn] = [:]
        for id in EncodedColumn.ID.allCases {
            guard let count = try? reader.count(), let content = try? reader.raw(count) else { break }
            let stream = Deflate.compress(Array(content), .quick)
            columns[id] = EncodedColumn(
                id: id, bytes: stream, inflatedCount: content.count, crc: Deflate.crc(stream))
        }
        for asked in [ColumnSet.all, .order, .titles, .ids] {
            guard
                case .success(let decoded) = SegmentCodec.decode(
                    count: Int(count), columns: asked, fetch: { columns[$0] })
            else { continue }
            precondition(decoded.count == Int(count))
            guard asked == .all else { continue }
            let events = (0..<decoded.count).map(decoded.event(at:))
            check(events)
            let hasIDs = columns[.ids] != nil
            let again = SegmentCodec.encode(decoded, keepingIDs: hasIDs)
            let second = SegmentCodec.decode(count: events.count, columns: .all) { id in again.first { $0.id == id } }
            guard case .success(let second) = second else { preconditionFailure("what was decoded cannot be encoded") }
            precondition((0..<second.count).map { bytes(of: second.event(at: $0)) } == events.map(bytes(of:)))
        }
    }

    static func journalRow(_ input: [UInt8]) {
        guard let batches = try? EventBatch.decode(input) else { return }
        for batch in batches {
            guard let events = try? batch.events() else { continue }
            precondition(events.count == batch.count)
            check(events)
            let again = try? EventBatch(site: batch.site, unchecked: events).events()
            precondition(again?.map(bytes(of:)) == events.map(bytes(of:)))
            let rest = try? batch.removing { $0 % 2 == 0 }.events()
            precondition(rest?.map(bytes(of:)) == events.filter { $0.visitor % 2 == 1 }.map(bytes(of:)))
        }
    }

    /// A claim of a length, then a stream.
    static func stream(_ input: [UInt8]) {
        var reader = ByteReader(input)
        guard let claimed = try? reader.varint() else { return }
        let count = Int(claimed % UInt64(Limits.columnBytesMax + 2))
        guard let inflated = Deflate.inflate(Array(input[reader.index...]), count: count) else { return }
        precondition(inflated.count == count)
        // Much of the same takes long and says no more.
        guard count <= 65_536 else { return }
        precondition(Deflate.inflate(Deflate.compress(inflated, .thorough), count: count) == inflated)
    }

    static func eventLine(_ input: [UInt8]) {
        var memory = GateMemory(texts: 16)
        guard let line = try? EventLine(parsing: input),
            let admitted = try? gate.admit(line, visitor: 1, record: 1, &memory)
        else { return }
        check([admitted.event])
        var writer = JSONWriter()
        EventLine.write(admitted.event, visitor: line.visitor, scheme: "https", to: &writer)
        let again = try? gate.admit(EventLine(parsing: writer.bytes), visitor: 1, record: 1, &memory)
        guard again.map({ bytes(of: $0.event) }) == bytes(of: admitted.event) else {
            fatalError("\(admitted.event) comes back as \(String(describing: again?.event))")
        }
    }

    private static func check(_ events: [Event]) {
        for event in events {
            precondition(Limits.eventTimes.contains(event.time.milliseconds) && event.visitor > 0)
            precondition(event.scroll <= Limits.scrollPercentMax || event.scroll == Event.noScroll)
        }
    }

    private static func bytes(of event: Event) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(event)
        return writer.bytes
    }
}
