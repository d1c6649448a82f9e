internal import CZlib

/// zlib streams and CRC-32. The only file that speaks to zlib.
enum Deflate {
    /// Level 6: level 9 takes three times as long for one percent.
    private static let level: Int32 = 6

    /// A zlib stream (RFC 1950) of the bytes.
    static func compress(_ bytes: [UInt8]) -> [UInt8] {
        var count = compressBound(uLong(bytes.count))
        return [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initialized in
            let code = compress2(buffer.baseAddress, &count, bytes, uLong(bytes.count), level)
            precondition(code == Z_OK, "the buffer has the bound that zlib asks for")
            initialized = Int(count)
        }
    }

    /// The bytes of a zlib stream of exactly that many; nil if it is anything else.
    static func inflate(_ stream: [UInt8], count: Int) -> [UInt8]? {
        var isWhole = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            var inflated = uLong(count)
            var used = uLong(stream.count)
            var nothing: UInt8 = 0
            let code = uncompress2(
                buffer.baseAddress ?? withUnsafeMutablePointer(to: &nothing) { $0 }, &inflated, stream, &used)
            isWhole = code == Z_OK && inflated == uLong(count) && used == uLong(stream.count)
            initialized = isWhole ? count : 0
        }
        return isWhole ? bytes : nil
    }

    /// CRC-32 as in gzip.
    static func crc(_ bytes: [UInt8]) -> UInt32 { UInt32(crc32(0, bytes, uInt(bytes.count))) }
}
