internal import AssentCore
internal import AssentStore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Reads what is held of visitors, on a thread of its own beside whoever writes. Each request takes one of a fixed number
/// of places until its answer is on its way, so that neither those who wait nor slow readers take memory.
final class RightsDesk: Sendable {
    let reader: StoreReader
    private let stopSign: StopSign
    private let logger: Logger
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let places = Atomic(0)

    init(reader: StoreReader, stopSign: StopSign, logger: Logger) {
        self.reader = reader
        self.stopSign = stopSign
        self.logger = logger
        pool.start()
    }

    /// Its thread ends when what it has begun is done.
    deinit { pool.shutdownGracefully { _ in } }

    /// Waits until what was begun is answered, and ends the thread.
    func finish() async {
        await pool.finish()
    }

    /// Given back when it is let go.
    final class Place: Sendable {
        private let desk: RightsDesk

        init?(_ desk: RightsDesk) {
            self.desk = desk
            guard desk.places.wrappingAdd(1, ordering: .relaxed).newValue <= Limits.heldRequestsMax else { return nil }
        }

        deinit { desk.places.wrappingSubtract(1, ordering: .relaxed) }
    }

    /// Has an answer made.
    func answer(
        _ reply: Reply, _ make: @escaping @Sendable (Place) throws(StoreError) -> Response
    ) -> Outcome {
        guard let place = Place(self) else {
            return .now(.unavailable("Too many ask what is held of them. Ask again later."))
        }
        let failed = Completion.response(.unavailable("It cannot be read now. Ask again later."))
        work(reply, orElse: failed) { () throws(StoreError) in .response(try make(place)) }
        return .later
    }

    /// The body that a document makes: whole if it is one piece.
    func body(_ document: HeldDocument, _ place: Place) throws(StoreError) -> Response.Body {
        var document = document
        let first = try document.next()
        return document.isAtEnd ? .bytes(first) : .pieces(first, DocumentSource(document, self, place))
    }

    fileprivate func work(
        _ reply: Reply, orElse failed: Completion, _ make: @escaping @Sendable () throws(StoreError) -> Completion
    ) {
        pool.submit { _ in
            var completion = failed
            do throws(StoreError) {
                if !self.stopSign.isUp { completion = try make() }
            } catch {
                self.logger.error("\(error.description)")
            }
            reply.connection.eventLoop.execute { [completion] in
                reply.connection.value.complete(reply.number, completion)
            }
        }
    }
}

/// The rest of a document.
private final class DocumentSource: PieceSource {
    private let document: Mutex<HeldDocument>
    private let desk: RightsDesk
    private let place: RightsDesk.Place
    private let deadline = NIODeadline.now() + .seconds(Int64(Limits.heldDocumentSeconds))

    init(_ document: HeldDocument, _ desk: RightsDesk, _ place: RightsDesk.Place) {
        self.document = Mutex(document)
        self.desk = desk
        self.place = place
    }

    func makeNext(_ reply: Reply) {
        desk.work(reply, orElse: .failed) { () throws(StoreError) in
            guard NIODeadline.now() < self.deadline else { return .failed }
            return try self.document.withLock { (document) throws(StoreError) in
                .piece(try document.next(), isLast: document.isAtEnd)
            }
        }
    }
}
