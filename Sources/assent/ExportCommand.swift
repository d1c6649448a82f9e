import ArgumentParser
import AssentCore
import AssentStore

/// `assent export`
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "All events of a site in order of time, as lines that an import takes.")

    /// How events can be written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case ndjson
        case csv
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "The site. (default: the only one)")
    var site: String?

    @Option(help: "First local date. (default: the first that is held)", transform: OptionValue.date)
    var from: Day?

    @Option(help: "Last local date, included. (default: the last that is held)", transform: OptionValue.date)
    var to: Day?

    @Option(help: "ndjson or csv.")
    var format = Format.ndjson

    @Option(help: "Write to this file, whole or not at all.")
    var output: String?

    func validate() throws {
        if let from, let to, from > to { throw ValidationError("--to must not be before --from.") }
    }

    func run() throws {
        let configuration = try common.load()
        let site = try configuration.site(site)
        let zone = try site.timeZone()
        var writer = try output.map { (path) throws(Failure) in try FileWriter(path: path) } ?? FileWriter()
        var damage: [String] = []
        let progress = Progress("reading \(site.id)", writesOutput: output == nil)
        defer { progress.end() }
        do {
            let export = try EventExport(
                site: site, reader: StoreReader(directory: configuration.data),
                from: from.map { zone.start(of: $0) }, to: to.map { zone.start(of: $0.advanced(by: 1)) })
            damage = try export.write(as: format, to: &writer) { day in progress.show("writing \(site.id)/\(day)") }
        } catch let error as StoreError {
            throw Failure(error)
        }
        try writer.finish()
        progress.end()
        for sentence in damage { Console.say(sentence) }
        guard damage.isEmpty else { throw Failure(.failed, "The export is without what is damaged.") }
    }
}

/// Reads the events of a site day by day and puts them into the order of time.
struct EventExport {
    private let site: Site
    private let reader: StoreReader
    private let days: [Day]
    private let range: Range<Instant>
    private let visitors: [VisitorNumber: VisitorID]
    private let schemes: [String: String]

    init(site: Site, reader: StoreReader, from: Instant?, to: Instant?) throws(StoreError) {
        self.site = site
        self.reader = reader
        days = try reader.days(site: site.id)
        let from = from ?? days.first?.start ?? Instant(milliseconds: 0)
        let to = to ?? days.last?.advanced(by: 1).start ?? from
        range = from..<max(from, to)
        visitors = try reader.visitorIDs(site: site.id)
        schemes = site.schemes
    }

    /// Writes all events.
    /// - Parameter progress: told of each day before it is read.
    /// - Returns: one sentence for each damaged segment that was left out.
    func write(
        as format: ExportCommand.Format, to writer: inout FileWriter, progress: (Day) -> Void
    ) throws -> [String] {
        var damage: [String] = []
        if format == .csv { try writer.write(CSV.line(EventLine.fieldNames.map { .text($0) })) }
        for day in days {
            let whole = day.start..<day.advanced(by: 1).start
            guard whole.overlaps(range) else { continue }
            progress(day)
            for slice in try slices(of: day) {
                let period = try reader.events(
                    site: site.id, from: slice.lowerBound, to: slice.upperBound, columns: .all)
                for sentence in period.damage where !damage.contains(sentence) { damage.append(sentence) }
                try write(period.segments, as: format, to: &writer)
            }
        }
        return damage
    }

    /// Stretches of a day that have few enough events to be sorted in memory, of a minute at the least. Visitors are what
    /// segments are sorted by, so each stretch reads the day again.
    private func slices(of day: Day) throws(StoreError) -> [Range<Instant>] {
        var bounds = [day.start]
        var total = 0
        for (minute, count) in try reader.eventsByMinute(site: site.id, day: day).enumerated() {
            if total > 0, total + count > Limits.exportSliceEvents {
                bounds.append(day.start.advanced(by: Int64(minute) * 60_000))
                total = 0
            }
            total += count
        }
        bounds.append(day.advanced(by: 1).start)
        return zip(bounds, bounds.dropFirst()).map { $0..<$1 }.filter { $0.overlaps(range) }
            .map { $0.clamped(to: range) }
    }

    private func write(
        _ segments: [EventColumns], as format: ExportCommand.Format, to writer: inout FileWriter
    ) throws(Failure) {
        struct Place {
            let time: Int64
            let visitor: VisitorNumber
            let segment: Int32
            let index: Int32
        }
        var places: [Place] = []
        places.reserveCapacity(segments.reduce(0) { $0 + $1.count })
        for (number, segment) in segments.enumerated() {
            for index in 0..<segment.count {
                places.append(
                    Place(
                        time: segment.times[index], visitor: segment.visitors[index], segment: Int32(number),
                        index: Int32(index)))
            }
        }
        // Of one time the order is that of the ids, since numbers differ from store to store; of one visitor that of
        // arrival, earlier segments first.
        places.sort { left, right in
            if left.time != right.time { return left.time < right.time }
            if left.visitor == right.visitor { return (left.segment, left.index) < (right.segment, right.index) }
            return visitors[left.visitor]?.hex ?? "" < visitors[right.visitor]?.hex ?? ""
        }
        for place in places {
            let event = segments[Int(place.segment)].event(at: Int(place.index))
            // Erased since the events were read.
            guard let visitor = visitors[event.visitor] else { continue }
            let scheme = schemes[event.page.host] ?? "https"
            switch format {
            case .ndjson:
                var line = JSONWriter(capacity: 512)
                EventLine.write(event, visitor: visitor, scheme: scheme, to: &line)
                line.endLine()
                try writer.write(line.bytes)
            case .csv:
                let fields = EventLine.fields(of: event, visitor: visitor, scheme: scheme)
                try writer.write(CSV.line(fields.map { .text($0?.text ?? "") }))
            }
        }
    }
}
