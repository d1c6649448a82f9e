"""Abuse, kills, stops under load, and hours of it."""

import csv
import json
import os
import select
import signal
import time

from clients import Crowd, ended
from measure import Broken, DiskWatch, median, memory, mib, milliseconds, number, open_files, say

# What ordinary clients of 250 networks do: so many requests a second, over so many connections that none waits for one.
ORDINARY_RATE, ORDINARY_CONNECTIONS = 2_000, 1_000
SLOW_CLIENTS = 500
# In which a request must have arrived.
REQUEST_SECONDS = 10
# More than one network may have: 1,000.
FLOOD_CONNECTIONS, FLOOD_AGAIN = 900, 300
# So many events that all ids that are remembered are taken.
EVENTS_MIN = 1_100_000
RESTART_AIM, STOP_AIM = 2, 10
PEAK_SECONDS = 5
ABUSE_AIM = 2
SOAK_SAMPLE_SECONDS = 10
SOAK_WARM_SECONDS = 300


def abuse(bench):
    """Ordinary clients alone, beside slow ones, and beside a flood from one network, in turn."""
    seconds = bench.options.seconds
    names = {"alone": "alone", "slow": f"beside {SLOW_CLIENTS} slow clients of one network",
             "flood": "beside a flood from one network"}
    found = {name: [] for name in names}
    said = {"slow": [], "flood": []}
    with bench.assent(bench.server, requests_per_minute=600) as server, DiskWatch(bench.directory) as watch:
        clients = bench.clients(server)

        def ordinary(name):
            watch.highest()
            done = clients.load(server, 1, bench.others, connections=ORDINARY_CONNECTIONS, rate=ORDINARY_RATE,
                                seconds=seconds, source="127.10.*.1")
            done["disk_max_ms"] = watch.highest()
            say(f"  {name}: p50 {milliseconds(done['p50_ms'])}, p99 {milliseconds(done['p99_ms'])}, "
                f"{done['statuses']}")
            found[name].append(done)

        for index in range(bench.options.rounds):
            say(f"abuse, round {index + 1} of {bench.options.rounds} …")
            ordinary("alone")
            with Crowd(server, "slow", SLOW_CLIENTS, bench.others, behind=True) as crowd:
                # So that all are cut off in the middle of it.
                time.sleep(max(0.5, REQUEST_SECONDS - seconds / 2))
                ordinary("slow")
            said["slow"].append(crowd.said)
            flood = [clients.start(server, 1, bench.others, behind=True, seconds=0, again=1, source="127.202.0.*",
                                   **more)
                     for more in ({"connections": FLOOD_CONNECTIONS}, {"connections": FLOOD_AGAIN, "once": 1})]
            time.sleep(0.5)
            begun = time.monotonic()
            ordinary("flood")
            took = time.monotonic() - begun
            for each in flood:
                each.send_signal(signal.SIGTERM)
            said["flood"].append({"seconds": took + 0.5, "requests": ended(flood[0]), "connections": ended(flood[1])})
            time.sleep(1)
        everybody = [*sum(found.values(), []), *(each[kind] for each in said["flood"]
                                                 for kind in ("requests", "connections"))]
        server.end()
        compare(server, *(sum(each[name] for each in everybody) for name in ("acknowledged", "made")))
    beside = {"alone": f"{number(ORDINARY_RATE)} requests/s wanted", "slow": slow_text(said["slow"]),
              "flood": flood_text(said["flood"])}
    for name, what in names.items():
        runs = found[name]
        lost = sum(each["made"] + each["not_sent"] - each["acknowledged"] for each in runs)
        ratio = median([one["p99_ms"] / usual["p99_ms"] for one, usual in zip(runs, found["alone"])])
        compared = name != "alone"
        self_late = median([each["late_p99_ms"] for each in runs])
        bench.row(f"ordinary clients {what}",
                  f"p50 {milliseconds(median([each['p50_ms'] for each in runs]))}, "
                  f"p99 {milliseconds(median([each['p99_ms'] for each in runs]))}"
                  f"{f', **not 204: {lost}**' if lost else ''}",
                  f"{beside[name]}; sent late by {milliseconds(self_late)} (p99); the disk's longest sync "
                  f"{milliseconds(max(each['disk_max_ms'] for each in runs))}", ratio if compared else None,
                  f"p99 within {ABUSE_AIM} × that alone" if compared else "", ratio <= ABUSE_AIM if compared else None,
                  {"runs": runs, "others": said.get(name)})


def slow_text(said):
    return f"{number(median([each.get('cut', 0) for each in said]))} of the slow ones were cut off and came again"


def flood_text(said):
    def rate(kind):
        return median([sum(each[kind]["statuses"].values()) / each["seconds"] for each in said])

    away = median([sum(each[kind][name] for kind in ("requests", "connections")
                       for name in ("failed", "refused_connections")) for each in said])
    return (f"{number(rate('requests'))} requests/s on open connections, {number(rate('connections'))}/s each on a new "
            f"one, {number(away)} connections turned away")


# MARK: Kills and stops


def restart(bench):
    starts, stops = [], []
    for index in range(bench.options.rounds):
        say(f"{bench.on}, kill and stop, round {index + 1} of {bench.options.rounds} …")
        starts.append(killed(bench))
        stops.append(stopped(bench))
    waiting = [each["journal_events"] for each in starts]
    slowest = max(each["seconds"] for each in starts)
    bench.row(f"{bench.on}: start after a kill under full load",
              f"{milliseconds(1000 * median([each['seconds'] for each in starts]))}, "
              f"slowest {milliseconds(1000 * slowest)}",
              f"up to {number(max(waiting))} events in the journal, "
              f"{mib(max(each['journal_bytes'] for each in starts))}, "
              f"the most ever seen {number(max(each['highest'] for each in starts))}; after a stop "
              f"{milliseconds(1000 * median([each['after_stop'] for each in starts]))}",
              None, f"within {RESTART_AIM} s", slowest <= RESTART_AIM, starts)
    slowest = max(each["seconds"] for each in stops)
    bench.row(f"{bench.on}: stop under full load",
              f"{milliseconds(1000 * median([each['seconds'] for each in stops]))}, "
              f"slowest {milliseconds(1000 * slowest)}", "", None, f"within {STOP_AIM} s", slowest <= STOP_AIM, stops)


def loaded(bench, server):
    """Full load of 32 events a request, until the server is gone."""
    clients = bench.clients(server)
    return clients.start(server, 32, bench.others, connections=bench.options.connections, seconds=600)


def compare(server, acknowledged, sent):
    """What a collector that has ended holds is all that was acknowledged, and nothing that was not sent."""
    held = server.held()
    if not acknowledged <= held <= sent:
        raise Broken(f"{number(acknowledged)} events were acknowledged and {number(sent)} sent, and {number(held)} are "
                     "there.")


def compare_load(server, done):
    compare(server, done["acknowledged"] * done["events_each"], done["made"] * done["events_each"])


def killed(bench):
    """A kill at a moment at which nearly as much waits in the journal as ever did under this load."""
    with bench.assent(bench.server) as server:
        load = loaded(bench, server)
        begun, highest = time.monotonic(), 0
        while True:
            numbers = server.metrics()
            waiting = numbers["assent_journal_events"]
            took = time.monotonic() - begun
            stored = numbers['assent_events_total{result="stored"}']
            enough = took > bench.options.seconds and stored > EVENTS_MIN
            if enough and (waiting >= 0.9 * highest or took > 120):
                break
            highest = max(highest, waiting)
            time.sleep(0.01)
        server.end(signal.SIGKILL)
        done = ended(load)
        events, held_bytes = server.journal()
        seconds = server.begin()
        code, _ = server.end()
        if code:
            raise Broken(f"The collector ended with {code} after a kill.")
        compare_load(server, done)
        after_stop = server.begin()
    say(f"  ready after {milliseconds(1000 * seconds)}, {number(events)} events in the journal, "
        f"{number(highest)} at most; after a stop {milliseconds(1000 * after_stop)}")
    return {"seconds": seconds, "after_stop": after_stop, "journal_events": events, "journal_bytes": held_bytes,
            "highest": max(highest, waiting), "load": done}


def stopped(bench):
    with bench.assent(bench.server) as server:
        load = loaded(bench, server)
        time.sleep(bench.options.seconds)
        code, seconds = server.end()
        done = ended(load)
        if code:
            raise Broken(f"The collector ended with {code} when it was asked to stop.")
        compare_load(server, done)
    say(f"  stopped after {milliseconds(1000 * seconds)}")
    return {"seconds": seconds, "load": done}


# MARK: Hours


FIELDS = ["seconds", "rate", "p50_ms", "p99_ms", "max_ms", "failed", "disk_max_ms", "resident_bytes", "open_files",
          "journal_events", "journal_bytes", "journal_file_bytes", "partition_bytes", "disk_free_bytes"]


def soak(bench, minutes, path):
    """Half of the greatest load for so long; a line every ten seconds goes to a file."""
    bench.cores = max(bench.options.cores)
    bench.server, bench.others = bench.processors[bench.cores]
    lines = []
    with bench.assent(bench.server) as server:
        clients = bench.clients(server)
        rate, events = bench.options.rate, 0
        if not rate:
            say("find the greatest load …")
            most = clients.load(server, 1, bench.others, connections=bench.options.connections,
                                seconds=bench.options.seconds)
            rate, events = most["acknowledged"] / most["elapsed"] / 2, most["acknowledged"]
        say(f"{number(rate)} requests/s for {minutes} minutes, written to {path} …")
        load = clients.start(server, 1, bench.others, connections=bench.options.connections, rate=rate,
                             seconds=minutes * 60 + 1, report=SOAK_SAMPLE_SECONDS)
        with open(path, "w", newline="") as file, DiskWatch(bench.directory) as watch:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            done = None
            while done is None:
                if not select.select([load.stdout], [], [], 5 * SOAK_SAMPLE_SECONDS)[0]:
                    raise Broken("The load says nothing any more.")
                told = json.loads(load.stdout.readline())
                if "interval" in told:
                    lines.append({**sample(server, told, lines), "disk_max_ms": round(watch.highest(), 3)})
                    writer.writerow(lines[-1])
                    file.flush()
                else:
                    done = told
        load.wait()
        if done["statuses"].keys() != {"204"} or done["failed"]:
            say(f"  Not every answer was 204: {done['statuses']}, {done['failed']} failed.")
            server.end()
            compare(server, events + done["acknowledged"], events + done["made"])
        else:
            bench.check(server, events + done["acknowledged"])
    summary(bench, lines, done, rate, minutes)


def sample(server, told, lines):
    numbers = server.metrics()
    last = lines[-1]["seconds"] if lines else 0
    return {
        "seconds": told["interval"], "rate": round(told["acknowledged"] / (told["interval"] - last), 1),
        **{name: told[name] for name in ("p50_ms", "p99_ms", "max_ms", "failed")},
        "resident_bytes": memory(server.process.pid), "open_files": open_files(server.process.pid),
        **{name: int(numbers[f"assent_{name}"]) for name in (
            "journal_events", "journal_bytes", "journal_file_bytes", "partition_bytes", "disk_free_bytes")}}


def summary(bench, lines, done, rate, minutes):
    warm = [each for each in lines if each["seconds"] >= min(SOAK_WARM_SECONDS, minutes * 60 / 2)]
    first, last = warm[0], warm[-1]
    hours = slope([each["seconds"] / 3600 for each in warm], [each["resident_bytes"] for each in warm])
    at = f"{first['seconds'] / 60:.0f} min"
    bench.row(f"steady load for {minutes} minutes",
              f"{number(done['acknowledged'] / done['elapsed'])}/s of {number(rate)}/s wanted, p50 "
              f"{milliseconds(done['p50_ms'])}, p99 {milliseconds(done['p99_ms'])}, "
              f"slowest {milliseconds(done['max_ms'])}",
              facts=lines)
    bench.row("p99 of ten seconds", f"median {milliseconds(median([each['p99_ms'] for each in lines]))}, "
              f"highest {milliseconds(max(each['p99_ms'] for each in lines))}",
              f"the disk's longest sync {milliseconds(max(each['disk_max_ms'] for each in lines))}")
    bench.row("resident memory", f"{mib(first['resident_bytes'])} after {at}, "
              f"{mib(last['resident_bytes'])} at the end, highest {mib(max(each['resident_bytes'] for each in lines))}",
              f"{hours / 1048576:+.2f} MiB an hour")
    bench.row("open files", f"{first['open_files']} after {at}, {last['open_files']} at the end, "
              f"highest {max(each['open_files'] for each in lines)}")
    bench.row("journal", f"highest {number(max(each['journal_events'] for each in lines))} events, "
              f"{mib(max(each['journal_bytes'] for each in lines))}, its files "
              f"{mib(max(each['journal_file_bytes'] for each in lines))}")
    bench.row("partitions", f"{mib(last['partition_bytes'])} at the end, "
              f"{last['partition_bytes'] / max(1, done['acknowledged']):.1f} bytes an event")


def slope(across, up):
    """Of the line that lies nearest to all points."""
    middle, height = sum(across) / len(across), sum(up) / len(up)
    spread = sum((each - middle) ** 2 for each in across)
    return sum((x - middle) * (y - height) for x, y in zip(across, up)) / spread if spread else 0
