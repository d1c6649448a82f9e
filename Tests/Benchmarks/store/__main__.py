"""The benchmark of the store beside its rivals: bytes an event, import, seal, scan, report, export, erasure.

    .build-bench/bin/python Tests/Benchmarks/store .build/release/assent --events 1000000

It draws seeded events, gives the same lines to Assent, DuckDB, ClickHouse (chdb) and Parquet, measures each step as a
whole process, and writes one table in Markdown. It ends with a sentence where two that should agree do not.
"""

import argparse
import datetime
import hashlib
import json
import os
import shutil
import sys
import tempfile

from measure import Broken, say
from steps import NEEDS, Bench, wanted

# What the lines, the columns of the rivals, and the largest step need at once.
BYTES_AN_EVENT = 1_300


def main():
    options = arguments()
    directory = options.keep or tempfile.mkdtemp(
        prefix="assent-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    os.makedirs(directory, exist_ok=True)
    try:
        free = shutil.disk_usage(directory).free
        if free < options.events * BYTES_AN_EVENT:
            raise Broken(f"There are {free >> 20} MiB free in the working directory; "
                         f"{options.events} events need {options.events * BYTES_AN_EVENT >> 20} MiB. Name another "
                         "one by TMPDIR or --keep.")
        bench = Bench(options, directory)
        facts = machine(bench)
        steps = wanted(options.only)
        if steps != ["giant"]:
            bench.prepare()
        for step in steps:
            getattr(bench, f"take_{step}")()
    except Broken as problem:
        say(f"The benchmark ends here: {problem}")
        return 1
    finally:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
    print(table(bench, facts))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": facts, "rows": bench.rows, "left_out": bench.skipped}, file, indent=1)
            file.write("\n")
    return 0


def arguments():
    parser = argparse.ArgumentParser(prog="store", description=__doc__.split("\n")[0])
    parser.add_argument("binary", help="the release binary")
    parser.add_argument("--events", type=int, default=10_000_000, help="how many (default 10 million)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=datetime.date.fromisoformat, default=datetime.date(2026, 9, 21),
                        help="first of the eight weeks' days; they must be over, and within 760 days")
    parser.add_argument("--shuffled", action="store_true", help="lines in no order, not in that of time")
    parser.add_argument("--rounds", type=int, default=3, help="of each step that is short, of which the median counts")
    parser.add_argument("--only", type=lambda text: text.split(","),
                        help=f"some of {', '.join(NEEDS)}; what they need is done too (default: all but giant)")
    parser.add_argument("--giant", action="store_true", help="also all events on one day")
    parser.add_argument("--keep", metavar="DIR", help="work in this directory and leave it")
    parser.add_argument("--json", metavar="FILE", help="the rows and all single runs as JSON")
    options = parser.parse_args()
    options.only = (options.only or [name for name in NEEDS if name != "giant"]) + ["giant"] * options.giant
    unknown = [name for name in options.only if name not in NEEDS]
    if unknown:
        parser.error(f"there is no step {', '.join(unknown)}: write some of {', '.join(NEEDS)}")
    if options.events < 10_000:
        parser.error("--events must be at least 10000")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.start + datetime.timedelta(days=58) > datetime.date.today():
        parser.error("--start must be so early that the eight weeks are over")
    return options


# MARK: Output


def machine(bench):
    """What the numbers depend on."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), os.uname().machine)
    with open("/proc/meminfo") as file:
        memory = int(next(line.split()[1] for line in file if line.startswith("MemTotal"))) >> 10
    _, versions = bench.rival("versions")
    return {
        "processors": os.cpu_count(), "model": model, "memory_mib": memory, "system": f"Linux {os.uname().release}",
        "assent": f"binary {digest(bench.assent.binary)}", **versions, "events": bench.options.events,
        "seed": bench.options.seed, "rounds": bench.options.rounds,
        "lines": "shuffled" if bench.options.shuffled else "in order of time",
    }


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def table(bench, facts):
    lines = ["| what | Assent | rivals | Assent ÷ rival | aim |", "|---|---|---|---|---|"]
    for row in bench.rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        aim = row["aim"] + {True: ": met", False: ": **missed**", None: ""}[row["met"]]
        lines.append(f"| {row['what']} | {row['assent']} | {row['rivals']} | {ratio} | {aim} |")
    lines += [""] + [f"Left out: {each}." for each in bench.skipped] + [""] * bool(bench.skipped)
    named = ("DuckDB", "ClickHouse", "chdb", "pyarrow", "Python", "zlib")
    versions = ", ".join(f"{name} {facts[name]}" for name in named)
    lines.append(
        f"{facts['events']:,} events {facts['lines']}, seed {facts['seed']}, {facts['rounds']} rounds; "
        f"{facts['processors']} × {facts['model']}, {facts['memory_mib']:,} MiB, {facts['system']}; "
        f"Assent ({facts['assent']}) with `durability = \"full\"`; {versions}. Rivals have 2 threads. Everything "
        "is a whole process, its start included; peaks are of resident memory. For rates and times the ratio is how many times as "
        "fast Assent is; for bytes, how many times as large. Rivals hold the columns that Assent stores and no event "
        "ids: the visitor as 16 bytes, the address as host, path, query and fragment.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
