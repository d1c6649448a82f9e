import AssentCore

/// A value with the place where it was said.
struct Placed<Value> {
    let value: Value
    let place: ConfigurationProblem.Place
}

/// One table of the file as its reader sees it: typed values by key, a problem for whatever is not as it must be.
struct Section {
    /// Where the table begins.
    let place: ConfigurationProblem.Place
    let problems: Problems
    private let table: ConfigurationKey.Table
    private let values: [String: TOMLNode]
    private let overrides: [String: String]

    /// Takes a table; keys that it cannot have are problems.
    /// - Parameter overrides: values that environment variables give, by key.
    init(
        _ members: [(key: TOMLNode.Key, node: TOMLNode)], line: Int, as table: ConfigurationKey.Table,
        overrides: [String: String] = [:], problems: Problems
    ) {
        place = .line(line)
        self.table = table
        self.problems = problems
        self.overrides = overrides
        values = Dictionary(members.map { ($0.key.name, $0.node) }, uniquingKeysWith: { first, _ in first })
        let known = Configuration.keys.filter { $0.table == table }.map(\.name)
        for (key, _) in members where !known.contains(key.name) {
            problems.add(.line(key.line), Suggestion.unknownKey(key.name, in: table))
        }
    }

    private func node(_ key: String) -> TOMLNode? {
        assert(Configuration.keys.contains { $0.table == table && $0.name == key }, "\(key) is in the list of keys")
        return values[key]
    }

    /// Where a key is said; where its table begins if it is not.
    func place(of key: String) -> ConfigurationProblem.Place {
        overrides[key] == nil ? node(key).map { .line($0.line) } ?? place : variable(key)
    }

    func problem(_ place: ConfigurationProblem.Place, _ sentence: String) { problems.add(place, sentence) }

    /// Says that a key that the table must have is not there.
    func missing(_ key: String) {
        guard values[key] == nil else { return }
        problem(place, "\(table.heading.isEmpty ? "The file" : table.heading) has no \(key): add it.")
    }

    private func variable(_ key: String) -> ConfigurationProblem.Place { .variable(ConfigurationKey.variable(of: key)) }

    private func wrongType(_ key: String, _ node: TOMLNode, expected: String) {
        problem(.line(node.line), "\(key) must be \(expected), not \(node.typeName).")
    }

    // MARK: Values

    func string(_ key: String) -> Placed<String>? {
        var found: Placed<String>?
        if let node = node(key) {
            if case .string(let text) = node.value {
                found = Placed(value: text, place: .line(node.line))
            } else {
                wrongType(key, node, expected: "a string in quotes")
            }
        }
        return overrides[key].map { Placed(value: $0, place: variable(key)) } ?? found
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        var found: Placed<Int>?
        if let node = node(key) {
            if case .integer(let number) = node.value {
                found = Placed(value: Int(number), place: .line(node.line))
            } else {
                wrongType(key, node, expected: "a whole number without quotes")
            }
        }
        if let text = overrides[key] {
            guard let number = Int(text) else {
                problem(variable(key), "\(key) must be a whole number.")
                return nil
            }
            found = Placed(value: number, place: variable(key))
        }
        guard let found else { return nil }
        guard range.contains(found.value) else {
            problem(found.place, "\(key) must be \(range.lowerBound) to \(range.upperBound).")
            return nil
        }
        return found.value
    }

    func boolean(_ key: String) -> Bool? {
        guard let node = node(key) else { return nil }
        guard case .boolean(let value) = node.value else {
            wrongType(key, node, expected: "true or false, without quotes")
            return nil
        }
        return value
    }

    func date(_ key: String) -> Placed<Day>? {
        guard let node = node(key) else { return nil }
        guard case .date(let year, let month, let day) = node.value else {
            wrongType(key, node, expected: "a date such as 2026-08-01, without quotes")
            return nil
        }
        guard let date = Day(year: year, month: month, day: day) else {
            problem(.line(node.line), "\(key) must be a date of the years 1 to 9999.")
            return nil
        }
        return Placed(value: date, place: .line(node.line))
    }

    /// A list of strings; nil if the key is not there or is no list. An environment variable separates them by commas.
    func strings(_ key: String) -> [Placed<String>]? {
        var found: [Placed<String>]?
        if let node = node(key) {
            if case .array(let elements) = node.value {
                found = elements.compactMap { element in
                    guard case .string(let text) = element.value else {
                        wrongType("Each of \(key)", element, expected: "a string in quotes")
                        return nil
                    }
                    return Placed(value: text, place: .line(element.line))
                }
            } else {
                wrongType(key, node, expected: "an array of strings, such as [\"…\"]")
            }
        }
        guard let text = overrides[key] else { return found }
        return text.split(separator: ",").map { Placed(value: trimmed($0), place: variable(key)) }
    }

    private func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// One of the values that a key has names for.
    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, of: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        guard let text = string(key) else { return nil }
        if let choice = Choice(rawValue: text.value) { return choice }
        let names = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
        problem(text.place, "\(key) must be \(names).")
        return nil
    }

    /// The tables of an array of tables, each as its own section; none if the key is not there.
    func sections(_ key: String, as inner: ConfigurationKey.Table) -> [Section] {
        guard let node = node(key) else { return [] }
        guard case .array(let elements) = node.value else {
            problem(.line(node.line), "\(key) must be an array of tables: write \(inner.heading) with two brackets.")
            return []
        }
        return elements.compactMap { element in
            guard case .table(let members) = element.value else {
                problem(.line(element.line), "\(key) must be an array of tables: write \(inner.heading) above each.")
                return nil
            }
            return Section(members, line: element.line, as: inner, problems: problems)
        }
    }
}
