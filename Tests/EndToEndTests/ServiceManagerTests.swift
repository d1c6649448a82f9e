import Foundation
import Support
import Testing

/// The collector under a service manager that hands over its sockets and listens to what it says.
@Suite(.timeLimit(.minutes(2))) struct ServiceManagerTests {
    /// Plays the manager: opens both sockets, starts the program twice, and asks in between, when nobody serves.
    private static let manager = """
        import fcntl, json, os, signal, socket, sys
        sockets = [fcntl.fcntl(socket.create_server(("127.0.0.1", 0)), fcntl.F_DUPFD, 20) for _ in range(2)]
        ports = [socket.socket(fileno=os.dup(each)).getsockname()[1] for each in sockets]
        notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notes.bind("\\0assent-%d" % os.getpid())
        notes.settimeout(30)
        os.environ.update(NOTIFY_SOCKET="@assent-%d" % os.getpid(), WATCHDOG_USEC="400000", LISTEN_FDS="2",
            LISTEN_FDNAMES="public:staff")
        def start():
            child = os.fork()
            if child == 0:
                for place, each in enumerate(sockets):
                    os.dup2(each, 3 + place)
                os.environ["LISTEN_PID"] = str(os.getpid())
                os.execv(sys.argv[1], sys.argv[1:])
            return child
        def until(note):
            heard = []
            while not heard or heard[-1] != note:
                heard.append(notes.recv(4096).decode())
            return heard
        def ask(port, path):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(f"GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n".encode())
            return connection
        def answer(connection):
            connection.settimeout(30)
            return connection.recv(4096).split(b"\\r\\n")[0].decode()
        child = start()
        first = until("READY=1")
        answers = [answer(ask(ports[0], "/assent.js")), answer(ask(ports[1], "/healthz"))]
        signs = [until("WATCHDOG=1")[-1] for _ in range(3)]
        os.kill(child, signal.SIGTERM)
        last = until("STOPPING=1")[-1]
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        waiting = ask(ports[0], "/assent.js")
        child = start()
        until("READY=1")
        answers.append(answer(waiting))
        os.kill(child, signal.SIGTERM)
        again = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps({"first": first[0], "answers": answers, "signs": signs, "last": last,
            "statuses": [status, again]}))
        """

    @Test("It serves the manager's sockets, says when, gives signs of life, and a restart refuses nobody")
    func managed() throws {
        let place = try CommandTests.Place()
        let played = try Program.output(
            ["python3", "-c", Self.manager, Program.path.path, "serve", "--config", place.config])
        try #require(played.status == 0, "\(played.errors)")
        let heard = try JSON(played.output)
        #expect(heard["first"] == "READY=1")
        #expect(heard["answers"].array.allSatisfy { $0 == "HTTP/1.1 200 OK" } && heard["answers"].array.count == 3)
        #expect(heard["signs"].array.allSatisfy { $0 == "WATCHDOG=1" } && heard["last"] == "STOPPING=1")
        #expect(heard["statuses"].array == [0, 0])
    }
}
