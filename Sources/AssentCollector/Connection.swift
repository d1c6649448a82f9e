internal import AssentCore
internal import AssentStore
internal import NIOCore
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
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// An answer, or the place of one that is awaited.
    private struct Slot {
        var outcome: Outcome
        let route: Route
        let crossOrigin: String?
        let isHead: Bool
        let takesChunks: Bool

        var isReady: Bool { if case .now = outcome { true } else { false } }

        /// What was waited for is done.
        mutating func settle(_ completion: Completion) {
            switch (outcome, completion) {
            case (.durable(let response), .durable): outcome = .now(response)
            case (.ledger(let response), .ledger(let answer)): outcome = .now(response(answer))
            case (_, .response(let response)): outcome = .now(response)
            default: outcome = .now(.unavailable("It could not be stored. Send it again later."))
            }
        }
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
    /// Whether nothing is read for a while, because the client asks too often.
    private var isPaused = false

    /// Bytes that have come and are not yet a whole head, or a whole body.
    private var unread = ByteBuffer()
    private var search = HeadSearch()
    /// Whether whole requests may stand there, for which there was no place.
    private var isHeldBack = false
    /// The request that is arriving, once its head is there.
    private var request: Request?
    /// Whether the first byte of a request is there, and not yet its last.
    private var isArriving = false
    /// In the order of the requests; at most ``Limits/pipelinedRequestsMax``.
    private var slots: [Slot] = []
    private var rest: Rest?
    /// Requests whose answers are sent: the number of the first slot.
    private var answered = 0

    private var date = DateLine()
    private var deadline: NIODeadline

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
        connections.add(NIOLoopBound(self, eventLoop: context.eventLoop), loop: loop)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connections.remove(self, loop: loop)
        self.context = nil
        slots.removeAll()
        rest = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open else { return }
        var bytes = unwrapInboundIn(data)
        if unread.readableBytes == 0 {
            read(&bytes, context)
            // What is left is copied, for few bytes would keep the whole of the buffer that they came in.
            if phase == .open, bytes.readableBytes > 0 { unread = ByteBuffer(bytes.readableBytesView) }
        } else {
            unread.writeBuffer(&bytes)
            readOn(context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { send() }

    func channelWritabilityChanged(context: ChannelHandlerContext) { send() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return }
        inputIsClosed = true
        switch phase {
        case .open, .last:
            if !isHeldBack { phase = .last }
            send()
        case .sent: break
        case .lingering: context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Requests

    /// Goes on with what was left.
    private func readOn(_ context: ChannelHandlerContext) {
        var bytes = unread
        unread = ByteBuffer()
        read(&bytes, context)
        guard phase == .open else { return }
        unread = bytes.readerIndex > 0 ? ByteBuffer(bytes.readableBytesView) : bytes
        if inputIsClosed, !isHeldBack { phase = .last }
    }

    /// Takes requests off the front of what has come, as far as they are whole and answers may wait.
    private func read(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) {
        isHeldBack = false
        while phase == .open, bytes.readableBytes > 0 || request != nil {
            guard slots.count < Limits.pipelinedRequestsMax, !isPaused else {
                isHeldBack = true
                return
            }
            guard var request = request ?? nextHead(&bytes, context) else { return arrive() }
            guard let body = bytes.readSlice(length: request.head.contentLength ?? 0) else {
                if self.request == nil { request.copyHead() }
                self.request = request
                return arrive()
            }
            self.request = nil
            isArriving = false
            request.body = body
            finish(request, context)
        }
    }

    /// The first bytes of a request are there: from now on it has its time to arrive.
    private func arrive() {
        guard phase == .open, !isArriving else { return }
        isArriving = true
        deadline = .now() + desk.patience.request
    }

    /// The request whose head is at the front; nil if that is not whole, or was refused.
    private func nextHead(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) -> Request? {
        let request: Request
        do throws(HeadProblem) {
            guard let end = try search.end(in: bytes.readableBytesSpan) else { return nil }
            bytes.moveReaderIndex(forwardBy: search.start)
            guard let head = bytes.readSlice(length: end - search.start) else { return nil }
            search = HeadSearch()
            request = try Request(head, peer: peer, trusted: desk.trusted)
        } catch {
            switch error {
            case .tooLong: refuse(.problem(.headersTooLarge, "The request line or a header is too long."))
            case .malformed: refuse(.problem(.badRequest, "This is no request of HTTP/1.1."))
            }
            return nil
        }
        if let response = refusal(of: request) {
            refuse(response, of: request)
            return nil
        }
        // Only to the first in the row, for it must not overtake an answer. Others go on by themselves after a while.
        if request.head.expectsContinue, slots.isEmpty {
            var buffer = context.channel.allocator.buffer(capacity: 32)
            buffer.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
        return request
    }

    private func refusal(of request: Request) -> Response? {
        if !request.isAddressed { return .problem(.badRequest, "Say one Host.") }
        if request.head.isEncoded {
            return .problem(.lengthRequired, "Say Content-Length: bodies in chunks are not taken.")
        }
        return desk.refusal(request)
    }

    private func finish(_ request: Request, _ context: ChannelHandlerContext) {
        if request.head.closes || desk.stopSign.isUp { phase = .last }
        let reply = Reply(
            connection: NIOLoopBound(self, eventLoop: context.eventLoop), loop: loop, number: answered + slots.count)
        let outcome = desk.answer(request, reply)
        enter(outcome, of: request)
        if case .now(let response) = outcome, response.status == .tooManyRequests, request.client == peer {
            pause(context)
        }
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
                crossOrigin: request?.origin.flatMap { desk.crossOrigin[$0] }, isHead: request?.method == .head,
                takesChunks: request?.head.isVersion11 ?? false))
    }

    // MARK: Answers

    /// What was waited for is done.
    func complete(_ number: Int, _ completion: Completion) {
        let offset = number - answered
        guard slots.indices.contains(offset) else { return }
        if rest != nil, offset == 0 { return take(completion) }
        slots[offset].settle(completion)
        if offset == 0 { send() }
    }

    /// Sends the answers that are ready, in order and as far as the client listens; and ends the connection after the
    /// last.
    private func send() {
        guard let context, phase == .open || phase == .last else { return }
        if phase == .last, slots.isEmpty { return end() }
        repeat {
            while context.channel.isWritable, let buffer = nextAnswers(context) {
                guard write(buffer, context) else { return }
            }
        } while goesOn(context)
        // What was held back may have been the beginning of a request whose end will not come.
        if phase == .last, slots.isEmpty { return end() }
        askForMore(context)
        pace(context)
    }

    /// Reads what was held back, once there is a place for it.
    private func goesOn(_ context: ChannelHandlerContext) -> Bool {
        guard isHeldBack, phase == .open, !isPaused, slots.count < Limits.pipelinedRequestsMax else { return false }
        readOn(context)
        return true
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
        guard rest == nil, !slots.isEmpty, slots[0].isReady else { return nil }
        date.update(desk.now())
        var buffer = context.channel.allocator.buffer(capacity: 512)
        var sent = 0
        while buffer.readableBytes < Limits.writeBytesMax, sent < slots.count,
            case .now(let response) = slots[sent].outcome
        {
            let slot = slots[sent]
            response.write(
                to: &buffer, date: date, crossOrigin: slot.crossOrigin, isHead: slot.isHead,
                takesChunks: slot.takesChunks, closes: phase == .last && slots.count == sent + 1)
            desk.metrics.responded(slot.route, response.status)
            if case .pieces(_, let source) = response.body, !slot.isHead {
                rest = Rest(source: source)
                break
            }
            sent += 1
        }
        slots.removeFirst(sent)
        answered += sent
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
        let isReady = context.channel.isWritable && slots.count < Limits.pipelinedRequestsMax && !isPaused
        let reads = phase == .lingering || isReady
        guard reads != isReading else { return }
        isReading = reads
        try? context.channel.syncOptions?.setOption(.autoRead, value: reads)
    }

    /// Leaves a client that asks too often to its own buffers for a while, so that telling it so costs little. A proxy is
    /// not: others come through it too.
    private func pause(_ context: ChannelHandlerContext) {
        isPaused = true
        let pause = TimeAmount.milliseconds(Limits.pauseMilliseconds)
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            self.isPaused = false
            self.send()
        }
    }

    // MARK: Time

    /// Ends a connection whose time is over. While the collector itself owes an answer there is no bound.
    func judge() {
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
