import AssentCore
import Glibc

/// Draws of a simulation: the same for the same seed.
struct Chance {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// At least 0 and below 1.
    mutating func uniform() -> Double { Double(generator.next() >> 11) * 0x1p-53 }

    /// True that often, from 0 to 1.
    mutating func happens(_ probability: Double) -> Bool { uniform() < probability }

    /// A whole number of the range, each as likely.
    mutating func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + min(range.count - 1, Int(uniform() * Double(range.count)))
    }

    /// Time until something that happens every `mean` on average.
    mutating func exponential(mean: Double) -> Double { -mean * log(1 - uniform()) }

    /// A positive value with that median, mostly within a factor of `exp(spread)` of it.
    mutating func logNormal(median: Double, spread: Double) -> Double {
        let normal = sqrt(-2 * log(1 - uniform())) * cos(2 * Double.pi * uniform())
        return median * exp(spread * normal)
    }

    /// 64 random bits.
    mutating func bits() -> UInt64 { generator.next() }
}

/// Values that are drawn as often as their weights say.
struct Weighted<Value: Sendable>: Sendable {
    private let values: [Value]
    private let sums: [Double]

    /// At least one value, with weights above 0 in all.
    init(_ weighted: [(value: Value, weight: Double)]) {
        precondition(weighted.contains { $0.weight > 0 }, "something must be possible")
        values = weighted.map(\.value)
        var sum = 0.0
        sums = weighted.map { each in
            sum += each.weight
            return sum
        }
    }

    /// The first value is the most frequent, and the n-th has one n-th of its weight (Zipf).
    init(zipf values: [Value]) { self.init(values.enumerated().map { ($1, 1 / Double($0 + 1)) }) }

    /// One of them.
    func draw(_ chance: inout Chance) -> Value {
        let at = chance.uniform() * sums[sums.count - 1]
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > at { high = middle } else { low = middle + 1 }
        }
        return values[low]
    }
}
