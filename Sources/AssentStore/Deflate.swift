internal import CZlib

/// zlib streams and CRC-32. The only file that speaks to zlib.
enum Deflate {
    /// How much time is spent on making a stream small.
    enum Effort: Int32 {
        /// The bytes as they are, in the frame of a stream.
        case none = 0
        /// A third of the time of ``thorough`` for a few percent more bytes.
        case quick = 1
        /// The next levels take three times as long for one percent.
        case thorough = 6
    }

    /// Most bytes that one byte of a stream can stand for, a bound of the format itself.
    private static let expansionMax = 1_032

    /// A zlib stream (RFC 1950) of the bytes.
    static func compress(_ bytes: [UInt8], _ effort: Effort) -> [UInt8] {
        var count = compressBound(uLong(bytes.count))
        return [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initialized in
            let code = compress2(buffer.baseAddress, &count, bytes, uLong(bytes.count), effort.rawValue)
            precondition(code == Z_OK, "the buffer has the bound that zlib asks for")
            initialized = Int(count)
        }
    }

    /// The bytes of a zlib stream of exactly that many; nil if it is anything else, and before anything is allocated if
    /// so short a stream cannot hold them.
    static func inflate(_ stream: [UInt8], count: Int) -> [UInt8]? {
        guard count >= 0, count / expansionMax <= stream.count else { return nil }
        var isWhole = false
        // Room for one byte more, so that a stream that is longer than it should be is told from one that fits.
        let bytes = [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, initialized in
            var inflated = uLong(buffer.count)
            var used = uLong(stream.count)
            let code = uncompress2(buffer.baseAddress, &inflated, stream, &used)
            isWhole = code == Z_OK && inflated == uLong(count) && used == uLong(stream.count)
            initialized = isWhole ? count : 0
        }
        return isWhole ? bytes : nil
    }

    /// CRC-32 as in gzip.
    static func crc(_ bytes: [UInt8]) -> UInt32 { UInt32(crc32(0, bytes, uInt(bytes.count))) }
}
