"""Made-up events of one site as lines that `assent import` takes: seeded, and the same bytes for the same options.

What is drawn by chance is drawn for all events at once (numpy); lines are put together column by column (Arrow). The
events are what the browser script sends: a page view with title, referrer and country, then engagements and actions
with the page's address. Texts are written as an export writes them, so that nothing about them has to be cleaned and
an export must give the same lines back.
"""

import argparse
import datetime
import itertools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import words

WEEKS = 8
DAY = 86_400_000
ORIGIN = "https://www.example.org"
PAGES = 2_010  # of all three languages
REFERRERS = 300
LINES_A_CHUNK = 400_000
VISITORS_AN_EVENT = 0.0675

PAGEVIEW, ENGAGEMENT, ACTION = 0, 1, 2


class Site:
    """Pages, campaigns and referrers, each as the piece of a line that says it."""

    def __init__(self, random):
        self.per_locale = PAGES // len(words.LOCALES)
        self.paths, self.titles = [], []
        for locale in words.LOCALES:
            slugs = self._slugs(random, words.WORDS[locale])
            for number, slug in enumerate(slugs):
                section = words.SECTIONS[locale][number % len(words.SECTIONS[locale])]
                self.paths.append(f"/{locale}/{section}/{slug}/" if number else f"/{locale}/")
                title = slug.replace("-", " ")
                name = words.SITE_NAMES[locale]
                self.titles.append(f"{title[:1].upper()}{title[1:]} · {name}" if number else name)
        self.weights = 1 / (np.arange(self.per_locale) + 3.0) ** 1.05
        self._landings()
        self._referrers(random)
        self._targets(random)

    def _slugs(self, random, vocabulary):
        slugs = {}
        while len(slugs) < self.per_locale:
            size = random.integers(2, 6)
            slugs["-".join(vocabulary[i] for i in random.integers(0, len(vocabulary), size))] = None
        return list(slugs)

    def _landings(self):
        """Ways into the site: query and fragment, and the page among those of a language; 0 is the bare address."""
        self.suffixes, pages, weights, launches = [""], [0], [0.0], [0]
        for place, (name, tags, sources, weight, launch) in enumerate(words.CAMPAIGNS):
            ways = [f"?utm_source={s}&utm_medium={m}&utm_campaign={name}{more}"
                    for (s, m), more in itertools.product(sources, ["", "&utm_content=a", "&utm_content=b"])]
            ways += [f"#{tag}" for tag in tags] * 2 + [f"?hashtag={tag}" for tag in tags]
            for rank, way in enumerate(ways):
                self.suffixes.append(way)
                pages.append(5 + place * 7)
                weights.append(weight / (1 + rank))
                launches.append(launch)
        self.landing_pages, self.launches = np.array(pages), np.array(launches)
        self.landing_weights = np.array(weights)

    def _referrers(self, random):
        """None, those of other hosts, then every page of the site's own."""
        hosts = list(words.REFERRERS)
        vocabulary = words.WORDS["en"]
        endings = ["example", "org.example", "blog.example", "news.example", "fr.example", "net.example"]
        for number in itertools.count():
            if len(hosts) == REFERRERS:
                break
            first, second = (vocabulary[i] for i in random.integers(0, len(vocabulary), 2))
            host = f"{'www.' if number % 3 else ''}{first}-{second}.{endings[number % len(endings)]}"
            if host not in hosts:
                hosts.append(host)
        # Most browsers say only the origin of another site.
        self.referrers = [""] + [f"https://{host}/{'story' if n % 7 == 6 else ''}" for n, host in enumerate(hosts)]
        self.referrers += [ORIGIN + path for path in self.paths]
        self.referrer_weights = 1 / (np.arange(REFERRERS) + 1.0) ** 1.1

    def _targets(self, random):
        """What the actions of each page lead to: few things on each, so that a page's targets repeat."""
        self.actions = [name for name, _, _ in words.ACTIONS]
        self.action_shares = np.array([share for _, share, _ in words.ACTIONS])
        self.choices = 3
        away = [f"https://partner-{w}.example/{v}" for w in words.WORDS["en"][:40] for v in ("", "join", "read")]
        self.action_pieces = []
        for page in range(len(self.paths)):
            for name, _, kind in words.ACTIONS:
                for choice in range(self.choices):
                    target = {
                        "page": lambda: ORIGIN + self.paths[int(random.integers(0, len(self.paths)))],
                        "away": lambda: away[int(random.integers(0, len(away)))],
                        "file": lambda: f"{ORIGIN}/files/{words.WORDS['en'][(page + choice) % 50]}-{page % 211}.pdf",
                        "share": lambda: ["https://x.com/intent/post", "https://www.facebook.com/sharer/sharer.php",
                                          "https://wa.me/"][choice],
                        "film": lambda: f"{ORIGIN}/films/{words.WORDS['en'][page % 50]}.mp4",
                        "": lambda: "",
                    }[kind]()
                    self.action_pieces.append(f',"name":"{name}"' + (f',"target":"{target}"' if target else ""))


def probabilities(weights):
    return weights / weights.sum()


class Events:
    """Columns of all events, in the order in which they are written."""

    def __init__(self, count, seed, start, one_day=False, shuffled=False):
        self.random = random = np.random.default_rng(seed)
        self.site = site = Site(random)
        self.count = count
        self.start = int(datetime.datetime.combine(start, datetime.time(), datetime.UTC).timestamp()) * 1_000
        self._draw_visitors(max(1, round(count * VISITORS_AN_EVENT)))
        visits = self._draw_visits(one_day)
        self._draw_pages(visits, one_day)
        self._make_distinct()
        self._draw_values()
        order = random.permutation(self.count) if shuffled else np.lexsort((self.visitor, self.time))
        for name in ("visitor", "time", "kind", "page", "suffix", "referrer", "action", "seconds", "scroll"):
            setattr(self, name, getattr(self, name)[order])

    def _draw_visitors(self, count):
        random = self.random
        self.visitor_ids = random.integers(0, 256, (count, 16), np.uint8)
        self.locale = random.choice(3, count, p=[0.55, 0.25, 0.20]).astype(np.int8)
        self.client = random.choice(
            len(words.CLIENTS), count, p=probabilities(np.array([c[3] for c in words.CLIENTS]))).astype(np.int8)
        self.country = np.zeros(count, np.int8)
        self.countries, self.hours = [], []
        for number, locale in enumerate(words.LOCALES):
            known = words.COUNTRIES[locale]
            mine = np.flatnonzero(self.locale == number)
            drawn = random.choice(len(known), len(mine), p=probabilities(1 / (np.arange(len(known)) + 1.0) ** 1.2))
            self.country[mine] = drawn + len(self.countries)
            self.countries += [code for code, _ in known]
            self.hours += [hours for _, hours in known]

    def _draw_visits(self, one_day):
        """Most come once or twice, few very often."""
        random, site = self.random, self.site
        often = np.minimum(random.zipf(2.5, len(self.visitor_ids)), 500)
        visitor = np.repeat(np.arange(len(often), dtype=np.int32), often)
        days = WEEKS * 7
        weekday = np.array([1.10, 1.12, 1.08, 1.05, 0.95, 0.70, 0.75])
        strength = weekday[np.arange(days) % 7] * np.linspace(0.9, 1.1, days)
        day = random.choice(days, len(visitor), p=probabilities(strength))
        by_hour = np.array([2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 11, 12, 12, 11, 11, 10, 10, 11, 12, 11, 8, 4.0])
        hour = random.choice(24, len(visitor), p=probabilities(by_hour))
        begin = (day * 24 + hour) * 3_600_000 + random.integers(0, 3_600_000, len(visitor))
        begin -= np.array(self.hours)[self.country[visitor]] * 3_600_000
        # What local hours push over the edges comes in at the other one, and the last visits have time to end.
        begin %= (DAY if one_day else days * DAY) - 1_800_000
        # One visit in seven comes by a campaign that has begun, more of them while it is young.
        suffix = random.choice(len(site.suffixes), len(visitor), p=probabilities(site.landing_weights)).astype(np.int16)
        age = day - site.launches[suffix]
        lures = (age >= 0) & (random.random(len(visitor)) < 0.08 + 0.25 / (1 + np.maximum(age, 0) / 4))
        suffix[~lures] = 0
        referrer = random.choice(REFERRERS, len(visitor), p=probabilities(site.referrer_weights)).astype(np.int16) + 1
        referrer[random.random(len(visitor)) < 0.42] = 0
        return visitor, begin, suffix, referrer

    def _draw_pages(self, visits, one_day):
        """Pages of each visit, and of each page its view, engagements and actions; a little more than is asked for, and
        the surplus is left out at random."""
        random, site = self.random, self.site
        visitor, begin, suffix, referrer = visits
        mean = max(1.05, 1.04 * self.count / (2.4 * len(visitor)))
        pages = np.minimum(random.geometric(1 / mean, len(visitor)), 60)
        visit = np.repeat(np.arange(len(visitor), dtype=np.int32), pages)
        first = np.zeros(len(visit), bool)
        first[np.cumsum(pages) - pages] = True
        rank = random.choice(site.per_locale, len(visit), p=probabilities(site.weights)).astype(np.int32)
        lured = first & (suffix[visit] > 0)
        rank[lured] = site.landing_pages[suffix[visit[lured]]]
        page = (rank + self.locale[visitor[visit]].astype(np.int32) * site.per_locale).astype(np.int16)
        from_page = np.roll(page, 1) + np.int16(REFERRERS + 1)
        page_referrer = np.where(first, referrer[visit], from_page)
        page_suffix = np.where(first, suffix[visit], np.int16(0))
        dwell = np.minimum(random.lognormal(10.2, 1.2, len(visit)), 1_200_000).astype(np.int64) + 500
        passed = np.cumsum(dwell) - dwell
        at = begin[visit] + passed - passed[first][visit]

        looked = 1 - (random.random(len(visit)) < 0.1) + (dwell > 60_000) * (random.random(len(visit)) < 0.7)
        acted = random.binomial(3, 0.1, len(visit))
        total = len(visit) + int(looked.sum()) + int(acted.sum())
        if total < self.count:
            raise SystemExit(f"Only {total} events were drawn: ask for more of them, or for another seed.")
        of_page = np.arange(len(visit), dtype=np.int32)
        of_page = np.concatenate([of_page, np.repeat(of_page, looked), np.repeat(of_page, acted)])
        kind = np.repeat(np.array([PAGEVIEW, ENGAGEMENT, ACTION], np.int8),
                         [len(visit), int(looked.sum()), int(acted.sum())])
        kept = np.sort(random.permutation(total)[:self.count])
        of_page, kind = of_page[kept], kind[kept]
        share = np.where(kind == PAGEVIEW, 0, np.where(kind == ENGAGEMENT, 1 - random.random(self.count) ** 3,
                                                       random.random(self.count)))
        self.kind = kind
        self.dwell = (dwell[of_page] * share).astype(np.int64)
        end = DAY if one_day else WEEKS * 7 * DAY
        self.time = self.start + np.minimum(at[of_page] + self.dwell, end - 60_000)
        self.visitor = visitor[visit[of_page]]
        self.page, self.suffix = page[of_page], page_suffix[of_page]
        self.referrer = np.where(kind == PAGEVIEW, page_referrer[of_page], np.int16(0)).astype(np.int16)

    def _make_distinct(self):
        """No visitor has two events in one millisecond, so that no two lines are one event."""
        key = (self.visitor.astype(np.int64) << 34) + (self.time - self.start)
        order = np.argsort(key, kind="stable")
        key = key[order]
        while True:
            same = np.flatnonzero(key[1:] <= key[:-1]) + 1
            if not len(same):
                break
            key[same] = key[same - 1] + 1
        self.time[order] = (key & ((1 << 34) - 1)) + self.start

    def _draw_values(self):
        random, site = self.random, self.site
        choice = random.integers(0, site.choices, self.count)
        name = random.choice(len(site.actions), self.count, p=probabilities(site.action_shares))
        self.action = ((self.page.astype(np.int32) * len(site.actions) + name) * site.choices + choice)
        # Seconds of attention come with one decimal from the script.
        tenths = np.round(self.dwell * random.random(self.count) / 100)
        self.seconds = np.minimum(tenths * 100, 3_600_000).astype(np.int32)
        depth = np.minimum(100, np.round(random.beta(1.6, 1.4, self.count) * 110)).astype(np.int8)
        self.scroll = depth

    # MARK: Lines

    def write(self, path, exact_seconds=False):
        """Writes all lines and gives back how many bytes they have."""
        tables = self._tables()
        written = 0
        with open(path, "wb") as file:
            for first in range(0, self.count, LINES_A_CHUNK):
                lines = self._lines(slice(first, min(first + LINES_A_CHUNK, self.count)), tables, exact_seconds)
                start, end = np.frombuffer(lines.buffers()[1], np.int32)[[0, len(lines)]]
                written += file.write(lines.buffers()[2][int(start):int(end)])
        return written

    def _tables(self):
        """Pieces of lines that many events share."""
        site = self.site
        places = itertools.product([""] + self.countries, words.LOCALES)
        return {
            "visitor": hexadecimal(self.visitor_ids),
            "kind": pa.array([f'","type":"{kind}","id":"' for kind in ("pageview", "engagement", "action")]),
            "path": pa.array([f'","url":"{ORIGIN}{path}' for path in site.paths]),
            "suffix": pa.array([f'{suffix}"' for suffix in site.suffixes]),
            "title": pa.array([f',"title":"{title}"' for title in site.titles] + [""]),
            "referrer": pa.array([f',"referrer":"{referrer}"' if referrer else "" for referrer in site.referrers]),
            "place": pa.array([f',"locale":"{locale}"' + (f',"country":"{country}"' if country else "")
                               for country, locale in places]),
            "client": pa.array([f',"device":"{device}","browser":"{browser}","system":"{system}"'
                                for device, browser, system, _ in words.CLIENTS]),
            "action": pa.array(site.action_pieces + [""]),
            "scroll": pa.array([f',"scroll":{depth}' for depth in range(101)] + [""]),
        }

    def _lines(self, rows, tables, exact_seconds):
        kind, page, visitor = self.kind[rows], self.page[rows], self.visitor[rows]
        views = kind == PAGEVIEW
        engaged = kind == ENGAGEMENT
        milliseconds = self.seconds[rows].astype(np.int64)
        if exact_seconds:
            milliseconds = np.where(milliseconds > 0, milliseconds - self.time[rows] % 100, 0)
        country = np.where(views, self.country[visitor].astype(np.int32) + 1, 0)

        def piece(name, index):
            return pc.take(tables[name], pa.array(index))

        count = len(kind)
        seconds = pc.binary_join_element_wise(
            ',"seconds":', pc.cast(pa.array(milliseconds // 1_000), pa.string()),
            pc.take(DECIMALS, pa.array(milliseconds % 1_000)), "")
        return pc.binary_join_element_wise(
            '{"time":', pc.cast(pa.array(self.time[rows]), pa.string()), ',"visitor":"', piece("visitor", visitor),
            piece("kind", kind), event_ids(self.random, count), piece("path", page), piece("suffix", self.suffix[rows]),
            piece("title", np.where(views, page, len(self.site.paths))), piece("referrer", self.referrer[rows]),
            piece("place", country * len(words.LOCALES) + self.locale[visitor]),
            piece("client", self.client[visitor]),
            piece("action", np.where(kind == ACTION, self.action[rows], len(self.site.action_pieces))),
            pc.if_else(pa.array(engaged), seconds, ""),
            piece("scroll", np.where(engaged, self.scroll[rows], 101)), "}\n", "")


DECIMALS = pa.array([f".{thousandths:03}".rstrip("0").rstrip(".") for thousandths in range(1_000)])
DIGITS = np.array([[ord(digit) for digit in f"{byte:02x}"] for byte in range(256)], np.uint8)


def hexadecimal(ids):
    """Strings of the hex digits of each row of bytes."""
    width = ids.shape[1] * 2
    offsets = np.arange(len(ids) + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(DIGITS[ids].tobytes()))


def event_ids(random, count):
    """128 random bits in hex digits, as the browser script makes them."""
    return hexadecimal(random.integers(0, 256, (count, 16), np.uint8))


def main():
    parser = argparse.ArgumentParser(description="Write made-up events as lines that `assent import` takes.")
    parser.add_argument("output")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=datetime.date.fromisoformat, default=datetime.date(2026, 9, 21))
    parser.add_argument("--one-day", action="store_true", help="All on the first day.")
    parser.add_argument("--shuffled", action="store_true", help="In no order.")
    parser.add_argument("--exact-seconds", action="store_true", help="Seconds with three decimals, not one.")
    options = parser.parse_args()
    events = Events(options.events, options.seed, options.start, options.one_day, options.shuffled)
    print(events.write(options.output, options.exact_seconds))


if __name__ == "__main__":
    main()
