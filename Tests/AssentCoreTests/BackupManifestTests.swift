import AssentCore
import Testing

/// What a backup says of itself is read as it was written, and nothing else is.
@Suite struct BackupManifestTests {
    static let manifest: BackupManifest = {
        var manifest = BackupManifest(
            made: Instant(milliseconds: 1_795_348_800_250), since: Instant(milliseconds: 1_795_262_400_000))
        manifest.entries = 4_294_967_295
        manifest.lastHash = String(repeating: "ab", count: 32)
        for (place, isSealed) in [true, false].enumerated() {
            manifest.partitions.append(
                BackupManifest.Partition(
                    name: PartitionName(site: "coalition", day: Day(number: 20_773).advanced(by: place)),
                    isSealed: isSealed,
                    events: 9_007_199_254_740_991, contentSHA256: String(repeating: "0f", count: 32),
                    drainedThrough: 1_838_437_171_200_000, erasedThrough: 17, format: 1, bytes: 16_384,
                    backup: isSealed ? manifest.since! : manifest.made))
        }
        manifest.gone = [PartitionName(site: "second", day: Day(number: 20_000))]
        manifest.unreadable = [PartitionName(site: "third", day: Day(number: 20_001))]
        return manifest
    }()

    static func text(_ manifest: BackupManifest) -> String {
        var json = JSONWriter()
        manifest.write(to: &json)
        return json.text
    }

    @Test func `it is read as it was written`() throws {
        #expect(try BackupManifest(parsing: Array(Self.text(Self.manifest).utf8)) == Self.manifest)
        let empty = BackupManifest(made: Instant(milliseconds: 0))
        #expect(try BackupManifest(parsing: Array(Self.text(empty).utf8)) == empty)
        #expect(
            Self.text(empty)
                == #"{"schema":"assent.backup/1","made":"1970-01-01T00:00:00Z","since":null,"#
                + #""ledger":{"entries":0,"hash":""},"partitions":[],"gone":[],"unreadable":[]}"# + "\n")
    }

    @Test(
        "What is no manifest is refused by the field",
        arguments: [
            ("assent.backup/1", "assent.backup/2", "schema"), (#""made":"2"#, #""made":"x"#, "made"),
            (#""state":"open""#, #""state":"ajar""#, "state"),
            (#""partition":"coalition/"#, #""partition":"../"#, "partition"),
            (#""format":1,"#, "", "format"), (#""bytes":16384"#, #""bytes":-1"#, "bytes"),
            (#""gone":"#, #""went":"#, "gone"),
            (#""entries":4294967295,"#, "", "entries"), ("{", "[", ""),
        ])
    func refused(part: String, replacement: String, field: String) {
        let text = Self.text(Self.manifest)
        #expect(text.contains(part))
        do throws(BadRequest) {
            _ = try BackupManifest(parsing: Array(text.replacing(part, with: replacement).utf8))
            Issue.record("\(part) was taken")
        } catch {
            #expect(error.description.contains(field))
        }
    }

    @Test func `mutations never trap`() {
        let whole = Array(Self.text(Self.manifest).utf8)
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<3_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let place = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &generator), at: place)
                }
            }
            guard let read = try? BackupManifest(parsing: bytes) else { continue }
            // What was taken can be written and is read again as the same.
            let again = try? BackupManifest(parsing: Array(Self.text(read).utf8))
            #expect(again == read)
        }
    }
}
