extension StringProtocol {
    /// Where an ASCII needle stands first, compared byte by byte.
    func range(ofASCII needle: StaticString) -> Range<Index>? {
        let length = needle.utf8CodeUnitCount
        let bytes = UnsafeBufferPointer(start: needle.utf8Start, count: length)
        var start = utf8.startIndex
        while let end = utf8.index(start, offsetBy: length, limitedBy: utf8.endIndex) {
            if utf8[start..<end].elementsEqual(bytes) { return start..<end }
            guard start < utf8.endIndex else { return nil }
            start = utf8.index(after: start)
        }
        return nil
    }
}
