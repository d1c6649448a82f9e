import AssentCore
import AssentStore
import Support
import Testing

@testable import AssentCollector

/// What the staff listener answers.
@Suite(.serialized) struct StaffTests {
    private static let bearer: [String: String?] = ["Authorization": "Bearer \(Running.staffToken)"]

    @Test("Only the staff token opens reports and imports")
    func token() async throws {
        try await Running.collector { running in
            let client = try Client(running.addresses.staff)
            for path in ["/healthz", "/readyz", "/metrics"] { #expect(try client.ask("GET", path).status == 200) }
            for header in [nil, "Bearer wrong", "Bearer \(Running.staffToken)x", "Basic \(Running.staffToken)"] {
                let headers = ["Authorization": header]
                #expect(try client.ask("GET", "/v1/report", nil, headers).status == 401)
                #expect(try client.ask("POST", "/v1/import?site=coalition&basis=x", "", headers).status == 401)
            }
            #expect(try client.ask("POST", "/v1/events", "{}").status == 404)
            #expect(try client.ask("POST", "/v1/report", "", Self.bearer).status == 405)
            #expect(try client.ask("GET", "/v1/import", nil, Self.bearer).status == 405)
        }
    }

    @Test("A report is made beside the collector")
    func report() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            _ = try running.client().ask(
                "POST", "/v1/events", Running.eventsBody([Running.pageview("event-0001")], token: token))
            let client = try Client(running.addresses.staff)
            let answer = try client.ask("GET", "/v1/report?site=coalition&week=2026-W47", nil, Self.bearer)
            #expect(answer.status == 200)
            #expect(answer.json("schema") == "assent.report/1" && answer.json("totals", "pageviews") == "1")
            #expect(try client.ask("GET", "/v1/report?week=2026-W99", nil, Self.bearer).status == 400)
            #expect(try client.ask("GET", "/v1/report?site=none", nil, Self.bearer).status == 404)
        }
    }

    @Test("A visitor is erased by the id, and the answer is the receipt")
    func erase() async throws {
        try await Running.collector { running in
            let consent = try running.client().ask("POST", "/v1/consent", Running.consentBody())
            let (token, id) = (consent.json("token"), consent.json("visitor"))
            let others = try running.consent()
            for (name, token) in [("event-0001", token), ("event-0002", others)] {
                _ = try running.client().ask(
                    "POST", "/v1/events", Running.eventsBody([Running.pageview(name)], token: token))
            }
            let client = try Client(running.addresses.staff)
            func erase(_ body: String, _ headers: [String: String?] = Self.bearer) throws -> Client.Answer {
                try client.ask("POST", "/v1/privacy/erase", body, headers)
            }
            let body = #"{"site":"coalition","visitor":"\#(id)"}"#
            #expect(try erase(body, [:]).status == 401)
            #expect(try running.events().count == 2)
            let answer = try erase(body)
            #expect(answer.status == 200 && answer.json("state") == "erased" && answer.json("totals", "events") == "1")
            #expect(try ErasureReceipt(document: Array(answer.body.utf8), key: Samples.key).site == "coalition")
            #expect(try running.events().map(\.id) == ["event-0002"])
            let late = try running.client().ask(
                "POST", "/v1/events", Running.eventsBody([Running.pageview("event-0003")], token: token))
            #expect(late.status == 204)
            #expect(try running.events().count == 1, "a token of an erased visitor stores nothing")
            #expect(try erase(body).json("state") == "erased_before")
            for (body, status) in [
                ("", 400), ("{}", 400), (#"{"site":"coalition","visitor":"12"}"#, 400),
                (#"{"site":"none","visitor":"\#(id)"}"#, 404),
                (#"{"site":"coalition","visitor":"\#(Samples.visitorID(9).hex)"}"#, 404),
            ] {
                let answer = try erase(body)
                #expect(answer.status == status && !answer.body.contains(id))
            }
            #expect(try client.ask("GET", "/v1/privacy/erase", nil, Self.bearer).status == 405)
            #expect(!running.log.all.joined().contains(id))
        }
    }

    @Test("A request is noted with the day on which it came, and closed, by the staff alone")
    func requests() async throws {
        try await Running.collector { running in
            let id = try running.client().ask("POST", "/v1/consent", Running.consentBody()).json("visitor")
            let client = try Client(running.addresses.staff)
            func post(_ path: String, _ body: String, _ headers: [String: String?] = Self.bearer) throws
                -> Client.Answer
            {
                try client.ask("POST", "/v1/privacy/\(path)", body, headers)
            }
            func noted(_ received: String, visitor: String? = nil, site: String = "coalition") -> String {
                let visitor = visitor.map { ",\"visitor\":\"\($0)\"" } ?? ""
                return #"{"kind":"erase","site":"\#(site)","received":"\#(received)"\#(visitor)}"#
            }
            #expect(try post("receive", noted("2026-11-16"), [:]).status == 401)
            #expect(try post("close", #"{"request":3}"#, [:]).status == 401)
            for (body, status) in [
                ("", 400), ("{}", 400), (noted("2026-11-17"), 400), (noted("2025-11-14"), 400), (noted("today"), 400),
                (noted("2026-11-16", site: "none"), 404),
                (noted("2026-11-16", visitor: Samples.visitorID(9).hex), 404),
            ] {
                #expect(try post("receive", body).status == status, "\(body)")
            }
            #expect(try running.reader.requests { $1.day }.isEmpty)
            #expect(try post("receive", noted("2025-11-15")).json("request") == "3")
            #expect(try post("receive", noted("2026-11-16", visitor: id)).json("request") == "4")
            #expect(try post("close", #"{"request":3,"declined":true}"#).json("request") == "3")
            for body in [#"{"request":3}"#, #"{"request":99}"#, #"{"request":1}"#] {
                #expect(try post("close", body).status == 404, "\(body)")
            }
            #expect(try post("close", "{}").status == 400)
            let early = #"{"site":"coalition","visitor":"\#(id)","received":"2026-11-17"}"#
            #expect(try post("erase", early).status == 400)
            #expect(try post("erase", #"{"site":"coalition","visitor":"\#(id)"}"#).status == 200)
            let requests = try running.reader.requests { $1.day }
            #expect(requests.map(\.number) == [3, 4])
            #expect(requests.map { $0.state(on: Samples.monday) } == [.declined, .done])
            #expect(!running.log.all.joined().contains(id))
        }
    }

    @Test("Lines are imported in pieces on one ground, once, and bad ones are named")
    func imports() async throws {
        try await Running.collector { running in
            let client = try Client(running.addresses.staff)
            func line(_ visitor: VisitorNumber, _ time: String, _ url: String = "https://www.example.org/") -> String {
                #"{"time":"\#(time)","visitor":"\#(Samples.visitorID(visitor).hex)","type":"pageview","url":"\#(url)"}"#
            }
            let lines = [
                line(1, "2026-11-10T10:00:00Z"), "", "x",
                line(2, "2026-11-11T10:00:00Z", "https://other.example/"),
                line(2, "2026-11-11T10:00:00Z") + "\r", line(1, "2026-11-10T10:00:00Z"),
            ].joined(separator: "\n")
            let first = try client.ask(
                "POST", "/v1/import?site=coalition&basis=Old%20statistics", lines, Self.bearer)
            #expect(first.status == 200)
            #expect(
                first.body
                    == #"{"ground":1,"lines":5,"stored":2,"duplicates":1,"skipped":2,"#
                    + #""bad":[{"line":3,"problem":"not JSON at byte 0"},"#
                    + #"{"line":4,"problem":"url: its host is none of the site's"}]}"#)
            let second = try client.ask("POST", "/v1/import?site=coalition&ground=1", lines, Self.bearer)
            #expect(second.json("stored") == "0" && second.json("duplicates") == "3")
            #expect(try running.events().map(\.record) == [1, 1])
            #expect(try client.ask("POST", "/v1/import?site=coalition", lines, Self.bearer).status == 400)
            #expect(try client.ask("POST", "/v1/import?site=none&basis=x", lines, Self.bearer).status == 404)
        }
    }

    @Test("Metrics are text that Prometheus reads, of a fixed list")
    func metrics() async throws {
        try await Running.collector { running in
            let token = try running.consent()
            let events = [Running.pageview("event-0001"), Running.pageview("event-0001")]
            _ = try running.client().ask("POST", "/v1/events", Running.eventsBody(events, token: token))
            _ = try running.client().ask("POST", "/v1/events", Running.eventsBody(events))
            let text = try Client(running.addresses.staff).ask("GET", "/metrics").body
            let values = try Self.parse(text)
            #expect(values[#"assent_events_total{result="stored"}"#] == 1)
            #expect(values[#"assent_events_total{result="duplicate"}"#] == 1)
            #expect(values[#"assent_events_total{result="refused"}"#] == 2)
            #expect(values[#"assent_refusals_total{reason="no_consent"}"#] == 2)
            #expect(values[#"assent_choices_total{choice="granted"}"#] == 1)
            #expect(values[#"assent_responses_total{route="events",status="204"}"#] == 2)
            #expect(values[#"assent_commit_seconds_bucket{le="+Inf"}"#] == 2)
            #expect(values["assent_commit_seconds_count"] == 2)
            #expect(values["assent_commit_events_sum"] == 1 && values["assent_append_seconds_count"] == 1)
            #expect(values[#"assent_commit_events_bucket{le="1"}"#] == 1)
            for gauge in [
                "assent_journal_file_bytes", "assent_ledger_bytes", "assent_disk_free_bytes",
                "process_resident_memory_bytes", "process_open_fds",
            ] {
                #expect(values[gauge] ?? 0 > 0, "\(gauge)")
            }
            #expect(values["assent_partitions"] == 0 && values["assent_ledger_entries"] != nil)
            #expect(values["assent_healthy"] == 1)
            #expect(!text.contains("coalition") && !text.contains(token))
        }
    }

    /// Samples by series. Every family has its type before its samples, and buckets never fall.
    private static func parse(_ text: String) throws -> [String: Double] {
        #expect(text.hasSuffix("\n"))
        var values: [String: Double] = [:]
        var types: [String: String] = [:]
        var bucket = 0.0
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0] == "#" {
                if words[1] == "TYPE" { types[String(words[2])] = String(words[3]) }
                bucket = 0
                continue
            }
            let name = words[0].prefix { $0 != "{" }
            let family =
                ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }
                .map { String(name.dropLast($0.count)) }.flatMap { types[$0] == "histogram" ? $0 : nil } ?? String(name)
            #expect(types[family] != nil, "\(line)")
            #expect(words.count == 2 && values[String(words[0])] == nil)
            let value = try #require(Double(words[1]))
            values[String(words[0])] = value
            if name.hasSuffix("_bucket") {
                #expect(value >= bucket)
                bucket = value
            }
        }
        return values
    }
}
