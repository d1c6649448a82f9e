"""Numbers of processes, of the disk, and as texts."""

import os
import statistics
import sys
import threading
import time


class Broken(Exception):
    """Something failed, or what is said cannot be: the benchmark ends with this sentence."""


def say(text):
    print(text, file=sys.stderr, flush=True)


# MARK: Processes


def processor_seconds(pids):
    """Seconds of processor that processes have used so far, of all their threads together."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            # The name, which may hold anything, stands in brackets.
            fields = file.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def busy_seconds(processors):
    """Seconds for which processors had something to do so far, or were not to be had: all but idle and interrupts."""
    ticks = 0
    with open("/proc/stat") as file:
        for line in file:
            name, *fields = line.split()
            if name in {f"cpu{each}" for each in processors}:
                user, nice, system, _, _, _, _, steal = map(int, fields[:8])
                ticks += user + nice + system + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid, name="VmRSS"):
    """Resident memory in bytes; with VmHWM its peak so far."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


# MARK: The disk


def file_system(path):
    """Type of the file system that holds a path, and its device."""
    best = ("", "unknown", "")
    with open("/proc/mounts") as file:
        for line in file:
            device, place, kind = line.split()[:3]
            inside = os.path.realpath(path).startswith(place.rstrip("/") + "/")
            if inside and len(place) >= len(best[0]):
                best = (place, kind, device)
    return best[1], best[2]


class Disk:
    """A file of its own below a directory, to see how long the disk itself takes."""

    PAGES = 1024

    def __init__(self, directory):
        self.path = os.path.join(directory, "fdatasync")
        self.page, self.turn = os.urandom(4096), 0
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        for index in range(self.PAGES):
            os.pwrite(self.file, self.page, index * len(self.page))
        os.fsync(self.file)

    def sync(self):
        """Seconds of one write of 4 KiB over what is there already, with fdatasync."""
        begun = time.monotonic()
        os.pwrite(self.file, self.page, self.turn % self.PAGES * len(self.page))
        os.fdatasync(self.file)
        self.turn += 1
        return time.monotonic() - begun

    def close(self):
        os.close(self.file)
        os.remove(self.path)


def sync_times(directory, seconds, processors):
    """Times of as many as there are in so many seconds, one after the other, on the processors of the server."""
    before = os.sched_getaffinity(0)
    disk = Disk(directory)
    os.sched_setaffinity(0, processors)
    try:
        end = time.monotonic() + seconds
        times = []
        while time.monotonic() < end:
            times.append(disk.sync())
        return times
    finally:
        os.sched_setaffinity(0, before)
        disk.close()


class DiskWatch:
    """Looks twice a second how long the disk itself takes, so that a disk that stands still is not taken for a server
    that does."""

    PAUSE_SECONDS = 0.5

    def __init__(self, directory):
        self.disk, self.over, self.times = Disk(directory), threading.Event(), []
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(self.PAUSE_SECONDS):
            self.times.append(self.disk.sync() * 1000)

    def highest(self):
        """The longest one since it was asked last, in milliseconds."""
        times, self.times = self.times, []
        return max(times, default=0)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.disk.close()


# MARK: Numbers


median = statistics.median


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def number(value):
    return f"{value:,.0f}"


def mib(value):
    return f"{value / 1048576:,.1f} MiB"


def milliseconds(value):
    return f"{value:,.2f} ms" if value < 100 else f"{value:,.0f} ms"


def share(value):
    return f"{100 * value:.0f}%"
