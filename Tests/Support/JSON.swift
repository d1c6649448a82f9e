public import Foundation

/// Any JSON value, for tests that look into bodies, reports and the browser's messages.
public enum JSON: Sendable, Hashable, Decodable {
    /// One of the six kinds; numbers are doubles.
    case null, bool(Bool), number(Double), string(String), array([JSON]), object([String: JSON])

    /// The value that a text says.
    public init(_ text: Data) throws { self = try JSONDecoder().decode(JSON.self, from: text) }

    /// The same from a string.
    public init(_ text: String) throws { try self.init(Data(text.utf8)) }

    /// Reads whatever value comes.
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSON].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    /// A member of an object; null for anything else.
    public subscript(key: String) -> JSON {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }

    /// An element of an array; null for anything else.
    public subscript(index: Int) -> JSON { array.indices.contains(index) ? array[index] : .null }

    /// The elements of an array; none for anything else.
    public var array: [JSON] { if case .array(let elements) = self { elements } else { [] } }

    /// The names of an object's members; none for anything else.
    public var keys: Set<String> { if case .object(let members) = self { Set(members.keys) } else { [] } }

    /// A string, or nil.
    public var string: String? { if case .string(let string) = self { string } else { nil } }

    /// A number, or nil.
    public var number: Double? { if case .number(let number) = self { number } else { nil } }

    /// False for false, null, zero, the empty string and a string that is not there; true for all else, as in a script.
    public var isTruthy: Bool {
        switch self {
        case .null: false
        case .bool(let bool): bool
        case .number(let number): number != 0 && !number.isNaN
        case .string(let string): !string.isEmpty
        case .array, .object: true
        }
    }

    /// The value as JSON on one line.
    public var text: String {
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
        let data = try? JSONSerialization.data(withJSONObject: plain, options: options)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    private var plain: Any {
        switch self {
        case .null: NSNull()
        case .bool(let bool): bool
        case .number(let number): number
        case .string(let string): string
        case .array(let elements): elements.map(\.plain)
        case .object(let members): members.mapValues(\.plain)
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    /// An array of values.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object of members.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(uniqueKeysWithValues: elements))
    }
}
