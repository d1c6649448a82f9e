"""The program under measurement: its commands, its collector, and what it leaves on the disk."""

import hashlib
import http.client
import json
import mmap
import os
import re
import signal
import socket
import subprocess
import time

import campaigns
from measure import Broken, run, size
from words import LOCALES

SITE = "bench"
ORIGIN = "https://www.example.org"
NOTICE = "We count visits."
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
DURABILITY = "full"
TIME_ZONE = "Europe/Brussels"

CONFIGURATION = f"""listen = "127.0.0.1:%d"
staff_listen = "127.0.0.1:%d"
data = "%s"
durability = "{DURABILITY}"
requests_per_minute = 0
[[site]]
id = "{SITE}"
name = "Bench"
origins = ["{ORIGIN}"]
timezone = "{TIME_ZONE}"
locales = {json.dumps(LOCALES)}
retention_days = 760
minimum_group = 1
[[site.notice]]
locale = "en"
text = "{NOTICE}"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Assent:
    """A binary with a data directory and a configuration of its own; its campaigns count their days from a Monday."""

    def __init__(self, binary, directory, monday, name="assent"):
        self.binary = os.path.abspath(binary)
        self.data = os.path.join(directory, name)
        self.configuration = os.path.join(directory, f"{name}.toml")
        self.port, self.staff_port = free_port(), free_port()
        with open(self.configuration, "w") as file:
            file.write(CONFIGURATION % (self.port, self.staff_port, self.data) + campaigns.toml(monday))

    def command(self, *arguments):
        words = [word for word in arguments if not word.startswith("--")][:2]
        known = 2 if arguments[0] in ("partitions", "privacy") else 1
        options = arguments[known:]
        return [self.binary, *words[:known], "--config", self.configuration, *options]

    def run(self, *arguments):
        return run(self.command(*arguments))

    def knows(self, *command):
        """Whether the binary has a command with an option `--visitor`, told from its help."""
        said = subprocess.run([self.binary, *command, "--help"], capture_output=True, text=True).stdout
        return "--visitor" in said

    def import_lines(self, lines):
        """Gives back the run, and how many events were stored and held already."""
        done = self.run("import", "--basis", "benchmark with made-up events", lines)
        found = re.search(r"(\d+) lines: (\d+) stored, (\d+) held already, (\d+) skipped", done.output)
        if not found:
            raise Broken("An import did not say what it stored.")
        return done, int(found[2]), int(found[3])

    def verify(self):
        done = self.run("partitions", "verify")
        found = re.search(r"(\d+) partitions with (\d+) events", done.output)
        if not found:
            raise Broken("`partitions verify` did not say how many events there are.")
        return done, int(found[2])

    # MARK: Files

    def partitions(self):
        """Paths of the partitions themselves, without what SQLite keeps beside them."""
        folder = os.path.join(self.data, "partitions", SITE)
        return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".sqlite"))

    def bytes(self):
        """Bytes of the partitions, of the ledger, and of everything in the data directory."""
        partitions = sum(size(path) + size(f"{path}-wal") for path in self.partitions())
        ledger = os.path.join(self.data, "ledger.sqlite")
        return partitions, size(ledger) + size(f"{ledger}-wal"), size(self.data)

    def traces(self, visitor):
        """Names of the files in which the visitor's id stands, as bytes or as hex digits."""
        needles = [bytes.fromhex(visitor), visitor.encode(), visitor.upper().encode()]
        found = []
        for folder, _, names in os.walk(self.data):
            for name in names:
                path = os.path.join(folder, name)
                if not size(path):
                    continue
                with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                    if any(view.find(needle) >= 0 for needle in needles):
                        found.append(os.path.relpath(path, self.data))
        return found


class Collector:
    """`assent serve`, ready when the block begins and stopped when it ends."""

    def __init__(self, assent, log):
        self.assent, self.log = assent, log

    def __enter__(self):
        self.output = open(self.log, "wb")
        self.process = subprocess.Popen(self.assent.command("serve"), stdout=self.output, stderr=self.output)
        deadline = time.monotonic() + 120
        while self._status(self.assent.staff_port, "/readyz") != 200:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise Broken("The collector did not become ready.")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.output.close()

    def _status(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def peak(self):
        """Peak of resident memory so far, in bytes."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))

    def post(self, path, body, expected, token=None):
        """Posts over a connection that is open already; gives back the answer and the seconds that it took."""
        connection = http.client.HTTPConnection("127.0.0.1", self.assent.port, timeout=120)
        connection.connect()
        headers = {"Content-Type": "application/json", "Origin": ORIGIN, "User-Agent": AGENT}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        begun = time.monotonic()
        connection.request("POST", path, json.dumps({"site": SITE, **body}), headers)
        answer = connection.getresponse()
        text = answer.read()
        took = time.monotonic() - begun
        connection.close()
        if answer.status != expected:
            raise Broken(f"POST {path} was answered {answer.status}: {text.decode(errors='replace')[:200]}")
        return json.loads(text) if text else {}, took

    def consent(self):
        """The visitor and the token of a new consent."""
        answer, _ = self.post("/v1/consent", {
            "choice": "granted", "notice": hashlib.sha256(NOTICE.encode()).hexdigest(), "locale": "en",
            "act": "click", "source": "banner"}, 201)
        return answer["visitor"], answer["token"]
