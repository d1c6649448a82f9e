internal import AssentCore
internal import AssentStore
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// What a listener's connections share.
struct Desk: Sendable {
    /// Answers a whole request, now or through its reply.
    let answer: @Sendable (Request, Reply) -> Outcome
    /// Answers what can be refused by its header alone; nil for what is worth reading.
    let refusal: @Sendable (Request) -> Response?
    /// Header lines for pages of other origins, by origin.
    let crossOrigin: [String: String]
    let trusted: TrustedProxies
    let metrics: Metrics
    let stopSign: StopSign
    let now: @Sendable () -> Instant
    let patience: Patience
}

/// Says to everybody that the collector is stopping: what comes from now on is turned away.
final class StopSign: Sendable {
    private let up = Atomic(false)
    var isUp: Bool { up.load(ordering: .relaxed) }
    func raise() { up.store(true, ordering: .relaxed) }
}

/// How long a connection waits for its client.
struct Patience: Sendable {
    /// For a request to arrive whole, from its first byte.
    var request = TimeAmount.seconds(Int64(Limits.requestSecondsMax))
    /// For the next request.
    var idle = TimeAmount.seconds(Int64(Limits.idleSecondsMax))
    /// For the end of what is not read any more.
    var linger = TimeAmount.seconds(Int64(Limits.lingerSecondsMax))
}

/// How a request is answered.
enum Outcome {
    case now(Response)
    /// When its events are durable.
    case durable(Response)
    /// When the ledger has the choice.
    case ledger((LedgerAnswer) -> Response)
    /// When another thread is done.
    case later
}

/// One connection of HTTP/1: gathers each request within its bounds, has it answered, and gives the answers in the order
/// of the requests. It lives on one event loop.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    /// An answer, or the place of one that is awaited.
    private struct Slot {
        var outcome: Outcome
        let route: Route
        let crossOrigin: String?
        let isHead: Bool
        let takesChunks: Bool
    }

    /// The rest of the first slot's answer.
    private struct Rest {
        let source: any PieceSource
        /// Whether the source is making a piece.
        var isAwaited = false
    }

    private enum Phase {
        case open
        /// Nothing more is read; what is asked will be answered.
        case last
        /// The last answer is on its way.
        case sent
        /// All is answered. What the client still sends is thrown away, so that the answer reaches it.
        case lingering
    }

    private let desk: Desk
    private let connections: Connections
    private let peer: Address?
    private let loop: Int
    private var context: ChannelHandlerContext?

    private var phase = Phase.open
    private var inputIsClosed = false
    /// Whether the client may still be sending something that is not read.
    private var leavesInput = false
    private var isReading = true

    /// The request that is arriving, once its header is there.
    private var request: Request?
    /// Whether the first byte of a request is there, and not yet its last.
    private var isArriving = false
    private var sawRequest = false
    private var slots = CircularBuffer<Slot>(initialCapacity: 2)
    private var rest: Rest?
    /// Requests whose answers are sent: the number of the first slot.
    private var answered = 0

    private var date = DateLine()
    private var deadline: NIODeadline
    private var ticker: Scheduled<Void>?

    init(desk: Desk, connections: Connections, peer: Address?, loop: Int) {
        self.desk = desk
        self.connections = connections
        self.peer = peer
        self.loop = loop
        deadline = .now() + desk.patience.idle
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connections.add(NIOLoopBound(self, eventLoop: context.eventLoop))
        tick()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connections.remove(self)
        ticker?.cancel()
        self.context = nil
        slots.removeAll()
        rest = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): begin(Request(head, peer: peer, trusted: desk.trusted), context)
        case .body(let bytes): request?.body.append(contentsOf: bytes.readableBytesView)
        case .end: finish(context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Bytes came, but not even a whole header: the first of them started the request's time.
        if !sawRequest { arrive() }
        sawRequest = false
        send()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { send() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return }
        inputIsClosed = true
        switch phase {
        case .open, .last:
            phase = .last
            send()
        case .sent: break
        case .lingering: context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        guard phase == .open else { return }
        if error == .headerOverflow {
            refuse(.problem(.headersTooLarge, "The request line or a header is too long."))
        } else {
            refuse(.problem(.badRequest, "This is no request of HTTP/1.1."))
        }
        send()
    }

    // MARK: Requests

    private func arrive() {
        guard phase == .open, !isArriving else { return }
        isArriving = true
        deadline = .now() + desk.patience.request
    }

    private func begin(_ request: Request, _ context: ChannelHandlerContext) {
        arrive()
        sawRequest = true
        guard request.isAddressed else {
            return refuse(.problem(.badRequest, "Say one Host."), of: request)
        }
        guard !request.isChunked else {
            return refuse(.problem(.lengthRequired, "Say Content-Length: bodies in chunks are not taken."), of: request)
        }
        if let response = desk.refusal(request) { return refuse(response, of: request) }
        self.request = request
        // Only to the first in the row, for it must not overtake an answer. Others go on by themselves after a while.
        if request.expectsContinue, slots.isEmpty {
            var buffer = context.channel.allocator.buffer(capacity: 32)
            buffer.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard let request else { return }
        self.request = nil
        isArriving = false
        sawRequest = true
        if request.closes || desk.stopSign.isUp { phase = .last }
        let reply = Reply(
            connection: NIOLoopBound(self, eventLoop: context.eventLoop), loop: loop, number: answered + slots.count)
        enter(desk.answer(request, reply), of: request)
    }

    /// Answers at once what cannot be a request, or only a part of one, and reads nothing more.
    private func refuse(_ response: Response, of request: Request? = nil) {
        self.request = nil
        phase = .last
        leavesInput = true
        enter(.now(response), of: request)
    }

    private func enter(_ outcome: Outcome, of request: Request?) {
        slots.append(
            Slot(
                outcome: outcome, route: request?.route ?? .other,
                crossOrigin: request?.origin.flatMap { desk.crossOrigin[$0] }, isHead: request?.method == .HEAD,
                takesChunks: request?.takesChunks ?? false))
    }

    // MARK: Answers

    /// What was waited for is done.
    func complete(_ number: Int, _ completion: Completion) {
        let offset = number - answered
        guard slots.indices.contains(slots.index(slots.startIndex, offsetBy: offset)) else { return }
        let index = slots.index(slots.startIndex, offsetBy: offset)
        if rest != nil, offset == 0 { return take(completion) }
        switch (slots[index].outcome, completion) {
        case (.durable(let response), .durable): slots[index].outcome = .now(response)
        case (.ledger(let response), .ledger(let answer)): slots[index].outcome = .now(response(answer))
        case (_, .response(let response)): slots[index].outcome = .now(response)
        default: slots[index].outcome = .now(.unavailable("It could not be stored. Send it again later."))
        }
        if offset == 0 { send() }
    }

    /// Sends the answers that are ready, in order and as far as the client listens; and ends the connection after the
    /// last.
    private func send() {
        guard let context, phase == .open || phase == .last else { return }
        if phase == .last, slots.isEmpty { return end() }
        while context.channel.isWritable, let buffer = nextAnswers(context) {
            guard write(buffer, context) else { return }
        }
        askForMore(context)
        pace(context)
    }

    /// - Returns: whether there may be more to send.
    private func write(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        if !isArriving { deadline = .now() + desk.patience.idle }
        guard phase == .last, slots.isEmpty else {
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
            return true
        }
        phase = .sent
        context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated().whenComplete { _ in self.end() }
        return false
    }

    /// Answers that are ready, for one write; nil if the first one is still awaited.
    private func nextAnswers(_ context: ChannelHandlerContext) -> ByteBuffer? {
        guard rest == nil, let slot = slots.first, case .now(let first) = slot.outcome else { return nil }
        date.update(desk.now())
        var buffer = context.channel.allocator.buffer(capacity: 512 + first.body.count)
        while buffer.readableBytes < Limits.writeBytesMax, let slot = slots.first,
            case .now(let response) = slot.outcome
        {
            response.write(
                to: &buffer, date: date, crossOrigin: slot.crossOrigin, isHead: slot.isHead,
                takesChunks: slot.takesChunks, closes: phase == .last && slots.count == 1)
            desk.metrics.responded(slot.route, response.status)
            if case .pieces(_, let source) = response.body, !slot.isHead {
                rest = Rest(source: source)
                break
            }
            slots.removeFirst()
            answered += 1
        }
        return buffer
    }

    // MARK: Bodies in pieces

    /// Has the next piece made when the client has taken enough of the last one.
    private func askForMore(_ context: ChannelHandlerContext) {
        guard let rest, !rest.isAwaited, context.channel.isWritable else { return }
        self.rest?.isAwaited = true
        rest.source.makeNext(
            Reply(connection: NIOLoopBound(self, eventLoop: context.eventLoop), loop: loop, number: answered))
    }

    private func take(_ completion: Completion) {
        guard let context, let slot = slots.first else { return }
        // Cut off before its end, so that nobody takes it for the whole.
        guard case .piece(let bytes, let isLast) = completion else { return context.close(promise: nil) }
        var buffer = context.channel.allocator.buffer(capacity: bytes.count + 32)
        buffer.write(piece: bytes, inChunk: slot.takesChunks, isLast: isLast)
        rest?.isAwaited = false
        if isLast {
            rest = nil
            slots.removeFirst()
            answered += 1
        }
        if write(buffer, context) { send() }
    }

    private func end() {
        guard let context, phase != .lingering else { return }
        guard leavesInput, !inputIsClosed else { return context.close(promise: nil) }
        phase = .lingering
        deadline = .now() + desk.patience.linger
        context.close(mode: .output, promise: nil)
        pace(context)
    }

    /// Reads on only while answers can be given: a client that asks faster than it listens waits in its own buffers.
    private func pace(_ context: ChannelHandlerContext) {
        let reads = phase == .lingering || context.channel.isWritable && slots.count < Limits.pipelinedRequestsMax
        guard reads != isReading else { return }
        isReading = reads
        try? context.channel.syncOptions?.setOption(.autoRead, value: reads)
    }

    // MARK: Time

    private func tick() {
        guard let context else { return }
        let period = min(desk.patience.request, desk.patience.idle, desk.patience.linger)
        ticker = context.eventLoop.assumeIsolated().scheduleTask(in: period) {
            self.judge()
            self.tick()
        }
    }

    /// Ends a connection whose time is over. While the collector itself owes an answer there is no bound.
    private func judge() {
        guard let context, NIODeadline.now() >= deadline else { return }
        guard slots.isEmpty || !context.channel.isWritable else { return }
        guard phase == .open, isArriving, context.channel.isWritable else { return context.close(promise: nil) }
        refuse(.problem(.requestTimeout, "The request did not arrive in time."))
        send()
    }

    /// Ends when what is asked is answered, at once if nothing is. What is arriving ends it when it is there.
    func stop() {
        guard phase == .open, !isArriving else { return }
        phase = .last
        send()
    }
}
