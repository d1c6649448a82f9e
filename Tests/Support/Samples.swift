public import AssentCore
public import AssentStore

/// One made-up site, and events of it that went through the real gate.
public enum Samples {
    /// Notices of ``site``, in English and Arabic.
    public static let notices = [
        Notice(locale: "en", text: "We count visits."), Notice(locale: "ar", text: "نعد الزيارات."),
    ]
    /// The site `coalition` at `https://www.example.org`, in English, French and Arabic.
    public static let site = Site(
        id: "coalition", name: "Coalition", origins: ["https://www.example.org"], locales: ["en", "fr", "ar"],
        minimumGroup: 1, notices: notices)
    /// A server key.
    public static let key = ServerKey(bytes: Array(repeating: 9, count: ServerKey.byteCount))
    /// The gate of ``site``.
    public static let gate = Gate(
        site: site, key: key, countries: CountryTable(zoneTable: Array("IQ\t+3321\tAsia/Baghdad\n".utf8), rules: []))
    /// 2026-11-16, a Monday, the first day of `2026-W47`.
    public static let monday = Day(number: 20_773)

    /// A visitor's id, the same for the same number.
    public static func visitorID(_ number: VisitorNumber) -> VisitorID {
        var generator = SeededGenerator(seed: UInt64(number) &+ 0xA55E_0000)
        return VisitorID(random: &generator)
    }

    /// An event as the gate makes it of a line that says the same.
    /// - Throws: `BadRequest` where the gate would not take it, such as a page of another host.
    public static func consented(_ event: Event) throws -> ConsentedEvent {
        var memory = GateMemory(texts: 16)
        return try gate.admit(line(event), visitor: event.visitor, record: event.record, &memory)
    }

    /// Events on their way through an import, as lines of visitors with the ids that ``visitorID(_:)`` gives.
    public static func importBatch(_ events: [ConsentedEvent]) throws -> ImportBatch {
        var memory = GateMemory(texts: 16)
        var batch = ImportBatch()
        for event in events.map(\.event) {
            batch.add(
                try gate.admit(line(event), visitor: 0, record: event.record, &memory), of: visitorID(event.visitor))
        }
        return batch
    }

    private static func line(_ event: Event) throws -> EventLine {
        var writer = JSONWriter()
        EventLine.write(event, visitor: visitorID(event.visitor), scheme: "https", to: &writer)
        return try EventLine(parsing: writer.bytes)
    }

    /// Random events of one UTC day in random order: every kind, every field, strings of several scripts, few pages and
    /// many titles, times that collide. Ids are unique for each seed.
    public static func events(
        _ count: Int, visitors: ClosedRange<VisitorNumber>, day: Day = monday, seed: UInt64
    ) throws -> [ConsentedEvent] {
        var generator = SeededGenerator(seed: seed)
        return try (0..<count).map { index in
            try consented(
                event(
                    id: "\(String(seed, radix: 36))-\(String(index, radix: 36))-sample", visitors: visitors, day: day,
                    using: &generator))
        }
    }

    /// One random event. It is well-formed, and the gate changes nothing of it.
    public static func event(
        id: String, visitors: ClosedRange<VisitorNumber>, day: Day = monday, using generator: inout SeededGenerator
    ) -> Event {
        func pick<Element>(_ choices: [Element]) -> Element {
            choices[Int.random(in: choices.indices, using: &generator)]
        }
        let kind = pick(Event.Kind.allCases)
        let visitor = VisitorNumber.random(in: visitors, using: &generator)
        let seconds = Int64.random(in: 0..<86_400, using: &generator)
        var event = Event(
            id: id, time: day.start.advanced(by: seconds * 1_000 + pick([0, 0, 250])), visitor: visitor,
            record: visitor + 1_000, kind: kind,
            page: Page(
                host: "www.example.org", path: pick(paths), query: pick(queries), fragment: pick(["", "", "YouthDay"])))
        event.title = pick(titles + ["Story \(Int.random(in: 0..<200, using: &generator))"])
        event.referrer = pick([
            .none, .none, Referrer(host: "t.co", pathClass: .page), Referrer(host: "www.google.com", pathClass: .root),
            Referrer(host: "example.net", pathClass: .page),
        ])
        event.locale = pick(["en", "fr", "ar", ""])
        event.country = pick(["IQ", "BE", "FR", "EG", ""])
        event.client = pick([
            Client(device: .desktop, browser: "Firefox", system: "Linux"),
            Client(device: .mobile, browser: "Chrome", system: "Android"),
            Client(device: .tablet, browser: "Safari", system: "iOS"), .unknown,
        ])
        switch kind {
        case .pageview: break
        case .engagement:
            event.engagedMilliseconds = UInt32.random(in: 0...3_600_000, using: &generator)
            event.scroll = pick([0, 25, 80, 100, Event.noScroll])
        case .action:
            event.name = pick(["read_more", "load_more", "outbound", "share"])
            event.target = pick(["", "https://example.net/a", "https://www.example.org/next"])
        }
        return event
    }

    private static let paths = [
        "/", "/en/", "/ar/يوم-الشباب/", "/en/youth-day/", "/fr/youth-day/histoires/", "/en/stories/one", "/50%/a b",
    ]
    private static let queries = ["", "", "", "utm_campaign=youthday", "utm_source=X&utm_medium=social", "ref=x%20y"]
    private static let titles = ["Home", "Youth Day", "يوم الشباب", "Journée de la jeunesse", "Stories 😀", ""]
}
