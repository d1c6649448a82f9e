extension StringProtocol {
    /// Where an ASCII needle stands first, compared byte by byte.
    func range(ofASCII needle: StaticString) -> Range<Index>? {
        let length = needle.utf8CodeUnitCount
        guard let start = offset(ofASCII: UnsafeBufferPointer(start: needle.utf8Start, count: length)) else {
            return nil
        }
        let lower = utf8.index(utf8.startIndex, offsetBy: start)
        return lower..<utf8.index(lower, offsetBy: length)
    }

    private func offset(ofASCII needle: UnsafeBufferPointer<UInt8>) -> Int? {
        let found = utf8.withContiguousStorageIfAvailable { $0.offset(of: needle) }
        return found ?? Array(utf8).withUnsafeBufferPointer { $0.offset(of: needle) }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Where other bytes stand first. Neither is empty where that matters.
    fileprivate func offset(of needle: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let first = needle.first else { return 0 }
        guard count >= needle.count else { return nil }
        for start in 0...(count - needle.count) where self[start] == first {
            var at = 1
            while at < needle.count, self[start + at] == needle[at] { at += 1 }
            if at == needle.count { return start }
        }
        return nil
    }
}

extension String {
    /// The text that bytes are in UTF-8; nil if they are none.
    ///
    /// `String(validating:as:)` asks the runtime for generic types at every call, which takes two to four times as long.
    public init?(utf8 bytes: Span<UInt8>) {
        guard let text = try? UTF8Span(validating: bytes) else { return nil }
        self.init(copying: text)
    }

    /// Whether both have the same bytes; `==` takes texts as equal that are so as characters.
    package func hasSameBytes(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        var (left, right) = (self, other)
        return left.withUTF8 { left in
            right.withUTF8 { right in
                let (left, right) = (UnsafeRawBufferPointer(left), UnsafeRawBufferPointer(right))
                if left.baseAddress == right.baseAddress { return true }
                var at = 0
                while at + 8 <= left.count {
                    let word = left.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                    if word != right.loadUnaligned(fromByteOffset: at, as: UInt64.self) { return false }
                    at += 8
                }
                while at < left.count {
                    if left[at] != right[at] { return false }
                    at += 1
                }
                return true
            }
        }
    }
}
