"""How much memory a session holds, over all its processes."""

from __future__ import annotations

import os

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
    return sum(_proportional(pid) for pid in _tree(root, including_root)) >> 20


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
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
    except OSError:
        return _resident(pid)
