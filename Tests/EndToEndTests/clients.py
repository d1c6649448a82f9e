"""Clients of a collector that is killed, stopped, or has a disk that is full or slow. Tests import it."""

import atexit
import collections
import http.client
import json
import signal
import subprocess
import sys
import threading
import time

AGENT = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
         "Origin": "https://www.example.org", "Content-Type": "text/plain"}
PATIENCE_SECONDS = 60


def until(what, condition, pause=0.005):
    """Waits, and ends the program with a sentence if it waits in vain."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        if time.monotonic() > end:
            sys.exit(f"waited in vain until {what}")
        time.sleep(pause)
    return found


class Collector:
    """`assent serve`, started and ended as often as a test wants it."""

    def __init__(self, assent, config, address, staff, under=()):
        self.command = [*under, assent, "serve", "--config", config]
        self.address, self.staff = address, staff

    def start(self, output=subprocess.DEVNULL):
        """Starts it and waits until it is ready; false if it ends before."""
        self.process = subprocess.Popen(self.command, stderr=output, start_new_session=True)
        atexit.register(self.process.kill)
        return until("the collector is ready or gone", lambda: self.process.poll() is not None or self.is_ready()) \
            and self.process.poll() is None

    def is_ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path):
        connection = http.client.HTTPConnection(self.staff, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metric(self, name):
        lines = self.get("/metrics")[1].splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to stop; gives back its exit code and the seconds until its end."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS), time.monotonic() - begun


def ask(connection, path, body):
    connection.request("POST", path, json.dumps(body), AGENT)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def consent(address, notice):
    """The token of a new visitor."""
    status, _, body = ask(http.client.HTTPConnection(address, timeout=30), "/v1/consent", {
        "site": "coalition", "choice": "granted", "notice": notice, "locale": "en", "act": "click",
        "source": "banner"})
    if status != 201:
        sys.exit(f"a consent was answered {status}: {body}")
    return json.loads(body)["token"]


def events(names):
    return [{"id": name, "type": "pageview", "age": 0, "url": "https://www.example.org/en/"} for name in names]


class Clients:
    """So many visitors who send one request after the other, each again until it is acknowledged."""

    def __init__(self, address, notice, count, each=1):
        self.address, self.each = address, each
        self.tokens = [consent(address, notice) for _ in range(count)]
        self.stopped = threading.Event()
        self.acknowledged = [[] for _ in self.tokens]
        # What each of them has sent last, acknowledged or not.
        self.tried = [[] for _ in self.tokens]
        self.answers, self.wrong = collections.Counter(), []
        self.threads = [threading.Thread(target=self.send, args=(client,)) for client in range(count)]

    def begin(self):
        for thread in self.threads:
            thread.start()

    def send(self, client):
        connection, number = None, 0
        while not self.stopped.is_set():
            number += 1
            names = [f"client-{client}-{number:07}-{index}" for index in range(self.each)]
            self.tried[client] = names
            body = {"site": "coalition", "consent": self.tokens[client], "events": events(names)}
            while True:
                try:
                    connection = connection or http.client.HTTPConnection(self.address, timeout=20)
                    status, headers, _ = ask(connection, "/v1/events", body)
                    if self.judge(status, headers):
                        self.acknowledged[client] += names
                        break
                except (OSError, http.client.HTTPException):
                    self.answers["none"] += 1
                connection = None
                if self.stopped.is_set():
                    return
                time.sleep(0.002)

    def judge(self, status, headers):
        self.answers[status] += 1
        if status == 204:
            result = dict(part.split("=") for part in headers.get("Assent-Result", "").split())
            if int(result.get("stored", 0)) + int(result.get("duplicate", 0)) != self.each:
                self.wrong.append(f"204 with {result}")
            return True
        if status != 503 or not headers.get("Retry-After"):
            self.wrong.append(f"{status} with {dict(headers)}")
        return False

    def count(self):
        return sum(map(len, self.acknowledged))

    def go_on(self, more):
        """Waits until so many more events are acknowledged."""
        goal = self.count() + more
        until(f"{more} more events are acknowledged", lambda: self.count() >= goal)

    def end(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def told(self, **more):
        """What a test is told, as JSON on standard output."""
        print(json.dumps({
            "acknowledged": sum(self.acknowledged, []), "tried": sum(self.tried, []), "wrong": self.wrong[:5],
            "answers": {str(status): count for status, count in self.answers.items()}, **more}))
