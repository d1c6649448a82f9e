"""What is measured. Each step adds rows; the benchmark ends where two that should agree do not."""

import os
import threading
import time

import hardship
from clients import Clients, Crowd
from measure import (Broken, DiskWatch, median, memory, mib, milliseconds, number, percentile, say, share, sync_times)
from servers import Assent, Nginx

STEPS = ["throughput", "latency", "memory", "abuse", "restart"]
IDLE_AIM, LOAD_AIM = 16 << 20, 64 << 20
# Those of the collector's public listener, all in all; idle ones are closed after 75 seconds.
CONNECTIONS_MAX = 10_000
CROWD_SECONDS_MAX = 30
# Where requests are due at fixed times: so many that none waits for one.
FREE_CONNECTIONS = 1_000
SAMPLE_SECONDS = 0.05


class Bench:
    """The rows that there are so far, and what single runs said."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.rows = []
        # Share of the processors that neither the server nor wrk had.
        self.others_had = 0
        Clients.compile(directory)
        # The server's, and those of everybody else.
        both = set(sorted(os.sched_getaffinity(0))[:2])
        if len(both) < 2:
            raise Broken("There must be two processors: one for the server and one for its clients.")
        self.processors = {1: ({min(both)}, {max(both)}), 2: (both, both)}

    def row(self, what, assent, beside="", ratio=None, aim="", met=None, facts=None):
        say(f"  {what}: {assent}" + (f" | {beside}" if beside else ""))
        self.rows.append({"what": what, "assent": assent, "beside": beside, "ratio": ratio, "aim": aim, "met": met,
                          "facts": facts})

    def assent(self, processors, **more):
        return Assent(self.options.binary, self.directory, processors, **more)

    def clients(self, server):
        return Clients(self.directory, server.consents(self.options.visitors), self.options.headers == "browser")

    def run(self):
        only = self.options.only
        for cores in self.options.cores:
            self.cores, self.on = cores, "one core" if cores == 1 else "two cores"
            self.server, self.others = self.processors[cores]
            if "throughput" in only or "latency" in only:
                self.take_rounds("throughput" in only, "latency" in only)
            if "memory" in only:
                self.take_memory()
            if "restart" in only:
                hardship.restart(self)
        if "abuse" in only:
            self.server, self.others = self.processors[1]
            hardship.abuse(self)

    def check(self, server, events):
        """What was acknowledged is what the collector says it stored, and what is in the files after its end."""
        stored = server.stored()
        if stored != events:
            raise Broken(f"{number(events)} events were acknowledged, and the collector says it stored "
                         f"{number(stored)}.")
        code, _ = server.end()
        if code:
            raise Broken(f"The collector ended with {code}.")
        held = server.held()
        if held != events:
            raise Broken(f"{number(events)} events were acknowledged, and {number(held)} are in the files.")

    # MARK: Throughput and latency

    def take_rounds(self, whole, latency):
        rounds = []
        for index in range(self.options.rounds):
            say(f"{self.on}, round {index + 1} of {self.options.rounds} …")
            found = {}
            with Nginx(self.directory, self.server) as nginx, self.assent(self.server) as server:
                clients = self.clients(server)
                pairs = [(nginx, "nginx", 1), (server, "assent", 1), (server, "assent", 32), (nginx, "nginx", 32)]
                if not whole:
                    pairs = [(server, "assent", 1)]
                # Each is first and second of its pair in turn.
                for each, name, events in pairs if index % 2 == 0 else reversed(pairs):
                    done = clients.wrk(each, events, self.options.connections, self.options.seconds, self.others)
                    say(f"  {name}, {events}: {number(done['rate'])} requests/s, not 204: {done['not_204']}, "
                        f"server {share(done['server'])}, wrk {share(done['client'])}")
                    found[name, events] = done
                    self.others_had = max(self.others_had, done["others"])
                acknowledged = sum(done["requests"] * events for (name, events), done in found.items()
                                   if name == "assent")
                answers = sum(done["requests"] for (name, _), done in found.items() if name == "assent")
                if server.answered() != {204: answers}:
                    raise Broken(f"wrk counted {answers} answers of 204, the collector gave {server.answered()}.")
                if latency:
                    acknowledged += self.measure_latency(server, clients, found)
                self.check(server, acknowledged)
            rounds.append(found)
        if whole:
            self.tell_throughput(rounds, clients.lengths)
        if latency:
            self.tell_latency([found["latency"] for found in rounds])

    def tell_throughput(self, rounds, lengths):
        def text(runs, events):
            rate = median([each["rate"] for each in runs])
            what = f"{number(rate)}/s"
            if events > 1:
                what = f"{number(rate * events)} events/s in {number(rate)} requests/s"
            lost = sum(each["not_204"] for each in runs)
            cost = median([each["cost"] for each in runs]) * 1e6
            return (f"{what} (server {share(median([each['server'] for each in runs]))}, {cost:.1f} µs a request, "
                    f"wrk {share(median([each['client'] for each in runs]))}"
                    f"{f', **not 204: {lost}**' if lost else ''})")

        for events, aim in ((1, 0.5), (32, None)):
            ours, theirs = ([found[name, events] for found in rounds] for name in ("assent", "nginx"))
            ratio = median([one["rate"] / other["rate"] for one, other in zip(ours, theirs)])
            rate = median([each["rate"] * events for each in ours])
            what = f"{self.on}: durable and acknowledged, {events} event{'' if events == 1 else 's'} a request"
            what += f" ({number(lengths[events])} bytes)"
            met, words = None, ""
            if events == 1:
                met, words = ratio >= aim, f"at least {aim} of nginx"
            elif self.cores == 1:
                met, words = rate >= 300_000, "at least 300,000 events/s"
            self.row(what, text(ours, events), f"nginx {text(theirs, events)}", ratio, words, met,
                     {"assent": ours, "nginx": theirs})

    def measure_latency(self, server, clients, found):
        """Adds what it finds, and gives back how many events were acknowledged."""
        seconds = self.options.seconds
        synced = sync_times(server.directory, 1, server.processors)
        idle = clients.load(server, 1, self.others, connections=1, seconds=seconds / 2)
        synced += sync_times(server.directory, 1, server.processors)
        with DiskWatch(server.directory) as watch:
            half = clients.load(server, 1, self.others, connections=max(self.options.connections, FREE_CONNECTIONS),
                                seconds=seconds, rate=found["assent", 1]["rate"] / 2)
            half["disk_max_ms"] = watch.highest()
        for done in (idle, half):
            if done["statuses"].keys() != {"204"} or done["failed"]:
                raise Broken(f"Not every answer was 204: {done['statuses']}, {done['failed']} failed.")
        found["latency"] = {
            "idle": idle, "half": half, "rate": found["assent", 1]["rate"] / 2,
            "sync_ms": [percentile(synced, each) * 1000 for each in (0.5, 0.99)]}
        say(f"  idle p50 {milliseconds(idle['p50_ms'])}, fdatasync {milliseconds(found['latency']['sync_ms'][0])}; "
            f"half of the load p50 {milliseconds(half['p50_ms'])}, p99 {milliseconds(half['p99_ms'])}")
        return idle["acknowledged"] + half["acknowledged"]

    def tell_latency(self, rounds):
        def middle(pick):
            return median([pick(each) for each in rounds])

        def times(name):
            return ", ".join(f"{label} {milliseconds(middle(lambda each: each[name][key]))}" for label, key in (
                ("p50", "p50_ms"), ("p99", "p99_ms")))

        ratio = middle(lambda each: each["idle"]["p50_ms"] / each["sync_ms"][0])
        self.row(f"{self.on}: time to a durable answer, idle", times("idle"),
                 f"fdatasync p50 {milliseconds(middle(lambda each: each['sync_ms'][0]))}, "
                 f"p99 {milliseconds(middle(lambda each: each['sync_ms'][1]))}",
                 ratio, "at most 2 × fdatasync (p50)", ratio <= 2, rounds)
        reached = middle(lambda each: each["half"]["acknowledged"] / each["half"]["elapsed"])
        wanted = middle(lambda each: each["rate"])
        late = middle(lambda each: each["half"]["late_p99_ms"])
        self.row(f"{self.on}: the same at half of the greatest load", times("half"),
                 f"{number(reached)}/s of {number(wanted)}/s wanted, sent late by {milliseconds(late)} (p99); "
                 f"the disk's longest sync {milliseconds(max(each['half']['disk_max_ms'] for each in rounds))}",
                 facts=rounds)

    # MARK: Memory

    def take_memory(self):
        say(f"{self.on}, memory …")
        connections = self.options.connections
        count = min(self.options.idle_connections, CONNECTIONS_MAX - connections)
        with self.assent(self.server) as server:
            time.sleep(1)
            idle = server.memory()
            clients = self.clients(server)
            acknowledged, highest = 0, {}
            with Crowd(server, "idle", count, self.others) as crowd:
                beside = server.memory()
                for events in (1, 32):
                    with Sampler(server) as sampler:
                        done = clients.load(server, events, self.others, connections=connections,
                                            seconds=min(self.options.seconds, CROWD_SECONDS_MAX))
                    if done["statuses"].keys() != {"204"} or done["failed"]:
                        raise Broken(f"Not every answer was 204: {done['statuses']}, {done['failed']} failed.")
                    acknowledged += done["acknowledged"] * events
                    highest[events] = max(sampler.samples), done["acknowledged"] / done["elapsed"]
            if crowd.said.get("closed") != 0:
                raise Broken(f"Of the idle connections {crowd.said.get('closed')} were closed.")
            peak = server.memory("VmHWM")
            self.check(server, acknowledged)
        facts = {"idle": idle, "connections": beside, "load": highest, "peak": peak}
        self.row(f"{self.on}: resident memory, idle", mib(idle), aim=f"at most {mib(IDLE_AIM)}", met=idle <= IDLE_AIM,
                 facts=facts)
        self.row(f"{self.on}: with {number(count)} idle connections", mib(beside), facts=facts)
        for events, (held, rate) in highest.items():
            self.row(f"{self.on}: with them, and full load of {events} event{'' if events == 1 else 's'} a request",
                     mib(held), f"{number(rate)} requests/s over {connections} connections",
                     aim=f"at most {mib(LOAD_AIM)}", met=held <= LOAD_AIM, facts=facts)
        self.row(f"{self.on}: peak of all that", mib(peak), facts=facts)


class Sampler:
    """Looks at a server's resident memory all the time, until the block ends."""

    def __init__(self, server):
        self.pid, self.samples = server.process.pid, [server.memory()]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(SAMPLE_SECONDS):
            self.samples.append(memory(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
