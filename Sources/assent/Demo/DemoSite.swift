import AssentCollector
import AssentConfiguration
import AssentCore
import DashboardAssets

/// The demonstration site: its configuration and its pages.
enum DemoSite {
    /// The configuration file of a demonstration. Nothing is folded, so that one's own visit shows.
    static func configuration(port: Int, staffPort: Int, data: String) -> String {
        #"""
        listen = "127.0.0.1:\#(port)"
        staff_listen = "127.0.0.1:\#(staffPort)"
        data = "\#(data)"

        [[site]]
        id = "demo"
        name = "Common Ground Coalition"
        origins = ["http://localhost:\#(port)", "http://127.0.0.1:\#(port)"]
        timezone = "Europe/Brussels"
        locales = ["en", "fr", "ar"]
        minimum_group = 1

        [[site.notice]]
        locale = "en"
        text = """
        May we count your visit? If you accept, we store which pages you read, for how long, and where you came \
        from, for 395 days, on our own server and for nobody else. You can withdraw at any time, and what we stored is \
        erased."""

        [[site.notice]]
        locale = "fr"
        text = """
        Pouvons-nous compter votre visite ? Si vous acceptez, nous conservons les pages lues, le temps passé et \
        votre provenance, pendant 395 jours, sur notre propre serveur et pour personne d’autre. Vous pouvez retirer \
        votre accord à tout moment ; ce qui a été conservé est alors effacé."""

        [[site.notice]]
        locale = "ar"
        text = """
        هل تسمح لنا باحتساب زيارتك؟ إذا وافقت فسنحفظ الصفحات التي قرأتها ومدة القراءة ومصدر قدومك لمدة 395 يومًا \
        على خادمنا الخاص دون مشاركتها مع أحد. يمكنك سحب موافقتك في أي وقت، وعندها يُمحى ما حفظناه."""

        [[site.campaign]]
        id = "youth-day"
        name = "#YouthDay"
        hashtags = ["YouthDay"]
        paths = ["/youth-day/**"]
        utm_campaign = ["youthday*"]

        [[site.campaign]]
        id = "clean-water"
        name = "#CleanWater"
        hashtags = ["CleanWater"]
        paths = ["/clean-water/**"]
        utm_campaign = ["cleanwater*"]

        [[site.campaign]]
        id = "voices-of-hope"
        name = "#VoicesOfHope"
        hashtags = ["VoicesOfHope"]
        paths = ["/voices/**"]

        """#
    }

    /// The files that the public listener gives out, by path.
    static var pages: [String: StaticFile] {
        var pages: [String: StaticFile] = [:]
        for index in 0..<assent_asset_demo_count() {
            let file = assent_asset_demo(index)
            let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
            pages[String(cString: file.path)] = StaticFile(
                contentType: String(cString: file.content_type), bytes: bytes)
        }
        return pages
    }
}
