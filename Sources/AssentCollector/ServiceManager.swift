internal import AssentCore
internal import Glibc
internal import NIOCore

/// What a service manager such as systemd has given to the process, and how it is told how the process is.
///
/// The protocols are those of `sd_notify(3)` and `sd_listen_fds(3)`, which are stable interfaces; they are a datagram and
/// a few variables, so no library is used.
public struct ServiceManager: Sendable {
    /// Listening sockets that the manager has opened, by ``Listener`` key; they stay open while the service restarts, so
    /// that nobody is refused.
    let sockets: [String: CInt]
    /// Where the manager listens: a path, or an abstract name after `@`; nil if nobody wants to hear anything.
    private let socket: String?
    /// Time between two signs of life, half of what the manager waits; nil if it waits for none.
    let signOfLife: TimeAmount?

    /// Nobody manages the process.
    public static let none = ServiceManager(variables: { _ in nil }, process: 0)

    /// By the variables of the process.
    public static func ofProcess() -> ServiceManager {
        ServiceManager(variables: { name in getenv(name).map { String(cString: $0) } }, process: getpid())
    }

    /// - Parameters:
    ///   - variables: the environment.
    ///   - process: the process's id: what is meant for another one is left alone.
    init(variables: (String) -> String?, process: pid_t) {
        func number(_ name: String) -> Int? { variables(name).flatMap { Int($0) } }
        socket = variables("NOTIFY_SOCKET").flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isWatched = number("WATCHDOG_PID").map { $0 == Int(process) } ?? true
        let microseconds = isWatched ? number("WATCHDOG_USEC") ?? 0 : 0
        signOfLife = microseconds > 0 ? .microseconds(Int64(max(1, microseconds / 2))) : nil
        var sockets: [String: CInt] = [:]
        if number("LISTEN_PID") == Int(process), let count = number("LISTEN_FDS"), (1...16).contains(count) {
            let names = (variables("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
            for index in 0..<count {
                let name = index < names.count ? String(names[index]) : ""
                let key = ServiceManager.keys[name] ?? ServiceManager.order.first { sockets[$0] == nil }
                if let key, sockets[key] == nil { sockets[key] = ServiceManager.firstDescriptor + CInt(index) }
            }
        }
        self.sockets = sockets
    }

    /// Names that a socket unit gives (`FileDescriptorName=`), and the listeners in the order of sockets without one.
    private static let keys = ["public": "listen", "staff": "staff_listen"]
    private static let order = ["listen", "staff_listen"]
    /// Descriptors that are handed over begin here.
    private static let firstDescriptor: CInt = 3

    /// Tells how the process is, such as `READY=1`. What cannot be told is not told.
    func tell(_ state: String) {
        guard let socket else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(socket.utf8)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.count < capacity else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            buffer.copyBytes(from: path)
            if path[0] == UInt8(ascii: "@") { buffer[0] = 0 }
        }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let bytes = Array(state.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }

    /// Gives signs of life for as long as every event loop answers.
    func watch(_ loops: [any EventLoop]) -> RepeatedTask? {
        guard let signOfLife else { return nil }
        return loops[0].scheduleRepeatedAsyncTask(initialDelay: .zero, delay: signOfLife) { _ in
            EventLoopFuture.andAllSucceed(loops.map { $0.submit {} }, on: loops[0]).map { tell("WATCHDOG=1") }
        }
    }
}
