import AssentCore

/// What a person probably meant.
enum Suggestion {
    /// The sentence for a key that a table cannot have: the nearest one that it can, or the table where it belongs.
    static func unknownKey(_ name: String, in table: ConfigurationKey.Table) -> String {
        let here = table == .top ? "at the top of the file" : "in \(table.heading)"
        let sentence = "\(quoted(name)) is no key \(here)"
        if let near = nearest(to: name, among: Configuration.keys.filter { $0.table == table }.map(\.name)) {
            return "\(sentence): did you mean \(near)?"
        }
        if let other = Configuration.keys.first(where: { $0.name == name && $0.table != table }) {
            return
                "\(sentence): it belongs \(other.table == .top ? "above the first table" : "in \(other.table.heading)")."
        }
        return "\(sentence): remove it."
    }

    /// The candidate that differs least, if it differs in no more than a third of its characters; nil if none does.
    static func nearest(to name: String, among candidates: [String]) -> String? {
        guard name.utf8.count <= 64 else { return nil }
        return candidates.map { ($0, distance(name.lowercased(), $0)) }
            .filter { $0.1 <= max(1, $0.0.utf8.count / 3) }
            .min { $0.1 < $1.1 }?.0
    }

    /// Insertions, removals, replacements and swaps of neighbours that turn one into the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                var best = min(last[column + 1] + 1, current[column] + 1)
                best = min(best, last[column] + (left[row] == right[column] ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }

    /// A name from the file, short and without characters that a terminal would obey.
    static func quoted(_ name: String) -> String {
        let safe = name.unicodeScalars.prefix(64).map { scalar in
            scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                ? "?" : Character(scalar)
        }
        return "“\(String(safe))”"
    }
}
