"""Which wall this machine can build, and the remedy where it cannot."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from enum import StrEnum

from grader.errors import UsageError, WallError
from grader.sandbox import identity

_LANDLOCK_CREATE_RULESET, _LANDLOCK_VERSION = 444, 1
_LANDLOCK_NEEDED = 6  # the first that keeps signals and abstract sockets inside

_SETTINGS = "/proc/sys"
_INSTALLERS = {
    "apt-get": "sudo apt-get install bubblewrap",
    "dnf": "sudo dnf install bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
    "pacman": "sudo pacman -S bubblewrap",
    "apk": "apk add bubblewrap",
}


class Isolation(StrEnum):
    """The outermost layer between a student's code and this machine."""

    BWRAP = "bwrap"
    LANDLOCK = "landlock"
    NONE = "none"


@dataclass(frozen=True)
class Problem:
    """Why a wall cannot be built here, and what to do about it."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}\n  {self.remedy}"


def choose(wanted: str) -> Isolation:
    """The wall to use for `auto`, `bwrap`, `landlock` or `none`; `none` only where it is asked for."""
    if wanted == "none":
        return Isolation.NONE
    if wanted == "bwrap":
        if problem := bwrap_problem():
            raise WallError(str(problem))
        return Isolation.BWRAP
    if wanted == "landlock":
        if problem := landlock_problem():
            raise WallError(str(problem))
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
        + "\n".join(f"- {problem}" for problem in dict.fromkeys(map(str, problems)))
        + "\nTo run trusted notebooks without a wall, say --isolation none."
    )


def how_to_install() -> str:
    """The command that installs bubblewrap, by the package manager that is here; all of them where none is known."""
    for program, command in _INSTALLERS.items():
        if shutil.which(program):
            return f"    {command}"
    return "\n".join(f"    {command}" for command in _INSTALLERS.values())


@functools.cache
def bwrap_problem() -> Problem | None:
    """Why bubblewrap cannot be used here; None when a trial run worked."""
    if problem := _problem_of_root():
        return problem
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return Problem("bubblewrap (bwrap) is not installed.", f"Install it:\n{how_to_install()}")
    wall = [
        bwrap, "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL",
        "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--",
    ]  # fmt: skip
    # One inside the other: each session makes namespaces and a /proc of its own behind the zygote's.
    trial = [*wall, *wall, shutil.which("true") or "/bin/true"]
    try:
        run = subprocess.run(
            identity.as_ordinary_user(trial), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=30, cwd="/", check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return Problem(f"bubblewrap cannot be started: {error}", f"Install it anew:\n{how_to_install()}")
    if run.returncode == 0:
        return None
    said = run.stderr.strip() or f"exit status {run.returncode}"
    return Problem(f"bubblewrap is installed but does not work here: {said[-400:]}", _remedy(said))


def _problem_of_root() -> Problem | None:
    """Why students' code could only run as root, as which it never does."""
    missing = identity.missing_powers()
    if not missing:
        return None
    return Problem(
        f"the grader runs as root, but cannot become another user and watch it: it was started without "
        f"{', '.join(missing)}.",
        "Run it as an ordinary user (in a container: --user 1000:1000), or leave root these capabilities.",
    )


def _remedy(said: str) -> str:
    """What to do about bubblewrap's complaint, by the settings that are known to cause it."""
    remedies = []
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        remedies.append(
            "AppArmor forbids user namespaces to programs without a profile "
            "(kernel.apparmor_restrict_unprivileged_userns = 1). Allow them, on the host if this is a container:\n"
            "    sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n"
            "  and, so that it lasts:\n"
            "    echo kernel.apparmor_restrict_unprivileged_userns=0 | sudo tee /etc/sysctl.d/60-userns.conf"
        )
    if _setting("kernel/unprivileged_userns_clone") == "0":
        remedies.append(
            "User namespaces are switched off. Allow them:\n    sudo sysctl -w kernel.unprivileged_userns_clone=1"
        )
    if _setting("user/max_user_namespaces") == "0":
        remedies.append(
            "User namespaces are limited to none. Allow some:\n    sudo sysctl -w user.max_user_namespaces=15000"
        )
    if os.geteuid() == 0 and not identity.must_drop():
        remedies.append(
            "The grader runs as root where there is no other user to become. Run it as an ordinary user (in a "
            "container: --user 1000:1000)."
        )
    elif "mount proc" in said:
        return (
            "Inside a container parts of /proc are covered, and then a fresh one is refused. Start it with\n"
            "    --security-opt systempaths=unconfined     (Docker)\n"
            "    --security-opt unmask=ALL                 (Podman)\n"
            "  or choose --isolation landlock."
        )
    if not remedies:
        remedies.append(
            "Inside a container, namespaces are usually forbidden by its own filter. Start it with\n"
            "    --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined     (Docker)\n"
            "    --security-opt seccomp=unconfined --security-opt unmask=ALL     (Podman)\n"
            "  or choose --isolation landlock."
        )
    return "\n  ".join(remedies)


def _setting(name: str) -> str | None:
    try:
        with open(f"{_SETTINGS}/{name}") as file:
            return file.read().strip()
    except OSError:
        return None


def landlock_abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)))


def landlock_problem() -> Problem | None:
    """Why Landlock is not enough here; None when it is."""
    if problem := _problem_of_root():
        return problem
    if os.geteuid() == 0 and not identity.must_drop() and not identity.processes_count():
        return Problem(
            "the grader runs as root where there is no other user to become, and a limit on processes does not count.",
            "Run it as an ordinary user (in a container: --user 1000:1000), or map more users into the container.",
        )
    ctypes.set_errno(0)
    abi = landlock_abi()
    if abi >= _LANDLOCK_NEEDED:
        return None
    has = f"has Landlock ABI {abi}" if abi else "has no Landlock"
    what = f"the fallback needs Landlock ABI {_LANDLOCK_NEEDED}; this kernel {has}."
    if ctypes.get_errno() == errno.EOPNOTSUPP:
        return Problem(what, "It is built in but switched off: add landlock to the kernel's parameter lsm= and reboot.")
    if ctypes.get_errno() == errno.EPERM:
        return Problem(what, "A filter forbids it, as those of old container runtimes do: use a newer one.")
    return Problem(what, "It takes Linux 6.12 or newer, with landlock among its security modules.")
