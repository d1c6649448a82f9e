"""Numbers of processes, of the disk, and as texts."""

import os
import statistics
import sys
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


def sync_times(directory, seconds):
    """Times in seconds of writes of 4 KiB over what is there already, each with fdatasync, one after the other."""
    path = os.path.join(directory, "fdatasync")
    page, pages = os.urandom(4096), 1024
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for index in range(pages):
            os.pwrite(file, page, index * len(page))
        os.fsync(file)
        times = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            os.pwrite(file, page, len(times) % pages * len(page))
            os.fdatasync(file)
            times.append(time.monotonic() - begun)
    finally:
        os.close(file)
        os.remove(path)
    return times


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
