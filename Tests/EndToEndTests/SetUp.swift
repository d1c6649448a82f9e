import AssentCore
import Foundation
import Support
import Testing

/// A site as it is set up by a file of `deploy`: the real proxy with TLS, the site's own pages, and a collector behind.
final class SetUp {
    /// Programs that files of `deploy` are for.
    enum Proxy: String, CaseIterable { case nginx, caddy }

    /// Where the site has the collector.
    enum Mount: String, CaseIterable { case path, subdomain }

    let collector: Program.Collector
    let config: String
    private let folder: TemporaryDirectory
    private let companion: Companion
    private let mount: Mount
    private let port: Int

    /// `https://www.example.org:PORT`, which browsers of tests look for on the loopback.
    var origin: String { "https://www.example.org:\(port)" }
    /// Where browsers reach the collector.
    var collectorAddress: String { mount == .path ? "\(origin)/assent" : "https://stats.example.org:\(port)" }
    /// What the proxy wrote into logs of any kind.
    var logs: String {
        ["access.log", "error.log", "log"].map {
            (try? String(contentsOfFile: "\(folder.path)/\($0)", encoding: .utf8)) ?? ""
        }.joined()
    }

    /// Starts all of it and waits until the script comes through the proxy.
    /// - Parameter limit: requests a minute of the collector.
    init(_ proxy: Proxy, _ mount: Mount, limit: Int = 600) async throws {
        self.mount = mount
        folder = try TemporaryDirectory()
        port = try Program.freePort()
        let (inside, staff) = (try Program.freePort(), try Program.freePort())
        config = "\(folder.path)/assent.toml"
        try Self.configuration(folder.path, port, inside, staff, mount, limit)
            .write(toFile: config, atomically: true, encoding: .utf8)
        collector = try await Program.Collector(config: config, staff: "127.0.0.1:\(staff)")
        try Self.makePages(in: folder.path)
        for (name, text) in try Self.files(proxy, mount, folder.path, port: port, inside: inside) {
            try text.write(toFile: "\(folder.path)/\(name)", atomically: true, encoding: .utf8)
        }
        let command =
            proxy == .nginx
            ? ["/usr/sbin/nginx", "-e", "\(folder.path)/error.log", "-c", "\(folder.path)/main.conf"]
            : [
                "env", "HOME=\(folder.path)", "caddy", "run", "--adapter", "caddyfile", "--config",
                "\(folder.path)/main.conf",
            ]
        companion = try Companion(command, log: "\(folder.path)/log")
        try await companion.wait(for: "\(proxy.rawValue) passes the script on") {
            try self.ask("\(self.collectorAddress)/assent.js").status == 200
        }
    }

    private static func configuration(
        _ folder: String, _ port: Int, _ inside: Int, _ staff: Int, _ mount: Mount, _ limit: Int
    ) -> String {
        """
        listen = "127.0.0.1:\(inside)"
        staff_listen = "127.0.0.1:\(staff)"
        data = "\(folder)/data"
        requests_per_minute = \(limit)
        trusted_proxies = ["127.0.0.1"]
        [[site]]
        id = "demo"
        origins = ["https://www.example.org:\(port)"]
        \(mount == .subdomain ? "cookie_domain = \"example.org\"\ncollector = \"https://stats.example.org:\(port)\"" : "")
        [[site.notice]]
        locale = "en"
        text = "\(PageServer.notices[0].text)"
        """
    }

    private static func makePages(in folder: String) throws {
        let pages = "\(folder)/pages"
        try FileManager.default.createDirectory(atPath: pages, withIntermediateDirectories: false)
        let key = ["-keyout", "\(folder)/key.pem", "-out", "\(folder)/certificate.pem"]
        let made = try Program.output(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=example.org"]
                + ["-addext", "subjectAltName=DNS:*.example.org"] + key)
        try #require(made.status == 0, "\(made.errors)")
    }

    /// The tag that the program says must stand in the pages, with the hash of the script.
    func tag() throws -> String {
        let text = String(decoding: try Program.run("config", "check", "--config", config), as: UTF8.self)
        let start = try #require(text.firstRange(of: "<script"))
        let end = try #require(text.firstRange(of: "</script>"))
        return String(text[start.lowerBound..<end.upperBound])
    }

    /// Pages of the site, with a tag.
    func writePages(with tag: String) throws {
        for name in ["index", "second"] {
            try """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>\(name)</title><link rel="icon" href="data:,">
            \(tag)<body><main><h1>\(name)</h1><a href="/second.html">Second</a></main>
            """.write(toFile: "\(folder.path)/pages/\(name).html", atomically: true, encoding: .utf8)
        }
    }

    /// The file of `deploy` with other ports and paths in it, and what stands around it on a server.
    private static func files(
        _ proxy: Proxy, _ mount: Mount, _ folder: String, port: Int, inside: Int
    ) throws -> [(name: String, text: String)] {
        let name = proxy.rawValue + (mount == .path ? ".conf" : "-subdomain.conf")
        var text = try String(contentsOf: Program.root.appending(path: "deploy/\(name)"), encoding: .utf8)
        let letsEncrypt = "/etc/letsencrypt/live/stats.example.org"
        let (certificate, key) = ("\(folder)/certificate.pem", "\(folder)/key.pem")
        for (old, new) in [
            ("127.0.0.1:8787", "127.0.0.1:\(inside)"), ("listen 443 ssl http2", "listen 127.0.0.1:\(port) ssl http2"),
            ("listen [::]:443 ssl http2;", ""), ("\(letsEncrypt)/fullchain.pem", certificate),
            ("\(letsEncrypt)/privkey.pem", key),
            (
                "\nstats.example.org {",
                "\nhttps://stats.example.org:\(port) {\n\tbind 127.0.0.1\n\ttls \(certificate) \(key)"
            ),
        ] { text = text.replacing(old, with: new) }
        let around = proxy == .nginx ? nginx(folder, port, mount) : caddy(folder, port, mount)
        return [("ours.conf", text), ("main.conf", around)]
    }

    private static func nginx(_ folder: String, _ port: Int, _ mount: Mount) -> String {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        return """
            user root; daemon off; worker_processes 1; pid \(folder)/pid; error_log \(folder)/error.log info;
            events {}
            http {
                \(temporary.map { "\($0)_temp_path \(folder)/temporary;" }.joined(separator: "\n    "))
                types { text/html html; }
                access_log \(folder)/access.log;
                server {
                    listen 127.0.0.1:\(port) ssl http2;
                    server_name www.example.org;
                    ssl_certificate \(folder)/certificate.pem;
                    ssl_certificate_key \(folder)/key.pem;
                    root \(folder)/pages;
                    \(mount == .path ? "include \(folder)/ours.conf;" : "")
                }
                \(mount == .subdomain ? "include \(folder)/ours.conf;" : "")
            }
            """
    }

    private static func caddy(_ folder: String, _ port: Int, _ mount: Mount) -> String {
        """
        {
        \tadmin off
        \tauto_https off
        \tlog {
        \t\texclude http.log.error http.handlers.reverse_proxy
        \t}
        }
        https://www.example.org:\(port) {
        \tbind 127.0.0.1
        \ttls \(folder)/certificate.pem \(folder)/key.pem
        \troot * \(folder)/pages
        \tlog {
        \t\toutput file \(folder)/access.log
        \t}
        \t\(mount == .path ? "import \(folder)/ours.conf" : "")
        \tfile_server
        }
        \(mount == .subdomain ? "import \(folder)/ours.conf" : "")

        """
    }

    /// What curl got; the status 0 if there was nobody to ask.
    struct Answer {
        let status: Int
        /// Lines of the header, without their ends; what curl says if there are none.
        let head: [String]
        let body: String

        func all(_ name: String) -> [String] {
            head.filter { $0.lowercased().hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
        }
    }

    /// Asks from an address of the loopback.
    func ask(_ url: String, post body: String? = nil, from address: String = "127.0.0.1", headers: [String] = [])
        throws -> Answer
    {
        // Debian's curl takes an answer in HTTP/2 that comes before the end of the body for an error.
        var arguments = ["curl", "-sSik", "--http1.1", "--max-time", "20", "--interface", address, "--noproxy", "*"]
        for name in ["www", "stats"] { arguments += ["--resolve", "\(name).example.org:\(port):127.0.0.1"] }
        for header in headers { arguments += ["-H", header] }
        if let body {
            let file = "\(folder.path)/body"
            try body.write(toFile: file, atomically: true, encoding: .utf8)
            arguments += ["-H", "Content-Type: text/plain", "-H", "User-Agent: \(Chromium.userAgent)"]
            arguments += ["-H", "Expect:", "--data-binary", "@\(file)"]
        }
        let outcome = try Program.output(arguments + [url])
        let text = outcome.text.replacing("\r\n", with: "\n")
        let parts = text.split(separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)
        let head = (text.isEmpty ? outcome.errors : String(parts[0])).split(separator: "\n").map(String.init)
        let status = head.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Answer(status: status, head: head, body: parts.count > 1 ? String(parts[1]) : "")
    }
}
