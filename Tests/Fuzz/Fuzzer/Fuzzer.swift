import AssentStore
import LibFuzzer

/// A decoder of foreign bytes under test.
struct Target: Sendable {
    /// Its name, by which `make fuzz TARGET=…` picks it.
    let name: String
    /// Bytes that it takes, from which the fuzzer begins.
    let seeds: [[UInt8]]
    /// Decodes, and ends the process where what was taken is not as it must be.
    let run: @Sendable ([UInt8]) -> Void

    init(_ name: String, _ seeds: [[UInt8]], _ run: @escaping @Sendable ([UInt8]) -> Void) {
        (self.name, self.seeds, self.run) = (name, seeds, run)
    }
}

/// The first byte of an input says which decoder gets the rest.
///
/// A decoder may refuse bytes; what it takes must be what the format allows, and must come back when it is encoded
/// again. A trap, a failed precondition, an access outside of what is allocated, and memory beyond the limits of the
/// command line end the run.
@main struct Fuzzer {
    /// A new one goes to the end: inputs that were kept know the others by their place.
    private static let targets: [Target] = [
        Target("segment", Seeds.segments) { StoreTargets.segment($0) },
        Target("journal-row", Seeds.journalRows) { StoreTargets.journalRow($0) },
        Target("stream", Seeds.streams) { StoreTargets.stream($0) },
        Target("event-line", Seeds.lines) { StoreTargets.eventLine($0) },
        Target("events", Seeds.events) { BodyTargets.events($0) },
        Target("consent", Seeds.choices) { BodyTargets.consent($0) },
        Target("withdraw", Seeds.choices) { BodyTargets.withdraw($0) },
        Target("received", Seeds.requests) { BodyTargets.received($0) },
        Target("closed", Seeds.requests) { BodyTargets.closed($0) },
        Target("erase", Seeds.requests) { BodyTargets.erase($0) },
        Target("json", Seeds.json) { BodyTargets.json($0) },
        Target("token", Seeds.tokens) { RequestTargets.token($0) },
        Target("query", Seeds.queries) { RequestTargets.query($0) },
        Target("headers", Seeds.headers) { RequestTargets.headers($0) },
        Target("forwarded", Seeds.forwarded) { RequestTargets.forwarded($0) },
        Target("client", Seeds.clients) { RequestTargets.client($0) },
        Target("address", Seeds.addresses) { CleaningTargets.address($0) },
        Target("text", Seeds.texts) { CleaningTargets.text($0) },
        Target("target", Seeds.addresses + Seeds.texts) { CleaningTargets.target($0) },
        Target("glob", Seeds.globs) { FileTargets.glob($0) },
        Target("time-zone", Seeds.timeZones) { FileTargets.timeZone($0) },
        Target("countries", Seeds.countries) { FileTargets.countries($0) },
        Target("configuration", Seeds.configurations) { FileTargets.configuration($0) },
        Target("backup", Seeds.manifests) { FileTargets.backup($0) },
        Target("receipt", Seeds.receipts) { FileTargets.receipt($0) },
        Target("answer", Seeds.answers) { FileTargets.answer($0) },
        Target("names", Seeds.names) { FileTargets.names($0) },
        Target("head", Seeds.heads) { RequestTargets.head($0) },
    ]

    /// `Fuzzer [-target=NAME] seeds FOLDER` writes the seeds; else the arguments are libFuzzer's.
    static func main() throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        var only: Int?
        if let first = arguments.first, first.hasPrefix("-target=") {
            let name = first.dropFirst("-target=".count)
            guard let place = targets.firstIndex(where: { $0.name == name }) else {
                let names = targets.map(\.name).joined(separator: ", ")
                fatalError("There is no target \"\(name)\": there are \(names).")
            }
            only = place
            arguments.removeFirst()
        }
        if arguments.count == 2, arguments[0] == "seeds" { return try writeSeeds(to: arguments[1], only) }
        start(arguments, only)
    }

    private static func writeSeeds(to folder: String, _ only: Int?) throws {
        try Files.makeDirectory(folder)
        for (number, target) in targets.enumerated() where only == nil || only == number {
            for (place, seed) in target.seeds.enumerated() {
                try Files.create("\(folder)/seed-\(target.name)-\(place)", [UInt8(number)] + seed)
            }
        }
    }

    private static func start(_ arguments: [String], _ only: Int?) {
        // Seeds take memory too: before the limits hold.
        Fuzzer.only = only
        _ = targets
        var texts: [UnsafeMutablePointer<CChar>?] = [CommandLine.unsafeArgv[0]]
        for argument in arguments {
            let text = Array(argument.utf8CString)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
            copy.initialize(from: text, count: text.count)
            texts.append(copy)
        }
        var count = Int32(texts.count)
        texts.append(nil)
        texts.withUnsafeMutableBufferPointer { texts in
            var start = texts.baseAddress
            _ = LLVMFuzzerRunDriver(&count, &start) { start, count in
                Fuzzer.decode([UInt8](UnsafeBufferPointer(start: start, count: count)))
                return 0
            }
        }
    }

    /// The one target that gets every input. Set before the fuzzer starts.
    nonisolated(unsafe) private static var only: Int?

    private static func decode(_ input: [UInt8]) {
        guard let first = input.first else { return }
        targets[only ?? Int(first) % targets.count].run(Array(input.dropFirst()))
    }
}
