import Support
import Testing

/// What happens in a real browser. One after the other, in one browser, each test with a profile of its own.
@Suite(.serialized, .browser) enum EndToEnd {
    @TaskLocal static var browser: Chromium?

    /// A new profile of the browser that the suite runs with.
    static func newProfile() async throws -> Tab { try await #require(browser).newProfile() }
}

/// Starts a browser before the tests of a suite, and ends it after them, however they end.
struct BrowserTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Chromium.run { browser in
            try await EndToEnd.$browser.withValue(browser) { try await function() }
        }
    }
}

extension Trait where Self == BrowserTrait {
    static var browser: Self { BrowserTrait() }
}
