public import AssentCore

/// What `assent partitions list` says of a partition.
public struct PartitionFacts: Sendable, Equatable {
    /// Which partition.
    public var name: PartitionName
    /// Whether events can still arrive.
    public var isSealed: Bool
    /// Events in it; those that wait in the journal are not.
    public var events: UInt64
    /// Size of the file and its write-ahead log, in bytes.
    public var bytes: Int64
    /// Version of its format.
    public var format: Int
}

/// What a look at a whole data directory found.
public struct Inspection: Sendable, Equatable {
    /// Partitions that were read.
    public var partitions = 0
    /// Events in them.
    public var events: UInt64 = 0
    /// Partitions of a backup that are not in it but in earlier ones.
    public var elsewhere = 0
    /// One sentence for each thing that is wrong: which file, what.
    public var faults: [String] = []

    /// Nothing was read.
    public init() {}
}

extension StoreReader {
    /// The partitions, by site and day, and a sentence for each that cannot be read.
    /// - Parameter site: only those of that site.
    public func partitions(site: String? = nil) throws(StoreError) -> (facts: [PartitionFacts], damage: [String]) {
        var facts: [PartitionFacts] = []
        var damage: [String] = []
        for name in try names(site: site) {
            let path = Partition.path(directory, name.site, name.day)
            do throws(StoreError) {
                guard let partition = try partition(name.site, name.day) else { continue }
                facts.append(
                    PartitionFacts(
                        name: name, isSealed: try partition.isSealed(), events: try partition.content().count,
                        bytes: try Files.size(path) + Files.size("\(path)-wal"), format: try partition.format()))
            } catch  where error.kind != .missing {
                damage.append(error.description)
            }
        }
        return (facts, damage)
    }

    /// Reads every byte of partitions, journal and ledger beside a running collector. A backup must also be what its
    /// manifest says.
    ///
    /// Cost: that of decoding and hashing every event. Memory holds one segment for each processor.
    /// - Parameter progress: told of each partition before it is read.
    /// - Throws: ``StoreError`` only where the directory itself cannot be read; the rest is a fault.
    public func inspect(progress: (PartitionName) -> Void) throws(StoreError) -> Inspection {
        var inspection = Inspection()
        func look(_ body: () throws(StoreError) -> [String]) {
            do throws(StoreError) {
                inspection.faults += try body()
            } catch  where error.kind == .missing {
                // It went meanwhile, or is only being made.
            } catch {
                inspection.faults.append(error.description)
            }
        }
        look { () throws(StoreError) in try verifyLedger().faults }
        look { () throws(StoreError) in
            let database = try SQLite("\(directory)/journal.sqlite", .read)
            try Format.journal.check(database)
            var faults = try database.faults()
            try Journal.events(database, 1...Int64.max, damaged: { faults.append($1) }, each: { _, _, _ in })
            return faults
        }
        look { () throws(StoreError) in
            let (faults, elsewhere) = try backupFaults()
            inspection.elsewhere = elsewhere
            return faults
        }
        let names = try names(site: nil)
        for start in stride(from: 0, to: names.count, by: processors) {
            progress(names[start])
            let some = Array(names[start..<min(start + processors, names.count)])
            for result in concurrently(some, { [directory] in Partition.inspected($0, in: directory) }) {
                look { () throws(StoreError) in
                    let found = try result.get()
                    inspection.partitions += 1
                    inspection.events += found.events
                    return found.faults
                }
            }
        }
        return inspection
    }

    /// The partitions that have a file, by site and day.
    func names(site: String?) throws(StoreError) -> [PartitionName] {
        var names: [PartitionName] = []
        for each in try Files.names(in: "\(directory)/partitions") where site == nil || each == site {
            names += try Partition.days(directory, each).map { PartitionName(site: each, day: $0) }
        }
        return names
    }
}

extension Partition {
    /// What ``inspect()`` finds in a partition.
    fileprivate static func inspected(
        _ name: PartitionName, in directory: String
    ) -> Result<(events: UInt64, faults: [String]), StoreError> {
        do throws(StoreError) {
            return .success(
                try Partition(directory: directory, site: name.site, day: name.day, .read).inspect())
        } catch {
            return .failure(error)
        }
    }

    /// Reads everything in one snapshot.
    /// - Returns: how many events can be read, and what is wrong, a sentence each.
    func inspect() throws(StoreError) -> (events: UInt64, faults: [String]) {
        try database.snapshot { () throws(StoreError) in
            var faults = try database.faults()
            var content = ContentHash()
            var isWhole = true
            let named = try database.first("SELECT site, day FROM partition") { ($0.text(0), $0.text(1)) }
            if named?.0 != site || named?.1 != day.description {
                faults.append("\(database.path) says that it is of another site or day.")
            }
            let segments = try segments()
            let isSealed = try isSealed()
            if isSealed, Set(segments.map(\.run)).count > 1 {
                faults.append("\(database.path) is sealed and has more than one run.")
            }
            var last: Place?
            for segment in segments {
                do throws(StoreError) {
                    let columns = try read(segment, .all)
                    content.add(columns)
                    if let fault = fault(of: columns, in: segment, isSealed: isSealed, after: &last) {
                        faults.append("\(database.path), segment \(segment.number): \(fault).")
                    }
                } catch  where error.kind == .damaged {
                    faults.append(error.description)
                    isWhole = false
                }
            }
            let stored = try self.content()
            if isWhole, content != stored {
                faults.append("\(database.path) does not hold the events that its content sum says.")
            }
            return (content.count, faults)
        }
    }

    /// Where an event stands in the order of a run.
    private struct Place {
        var run: Int64
        var visitor: VisitorNumber
        var time: Int64
    }

    /// What is wrong with a segment that can be read, in a clause.
    /// - Parameter last: the place of the event before, and then that of its last one.
    private func fault(
        of columns: EventColumns, in segment: Segment, isSealed: Bool, after last: inout Place?
    ) -> String? {
        var isOrdered = true
        for event in 0..<columns.count {
            let place = Place(run: segment.run, visitor: columns.visitors[event], time: columns.times[event])
            if let last, last.run == place.run, (last.visitor, last.time) > (place.visitor, place.time) {
                isOrdered = false
            }
            last = place
        }
        if !isOrdered { return "its events are not in order" }
        guard columns.visitors.first == segment.firstVisitor, columns.visitors.last == segment.lastVisitor,
            columns.times.min() == segment.firstTime, columns.times.max() == segment.lastTime
        else { return "its events are not those of its first and last visitor and time" }
        let times = day.start.milliseconds..<day.advanced(by: 1).start.milliseconds
        guard times.contains(segment.firstTime), times.contains(segment.lastTime) else {
            return "it holds events of another day"
        }
        return isSealed && !columns.ids.isEmpty ? "it has ids, and the partition is sealed" : nil
    }
}

extension SQLite {
    /// What SQLite finds wrong with the structure of the file, a sentence each.
    func faults() throws(StoreError) -> [String] {
        var faults: [String] = []
        try rows("PRAGMA integrity_check") { row in
            let found = row.text(0)
            if found != "ok" { faults.append("\(path) is damaged: \(found). Restore it from a backup.") }
        }
        return faults
    }
}
