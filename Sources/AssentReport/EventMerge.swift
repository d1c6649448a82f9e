import AssentCore
import AssentStore

/// Where an event stands: the segment and the row in it.
struct EventPlace: Equatable {
    var segment: Int
    var row: Int
}

/// Merges segments into one order of visitor, time and arrival and cuts it into visits.
///
/// It hands out places, not events: memory is one entry for each segment and for each event of the longest visit.
/// Cost: a comparison or two an event, and a logarithm of the number of segments where the next event lies in another.
struct EventMerge {
    private struct Head {
        var visitor: VisitorNumber
        var time: Int64
        var place: EventPlace

        /// Segments come in order of arrival, so that the earlier segment goes first at the same time.
        static func < (left: Head, right: Head) -> Bool {
            if left.visitor != right.visitor { return left.visitor < right.visitor }
            if left.time != right.time { return left.time < right.time }
            return left.place.segment < right.place.segment
        }
    }

    /// The numbers that visitors can have.
    static let allVisitors = 0..<Int(VisitorNumber.max) + 1

    private let segments: [EventColumns]
    /// The row of each segment at which the events of the asked visitors end.
    private let ends: [Int]
    /// The next event of each segment that has one left, as a binary heap with the first event of all at the top.
    private var heads: [Head] = []

    /// - Parameter visitors: the numbers of those whose visits are asked for.
    init(_ segments: [EventColumns], of visitors: Range<Int> = EventMerge.allVisitors) {
        self.segments = segments
        ends = segments.map { $0.row(of: visitors.upperBound) }
        for (index, segment) in segments.enumerated() {
            let row = segment.row(of: visitors.lowerBound)
            if row < ends[index] { heads.append(head(at: EventPlace(segment: index, row: row))) }
        }
        for index in heads.indices.reversed() { siftDown(from: index) }
    }

    /// Fills `visit` with the places of the next visit's events.
    /// - Returns: the visitor; nil at the end.
    mutating func next(into visit: inout [EventPlace]) -> VisitorNumber? {
        visit.removeAll(keepingCapacity: true)
        guard let visitor = heads.first?.visitor else { return nil }
        var last = Int64.max
        while let head = heads.first, head.visitor == visitor,
            last == .max || head.time - last <= Limits.visitGapMilliseconds
        {
            last = head.time
            visit.append(head.place)
            advanceTop()
        }
        return visitor
    }

    private func head(at place: EventPlace) -> Head {
        Head(
            visitor: segments[place.segment].visitors[place.row], time: segments[place.segment].times[place.row],
            place: place)
    }

    private mutating func advanceTop() {
        var place = heads[0].place
        place.row += 1
        if place.row < ends[place.segment] {
            heads[0] = head(at: place)
        } else {
            let last = heads.removeLast()
            if heads.isEmpty { return }
            heads[0] = last
        }
        siftDown(from: 0)
    }

    private mutating func siftDown(from start: Int) {
        var parent = start
        while true {
            var child = 2 * parent + 1
            guard child < heads.count else { return }
            if child + 1 < heads.count, heads[child + 1] < heads[child] { child += 1 }
            guard heads[child] < heads[parent] else { return }
            heads.swapAt(parent, child)
            parent = child
        }
    }

    /// Cuts the visitors into that many ranges that have about as many events each.
    static func ranges(of segments: [EventColumns], parts: Int) -> [Range<Int>] {
        let events = segments.reduce(0) { $0 + $1.count }
        let borders = (1..<parts).map { part in
            allVisitors.partitioned { visitor in
                segments.reduce(0) { $0 + $1.row(of: visitor) } < events * part / parts
            }
        }
        return zip([allVisitors.lowerBound] + borders, borders + [allVisitors.upperBound]).map { $0..<$1 }
    }
}

extension EventColumns {
    /// The row with which the events of a visitor or of those with higher numbers begin.
    fileprivate func row(of visitor: Int) -> Int { visitors.indices.partitioned { visitors[$0] < visitor } }
}

extension Range<Int> {
    /// The first that `isBelow` is false of, where it is true of some and then of none.
    fileprivate func partitioned(_ isBelow: (Int) -> Bool) -> Int {
        var (low, high) = (lowerBound, upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            if isBelow(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
