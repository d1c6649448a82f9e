import CTOML

/// A value of a TOML document with its place. The only file that speaks to the parser.
struct TOMLNode {
    enum Value {
        case string(String)
        case integer(Int64)
        case boolean(Bool)
        /// A local date, not checked against the calendar.
        case date(year: Int, month: Int, day: Int)
        /// A number with a fraction, or a time: nothing in a configuration is one.
        case other(String)
        case array([TOMLNode])
        case table([(key: Key, node: TOMLNode)])
    }

    struct Key {
        let name: String
        let line: Int
    }

    struct Malformed: Error {
        let line: Int
        /// Without a full stop.
        let problem: String
    }

    let value: Value
    /// Counted from 1.
    let line: Int

    /// Parses a document whole.
    init(parsing bytes: [UInt8]) throws(Malformed) {
        let document = bytes.withUnsafeBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { ctoml_parse($0.baseAddress, $0.count) }
        }
        guard let document else { throw Malformed(line: 1, problem: "there is not enough memory to read it") }
        defer { ctoml_free(document) }
        var line: UInt32 = 0
        if let problem = ctoml_problem(document, &line) {
            throw Malformed(line: max(1, Int(line)), problem: String(cString: problem))
        }
        var count = 0
        let nodes = UnsafeBufferPointer(start: ctoml_nodes(document, &count), count: count)
        self.init(at: 0, of: nodes)
    }

    private init(at index: Int, of nodes: UnsafeBufferPointer<ctoml_node>) {
        let node = nodes[index]
        let children = node.first_child..<node.first_child + node.child_count
        line = max(1, Int(node.line))
        value =
            switch node.kind {
            case ctoml_string: .string(Self.text(node.text, node.text_count))
            case ctoml_integer: .integer(node.integer)
            case ctoml_boolean: .boolean(node.integer != 0)
            case ctoml_date: .date(year: Int(node.year), month: Int(node.month), day: Int(node.day))
            case ctoml_array: .array(children.map { TOMLNode(at: $0, of: nodes) })
            case ctoml_table:
                .table(
                    children.map { child in
                        let key = Self.text(nodes[child].key, nodes[child].key_count)
                        return (
                            Key(name: key, line: max(1, Int(nodes[child].key_line))), TOMLNode(at: child, of: nodes)
                        )
                    })
            case ctoml_float: .other("a number with a fraction")
            default: .other("a time")
            }
    }

    private static func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
        UnsafeBufferPointer(start: bytes, count: count).withMemoryRebound(to: UInt8.self) {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// What it is, as a sentence says it.
    var typeName: String {
        switch value {
        case .string: "a string"
        case .integer: "a number"
        case .boolean: "true or false"
        case .date: "a date"
        case .other(let name): name
        case .array: "an array"
        case .table: "a table"
        }
    }
}
