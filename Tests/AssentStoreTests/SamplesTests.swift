import AssentCore
import Support
import Testing

@Suite struct SamplesTests {
    @Test func `the gate changes nothing of a sample`() throws {
        var generator = SeededGenerator(seed: 1)
        for index in 0..<500 {
            let event = Samples.event(id: "sample-\(index)", visitors: 1...20, using: &generator)
            #expect(try Samples.consented(event).event == event)
        }
    }

    @Test func `the same seed gives the same samples`() throws {
        #expect(try Samples.events(50, visitors: 1...5, seed: 7) == Samples.events(50, visitors: 1...5, seed: 7))
        #expect(Samples.monday.description == "2026-11-16")
    }
}
