"""The machine as the grader finds it; nothing here is tried, only read."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from typing import Literal

from grader.device import choose_device
from grader.doctor.findings import Machine
from grader.sandbox.isolation import landlock_abi

_CGROUPS = "/sys/fs/cgroup"
# As a container sees its own group: what it may use and what it does, in the second and the first version.
_CEILINGS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


def describe_machine(device: str) -> Machine:
    """Versions, device, and what there is of cores and memory.

    Raises:
        UsageError: a device is asked for that is not there.
    """
    import torch

    chosen = choose_device(device)
    return Machine(
        python=platform.python_version(),
        torch=torch.__version__,
        kernel=platform.release(),
        architecture=platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_mib=_memory_mib(),
        cgroups=_cgroups(),
        root=os.geteuid() == 0,
        bubblewrap=_bubblewrap(),
        landlock_abi=landlock_abi(),
        device="cuda" if chosen == "cuda" else "cpu",
        gpu=torch.cuda.get_device_name() if chosen == "cuda" else None,
    )


def available_mib() -> int:
    """Memory that can be had now without harm to others."""
    with open("/proc/meminfo") as file:
        free = next(int(line.split()[1]) >> 10 for line in file if line.startswith("MemAvailable"))
    for ceiling, used in _CEILINGS:
        most = _number(f"{_CGROUPS}/{ceiling}")
        if most is not None:
            free = min(free, (most - (_number(f"{_CGROUPS}/{used}") or 0)) >> 20)
    return free


def _memory_mib() -> int:
    """The machine's, or what a container leaves of it."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    ceilings = [_number(f"{_CGROUPS}/{ceiling}") for ceiling, _ in _CEILINGS]
    return min([memory, *(each for each in ceilings if each is not None)]) >> 20


def _number(path: str) -> int | None:
    try:
        with open(path) as file:
            text = file.read().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _cgroups() -> Literal["writable", "read-only", "none"]:
    """Whether this process could make a group of its own, in either version of them."""
    try:
        with open("/proc/self/cgroup") as file:
            entries = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return "none"
    folders = [
        os.path.join(_CGROUPS, *controllers.split(",")[:1], path.lstrip("/"))
        for _, controllers, path in entries
        if controllers in ("", "memory")
    ]
    folders = [folder for folder in folders if os.path.isdir(folder)]
    if not folders:
        return "none"
    return "writable" if any(os.access(folder, os.W_OK) for folder in folders) else "read-only"


def _bubblewrap() -> str | None:
    program = shutil.which("bwrap")
    if program is None:
        return None
    try:
        run = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip().removeprefix("bubblewrap ")[:40] or None
