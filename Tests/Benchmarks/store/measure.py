"""Runs programs, measures them as whole processes, and writes numbers as texts."""

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass


LAUNCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")


class Broken(Exception):
    """A program failed, or what it says cannot be: the benchmark ends with this sentence."""


@dataclass
class Run:
    """One run of a program: wall seconds, seconds of processor, peak of resident memory in bytes, standard output."""

    wall: float
    cpu: float
    peak: int
    output: str

    def facts(self):
        return {"wall_seconds": round(self.wall, 3), "cpu_seconds": round(self.cpu, 3), "peak_bytes": self.peak}


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(arguments):
    """Runs a program to its end.

    Its output goes through a file, not a pipe, so that it waits for no reader.
    """
    output, errors = (os.path.join(scratch(), name) for name in ("stdout", "stderr"))
    launched = subprocess.run([sys.executable, "-I", "-S", LAUNCH, output, errors, *arguments],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    wall, cpu, peak, code = launched.stdout.split()
    if code != "0":
        with open(errors, errors="replace") as file:
            said = " ".join(file.read().strip().splitlines()[-5:])
        raise Broken(f"{' '.join(arguments[:4])} … ended with {code}: {said}")
    with open(output, errors="replace") as file:
        return Run(float(wall), float(cpu), int(peak) * 1024, file.read())


_scratch = None


def scratch(directory=None):
    """The directory for outputs of programs; told once."""
    global _scratch
    _scratch = directory or _scratch
    return _scratch


def median(runs):
    """The medians of several runs of one program."""
    return Run(statistics.median(r.wall for r in runs), statistics.median(r.cpu for r in runs),
               max(r.peak for r in runs), runs[-1].output)


def size(path):
    """Bytes of a file or of all files below a directory; none for what is not there."""
    if not os.path.isdir(path):
        return os.path.getsize(path) if os.path.exists(path) else 0
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def warm(path):
    """Reads a file once, so that nobody has to wait for the disk who happens to be the first."""
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


# MARK: Texts


def number(value):
    return f"{value:,.0f}"


def mib(value):
    return f"{value / 1048576:,.0f} MiB"


def seconds(value):
    return f"{value * 1000:,.0f} ms" if value < 0.9995 else f"{value:,.1f} s"
