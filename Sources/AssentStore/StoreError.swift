/// Why the data directory could not do what was asked: what, where and what to do, in one sentence.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of thing went wrong, for those who must act on it.
    public enum Kind: Sendable, Equatable {
        /// Another process holds the data directory.
        case held
        /// The disk or its quota is full.
        case full
        /// The file system does not let this process write.
        case readOnly
        /// Reading or writing failed.
        case inputOutput
        /// A file is not what its format says.
        case damaged
        /// A file is of a format that this version does not know.
        case newerFormat
        /// There is no such file or directory.
        case missing
    }

    /// What kind of thing went wrong.
    public var kind: Kind
    /// The sentence for people. It holds no visitor, token or address.
    public var description: String

    /// An error of a kind with its sentence.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
