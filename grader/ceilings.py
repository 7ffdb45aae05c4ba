"""What one submission may use, from the assignment to the wall, and in a student's words when it was reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.language import say

if TYPE_CHECKING:
    from grader.assignment import Limits
    from grader.sandbox import SessionLimits

# How Python and torch say that the kernel refused more: the type of the exception, a part of its message.
_MEMORY = (("MemoryError", ""), ("OSError", "Cannot allocate memory"), ("RuntimeError", "allocate memory"))
_DISK = (("OSError", "No space left on device"), ("OSError", "File too large"), ("OSError", "Disk quota exceeded"))
_PROCESSES = (("BlockingIOError", "Resource temporarily unavailable"), ("RuntimeError", "can't start new thread"))


def session_limits(limits: Limits, seconds: float) -> SessionLimits:
    """The limits of a process that has so many seconds left."""
    from grader.sandbox import SessionLimits

    return SessionLimits(
        seconds=seconds,
        cell_seconds=limits.cell_seconds,
        memory_mib=limits.memory_mib,
        output_bytes=limits.output_kib << 10,
        processes=limits.processes,
        file_mib=max(1, limits.disk_mib // 2),
        scratch_mib=limits.disk_mib,
        shm_mib=max(1, limits.disk_mib // 2),
    )


def what_was_hit(kind: str, message: str, limits: Limits) -> str:
    """The limit that an exception comes from, as a sentence; "" where it is none of ours."""
    for signs, what in (
        (_MEMORY, say("The limit is {limit} MiB of memory.", limit=limits.memory_mib)),
        (_DISK, say("The limit is {limit} MiB of files, half of it in one file.", limit=limits.disk_mib)),
        (_PROCESSES, say("The limit is {limit} processes and threads.", limit=limits.processes)),
    ):
        if any(kind == sign and words in message for sign, words in signs):
            return what
    return ""
