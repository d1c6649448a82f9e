"""How fast a visitor can be erased from the whole store: by the command, and by the visitor's own request."""

import json
import os
import sqlite3
import subprocess
import time

from assent import ORIGIN, SITE, Collector
from measure import Broken, mib, number, say, seconds

ANSWER_SECONDS = 0.05
GONE_SECONDS = 10
PATIENCE_SECONDS = 240


def described(name, about):
    days = "1 day" if about["days"] == 1 else f"{about['days']} days"
    return f"{name} visitor: {number(about['events'])} events on {days}"


def gone(assent, visitor, what):
    left = assent.traces(visitor)
    if left:
        raise Broken(f"After {what} the visitor's id stands in {', '.join(left)}.")


def by_command(bench, chosen):
    """`assent privacy erase` without a collector, of a typical visitor and of the one with the most events."""
    assent = bench.assent
    if not assent.knows("privacy", "erase"):
        return bench.skip("erase by command", "the binary has no `assent privacy erase`")
    _, before = assent.verify()
    for name, about in chosen.items():
        if not assent.traces(about["visitor"]):
            raise Broken("A visitor who is to be erased cannot be found in the store.")
        say(f"erase {name} by command …")
        done = assent.run("privacy", "erase", "--site", SITE, "--visitor", about["visitor"])
        try:
            receipt = json.loads(done.output)
        except ValueError:
            raise Broken("`assent privacy erase` did not write its receipt as JSON.") from None
        gone(assent, about["visitor"], "`assent privacy erase`")
        bench.row(f"erase by command, {described(name, about)}",
                  f"{seconds(done.wall)}, peak {mib(done.peak)}", aim=f"under {GONE_SECONDS} s",
                  met=done.wall < GONE_SECONDS, facts={**about, **done.facts(), "receipt": sorted(receipt)})
    _, after = assent.verify()
    erased = sum(about["events"] for about in chosen.values())
    if before - after != erased:
        raise Broken(f"{before - after} events went where {erased} should have.")


def by_request(bench, chosen):
    """A withdrawal beside the running collector: until it is answered, and until no byte is left.

    A new visitor agrees, gets the lines of the chosen one by an import, and a few events of today; then the days are
    sealed again.
    """
    assent = bench.assent
    _, before = assent.verify()
    with Collector(assent, os.path.join(bench.directory, "collector.log")) as collector:
        guests = {}
        for name, about in chosen.items():
            visitor, token = collector.consent()
            guests[name] = (visitor, token)
            lines = os.path.join(bench.directory, "guest.ndjson")
            copy_lines(bench.lines, about["visitor"], visitor, lines)
            _, stored, _ = assent.import_lines(lines)
            os.remove(lines)
            if stored != about["events"]:
                raise Broken(f"{stored} of {about['events']} events of a visitor were stored beside the collector.")
            collector.post("/v1/events", {"consent": token, "events": [
                {"id": f"erasure-{name}-{index}", "type": "pageview", "age": index, "url": f"{ORIGIN}/en/"}
                for index in range(3)]}, 204)
        say("seal again beside the collector …")
        assent.run("partitions", "seal")
        for name, (visitor, token) in guests.items():
            if not assent.traces(visitor):
                raise Broken("A visitor who is to withdraw cannot be found in the store.")
            say(f"withdraw {name} …")
            begun = time.monotonic()
            _, answered = collector.post("/v1/withdraw", {"erase": True}, 200, token)
            wait_until_complete(assent)
            took = time.monotonic() - begun
            gone(assent, visitor, "a withdrawal")
            about = chosen[name]
            what = described(name, about)
            facts = {"events": about["events"], "days": about["days"]}
            bench.row(f"withdrawal answered, {what}", seconds(answered), aim=f"under {ANSWER_SECONDS * 1000:.0f} ms",
                      met=answered < ANSWER_SECONDS, facts={**facts, "seconds": answered})
            bench.row(f"no byte left after it, {what}", seconds(took), aim=f"under {GONE_SECONDS} s",
                      met=took < GONE_SECONDS, facts={**facts, "seconds": took})
        bench.row("peak memory of the collector meanwhile", mib(collector.peak()),
                  facts={"peak_bytes": collector.peak()})
    # Events name their visitor by a number, for which nobody can search: but they are counted.
    _, after = assent.verify()
    bench.expect(after, before, "events after the withdrawals")


def copy_lines(lines, visitor, other, output):
    """Writes the lines of one visitor as those of another."""
    with open(output, "wb") as file:
        found = subprocess.Popen(["grep", "-F", f'"visitor":"{visitor}"', lines], stdout=subprocess.PIPE,
                                 env={**os.environ, "LC_ALL": "C"})
        for line in found.stdout:
            file.write(line.replace(visitor.encode(), other.encode(), 1))
        if found.wait() != 0:
            raise Broken("The lines of a visitor were not found.")


def wait_until_complete(assent):
    """Until the ledger says of every erasure that no byte is left."""
    ledger = sqlite3.connect(f"file:{assent.data}/ledger.sqlite?mode=ro", uri=True)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            asked, left = ledger.execute("SELECT count(*), count(*) - count(completed) FROM erasure").fetchone()
            if asked and not left:
                return
            if time.monotonic() > deadline:
                raise Broken(f"An erasure was not complete after {PATIENCE_SECONDS} s.")
            time.sleep(0.01)
    finally:
        ledger.close()
