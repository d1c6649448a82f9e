internal import Glibc
internal import Synchronization

/// Work that another thread does meanwhile. It is over when the last reference goes.
///
/// A thread of its own, and not a task: what it does blocks, on the disk or for a second of computing, and the threads of
/// tasks are as few as the processors.
public final class Errand<Value: Sendable>: Sendable {
    private let work: Work<Value>
    private let thread = Mutex<pthread_t?>(nil)

    /// Begins the work.
    public init(_ body: @escaping @Sendable () -> Value) {
        work = Work(body)
        let handed = Unmanaged.passRetained(work as AnyWork)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<AnyWork>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, handed.toOpaque())
        if status == 0 {
            self.thread.withLock { $0 = thread }
        } else {
            // No thread to be had: then it is done here.
            handed.takeRetainedValue().run()
        }
    }

    deinit { join() }

    /// Whether the work is done, so that nobody would wait.
    public var isDone: Bool { work.result.withLock { $0 != nil } }

    /// Waits until the work is done.
    /// - Returns: what came of it.
    public func wait() -> Value {
        join()
        guard let done = work.result.withLock({ $0 }) else { preconditionFailure("the thread leaves a result") }
        return done
    }

    private func join() {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let running { pthread_join(running, nil) }
    }
}

/// What the thread holds, without its type, since a C function can have no generic one.
private class AnyWork: @unchecked Sendable {
    func run() { preconditionFailure("every work has a body") }
}

private final class Work<Value: Sendable>: AnyWork, @unchecked Sendable {
    let body: @Sendable () -> Value
    let result = Mutex<Value?>(nil)

    init(_ body: @escaping @Sendable () -> Value) { self.body = body }

    override func run() {
        let done = body()
        result.withLock { $0 = done }
    }
}

/// Does something for each element, on as many threads as there are processors, of which this one is one.
/// - Returns: the results in the order of the elements.
public func concurrently<Element: Sendable, Value: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) -> Value
) -> [Value] {
    let round = Round<Value>(count: elements.count)
    @Sendable func work() {
        while let index = round.next() { round.note(body(elements[index]), of: index) }
    }
    let others = (1..<max(1, min(processors, elements.count))).map { _ in Errand { work() } }
    work()
    for other in others { other.wait() }
    return round.results
}

/// Which elements are still to be done, and what came of the others.
private final class Round<Value: Sendable>: Sendable {
    private let state: Mutex<(next: Int, values: [Value?])>

    init(count: Int) { state = Mutex((0, Array(repeating: nil, count: count))) }

    func next() -> Int? {
        state.withLock { state in
            guard state.next < state.values.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func note(_ value: Value, of index: Int) { state.withLock { $0.values[index] = value } }

    var results: [Value] { state.withLock { $0.values.compactMap(\.self) } }
}

/// Processors of the machine, one at least.
public let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
