/// What the staff listener answers to lines of an import.
public struct ImportAnswer: Sendable, Equatable {
    /// A line that was skipped.
    public struct BadLine: Sendable, Equatable {
        /// Its number within the request, from 1.
        public var line: Int
        /// What is wrong with it.
        public var problem: String

        /// A line by its parts.
        public init(line: Int, problem: String) {
            self.line = line
            self.problem = problem
        }
    }

    /// The number of the ground, for the next lines of the same import.
    public var ground: RecordNumber = 0
    /// Lines that were read.
    public var lines = 0
    /// Events that were stored.
    public var stored = 0
    /// Events that were held already.
    public var duplicates = 0
    /// Lines that were skipped.
    public var skipped = 0
    /// The first of those that were skipped, at most ``Limits/badLinesNamedMax``.
    public var bad: [BadLine] = []

    /// Nothing was read.
    public init() {}

    /// Writes it as JSON.
    public func write(to json: inout JSONWriter) {
        json.object { json in
            for (name, value) in [
                ("ground", Int(ground)), ("lines", lines), ("stored", stored), ("duplicates", duplicates),
                ("skipped", skipped),
            ] {
                json.key(name)
                json.integer(value)
            }
            json.key("bad")
            json.array { json in
                for each in bad {
                    json.object { json in
                        json.key("line")
                        json.integer(each.line)
                        json.key("problem")
                        json.string(each.problem)
                    }
                }
            }
        }
    }

    /// Reads what ``write(to:)`` wrote.
    /// - Throws: ``BadRequest`` for anything else.
    public init(parsing body: [UInt8]) throws(BadRequest) {
        let counts = 0...Double(UInt32.max)
        self = try JSONReader.read(body.span.bytes) { (reader) throws(BadRequest) in
            var answer = ImportAnswer()
            var seen = Fields()
            try reader.object { (key, reader) throws(BadRequest) in
                switch key {
                case "ground": answer.ground = RecordNumber(try seen.number("ground", 0, &reader, in: counts))
                case "lines": answer.lines = Int(try seen.number("lines", 1, &reader, in: counts))
                case "stored": answer.stored = Int(try seen.number("stored", 2, &reader, in: counts))
                case "duplicates": answer.duplicates = Int(try seen.number("duplicates", 3, &reader, in: counts))
                case "skipped": answer.skipped = Int(try seen.number("skipped", 4, &reader, in: counts))
                case "bad":
                    try reader.array { (_, reader) throws(BadRequest) in
                        var line = BadLine(line: 0, problem: "")
                        var seen = Fields()
                        try reader.object { (key, reader) throws(BadRequest) in
                            switch key {
                            case "line": line.line = Int(try seen.number("line", 0, &reader, in: counts))
                            case "problem":
                                line.problem = try seen.string("problem", 1, &reader, bytesMax: Limits.fieldBytesMax)
                            default: try reader.skip()
                            }
                        }
                        answer.bad.append(line)
                    }
                default: try reader.skip()
                }
            }
            try seen.require(["ground", "lines", "stored", "duplicates"], mask: 0b1111)
            return answer
        }
    }
}
