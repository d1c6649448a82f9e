"""Instructions of an event from the socket to the journal, counted by valgrind, and held by a bound.

    Tests/Benchmarks/ingest/instructions.py .build/assent.stripped

A stripped collector runs under callgrind and is sent requests of one event and of 32. What its event loop and its
committing thread do meanwhile is divided by the events. Unlike time it hardly depends on the machine; what the kernel does
is not in it. The script ends with 1 where a count is above its bound.
"""

import glob
import itertools
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

from clients import AGENTS, LOCALES, request
from measure import Broken
from servers import Assent

# Events in a request: how many instructions each may take. A tenth above what was measured when the bound was set.
BOUNDS = {1: 79_000, 32: 23_700}
CONNECTIONS = 16
ROUNDS = {1: 60, 32: 10}
WARM_ROUNDS = 20


class Traced(Assent):
    """A collector under callgrind, which counts from when it is told to."""

    def begin(self):
        self.out = os.path.join(self.directory, "counts")
        program, self.binary = self.binary, os.path.join(self.directory, "traced")
        with open(self.binary, "w") as file:
            file.write("#!/bin/sh\nexec valgrind --tool=callgrind --instr-atstart=no --separate-threads=yes "
                       f"--callgrind-out-file={self.out} {program} \"$@\"\n")
        os.chmod(self.binary, 0o700)
        return super().begin()

    def control(self, *arguments):
        subprocess.run(["callgrind_control", *arguments, str(self.process.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def counted(self):
        """Instructions of all threads since it was told to count."""
        self.control("-i", "off")
        self.control("-d", "end")
        total = 0
        for path in glob.glob(self.out + "*"):
            with open(path) as file:
                total += sum(int(each) for each in re.findall(r"^totals: (\d+)", file.read(), re.M))
        return total


def requests(tokens, events):
    """Requests without end, each with new ids."""
    kinds = [request(agent, *locale, len(tokens[0]), events, False) for agent in AGENTS for locale in LOCALES]
    for number in itertools.count():
        head, _, body = kinds[number % len(kinds)].partition(b"\r\n\r\n")
        text = body.decode().replace("~" * len(tokens[0]), tokens[number % len(tokens)])
        text = text.replace("#" * 16, f"{events:02}{number:014}").replace("^^^", f"{number % 200:03}")
        yield head + b"\r\n\r\n" + text.encode()


def send(sockets, stream, rounds):
    for _ in range(rounds):
        for each in sockets:
            each.sendall(next(stream))
        for each in sockets:
            answer = each.recv(4096)
            if b" 204 " not in answer[:16]:
                raise Broken(f"An answer was {answer[:40]!r}.")


def count(binary, directory, events):
    with Traced(binary, directory, os.sched_getaffinity(0)) as server:
        tokens = server.consents(8)
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(CONNECTIONS)]
        stream = requests(tokens, events)
        send(sockets, stream, WARM_ROUNDS)
        server.control("-i", "on")
        send(sockets, stream, ROUNDS[events])
        # What is answered is written down behind the answer.
        time.sleep(0.2)
        total = server.counted()
        for each in sockets:
            each.close()
        return total / (ROUNDS[events] * CONNECTIONS * events)


def main():
    ends = 0
    for events, bound in BOUNDS.items():
        with tempfile.TemporaryDirectory(prefix="assent-count-") as directory:
            try:
                found = count(sys.argv[1], directory, events)
            except Broken as problem:
                print(f"The count ends here: {problem}")
                return 1
        print(f"{events} event(s) a request: {found:,.0f} instructions an event, at most {bound:,}")
        if found > bound:
            print("That is more than it was: find out what takes them before the bound is raised.")
            ends = 1
    return ends


if __name__ == "__main__":
    sys.exit(main())
