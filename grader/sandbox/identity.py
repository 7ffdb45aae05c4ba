"""Who we are and who students' code runs as.

Started by an ordinary user, the grader runs students' code as that user, behind the wall. Started by root, it
first becomes a user that nobody else is: limits on processes do not count for root.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_CAP_SYS_ADMIN = 21
# What root needs to run another user's process: to become that user, and to read, watch and end what is theirs.
_POWERS = {"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}
_NOBODY = 65534
_FIRST, _COUNT = 2_000_000_000, 100_000_000  # far above what user databases hand out

LAUNCHER = str(Path(__file__).with_name("launcher.py"))


def must_drop() -> bool:
    """Whether we are root and there is someone else to become."""
    return os.geteuid() == 0 and _is_mapped(_NOBODY)


def can_mount() -> bool:
    """Whether we may arrange files in a mount namespace of our own."""
    return os.geteuid() == 0 and bool(_capabilities() >> _CAP_SYS_ADMIN & 1)


def missing_powers() -> list[str]:
    """Capabilities that we would need to become another user, and were started without."""
    if not must_drop():
        return []
    capabilities = _capabilities()
    return [name for name, number in _POWERS.items() if not capabilities >> number & 1]


def processes_count() -> bool:
    """Whether a limit on processes holds for us; for the machine's root it does not, in a user namespace either."""
    source = "import os, resource; resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)); os.fork()"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", source], stderr=subprocess.DEVNULL, check=False)
    return run.returncode != 0


def fresh_uid() -> int:
    """A user id that no account has and no other grader uses, so that its processes can be counted."""
    uid = _FIRST + secrets.randbelow(_COUNT)
    return uid if _is_mapped(uid) else _NOBODY


def as_ordinary_user(
    argv: list[str],
    mounts: Sequence[tuple[str, str, str]] = (),
    *,
    uid: int | None = None,
    chroot: bool = False,
) -> list[str]:
    """The command that runs `argv` without root's powers; `argv` itself where we have none."""
    if not must_drop():
        return argv
    uid = fresh_uid() if uid is None else uid
    plan = {"uid": uid, "gid": uid, "mounts": list(mounts), "chroot": chroot, "argv": argv}
    return [sys.executable, "-I", "-S", LAUNCHER, json.dumps(plan)]


def _capabilities() -> int:
    with open("/proc/self/status") as file:
        return int(next(line.split()[1] for line in file if line.startswith("CapEff")), 16)


def _is_mapped(uid: int) -> bool:
    """Whether a user id exists in our user namespace: in some containers there is only root."""
    with open("/proc/self/uid_map") as file:
        ranges = [line.split() for line in file]
    return any(int(first) <= uid < int(first) + int(count) for first, _, count in ranges)
