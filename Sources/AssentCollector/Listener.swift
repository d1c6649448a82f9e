internal import AssentCore
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The open connections of a listener.
final class Connections: Sendable {
    /// Those of one event loop.
    private final class OfLoop: Sendable {
        let open = Mutex<[ObjectIdentifier: NIOLoopBound<Connection>]>([:])

        var all: [NIOLoopBound<Connection>] { open.withLock { Array($0.values) } }
    }

    /// How many are accepted, whether or not their pipeline is ready.
    let count: Metrics.Gauge
    private let loops: [any EventLoop]
    private let byLoop: [OfLoop]
    /// How many each address prefix has.
    private let byPrefix = Mutex<[UInt64: Int]>([:])

    init(count: Metrics.Gauge, loops: [any EventLoop]) {
        self.count = count
        self.loops = loops
        byLoop = loops.map { _ in OfLoop() }
    }

    func add(_ connection: NIOLoopBound<Connection>, loop: Int) {
        byLoop[loop].open.withLock { $0[ObjectIdentifier(connection.value)] = connection }
    }

    func remove(_ connection: Connection, loop: Int) {
        byLoop[loop].open.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// Has those ended whose time is over, again and again: one timer for each event loop, so that a connection that
    /// waits costs none.
    func watch(every period: TimeAmount) {
        for (loop, connections) in zip(loops, byLoop) {
            loop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
                for connection in connections.all { connection.value.judge() }
            }
        }
    }

    /// Takes a place.
    /// - Parameter prefix: that of the client's address; nil for a proxy, behind which there are many.
    /// - Returns: false if all places are taken, or all that one prefix may have.
    func enter(_ prefix: UInt64?, of connectionsMax: Int) -> Bool {
        guard count.add(1) <= connectionsMax else {
            count.add(-1)
            return false
        }
        guard let prefix else { return true }
        let isIn = byPrefix.withLock { places in
            guard places[prefix, default: 0] < Limits.connectionsPerPrefixMax else { return false }
            places[prefix, default: 0] += 1
            return true
        }
        if !isIn { count.add(-1) }
        return isIn
    }

    /// Gives a place back.
    func leave(_ prefix: UInt64?) {
        count.add(-1)
        guard let prefix else { return }
        byPrefix.withLock { places in
            let left = places[prefix, default: 1] - 1
            places[prefix] = left > 0 ? left : nil
        }
    }

    /// Lets each end when it has answered.
    func stop() {
        for (loop, connections) in zip(loops, byLoop) {
            loop.execute {
                for connection in connections.all { connection.value.stop() }
            }
        }
    }
}

/// A listening socket and how its connections are set up.
struct Listener {
    let channel: any Channel
    let connections: Connections

    /// Listens at `address:port`, or at the socket that a service manager has opened.
    /// - Throws: ``CollectorError`` if the address is none, or not to be had.
    static func open(
        _ endpoint: String, key: String, desk: Desk, connections: Connections, connectionsMax: Int,
        inherited: CInt? = nil, group: MultiThreadedEventLoopGroup, loops: [any EventLoop]
    ) async throws(CollectorError) -> Listener {
        guard let (host, port) = parse(endpoint) else {
            throw CollectorError("\(key): \(endpoint) is no address and port, such as 127.0.0.1:8787.")
        }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(Limits.listenBacklog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                let peer = channel.remoteAddress?.ipAddress.flatMap { Address($0) }
                let prefix = peer.flatMap { desk.trusted.isProxy($0) ? nil : $0.prefix }
                guard connections.enter(prefix, of: connectionsMax) else {
                    desk.metrics.connectionsTurnedAway.add()
                    return channel.close()
                }
                channel.closeFuture.whenComplete { _ in connections.leave(prefix) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Connection(
                            desk: desk, connections: connections, peer: peer,
                            loop: loops.firstIndex { $0 === channel.eventLoop } ?? 0))
                }
            }
        connections.watch(every: min(desk.patience.request, desk.patience.idle, desk.patience.linger))
        do {
            if let inherited {
                return Listener(
                    channel: try await bootstrap.withBoundSocket(inherited).get(), connections: connections)
            }
            return Listener(channel: try await bootstrap.bind(host: host, port: port).get(), connections: connections)
        } catch {
            throw CollectorError("\(key): cannot listen at \(endpoint): \(reason(error)).")
        }
    }

    /// Where it listens, with the port that the system chose for 0.
    var address: String {
        guard let address = channel.localAddress, let host = address.ipAddress, let port = address.port else {
            return ""
        }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func parse(_ endpoint: String) -> (host: String, port: Int)? {
        guard let colon = endpoint.lastIndex(of: ":"), let port = Int(endpoint[endpoint.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = endpoint[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return Address(host) == nil ? nil : (String(host), port)
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "the system refuses it" }
        switch error.errnoCode {
        case EADDRINUSE: return "another program listens there. Stop it, or choose another port"
        case EADDRNOTAVAIL: return "this machine does not have that address"
        case EACCES: return "this user may not. Choose a port above 1023"
        default: return "the system refuses it (error \(error.errnoCode))"
        }
    }
}
