internal import AssentCore
internal import NIOCore

/// The answers that the collector gives.
enum Status: Int, Sendable, CaseIterable {
    case ok = 200
    case created = 201
    case noContent = 204
    case seeOther = 303
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case lengthRequired = 411
    case contentTooLarge = 413
    case unsupportedMediaType = 415
    case unprocessable = 422
    case tooManyRequests = 429
    case headersTooLarge = 431
    case failed = 500
    case unavailable = 503

    /// Status line and line break.
    var line: StaticString {
        switch self {
        case .ok: "HTTP/1.1 200 OK\r\n"
        case .created: "HTTP/1.1 201 Created\r\n"
        case .noContent: "HTTP/1.1 204 No Content\r\n"
        case .seeOther: "HTTP/1.1 303 See Other\r\n"
        case .badRequest: "HTTP/1.1 400 Bad Request\r\n"
        case .unauthorized: "HTTP/1.1 401 Unauthorized\r\n"
        case .forbidden: "HTTP/1.1 403 Forbidden\r\n"
        case .notFound: "HTTP/1.1 404 Not Found\r\n"
        case .methodNotAllowed: "HTTP/1.1 405 Method Not Allowed\r\n"
        case .requestTimeout: "HTTP/1.1 408 Request Timeout\r\n"
        case .lengthRequired: "HTTP/1.1 411 Length Required\r\n"
        case .contentTooLarge: "HTTP/1.1 413 Content Too Large\r\n"
        case .unsupportedMediaType: "HTTP/1.1 415 Unsupported Media Type\r\n"
        case .unprocessable: "HTTP/1.1 422 Unprocessable Content\r\n"
        case .tooManyRequests: "HTTP/1.1 429 Too Many Requests\r\n"
        case .headersTooLarge: "HTTP/1.1 431 Request Header Fields Too Large\r\n"
        case .failed: "HTTP/1.1 500 Internal Server Error\r\n"
        case .unavailable: "HTTP/1.1 503 Service Unavailable\r\n"
        }
    }
}

/// What is answered to one request, before the connection adds what is its own business: date, length, end.
struct Response: Sendable {
    enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Bytes that many answers share, such as the script.
        case shared(ByteBuffer)
        /// The first piece of a body whose length is not known, and who makes the others.
        case pieces([UInt8], any PieceSource)

        /// How many bytes there are now.
        var count: Int {
            switch self {
            case .none: 0
            case .bytes(let bytes), .pieces(let bytes, _): bytes.count
            case .shared(let buffer): buffer.readableBytes
            }
        }
    }

    let status: Status
    /// Header lines, each with its line break.
    private(set) var fields: [UInt8] = []
    private(set) var body = Body.none

    init(_ status: Status) { self.status = status }

    /// An answer with a body.
    init(_ status: Status, _ contentType: String, _ body: Body) {
        self.init(status)
        field("Content-Type", contentType)
        field("X-Content-Type-Options", "nosniff")
        self.body = body
    }

    /// A JSON document, which is nobody else's business.
    init(_ status: Status, json: (inout JSONWriter) -> Void) {
        var writer = JSONWriter(capacity: 256)
        json(&writer)
        self.init(status, "application/json", .bytes(writer.bytes))
        field("Cache-Control", "no-store")
    }

    /// What is wrong, in one sentence for the site's developer.
    static func problem(_ status: Status, _ sentence: String) -> Response {
        Response(status, "text/plain; charset=utf-8", .bytes(Array("\(sentence)\n".utf8)))
    }

    /// The body has more bytes than it may.
    static func tooLarge(bytesMax: Int) -> Response {
        problem(.contentTooLarge, "The body must have at most \(bytesMax) bytes.")
    }

    /// Nothing of the request was stored; it may be sent again.
    static func unavailable(_ sentence: String) -> Response {
        var response = problem(.unavailable, sentence)
        response.field("Retry-After", String(Limits.retrySeconds))
        return response
    }

    /// Adds a header line. The value is the collector's own, never a client's text.
    mutating func field(_ name: StaticString, _ value: String) {
        append(name)
        append(": ")
        append(value)
        append("\r\n")
    }

    /// Adds what the answer to events says of them.
    /// - Parameter reasons: names of reasons of refusal, with commas between them; empty for none.
    mutating func result(stored: Int, duplicate: Int, refused: Int, reasons: String) {
        append("Assent-Result: stored=")
        append(stored)
        append(" duplicate=")
        append(duplicate)
        append(" refused=")
        append(refused)
        if !reasons.isEmpty {
            append(" reason=")
            append(reasons)
        }
        append("\r\n")
    }

    private mutating func append(_ text: StaticString) {
        if fields.isEmpty { fields.reserveCapacity(64) }
        fields.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { fields.append(contentsOf: $0) }
    }

    private mutating func append(_ number: Int) {
        guard number < 10 else { return append(String(number)) }
        fields.append(UInt8(ascii: "0") + UInt8(number))
    }

    /// Appends the whole answer to what goes out.
    /// - Parameters:
    ///   - crossOrigin: header lines for a page of another origin, or none.
    ///   - isHead: whether only the header was asked for.
    ///   - takesChunks: whether a body in pieces goes out in chunks, and not until the connection ends.
    ///   - closes: whether the connection ends with this answer.
    func write(
        to buffer: inout ByteBuffer, date: DateLine, crossOrigin: String?, isHead: Bool, takesChunks: Bool, closes: Bool
    ) {
        buffer.writeStaticString(status.line)
        buffer.writeBytes(date.bytes)
        switch body {
        case .pieces: if takesChunks { buffer.writeStaticString("Transfer-Encoding: chunked\r\n") }
        default: if status != .noContent { buffer.writeString("Content-Length: \(body.count)\r\n") }
        }
        buffer.writeBytes(fields)
        if let crossOrigin { buffer.writeString(crossOrigin) }
        buffer.writeStaticString(closes ? "Connection: close\r\n\r\n" : "\r\n")
        guard !isHead else { return }
        switch body {
        case .none: break
        case .bytes(let bytes): buffer.writeBytes(bytes)
        case .shared(let bytes): buffer.writeImmutableBuffer(bytes)
        case .pieces(let bytes, _): buffer.write(piece: bytes, inChunk: takesChunks, isLast: false)
        }
    }
}

/// Makes the body of an answer piece by piece on another thread, as the client takes it.
protocol PieceSource: Sendable {
    /// Has the next piece made: the connection is told of it, or that there will be none, by its completion.
    func makeNext(_ reply: Reply)
}

extension ByteBuffer {
    /// Appends a piece of a body (RFC 9112, 7.1).
    mutating func write(piece: [UInt8], inChunk: Bool, isLast: Bool) {
        guard inChunk else {
            writeBytes(piece)
            return
        }
        // A chunk without bytes would be the end.
        if !piece.isEmpty {
            writeString("\(String(piece.count, radix: 16))\r\n")
            writeBytes(piece)
            writeStaticString("\r\n")
        }
        if isLast { writeStaticString("0\r\n\r\n") }
    }
}

/// The `Date` header of answers, made once a second (RFC 9110, 5.6.7).
struct DateLine {
    private var second: Int64 = .min
    private(set) var bytes: [UInt8] = []

    private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    mutating func update(_ now: Instant) {
        let second = now.milliseconds.floorDivided(by: 1_000)
        guard second != self.second else { return }
        self.second = second
        let day = now.day
        let date = day.date
        let ofDay = Int(second.modulo(86_400))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        bytes = Array(
            ("Date: \(DateLine.weekdays[day.weekday - 1]), \(two(date.day)) \(DateLine.months[date.month - 1]) "
                + "\(date.year) \(two(ofDay / 3_600)):\(two(ofDay / 60 % 60)):\(two(ofDay % 60)) GMT\r\n").utf8)
    }
}
