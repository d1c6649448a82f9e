@testable import AssentConfiguration
@testable import AssentCore

/// Files: of the system, of the operator, and of other servers of Assent.
enum FileTargets {
    // MARK: Time zones and countries

    static func timeZone(_ input: [UInt8]) {
        guard let zone = try? TimeZoneRules(tzif: input) else { return }
        for year in [1, 1900, 1970, 1999, 2000, 2026, 2027, 2400, 9_998] {
            for (month, day) in [(1, 1), (3, 29), (7, 1), (10, 25), (12, 31)] {
                guard let date = Day(year: year, month: month, day: day) else {
                    preconditionFailure("there is no date")
                }
                let offset = zone.offsetSeconds(at: date.start)
                precondition((-93_600...93_600).contains(offset), "no clock is that far off")
                precondition((-2...2).contains(date.distance(to: zone.date(of: date.start))))
                // Where clocks run as they do on Earth it is the start; here it must be near.
                precondition((-3...3).contains(zone.start(of: date).day.distance(to: date)))
            }
        }
    }

    /// Both tables, with a zero byte between.
    static func countries(_ input: [UInt8]) {
        let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
        let table = CountryTable(zoneTable: parts[0], rules: parts.count > 1 ? parts[1] : [])
        for line in parts[0].split(separator: 0x0A).prefix(16) {
            for field in line.split(separator: 0x09) {
                // A byte that is no UTF-8 becomes U+FFFD, of three bytes.
                let country = table.country(ofZone: String(decoding: field, as: UTF8.self))
                precondition(country.unicodeScalars.count <= 2)
            }
        }
    }

    // MARK: Configuration

    static func configuration(_ input: [UInt8]) {
        let configuration: Configuration
        do {
            let zones: Set = ["UTC", "Europe/Brussels"]
            configuration = try Configuration.checked(
                toml: input, file: "assent.toml", isTimeZone: { zones.contains($0) }
            ).configuration
        } catch {
            return precondition((1...Limits.configurationProblemsMax).contains(error.problems.count))
        }
        precondition(Limits.requestsPerMinuteRange.contains(configuration.requestsPerMinute))
        precondition(!configuration.sites.isEmpty && Endpoint(configuration.listen) != nil)
        let page = Page(host: "www.example.org", path: "/ar/youth-day", query: "utm_campaign=youthday", fragment: "a")
        for site in configuration.sites {
            precondition(Site.isValidID(site.id) && !site.hosts.isEmpty && site.hosts.count == site.origins.count)
            precondition(Limits.minimumGroupRange.contains(site.minimumGroup))
            precondition((1...Limits.retentionDaysMax).contains(site.retentionDays))
            precondition(Set(site.campaigns.map(\.id)).count == site.campaigns.count)
            // What was taken can be used: none of these may trap.
            let gate = Gate(
                site: site, key: ServerKey(bytes: Array(repeating: 1, count: ServerKey.byteCount)),
                countries: CountryTable(zoneTable: [], rules: []))
            precondition(site.origins.allSatisfy { gate.allows(origin: $0) })
            let matcher = CampaignMatcher(site: site)
            let found = matcher.campaigns(of: page).union(
                matcher.campaigns(of: Referrer(host: "t.co", pathClass: .page)))
            precondition(found.allSatisfy { site.campaigns.indices.contains($0) })
        }
    }

    /// A pattern, then a text, in the lines of an input.
    static func glob(_ input: [UInt8]) {
        let lines = input.prefix(256).split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let pattern = lines.first, let text = lines.last else { return }
        precondition(Glob(pattern).matches(Array(text)) == covers(Array(pattern), Array(text)))

        func segments(_ path: String) -> [String] {
            var path = Substring(path)
            if path.first == "/" { path = path.dropFirst() }
            while path.last == "/" { path = path.dropLast() }
            return path.isEmpty ? [] : path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        }
        let isMatched = covers(segments(pattern), segments(text), wild: "**") { covers(Array($0), Array($1)) }
        precondition(PathGlob(pattern).matches(PathGlob.segments(of: text)) == isMatched)
    }

    private static func covers(_ pattern: [Character], _ text: [Character]) -> Bool {
        covers(pattern, text, wild: "*") { $0 == $1 }
    }

    /// Whether a pattern covers a text, from which places of the text each beginning of the pattern can end.
    private static func covers<Element: Equatable>(
        _ pattern: [Element], _ text: [Element], wild: Element, one: (Element, Element) -> Bool
    ) -> Bool {
        var ends: Set = [0]
        for element in pattern {
            if element == wild {
                ends = ends.min().map { Set($0...text.count) } ?? []
            } else {
                ends = Set(ends.filter { $0 < text.count && one(element, text[$0]) }.map { $0 + 1 })
            }
        }
        return ends.contains(text.count)
    }

    // MARK: Backups, receipts and answers

    static func backup(_ input: [UInt8]) {
        guard let manifest = try? BackupManifest(parsing: input) else { return }
        func written(_ manifest: BackupManifest) -> [UInt8] {
            var json = JSONWriter()
            manifest.write(to: &json)
            return json.bytes
        }
        let text = written(manifest)
        precondition((try? BackupManifest(parsing: text)).map(written) == text)
    }

    static let key = ServerKey(bytes: Array(repeating: 9, count: ServerKey.byteCount))

    /// What stands before the MAC of a receipt. The MAC is made here: else nothing would be read.
    static func receipt(_ input: [UInt8]) {
        precondition((try? ErasureReceipt(document: input, key: key)) == nil, "nobody else can make one")
        let mac = Hex.text(key.mac(domain: "erasure", input))
        let document = input + Array(",\n  \"mac\": \"\(mac)\"\n}\n".utf8)
        guard let receipt = try? ErasureReceipt(document: document, key: key) else { return }
        let text = receipt.document(key: key)
        precondition((try? ErasureReceipt(document: text, key: key))?.document(key: key) == text)
    }

    /// What a collector answers to commands.
    static func answer(_ input: [UInt8]) {
        func again<Value>(_ value: Value?, _ read: ([UInt8]) -> Value?, _ write: (Value, inout JSONWriter) -> Void) {
            func written(_ value: Value) -> [UInt8] {
                var json = JSONWriter()
                write(value, &json)
                return json.bytes
            }
            guard let text = value.map(written) else { return }
            precondition(read(text).map(written) == text)
        }
        again(try? ImportAnswer(parsing: input), { try? ImportAnswer(parsing: $0) }) { $0.write(to: &$1) }
        again(try? Upkeep(parsing: input), { try? Upkeep(parsing: $0) }) { $0.write(to: &$1) }
    }

    /// Names of days, weeks, times, partitions, visitors and listeners.
    static func names(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        func comesBack<Value: Equatable>(_ read: (String) -> Value?, _ write: (Value) -> String) {
            guard let value = read(text) else { return }
            precondition(read(write(value)) == value)
        }
        comesBack({ Day($0) }, \.description)
        comesBack({ ISOWeek($0) }, \.description)
        comesBack({ Instant(rfc3339: $0) }, \.rfc3339)
        comesBack({ PartitionName($0) }, \.description)
        comesBack({ VisitorID(hex: $0) }, \.hex)
        comesBack({ Endpoint($0) }) { $0.host.contains(":") ? "[\($0.host)]:\($0.port)" : "\($0.host):\($0.port)" }
    }
}
