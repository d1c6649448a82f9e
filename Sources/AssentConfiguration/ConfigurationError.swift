/// One thing that is wrong with a configuration: where, and what to write instead.
public struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    /// Where it was said.
    public enum Place: Sendable, Hashable, Comparable {
        /// In that line of the file, counted from 1.
        case line(Int)
        /// In an environment variable.
        case variable(String)
    }

    /// Where.
    public var place: Place
    /// A sentence without the place: what is wrong and what to do.
    public var sentence: String

    /// `line 12: …` or `ASSENT_LISTEN: …`.
    public var description: String {
        switch place {
        case .line(let line): "line \(line): \(sentence)"
        case .variable(let name): "\(name): \(sentence)"
        }
    }
}

/// Everything that is wrong with a configuration, in the order of the file's lines, variables last.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named.
    public var file: String
    /// At least one; no more than ``Limits/configurationProblemsMax``.
    public var problems: [ConfigurationProblem]

    /// One line for each problem: `config/assent.toml:12: …`, `ASSENT_LISTEN: …`.
    public var description: String {
        problems.map { problem in
            switch problem.place {
            case .line(let line): "\(file):\(line): \(problem.sentence)"
            case .variable(let name): "\(name): \(problem.sentence)"
            }
        }.joined(separator: "\n")
    }
}

/// Gathers problems while a configuration is read.
final class Problems {
    private(set) var found: [ConfigurationProblem] = []

    func add(_ place: ConfigurationProblem.Place, _ sentence: String) {
        found.append(ConfigurationProblem(place: place, sentence: sentence))
    }

    /// In the order of places; those of one place in the order in which they were found.
    var sorted: [ConfigurationProblem] {
        found.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }.map(\.element)
    }
}
