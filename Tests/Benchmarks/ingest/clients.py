"""Those who send: what they send, wrk, the program of load.c, and those who only sit there or dribble."""

import itertools
import json
import os
import subprocess
import sys
import time

from measure import Broken, busy_seconds, processor_seconds
from servers import HOST, ORIGIN, SITE, start

HERE = os.path.dirname(os.path.abspath(__file__))
# wrk goes on for so long with requests that store nothing, and all that do must be answered by then.
TAIL_SECONDS = 1
# The first second is left out of shares of processors.
WARM_SECONDS = 1

AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
]
LOCALES = [("ar", "Asia/Baghdad"), ("en", "Europe/London")]

# What a browser sends beside the least that there must be.
BROWSER = (f"Accept: */*\r\nAccept-Language: ar,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
           f"Referer: {ORIGIN}/ar/youth-day/\r\nConnection: keep-alive\r\nSec-Fetch-Dest: empty\r\n"
           "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\nPriority: u=6\r\n")


def request(agent, locale, zone, token_length, events, browser):
    """The bytes of one request, with marks where an id, a token and three digits go."""
    body = f'{{"site":"{SITE}","consent":"{"~" * token_length}","events":[' + ",".join(
        f'{{"id":"{"#" * 16}-{index:02}","type":"pageview","age":0,'
        f'"url":"{ORIGIN}/{locale}/youth-day/^^^/?utm_campaign=youthday","title":"Youth Day 2026 ^^^",'
        f'"referrer":"https://t.co/","locale":"{locale}","zone":"{zone}"}}' for index in range(events)) + "]}"
    return (f"POST /v1/events HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: {agent}\r\nOrigin: {ORIGIN}\r\n"
            f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
            f"{BROWSER if browser else ''}\r\n{body}").encode()


class Clients:
    """What clients of one collector send; each run of them has ids of its own."""

    tags = itertools.count(1)
    program = None

    def __init__(self, directory, tokens, browser=False):
        self.directory = directory
        self.tokens = os.path.join(directory, "tokens")
        with open(self.tokens, "w") as file:
            file.writelines(f"{token}\n" for token in tokens)
        self.lengths = {}
        for events in (1, 32):
            kinds = [request(agent, *locale, len(tokens[0]), events, browser) for agent in AGENTS for locale in LOCALES]
            self.lengths[events] = len(kinds[0].partition(b"\r\n\r\n")[2])
            with open(self.requests(events), "wb") as file:
                for kind in kinds:
                    file.write(b"%d\n%s" % (len(kind), kind))

    def requests(self, events):
        return os.path.join(self.directory, f"requests-{events}")

    @classmethod
    def compile(cls, directory):
        cls.program = os.path.join(directory, "load")
        done = subprocess.run(["clang", "-O2", "-o", cls.program, os.path.join(HERE, "load.c")],
                              capture_output=True, text=True)
        if done.returncode:
            raise Broken(f"load.c cannot be compiled by the toolchain's clang: {done.stderr[-300:]}")

    def wrk(self, server, events, connections, seconds, processors):
        """As much as a server takes from wrk. Gives back requests a second, the server's processor seconds of each, and
        the shares of processors."""
        threads = len(processors)
        process = start(
            ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds + TAIL_SECONDS}s", "--timeout", "30s",
             "-s", os.path.join(HERE, "wrk.lua"), f"http://127.0.0.1:{server.port}/", "--", self.requests(events),
             self.tokens, f"{next(self.tags):05x}", str(seconds)], processors,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        everything = processors | server.processors

        def used():
            mine, theirs = server.processor_seconds(), processor_seconds([process.pid])
            return mine, theirs, busy_seconds(everything) - mine - theirs

        time.sleep(WARM_SECONDS)
        begun, before = time.monotonic(), used()
        time.sleep(max(0.5, seconds - WARM_SECONDS - 0.2))
        wall = time.monotonic() - begun
        mine, theirs, others = (late - early for late, early in zip(used(), before))
        said = process.communicate()[0]
        line = next((line for line in said.splitlines() if line.startswith("{")), None)
        if process.returncode or not line:
            raise Broken(f"wrk failed: {said.strip()[-300:]}")
        counts = json.loads(line)
        lost = sum(counts[name] for name in ("status", "connect", "read", "write", "timeout"))
        good = counts["made"] - lost
        return {
            "requests": good, "rate": good / seconds, "not_204": lost, "cost": mine / wall / (good / seconds),
            "server": mine / wall / len(server.processors), "client": theirs / wall / len(processors),
            "others": max(0, others / wall / len(everything)), "counts": counts,
        }

    def start(self, server, events, processors, behind=False, **options):
        """Starts the program of load.c; its option `from` is written `source` here."""
        if "source" in options:
            options["from"] = options.pop("source")
        return start(
            [self.program, f"port={server.port}", f"requests={self.requests(events)}", f"tokens={self.tokens}",
             f"tag=l{next(self.tags):05x}", *(f"{name}={value}" for name, value in options.items())],
            processors, behind, stdout=subprocess.PIPE, text=True)

    def load(self, server, events, processors, **options):
        """Runs it to its end."""
        return ended(self.start(server, events, processors, **options))


def ended(process):
    """What the program of load.c says at its end."""
    said = process.communicate()[0]
    if process.returncode:
        raise Broken(f"The load ended with {process.returncode}.")
    return json.loads(said.splitlines()[-1])


class Crowd:
    """A process of clients that only sit there, or dribble, until the block ends."""

    said = None

    def __init__(self, server, kind, count, processors, behind=False):
        self.process = start([sys.executable, os.path.join(HERE, "crowd.py"), kind, str(server.port), str(count)],
                             processors, behind, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        if self.process.stdout.readline() != "ready\n":
            raise Broken("The crowd of connections was not let in.")
        return self

    def __exit__(self, *_):
        said = self.process.communicate("")[0].strip()
        self.said = json.loads(said) if said else {}
