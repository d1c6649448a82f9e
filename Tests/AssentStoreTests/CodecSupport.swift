import AssentCore
import Support

@testable import AssentStore

/// Samples without the gate, which changes nothing of them.
func sampleEvents(_ count: Int, visitors: ClosedRange<VisitorNumber> = 1...50, seed: UInt64) -> [Event] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { index in
        Samples.event(id: "s\(seed)-\(index)-sample", visitors: visitors, using: &generator)
    }
}

/// The order of a segment, by the obvious way.
func inOrder(_ events: [Event]) -> [Event] {
    events.enumerated().sorted { left, right in
        (left.element.visitor, left.element.time.milliseconds, left.offset)
            < (right.element.visitor, right.element.time.milliseconds, right.offset)
    }.map(\.element)
}

extension EventColumns {
    var events: [Event] { (0..<count).map { event(at: $0) } }
}

extension Event {
    /// Every byte of it. Texts that are equal as characters but not as bytes tell two events apart.
    var exactBytes: [UInt8] {
        var writer = ByteWriter()
        writer.write(self)
        return writer.bytes
    }
}

/// One change such as a bad disk or a hostile file makes: a bit, a byte, a cut, an insertion, a removed stretch.
func mutated(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
    guard !bytes.isEmpty else { return [UInt8.random(in: 0...255, using: &generator)] }
    var bytes = bytes
    let place = Int.random(in: bytes.indices, using: &generator)
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
    case 2: bytes.removeLast(bytes.count - place)
    case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
    case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...8, using: &generator)))
    default: bytes.replaceSubrange(place..<min(bytes.count, place + 10), with: repeatElement(0xFF, count: 9))
    }
    return bytes
}
