extension Words {
    static let english = Words(
        report: "Report", week: "week", comparedWith: "compared with",
        totals: "Totals", thisPeriod: "this period", before: "before", change: "change",
        campaigns: "Campaigns", campaign: "Campaign", noCampaign: "no campaign", overlaps: "Campaigns that overlap",
        both: { "\($0) and \($1)" }, trend: "Week by week", weeks: { "\($0) weeks" },
        tables: [
            "pages": "Pages", "sources": "Sources", "locales": "Languages", "countries": "Countries",
            "devices": "Devices", "days": "Days", "links": "Links clicked",
        ],
        keys: [
            "direct": "direct", "unknown": "unknown", "desktop": "desktop", "mobile": "mobile", "tablet": "tablet",
            "other": "other",
        ],
        other: { "other (rows: \($0))" }, more: { "… and \($0) more" },
        actions: "Actions", count: "clicks",
        consent: "Consent", granted: "Granted", refused: "Refused", withdrawn: "Withdrawn",
        about: { "about \($0)" }, interval: "95% interval of it", between: { "\($0) to \($1)" },
        partitions: "Partitions read", state: "state", sealed: "sealed", open: "open", events: "events",
        notShown: "not shown",
        folded: {
            "Rows folded: \($0). A group of fewer than \($1) visitors is not shown, nor what would reveal one by "
                + "subtraction."
        },
        onlyAgreed: "Only visitors who agreed are counted. Nobody can say here what those did who refused, did not "
            + "choose or block scripts.",
        share: { "Of those who chose, \($0) agreed." },
        returning: "One person with two browsers is two visitors, and so is one who agreed anew after erasing the "
            + "cookies: those who come back are at least as many as it seems.",
        estimateHolds: "The estimate holds if those who refused visit as often as those who agreed.",
        read: {
            "Partitions read: \($0), of them not sealed yet: \($1). Each with the hash of its content: --format json."
        },
        leftOut: { "Left out: \($0)" },
        explain: "What each number means: assent report --explain",
        oneCampaign: "One campaign by itself, with its pages, sources, days and links: assent report --campaign ID",
        definitions: "What the numbers mean",
        hints: Hints(
            runs: { "nothing matches: it runs \($0), outside of this period" },
            runsFrom: { "nothing matches: it runs from \($0) on" },
            runsUntil: { "nothing matches: it ran until \($0)" },
            nearest: { "nothing matches: at least \($2) page views have \($0) “\($1)”, the rule says “\($3)”" },
            none: "nothing matches, and nothing like it was seen"),
        terms: [
            "visitors": Term(
                "Visitors", "visitors",
                "Distinct random numbers that were given at opt-in and had an event in the period."),
            "visits": Term(
                "Visits", "visits",
                "Events of one visitor with no gap of more than 30 minutes, cut at the borders of the period."),
            "pageviews": Term("Page views", "page views", "Pages that were shown, counted each time."),
            "engaged_seconds": Term(
                "Engaged time", "time", "Time in which a page was visible and had the focus, added up."),
            "scroll_depth": Term(
                "Scroll depth", "scroll",
                "How far down a page was seen: the mean of the deepest points of each page in each visit, those left out "
                    + "of which none is known."),
            "bounce_rate": Term(
                "Bounce rate", "bounce",
                "The share of visits with one page view, no action and under 10 engaged seconds. Of a campaign: of its "
                    + "landings."),
            "actions": Term(
                "Actions", "actions", "Clicks and other acts that the page names, such as read_more or share."),
            "landings": Term(
                "Landings", "landings", "Attributed visits that began with a page view of the campaign."),
            "median_engaged_seconds": Term(
                "Median engaged time", "median time",
                "The engaged time with the campaign of the attributed visit that stands in the middle by it; of two the mean."
            ),
            "change": Term(
                "Change", "change",
                "(This period − before) ÷ before. None where there was nothing before, or where it was too small a "
                    + "group."),
            "campaigns": Term(
                "Campaigns", "campaigns",
                "A visit belongs to every campaign that one of its page views matches. Page views, time and actions of a "
                    + "campaign are those of matching events. Rules apply when the report is made, also to events from "
                    + "before."),
            "unattributed": Term("No campaign", "no campaign", "Visits that belong to no campaign."),
            "overlaps": Term(
                "Campaigns that overlap", "both",
                "Visits that belong to both campaigns; each counts in both rows above."),
            "pages": Term(
                "Pages", "pages",
                "By the path, without the language in front; a visit counts for every page that it saw."),
            "sources": Term(
                "Sources", "sources",
                "Where a visit came from, by its first page view: utm_source, else the referrer; direct where there is "
                    + "none."),
            "locales": Term("Languages", "languages", "By the language of the page."),
            "countries": Term(
                "Countries", "countries",
                "By the time zone of the browser, of the first page view; never by an address."),
            "devices": Term("Devices", "devices", "By the class of device, of the first page view."),
            "days": Term("Days", "days", "Local dates on which the visits began, by their first page view."),
            "links": Term("Links clicked", "links", "Targets of actions, without query and fragment."),
            "opt_in_rate": Term(
                "Opt-in rate", "rate", "Granted ÷ (granted + refused), of the choices of the period."),
            "refusals": Term(
                "Not stored", "not stored",
                "Events that were refused, by the reason. Nothing else of them is kept."),
            "estimate": Term(
                "Estimate of all visits", "estimate",
                "Visits ÷ opt-in rate, with the interval that the 95% Wilson interval of the rate gives; only from 30 "
                    + "choices on."),
            "folded": Term(
                "other", "other",
                "Rows that are too small to be shown, together; with more of them where a subtraction would bring one "
                    + "back. A dash stands for a number that may not be shown or cannot be given."),
            "partitions": Term(
                "Partitions read", "partitions",
                "The files that the numbers come from, each with the SHA-256 of its content: the same hashes give the "
                    + "same report."),
        ])
}
