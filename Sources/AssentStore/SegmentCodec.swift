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

    fileprivate init(_ id: ID, deflating writer: ByteWriter) {
        bytes = Deflate.compress(writer.bytes)
        self.id = id
        inflatedCount = writer.bytes.count
        crc = Deflate.crc(bytes)
    }

    /// The reader of what it inflates to.
    fileprivate func reader() throws(SegmentDamage) -> ByteReader {
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
        var encoded = [
            EncodedColumn(.visitors, deflating: visitors(columns.visitors)),
            EncodedColumn(.times, deflating: times(columns)),
            EncodedColumn(.records, deflating: records(columns)),
            EncodedColumn(.kinds, deflating: bytes(columns.kinds)),
            EncodedColumn(.pages, deflating: dictionary(columns.pages, contexts.none) { $0.write($1) }),
            EncodedColumn(.titles, deflating: dictionary(columns.titles, contexts.pageAndKind) { $0.text($1) }),
            EncodedColumn(.referrers, deflating: dictionary(columns.referrers, contexts.kind) { $0.write($1) }),
            EncodedColumn(.locales, deflating: dictionary(columns.locales, contexts.page) { $0.text($1) }),
            EncodedColumn(.countries, deflating: dictionary(columns.countries, contexts.none) { $0.text($1) }),
            EncodedColumn(.clients, deflating: dictionary(columns.clients, contexts.none) { $0.write($1) }),
            EncodedColumn(.names, deflating: dictionary(columns.names, contexts.kind) { $0.text($1) }),
            EncodedColumn(.targets, deflating: dictionary(columns.targets, contexts.pageAndKind) { $0.text($1) }),
            EncodedColumn(.engaged, deflating: engaged(columns.engaged)),
            EncodedColumn(.scrolls, deflating: bytes(columns.scrolls)),
        ]
        // A segment that was sealed has none, also where its day is open again.
        if keepingIDs, !columns.ids.isEmpty { encoded.append(EncodedColumn(.ids, deflating: ids(columns.ids))) }
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
    private static func ids(_ ids: [String]) -> ByteWriter {
        var writer = ByteWriter(capacity: ids.count * 17)
        for id in ids {
            let isPlainHex = id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            if isPlainHex, let bytes = Hex.bytes(id) {
                writer.varint(UInt(bytes.count) << 1 | 1)
                writer.raw(bytes)
            } else {
                writer.varint(UInt(id.utf8.count) << 1)
                writer.raw(id.utf8)
            }
        }
        return writer
    }

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

    // MARK: Decoding

    /// The columns of a segment that are asked for. `fetch` gives a column as it lies in the partition, or nil.
    /// - Throws: ``SegmentDamage``; foreign bytes never trap. The ids of a sealed segment are missing without harm.
    static func decode<Failure: Error>(
        count: Int, columns wanted: ColumnSet, fetch: (EncodedColumn.ID) throws(Failure) -> EncodedColumn?
    ) throws(Failure) -> Result<EventColumns, SegmentDamage> {
        var fetched: [EncodedColumn.ID: EncodedColumn] = [:]
        for id in wanted.ids { fetched[id] = try fetch(id) }
        do throws(SegmentDamage) {
            return .success(try decode(count: count, wanted, fetched))
        } catch {
            return .failure(error)
        }
    }

    private static func decode(
        count: Int, _ wanted: ColumnSet, _ fetched: [EncodedColumn.ID: EncodedColumn]
    ) throws(SegmentDamage) -> EventColumns {
        guard (0...Limits.segmentEventsMax).contains(count) else { throw SegmentDamage("its count of events is wrong") }
        func read<Value>(
            _ id: ID, _ body: (inout ByteReader) throws(ByteReader.Malformed) -> Value
        ) throws(SegmentDamage) -> Value {
            guard let column = fetched[id] else { throw SegmentDamage("column \(id): it is missing") }
            var reader = try column.reader()
            let value: Value
            do { value = try body(&reader) } catch { throw SegmentDamage("column \(id): its content is malformed") }
            guard reader.isAtEnd else { throw SegmentDamage("column \(id): it is longer than its events") }
            return value
        }
        func dictionary<Value>(
            _ id: ID, _ context: Contexts.Of, _ value: (inout ByteReader) throws(ByteReader.Malformed) -> Value
        ) throws(SegmentDamage) -> EventColumns.Interned<Value> {
            try read(id) { (reader) throws(ByteReader.Malformed) in
                try SegmentCodec.dictionary(&reader, count, context, value)
            }
        }
        var result = EventColumns()
        result.count = count
        let visitors = try read(.visitors) { (reader) throws(ByteReader.Malformed) in
            try SegmentCodec.visitors(&reader, count)
        }
        result.visitors = visitors
        result.times = try read(.times) { (reader) throws(ByteReader.Malformed) in
            try SegmentCodec.times(&reader, visitors)
        }
        if wanted.contains(.records) {
            result.records = try read(.records) { (reader) throws(ByteReader.Malformed) in
                try SegmentCodec.records(&reader, visitors)
            }
        }
        if !wanted.isDisjoint(with: [.kinds, .needKinds]) {
            result.kinds = try read(.kinds) { (reader) throws(ByteReader.Malformed) in
                let kinds = Array(try reader.raw(count))
                guard kinds.allSatisfy({ Event.Kind(rawValue: $0) != nil }) else { throw ByteReader.Malformed() }
                return kinds
            }
        }
        if wanted.contains(.ids), fetched[.ids] != nil {
            result.ids = try read(.ids) { (reader) throws(ByteReader.Malformed) in
                try SegmentCodec.ids(&reader, count)
            }
        }
        var contexts = Contexts(pages: result.pages, kinds: result.kinds)
        if !wanted.isDisjoint(with: [.pages, .needPages]) {
            result.pages = try dictionary(.pages, contexts.none) { (reader) throws(ByteReader.Malformed) in
                try reader.page()
            }
            contexts = Contexts(pages: result.pages, kinds: result.kinds)
        }
        let text = { (reader: inout ByteReader) throws(ByteReader.Malformed) -> String in try reader.text() }
        if wanted.contains(.titles) { result.titles = try dictionary(.titles, contexts.pageAndKind, text) }
        if wanted.contains(.referrers) {
            result.referrers = try dictionary(.referrers, contexts.kind) { (reader) throws(ByteReader.Malformed) in
                try reader.referrer()
            }
        }
        if wanted.contains(.locales) { result.locales = try dictionary(.locales, contexts.page, text) }
        if wanted.contains(.countries) { result.countries = try dictionary(.countries, contexts.none, text) }
        if wanted.contains(.clients) {
            result.clients = try dictionary(.clients, contexts.none) { (reader) throws(ByteReader.Malformed) in
                try reader.client()
            }
        }
        if wanted.contains(.names) { result.names = try dictionary(.names, contexts.kind, text) }
        if wanted.contains(.targets) { result.targets = try dictionary(.targets, contexts.pageAndKind, text) }
        if wanted.contains(.engaged) {
            result.engaged = try read(.engaged) { (reader) throws(ByteReader.Malformed) in
                try SegmentCodec.engaged(&reader, count)
            }
        }
        if wanted.contains(.scrolls) {
            result.scrolls = try read(.scrolls) { (reader) throws(ByteReader.Malformed) in
                let scrolls = Array(try reader.raw(count))
                guard scrolls.allSatisfy(Event.isScroll) else { throw ByteReader.Malformed() }
                return scrolls
            }
        }
        return result
    }

    private static func visitors(
        _ reader: inout ByteReader, _ count: Int
    ) throws(ByteReader.Malformed) -> [VisitorNumber] {
        var runs: [VisitorNumber] = []
        for _ in 0..<(try reader.count(atMost: count)) {
            let step = try reader.varint32()
            let (visitor, overflow) = (runs.last ?? 0).addingReportingOverflow(step)
            guard !overflow, step > 0 else { throw ByteReader.Malformed() }
            runs.append(visitor)
        }
        var visitors: [VisitorNumber] = []
        visitors.reserveCapacity(count)
        for visitor in runs {
            let length = Int(try reader.varint32())
            guard length >= 1, length <= count - visitors.count else { throw ByteReader.Malformed() }
            visitors.append(contentsOf: repeatElement(visitor, count: length))
        }
        guard visitors.count == count else { throw ByteReader.Malformed() }
        return visitors
    }

    private static func times(
        _ reader: inout ByteReader, _ visitors: [VisitorNumber]
    ) throws(ByteReader.Malformed) -> [Int64] {
        let earliest = try reader.zigzag()
        var times = [Int64](repeating: 0, count: visitors.count)
        func later(_ time: Int64, by step: UInt64) throws(ByteReader.Malformed) -> Int64 {
            guard let step = Int64(exactly: step), case let (sum, false) = time.addingReportingOverflow(step),
                Limits.eventTimes.contains(sum)
            else { throw ByteReader.Malformed() }
            return sum
        }
        for index in visitors.indices where index == 0 || visitors[index] != visitors[index - 1] {
            times[index] = try later(earliest, by: try reader.varint())
        }
        for index in visitors.indices where index > 0 && visitors[index] == visitors[index - 1] {
            times[index] = try later(times[index - 1], by: try reader.varint())
        }
        return times
    }

    private static func records(
        _ reader: inout ByteReader, _ visitors: [VisitorNumber]
    ) throws(ByteReader.Malformed) -> [RecordNumber] {
        var records: [RecordNumber] = []
        records.reserveCapacity(visitors.count)
        var (record, visitor) = (Int64(0), Int64(0))
        for next in visitors {
            record = record &+ (try reader.zigzag()) &+ (Int64(next) - visitor)
            visitor = Int64(next)
            guard let number = RecordNumber(exactly: record) else { throw ByteReader.Malformed() }
            records.append(number)
        }
        return records
    }

    private static func engaged(_ reader: inout ByteReader, _ count: Int) throws(ByteReader.Malformed) -> [UInt32] {
        let unit = try reader.varint32()
        var values: [UInt32] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            let (value, overflow) = (try reader.varint32()).multipliedReportingOverflow(by: unit)
            guard !overflow else { throw ByteReader.Malformed() }
            values.append(value)
        }
        return values
    }

    private static func ids(_ reader: inout ByteReader, _ count: Int) throws(ByteReader.Malformed) -> [String] {
        var ids: [String] = []
        ids.reserveCapacity(count)
        for _ in 0..<count {
            let header = try reader.varint()
            let isHex = header & 1 == 1
            guard header >> 1 <= Limits.eventIDLength.upperBound / (isHex ? 2 : 1) else { throw ByteReader.Malformed() }
            let bytes = try reader.raw(Int(header >> 1))
            if isHex {
                ids.append(Hex.text(bytes))
            } else {
                guard let id = String(utf8: bytes.span) else { throw ByteReader.Malformed() }
                ids.append(id)
            }
        }
        return ids
    }

    private static func dictionary<Value>(
        _ reader: inout ByteReader, _ count: Int, _ context: Contexts.Of,
        _ value: (inout ByteReader) throws(ByteReader.Malformed) -> Value
    ) throws(ByteReader.Malformed) -> EventColumns.Interned<Value> {
        var column = EventColumns.Interned<Value>()
        // Each value is one that an event has.
        for _ in 0..<(try reader.count(atMost: count)) { column.values.append(try value(&reader)) }
        column.indices.reserveCapacity(count)
        var last = [UInt32](repeating: .max, count: context.count)
        for event in 0..<count {
            let code = try reader.varint32()
            let slot = context.slot(event)
            let index = code == 0 ? last[slot] : code - 1
            guard index < column.values.count else { throw ByteReader.Malformed() }
            last[slot] = index
            column.indices.append(index)
        }
        return column
    }
}

/// What an index of a dictionary is foretold from: the one that the last event of the same slot had.
private struct Contexts {
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

extension ColumnSet {
    /// Columns whose indices are foretold from kinds.
    fileprivate static let needKinds: ColumnSet = [.titles, .targets, .referrers, .names]
    /// Columns whose indices are foretold from pages.
    fileprivate static let needPages: ColumnSet = [.titles, .targets, .locales]

    /// The columns to fetch: those asked for and those that they are foretold from.
    fileprivate var ids: [EncodedColumn.ID] {
        EncodedColumn.ID.allCases.filter { id in
            switch id {
            case .visitors, .times: true
            case .records: contains(.records)
            case .kinds: !isDisjoint(with: [.kinds, .needKinds])
            case .ids: contains(.ids)
            case .pages: !isDisjoint(with: [.pages, .needPages])
            case .titles: contains(.titles)
            case .referrers: contains(.referrers)
            case .locales: contains(.locales)
            case .countries: contains(.countries)
            case .clients: contains(.clients)
            case .names: contains(.names)
            case .targets: contains(.targets)
            case .engaged: contains(.engaged)
            case .scrolls: contains(.scrolls)
            }
        }
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ page: Page) {
        text(page.host)
        text(page.path)
        text(page.query)
        text(page.fragment)
    }

    fileprivate mutating func write(_ referrer: Referrer) {
        text(referrer.host)
        byte(referrer.pathClass.rawValue)
    }

    fileprivate mutating func write(_ client: Client) {
        byte(client.device.rawValue)
        text(client.browser)
        text(client.system)
    }
}

extension ByteReader {
    fileprivate mutating func page() throws(Malformed) -> Page {
        Page(host: try text(), path: try text(), query: try text(), fragment: try text())
    }
}
