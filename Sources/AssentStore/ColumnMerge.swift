internal import AssentCore

/// Joins runs of events, each in the order of visitor, time, arrival, into one such run, a segment at a time.
///
/// A run comes in parts that are read when they are needed, so that memory holds one part of each and the segment that
/// is being made, however many events there are. An event that has the visitor and id of an earlier one is a duplicate and
/// is dropped. Dictionaries are joined: a value that is used stands once in a segment.
struct ColumnMerge<Part> {
    /// What is left of a run.
    private struct Cursor {
        var parts: ArraySlice<Part>
        /// The part that is being read.
        var piece = Piece(EventColumns())
        var event = 0
        var translation = Translation()

        var visitor: VisitorNumber { piece.columns.visitors[event] }
        var time: Int64 { piece.columns.times[event] }
    }

    /// Columns behind a reference, so that handing them on copies none of their arrays.
    private final class Piece {
        let columns: EventColumns

        init(_ columns: EventColumns) { self.columns = columns }
    }

    /// Events that were dropped since the merge began.
    private(set) var duplicates: [Event] = []
    private var cursors: [Cursor] = []
    private var seen = SeenIDs()

    /// A merge of runs in their order of arrival, each in parts.
    init(_ runs: [[Part]]) { cursors = runs.map { Cursor(parts: $0[...]) } }

    /// The next segment of the result, nil when all is done.
    /// - Parameters:
    ///   - count: most events in it.
    ///   - read: gives the events of a part, with every column but for `ids`, which may be missing.
    mutating func next<Failure: Error>(
        atMost count: Int, read: (Part) throws(Failure) -> EventColumns
    ) throws(Failure) -> EventColumns? {
        var result = EventColumns()
        var interning = Interning()
        for index in cursors.indices.reversed() {
            cursors[index].translation = Translation(of: cursors[index].piece.columns)
            try advance(index, read)
        }
        while result.count < count, let (first, rival) = leaders() {
            let piece = cursors[first].piece
            let events = stretch(of: first, before: rival, atMost: count - result.count)
            var start = events.lowerBound
            if !piece.columns.ids.isEmpty {
                for event in events where seen.isDuplicate(event, of: piece.columns) {
                    duplicates.append(piece.columns.event(at: event))
                    result.append(piece.columns, start..<event, &cursors[first].translation, &interning)
                    start = event + 1
                }
            }
            result.append(piece.columns, start..<events.upperBound, &cursors[first].translation, &interning)
            cursors[first].event = events.upperBound
            try advance(first, read)
        }
        return result.count > 0 ? result : nil
    }

    /// The content of all that was merged, without the duplicates that were met.
    func content(of whole: ContentHash) -> ContentHash { duplicates.reduce(into: whole) { $0.remove($1) } }

    /// The cursor whose event comes first, of equal ones that of the earlier run, and the one whose event would come
    /// first without it. Runs are few.
    private func leaders() -> (first: Int, rival: Int?)? {
        guard var first = cursors.indices.first else { return nil }
        var rival: Int?
        for index in cursors.indices.dropFirst() {
            if precedes(index, first) {
                (first, rival) = (index, first)
            } else if rival.map({ precedes(index, $0) }) ?? true {
                rival = index
            }
        }
        return (first, rival)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let (visitor, other) = (cursors[left].visitor, cursors[right].visitor)
        return visitor != other ? visitor < other : cursors[left].time < cursors[right].time
    }

    /// Events of the first cursor's part that come before the rival's next one, one at least.
    private func stretch(of first: Int, before rival: Int?, atMost count: Int) -> Range<Int> {
        let piece = cursors[first].piece
        let start = cursors[first].event
        let bound = start + min(piece.columns.count - start, count)
        guard let rival else { return start..<bound }
        let (visitor, time) = (cursors[rival].visitor, cursors[rival].time)
        var end = start + 1
        while end < bound {
            let (next, at) = (piece.columns.visitors[end], piece.columns.times[end])
            // Of equal ones those of the earlier run come first.
            guard next < visitor || next == visitor && (at < time || at == time && first < rival) else { break }
            end += 1
        }
        return start..<end
    }

    /// Goes to the next part of a run if this one is used up; a run without another is done.
    private mutating func advance<Failure: Error>(
        _ index: Int, _ read: (Part) throws(Failure) -> EventColumns
    ) throws(Failure) {
        while cursors[index].event == cursors[index].piece.columns.count {
            guard let part = cursors[index].parts.popFirst() else {
                cursors.remove(at: index)
                return
            }
            cursors[index].piece = Piece(try read(part))
            cursors[index].event = 0
            cursors[index].translation = Translation(of: cursors[index].piece.columns)
        }
    }
}

extension ColumnMerge<EventColumns> {
    /// Merges runs that are in memory whole.
    /// - Returns: the run, and the events that were left out as duplicates.
    static func merge(_ runs: [EventColumns]) -> (columns: EventColumns, duplicates: [Event]) {
        var merge = ColumnMerge(runs.map { [$0] })
        let columns = merge.next(atMost: .max) { $0 }
        return (columns ?? EventColumns(), merge.duplicates)
    }
}

/// The ids of one visitor's events that a merge has met, as 64-bit hashes: of a million events of one visitor, two with
/// different ids have the same one with a likelihood of 1 : 10⁷. Beyond ``Limits/mergedIDsMax`` they are forgotten: a
/// duplicate is dropped before it is stored, and comes here only out of a segment that could not be read then.
private struct SeenIDs {
    private var visitor: VisitorNumber?
    private var hashes: [UInt64] = []
    /// The same hashes, once there are too many to look through.
    private var table = IndexTable()
    private static let lookedThroughMax = 16

    /// Whether an earlier event of the visitor had that event's id.
    mutating func isDuplicate(_ event: Int, of columns: EventColumns) -> Bool {
        if columns.visitors[event] != visitor {
            visitor = columns.visitors[event]
            hashes.removeAll(keepingCapacity: true)
            if table.count > 0 { table.removeAll() }
        }
        guard let hash = columns.identity(of: event) else { return false }
        if table.count == 0 {
            if hashes.contains(hash) { return true }
            hashes.append(hash)
            if hashes.count == SeenIDs.lookedThroughMax { for known in hashes { _ = table.insert(known) } }
            return false
        }
        if table.index(of: hash, where: { _ in true }) != nil { return true }
        if table.count == Limits.mergedIDsMax { table.removeAll() }
        _ = table.insert(hash)
        return false
    }
}

/// Indices of a part's dictionaries in those of the segment that is being made.
private struct Translation {
    /// Not met yet.
    static let none = UInt32.max

    var pages: [UInt32] = []
    var titles: [UInt32] = []
    var referrers: [UInt32] = []
    var locales: [UInt32] = []
    var countries: [UInt32] = []
    var clients: [UInt32] = []
    var names: [UInt32] = []
    var targets: [UInt32] = []

    init() {}

    init(of columns: EventColumns) {
        func nothing(_ count: Int) -> [UInt32] { [UInt32](repeating: Translation.none, count: count) }
        pages = nothing(columns.pages.values.count)
        titles = nothing(columns.titles.values.count)
        referrers = nothing(columns.referrers.values.count)
        locales = nothing(columns.locales.values.count)
        countries = nothing(columns.countries.values.count)
        clients = nothing(columns.clients.values.count)
        names = nothing(columns.names.values.count)
        targets = nothing(columns.targets.values.count)
    }
}

extension EventColumns {
    /// Adds events of other columns behind these. Ids that are missing there are empty here.
    fileprivate mutating func append(
        _ other: EventColumns, _ events: Range<Int>, _ translation: inout Translation, _ interning: inout Interning
    ) {
        func translate<Value>(
            _ from: Interned<Value>, _ known: inout [UInt32], _ table: inout Interning.Table<Value>,
            _ to: inout Interned<Value>
        ) {
            for event in events {
                let index = Int(from.indices[event])
                if known[index] == Translation.none {
                    known[index] = table.index(of: from.values[index], in: &to.values)
                }
                to.indices.append(known[index])
            }
        }
        guard !events.isEmpty else { return }
        count += events.count
        visitors += other.visitors[events]
        times += other.times[events]
        records += other.records[events]
        kinds += other.kinds[events]
        for event in events { ids.append(utf8: other.ids.isEmpty ? [] : other.ids.bytes(at: event)) }
        translate(other.pages, &translation.pages, &interning.pages, &pages)
        translate(other.titles, &translation.titles, &interning.titles, &titles)
        translate(other.referrers, &translation.referrers, &interning.referrers, &referrers)
        translate(other.locales, &translation.locales, &interning.locales, &locales)
        translate(other.countries, &translation.countries, &interning.countries, &countries)
        translate(other.clients, &translation.clients, &interning.clients, &clients)
        translate(other.names, &translation.names, &interning.names, &names)
        translate(other.targets, &translation.targets, &interning.targets, &targets)
        engaged += other.engaged[events]
        scrolls += other.scrolls[events]
    }

    /// Places of the events of some visitors.
    func events(of some: Set<VisitorNumber>) -> [Int] { (0..<count).filter { some.contains(visitors[$0]) } }

    /// The events of those places, with the columns that are there.
    func selecting(_ events: some Collection<Int>) -> EventColumns {
        var result = self
        func pick<Value>(_ values: [Value]) -> [Value] { values.isEmpty ? [] : events.map { values[$0] } }
        result.count = events.count
        result.visitors = pick(visitors)
        result.times = pick(times)
        result.records = pick(records)
        result.kinds = pick(kinds)
        result.ids = Texts()
        if !ids.isEmpty { for event in events { result.ids.append(utf8: ids.bytes(at: event)) } }
        result.pages.indices = pick(pages.indices)
        result.titles.indices = pick(titles.indices)
        result.referrers.indices = pick(referrers.indices)
        result.locales.indices = pick(locales.indices)
        result.countries.indices = pick(countries.indices)
        result.clients.indices = pick(clients.indices)
        result.names.indices = pick(names.indices)
        result.targets.indices = pick(targets.indices)
        result.engaged = pick(engaged)
        result.scrolls = pick(scrolls)
        return result
    }
}
