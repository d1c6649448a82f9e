import AssentCore
import NIOCore
import Support
import Testing

@testable import AssentCollector

/// How connections behave, whatever is asked on them.
@Suite(.serialized) struct ConnectionTests {
    @Test("Requests that come together are answered in their order")
    func pipelining() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            let client = try running.client()
            var requests = ""
            for index in 100..<300 {
                let events = Running.eventsBody([Running.pageview("event-\(index)-\(index)")], token: token)
                requests += Client.request("POST", "/v1/events", events)
                requests += Client.request("GET", index % 2 == 0 ? "/.well-known/gpc.json" : "/nothing")
            }
            client.send(requests)
            for index in 100..<300 {
                #expect(try client.receive()["assent-result"] == "stored=1 duplicate=0 refused=0")
                #expect(try client.receive().status == (index % 2 == 0 ? 200 : 404))
            }
            #expect(try running.events().count == 200)
        }
    }

    @Test("A request may come byte by byte")
    func drops() async throws {
        try await Running.collector { running in
            let client = try running.client()
            for byte in Client.request("POST", "/v1/events", Running.eventsBody([])) { client.send(String(byte)) }
            #expect(try client.receive().status == 204)
        }
    }

    @Test("What does not arrive in time is answered 408 and closed", arguments: ["", "POST /v1/ev", "header", "body"])
    func slow(start: String) async throws {
        var patience = Patience()
        patience.request = .milliseconds(300)
        patience.idle = .milliseconds(600)
        try await Running.collector(patience: patience) { running in
            let whole = Client.request("POST", "/v1/events", Running.eventsBody([]))
            let client = try running.client()
            switch start {
            case "header": client.send(String(whole.prefix(60)))
            case "body": client.send(String(whole.dropLast(1)))
            default: client.send(start)
            }
            if start != "" { #expect(try client.receive().status == 408) }
            #expect(client.isClosed())
        }
    }

    @Test("The answer to what is too large comes through, although the rest is still being sent")
    func lingers() async throws {
        try await Running.collector { running in
            let client = try running.client()
            let body = String(repeating: "x", count: 4 * 1024 * 1024)
            client.send(Client.request("POST", "/v1/events", nil, ["Content-Length": String(body.utf8.count)]))
            client.send(body)
            let answer = try client.receive()
            #expect(answer.status == 413 && answer["connection"] == "close")
            #expect(client.isClosed())
        }
    }

    @Test(
        "What is no HTTP is answered 400 and closed",
        arguments: [
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", "GET\r\n\r\n", "GET / HTTP/1.1\r\nA b: c\r\n\r\n",
            "GET / HTTP/1.1\r\n: c\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "POST /v1/events HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST /v1/events HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST /v1/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST /v1/events HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        ])
    func nonsense(text: String) async throws {
        try await Running.collector { running in
            let client = try running.client()
            client.send(text)
            #expect(try client.receive().status == 400)
            #expect(client.isClosed())
        }
    }

    /// What one program could take for the end of a header or of a body and another one not, so that a request could be
    /// hidden in another behind a proxy.
    static let ambiguous = [
        "two lengths": "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "a list of lengths": "Content-Length: 2, 2\r\n\r\n{}",
        "a length with a sign": "Content-Length: +2\r\n\r\n{}",
        "a length in hex": "Content-Length: 0x2\r\n\r\n{}",
        "a blank before the colon": "Content-Length : 2\r\n\r\n{}",
        "a length and chunks": "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        "chunks that are not the last coding": "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "a coding that nobody knows": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "a folded header": "X: a\r\n Content-Length: 2\r\n\r\n{}",
        "a folded length": "Content-Length:\r\n 2\r\n\r\n{}",
        "line feeds alone": "Content-Length: 2\n\n{}",
        "a line feed alone": "X: a\nContent-Length: 2\r\n\r\n{}",
        "a carriage return alone": "X: a\rContent-Length: 2\r\n\r\n{}",
        "a zero byte": "X: a\u{0}b\r\nContent-Length: 2\r\n\r\n{}",
        "two hosts": "Host: www.example.org\r\nHost: other.example\r\nContent-Length: 2\r\n\r\n{}",
        "no host": "Content-Length: 2\r\n\r\n{}",
    ]

    @Test(
        "What two programs could read in two ways is refused, and nothing after it is read",
        arguments: ambiguous.keys.sorted())
    func ambiguity(name: String) async throws {
        let rest = try #require(Self.ambiguous[name])
        try await Running.collector { running in
            let client = try running.client()
            let host = rest.contains("Host:") || name == "no host" ? "" : "Host: www.example.org\r\n"
            client.send("POST /v1/events HTTP/1.1\r\n\(host)Content-Type: text/plain\r\n\(rest)")
            client.send("GET /v1/my-data?site=coalition HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
            let status = try client.receive().status
            #expect(status == 400 || status == 411)
            #expect(client.isClosed())
        }
    }

    @Test("One network has a part of all connections, a proxy as many as there are, and closed ones make room")
    func connectionsOfOnePrefix() async throws {
        try await Running.collector { running in
            func isServed(from address: String) throws -> Bool {
                let client = try Client(running.addresses.listen, from: address)
                do {
                    return try client.ask("GET", "/.well-known/gpc.json").status == 200
                } catch is Client.Closed {
                    return false
                }
            }
            var open = try (0..<Limits.connectionsPerPrefixMax).map { index in
                try Client(running.addresses.listen, from: "127.0.2.\(index % 200 + 1)")
            }
            for client in open.suffix(3) { #expect(try client.ask("GET", "/.well-known/gpc.json").status == 200) }
            #expect(try !isServed(from: "127.0.2.250"))
            #expect(try isServed(from: "127.0.3.1") && isServed(from: "127.0.0.1"))
            open.removeFirst(2)
            for _ in 0..<500 where try !isServed(from: "127.0.2.250") {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try isServed(from: "127.0.2.250"))
        }
    }

    @Test("A client that ends its side after the request is answered")
    func halfClosed() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            let client = try running.client()
            client.send(
                Client.request("POST", "/v1/events", Running.eventsBody([Running.pageview("event-0001")], token: token))
            )
            client.endOutput()
            #expect(try client.receive()["assent-result"] == "stored=1 duplicate=0 refused=0")
            #expect(client.isClosed())
        }
    }

    @Test("A connection ends where the client asks for it", arguments: ["HTTP/1.0", "close", "keep-alive, Close"])
    func closes(how: String) async throws {
        try await Running.collector { running in
            let client = try running.client()
            if how == "HTTP/1.0" {
                client.send("GET /.well-known/gpc.json HTTP/1.0\r\n\r\n")
            } else {
                client.send(Client.request("GET", "/.well-known/gpc.json", nil, ["Connection": how]))
            }
            let answer = try client.receive()
            #expect(answer.status == 200 && answer["connection"] == "close")
            #expect(client.isClosed())
        }
    }

    @Test("The offer of another protocol is not taken, and the connection goes on")
    func upgrade() async throws {
        try await Running.collector { running in
            let client = try running.client()
            for _ in 0..<2 {
                client.send(
                    Client.request("GET", "/.well-known/gpc.json", nil, ["Connection": "Upgrade", "Upgrade": "h2c"]))
                let answer = try client.receive()
                #expect(answer.status == 200 && answer["connection"] == nil)
            }
        }
    }

    @Test(
        "More requests at once than answers may wait are answered all, in order, also after the end of the input",
        arguments: [1, 3], ["", "GET /half"])
    func manyAtOnce(times: Int, rest: String) async throws {
        try await Running.collector { running in
            let client = try running.client()
            let count = Limits.pipelinedRequestsMax * times
            let paths = (0..<count).map { $0 % 3 == 0 ? "/none/\($0)" : "/.well-known/gpc.json" }
            client.send(paths.map { Client.request("GET", $0) }.joined() + rest)
            client.endOutput()
            for path in paths { #expect(try client.receive().status == (path.hasPrefix("/none") ? 404 : 200)) }
            #expect(client.isClosed())
        }
    }

    @Test("A client that waits for leave to send its body gets it")
    func expectation() async throws {
        try await Running.collector { running in
            let client = try running.client()
            let body = Running.eventsBody([])
            client.send(
                Client.request(
                    "POST", "/v1/events", nil,
                    [
                        "Expect": "100-continue", "Content-Length": String(body.utf8.count),
                        "Content-Type": "text/plain",
                    ]))
            #expect(try client.receive().status == 100)
            client.send(body)
            #expect(try client.receive().status == 204)
        }
    }

    @Test("HEAD has the header of GET and no body; other methods are named")
    func methods() async throws {
        try await Running.collector { running in
            let client = try running.client()
            let get = try client.ask("GET", "/assent.js"), head = try client.ask("HEAD", "/assent.js")
            #expect(head.status == 200 && head["content-length"] == get["content-length"] && head.body.isEmpty)
            let put = try client.ask("PUT", "/assent.js", "x")
            #expect(put.status == 405 && put["allow"] == "GET, HEAD, OPTIONS")
            let options = try client.ask("OPTIONS", "/v1/consent")
            #expect(options.status == 204 && options["allow"] == "POST, OPTIONS")
            #expect(try client.ask("DELETE", "/v1/consent").status == 405)
        }
    }

    @Test("A client that does not listen is not read on, and holds nobody up")
    func deaf() async throws {
        try await Running.collector { running in
            let deaf = try running.client()
            let requests = String(repeating: Client.request("GET", "/assent.js"), count: 400)
            deaf.send(requests)
            #expect(try running.client().ask("GET", "/.well-known/gpc.json").status == 200)
            for _ in 0..<400 { #expect(try deaf.receive().status == 200) }
        }
    }
}
