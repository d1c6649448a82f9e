import AssentConfiguration
import Glibc

/// A connection to a collector of this machine: one request after the other, each waits for its answer.
struct HTTPClient: ~Copyable {
    /// What came back.
    struct Answer {
        let status: Int
        let body: [UInt8]

        /// The body as a sentence.
        var text: String {
            var line = String(decoding: body, as: UTF8.self).prefix { $0 != "\n" && $0 != "\r" }
            if line.count > 300 { line = line.prefix(300) }
            return String(line)
        }
    }

    private let socket: Int32
    private let name: String
    private var received: [UInt8] = []
    private static let headerBytesMax = 64 * 1024
    private static let bodyBytesMax = 64 * 1024 * 1024

    /// Connects. A listener at every address is asked at the loopback one.
    /// - Parameter seconds: how long an answer may take.
    init(_ endpoint: Endpoint, seconds: Int) throws(Failure) {
        let isSix = endpoint.host.contains(":")
        let host = endpoint.isEverywhere ? (isSix ? "::1" : "127.0.0.1") : endpoint.host
        name = isSix ? "[\(host)]:\(endpoint.port)" : "\(host):\(endpoint.port)"
        socket = Glibc.socket(isSix ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var timeout = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        guard Self.connect(socket, host, UInt16(endpoint.port), isSix: isSix) == 0 else { throw failure("reach") }
    }

    deinit { close(socket) }

    private static func connect(_ socket: Int32, _ host: String, _ port: UInt16, isSix: Bool) -> Int32 {
        func connect<Address>(_ address: inout Address) -> Int32 {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(socket, $0, socklen_t(MemoryLayout<Address>.size))
                }
            }
        }
        if isSix {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            return connect(&address)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return connect(&address)
    }

    /// Sends a request and waits for its answer.
    mutating func send(
        _ method: String, _ target: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) throws(Failure) -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(name)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method != "GET" { head += "Content-Length: \(body.count)\r\n" }
        try send(Array("\(head)\r\n".utf8))
        try send(body)
        return try answer()
    }

    private func send(_ bytes: [UInt8]) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("send to")
            }
            sent += count
        }
    }

    private mutating func answer() throws(Failure) -> Answer {
        while true {
            let end = try header()
            let lines = String(decoding: received[..<end], as: UTF8.self).split(separator: "\r\n")
            received.removeFirst(end + 4)
            let words = lines.first?.split(separator: " ") ?? []
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw malformed }
            if (100..<200).contains(status) { continue }
            guard status != 204, status != 304 else { return Answer(status: status, body: []) }
            let length = lines.dropFirst().first { $0.lowercased().hasPrefix("content-length:") }
            let digits = length?.drop { $0 != ":" }.dropFirst().filter { $0 != " " && $0 != "\t" }
            guard let digits, let count = Int(digits), (0...Self.bodyBytesMax).contains(count) else { throw malformed }
            while received.count < count { try receive() }
            defer { received.removeFirst(count) }
            return Answer(status: status, body: Array(received[..<count]))
        }
    }

    /// Where the empty line begins that ends the header.
    private mutating func header() throws(Failure) -> Int {
        let end: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]
        var searched = 0
        while true {
            while searched + 4 <= received.count {
                if received[searched..<searched + 4].elementsEqual(end) { return searched }
                searched += 1
            }
            guard received.count <= Self.headerBytesMax else { throw malformed }
            try receive()
        }
    }

    private mutating func receive() throws(Failure) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("hear from")
            }
            guard count > 0 else { throw Failure(.failed, "The collector at \(name) closed the connection.") }
            received += buffer[..<count]
            return
        }
    }

    private var malformed: Failure { Failure(.failed, "What listens at \(name) is no collector.") }

    private func failure(_ verb: String) -> Failure {
        let reason = errno == EAGAIN ? "it took too long" : String(cString: strerror(errno))
        return Failure(.failed, "Cannot \(verb) the collector at \(name): \(reason).")
    }
}

extension String {
    /// The text as a value in a query: everything but letters, digits and `-._~` is escaped.
    var queryEscaped: String {
        utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
