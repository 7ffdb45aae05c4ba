"""Which wall this machine can build, and the remedy where it cannot."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
from enum import StrEnum

from grader.errors import UsageError, WallError
from grader.sandbox import identity

_LANDLOCK_CREATE_RULESET, _LANDLOCK_VERSION = 444, 1
_LANDLOCK_NEEDED = 6  # the first that keeps signals and abstract sockets inside

INSTALL = "sudo apt-get install bubblewrap"


class Isolation(StrEnum):
    """The outermost layer between a student's code and this machine."""

    BWRAP = "bwrap"
    LANDLOCK = "landlock"
    NONE = "none"


def choose(wanted: str) -> Isolation:
    """The wall to use for `auto`, `bwrap`, `landlock` or `none`; `none` only where it is asked for."""
    if wanted == "none":
        return Isolation.NONE
    if wanted == "bwrap":
        if problem := bwrap_problem():
            raise WallError(problem)
        return Isolation.BWRAP
    if wanted == "landlock":
        if problem := landlock_problem():
            raise WallError(problem)
        return Isolation.LANDLOCK
    if wanted != "auto":
        raise UsageError(f"unknown isolation {wanted!r}: choose auto, bwrap, landlock or none")
    problems = []
    for isolation, find_problem in ((Isolation.BWRAP, bwrap_problem), (Isolation.LANDLOCK, landlock_problem)):
        problem = find_problem()
        if problem is None:
            return isolation
        problems.append(problem)
    raise WallError(
        "students' code cannot be isolated on this machine.\n"
        + "\n".join(f"- {problem}" for problem in problems)
        + "\nTo run trusted notebooks without a wall, say --isolation none."
    )


@functools.cache
def bwrap_problem() -> str | None:
    """Why bubblewrap cannot be used here, with the remedy; None when a trial run worked."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return f"bubblewrap (bwrap) is not installed. Install it:\n    {INSTALL}"
    trial = [
        bwrap, "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL",
        "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev",
        "--", shutil.which("true") or "/bin/true",
    ]  # fmt: skip
    try:
        run = subprocess.run(
            identity.as_ordinary_user(trial), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=30, cwd="/", check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return f"bubblewrap cannot be started: {error}"
    if run.returncode == 0:
        return None
    said = run.stderr.strip() or f"exit status {run.returncode}"
    return f"bubblewrap is installed but does not work here: {said[:400]}\n  {_remedy(said)}"


def _remedy(said: str) -> str:
    """What to do about bubblewrap's complaint, by the settings that are known to cause it."""
    if _setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor forbids user namespaces to programs without a profile "
            "(kernel.apparmor_restrict_unprivileged_userns = 1). Give bwrap one, or allow them:\n"
            "    sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        )
    if _setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        return "User namespaces are switched off. Allow them:\n    sudo sysctl -w kernel.unprivileged_userns_clone=1"
    if _setting("/proc/sys/user/max_user_namespaces") == "0":
        return "User namespaces are limited to none. Allow some:\n    sudo sysctl -w user.max_user_namespaces=15000"
    if "proc" in said:
        return (
            "Inside a container, a fresh /proc is refused: start the container with an unmasked /proc, "
            "or choose --isolation landlock."
        )
    return (
        "Inside a container, namespaces are usually forbidden by its own filter: allow them there "
        "(for Docker: --security-opt seccomp=unconfined), or choose --isolation landlock."
    )


def _setting(path: str) -> str | None:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return None


def landlock_abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)))


def landlock_problem() -> str | None:
    """Why Landlock is not enough here; None when it is."""
    abi = landlock_abi()
    if abi >= _LANDLOCK_NEEDED:
        return None
    has = f"has Landlock ABI {abi}" if abi else "has no Landlock"
    return (
        f"the fallback needs Landlock ABI {_LANDLOCK_NEEDED} (Linux 6.12 or newer, with landlock among its "
        f"security modules); this kernel {has}."
    )
