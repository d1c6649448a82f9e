internal import AssentCore

// Foreign bytes end with a ``SegmentDamage`` and never trap: each count is checked against the bytes that are there before
// anything is allocated for it.
extension SegmentCodec {
    private typealias ID = EncodedColumn.ID

    /// The columns of a segment that are asked for. `fetch` gives a column as it lies in the partition, or nil. `visitors` are
    /// those whose ids are asked for: those of others are passed over and empty.
    /// - Throws: ``SegmentDamage``; foreign bytes never trap. The ids of a sealed segment are missing without harm.
    static func decode<Failure: Error>(
        count: Int, columns wanted: ColumnSet, idsOf visitors: Set<VisitorNumber>? = nil,
        fetch: (EncodedColumn.ID) throws(Failure) -> EncodedColumn?
    ) throws(Failure) -> Result<EventColumns, SegmentDamage> {
        var fetched: [EncodedColumn.ID: EncodedColumn] = [:]
        for id in wanted.ids { fetched[id] = try fetch(id) }
        do throws(SegmentDamage) {
            return .success(try decode(count: count, wanted, visitors, fetched))
        } catch {
            return .failure(error)
        }
    }

    private static func decode(
        count: Int, _ wanted: ColumnSet, _ asked: Set<VisitorNumber>?, _ fetched: [EncodedColumn.ID: EncodedColumn]
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
        if wanted.contains(.order) {
            result.times = try read(.times) { (reader) throws(ByteReader.Malformed) in
                try SegmentCodec.times(&reader, visitors)
            }
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
                try SegmentCodec.ids(&reader, visitors, of: asked)
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
        let distinct = try reader.count(atMost: count)
        let steps = try reader.varints(distinct, as: VisitorNumber.self)
        let lengths = try reader.varints(distinct, as: UInt32.self)
        var visitors: [VisitorNumber] = []
        visitors.reserveCapacity(count)
        var visitor: VisitorNumber = 0
        for (step, length) in zip(steps, lengths) {
            let (next, overflow) = visitor.addingReportingOverflow(step)
            guard !overflow, step > 0, length >= 1, length <= count - visitors.count else {
                throw ByteReader.Malformed()
            }
            visitor = next
            visitors.append(contentsOf: repeatElement(visitor, count: Int(length)))
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
        let values = try reader.varints(visitors.count, as: UInt64.self)
        var next = 0
        for index in visitors.indices where index == 0 || visitors[index] != visitors[index - 1] {
            times[index] = try later(earliest, by: values[next])
            next += 1
        }
        for index in visitors.indices where index > 0 && visitors[index] == visitors[index - 1] {
            times[index] = try later(times[index - 1], by: values[next])
            next += 1
        }
        return times
    }

    private static func records(
        _ reader: inout ByteReader, _ visitors: [VisitorNumber]
    ) throws(ByteReader.Malformed) -> [RecordNumber] {
        var records: [RecordNumber] = []
        records.reserveCapacity(visitors.count)
        var (record, visitor) = (Int64(0), Int64(0))
        for (next, step) in zip(visitors, try reader.varints(visitors.count, as: UInt64.self)) {
            record = record &+ ByteReader.unzigzag(step) &+ (Int64(next) - visitor)
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
        for quotient in try reader.varints(count, as: UInt32.self) {
            let (value, overflow) = quotient.multipliedReportingOverflow(by: unit)
            guard !overflow else { throw ByteReader.Malformed() }
            values.append(value)
        }
        return values
    }

    private static func ids(
        _ reader: inout ByteReader, _ visitors: [VisitorNumber], of asked: Set<VisitorNumber>?
    ) throws(ByteReader.Malformed) -> Texts {
        var ids = Texts()
        if asked == nil { ids.reserve(texts: visitors.count, bytes: visitors.count * 32) }
        var (last, isAsked): (VisitorNumber?, Bool) = (nil, true)
        let digits = Array("0123456789abcdef".utf8)
        var hex: [UInt8] = []
        for visitor in visitors {
            if let asked, visitor != last { (last, isAsked) = (visitor, asked.contains(visitor)) }
            let header = try reader.varint()
            let isHex = header & 1 == 1
            guard header >> 1 <= Limits.eventIDLength.upperBound / (isHex ? 2 : 1) else { throw ByteReader.Malformed() }
            let bytes = try reader.raw(Int(header >> 1))
            if !isAsked {
                ids.append(utf8: [])
            } else if isHex {
                hex.removeAll(keepingCapacity: true)
                for byte in bytes {
                    hex.append(digits[Int(byte >> 4)])
                    hex.append(digits[Int(byte & 15)])
                }
                ids.append(utf8: hex[...])
            } else {
                guard bytes.allSatisfy({ $0 < 0x80 }) || String(utf8: bytes.span) != nil else {
                    throw ByteReader.Malformed()
                }
                ids.append(utf8: bytes)
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
        for (event, code) in try reader.varints(count, as: UInt32.self).enumerated() {
            let slot = context.slot(event)
            let index = code == 0 ? last[slot] : code - 1
            guard index < column.values.count else { throw ByteReader.Malformed() }
            last[slot] = index
            column.indices.append(index)
        }
        return column
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
            case .visitors: true
            case .times: contains(.order)
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

extension ByteReader {
    fileprivate mutating func page() throws(Malformed) -> Page {
        Page(host: try text(), path: try text(), query: try text(), fragment: try text())
    }
}
