import ArgumentParser
import AssentConfiguration
import AssentCore
import AssentStore
import Glibc

/// What every command takes: where the configuration and the data are.
struct CommonOptions: ParsableArguments {
    @Option(help: "The configuration file. (default: config/assent.toml, then /etc/assent/assent.toml)")
    var config: String?

    @Option(help: "The data directory, in place of the configured one.")
    var data: String?

    private static let defaultFiles = ["config/assent.toml", "/etc/assent/assent.toml"]

    /// The configuration, checked whole.
    func load() throws(Failure) -> Configuration { try loadNamed().configuration }

    /// The configuration, the file that it is from, and what cannot work with it.
    func loadNamed() throws(Failure) -> (configuration: Configuration, file: String, advice: [ConfigurationAdvice]) {
        let (file, bytes) = try contents()
        do {
            var checked = try Configuration.checked(toml: bytes, file: file, environment: Self.environment) {
                (try? SystemTables.timeZone(named: $0)) != nil
            }
            if let data { checked.configuration.data = data }
            return (checked.configuration, file, checked.advice)
        } catch {
            throw Failure(.configuration, error.description)
        }
    }

    /// The file that is read, and its bytes.
    private func contents() throws(Failure) -> (file: String, bytes: [UInt8]) {
        for file in config.map({ [$0] }) ?? Self.defaultFiles {
            do throws(StoreError) {
                if let bytes = try Files.contents(file) { return (file, bytes) }
            } catch {
                throw Failure(.configuration, error.description)
            }
        }
        let missing =
            config.map { "There is no \($0)" } ?? "There is no \(Self.defaultFiles.joined(separator: " and no "))"
        throw Failure(.configuration, "\(missing): name the configuration file with --config.")
    }

    private static var environment: [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next = next.advanced(by: 1)
        }
        return variables
    }
}

/// Reads values of options.
enum OptionValue {
    /// A date such as 2026-11-16.
    static func date(_ text: String) throws -> Day {
        guard let day = Day(text) else { throw ValidationError("Write a date as 2026-11-16.") }
        return day
    }
}

extension Configuration {
    /// The site of that id; without one, the only site there is.
    func site(_ id: String?) throws(Failure) -> Site {
        let ids = sites.map(\.id).joined(separator: ", ")
        guard let id else {
            guard sites.count == 1 else {
                throw Failure(.usage, "There are several sites: name one with --site: \(ids).")
            }
            return sites[0]
        }
        guard let site = sites.first(where: { $0.id == id }) else {
            throw Failure(.usage, "There is no such site: --site must be one of \(ids).")
        }
        return site
    }
}

extension Site {
    /// The rules of its time zone.
    func timeZone() throws(Failure) -> TimeZoneRules {
        do {
            return try SystemTables.timeZone(named: timezone)
        } catch {
            throw Failure(error)
        }
    }
}
