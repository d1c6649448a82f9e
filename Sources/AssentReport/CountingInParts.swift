import AssentCore
import AssentStore

extension Counting {
    /// Counts all visits of a period on several threads, each of which has some of the visitors: nothing that is counted
    /// lies between two of them.
    /// - Parameters:
    ///   - tables: the kinds of table whose rows are counted too.
    ///   - parts: how many threads; the numbers do not depend on it.
    init(
        segments: [EventColumns], vocabulary: Vocabulary, campaigns: Int, tables: [Dimension],
        parts: Int = min(processors, Limits.reportThreadsMax)
    ) {
        let counted = concurrently(EventMerge.ranges(of: segments, parts: parts)) { visitors in
            var reader = VisitReader(segments: segments, vocabulary: vocabulary, of: visitors)
            var counting = Counting(campaigns: campaigns, tables: tables)
            var visit = Visit()
            while reader.next(&visit) { counting.count(visit) }
            counting.end()
            return counting
        }
        self = counted[0]
        for other in counted.dropFirst() { add(ofOthers: other) }
    }
}
