extension Words {
    static let french = Words(
        report: "Rapport", week: "semaine", comparedWith: "comparaison\u{A0}:",
        totals: "Ensemble", thisPeriod: "cette période", before: "avant", change: "évolution",
        campaigns: "Campagnes", campaign: "Campagne", noCampaign: "hors campagne",
        overlaps: "Campagnes qui se recoupent",
        both: { "\($0) et \($1)" }, trend: "Semaine après semaine", weeks: { "\($0) semaines" },
        tables: [
            "pages": "Pages", "sources": "Provenances", "locales": "Langues", "countries": "Pays",
            "devices": "Appareils", "days": "Jours", "links": "Liens cliqués",
        ],
        keys: [
            "direct": "accès direct", "unknown": "inconnu", "desktop": "ordinateur", "mobile": "mobile",
            "tablet": "tablette", "other": "autre",
        ],
        other: { "autres (lignes\u{A0}: \($0))" }, more: { "… et \($0) de plus" },
        actions: "Actions", count: "clics",
        consent: "Consentement", granted: "Accordés", refused: "Refusés", withdrawn: "Retirés",
        about: { "environ \($0)" }, interval: "Son intervalle à 95\u{202F}%", between: { "\($0) à \($1)" },
        partitions: "Partitions lues", state: "état", sealed: "scellée", open: "ouverte",
        events: "événements", notShown: "non montré",
        folded: {
            "Lignes regroupées\u{A0}: \($0). Un groupe de moins de \($1) visiteurs n’est pas montré, ni ce qui en "
                + "révélerait un par soustraction."
        },
        onlyAgreed:
            "Seuls les visiteurs qui ont accepté sont comptés. Personne ne peut dire ici ce qu’ont fait ceux qui "
            + "ont refusé, n’ont pas choisi ou bloquent les scripts.",
        share: { "Parmi ceux qui ont choisi, \($0) ont accepté." },
        returning: "Une personne avec deux navigateurs compte pour deux visiteurs, de même que celle qui a accepté de "
            + "nouveau après avoir effacé ses cookies\u{A0}: ceux qui reviennent sont au moins aussi nombreux qu’il "
            + "paraît.",
        estimateHolds: "L’estimation vaut si ceux qui ont refusé visitent aussi souvent que ceux qui ont accepté.",
        read: {
            "Partitions lues\u{A0}: \($0), dont pas encore scellées\u{A0}: \($1). Chacune avec le hachage de son "
                + "contenu\u{A0}: --format json."
        },
        leftOut: { "Laissé de côté\u{A0}: \($0)" },
        explain: "Ce que chaque nombre veut dire\u{A0}: assent report --explain --lang fr",
        oneCampaign: "Une campagne à part, avec ses pages, provenances, jours et liens\u{A0}: assent report "
            + "--campaign ID --lang fr",
        definitions: "Ce que les nombres veulent dire",
        hints: Hints(
            runs: { "rien ne correspond\u{A0}: elle court \($0), hors de cette période" },
            runsFrom: { "rien ne correspond\u{A0}: elle court à partir du \($0)" },
            runsUntil: { "rien ne correspond\u{A0}: elle a couru jusqu’au \($0)" },
            nearest: {
                "rien ne correspond\u{A0}: au moins \($2) pages vues ont \($0) «\u{A0}\($1)\u{A0}», la règle dit "
                    + "«\u{A0}\($3)\u{A0}»"
            },
            none: "rien ne correspond, et rien de semblable n’a été vu"),
        terms: [
            "visitors": Term(
                "Visiteurs", "visiteurs",
                "Numéros aléatoires distincts, donnés à l’acceptation, qui ont eu un événement dans la période."),
            "visits": Term(
                "Visites", "visites",
                "Événements d’un visiteur sans interruption de plus de 30 minutes, coupés aux bords de la période."),
            "pageviews": Term("Pages vues", "pages vues", "Pages affichées, comptées chaque fois."),
            "engaged_seconds": Term(
                "Temps d’attention", "temps",
                "Temps pendant lequel une page était visible et active, additionné."),
            "scroll_depth": Term(
                "Profondeur de défilement", "défil.",
                "Jusqu’où une page a été vue\u{A0}: la moyenne des points les plus bas de chaque page dans chaque visite, "
                    + "sans celles dont aucun n’est connu."),
            "bounce_rate": Term(
                "Taux de rebond", "rebond",
                "La part des visites avec une page vue, aucune action et moins de 10 secondes d’attention. Pour une "
                    + "campagne\u{A0}: de ses arrivées."),
            "actions": Term(
                "Actions", "actions", "Clics et autres actes que la page nomme, comme read_more ou share."),
            "landings": Term(
                "Arrivées", "arrivées",
                "Visites attribuées qui ont commencé par une page vue de la campagne."),
            "median_engaged_seconds": Term(
                "Temps d’attention médian", "temps médian",
                "Le temps d’attention pour la campagne de la visite attribuée qui est au milieu selon lui\u{A0}; de "
                    + "deux, la moyenne."),
            "change": Term(
                "Évolution", "évolution",
                "(Cette période − avant) ÷ avant. Rien s’il n’y avait rien avant, ou si le groupe était trop petit."),
            "campaigns": Term(
                "Campagnes", "campagnes",
                "Une visite appartient à chaque campagne à laquelle correspond une de ses pages vues. Les pages vues, le "
                    + "temps et les actions d’une campagne sont ceux des événements correspondants. Les règles "
                    + "s’appliquent quand le rapport est fait, aussi aux événements antérieurs."),
            "unattributed": Term("Hors campagne", "hors campagne", "Visites qui n’appartiennent à aucune campagne."),
            "overlaps": Term(
                "Campagnes qui se recoupent", "les deux",
                "Visites qui appartiennent aux deux campagnes\u{A0}; chacune compte dans les deux lignes ci-dessus."),
            "pages": Term(
                "Pages", "pages",
                "Selon le chemin, sans la langue au début\u{A0}; une visite compte pour chaque page qu’elle a vue."),
            "sources": Term(
                "Provenances", "provenances",
                "D’où vient une visite, selon sa première page vue\u{A0}: utm_source, sinon le référent\u{A0}; accès "
                    + "direct s’il n’y en a pas."),
            "locales": Term("Langues", "langues", "Selon la langue de la page."),
            "countries": Term(
                "Pays", "pays",
                "Selon le fuseau horaire du navigateur, à la première page vue\u{A0}; jamais selon une adresse."),
            "devices": Term("Appareils", "appareils", "Selon la classe d’appareil, à la première page vue."),
            "days": Term(
                "Jours", "jours", "Dates locales auxquelles les visites ont commencé, selon leur première page vue."),
            "links": Term("Liens cliqués", "liens", "Cibles des actions, sans requête ni fragment."),
            "opt_in_rate": Term(
                "Taux d’acceptation", "taux", "Accordés ÷ (accordés + refusés), parmi les choix de la période."),
            "refusals": Term(
                "Non enregistrés", "non enregistrés",
                "Événements refusés, selon la raison. Rien d’autre n’en est conservé."),
            "estimate": Term(
                "Estimation de toutes les visites", "estimation",
                "Visites ÷ taux d’acceptation, avec l’intervalle que donne l’intervalle de Wilson à 95\u{202F}% du "
                    + "taux\u{A0}; seulement à partir de 30 choix."),
            "folded": Term(
                "autres", "autres",
                "Lignes trop petites pour être montrées, ensemble\u{A0}; avec d’autres si une soustraction en ferait "
                    + "revenir une. Un tiret remplace un nombre qui ne peut être montré ou donné."),
            "partitions": Term(
                "Partitions lues", "partitions",
                "Les fichiers d’où viennent les nombres, chacun avec le SHA-256 de son contenu\u{A0}: les mêmes hachages "
                    + "donnent le même rapport."),
        ])
}
