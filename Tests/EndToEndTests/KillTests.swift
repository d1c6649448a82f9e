import Foundation
import Support
import Testing

/// What is acknowledged stays, however often the process is killed.
/// It has the machine nearly for itself: `make test` runs it after the others.
@Suite(.timeLimit(.minutes(10))) struct KillTests {
    /// Clients send one event after the other while the collector is killed and started over and over.
    private static let load = """
        chance = random.Random(1)
        collector = Collector(assent, config, address, staff)
        collector.start()
        clients = Clients(address, notice, 8)
        clients.begin()
        for _ in range(int(rest[0])):
            time.sleep(chance.uniform(0.005, 0.12))
            collector.kill()
            collector.start()
        time.sleep(0.1)
        clients.end()
        status, _ = collector.stop()
        clients.told(status=status)
        """

    @Test("Over a hundred kills every acknowledged event is stored once, and no other twice")
    func kills() throws {
        let place = try CommandTests.Place { "requests_per_minute = 0\n" + $0 }
        let told = try Clients.play(Self.load, at: place, "100")
        #expect(told["status"] == 0)
        #expect(told["acknowledged"].array.count > 1_000)
        try Clients.expectStoredOnce(told, at: place, in: "\(place.folder.path)/data")
    }

    /// A client sends one event after the other to a collector whose journal cannot be synchronised from the twentieth
    /// commit on, and looks whether anything is acknowledged afterwards.
    private static let failing = """
        calls = "fdatasync,fsync"
        collector = Collector(assent, config, address, staff, under=["strace", "-f", "-qq", "-o", "/dev/null", "-P",
            rest[0], "-e", "trace=" + calls, "-e", "inject=" + calls + ":error=EIO:when=20+"])
        collector.start(subprocess.PIPE)
        token = consent(address, notice)
        acknowledged, statuses = [], []
        for number in range(40):
            name = f"event-{number:04}"
            status, headers, _ = ask(http.client.HTTPConnection(address, timeout=20), "/v1/events", {
                "site": "coalition", "consent": token, "events": events([name])})
            statuses.append(status)
            if status == 204:
                acknowledged.append(name)
            elif headers.get("Retry-After") is None:
                sys.exit("no Retry-After")
        ready, reason = collector.get("/readyz")
        alive, _ = collector.get("/healthz")
        os.killpg(collector.process.pid, signal.SIGKILL)
        log = collector.process.stderr.read().decode()
        print(json.dumps({"acknowledged": acknowledged, "statuses": statuses, "ready": ready, "reason": reason,
            "alive": alive, "errors": sum("level=error" in line for line in log.splitlines())}))
        """

    @Test(
        "After a sync of the journal that fails nothing is acknowledged any more, and what was before it is there",
        .enabled(if: Strace.isPossible))
    func failingSync() throws {
        let place = try CommandTests.Place()
        let data = "\(place.folder.path)/data"
        let told = try Clients.play(Self.failing, at: place, "\(data)/journal.sqlite-wal")
        let statuses = told["statuses"].array
        let first = try #require(statuses.firstIndex(of: 503))
        #expect(
            first >= 10 && statuses[..<first].allSatisfy { $0 == 204 } && statuses[first...].allSatisfy { $0 == 503 })
        #expect(
            told["ready"] == 503 && told["reason"].string?.contains("journal.sqlite") == true && told["alive"] == 200)
        // The same line again and again would fill a disk that is failing.
        #expect((1...3).contains(Int(told["errors"].number ?? 0)))
        let counts = try Clients.counts(in: data)
        #expect(told["acknowledged"].array.compactMap(\.string).allSatisfy { counts[$0] == 1 })
        #expect(counts.allSatisfy { $0.value == 1 })
    }
}
