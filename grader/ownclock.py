"""A clock that stands still while a process waits for a processor.

On a machine under load a right answer may take three times as long. That is not the time of its code, and costs nobody
a mark.
"""

from __future__ import annotations

from time import monotonic

_open = open  # and `monotonic`, as they are now: a student's code may put others in their places


def own_time() -> float:
    """Seconds by the monotonic clock, without those for which this process was ready to run and others ran."""
    return monotonic() - withheld()


def withheld(process: int | str = "self") -> float:
    """Seconds for which the first thread of a process was ready to run and others ran; none where that is not told, or
    it is over.

    Source: Linux, Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat": the second number, in nanoseconds.
    """
    try:
        with _open(f"/proc/{process}/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
