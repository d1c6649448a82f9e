"""What is measured: the collector, and nginx beside it. Each has the processors that it is given."""

import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import shutil
import sqlite3
import subprocess
import time

from measure import Broken, memory, processor_seconds

SITE = "bench"
HOST = "www.example.org"
ORIGIN = f"https://{HOST}"
NOTICE = "We count visits."
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
PATIENCE_SECONDS = 120

CONFIGURATION = f"""listen = "127.0.0.1:%d"
staff_listen = "127.0.0.1:%d"
data = "%s"
durability = "full"
requests_per_minute = %d
[[site]]
id = "{SITE}"
name = "Bench"
origins = ["{ORIGIN}"]
timezone = "Europe/Brussels"
locales = ["en", "ar"]
[[site.notice]]
locale = "en"
text = "{NOTICE}"
"""

# It reads the bodies and throws them away, logs each request, and each of its processes has a socket of its own.
NGINX = """worker_processes %d; pid %s/pid; error_log /dev/null; daemon off; user root;
events { worker_connections 16384; }
http {
  access_log %s/access.log combined buffer=64k; client_body_temp_path %s/body; proxy_temp_path %s/p;
  fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s; keepalive_requests 1000000000;
  server { listen 127.0.0.1:%d reuseport; location / { return 204; } }
}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(arguments, processors, behind=False, **more):
    """Starts a program that sees some processors only.

    If it is behind, it has them while nobody else wants them.
    """
    def prepare():
        os.sched_setaffinity(0, processors)
        if behind:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    return subprocess.Popen(arguments, preexec_fn=prepare, **{"stdin": subprocess.DEVNULL, **more})


class Server:
    """A process that listens at a port, and those that it has started."""

    process = None

    def pids(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return [self.process.pid, *map(int, file.read().split())]

    def processor_seconds(self):
        return processor_seconds(self.pids())

    def end(self, sign=signal.SIGTERM):
        """Ends it; gives back its exit code and the seconds until then."""
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Broken(f"A server did not end within {PATIENCE_SECONDS} s.") from None
        return code, time.monotonic() - begun

    def __exit__(self, *_):
        self.end()

    def wait_until(self, ready, what):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise Broken(f"{what} did not become ready.")
            time.sleep(0.002)


class Nginx(Server):
    def __init__(self, directory, processors):
        self.port, self.processors = free_port(), processors
        self.directory = os.path.join(directory, "nginx")

    def __enter__(self):
        os.makedirs(self.directory)
        path = os.path.join(self.directory, "nginx.conf")
        with open(path, "w") as file:
            file.write(NGINX % (len(self.processors), *[self.directory] * 7, self.port))
        self.process = start(["/usr/sbin/nginx", "-c", path, "-p", self.directory], self.processors,
                             stderr=subprocess.DEVNULL)
        self.wait_until(lambda: status(self.port, "/"), "nginx")
        return self

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.directory)


class Assent(Server):
    """A collector with a data directory of its own, which goes with it."""

    def __init__(self, binary, directory, processors, requests_per_minute=0):
        self.binary, self.processors = os.path.abspath(binary), processors
        self.directory = os.path.join(directory, "assent")
        self.data = os.path.join(self.directory, "data")
        self.configuration = os.path.join(self.directory, "assent.toml")
        self.log = os.path.join(self.directory, "log")
        self.port, self.staff_port = free_port(), free_port()
        os.makedirs(self.directory)
        with open(self.configuration, "w") as file:
            file.write(CONFIGURATION % (self.port, self.staff_port, self.data, requests_per_minute))

    def __enter__(self):
        self.begin()
        return self

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.directory)

    def begin(self):
        """Starts it; gives back the seconds until it says that it is ready."""
        begun = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = start([self.binary, "serve", "--config", self.configuration], self.processors,
                                 stdout=log, stderr=log)
        self.wait_until(lambda: status(self.staff_port, "/readyz") == 200, "The collector")
        return time.monotonic() - begun

    # MARK: What it says of itself

    def metrics(self):
        """Numbers of /metrics by name, with their labels as they stand there."""
        text = fetch(self.staff_port, "/metrics")
        return {name: float(value) for name, value in re.findall(r"^([^#\s]+) (\S+)$", text, re.MULTILINE)}

    def stored(self):
        return int(self.metrics()['assent_events_total{result="stored"}'])

    def answered(self):
        """Answers to requests with events, by status."""
        found = {}
        for name, value in self.metrics().items():
            labels = re.fullmatch(r'assent_responses_total\{route="events",status="(\d+)"\}', name)
            if labels:
                found[int(labels[1])] = int(value)
        return found

    def held(self):
        """Events of a collector that has ended: those of its partitions, each read whole; where a long journal is left for
        the next start, those of an export, which knows what of it the partitions have already."""
        said = subprocess.run([self.binary, "partitions", "verify", "--config", self.configuration],
                              capture_output=True, text=True)
        found = re.search(r"(\d+) partitions? with (\d+) events", said.stdout)
        if said.returncode or not found:
            raise Broken(f"`partitions verify` found something wrong: {said.stdout.strip()[-200:]}")
        return self.exported() if self.journal()[0] else int(found[2])

    def exported(self):
        lines = 0
        export = subprocess.Popen([self.binary, "export", "--config", self.configuration], stdout=subprocess.PIPE)
        while block := export.stdout.read(1 << 20):
            lines += block.count(b"\n")
        if export.wait():
            raise Broken("`export` could not read what is held.")
        return lines

    def journal(self):
        """Events and bytes that wait in the journal of a collector that was killed; it is read in a copy."""
        copy = os.path.join(self.directory, "journal")
        os.makedirs(copy)
        try:
            for name in ("journal.sqlite", "journal.sqlite-wal"):
                if os.path.exists(os.path.join(self.data, name)):
                    shutil.copy(os.path.join(self.data, name), copy)
            with sqlite3.connect(os.path.join(copy, "journal.sqlite")) as database:
                counts = "SELECT coalesce(sum(events),0), coalesce(sum(length(rows)),0) FROM batch"
                return database.execute(counts).fetchone()
        finally:
            shutil.rmtree(copy)

    def memory(self, name="VmRSS"):
        return memory(self.process.pid, name)

    # MARK: Consents

    def consents(self, count):
        """Tokens of so many visitors, whose choices come from many networks."""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            tokens = list(pool.map(self.consent, range(count)))
        if len({len(token) for token in tokens}) != 1:
            raise Broken("Tokens differ in length, so one cannot stand in the place of another.")
        return tokens

    def consent(self, index):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=30, source_address=(f"127.{100 + index // 250 % 100}.{index % 250}.1", 0))
        connection.request("POST", "/v1/consent", json.dumps({
            "site": SITE, "choice": "granted", "notice": hashlib.sha256(NOTICE.encode()).hexdigest(), "locale": "en",
            "act": "click", "source": "banner"}),
            {"Content-Type": "application/json", "Origin": ORIGIN, "User-Agent": AGENT})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 201:
            raise Broken(f"A consent was answered {answer.status}.")
        return json.loads(text)["token"]


def status(port, path):
    """The status of an answer; 0 where there is nobody to ask."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def fetch(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()
