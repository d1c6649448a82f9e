import AssentCore
import Foundation
import Support
import Testing

/// A disk that is full or slow, a stop under load, and clients that never come to an end: it goes on, and nothing
/// that was acknowledged is lost. `make test` runs it after the others, with the kills.
@Suite(.serialized, .timeLimit(.minutes(10))) struct HardshipTests {
    /// Over and over the disk is full until many have been told so. Then there is room again, and the same process
    /// takes events, or one that is started after a kill. One that is started without room says so and ends, or serves.
    private static let fullDisk = """
        ballast, turns = rest[0], int(rest[1])
        chance = random.Random(1)
        collector = Collector(assent, config, address, staff)
        collector.start()
        clients = Clients(address, notice, 8)
        clients.begin()

        def fill(leaving):
            file, size = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 0
            try:
                while True:
                    size += os.write(file, bytes(4096))
            except OSError:
                os.ftruncate(file, max(0, size - leaving))
            os.close(file)

        reasons, alive = [], []
        for turn in range(turns):
            clients.go_on(100)
            before = clients.answers[503]
            fill(chance.choice([0, 4096, 32768, 200000]))
            until("the disk is full", lambda: clients.answers[503] >= before + 50)
            reasons.append(collector.get("/readyz"))
            alive.append(collector.get("/healthz")[0])
            if turn % 4 == 1:
                collector.kill()
                runs = collector.start()
                os.remove(ballast)
                if not runs:
                    collector.start()
            elif turn % 4 == 3:
                os.remove(ballast)
                collector.kill()
                collector.start()
            else:
                os.remove(ballast)
            clients.go_on(100)
        clients.end()
        status, _ = collector.stop()
        clients.told(status=status, reasons=reasons, alive=alive)
        """

    @Test(
        "On a full disk everybody is told so, and with room it goes on: at once, and after kills",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount"))
    func fullDisk() throws {
        let disk = try #require(try SmallDisk(kilobytes: 16_384))
        let data = "\(disk.directory.path)/data"
        let place = try CommandTests.Place {
            "requests_per_minute = 0\n" + $0.replacing(/data = ".*"/, with: "data = \"\(data)\"")
        }
        let told = try Clients.play(Self.fullDisk, at: place, "\(disk.directory.path)/ballast", "12")
        #expect(told["status"] == 0)
        #expect(told["reasons"].array.count == 12)
        for reason in told["reasons"].array {
            #expect(reason[0] == 503 && reason[1].string?.contains("is full: make room") == true)
        }
        #expect(told["alive"].array.allSatisfy { $0 == 200 })
        #expect(told["acknowledged"].array.count >= 2_400)
        try Clients.expectStoredOnce(told, at: place, in: data)
    }

    /// The collector is asked to stop while all its clients send, and started again.
    private static let stops = """
        collector = Collector(assent, config, address, staff)
        collector.start()
        clients = Clients(address, notice, 16, each=16)
        clients.begin()
        stops = []
        for _ in range(4):
            clients.go_on(2000)
            stops.append(collector.stop())
            collector.start()
        clients.go_on(2000)
        clients.end()
        stops.append(collector.stop())
        clients.told(stops=stops)
        """

    @Test("A stop under load is over in time, and what was acknowledged before it is there")
    func stops() throws {
        let place = try CommandTests.Place { "requests_per_minute = 0\n" + $0 }
        let told = try Clients.play(Self.stops, at: place)
        let stops = told["stops"].array
        #expect(stops.count == 5 && stops.allSatisfy { $0[0] == 0 })
        #expect(stops.allSatisfy { $0[1].number ?? .infinity < Double(Limits.stopSeconds) }, "\(stops)")
        try Clients.expectStoredOnce(told, at: place, in: "\(place.folder.path)/data")
    }

    /// From the fourth commit on a sync of the journal lasts until its tracer is gone. Meanwhile more events come than
    /// may wait.
    private static let slowDisk = """
        journal, most = rest[0], int(rest[1])
        calls = "fdatasync,fsync"
        collector = Collector(assent, config, address, staff, under=[
            "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", journal, "-e", f"trace={calls}",
            "-e", f"inject={calls}:delay_exit=300s:when=4+"])
        collector.start()
        token = consent(address, notice)

        class Client:
            def __init__(self, number):
                self.names = [[f"event-{number:02}-{index:02}-{each:02}" for each in range(64)] for index in range(36)]
                self.statuses, self.silent = {}, 0

            def request(self, index):
                body = json.dumps({"site": "coalition", "consent": token, "events": events(self.names[index])})
                head = "".join(f"{name}: {value}\\r\\n" for name, value in AGENT.items())
                return (f"POST /v1/events HTTP/1.1\\r\\nHost: www.example.org\\r\\n{head}"
                    f"Content-Length: {len(body)}\\r\\n\\r\\n{body}")

            def ask(self, which):
                '''All of these requests at once.'''
                host, port = address.split(":")
                connection = socket.create_connection((host, int(port)))
                text = "".join(map(self.request, which)).encode()
                sender = threading.Thread(target=connection.sendall, args=(text,))
                sender.start()
                with connection.makefile("rb") as file:
                    for index in which:
                        self.statuses[index] = int(file.readline().split()[1])
                        headers = http.client.parse_headers(file)
                        file.read(int(headers.get("Content-Length", 0)))
                        self.silent += self.statuses[index] == 503 and headers.get("Retry-After") is None
                sender.join()
                connection.close()

        clients = [Client(number) for number in range(64)]
        def names(status):
            return [name for client in clients for index, found in client.statuses.items() if found == status
                for name in client.names[index]]
        threads = [threading.Thread(target=client.ask, args=(range(36),)) for client in clients]
        for thread in threads:
            thread.start()
        waiting, memory = [], []
        def is_full():
            waiting.append((collector.metric("assent_queue_events"), collector.metric("assent_queue_bytes")))
            memory.append(collector.metric("process_resident_memory_bytes"))
            return waiting[-1][0] > most - 64
        until("the queue is full", is_full, 0.1)
        status, headers, _ = ask(http.client.HTTPConnection(address, timeout=30), "/v1/events", {
            "site": "coalition", "consent": token, "events": events(["event-more"])})
        late = [status, headers.get("Retry-After"), collector.get("/healthz")[0]]
        is_full()

        with open(f"/proc/{collector.process.pid}/status") as file:
            tracer = next(line.split()[1] for line in file if line.startswith("TracerPid"))
        os.kill(int(tracer), signal.SIGKILL)
        for thread in threads:
            thread.join()
        first, refused = names(204), names(503)
        for client in clients:
            client.ask([index for index, status in client.statuses.items() if status == 503])
        left = collector.metric("assent_queue_events")
        status, _ = collector.stop()
        print(json.dumps({"waiting": waiting, "memory": memory, "late": late, "first": first, "refused": refused,
            "silent": sum(client.silent for client in clients), "acknowledged": names(204), "tried": [], "wrong": [],
            "left": left, "status": status}))
        """

    @Test(
        "While the disk is slow a bounded number of events waits and the others are told so; then all is as before",
        .enabled(if: Strace.isPossible, "needs strace, and the right to trace a process"))
    func slowDisk() throws {
        let place = try CommandTests.Place { "requests_per_minute = 0\n" + $0 }
        let data = "\(place.folder.path)/data"
        let told = try Clients.play(
            Self.slowDisk, at: place, "\(data)/journal.sqlite-wal", String(Limits.queueEventsMax))
        for waiting in told["waiting"].array {
            #expect(waiting[0].number ?? .infinity <= Double(Limits.queueEventsMax))
            #expect(waiting[1].number ?? .infinity <= Double(Limits.queueBytesMax))
        }
        let memory = told["memory"].array.compactMap(\.number)
        #expect(memory.allSatisfy { $0 < 256 * 1_048_576 }, "\(memory)")
        #expect(told["late"] == .array([503, .string(String(Limits.retrySeconds)), 200]))
        #expect(told["silent"] == 0)
        #expect(told["first"].array.count >= Limits.queueEventsMax - Limits.eventsPerRequestMax)
        #expect(told["refused"].array.count > 0)
        #expect(told["acknowledged"].array.count == 64 * 36 * 64)
        #expect(told["left"] == 0 && told["status"] == 0)
        try Clients.expectStoredOnce(told, at: place, in: data)
    }

    /// Half of the slow clients never end their header, half their body; a byte comes now and then. Others send events
    /// meanwhile.
    private static let slowClients = """
        collector = Collector(assent, config, address, staff)
        collector.start()
        clients = Clients(address, notice, 2)
        memory = [collector.metric("process_resident_memory_bytes")]
        host, port = address.split(":")
        starts = [b"POST /v1/events HTTP/1.1\\r\\nHost: www.example.org\\r\\nX: ",
            b"POST /v1/events HTTP/1.1\\r\\nHost: www.example.org\\r\\nContent-Type: text/plain\\r\\n"
            b"Content-Length: 1000\\r\\n\\r\\n"]
        slow = []
        for index in range(500):
            client = socket.create_connection((host, int(port)), source_address=(f"127.0.9.{index % 250 + 1}", 0))
            client.sendall(starts[index % 2])
            client.setblocking(False)
            slow.append(client)
        begun = time.monotonic()
        clients.begin()
        answers, connections, meanwhile = collections.Counter(), [], 0
        while slow and time.monotonic() < begun + 60:
            connections.append(collector.metric("assent_connections"))
            memory.append(collector.metric("process_resident_memory_bytes"))
            if len(slow) == 500:
                meanwhile, early = clients.count(), time.monotonic() - begun
            for client in slow[:]:
                try:
                    client.send(b"x")
                    line = client.recv(1000).decode().partition("\\r\\n")[0]
                except BlockingIOError:
                    continue
                except OSError:
                    line = "none"
                answers[line] += 1
                slow.remove(client)
                client.close()
            time.sleep(0.2)
        took = time.monotonic() - begun
        clients.end()
        until("all are gone", lambda: collector.metric("assent_connections") == 0)
        status, _ = collector.stop()
        clients.told(slow=answers, connections=connections, memory=memory, meanwhile=meanwhile, early=early, took=took,
            status=status)
        """

    @Test("Hundreds of clients that come to no end are cut off, cost no more than their sockets, and hold up nobody")
    func slowClients() throws {
        let place = try CommandTests.Place { "requests_per_minute = 0\n" + $0 }
        let told = try Clients.play(Self.slowClients, at: place)
        #expect(told["slow"] == .object(["HTTP/1.1 408 Request Timeout": 500]))
        let connections = told["connections"].array.compactMap(\.number)
        #expect(connections.contains { $0 >= 500 })
        // None is cut off early, and the last one soon: time is looked at every two seconds.
        let early = try #require(told["early"].number), took = try #require(told["took"].number)
        let bound = Double(Limits.requestSecondsMax)
        #expect(early > bound - 3 && took < bound + 20, "\(early) \(took)")
        let memory = told["memory"].array.compactMap(\.number)
        #expect(memory.allSatisfy { $0 < memory[0] + 500 * 65_536 }, "\(memory)")
        #expect(told["meanwhile"].number ?? 0 > 500)
        #expect(told["answers"].keys == ["204"] && told["status"] == 0)
        try Clients.expectStoredOnce(told, at: place, in: "\(place.folder.path)/data")
    }
}
