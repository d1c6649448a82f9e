internal import AssentCore

/// Joins runs of events, each in the order of visitor, time, arrival, into one such run, a segment at a time.
///
/// A run comes in parts that are read when they are needed, so that memory holds one part of each and the segment that
/// is being made, however many events there are. An event that has the visitor and id of an earlier one is a duplicate and
/// is dropped. Dictionaries are joined: a value that is used stands once in a segment.
struct ColumnMerge<Part> {
    private struct Cursor {
        var parts: ArraySlice<Part>
        var columns = EventColumns()
        var event = 0
        var translation = Translation()

        func precedes(_ other: Cursor) -> Bool {
            let (left, right) = (columns.visitors[event], other.columns.visitors[other.event])
            return left != right ? left < right : columns.times[event] < other.columns.times[other.event]
        }
    }

    /// Events that were dropped since the merge began.
    private(set) var duplicates: [Event] = []
    private var cursors: [Cursor] = []
    private var visitor: VisitorNumber?
    private var seen: Set<String> = []

    /// A merge of runs in their order of arrival, each in parts.
    init(_ runs: [[Part]]) { cursors = runs.map { Cursor(parts: $0[...]) } }

    /// The next segment of the result, nil when all is done.
    /// - Parameters:
    ///   - count: most events in it.
    ///   - isKept: whether an event of that visitor goes into the result.
    ///   - read: gives the events of a part, with every column but for `ids`, which may be missing.
    mutating func next<Failure: Error>(
        atMost count: Int, keeping isKept: (VisitorNumber) -> Bool = { _ in true },
        read: (Part) throws(Failure) -> EventColumns
    ) throws(Failure) -> EventColumns? {
        var result = EventColumns()
        var interning = Interning()
        for index in cursors.indices.reversed() {
            cursors[index].translation = Translation(of: cursors[index].columns)
            try advance(index, read)
        }
        while result.count < count, let first = earliest() {
            let event = cursors[first].event
            if cursors[first].columns.visitors[event] != visitor {
                visitor = cursors[first].columns.visitors[event]
                seen.removeAll(keepingCapacity: true)
            }
            if isKept(cursors[first].columns.visitors[event]) {
                let ids = cursors[first].columns.ids
                if !ids.isEmpty, !ids[event].isEmpty, !seen.insert(ids[event]).inserted {
                    duplicates.append(cursors[first].columns.event(at: event))
                } else {
                    result.append(cursors[first].columns, event, &cursors[first].translation, &interning)
                }
            }
            cursors[first].event += 1
            try advance(first, read)
        }
        return result.count > 0 ? result : nil
    }

    /// The cursor whose event comes first; of equal ones that of the earlier run. Runs are few.
    private func earliest() -> Int? {
        guard var best = cursors.indices.first else { return nil }
        for index in cursors.indices.dropFirst() where cursors[index].precedes(cursors[best]) { best = index }
        return best
    }

    /// Goes to the next part of a run if this one is used up; a run without another is done.
    private mutating func advance<Failure: Error>(
        _ index: Int, _ read: (Part) throws(Failure) -> EventColumns
    ) throws(Failure) {
        while cursors[index].event == cursors[index].columns.count {
            guard let part = cursors[index].parts.popFirst() else {
                cursors.remove(at: index)
                return
            }
            cursors[index].columns = try read(part)
            cursors[index].event = 0
            cursors[index].translation = Translation(of: cursors[index].columns)
        }
    }
}

extension ColumnMerge<EventColumns> {
    /// Merges runs that are in memory whole.
    /// - Returns: the run, and the events that were left out as duplicates.
    static func merge(
        _ runs: [EventColumns], keeping isKept: (VisitorNumber) -> Bool = { _ in true }
    ) -> (columns: EventColumns, duplicates: [Event]) {
        var merge = ColumnMerge(runs.map { [$0] })
        let columns = merge.next(atMost: .max, keeping: isKept) { $0 }
        return (columns ?? EventColumns(), merge.duplicates)
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
    fileprivate mutating func append(
        _ other: EventColumns, _ event: Int, _ translation: inout Translation,
        _ interning: inout Interning
    ) {
        func translate<Value>(
            _ from: Interned<Value>, _ known: inout [UInt32], _ table: inout Interning.Table<Value>,
            _ to: inout Interned<Value>
        ) {
            let index = Int(from.indices[event])
            if known[index] == Translation.none {
                known[index] = table.index(of: from.values[index], in: &to.values)
            }
            to.indices.append(known[index])
        }
        count += 1
        visitors.append(other.visitors[event])
        times.append(other.times[event])
        records.append(other.records[event])
        kinds.append(other.kinds[event])
        ids.append(other.ids.isEmpty ? "" : other.ids[event])
        translate(other.pages, &translation.pages, &interning.pages, &pages)
        translate(other.titles, &translation.titles, &interning.titles, &titles)
        translate(other.referrers, &translation.referrers, &interning.referrers, &referrers)
        translate(other.locales, &translation.locales, &interning.locales, &locales)
        translate(other.countries, &translation.countries, &interning.countries, &countries)
        translate(other.clients, &translation.clients, &interning.clients, &clients)
        translate(other.names, &translation.names, &interning.names, &names)
        translate(other.targets, &translation.targets, &interning.targets, &targets)
        engaged.append(other.engaged[event])
        scrolls.append(other.scrolls[event])
    }

    /// The events of those places, with the columns that are there.
    func selecting(_ events: some Sequence<Int>) -> EventColumns {
        var result = self
        let events = Array(events)
        func pick<Value>(_ values: [Value]) -> [Value] { values.isEmpty ? [] : events.map { values[$0] } }
        result.count = events.count
        result.visitors = pick(visitors)
        result.times = pick(times)
        result.records = pick(records)
        result.kinds = pick(kinds)
        result.ids = pick(ids)
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
