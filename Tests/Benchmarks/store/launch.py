"""Runs one program and says what it took: wall seconds, processor seconds, peak kilobytes, exit code.

    python -I -S launch.py STDOUT STDERR PROGRAM ARGUMENTS…

It is a program of its own because the kernel counts the memory of whoever begins a program as that program's: so
nothing may be imported here that makes this one larger.
"""

import os
import sys
from time import monotonic

output, errors, *command = sys.argv[1:]
begun = monotonic()
process = os.posix_spawnp(command[0], command, os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
])
_, status, usage = os.wait4(process, 0)
print(monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
