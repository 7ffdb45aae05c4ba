"""How much memory a session holds, over all its processes."""

from __future__ import annotations

import os
import subprocess

_MAPS = "/proc/{}/smaps_rollup"
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_mib(root: int, *, including_root: bool = True) -> int:
    """Memory in use by a process and its descendants, in MiB.

    The plain sum of resident sizes counts a page that several processes share several times over, and every
    child shares most of torch with its zygote. It is cheap; the exact share, which takes milliseconds, is the
    caller's second look: `proportional_mib`.
    """
    return sum(_resident(pid) for pid in _tree(root, including_root)) >> 20


def proportional_mib(root: int, *, including_root: bool = True) -> int:
    """The same with each shared page divided among those who share it."""
    pids = _tree(root, including_root)
    try:
        return sum(map(_proportional, pids)) >> 20
    except PermissionError:
        return _proportional_by_their_user(pids) >> 20


def parent_of(pid: int) -> int:
    """The parent's process id."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("PPid:"))


def count_tasks(uid: int) -> int:
    """How many threads a user runs on this machine: what a limit on processes counts."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == uid:
                    total += len(os.listdir(f"/proc/{name}/task"))
            except OSError:  # it ended meanwhile
                continue
    return total


def _tree(root: int, including_root: bool) -> list[int]:
    todo, found = [root], []
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children") as file:
                    todo.extend(int(child) for child in file.read().split())
        except OSError:
            continue
    return found if including_root else found[1:]


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        with open(_MAPS.format(pid)) as file:
            return _shares(file.read())
    except PermissionError:
        raise
    except OSError:
        return _resident(pid)


def _proportional_by_their_user(pids: list[int]) -> int:
    """Root without CAP_SYS_PTRACE may not look into another user's processes; that user may."""
    total = 0
    for pid in pids:
        try:
            uid = os.stat(f"/proc/{pid}").st_uid
            look = ["cat", _MAPS.format(pid)]
            total += _shares(subprocess.check_output(look, text=True, user=uid, group=uid, extra_groups=[]))
        except (OSError, subprocess.SubprocessError):
            total += _resident(pid)
    return total


def _shares(maps: str) -> int:
    return sum(int(line.split()[1]) << 10 for line in maps.splitlines() if line.startswith("Pss:"))
