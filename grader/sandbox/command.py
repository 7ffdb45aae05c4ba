"""The command that starts a zygote behind the outer wall, and what the zygote is told about it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import WallError
from grader.sandbox import identity, layout
from grader.sandbox.isolation import Isolation
from grader.sandbox.launcher import STAGE

WORKER, SCRATCH = "/worker", "/scratch"  # inside, where the file system is arranged by us

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_ZYGOTE_SCRATCH_MIB = 64
# One folder for all sessions of a zygote where sessions have no mounts of their own.
_SHARED_SCRATCH_MIB, _SHARED_INODES = 256, 40_000


@dataclass(frozen=True)
class Command:
    """How to start a zygote."""

    argv: list[str]
    environment: dict[str, str]
    config: dict[str, Any]
    uid: int
    watched: Path | None  # the scratch folder, where no mount caps its size


def build(isolation: Isolation, folder: Path, control: int, seccomp: int) -> Command:
    """The command for a zygote whose files are staged in `folder` and whose socket has the number `control`.

    `seccomp` is the descriptor from which bubblewrap reads the outer filter.
    """
    plan = layout.find_layout()
    drop = isolation is not Isolation.NONE and identity.must_drop()
    uid = identity.fresh_uid() if drop else os.geteuid()
    staged = drop and identity.can_mount()
    if drop and not staged:
        _require_readable(plan, folder)
    inside = isolation is Isolation.BWRAP or staged
    worker = WORKER if inside else str(folder / "worker")
    scratch = SCRATCH if inside else str(folder / "scratch")
    environment = _environment(layout.python_path(worker, plan), scratch)
    python = [plan.executable, "-S", "-B", "-P", "-s", "-m", "grader.worker", worker, str(control)]
    config: dict[str, Any] = {
        "namespaces": isolation is Isolation.BWRAP,
        "walls": isolation is not Isolation.NONE,
        "scratch": scratch,
        "readable": ["/"],
        "listable": [],
    }
    if isolation is Isolation.BWRAP:
        bound = [path for path in plan.roots if path not in plan.system]
        mounts = [("bind", path, path) for path in bound] + [("bind", str(folder / "worker"), WORKER)]
        argv = _bubblewrap(plan, folder, seccomp, STAGE if staged else "") + _setenv(environment) + ["--", *python]
        argv = identity.as_ordinary_user(argv, mounts if staged else (), uid=uid) if drop else argv
        return Command(argv, {}, config, uid, watched=None)
    if isolation is Isolation.LANDLOCK:
        config["readable"], config["listable"] = layout.readable_rules((*plan.roots, worker), plan.hidden)
    if staged:
        argv = identity.as_ordinary_user(python, _chroot_mounts(plan, folder, uid), uid=uid, chroot=True)
        return Command(argv, environment, config, uid, watched=None)
    argv = identity.as_ordinary_user(python, uid=uid) if drop else python
    return Command(argv, environment, config, uid, watched=folder / "scratch")


def _environment(python_path: str, scratch: str) -> dict[str, str]:
    """The whole environment inside; nothing of ours is inherited."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "USER": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": python_path,
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",  # each arena reserves address space, which is limited
        "MPLCONFIGDIR": scratch,
    }


def _setenv(environment: dict[str, str]) -> list[str]:
    return [word for name, value in environment.items() for word in ("--setenv", name, value)]


def _bubblewrap(plan: layout.Layout, folder: Path, seccomp: int, stage: str) -> list[str]:
    """Bubblewrap's arguments; what root's launcher staged is found below `stage`."""
    argv = [
        shutil.which("bwrap") or "/usr/bin/bwrap",
        *("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session", "--clearenv", "--seccomp", str(seccomp)),
    ]
    for path, target in plan.links:
        argv += ["--symlink", target, path]
    for path in plan.roots:
        argv += ["--ro-bind", path if path in plan.system else stage + path, path]
    argv += ["--ro-bind", stage + WORKER if stage else str(folder / "worker"), WORKER]
    for path in plan.hidden:
        argv += ["--tmpfs", path, "--remount-ro", path]
    argv += ["--proc", "/proc", "--dev", "/dev", "--size", str(_ZYGOTE_SCRATCH_MIB << 20), "--tmpfs", SCRATCH]
    for path in ("/tmp", "/home"):
        if not any(layout.is_inside(root, path) for root in plan.roots):
            argv += ["--symlink", SCRATCH.lstrip("/"), path]
    # Without this the root, itself a tmpfs, could be filled without limit; /dev likewise.
    return [*argv, "--remount-ro", "/dev", "--remount-ro", "/"]


def _chroot_mounts(plan: layout.Layout, folder: Path, uid: int) -> list[tuple[str, str, str]]:
    """The same arrangement for root's launcher, where there is no bubblewrap to make it."""
    options = f"size={_SHARED_SCRATCH_MIB}m,nr_inodes={_SHARED_INODES},mode=700,uid={uid},gid={uid}"
    return [
        *(("link", target, path) for path, target in plan.links),
        *(("bind", path, path) for path in plan.roots),
        ("bind", str(folder / "worker"), WORKER),
        *(("tmpfs", "size=4k,mode=755", path) for path in plan.hidden),
        ("bind", "/proc", "/proc"),
        *(("device", path, path) for path in _DEVICES),
        ("tmpfs", options, SCRATCH),
    ]


def _require_readable(plan: layout.Layout, folder: Path) -> None:
    barrier = layout.unreadable(plan.roots, passed=(str(folder.parent),))
    if barrier is not None:
        raise WallError(
            f"the grader runs as root, but students' code must not, and another user cannot read {barrier}. "
            "Run the grader as an ordinary user, or install Python and the grader where everybody can read "
            "them, for instance below /opt or /usr/local."
        )
