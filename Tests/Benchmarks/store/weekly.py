"""The weekly report beside SQL: what DuckDB is asked, and the same numbers as the report's JSON has them."""

import datetime
import json
import os
import statistics
import string
import zoneinfo
from decimal import Decimal

import campaigns
from assent import ORIGIN, TIME_ZONE
from measure import Broken, median, mib, number, say, seconds
from words import LOCALES

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY_AIM = 128 << 20
WEEKS = 8
DIMENSIONS = ["pages", "sources", "locales", "countries", "devices", "days"]
PARAMETERS = ["hashtag", "utm_campaign", "utm_source", "utm_medium", "utm_term", "utm_content"]
# Those of the known referrers that the drawn events have.
KNOWN_REFERRERS = {
    "google.com": "Google", "facebook.com": "Facebook", "t.co": "X", "bing.com": "Bing", "instagram.com": "Instagram",
    "duckduckgo.com": "DuckDuckGo", "linkedin.com": "LinkedIn", "wikipedia.org": "Wikipedia", "t.me": "Telegram",
    "chatgpt.com": "ChatGPT", "youtube.com": "YouTube", "reddit.com": "Reddit", "ecosia.org": "Ecosia",
    "yandex.com": "Yandex", "yahoo.com": "Yahoo",
}


# MARK: Measuring


def take(bench):
    """The report of the last week and the one before, and DuckDB's numbers of both, in turn."""
    year, week, _ = bench.monday.isocalendar()
    name = f"{year}-W{week:02}"
    store, asked = bench.path("report.duckdb"), bench.path("statements.json")
    bench.remove(store)
    say("a table for DuckDB's report …")
    bench.rival("duckdb-size", bench.tidy, store, "day")
    with open(asked, "w") as file:
        json.dump(statements(bench.monday), file)
    ours, theirs, alone = [], [], []
    for index in range(bench.options.rounds + 1):
        say(f"report of {name}, round {index} of {bench.options.rounds} …" if index else f"report of {name} …")
        done = bench.assent.run("report", "--week", name, "--format", "json")
        other, said = bench.rival("report", store, asked)
        if index == 0:
            # Both have now read what they need, and need not wait for the disk again.
            compared = check(done.output, said["answers"])
            continue
        ours.append(done)
        theirs.append(other)
        alone.append(said["seconds"])
    bench.remove(store, asked)
    done, other, within = median(ours), median(theirs), statistics.median(alone)
    bench.row(f"report of a week and the one before as JSON, {number(compared)} numbers and names",
              f"{seconds(done.wall)}, peak {mib(done.peak)}",
              f"DuckDB {seconds(other.wall)}, from opening its file to the last row {seconds(within)}, "
              f"{mib(other.peak)}",
              within / done.wall, "at most DuckDB's time from opening its file", done.wall <= within,
              {"assent": [r.facts() for r in ours], "duckdb": [r.facts() for r in theirs], "duckdb_within": alone})
    bench.memory("report", done, MEMORY_AIM)
    first, last = bench.options.start, bench.options.start + datetime.timedelta(days=7 * WEEKS - 1)
    runs = [bench.assent.run("report", "--from", first.isoformat(), "--to", last.isoformat(), "--compare", "none",
                             "--format", "json") for _ in range(bench.options.rounds)]
    done = median(runs)
    views = json.loads(done.output)["totals"]["pageviews"]
    bench.row(f"report of all eight weeks, {number(views)} page views", f"{seconds(done.wall)}, peak {mib(done.peak)}",
              facts={"assent": [r.facts() for r in runs]})


def check(output, answers):
    """How many numbers and names a report has that must be DuckDB's, and are."""
    said = json.loads(output, parse_float=Decimal)
    expected = report(answers)
    found = difference(said, expected)
    if found:
        raise Broken(f"the report says something else than DuckDB: {found}.")
    if not said["totals"]["visits"] or any(not campaign["visits"] for campaign in said["campaigns"]):
        raise Broken("a campaign of the report has no visits, so that nothing is shown of it.")
    return count(expected)


def start_of(day):
    """The first millisecond of a local date."""
    return int(datetime.datetime.combine(day, datetime.time(), zoneinfo.ZoneInfo(TIME_ZONE)).timestamp()) * 1_000


# MARK: SQL


def statements(monday):
    """The statements of weekly.sql, each with its name, or none where it answers nothing."""
    conditions = campaigns.conditions()

    def bits(which):
        """The campaigns whose conditions hold, the n-th as bit n + 1."""
        return "(" + " | ".join(f"CASE WHEN {each[which]} THEN {2 << number} ELSE 0 END"
                                for number, each in enumerate(conditions)) + ")"

    text = campaigns.text
    then, now, after = (start_of(monday + datetime.timedelta(days=days)) for days in (-7, 0, 7))
    filled = string.Template(open(os.path.join(HERE, "weekly.sql")).read()).substitute(
        then=then, now=now, after=after, locales="|".join(LOCALES), groups=len(campaigns.CAMPAIGNS) + 1,
        parameters=", ".join(f"lower(regexp_extract(query, '(?:^|&){name}=([^&]*)', 1)) AS {name}"
                             for name in PARAMETERS),
        address_campaigns=bits(0), referrer_campaigns=bits(1),
        running=" | ".join(f"CASE WHEN time >= {first} AND time < {end} THEN {2 << number} ELSE 0 END"
                           for number, first, end in campaigns.dates(monday, start_of)),
        days=" ".join(f"WHEN time >= {start_of(day)} THEN {text(day.isoformat())}"
                      for day in (monday + datetime.timedelta(days=6 - each) for each in range(7))),
        own_hosts=text(ORIGIN.removeprefix("https://").removeprefix("www.")),
        known_referrers=", ".join(f"({text(host)}, {text(name)})" for host, name in KNOWN_REFERRERS.items()))
    pieces = [piece for piece in filled.split(";\n") if piece.strip()]
    return [(piece.split("-- MARK: ")[1].split("\n")[0] if "-- MARK: " in piece else None, piece) for piece in pieces]


# MARK: The same as JSON

TALLY = {
    "visitors": (0, lambda row: (row["visitors"], 1)), "visits": (0, lambda row: (row["visits"], 1)),
    "pageviews": (0, lambda row: (row["pageviews"], 1)), "engaged_seconds": (1, lambda row: (row["engaged"], 1_000)),
    "scroll_depth": (1, lambda row: (row["scroll"], row["scrolled"])),
    "bounce_rate": (4, lambda row: (row["bounced"], row["visits"])),
}
CAMPAIGN = TALLY | {
    "landings": (0, lambda row: (row["landings"], 1)),
    "median_engaged_seconds": (1, lambda row: (row["twice_middle"], 2_000 if row["visits"] else 0)),
    "bounce_rate": (4, lambda row: (row["bounced_landings"], row["landings"])),
}
NOTHING = dict.fromkeys(("visitors", "visits", "landings", "pageviews", "engaged", "twice_middle", "scroll", "scrolled",
                         "bounced", "bounced_landings"), 0)


def rounded(above, below, decimals):
    """The quotient, a half rounded away from zero; none where there is nothing to divide by."""
    if not below:
        return None
    size = (2 * abs(above) * 10 ** decimals + below) // (2 * below)
    return Decimal(size if above >= 0 else -size).scaleb(-decimals)


def written(row, measures, actions):
    return {name: rounded(*value(row), decimals) for name, (decimals, value) in measures.items()} | {
        "actions": actions or {}}


def change(row, before, measures):
    changes = {}
    for name, (_, value) in measures.items():
        (now, below), (then, below_then) = value(row), value(before)
        known = below and below_then and then
        changes[name] = rounded(now * below_then - then * below, then * below, 4) if known else None
    return changes


def report(answers):
    """What a report must say, of everything that SQL can say."""
    answers = {name: [dict(zip(answer["columns"], row)) for row in answer["rows"]] for name, answer in answers.items()}
    totals = {(row["now"], row["campaign"]): row for row in answers["totals"]}
    actions, tables = {}, {}
    for row in answers["actions"]:
        of = row["now"], row["campaign"], row["dimension"], row["key"]
        actions.setdefault(of, {})[row["name"]] = row["count"]
    for row in answers["rows"]:
        group, dimension, key = row["campaign"], row["dimension"], row["key"]
        tables.setdefault(group, {}).setdefault(dimension, []).append(
            {"key": key} | written(row, TALLY, actions.get((True, group, dimension, key))))

    def whole(now, group, measures):
        return written(totals.get((now, group), NOTHING), measures, actions.get((now, group, "", None)))

    def changed(group, measures):
        return {"change": change(totals.get((True, group), NOTHING), totals.get((False, group), NOTHING), measures)}

    def all_tables(group):
        return {name: tables.get(group, {}).get(name, []) for name in DIMENSIONS}

    return {
        "totals": whole(True, 0, TALLY) | changed(0, TALLY), "compared": {"totals": whole(False, 0, TALLY)},
        "campaigns": [{"id": each["id"]} | whole(True, group, CAMPAIGN) | changed(group, CAMPAIGN) | all_tables(group)
                      for group, each in enumerate(campaigns.CAMPAIGNS, 1)],
        "unattributed": written(answers["unattributed"][0], TALLY, actions.get((True, -1, "", None))),
    } | all_tables(0)


def difference(said, expected, where=""):
    """The first place at which a report says something else than it must; what SQL cannot say is passed over."""
    if isinstance(expected, dict):
        if where.endswith("actions") and list(said or []) != sorted(expected):
            return f"{where} are {said}, not {expected}"
        pairs = [(f"{where}.{name}".lstrip("."), (said or {}).get(name), value) for name, value in expected.items()]
    elif isinstance(expected, list):
        if len(said or []) != len(expected):
            return f"{where} has {len(said or [])} rows, not {len(expected)}"
        pairs = [(f"{where}[{value.get('key', value.get('id'))}]", one, value) for one, value in zip(said, expected)]
    else:
        return None if said == expected else f"{where} is {said}, not {expected}"
    return next(filter(None, (difference(*pair[1:], pair[0]) for pair in pairs)), None)


def count(expected):
    """How many numbers and names there are to compare."""
    parts = expected.values() if isinstance(expected, dict) else expected if isinstance(expected, list) else None
    return 1 if parts is None else sum(map(count, parts))
