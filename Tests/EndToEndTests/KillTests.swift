import AssentCore
import AssentStore
import Foundation
import Support
import Testing

/// What is acknowledged stays, however often the process is killed.
/// It has the machine nearly for itself: `make test` runs it after the others.
@Suite(.timeLimit(.minutes(10))) struct KillTests {
    /// Clients that send one event after the other, each again until it is acknowledged, while the collector is killed
    /// and started over and over. It prints the ids of events that were acknowledged, and of those that were only tried.
    private static let load = """
        import http.client, json, random, signal, subprocess, sys, threading, time
        assent, config, address, staff, kills, clients = *sys.argv[1:5], int(sys.argv[5]), int(sys.argv[6])
        agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Origin": "https://www.example.org", "Content-Type": "text/plain"}
        notice = sys.argv[7]
        chance = random.Random(1)
        def start():
            process = subprocess.Popen([assent, "serve", "--config", config], stderr=subprocess.DEVNULL)
            while True:
                try:
                    connection = http.client.HTTPConnection(staff, timeout=5)
                    connection.request("GET", "/readyz")
                    if connection.getresponse().status == 200:
                        return process
                except OSError:
                    if process.poll() is not None:
                        sys.exit(f"the collector ended with {process.returncode}")
                    time.sleep(0.005)
        def ask(connection, path, body):
            connection.request("POST", path, json.dumps(body), agent)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Assent-Result", ""), answer.read()
        process = start()
        tokens = []
        for _ in range(clients):
            status, _, body = ask(http.client.HTTPConnection(address, timeout=5), "/v1/consent", {"site": "coalition",
                "choice": "granted", "notice": notice, "locale": "en", "act": "click", "source": "banner"})
            assert status == 201, (status, body)
            tokens.append(json.loads(body)["token"])
        stop = threading.Event()
        acknowledged, tried = [[] for _ in range(clients)], [None] * clients
        def send(client):
            connection, number = None, 0
            while not stop.is_set():
                number += 1
                name = f"client-{client}-{number:07}"
                tried[client] = name
                while True:
                    try:
                        connection = connection or http.client.HTTPConnection(address, timeout=5)
                        status, result, _ = ask(connection, "/v1/events", {"site": "coalition",
                            "consent": tokens[client], "events": [{"id": name, "type": "pageview", "age": 0,
                            "url": "https://www.example.org/en/"}]})
                        if status == 204:
                            assert "stored=1" in result or "duplicate=1" in result, result
                            acknowledged[client].append(name)
                            break
                    except (OSError, http.client.HTTPException):
                        pass
                    connection = None
                    if stop.is_set():
                        return
                    time.sleep(0.002)
        threads = [threading.Thread(target=send, args=(client,)) for client in range(clients)]
        for thread in threads:
            thread.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.005, 0.12))
            process.kill()
            process.wait()
            process = start()
        time.sleep(0.1)
        stop.set()
        for thread in threads:
            thread.join()
        process.send_signal(signal.SIGTERM)
        print(json.dumps({"status": process.wait(), "acknowledged": sum(acknowledged, []), "tried": tried}))
        """

    @Test("Over a hundred kills every acknowledged event is stored once, and no other twice")
    func kills() throws {
        let place = try CommandTests.Place { "requests_per_minute = 0\n" + $0 }
        let notice = Notice(locale: "en", text: "May we, for 395 days?").version
        let played = try Program.output([
            "python3", "-c", Self.load, Program.path.path, place.config, place.listen, place.staff, "100", "8", notice,
        ])
        try #require(played.status == 0, "\(played.errors)")
        let told = try JSON(played.output)
        #expect(told["status"] == 0)
        let acknowledged = told["acknowledged"].array.compactMap(\.string)
        #expect(acknowledged.count > 1_000 && Set(acknowledged).count == acknowledged.count)

        let counts = try Self.counts(of: place)
        #expect(acknowledged.count { counts[$0] != 1 } == 0)
        #expect(counts.count { $0.value > 1 } == 0)
        let others = Set(counts.keys).subtracting(acknowledged)
        #expect(others.isSubset(of: told["tried"].array.compactMap(\.string)))
        #expect(try place.run("partitions", "verify").status == 0)
        #expect(try place.run("ledger", "verify").status == 0)
    }

    /// How often each id is held.
    private static func counts(of place: CommandTests.Place) throws -> [String: Int] {
        let reader = try StoreReader(directory: "\(place.folder.path)/data")
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let held = try reader.events(
            site: "coalition", from: now.advanced(by: -2 * Day.milliseconds), to: now.advanced(by: Day.milliseconds),
            columns: .all)
        #expect(held.damage == [] && held.partitions.allSatisfy { !$0.isSealed })
        var counts: [String: Int] = [:]
        for segment in held.segments { for id in segment.ids { counts[id, default: 0] += 1 } }
        return counts
    }

    /// A client that sends one event after the other to a collector whose journal cannot be synchronised from the
    /// twentieth commit on, and looks whether anything is acknowledged afterwards.
    private static let failing = """
        import http.client, json, os, signal, subprocess, sys, time
        assent, config, address, staff, journal, notice = sys.argv[1:7]
        agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Origin": "https://www.example.org", "Content-Type": "text/plain"}
        calls = "fdatasync,fsync"
        process = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-P", journal, "-e", "trace=" + calls,
            "-e", "inject=" + calls + ":error=EIO:when=20+", assent, "serve", "--config", config],
            stderr=subprocess.PIPE, start_new_session=True)
        def ask(place, method, path, body=None):
            connection = http.client.HTTPConnection(place, timeout=20)
            connection.request(method, path, body and json.dumps(body), agent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers.get("Retry-After")
        while True:
            try:
                if ask(staff, "GET", "/readyz")[0] == 200:
                    break
            except OSError:
                if process.poll() is not None:
                    sys.exit(process.stderr.read().decode())
                time.sleep(0.01)
        token = json.loads(ask(address, "POST", "/v1/consent", {"site": "coalition", "choice": "granted",
            "notice": notice, "locale": "en", "act": "click", "source": "banner"})[1])["token"]
        acknowledged, statuses = [], []
        for number in range(40):
            name = f"event-{number:04}"
            status, _, retry = ask(address, "POST", "/v1/events", {"site": "coalition", "consent": token, "events": [{
                "id": name, "type": "pageview", "age": 0, "url": "https://www.example.org/en/"}]})
            statuses.append(status)
            if status == 204:
                acknowledged.append(name)
            elif retry is None:
                sys.exit("no Retry-After")
        ready, reason, _ = ask(staff, "GET", "/readyz")
        alive = ask(staff, "GET", "/healthz")[0]
        os.killpg(process.pid, signal.SIGKILL)
        log = process.stderr.read().decode()
        print(json.dumps({"acknowledged": acknowledged, "statuses": statuses, "ready": ready, "reason": reason,
            "alive": alive, "errors": sum("level=error" in line for line in log.splitlines())}))
        """

    @Test(
        "After a sync of the journal that fails nothing is acknowledged any more, and what was before it is there",
        .enabled(if: Strace.isPossible))
    func failingSync() throws {
        let place = try CommandTests.Place()
        let journal = "\(place.folder.path)/data/journal.sqlite-wal"
        let notice = Notice(locale: "en", text: "May we, for 395 days?").version
        let played = try Program.output([
            "python3", "-c", Self.failing, Program.path.path, place.config, place.listen, place.staff, journal, notice,
        ])
        try #require(played.status == 0, "\(played.errors)")
        let told = try JSON(played.output)
        let statuses = told["statuses"].array
        let first = try #require(statuses.firstIndex(of: 503))
        #expect(
            first >= 10 && statuses[..<first].allSatisfy { $0 == 204 } && statuses[first...].allSatisfy { $0 == 503 })
        #expect(
            told["ready"] == 503 && told["reason"].string?.contains("journal.sqlite") == true && told["alive"] == 200)
        // The same line again and again would fill a disk that is failing.
        #expect((1...3).contains(Int(told["errors"].number ?? 0)))
        let counts = try Self.counts(of: place)
        #expect(told["acknowledged"].array.compactMap(\.string).allSatisfy { counts[$0] == 1 })
        #expect(counts.allSatisfy { $0.value == 1 })
    }
}
