/// Where simulated visitors live, what they read and what they browse with.
enum Population {
    /// A language that many of a country's visitors read; others read the site's first one.
    enum Tongue: String {
        case arabic = "ar"
        case english = "en"
        case french = "fr"
        case other = ""
    }

    /// A time zone for each of 85 countries, with its share of the visitors and their language.
    static let zones: [(zone: String, weight: Double, tongue: Tongue)] = [
        ("Europe/Brussels", 90, .french), ("Europe/Paris", 110, .french), ("Europe/Luxembourg", 8, .french),
        ("Europe/Monaco", 1, .french), ("Europe/Zurich", 25, .french), ("America/Toronto", 35, .english),
        ("Africa/Abidjan", 12, .french), ("Africa/Dakar", 14, .french), ("Africa/Bamako", 6, .french),
        ("Africa/Ouagadougou", 5, .french), ("Africa/Niamey", 4, .french), ("Africa/Douala", 11, .french),
        ("Africa/Libreville", 3, .french), ("Africa/Brazzaville", 3, .french), ("Africa/Kinshasa", 13, .french),
        ("Africa/Kigali", 5, .french), ("Africa/Bujumbura", 3, .french), ("Africa/Ndjamena", 3, .french),
        ("Africa/Lome", 4, .french), ("Africa/Porto-Novo", 5, .french), ("Indian/Antananarivo", 4, .french),
        ("America/Port-au-Prince", 4, .french), ("Africa/Cairo", 85, .arabic), ("Asia/Baghdad", 70, .arabic),
        ("Asia/Amman", 40, .arabic), ("Asia/Beirut", 35, .arabic), ("Asia/Damascus", 20, .arabic),
        ("Asia/Riyadh", 45, .arabic), ("Asia/Dubai", 38, .arabic), ("Asia/Kuwait", 14, .arabic),
        ("Asia/Qatar", 14, .arabic), ("Asia/Bahrain", 7, .arabic), ("Asia/Muscat", 8, .arabic),
        ("Asia/Aden", 10, .arabic), ("Asia/Gaza", 16, .arabic), ("Africa/Tunis", 34, .arabic),
        ("Africa/Algiers", 38, .arabic), ("Africa/Casablanca", 44, .arabic), ("Africa/Tripoli", 10, .arabic),
        ("Africa/Khartoum", 12, .arabic), ("Africa/Nouakchott", 4, .arabic), ("Africa/Djibouti", 2, .arabic),
        ("Africa/Mogadishu", 5, .arabic), ("Europe/London", 95, .english), ("Europe/Dublin", 18, .english),
        ("America/New_York", 100, .english), ("Australia/Sydney", 22, .english), ("Pacific/Auckland", 7, .english),
        ("Africa/Lagos", 40, .english), ("Africa/Accra", 15, .english), ("Africa/Nairobi", 28, .english),
        ("Africa/Kampala", 11, .english), ("Africa/Johannesburg", 20, .english), ("Africa/Lusaka", 4, .english),
        ("Africa/Harare", 5, .english), ("Africa/Addis_Ababa", 9, .english), ("Asia/Kolkata", 48, .english),
        ("Asia/Karachi", 22, .english), ("Asia/Dhaka", 14, .english), ("Asia/Colombo", 6, .english),
        ("Asia/Singapore", 9, .english), ("Asia/Manila", 14, .english), ("America/Jamaica", 3, .english),
        ("Europe/Malta", 3, .english), ("Europe/Berlin", 60, .other), ("Europe/Amsterdam", 32, .other),
        ("Europe/Madrid", 30, .other), ("Europe/Lisbon", 12, .other), ("Europe/Rome", 34, .other),
        ("Europe/Vienna", 12, .other), ("Europe/Stockholm", 16, .other), ("Europe/Copenhagen", 11, .other),
        ("Europe/Oslo", 10, .other), ("Europe/Helsinki", 8, .other), ("Europe/Warsaw", 14, .other),
        ("Europe/Prague", 8, .other), ("Europe/Athens", 11, .other), ("Europe/Bucharest", 9, .other),
        ("Europe/Istanbul", 26, .other), ("Europe/Kyiv", 9, .other), ("Asia/Tokyo", 9, .other),
        ("Asia/Jakarta", 13, .other), ("America/Mexico_City", 12, .other), ("America/Sao_Paulo", 15, .other),
        ("America/Bogota", 8, .other),
    ]

    /// User-Agent headers of people's browsers in autumn 2026.
    static let browsers = Weighted<String>([
        (blink("Linux; Android 10; K", "Chrome/142.0.0.0 Mobile"), 34),
        (blink("Linux; Android 10; K", "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile"), 4),
        (blink("Windows NT 10.0; Win64; x64", "Chrome/142.0.0.0"), 17),
        (blink("Windows NT 10.0; Win64; x64", "Chrome/142.0.0.0") + " Edg/142.0.0.0", 6),
        (blink("Macintosh; Intel Mac OS X 10_15_7", "Chrome/142.0.0.0"), 3),
        (webKit("iPhone; CPU iPhone OS 18_6 like Mac OS X", "Version/26.1 Mobile/15E148 Safari/604.1"), 19),
        (webKit("iPhone; CPU iPhone OS 18_6 like Mac OS X", "CriOS/142.0.0.0 Mobile/15E148 Safari/604.1"), 1.5),
        (webKit("iPad; CPU OS 18_6 like Mac OS X", "Version/26.1 Mobile/15E148 Safari/604.1"), 2),
        (webKit("Macintosh; Intel Mac OS X 10_15_7", "Version/26.1 Safari/605.1.15"), 6),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", 4),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", 2),
        ("Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", 1.5),
    ])

    /// User-Agent headers of machines, which the gate turns away.
    static let machines = Weighted<String>([
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 5),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", 2),
        (blink("X11; Linux x86_64", "HeadlessChrome/142.0.0.0"), 2),
        ("python-requests/2.32.5", 1),
    ])

    private static func blink(_ platform: String, _ product: String) -> String {
        "Mozilla/5.0 (\(platform)) AppleWebKit/537.36 (KHTML, like Gecko) \(product) Safari/537.36"
    }

    private static func webKit(_ platform: String, _ products: String) -> String {
        "Mozilla/5.0 (\(platform)) AppleWebKit/605.1.15 (KHTML, like Gecko) \(products)"
    }

    /// Share of a day's visits that begins in each hour of the visitor's own clock.
    static let hours = Weighted<Int>(
        [
            1.2, 0.7, 0.4, 0.3, 0.3, 0.6, 1.5, 3, 4.6, 5.4, 5.6, 5.5,
            5.8, 5.4, 5, 5, 5, 5.2, 5.6, 6.2, 6.8, 6.6, 5, 2.8,
        ].enumerated().map { ($0, $1) })

    /// How busy a day is, Monday to Sunday.
    static let weekdays = [1.06, 1.12, 1.1, 1.08, 1, 0.78, 0.86]
}
