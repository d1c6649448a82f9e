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
        Common Ground would like to count visits, to learn which campaigns reach people. If you accept, two cookies \
        keep your choice for 182 days, and we keep what you read here, for how long, and where you came from, for \
        395 days at most, on our own server and for nobody else. You can withdraw at any time under “Privacy \
        choices”; then it is erased."""

        [[site.notice]]
        locale = "fr"
        text = """
        Terrain commun aimerait compter les visites, pour savoir quelles campagnes touchent les gens. Si vous \
        acceptez, deux cookies gardent votre choix 182 jours, et nous gardons ce que vous lisez ici, combien de \
        temps et d’où vous venez, 395 jours au plus, sur notre propre serveur et pour personne d’autre. Vous pouvez \
        retirer votre accord à tout moment sous « Choix de confidentialité » ; tout est alors effacé."""

        [[site.notice]]
        locale = "ar"
        text = """
        تود أرض مشتركة إحصاء الزيارات لمعرفة الحملات التي تصل إلى الناس. إن قبلتم يحفظ ملفا تعريف ارتباط اختياركم \
        مدة 182 يومًا، ونحتفظ بما تقرؤونه هنا ومدة قراءته ومن أين أتيتم مدة أقصاها 395 يومًا، على خادمنا وحده ولا \
        يتسلمه أحد سوانا. يمكنكم سحب موافقتكم في أي وقت عبر «خيارات الخصوصية»، فيُمحى كل ذلك."""

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
