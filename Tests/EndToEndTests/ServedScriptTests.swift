import AssentCollector
import AssentCore
import DashboardAssets
import Foundation
import Support
import Testing

/// What is served of the browser script.
@Suite struct ServedScriptTests {
    /// A site with a notice of about 300 characters in each of three languages.
    private static let site = Site(
        id: "coalition", name: "Coalition", origins: ["https://www.example.org", "https://example.org"],
        locales: ["en", "fr", "ar"],
        notices: [
            Notice(
                locale: "en",
                text: """
                    May we count your visit? If you accept, we store which pages you read, for how long, and where you came \
                    from, for 395 days, on our own server and for nobody else. You can withdraw at any time, and what we \
                    stored is erased. We use two cookies for 182 days: one holds your choice, one a signed text.
                    """),
            Notice(
                locale: "fr",
                text: """
                    Pouvons-nous compter votre visite ? Si vous acceptez, nous conservons les pages lues, le temps passé et \
                    votre provenance, pendant 395 jours, sur notre propre serveur et pour personne d’autre. Vous pouvez \
                    retirer votre accord à tout moment ; ce qui a été conservé est alors effacé. Deux cookies, 182 jours.
                    """),
            Notice(
                locale: "ar",
                text: """
                    هل تسمح لنا باحتساب زيارتك؟ إذا وافقت فسنحفظ الصفحات التي قرأتها ومدة القراءة ومصدر قدومك لمدة 395 يومًا \
                    على خادمنا الخاص دون مشاركتها مع أحد. يمكنك سحب موافقتك في أي وقت، وعندها يُمحى ما حفظناه. نستخدم ملفي \
                    تعريف ارتباط لمدة 182 يومًا: أحدهما يحفظ اختيارك والآخر نص موقّع.
                    """),
        ])

    private static func output(of command: [String], input: [UInt8] = []) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        let (standardInput, standardOutput) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = standardOutput
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: input)
        try standardInput.fileHandleForWriting.close()
        let output = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command)")
        return Array(output)
    }

    @Test("It is what esbuild and terser make of the sources")
    func agrees() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let asset = assent_asset_script()
        let made = try Self.output(of: [root.appending(path: "Dashboards/script/build").path, "--print"])
        #expect(made == Array(UnsafeBufferPointer(start: asset.bytes, count: asset.count)), "run make script")
    }

    @Test("After gzip -9 the core has at most 3,072 bytes, all of it with three notices at most 7,168")
    func size() throws {
        let core = try Self.output(of: ["gzip", "-9"], input: ScriptFile.bytes(of: Self.site, .core)).count
        let all = try Self.output(of: ["gzip", "-9"], input: ScriptFile.bytes(of: Self.site)).count
        print("script: core \(core) bytes, with banner, adapters and notices \(all) bytes after gzip -9")
        #expect(core <= 3_072 && all <= 7_168, "\(core), \(all)")
    }

    @Test("The banner's words are there in each language for which there is a notice in the demonstration")
    func words() {
        let script = String(decoding: ScriptFile.bytes(of: Self.site), as: UTF8.self)
        for word in ["Accept", "Refuse", "Accepter", "Refuser", "قبول", "رفض"] {
            #expect(script.contains("\"\(word)\""))
        }
    }
}
