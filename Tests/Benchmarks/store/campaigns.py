"""The campaigns of the benchmark's site, of every kind of rule: for the configuration, and for a rival's tables."""

import datetime
import re

# Days are counted from the Monday of the reported week.
CAMPAIGNS = [
    {"id": "youth-day", "hashtags": ["YouthDay", "يوم_الشباب", "JeunesseDuMonde"], "utm_campaign": ["youthday*"],
     "paths": ["/youth-day/**"]},
    {"id": "plural-voices", "hashtags": ["#PluralVoices", "أصوات"], "utm_campaign": ["plural-voices"]},
    {"id": "newsletter", "utm_source": ["Newsletter"]},
    {"id": "water-week", "hashtags": ["waterweek", "SemaineDeLEau"], "utm_campaign": ["water-week"],
     "from": -5, "to": 3},
    {"id": "paid-media", "utm_medium": ["paid", "c*", "print"]},
    {"id": "press", "referrers": ["wikipedia.org", "t.co", "org.example"]},
    {"id": "library", "paths": ["/library/*", "/bibliothèque/*", "/مكتبة/*-*"], "from": -3},
    {"id": "film", "paths": ["/media/*film*", "/médias/**/*film*"], "hashtags": ["FilmFestival", "مهرجان"],
     "referrers": ["youtube.com"], "to": 4},
]

LISTS = ["hashtags", "paths", "utm_campaign", "utm_source", "utm_medium", "referrers"]


def toml(monday):
    """The campaigns as tables of a configuration."""
    lines = []
    for campaign in CAMPAIGNS:
        lines += ["[[site.campaign]]", f'id = "{campaign["id"]}"']
        for name in LISTS:
            if name in campaign:
                lines.append(f"{name} = [" + ", ".join(f'"{rule}"' for rule in campaign[name]) + "]")
        lines += [f"{name} = {monday + datetime.timedelta(days=campaign[name])}"
                  for name in ("from", "to") if name in campaign]
    return "\n".join(lines) + "\n"


def conditions():
    """Each campaign's rules but its dates as a condition of SQL, over the columns of an address and a referrer's host.

    The first is of an address, the second of a referrer. Texts are in lower case there, and no address of the benchmark
    is percent-encoded.
    """
    found = []
    for campaign in CAMPAIGNS:
        tags = ", ".join(text(tag.removeprefix("#").lower()) for tag in campaign.get("hashtags", []))
        said = "[fragment, hashtag, utm_campaign, utm_term, utm_content]"
        address = [f"list_has_any({said}, [{tags}])"] if tags else []
        address += [f"regexp_full_match(page, {text(path_expression(glob))})" for glob in campaign.get("paths", [])]
        for name in ("utm_campaign", "utm_source", "utm_medium"):
            for glob in campaign.get(name, []):
                pattern = ".*".join(re.escape(part) for part in glob.lower().split("*"))
                address.append(f"regexp_full_match({name}, {text(pattern)})")
        referrer = [f"referrer_host = {text(host)} OR ends_with(referrer_host, {text('.' + host)})"
                    for host in campaign.get("referrers", [])]
        found.append((" OR ".join(address) or "false", " OR ".join(referrer) or "false"))
    return found


def text(value):
    return "'" + value.replace("'", "''") + "'"


def path_expression(glob):
    """`*` stands for what lies within a segment, `**` for any number of segments."""
    segments = glob.strip("/").split("/")
    return "".join("(/[^/]*)*" if segment == "**" else "/" + "[^/]*".join(map(re.escape, segment.split("*")))
                   for segment in segments)


def dates(monday, start_of):
    """Campaign, first and last millisecond in which it runs, the last one left out."""
    def moment(campaign, name, days, otherwise):
        return start_of(monday + datetime.timedelta(days=campaign[name] + days)) if name in campaign else otherwise

    return [(number, moment(campaign, "from", 0, -(1 << 62)), moment(campaign, "to", 1, 1 << 62))
            for number, campaign in enumerate(CAMPAIGNS)]
