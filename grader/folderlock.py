"""One grader in an output folder: two would write each other's pages, results and journal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path

from grader.closing import Closing
from grader.errors import UsageError

NAME = ".grader-lock"
_LOOKS, _BETWEEN = 20, 0.05  # at who holds the lock: it says so just after it has got it


class FolderLock(Closing):
    """Held until it is closed or the process ends, however it ends: it is the kernel's, not the file's."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            UsageError: another grader has it.
            OSError: nothing can be written there.
        """
        self._path = folder / NAME
        while True:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                self._lock(folder)
                if self._is_in_place():
                    break
            except BaseException:
                os.close(self._descriptor)
                raise
            os.close(self._descriptor)  # it was another grader's, which has ended since we opened it
        with contextlib.suppress(OSError):  # no room for a number is no reason not to go on
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the folder."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)  # while it is ours: whoever has opened it since, looks again
            os.close(self._descriptor)
            self._descriptor = -1

    def _lock(self, folder: Path) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"--output {folder}: another grader{self._owner()} is writing there: "
                "wait until it has finished, or choose another --output"
            ) from None
        except OSError:
            pass  # a file system without locks, which keeps nobody out

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _owner(self) -> str:
        for _ in range(_LOOKS):
            pid, _, host = os.pread(self._descriptor, 300, 0).decode(errors="replace").strip().partition(" ")
            if host and host != socket.gethostname():
                return f" (process {pid} on {host})"
            # What was killed here left its number behind.
            if pid.isdigit() and Path("/proc", pid).exists():
                return f" (process {pid})"
            time.sleep(_BETWEEN)
        return ""
