internal import AssentCore

/// One column of a segment as it lies in a partition.
struct EncodedColumn: Equatable {
    /// Which column; raw values are those of the format.
    enum ID: UInt8, CaseIterable {
        case visitors = 1
        case times = 2
        case records = 3
        case kinds = 4
        case ids = 5
        case pages = 6
        case titles = 7
        case referrers = 8
        case locales = 9
        case countries = 10
        case clients = 11
        case names = 12
        case targets = 13
        case engaged = 14
        case scrolls = 15
    }

    var id: ID
    /// A zlib stream.
    var bytes: [UInt8]
    /// Bytes that it inflates to.
    var inflatedCount: Int
    /// CRC-32 of ``bytes``.
    var crc: UInt32

    init(id: ID, bytes: [UInt8], inflatedCount: Int, crc: UInt32) {
        self.id = id
        self.bytes = bytes
        self.inflatedCount = inflatedCount
        self.crc = crc
    }

    fileprivate init(_ id: ID, deflating writer: ByteWriter, _ effort: Deflate.Effort) {
        bytes = Deflate.compress(writer.bytes, effort)
        self.id = id
        inflatedCount = writer.bytes.count
        crc = Deflate.crc(bytes)
    }

    /// The reader of what it inflates to.
    func reader() throws(SegmentDamage) -> ByteReader {
        guard Deflate.crc(bytes) == crc else { throw SegmentDamage("column \(id): its CRC is wrong") }
        guard (0...Limits.columnBytesMax).contains(inflatedCount),
            let inflated = Deflate.inflate(bytes, count: inflatedCount)
        else { throw SegmentDamage("column \(id): it does not inflate to its length") }
        return ByteReader(inflated)
    }
}

/// Why a segment cannot be read, in one clause.
struct SegmentDamage: Error, Equatable, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Turns events in columns into streams and back.
///
/// What repeats is said once: visitors are runs, texts stand in a dictionary with the most frequent first, and an index
/// is 0 where it is that of the event before in the same context (a page's title is mostly the one it had last, a
/// visitor's country that of the event before).
enum SegmentCodec {
    private typealias ID = EncodedColumn.ID

    // MARK: Encoding

    /// Cuts events into ranges that a segment can hold: at most ``Limits/segmentEventsMax`` events, and so few bytes of
    /// text that no column exceeds ``Limits/columnBytesMax``, however long and different the texts are.
    static func cuts(_ columns: EventColumns) -> [Range<Int>] {
        // A column has at most 17 bytes of lengths and indices for an event beside its texts, and 10 before them.
        let weightOfNumbers = 32
        var cuts: [Range<Int>] = []
        var start = 0
        var weight = 0
        for event in 0..<columns.count {
            let added = weightOfNumbers + columns.textBytes(of: event)
            if event - start == Limits.segmentEventsMax || weight + added > Limits.columnBytesMax {
                cuts.append(start..<event)
                (start, weight) = (event, 0)
            }
            weight += added
        }
        if start < columns.count { cuts.append(start..<columns.count) }
        return cuts
    }

    /// The columns of a segment. `columns` are in order, whole, and no more than ``cuts(_:)`` allows. Cost: about 2 µs an event.
    static func encode(_ columns: EventColumns, keepingIDs: Bool) -> [EncodedColumn] {
        let contexts = Contexts(pages: columns.pages, kinds: columns.kinds)
        // What keeps its ids will be written anew when its day is sealed.
        let effort: Deflate.Effort = keepingIDs ? .quick : .thorough
        func column(_ id: ID, _ writer: ByteWriter) -> EncodedColumn {
            EncodedColumn(id, deflating: writer, effort)
        }
        var encoded = [
            column(.visitors, visitors(columns.visitors)),
            column(.times, times(columns)),
            column(.records, records(columns)),
            column(.kinds, bytes(columns.kinds)),
            column(.pages, dictionary(columns.pages, contexts.none) { $0.write($1) }),
            column(.titles, dictionary(columns.titles, contexts.pageAndKind) { $0.text($1) }),
            column(.referrers, dictionary(columns.referrers, contexts.kind) { $0.write($1) }),
            column(.locales, dictionary(columns.locales, contexts.page) { $0.text($1) }),
            column(.countries, dictionary(columns.countries, contexts.none) { $0.text($1) }),
            column(.clients, dictionary(columns.clients, contexts.none) { $0.write($1) }),
            column(.names, dictionary(columns.names, contexts.kind) { $0.text($1) }),
            column(.targets, dictionary(columns.targets, contexts.pageAndKind) { $0.text($1) }),
            column(.engaged, engaged(columns.engaged)),
            column(.scrolls, bytes(columns.scrolls)),
        ]
        // A segment that was sealed has none, also where its day is open again. They are random: deflating gains nothing.
        if keepingIDs, !columns.ids.isEmpty { encoded.append(EncodedColumn(.ids, deflating: ids(columns.ids), .none)) }
        return encoded
    }

    private static func visitors(_ visitors: [VisitorNumber]) -> ByteWriter {
        var runs: [(visitor: VisitorNumber, length: UInt32)] = []
        for visitor in visitors {
            if let last = runs.indices.last, runs[last].visitor == visitor {
                runs[last].length += 1
            } else {
                runs.append((visitor, 1))
            }
        }
        var writer = ByteWriter(capacity: runs.count * 3)
        writer.varint(UInt(runs.count))
        var previous: VisitorNumber = 0
        for run in runs {
            writer.varint(run.visitor - previous)
            previous = run.visitor
        }
        for run in runs { writer.varint(run.length) }
        return writer
    }

    /// First those of each visitor's first event, as distances from the earliest of all, then the steps of the others.
    private static func times(_ columns: EventColumns) -> ByteWriter {
        var firsts = ByteWriter(capacity: columns.count * 2)
        var steps = ByteWriter(capacity: columns.count * 2)
        let earliest = columns.times.min() ?? 0
        firsts.zigzag(earliest)
        for index in 0..<columns.count {
            if index > 0, columns.visitors[index] == columns.visitors[index - 1] {
                steps.varint(UInt64(columns.times[index] - columns.times[index - 1]))
            } else {
                firsts.varint(UInt64(columns.times[index] - earliest))
            }
        }
        firsts.raw(steps.bytes)
        return firsts
    }

    /// Steps from the event before, less the step of the visitor: both numbers grow together.
    private static func records(_ columns: EventColumns) -> ByteWriter {
        var writer = ByteWriter(capacity: columns.count)
        var (record, visitor) = (Int64(0), Int64(0))
        for index in 0..<columns.count {
            let (nextRecord, nextVisitor) = (Int64(columns.records[index]), Int64(columns.visitors[index]))
            writer.zigzag((nextRecord - record) - (nextVisitor - visitor))
            (record, visitor) = (nextRecord, nextVisitor)
        }
        return writer
    }

    private static func bytes(_ values: [UInt8]) -> ByteWriter {
        var writer = ByteWriter()
        writer.raw(values)
        return writer
    }

    /// In the largest unit of 1, 10, 100 or 1,000 milliseconds that all of them are multiples of.
    private static func engaged(_ values: [UInt32]) -> ByteWriter {
        let unit: UInt32 = [1_000, 100, 10].first { unit in values.allSatisfy { $0 % unit == 0 } } ?? 1
        var writer = ByteWriter(capacity: values.count * 2)
        writer.varint(unit)
        for value in values { writer.varint(value / unit) }
        return writer
    }

    /// Each as twice its length, then its characters; where all of them are pairs of hex digits in lower case, one more
    /// and half as many bytes.
    private static func ids(_ ids: Texts) -> ByteWriter {
        var writer = ByteWriter(capacity: ids.count * 17)
        for index in ids.indices {
            let id = ids.bytes(at: index)
            if id.count % 2 == 0, id.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) {
                writer.varint(UInt(id.count / 2) << 1 | 1)
                var digits = id
                while let high = digits.popFirst(), let low = digits.popFirst() {
                    writer.byte(nibble(high) << 4 | nibble(low))
                }
            } else {
                writer.varint(UInt(id.count) << 1)
                writer.raw(id)
            }
        }
        return writer
    }

    /// The value of a hex digit in lower case.
    private static func nibble(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit - 0x30 : digit - 0x61 + 10 }

    private static func dictionary<Value>(
        _ column: EventColumns.Interned<Value>, _ context: Contexts.Of, write: (inout ByteWriter, Value) -> Void
    ) -> ByteWriter {
        var uses = [Int](repeating: 0, count: column.values.count)
        for index in column.indices { uses[Int(index)] += 1 }
        let byUse = uses.indices.sorted { (uses[$1], $0) < (uses[$0], $1) }.filter { uses[$0] > 0 }
        var rank = [UInt32](repeating: 0, count: uses.count)
        for (place, index) in byUse.enumerated() { rank[index] = UInt32(place) }
        var writer = ByteWriter(capacity: column.indices.count + byUse.count * 16)
        writer.varint(UInt(byUse.count))
        for index in byUse { write(&writer, column.values[index]) }
        var last = [UInt32](repeating: .max, count: context.count)
        for (event, index) in column.indices.enumerated() {
            let place = rank[Int(index)]
            let slot = context.slot(event)
            writer.varint(last[slot] == place ? 0 : place + 1)
            last[slot] = place
        }
        return writer
    }
}

/// What an index of a dictionary is foretold from: the one that the last event of the same slot had.
struct Contexts {
    struct Of {
        var count: Int
        var slot: (Int) -> Int
    }

    let pages: EventColumns.Interned<Page>
    let kinds: [UInt8]

    /// The event before.
    var none: Of { Of(count: 1) { _ in 0 } }
    /// The last event of that kind.
    var kind: Of { Of(count: 3) { Int(kinds[$0]) } }
    /// The last event on that page.
    var page: Of { Of(count: max(1, pages.values.count)) { Int(pages.indices[$0]) } }
    /// The last event of that kind on that page.
    var pageAndKind: Of {
        Of(count: max(1, pages.values.count) * 3) { Int(pages.indices[$0]) * 3 + Int(kinds[$0]) }
    }
}
