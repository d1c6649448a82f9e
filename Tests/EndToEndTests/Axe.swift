import Foundation
import Support
import Testing

extension Tab {
    private static let axe = Program.root.appending(path: ".build-axe/axe.min.js")

    /// What axe-core finds wrong with the page as it is now: a line for each rule and element. With forced colours it
    /// would judge those that the page asked for and not those that are painted, so it leaves them alone.
    func violations() async throws -> [String] {
        if try await evaluate("typeof axe") == "undefined" {
            let engine = try String(contentsOf: Self.axe, encoding: .utf8)
            try await evaluate(engine + "; undefined")
        }
        let found = try await evaluate(
            """
            (async () => {
                const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
                const rules = { "color-contrast": { enabled: !matchMedia("(forced-colors: active)").matches } };
                const { violations } = await axe.run({ runOnly: tags, rules });
                return violations.flatMap(({ id, nodes }) => nodes.map(({ target, any, all, none }) =>
                    `${id}: ${target} ${[...any, ...all, ...none].map((each) => each.message)}`.slice(0, 300)));
            })()
            """)
        return found.array.compactMap(\.string)
    }
}
