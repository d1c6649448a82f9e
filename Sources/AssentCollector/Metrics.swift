internal import AssentCore
internal import AssentStore
internal import Glibc
internal import NIOCore
internal import Synchronization

/// What the collector counts about itself: a fixed list, known when it starts. Nothing that a visitor says is a label.
final class Metrics: Sendable {
    /// A number that only grows.
    final class Counter: Sendable {
        private let count = Atomic<UInt64>(0)
        var value: UInt64 { count.load(ordering: .relaxed) }
        func add(_ number: Int = 1) { count.add(UInt64(number), ordering: .relaxed) }
    }

    /// A number that comes and goes.
    final class Gauge: Sendable {
        private let level = Atomic<Int>(0)
        var value: Int { level.load(ordering: .relaxed) }
        /// - Returns: the new value.
        @discardableResult func add(_ number: Int) -> Int { level.add(number, ordering: .relaxed).newValue }
    }

    /// Numbers by size.
    final class Histogram: Sendable {
        private let bounds: [Int]
        private let decimals: Int
        private let buckets: [Counter]
        private let sum = Counter()

        /// - Parameters:
        ///   - bounds: upper bounds, ascending.
        ///   - decimals: how many of the digits of a number stand behind the point when it is written.
        init(bounds: [Int], decimals: Int) {
            self.bounds = bounds
            self.decimals = decimals
            buckets = (0...bounds.count).map { _ in Counter() }
        }

        /// Of durations, in microseconds that are written as seconds.
        static var ofSeconds: Histogram {
            let bounds = [
                100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000,
            ]
            return Histogram(bounds: bounds, decimals: 6)
        }

        func observe(_ number: Int) {
            buckets[bounds.firstIndex { number <= $0 } ?? bounds.count].add()
            sum.add(number)
        }

        func observe(_ duration: TimeAmount) { observe(Int(max(0, duration.nanoseconds / 1_000))) }

        fileprivate func write(_ name: String, _ help: String, to text: inout Text) {
            text.family(name, "histogram", help)
            var count: UInt64 = 0
            for (bound, bucket) in zip(bounds, buckets) {
                count += bucket.value
                text.sample("\(name)_bucket{le=\"\(FixedPoint.text(bound, decimals: decimals))\"}", count)
            }
            count += buckets[bounds.count].value
            text.sample("\(name)_bucket{le=\"+Inf\"}", count)
            text.line("\(name)_sum \(FixedPoint.text(Int(sum.value), decimals: decimals))")
            text.sample("\(name)_count", count)
        }
    }

    private static let routes = Route.allCases
    private static let statuses = Status.allCases
    private let responses = routes.map { _ in statuses.map { _ in Counter() } }
    private let refusals = Refusal.allCases.map { _ in Counter() }
    let eventsStored = Counter()
    let eventsDuplicate = Counter()
    let unknownFields = Counter()
    let choicesGranted = Counter()
    let choicesRefused = Counter()
    let choicesWithdrawn = Counter()
    let linesImported = Counter()
    let connections = Gauge()
    let connectionsTurnedAway = Counter()
    let commitFailures = Counter()
    let drainFailures = Counter()
    private let commitSeconds = Histogram.ofSeconds
    private let appendSeconds = Histogram.ofSeconds
    private let commitEvents = Histogram(
        bounds: [1, 4, 16, 64, 256, 1_024, 4_096, Limits.commitEventsMax], decimals: 0)
    let drainSeconds = Histogram.ofSeconds
    /// What the files take up, as the keeper saw it last.
    let holdings = Mutex(Holdings())

    /// One answer was given.
    func responded(_ route: Route, _ status: Status) {
        guard let row = Metrics.routes.firstIndex(of: route), let column = Metrics.statuses.firstIndex(of: status)
        else { return }
        responses[row][column].add()
    }

    /// Events were not stored.
    func refused(_ reasons: [Refusal]) {
        for reason in reasons {
            if let index = Refusal.allCases.firstIndex(of: reason) { refusals[index].add() }
        }
    }

    /// Events were written and are durable.
    func appended(_ events: Int, in duration: TimeAmount) {
        eventsStored.add(events)
        commitEvents.observe(events)
        appendSeconds.observe(duration)
    }

    /// A commit went well.
    func committed(in duration: TimeAmount) { commitSeconds.observe(duration) }

    /// Levels that others know.
    struct Levels {
        var queue: (events: Int, bytes: Int)
        var journal: (events: Int, bytes: Int)
        var isHealthy: Bool
    }

    /// The text format of Prometheus, version 0.0.4.
    func prometheusText(_ levels: Levels) -> [UInt8] {
        var text = Text()
        text.family("assent_responses_total", "counter", "Answers by route and status.")
        for (route, row) in zip(Route.allCases, responses) {
            for (status, counter) in zip(Status.allCases, row) where counter.value > 0 {
                text.sample(
                    "assent_responses_total{route=\"\(route.rawValue)\",status=\"\(status.rawValue)\"}", counter.value)
            }
        }
        text.family("assent_events_total", "counter", "Events by what became of them.")
        text.sample("assent_events_total{result=\"stored\"}", eventsStored.value)
        text.sample("assent_events_total{result=\"duplicate\"}", eventsDuplicate.value)
        text.sample("assent_events_total{result=\"refused\"}", refusals.reduce(0) { $0 + $1.value })
        text.family("assent_refusals_total", "counter", "Events that were not stored, by reason.")
        for (reason, counter) in zip(Refusal.allCases, refusals) {
            text.sample("assent_refusals_total{reason=\"\(reason.rawValue)\"}", counter.value)
        }
        text.family("assent_choices_total", "counter", "Choices of visitors.")
        text.sample("assent_choices_total{choice=\"granted\"}", choicesGranted.value)
        text.sample("assent_choices_total{choice=\"refused\"}", choicesRefused.value)
        text.sample("assent_choices_total{choice=\"withdrawn\"}", choicesWithdrawn.value)
        text.counter("assent_unknown_fields_total", "Fields of events that the wire does not know.", unknownFields)
        text.counter("assent_import_lines_total", "Lines of imports that were stored.", linesImported)
        text.counter("assent_commit_failures_total", "Commits that failed.", commitFailures)
        text.counter("assent_drain_failures_total", "Drains of the journal that failed.", drainFailures)
        text.counter(
            "assent_connections_turned_away_total", "Connections over the limit.", connectionsTurnedAway)
        commitSeconds.write("assent_commit_seconds", "Time of a commit, of events and choices.", to: &text)
        appendSeconds.write("assent_append_seconds", "Time to write a commit's events and sync the journal.", to: &text)
        commitEvents.write("assent_commit_events", "Events of a commit.", to: &text)
        drainSeconds.write("assent_drain_seconds", "Time of a drain of the journal into partitions.", to: &text)
        text.gauge("assent_connections", "Open connections of the public listener.", connections.value)
        text.gauge("assent_queue_events", "Events that wait for a commit.", levels.queue.events)
        text.gauge("assent_queue_bytes", "Bytes that wait for a commit.", levels.queue.bytes)
        text.gauge("assent_journal_events", "Events that wait in the journal.", levels.journal.events)
        text.gauge("assent_journal_bytes", "Bytes that wait in the journal.", levels.journal.bytes)
        let holdings = holdings.withLock { $0 }
        text.gauge("assent_partitions", "Partitions of all sites.", holdings.partitions)
        text.gauge("assent_partition_bytes", "Bytes of all partitions.", holdings.partitionBytes)
        text.gauge("assent_journal_file_bytes", "Bytes of the journal's files.", holdings.journalBytes)
        text.gauge("assent_ledger_bytes", "Bytes of the ledger.", holdings.ledgerBytes)
        text.gauge("assent_ledger_entries", "Entries of the ledger.", holdings.ledgerEntries)
        text.gauge("assent_disk_free_bytes", "Bytes that are free where the data are.", holdings.freeBytes)
        text.gauge("process_resident_memory_bytes", "Resident memory of the process.", Process.residentBytes)
        text.gauge("process_open_fds", "Open files of the process.", Process.openFiles)
        text.gauge("assent_healthy", "1 if the last commit went well.", levels.isHealthy ? 1 : 0)
        return text.bytes
    }

    /// The lines of the text format.
    fileprivate struct Text {
        private(set) var bytes: [UInt8] = []

        mutating func line(_ line: String) {
            bytes += line.utf8
            bytes.append(UInt8(ascii: "\n"))
        }

        mutating func family(_ name: String, _ type: String, _ help: String) {
            line("# HELP \(name) \(help)")
            line("# TYPE \(name) \(type)")
        }

        mutating func sample(_ series: String, _ value: some BinaryInteger) { line("\(series) \(value)") }

        mutating func counter(_ name: String, _ help: String, _ counter: Counter) {
            family(name, "counter", help)
            sample(name, counter.value)
        }

        mutating func gauge(_ name: String, _ help: String, _ value: Int) {
            family(name, "gauge", help)
            sample(name, value)
        }
    }
}

/// What the kernel says of this process.
private enum Process {
    static var residentBytes: Int {
        let fields = (try? Files.contents("/proc/self/statm")) ?? []
        let pages = fields.split(separator: 0x20).dropFirst().first.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        return (pages ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    static var openFiles: Int { (try? Files.names(in: "/proc/self/fd").count) ?? 0 }
}
