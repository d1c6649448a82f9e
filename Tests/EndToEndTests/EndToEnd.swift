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

extension Tab {
    /// Opens a page of the demonstration site and accepts on it; returns when its pageview has arrived.
    func accept(_ path: String, on server: PageServer) async throws {
        try await open(server.origin + path)
        try await click("[data-assent=accept]")
        try await server.wait(for: "the first pageview") { _ in !server.events.isEmpty }
        try await wait(for: "assent.status().pending === 0")
    }

    /// Keeps links from leading away, so that they can be clicked without a network.
    func stay() async throws {
        try await runFirst("addEventListener('click', (e) => e.target.closest('a') && e.preventDefault())")
    }
}
