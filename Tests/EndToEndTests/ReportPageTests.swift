import Foundation
import Support
import Testing

extension EndToEnd {
    /// The report as a file that somebody opens from a disk, in a real browser without scripts.
    @Suite(.timeLimit(.minutes(5))) struct ReportPageTests {
        @Test(
            "axe finds nothing on it, it needs no network, and it fits its window",
            arguments: ["en", "fr", "ar"], [[], ["--campaign", "youth-day", "--all-weeks", "3"]])
        func page(language: String, options: [String]) async throws {
            let setting = try ReportSetting()
            let path = "\(setting.place.folder.path)/report.html"
            let arguments = ["report", "--config", setting.place.config, "--format", "html", "--lang", language]
            let written = try Program.outcome(arguments + ["--output", path] + options)
            #expect(written.status == 0 && written.errors == "")
            let tab = try await newProfile()
            for (scheme, width) in [("light", 320), ("dark", 1280)] {
                try await tab.emulate(width: width, height: 900, media: ["prefers-color-scheme": scheme])
                try await tab.open("file://\(path)")
                #expect(try await tab.violations() == [], "\(scheme), \(width)")
                #expect(try await tab.evaluate("document.documentElement.scrollWidth") == .number(Double(width)))
            }
            #expect(
                try await tab.evaluate("[document.documentElement.lang, document.documentElement.dir].join()")
                    == .string("\(language),\(language == "ar" ? "rtl" : "ltr")"))
            #expect(try await tab.evaluate("document.scripts.length + document.images.length") == 0)
            #expect(tab.requests.allSatisfy { $0.url == "file://\(path)" })
            #expect(tab.problems == [])
            // Every chart has a name, and a table of the same section beside it.
            let charts = try await tab.evaluate(
                """
                [...document.querySelectorAll('figure svg')].map((svg) =>
                    svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label').length > 10
                        && svg.closest('section').querySelector('table') !== null)
                """)
            #expect(charts.array.count >= 2 && charts.array.allSatisfy { $0 == true })
        }

        @Test("Its tables have the numbers of the JSON, and a name from anywhere is only text")
        func numbers() async throws {
            let setting = try ReportSetting()
            let path = try setting.write("report.html", "--format", "html")
            let json = try JSON(Data(contentsOf: URL(filePath: setting.write("report.json", "--format", "json"))))
            let tab = try await newProfile()
            try await tab.open("file://\(path)")
            func cells(_ section: String) async throws -> [[String]] {
                try await tab.evaluate(
                    """
                    [...document.querySelectorAll('#\(section) tbody tr')].map((row) =>
                        [...row.children].map((each) => each.textContent))
                    """
                ).array.map { $0.array.compactMap(\.string) }
            }
            let totals = try await cells("totals")
            for (row, name) in zip(totals, ["visitors", "visits", "pageviews"]) {
                #expect(row[1] == "\(Int(json["totals"][name].number ?? -1))")
                #expect(row[2] == "\(Int(json["compared"]["totals"][name].number ?? -1))")
            }
            for table in ["pages", "sources", "countries", "devices", "days"] {
                let rows = json[table].array.map { Int($0["visits"].number ?? -1).description }
                #expect(try await cells(table).map { $0[1] }.filter { $0 != "0" } == rows)
            }
            let pages = json["pages"].array.compactMap { $0["key"].string?.replacing("\u{202E}", with: "") }
            #expect(try await cells("pages").map { $0[0] } == pages)
            #expect(try await tab.evaluate("document.querySelector('img, script, b')") == .null)
            #expect(try await tab.evaluate("document.querySelector('h1').textContent") == "Coalition <85>")
            #expect(tab.problems == [])
        }

        @Test("On paper all of it is there, also what is folded up on a screen")
        func paper() async throws {
            let setting = try ReportSetting()
            let tab = try await newProfile()
            try await tab.open("file://\(try setting.write("report.html", "--format", "html"))")
            let heights = """
                [...document.querySelectorAll('details section')].map((each) =>
                    each.checkVisibility() && each.getBoundingClientRect().height > 0)
                """
            #expect(try await tab.evaluate(heights).array.allSatisfy { $0 == false })
            try await tab.emulate(width: 1280, height: 900, onPaper: true)
            let shown = try await tab.evaluate(heights).array
            #expect(!shown.isEmpty && shown.allSatisfy { $0 == true }, "\(shown)")
            let background = "getComputedStyle(document.body).backgroundColor"
            #expect(try await tab.evaluate(background) == "rgb(255, 255, 255)")
            #expect(try await tab.pdf().starts(with: Data("%PDF-".utf8)))
        }
    }
}
