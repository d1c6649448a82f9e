public import AssentCore

extension Configuration {
    /// Reads a configuration, checks it whole, and gives advice on what is allowed and cannot work.
    /// - Parameters and errors: as of ``init(toml:file:environment:isTimeZone:)``.
    public static func checked(
        toml bytes: [UInt8], file: String, environment: [String: String] = [:],
        isTimeZone: @escaping (String) -> Bool
    ) throws(ConfigurationError) -> (configuration: Configuration, advice: [ConfigurationAdvice]) {
        var configuration = Configuration()
        let top = try configuration.read(bytes, file, environment, isTimeZone)
        return (configuration, Adviser(configuration, top).found)
    }

    /// Reads a configuration and checks it whole.
    /// - Parameters:
    ///   - bytes: the TOML text in UTF-8.
    ///   - file: its name, for errors.
    ///   - environment: `ASSENT_<KEY>` variables override keys at the top of the file; others are passed over.
    ///   - isTimeZone: whether the system knows a time zone of that name.
    /// - Throws: ``ConfigurationError`` with every problem: unknown keys, wrong types, bad values, clashes.
    public init(
        toml bytes: [UInt8], file: String, environment: [String: String] = [:],
        isTimeZone: @escaping (String) -> Bool
    ) throws(ConfigurationError) {
        self.init()
        _ = try read(bytes, file, environment, isTimeZone)
    }

    private mutating func read(
        _ bytes: [UInt8], _ file: String, _ environment: [String: String], _ isTimeZone: @escaping (String) -> Bool
    ) throws(ConfigurationError) -> Section {
        func failure(line: Int, _ sentence: String) -> ConfigurationError {
            ConfigurationError(file: file, problems: [ConfigurationProblem(place: .line(line), sentence: sentence)])
        }
        guard bytes.count <= Limits.configurationBytesMax else {
            throw failure(
                line: 1, "The file is longer than \(Limits.configurationBytesMax) bytes: is it the right one?")
        }
        let root: TOMLNode
        do {
            root = try TOMLNode(parsing: bytes)
        } catch {
            throw failure(line: error.line, "This is no TOML: \(error.problem).")
        }
        guard case .table(let members) = root.value else { preconditionFailure("the root of a document is a table") }
        let problems = Problems()
        let overrides = Self.overrides(environment, problems)
        let top = Section(members, line: 1, as: .top, overrides: overrides, problems: problems)
        read(top, isTimeZone: isTimeZone)
        guard problems.found.isEmpty else {
            throw ConfigurationError(
                file: file, problems: Array(problems.sorted.prefix(Limits.configurationProblemsMax)))
        }
        return top
    }

    /// Values of environment variables by key. One that is nearly a key's is a slip, others are somebody else's.
    private static func overrides(_ environment: [String: String], _ problems: Problems) -> [String: String] {
        let keys = Dictionary(
            uniqueKeysWithValues: Configuration.keys.compactMap { key in key.variable.map { ($0, key) } })
        var overrides: [String: String] = [:]
        for (name, value) in environment where name.hasPrefix("ASSENT_") {
            if let key = keys[name] {
                overrides[key.name] = value
            } else if let near = Suggestion.nearest(
                to: String(name.dropFirst("ASSENT_".count)), among: keys.values.map(\.name).sorted())
            {
                problems.add(
                    .variable(name), "There is no such variable: did you mean \(ConfigurationKey.variable(of: near))?")
            }
        }
        return overrides
    }

    private mutating func read(_ top: Section, isTimeZone: @escaping (String) -> Bool) {
        let publicEndpoint = endpoint("listen", in: top)
        let staffEndpoint = endpoint("staff_listen", in: top)
        listen = publicEndpoint?.value ?? listen
        staffListen = staffEndpoint?.value ?? staffListen
        if let left = Endpoint(listen), let right = Endpoint(staffListen), left.overlaps(right) {
            top.problem(
                staffEndpoint?.place ?? publicEndpoint?.place ?? top.place,
                "staff_listen must be another address or port than listen: the public must not reach the staff's pages."
            )
        }
        if let text = top.string("data") {
            if text.value.isEmpty || text.value.contains("\0") {
                top.problem(text.place, "data must be the path of a directory.")
            }
            data = text.value
        }
        durability = top.choice("durability", of: Durability.self) ?? durability
        requestsPerMinute = top.integer("requests_per_minute", in: Limits.requestsPerMinuteRange) ?? requestsPerMinute
        if let proxies = top.strings("trusted_proxies") {
            for proxy in proxies where !Addresses.isIP(proxy.value) {
                top.problem(proxy.place, "Each of trusted_proxies must be an IP address, such as 127.0.0.1.")
            }
            trustedProxies = proxies.map(\.value)
        }
        rules.machines = words("bots", in: top, "words of 2 to 64 of a-z 0-9 -, such as newbot") { word in
            (2...64).contains(word.utf8.count)
                && word.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
                }
        }
        rules.spamReferrers = words("spam_referrers", in: top, "host names in lower case, such as spam.example") {
            Addresses.isHost($0) && $0 == $0.lowercased()
        }
        var reader = SiteReader(isTimeZone: isTimeZone)
        let sections = top.sections("site", as: .site)
        if sections.isEmpty { top.missing("site") }
        sites = sections.map { reader.site($0) }
    }

    private func words(
        _ key: String, in top: Section, _ kind: String, _ isGood: (String) -> Bool
    ) -> Set<String> {
        let words = top.strings(key) ?? []
        for word in words where !isGood(word.value) { top.problem(word.place, "\(key) must be \(kind).") }
        return Set(words.map(\.value))
    }

    private func endpoint(_ key: String, in top: Section) -> Placed<String>? {
        guard let text = top.string(key) else { return nil }
        guard Endpoint(text.value) != nil else {
            top.problem(text.place, "\(key) must be an IP address and a port, such as 127.0.0.1:8787 or [::1]:8787.")
            return nil
        }
        return text
    }
}
