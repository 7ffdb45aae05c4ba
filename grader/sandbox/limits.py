"""What one submission may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PATIENCE = 5  # times its limit that a session may take by the clock on the wall, while others have the processor


@dataclass(frozen=True)
class SessionLimits:
    """The ceilings of one session.

    Two of them overlap on purpose. `memory_mib` is what the judge tolerates of resident memory over all
    processes of the session, looked at every few hundredths of a second. The kernel keeps a ceiling on each
    process's address space a little above it: an absurd request fails at once with a MemoryError that names
    the student's line, and no one touches gigabytes between two looks.
    """

    seconds: float = 120.0
    # One statement of a cell, by the judge's clock. The student's process stops it earlier, by an exception that
    # names the line; this is for code on which that has no effect.
    cell_seconds: float | None = None
    memory_mib: int = 2048
    output_bytes: int = 64 << 10
    processes: int = 64
    open_files: int = 256
    file_mib: int = 64
    scratch_mib: int = 128
    shm_mib: int = 64
    inodes: int = 20_000

    def for_worker(self, processes_already: int) -> dict[str, Any]:
        """What the child sets on itself; where processes are counted by user, some run already."""
        return {
            "address_mib": self.memory_mib + self.memory_mib // 4 + 256,
            "processes": self.processes + processes_already,
            "open_files": self.open_files,
            "file_mib": self.file_mib,
            "scratch_mib": self.scratch_mib,
            "shm_mib": self.shm_mib,
            "inodes": self.inodes,
            # Time on all cores together; the judge's own clock is the tighter limit.
            "cpu_seconds": max(1, int(self.seconds * 2)),
        }
