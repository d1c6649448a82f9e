"""Words that pages, titles, campaigns and referrers of the made-up site are built from. All of them are invented or
so common that they name nobody."""

LOCALES = ["en", "fr", "ar"]

WORDS = {
    "en": """water market bridge school radio harbour choir river garden summer letters night buses women pumps answers
        rumour autumn map well song dinner skate park council day voices peace border story film youth workshop grant
        report speech library kitchen teachers farmers museum city village festival dialogue fellowship network poems
        football train island winter news guide history language mountain theatre""".split(),
    "fr": """eau marché pont école radio port chœur rivière jardin été lettres nuit bus femmes pompes réponses rumeur
        automne carte puits chanson dîner parc conseil jour voix paix frontière récit film jeunesse atelier bourse
        rapport discours bibliothèque cuisine professeurs paysans musée ville village fête dialogue réseau poèmes
        football train île hiver nouvelles guide histoire langue montagne théâtre""".split(),
    "ar": """ماء سوق جسر مدرسة إذاعة ميناء جوقة نهر حديقة صيف رسائل ليل حافلات نساء مضخات أجوبة شائعة خريف خريطة بئر
        أغنية عشاء مجلس يوم أصوات سلام حدود قصة فيلم شباب ورشة منحة تقرير خطاب مكتبة مطبخ معلمون مزارعون متحف مدينة
        قرية مهرجان حوار زمالة شبكة قصائد قطار جزيرة شتاء أخبار دليل تاريخ لغة جبل مسرح""".split(),
}

SECTIONS = {
    "en": ["news", "stories", "youth-day", "projects", "library", "about", "events", "media"],
    "fr": ["nouvelles", "récits", "youth-day", "projets", "bibliothèque", "à-propos", "agenda", "médias"],
    "ar": ["أخبار", "قصص", "youth-day", "مشاريع", "مكتبة", "حول", "فعاليات", "إعلام"],
}

SITE_NAMES = {"en": "Coalition", "fr": "La Coalition", "ar": "التحالف"}

# Name, hashtags, sources with their media, weight, day of the launch.
CAMPAIGNS = [
    ("youthday", ["YouthDay", "يوم_الشباب", "JeunesseDuMonde"],
     [("instagram", "social"), ("facebook", "social"), ("newsletter", "email"), ("tiktok", "paid")], 5.0, 8),
    ("plural-voices", ["PluralVoices", "أصوات"],
     [("facebook", "paid"), ("newsletter", "email"), ("x", "social")], 3.0, 20),
    ("water-week", ["WaterWeek", "SemaineDeLEau"], [("newsletter", "email"), ("partner", "banner")], 2.0, 33),
    ("fellowship-2026", ["Fellowship"], [("linkedin", "social"), ("google", "cpc"), ("newsletter", "email")], 2.0, 0),
    ("film-festival", ["FilmFestival", "مهرجان"], [("youtube", "video"), ("instagram", "paid")], 1.5, 41),
    ("autumn-appeal", [], [("newsletter", "email"), ("google", "cpc"), ("direct-mail", "print")], 1.0, 28),
]

# The most frequent referrers; the others are made up from words.
REFERRERS = ["www.google.com", "l.facebook.com", "t.co", "www.bing.com", "l.instagram.com", "duckduckgo.com",
             "www.linkedin.com", "fr.wikipedia.org", "ar.wikipedia.org", "en.wikipedia.org", "t.me", "chatgpt.com",
             "www.youtube.com", "out.reddit.com", "www.ecosia.org", "yandex.com", "search.yahoo.com", "m.facebook.com"]

# Countries by language, the most frequent first, with hours from UTC. Together 85.
COUNTRIES = {
    "en": [("GB", 0), ("US", -5), ("IN", 5), ("CA", -5), ("NG", 1), ("KE", 3), ("IE", 0), ("DE", 1), ("NL", 1),
           ("AU", 10), ("ZA", 2), ("PK", 5), ("SE", 1), ("PH", 8), ("GH", 0), ("UG", 3), ("PL", 1), ("NO", 1),
           ("DK", 1), ("FI", 2), ("SG", 8), ("NZ", 12), ("BD", 6), ("TZ", 3), ("MY", 8), ("RW", 2), ("AT", 1),
           ("CZ", 1), ("ET", 3), ("ZM", 2), ("NP", 5), ("LK", 5), ("JP", 9), ("KR", 9), ("BR", -3), ("MX", -6),
           ("GR", 2), ("ID", 7)],
    "fr": [("FR", 1), ("BE", 1), ("CA", -5), ("CH", 1), ("SN", 0), ("CI", 0), ("CM", 1), ("CD", 1), ("LU", 1),
           ("ML", 0), ("BF", 0), ("BJ", 1), ("TG", 0), ("NE", 1), ("GN", 0), ("MG", 3), ("HT", -5), ("GA", 1),
           ("CG", 1), ("ES", 1), ("IT", 1), ("PT", 0), ("RO", 2), ("VN", 7), ("MU", 4), ("RE", 4)],
    "ar": [("EG", 2), ("IQ", 3), ("MA", 1), ("DZ", 1), ("JO", 3), ("TN", 1), ("LB", 2), ("SA", 3), ("SY", 3),
           ("SD", 2), ("AE", 4), ("YE", 3), ("PS", 2), ("LY", 2), ("KW", 3), ("QA", 3), ("OM", 4), ("BH", 3),
           ("MR", 0), ("TR", 3), ("SO", 3), ("DJ", 3)],
}

# Device, browser, system and how many of a hundred have them.
CLIENTS = [
    ("mobile", "Chrome", "Android", 27), ("mobile", "Safari", "iOS", 19), ("desktop", "Chrome", "Windows", 17),
    ("desktop", "Edge", "Windows", 7), ("desktop", "Safari", "macOS", 5.5),
    ("mobile", "Samsung Internet", "Android", 4),
    ("desktop", "Chrome", "macOS", 3.5), ("desktop", "Firefox", "Windows", 3), ("mobile", "WebKit", "iOS", 2.4),
    ("tablet", "Safari", "iOS", 2), ("tablet", "Chrome", "Android", 1.8), ("mobile", "Chrome", "iOS", 1.5),
    ("desktop", "Firefox", "Linux", 1.2), ("mobile", "Opera", "Android", 1), ("desktop", "Opera", "Windows", 0.8),
    ("mobile", "Firefox", "Android", 0.7), ("desktop", "Chrome", "Linux", 0.7), ("desktop", "Firefox", "macOS", 0.5),
    ("mobile", "UC Browser", "Android", 0.4), ("mobile", "Huawei Browser", "Android", 0.4),
    ("desktop", "Chrome", "ChromeOS", 0.4), ("mobile", "DuckDuckGo", "Android", 0.3),
    ("mobile", "Edge", "Android", 0.3),
    ("desktop", "Yandex", "Windows", 0.2), ("mobile", "DuckDuckGo", "iOS", 0.2),
    ("mobile", "Huawei Browser", "HarmonyOS", 0.1),
    ("desktop", "Vivaldi", "Windows", 0.1), ("desktop", "DuckDuckGo", "macOS", 0.1),
]

# Name of an action, its share, and what it leads to.
ACTIONS = [("read_more", 0.36, "page"), ("outbound", 0.20, "away"), ("load_more", 0.13, ""), ("download", 0.12, "file"),
           ("share", 0.09, "share"), ("video_play", 0.07, "film"), ("video_complete", 0.03, "film")]
