internal import AssentCore

/// Joins segments into one run in the order of visitor, time, arrival.
///
/// An event that has the visitor and id of an earlier one is a duplicate and is dropped. Dictionaries are joined, so
/// that a text that stands in every part stands once in the result.
enum ColumnMerge {
    /// Merges parts that are in order themselves and stand in order of arrival; every column must be there.
    /// - Parameter isKept: whether an event of that visitor goes into the result.
    /// - Returns: the run, and the events that were left out as duplicates.
    static func merge(
        _ parts: [EventColumns], keeping isKept: (VisitorNumber) -> Bool = { _ in true }
    ) -> (columns: EventColumns, duplicates: [Event]) {
        var translations = parts.map { _ in Translation() }
        var result = EventColumns()
        var interning = Interning()
        for (part, columns) in parts.enumerated() {
            translations[part].pages = columns.pages.values.map {
                interning.pages.index(of: $0, in: &result.pages.values)
            }
            translations[part].titles = columns.titles.values.map {
                interning.titles.index(of: $0, in: &result.titles.values)
            }
            translations[part].referrers = columns.referrers.values.map {
                interning.referrers.index(of: $0, in: &result.referrers.values)
            }
            translations[part].locales = columns.locales.values.map {
                interning.locales.index(of: $0, in: &result.locales.values)
            }
            translations[part].countries = columns.countries.values.map {
                interning.countries.index(of: $0, in: &result.countries.values)
            }
            translations[part].clients = columns.clients.values.map {
                interning.clients.index(of: $0, in: &result.clients.values)
            }
            translations[part].names = columns.names.values.map {
                interning.names.index(of: $0, in: &result.names.values)
            }
            translations[part].targets = columns.targets.values.map {
                interning.targets.index(of: $0, in: &result.targets.values)
            }
        }

        var order: [(part: Int, event: Int)] = []
        order.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        var next = [Int](repeating: 0, count: parts.count)
        while true {
            var best: Int?
            for part in parts.indices where next[part] < parts[part].count {
                guard let current = best else {
                    best = part
                    continue
                }
                let (left, right) = (parts[part], parts[current])
                if (left.visitors[next[part]], left.times[next[part]])
                    < (right.visitors[next[current]], right.times[next[current]])
                {
                    best = part
                }
            }
            guard let part = best else { break }
            order.append((part, next[part]))
            next[part] += 1
        }

        var duplicates: [Event] = []
        var seen: Set<String> = []
        var visitor: VisitorNumber?
        for (part, event) in order {
            let columns = parts[part]
            if columns.visitors[event] != visitor {
                visitor = columns.visitors[event]
                seen.removeAll(keepingCapacity: true)
            }
            guard isKept(columns.visitors[event]) else { continue }
            if !columns.ids.isEmpty, !columns.ids[event].isEmpty, !seen.insert(columns.ids[event]).inserted {
                duplicates.append(columns.event(at: event))
                continue
            }
            result.append(columns, event, translations[part])
        }
        return (result, duplicates)
    }

    /// Indices of a part's dictionaries in those of the result.
    fileprivate struct Translation {
        var pages: [UInt32] = []
        var titles: [UInt32] = []
        var referrers: [UInt32] = []
        var locales: [UInt32] = []
        var countries: [UInt32] = []
        var clients: [UInt32] = []
        var names: [UInt32] = []
        var targets: [UInt32] = []
    }
}

extension EventColumns {
    fileprivate mutating func append(_ other: EventColumns, _ event: Int, _ to: ColumnMerge.Translation) {
        count += 1
        visitors.append(other.visitors[event])
        times.append(other.times[event])
        records.append(other.records[event])
        kinds.append(other.kinds[event])
        ids.append(other.ids.isEmpty ? "" : other.ids[event])
        pages.indices.append(to.pages[Int(other.pages.indices[event])])
        titles.indices.append(to.titles[Int(other.titles.indices[event])])
        referrers.indices.append(to.referrers[Int(other.referrers.indices[event])])
        locales.indices.append(to.locales[Int(other.locales.indices[event])])
        countries.indices.append(to.countries[Int(other.countries.indices[event])])
        clients.indices.append(to.clients[Int(other.clients.indices[event])])
        names.indices.append(to.names[Int(other.names.indices[event])])
        targets.indices.append(to.targets[Int(other.targets.indices[event])])
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
