"""What is measured. Each step adds rows; the benchmark ends where two that should agree do not."""

import datetime
import json
import os
import shutil
import sys

import erasure
import weekly
from assent import Assent
from measure import Broken, median, mib, number, run, say, scratch, seconds, size, warm

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY_AIM = 256 << 20

# Steps in their order, and those that each needs to have been taken.
NEEDS = {
    "import": [], "again": ["import"], "seal": ["import"], "bytes": ["seal"], "scan": ["seal"], "report": ["seal"],
    "export": ["seal"], "erase": ["seal"], "giant": [],
}


def wanted(names):
    """The steps of these names with all that they need, in order."""
    chosen = set()

    def take(name):
        chosen.add(name)
        for other in NEEDS[name]:
            take(other)

    for name in names:
        take(name)
    return [name for name in NEEDS if name in chosen]


class Bench:
    """The files of a benchmark and the rows that it has so far."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.rows, self.skipped = [], []
        scratch(directory)
        self.lines = self.path("lines.ndjson")
        self.tidy = self.path("tidy.duckdb")
        # That of the last whole week of the events.
        self.monday = options.start + datetime.timedelta(days=49 - options.start.weekday())
        self.assent = Assent(options.binary, directory, self.monday)
        self.duckdb, self.clickhouse = self.path("import.duckdb"), self.path("import.chdb")

    def path(self, name):
        return os.path.join(self.directory, name)

    def row(self, what, assent, rivals="", ratio=None, aim="", met=None, facts=None):
        say(f"  {what}: {assent}" + (f" | {rivals}" if rivals else ""))
        self.rows.append({"what": what, "assent": assent, "rivals": rivals, "ratio": ratio, "aim": aim, "met": met,
                          "facts": facts or {}})

    def skip(self, what, why):
        say(f"  {what} is left out: {why}.")
        self.skipped.append(f"{what}: {why}")

    def rival(self, *step):
        """Runs a step of a rival; gives back the run and what it said."""
        done = run([sys.executable, os.path.join(HERE, "rivals.py"), *map(str, step)])
        return done, json.loads(done.output)

    def remove(self, *paths):
        for path in paths:
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.remove(path)

    def expect(self, found, expected, what):
        if found != expected:
            raise Broken(f"{what}: {found} where there should be {expected}.")

    # MARK: Data

    def make_lines(self, output, *more):
        say(f"write {number(self.options.events)} lines …")
        run([sys.executable, os.path.join(HERE, "events.py"), output, "--events", str(self.options.events),
             "--seed", str(self.options.seed), "--start", self.options.start.isoformat(),
             *(["--shuffled"] if self.options.shuffled else []), *more])

    def prepare(self):
        """The lines, and the columns that rivals hold of them; kept ones of the same options are taken again."""
        mark = self.path("made-of.json")
        made_of = json.dumps(
            {name: str(getattr(self.options, name)) for name in ("events", "seed", "start", "shuffled")})
        if os.path.exists(mark) and open(mark).read() == made_of:
            say("The lines are those that were kept.")
        else:
            self.remove(mark, self.tidy)
            self.make_lines(self.lines)
            say("split them into columns for the rivals …")
            _, facts = self.rival("tidy", self.lines, self.tidy)
            self.expect(facts["events"], self.options.events, "events in the columns of the rivals")
            with open(mark, "w") as file:
                file.write(made_of)

    # MARK: Import

    def take_import(self):
        if "import" not in self.options.only:
            say("import …")
            self.import_assent()
            self.unsealed = self.held_before_the_seal()
            return
        contenders = {"assent": [], "duckdb": [], "chdb": []}
        for index in range(self.options.rounds):
            # Each of them is first, second and last in turn.
            order = list(contenders)[index % 3:] + list(contenders)[:index % 3]
            for name in order:
                say(f"import by {name}, round {index + 1} of {self.options.rounds} …")
                warm(self.lines)
                contenders[name].append(getattr(self, f"import_{name}")())
        runs = {name: median(each) for name, each in contenders.items()}
        rate = {name: self.options.events / each.wall for name, each in runs.items()}
        ratio = rate["assent"] / rate["duckdb"]
        self.row(
            "import", f"{number(rate['assent'])} events/s, peak {mib(runs['assent'].peak)}",
            f"DuckDB COPY {number(rate['duckdb'])}/s, {mib(runs['duckdb'].peak)}; "
            f"MergeTree {number(rate['chdb'])}/s, {mib(runs['chdb'].peak)}",
            ratio, "at least 0.5 of DuckDB", ratio >= 0.5,
            {name: [each.facts() for each in several] for name, several in contenders.items()})
        self.memory("import", runs["assent"])
        self.unsealed = self.held_before_the_seal()

    def held_before_the_seal(self):
        return dict(zip(("partitions", "ledger", "everything"), self.assent.bytes()))

    def import_assent(self):
        self.remove(self.assent.data)
        done, stored, held = self.assent.import_lines(self.lines)
        self.expect((stored, held), (self.options.events, 0), "events stored and held already")
        return done

    def import_duckdb(self):
        self.remove(self.duckdb)
        done, facts = self.rival("duckdb-import", self.lines, self.duckdb)
        self.expect(facts["events"], self.options.events, "events in DuckDB")
        return done

    def import_chdb(self):
        self.remove(self.clickhouse)
        done, facts = self.rival("chdb-import", self.lines, self.clickhouse)
        self.expect(facts["events"], self.options.events, "events in MergeTree")
        self.remove(self.clickhouse)
        return done

    def memory(self, what, done, limit=MEMORY_AIM):
        self.row(f"{what}: peak memory", mib(done.peak), aim=f"under {mib(limit)}", met=done.peak < limit,
                 facts=done.facts())

    def take_again(self):
        say("import the same lines again …")
        done, stored, held = self.assent.import_lines(self.lines)
        self.expect((stored, held), (0, self.options.events), "events stored and held already, the second time")
        self.row("the same import again: stores nothing",
                 f"{number(self.options.events / done.wall)} events/s, peak {mib(done.peak)}", facts=done.facts())

    # MARK: Seal

    def take_seal(self):
        say("seal …")
        done = self.assent.run("partitions", "seal")
        sealed = done.output.count("sealed ")
        self.expect(sealed, len(self.assent.partitions()), "partitions that were sealed")
        self.row(f"seal of {sealed} days", f"{number(self.options.events / done.wall)} events/s, {seconds(done.wall)}",
                 facts=done.facts())
        self.memory("seal", done)
        _, events = self.assent.verify()
        self.expect(events, self.options.events, "events in sealed partitions")

    # MARK: Bytes an event

    def take_bytes(self):
        """Everything that rivals hold is the columns that Assent stores, without event ids."""
        events = self.options.events
        partitions, ledger, everything = self.assent.bytes()
        self.held = partitions, partitions + ledger
        self.row("bytes an event, sealed partitions", f"{partitions / events:.2f}", facts={"bytes": partitions})
        self.row("bytes an event, with the ledger, where visitor ids are", f"{self.held[1] / events:.2f}",
                 facts={"bytes": self.held[1], "unsealed": self.unsealed})
        self.row("bytes an event, all of the data directory", f"{everything / events:.2f}", facts={"bytes": everything})
        for what, layout, aim in (("in order of time", "time", "fewer"), ("a file a day by visitor", "day", "fewer"),
                                  ("by visitor over all weeks", "visitor", "fewer (moonshot)")):
            found = {level: self.stored("parquet", f"parquet-{layout}-{level}", layout, level)["bytes"]
                     for level in (1, 3)}
            self.compare(f"Parquet zstd {what}", f"{found[3] / events:.2f} at level 3, {found[1] / events:.2f} at the "
                         "default of 1", min(found.values()), aim)
        for order, aim in (("time", "fewer"), ("visitor", "")):
            held = self.stored("duckdb-size", f"{order}.duckdb", order)["bytes"]
            self.compare(f"DuckDB's own file in order of {order}", f"{held / events:.2f}", held, aim)
        for codec, what in (("ZSTD(3)", "ZSTD(3)"), ("default", "default codec")):
            held = self.stored("chdb-size", "size.chdb", codec)
            self.compare(f"MergeTree by visitor over all weeks, {what}",
                         f"{held['bytes'] / events:.2f} ({held['codec']})", held["bytes"])
        with_ids, open_bytes = self.stored("parquet", "parquet-ids", "time", 3, "id")["bytes"], self.unsealed
        self.row("bytes an event with event ids, before the seal",
                 f"{(open_bytes['partitions'] + open_bytes['ledger']) / events:.2f} with the ledger",
                 f"Parquet zstd, in order of time: {with_ids / events:.2f}",
                 (open_bytes["partitions"] + open_bytes["ledger"]) / with_ids, facts={"parquet": with_ids})

    def stored(self, step, name, *arguments):
        """What a rival says of a file that holds all events, its bytes among it."""
        say(f"bytes: {step} {' '.join(map(str, arguments))} …")
        output = self.path(name)
        self.remove(output)
        _, facts = self.rival(step, self.tidy, output, *arguments)
        self.expect(facts["events"], self.options.events, f"events of {step}")
        self.remove(output)
        return facts

    def compare(self, what, text, bytes_there, aim=""):
        """Beside a rival who holds the visitors' ids too: so the ledger counts."""
        alone, both = (each / self.options.events for each in self.held)
        self.row(f"bytes an event beside {what}", f"{both:.2f}, partitions alone {alone:.2f}", text,
                 self.held[1] / bytes_there, aim, self.held[1] < bytes_there if aim else None, {"bytes": bytes_there})

    # MARK: Reading

    def take_scan(self):
        say("scan …")
        store = self.path("scan.duckdb")
        self.remove(store)
        self.rival("duckdb-size", self.tidy, store, "time")
        verified, scanned, inflated = [], [], []
        for _ in range(self.options.rounds):
            done, events = self.assent.verify()
            self.expect(events, self.options.events, "events that were verified")
            verified.append(done)
            done, facts = self.rival("duckdb-scan", store)
            self.expect(facts["events"], self.options.events, "events that DuckDB scanned")
            scanned.append(done)
            inflated.append(self.rival("inflate", *self.assent.partitions())[1])
        self.remove(store)
        verify, scan = median(verified), median(scanned)
        partitions, ledger, _ = self.assent.bytes()
        self.row("verify: reads every byte",
                 f"{number(self.options.events / verify.wall)} events/s, "
                 f"{(partitions + ledger) / verify.wall / 1e6:,.0f} MB/s, peak {mib(verify.peak)}",
                 f"DuckDB, a hash of all columns: {number(self.options.events / scan.wall)}/s",
                 scan.wall / verify.wall, facts={"assent": [r.facts() for r in verified],
                                                 "duckdb": [r.facts() for r in scanned]})
        if any("unknown" in each for each in inflated):
            return self.skip("zlib's own rate", inflated[0]["unknown"])
        took = sorted(each["seconds"] for each in inflated)[len(inflated) // 2]
        self.row("verify beside zlib alone", seconds(verify.wall),
                 f"zlib inflates the same {inflated[0]['inflated'] / 1e6:,.0f} MB in {seconds(took)}",
                 took / verify.wall, "zlib's rate", took / verify.wall >= 1, {"zlib": inflated})

    def take_report(self):
        weekly.take(self)

    def take_export(self):
        ours, theirs = [], []
        output = self.path("export.ndjson")
        for index in range(self.options.rounds):
            say(f"export, round {index + 1} of {self.options.rounds} …")
            ours.append(self.assent.run("export", "--output", output))
            if index == 0:
                _, checked = self.rival("check-export", output, self.tidy)
                self.expect(checked, {"events": self.options.events, "same": True}, "what an export says")
            self.remove(output)
            theirs.append(self.rival("duckdb-export", self.duckdb, output)[0])
            self.remove(output)
        done, other = median(ours), median(theirs)
        self.row("export, lines in order of time",
                 f"{number(self.options.events / done.wall)} events/s, peak {mib(done.peak)}",
                 f"DuckDB COPY TO {number(self.options.events / other.wall)}/s, {mib(other.peak)}",
                 other.wall / done.wall,
                 facts={"assent": [r.facts() for r in ours], "duckdb": [r.facts() for r in theirs]})
        self.memory("export", done)

    # MARK: The rest

    def take_erase(self):
        _, chosen = self.rival("visitors", self.tidy)
        erasure.by_command(self, chosen)
        erasure.by_request(self, chosen)

    def take_giant(self):
        """All events on one day: what bounds memory there is not the count of days."""
        lines = self.path("giant.ndjson")
        self.make_lines(lines, "--one-day")
        giant = Assent(self.options.binary, self.directory, self.monday, "giant")
        self.remove(giant.data)
        say("import and seal one giant day …")
        imported, stored, _ = giant.import_lines(lines)
        self.expect(stored, self.options.events, "events stored on one day")
        self.remove(lines)
        self.expect(len(giant.partitions()), 1, "partitions of one day")
        sealed = giant.run("partitions", "seal")
        _, events = giant.verify()
        self.expect(events, self.options.events, "events of one sealed day")
        for what, done in (("import", imported), ("seal", sealed)):
            self.row(f"{what} of {number(events)} events on one day",
                     f"{number(events / done.wall)} events/s", facts=done.facts())
            self.memory(f"{what} of one giant day", done)
        partitions, ledger, _ = giant.bytes()
        self.row("bytes an event of one giant day", f"{partitions / events:.2f}, with the ledger "
                 f"{(partitions + ledger) / events:.2f}", facts={"partitions": partitions, "ledger": ledger})
        self.remove(giant.data, giant.configuration)
