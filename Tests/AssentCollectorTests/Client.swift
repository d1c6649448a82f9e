import Glibc

/// A plain client of HTTP/1.1 over a blocking socket, which sends exactly what it is told.
final class Client {
    struct Answer {
        var status = 0
        /// Names in lower case.
        var headers: [(name: String, value: String)] = []
        var body = ""

        subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }
        func all(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }
    }

    struct Closed: Error {}
    /// Nothing came for as long as is waited.
    struct Silence: Error {}

    private let socket: Int32
    private var received: [UInt8] = []

    /// Connects to `127.0.0.1:port`, from another address of this machine if one is given. Nothing that is read may take
    /// longer than a minute, which is long also beside tests that reckon on every processor, and under a sanitizer.
    init(_ address: String, from: String? = nil) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var time = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        if let from {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            inet_pton(AF_INET, from, &name.sin_addr)
            let isBound = withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard isBound == 0 else { throw Closed() }
        }
        let parts = address.split(separator: ":")
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = UInt16(parts[1])!.bigEndian
        inet_pton(AF_INET, String(parts[0]), &name.sin_addr)
        let result = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Closed() }
    }

    deinit { close(socket) }

    /// Sends bytes; false if the server does not take them any more.
    @discardableResult func send(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    /// Says that nothing more is sent.
    func endOutput() { shutdown(socket, Int32(SHUT_WR)) }

    /// Waits until some more has come.
    func more() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &buffer, buffer.count, 0)
        if count < 0, errno != ECONNRESET, errno != EPIPE { throw Silence() }
        guard count > 0 else { throw Closed() }
        received += buffer[..<count]
    }

    /// Whether the server has closed the connection and nothing is left to read.
    func isClosed() -> Bool {
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, 0)
        // Silence until the time is over is no end.
        return received.isEmpty && (count == 0 || count < 0 && errno == ECONNRESET)
    }

    /// Reads one answer. That of a HEAD has no body, whatever its length says.
    func receive(hasBody: Bool = true) throws -> Answer {
        let end = Array("\r\n\r\n".utf8)
        while received.firstRange(of: end) == nil { try more() }
        let head = received.firstRange(of: end)!
        let lines = String(decoding: received[..<head.lowerBound], as: UTF8.self).split(separator: "\r\n")
        received.removeSubrange(..<head.upperBound)
        var answer = Answer()
        answer.status = Int(lines[0].split(separator: " ")[1])!
        for line in lines.dropFirst() {
            let colon = line.firstIndex(of: ":")!
            answer.headers.append(
                (line[..<colon].lowercased(), String(line[line.index(after: colon)...].drop { $0 == " " })))
        }
        if hasBody, answer["transfer-encoding"] == "chunked" {
            answer.body = String(decoding: try chunks(), as: UTF8.self)
            return answer
        }
        let length = hasBody ? Int(answer["content-length"] ?? "0")! : 0
        while received.count < length { try more() }
        answer.body = String(decoding: received[..<length], as: UTF8.self)
        received.removeSubrange(..<length)
        return answer
    }

    /// A body in chunks, to its end.
    private func chunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let size = try Int(line(), radix: 16)!
            while received.count < size { try more() }
            body += received[..<size]
            received.removeSubrange(..<size)
            guard try line().isEmpty else { throw Closed() }
            if size == 0 { return body }
        }
    }

    private func line() throws -> String {
        while received.firstRange(of: [0x0D, 0x0A]) == nil { try more() }
        let end = received.firstRange(of: [0x0D, 0x0A])!
        defer { received.removeSubrange(..<end.upperBound) }
        return String(decoding: received[..<end.lowerBound], as: UTF8.self)
    }

    /// Everything until the server closes the connection.
    func receiveAll() throws -> String {
        do {
            while true { try more() }
        } catch is Closed {}
        return String(decoding: received, as: UTF8.self)
    }

    static let browser = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

    /// A request as text. Headers replace those of the same name that a browser would send; nil leaves one out.
    static func request(
        _ method: String, _ path: String, _ body: String? = nil, _ headers: [String: String?] = [:]
    ) -> String {
        var all: [String: String?] = ["Host": "collector.example", "User-Agent": browser]
        if let body {
            all["Content-Type"] = "text/plain;charset=UTF-8"
            all["Content-Length"] = String(body.utf8.count)
        }
        all.merge(headers) { $1 }
        let lines = all.sorted { $0.key < $1.key }.compactMap { name, value in value.map { "\(name): \($0)\r\n" } }
        return "\(method) \(path) HTTP/1.1\r\n\(lines.joined())\r\n\(body ?? "")"
    }

    /// Sends a request and reads its answer.
    func ask(
        _ method: String, _ path: String, _ body: String? = nil, _ headers: [String: String?] = [:]
    ) throws -> Answer {
        send(Client.request(method, path, body, headers))
        return try receive(hasBody: method != "HEAD")
    }
}
