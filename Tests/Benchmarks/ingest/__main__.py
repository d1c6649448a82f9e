"""The benchmark of the collector: what it takes, how long an answer waits, what it needs, and what it withstands.

    Tests/Benchmarks/ingest .build/release/assent --rounds 1 --only throughput

It starts collectors on a data directory of its own, and nginx beside them, sends them different events of many
visitors, and writes one table in Markdown. It ends with a sentence where what was acknowledged is not what was stored.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile

import hardship
from measure import Broken, file_system, say, share
from steps import CONNECTIONS_MAX, STEPS, Bench

FREE_BYTES_MIN = 4 << 30


def main():
    options = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    directory = tempfile.mkdtemp(prefix="assent-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    try:
        if shutil.disk_usage(directory).free < FREE_BYTES_MIN:
            raise Broken(f"There must be {FREE_BYTES_MIN >> 30} GiB free below TMPDIR (default /var/tmp).")
        if "memory" in options.only and hard < CONNECTIONS_MAX + 1_000:
            raise Broken(f"A process may open {hard} files; the step memory needs {CONNECTIONS_MAX + 1_000}.")
        bench = Bench(options, directory)
        facts = machine(options, directory)
        if options.soak:
            hardship.soak(bench, options.soak, options.csv)
        else:
            bench.run()
    except Broken as problem:
        say(f"The benchmark ends here: {problem}")
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(table(bench, facts))
    if bench.others_had > 0.05:
        say(f"Others had up to {share(bench.others_had)} of the processors meanwhile: the numbers say little.")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": facts, "rows": bench.rows}, file, indent=1, default=str)
            file.write("\n")
    return 0


def arguments():
    parser = argparse.ArgumentParser(prog="ingest", description=__doc__.split("\n")[0])
    parser.add_argument("binary", help="the release binary")
    parser.add_argument("--rounds", type=int, default=3, help="of each step; medians count, of times to start and stop "
                        "the slowest too (default 3)")
    parser.add_argument("--seconds", type=int, default=8, help="of each run (default 8)")
    parser.add_argument("--cores", type=lambda text: [int(each) for each in text.split(",")], default=[1, 2],
                        help="1: the server has one processor and its clients the other; 2: all have both; "
                        "default: both in turn")
    parser.add_argument("--connections", type=int, default=256, help="over which load comes (default 256)")
    parser.add_argument("--idle-connections", type=int, default=CONNECTIONS_MAX,
                        help="beside the load, as far as the collector has room (default: all the room)")
    parser.add_argument("--visitors", type=int, default=500, help="whose events they are (default 500)")
    parser.add_argument("--headers", choices=["few", "browser"], default="few",
                        help="of a request: what the collector needs, or all that a browser sends")
    parser.add_argument("--only", type=lambda text: text.split(","), default=STEPS, help=f"some of {', '.join(STEPS)}")
    parser.add_argument("--soak", type=int, metavar="MINUTES", help="nothing but half of the greatest load for so long")
    parser.add_argument("--rate", type=float, help="requests a second of --soak, in place of that half")
    parser.add_argument("--csv", metavar="FILE", default="soak.csv", help="where --soak writes its lines")
    parser.add_argument("--json", metavar="FILE", help="the rows and all single runs as JSON")
    options = parser.parse_args()
    unknown = [name for name in options.only if name not in STEPS]
    if unknown:
        parser.error(f"there is no step {', '.join(unknown)}: write some of {', '.join(STEPS)}")
    if not set(options.cores) <= {1, 2}:
        parser.error("--cores must be 1, 2 or 1,2")
    if options.rounds < 1 or options.seconds < 3:
        parser.error("--rounds must be at least 1, --seconds at least 3")
    if options.soak is not None and options.soak < 1:
        parser.error("--soak must be at least 1")
    return options


# MARK: Output


def machine(options, directory):
    """What the numbers depend on."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), os.uname().machine)
    with open("/proc/meminfo") as file:
        size = int(next(line.split()[1] for line in file if line.startswith("MemTotal"))) >> 10
    with open(options.binary, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]

    def version(*command):
        said = subprocess.run(command, capture_output=True, text=True)
        return next(iter(re.findall(r"\d+\.\d+\.\d+", said.stdout + said.stderr)), "of an unknown version")

    kind, device = file_system(directory)
    return {
        "processors": os.cpu_count(), "model": model, "memory_mib": size, "system": f"Linux {os.uname().release}",
        "files": f"{kind} on {device}", "assent": digest, "nginx": version("/usr/sbin/nginx", "-v"),
        "wrk": version("wrk", "-v"), "python": platform.python_version(), "rounds": options.rounds,
        "seconds": options.seconds, "connections": options.connections, "visitors": options.visitors,
        "headers": options.headers,
    }


def table(bench, facts):
    lines = ["| what | Assent | beside it | ratio | aim |", "|---|---|---|---|---|"]
    for row in bench.rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        aim = row["aim"] + {True: ": met", False: ": **missed**", None: ""}[row["met"]]
        lines.append(f"| {row['what']} | {row['assent']} | {row['beside']} | {ratio} | {aim} |")
    lines += ["", (
        f"{facts['processors']} × {facts['model']}, {facts['memory_mib']:,} MiB, {facts['system']}, {facts['files']}; "
        f"Assent (binary {facts['assent']}) with `durability = \"full\"`; nginx {facts['nginx']} with `return 204` and "
        f"a buffered access log; wrk {facts['wrk']}, Python {facts['python']}. {facts['rounds']} rounds of "
        f"{facts['seconds']} s, {facts['connections']} connections, events of {facts['visitors']} visitors, "
        f"{facts['headers']} headers. Every event is different, and what was acknowledged is what was stored. "
        "Medians; a ratio is the median of those of the rounds."), "", (
        "One core: the server has the first processor, its clients the second. Two cores: both have both, so the "
        "clients take a part of what the server could have. Shares are of the processors that each has: where wrk has "
        "nearly all of its own and the server less, the server could do more. At half of the load and beside those who abuse "
        "requests are due at fixed times and their time is counted from then. Abuse is measured with one core; those "
        "who abuse share the second processor and have it when the ordinary clients do not want it, so a flood is as "
        "large as what is left of it; where the ordinary clients send late, a part of their time is their own.")]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
