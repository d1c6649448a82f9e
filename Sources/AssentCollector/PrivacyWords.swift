internal import AssentCore

/// The words of the privacy page in one language.
struct PrivacyWords: Sendable {
    let language: String
    /// The language's own name.
    let name: String
    let direction: String
    /// A number of days.
    let days: @Sendable (Int) -> String

    let title: String
    let languages: String

    let held: String
    let nothing: String
    let visitor: String
    let firstConsent: String
    let events: String
    let pageviews: String
    let engagements: String
    let actions: String
    let dates: String
    let consents: String
    let given: String
    let until: String
    let sources: (banner: String, settings: String, api: String, other: String)
    let source: String
    let shown: String
    let incomplete: String

    let choices: String
    let download: String
    let downloadExplained: String
    let erase: String
    let eraseExplained: String
    let withdraw: String
    let withdrawErases: String
    let withdrawKeeps: String
    let erased: String
    let withdrawnErased: String
    let withdrawnKept: String

    let notice: String
    let purpose: String
    let purposeExplained: String
    let retention: String
    let retentionExplained: String
    let recipients: String
    let nobody: String
    let cookies: String
    let tokenCookie: String
    let choiceCookie: String
    let cookiesLast: String
    let rights: String
    let rightsExplained: String

    /// Every language that the page speaks.
    static let all = [english, french, arabic]

    /// The words for a site: in the language that is asked for, in its base language (`ar` for `ar-EG`), or in the first
    /// of the site's that there are words for. Only languages of the site are spoken, English where it has no other.
    static func words(_ language: String?, of site: Site) -> PrivacyWords {
        let spoken = spoken(on: site)
        func words(_ language: String) -> PrivacyWords? {
            let base = language.split(separator: "-", maxSplits: 1).first.map { $0.lowercased() }
            return spoken.first { $0.language == base }
        }
        return language.flatMap(words) ?? spoken[0]
    }

    /// The languages of the page for a site, in the site's order.
    static func spoken(on site: Site) -> [PrivacyWords] {
        let spoken = site.locales.compactMap { locale in all.first { $0.language == locale } }
        return spoken.isEmpty ? [english] : spoken
    }

    // MARK: English

    static let english = PrivacyWords(
        language: "en", name: "English", direction: "ltr", days: { $0 == 1 ? "1 day" : "\($0) days" },
        title: "Your data", languages: "Languages",
        held: "What is held about you",
        nothing: "This browser holds no consent for this site. Its visits are not counted, and there is nothing to "
            + "show, to download or to erase.",
        visitor: "Your random number", firstConsent: "Counted since", events: "Events in all",
        pageviews: "Page views", engagements: "Stretches of reading", actions: "Clicks and other actions",
        dates: "Dates with events", consents: "Consents", given: "Given", until: "Valid until",
        sources: ("the site’s banner", "the site’s settings", "a button of the site", "another consent tool"),
        source: "Given in", shown: "The text that was shown",
        incomplete: "Something cannot be read just now. There may be more than what is shown here.",
        choices: "What you can do", download: "Download everything",
        downloadExplained: "One file (JSON) with every event and every consent.",
        erase: "Erase what was counted",
        eraseExplained: "Everything that was counted of your visits is erased at once. The consent stays, and your "
            + "visits from then on are counted.",
        withdraw: "Withdraw the consent",
        withdrawErases: "Your visits are no longer counted, and everything that was counted of them is erased.",
        withdrawKeeps: "Your visits are no longer counted. What was counted stays until its time is over. If you want "
            + "it erased, erase it before you withdraw.",
        erased: "What was counted of your visits is erased. The consent stays.",
        withdrawnErased: "The consent is withdrawn. What was counted of your visits is erased.",
        withdrawnKept: "The consent is withdrawn. Your visits are no longer counted.",
        notice: "What you are asked", purpose: "Purpose",
        purposeExplained: "To count visits: which pages are read, for how long, and what leads to them. The ground for "
            + "it is your consent.",
        retention: "How long it is kept", retentionExplained: "At most, counted from each event:",
        recipients: "Recipients", nobody: "None. The data stay on the server of this site.",
        cookies: "Cookies",
        tokenCookie: "Names your consent, so that your visits can be counted. Scripts cannot read it.",
        choiceCookie: "Remembers whether you said yes or no.",
        cookiesLast: "Both are set by your choice, are never prolonged by a visit, and end after:",
        rights: "Your rights",
        rightsExplained: "You can see, download and erase what is held about you, and withdraw your consent at any "
            + "time, on this page or with the button that the site shows. You do not have to give a reason. You can "
            + "also turn to a data protection authority.")

    // MARK: Français

    static let french = PrivacyWords(
        language: "fr", name: "Français", direction: "ltr", days: { $0 < 2 ? "\($0) jour" : "\($0) jours" },
        title: "Vos données", languages: "Langues",
        held: "Ce qui est conservé sur vous",
        nothing: "Ce navigateur ne détient aucun consentement pour ce site. Ses visites ne sont pas comptées, et il "
            + "n’y a rien à montrer, à télécharger ni à effacer.",
        visitor: "Votre numéro aléatoire", firstConsent: "Compté depuis", events: "Événements en tout",
        pageviews: "Pages vues", engagements: "Temps de lecture", actions: "Clics et autres actions",
        dates: "Dates avec des événements", consents: "Consentements", given: "Donné le", until: "Valable jusqu’au",
        sources: (
            "le bandeau du site", "les réglages du site", "un bouton du site", "un autre outil de consentement"
        ),
        source: "Donné dans", shown: "Le texte affiché",
        incomplete: "Une partie ne peut pas être lue en ce moment. Il peut y avoir plus que ce qui est montré ici.",
        choices: "Ce que vous pouvez faire", download: "Tout télécharger",
        downloadExplained: "Un fichier (JSON) avec chaque événement et chaque consentement.",
        erase: "Effacer ce qui a été compté",
        eraseExplained: "Tout ce qui a été compté de vos visites est effacé aussitôt. Le consentement reste, et vos "
            + "visites suivantes sont comptées.",
        withdraw: "Retirer le consentement",
        withdrawErases: "Vos visites ne sont plus comptées, et tout ce qui en a été compté est effacé.",
        withdrawKeeps: "Vos visites ne sont plus comptées. Ce qui a été compté reste jusqu’à la fin de sa durée. Pour "
            + "le faire effacer, effacez-le avant de retirer le consentement.",
        erased: "Ce qui a été compté de vos visites est effacé. Le consentement reste.",
        withdrawnErased: "Le consentement est retiré. Ce qui a été compté de vos visites est effacé.",
        withdrawnKept: "Le consentement est retiré. Vos visites ne sont plus comptées.",
        notice: "Ce qui vous est demandé", purpose: "Finalité",
        purposeExplained: "Compter les visites\u{A0}: quelles pages sont lues, combien de temps, et ce qui y mène. Le "
            + "fondement est votre consentement.",
        retention: "Durée de conservation", retentionExplained: "Au plus, à partir de chaque événement\u{A0}:",
        recipients: "Destinataires", nobody: "Aucun. Les données restent sur le serveur de ce site.",
        cookies: "Cookies",
        tokenCookie: "Désigne votre consentement, pour que vos visites puissent être comptées. Les scripts ne peuvent "
            + "pas le lire.",
        choiceCookie: "Retient si vous avez dit oui ou non.",
        cookiesLast: "Les deux sont posés par votre choix, jamais prolongés par une visite, et prennent fin "
            + "après\u{A0}:",
        rights: "Vos droits",
        rightsExplained: "Vous pouvez voir, télécharger et effacer ce qui est conservé sur vous, et retirer votre "
            + "consentement à tout moment, sur cette page ou avec le bouton que le site affiche. Vous n’avez pas à "
            + "donner de raison. Vous pouvez aussi vous adresser à une autorité de protection des données.")

    // MARK: العربية

    static let arabic = PrivacyWords(
        language: "ar", name: "العربية", direction: "rtl",
        days: { count in
            switch (count, count % 100) {
            case (1, _): "يوم واحد"
            case (2, _): "يومان"
            case (_, 3...10): "\(count) أيام"
            case (_, 11...99): "\(count) يومًا"
            default: "\(count) يوم"
            }
        },
        title: "بياناتك", languages: "اللغات",
        held: "ما نحتفظ به عنك",
        nothing: "لا توجد في هذا المتصفح موافقة لهذا الموقع. لا تُحتسب زياراته، وليس هناك ما يُعرض أو يُنزَّل أو "
            + "يُمحى.",
        visitor: "رقمك العشوائي", firstConsent: "الاحتساب منذ", events: "مجموع الأحداث",
        pageviews: "مشاهدات الصفحات", engagements: "فترات القراءة", actions: "النقرات والأفعال الأخرى",
        dates: "التواريخ التي فيها أحداث", consents: "الموافقات", given: "تاريخ الموافقة", until: "صالحة حتى",
        sources: ("شريط الموقع", "إعدادات الموقع", "زر في الموقع", "أداة موافقة أخرى"),
        source: "أُعطيت عبر", shown: "النص الذي عُرض",
        incomplete: "تتعذر قراءة جزء من البيانات الآن. قد يكون هناك أكثر مما يظهر هنا.",
        choices: "ما يمكنك فعله", download: "تنزيل كل البيانات",
        downloadExplained: "ملف واحد (JSON) فيه كل حدث وكل موافقة.",
        erase: "محو ما احتُسب",
        eraseExplained: "يُمحى فورًا كل ما احتُسب من زياراتك. تبقى الموافقة سارية، وتُحتسب زياراتك بعد ذلك.",
        withdraw: "سحب الموافقة",
        withdrawErases: "لا تُحتسب زياراتك بعد ذلك، ويُمحى كل ما احتُسب منها.",
        withdrawKeeps: "لا تُحتسب زياراتك بعد ذلك. يبقى ما احتُسب إلى أن تنتهي مدته. إن أردت محوه فامحه قبل سحب "
            + "الموافقة.",
        erased: "مُحي ما احتُسب من زياراتك. الموافقة باقية.",
        withdrawnErased: "سُحبت الموافقة. مُحي ما احتُسب من زياراتك.",
        withdrawnKept: "سُحبت الموافقة. لا تُحتسب زياراتك بعد الآن.",
        notice: "ما يُطلب منك", purpose: "الغرض",
        purposeExplained: "احتساب الزيارات: أي صفحات تُقرأ، وكم من الوقت، وما الذي يقود إليها. وأساس ذلك موافقتك.",
        retention: "مدة الحفظ", retentionExplained: "المدة القصوى، من تاريخ كل حدث:",
        recipients: "المتلقون", nobody: "لا أحد. تبقى البيانات على خادم هذا الموقع.",
        cookies: "ملفات تعريف الارتباط",
        tokenCookie: "يدل على موافقتك لكي يمكن احتساب زياراتك. لا تستطيع البرامج النصية قراءته.",
        choiceCookie: "يتذكر إن كان جوابك نعم أو لا.",
        cookiesLast: "كلاهما يُحفظ عند اختيارك، ولا تُمدّد مدته أي زيارة، وينتهي بعد:",
        rights: "حقوقك",
        rightsExplained: "يمكنك الاطلاع على ما نحتفظ به عنك وتنزيله ومحوه، وسحب موافقتك في أي وقت، في هذه الصفحة أو "
            + "بالزر الذي يعرضه الموقع. لست بحاجة إلى ذكر سبب. ويمكنك أيضًا التوجه إلى هيئة حماية البيانات.")
}
