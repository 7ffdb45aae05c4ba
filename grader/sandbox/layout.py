"""Which files a student's process can see: the Python install, the libraries, the worker. Nothing else.

The paths inside are those outside, so that every absolute path that an interpreter or a library remembers
stays right, whatever way Python was installed. What is copied for the worker (`staged`) lies in a folder of
its own; the grader's own package, its assignments and references are left out or covered (`hidden`).
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import grader

# The whole of the grader that exists behind the wall.
STAGED = ("__init__.py", "errors.py", "graph.py", "language.py", "ownclock.py", "capture", "wire.py", "worker")

_SYSTEM = (
    "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/lib32", "/usr/share/fonts", "/usr/share/zoneinfo",
    "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts",
)  # fmt: skip
_TOP = ("/bin", "/lib", "/lib64", "/lib32")
_SITE_NAMES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Layout:
    """What is visible, as absolute paths that are the same on both sides of the wall."""

    executable: str
    system: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    python: tuple[str, ...]
    sites: tuple[str, ...]
    hidden: tuple[str, ...]

    @property
    def roots(self) -> tuple[str, ...]:
        """Every visible path, none of which lies in another."""
        return _outermost((*self.system, *self.python, *self.sites))


def find_layout() -> Layout:
    """The layout for the interpreter and the libraries that this process runs with."""
    top = [(path, os.readlink(path)) for path in _TOP if os.path.islink(path)]
    system = [path for path in _SYSTEM if os.path.exists(path)]
    system += [path for path in _TOP if os.path.isdir(path) and not os.path.islink(path)]
    executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    base = os.path.realpath(sys.base_prefix)
    python = [os.path.join(base, name) for name in ("bin", "lib", "lib64")] + [executable]
    sites = [path for path in map(os.path.abspath, sys.path) if os.path.basename(path) in _SITE_NAMES]
    sites = [path for path in dict.fromkeys(sites) if os.path.isdir(path)]
    layout = Layout(
        executable=executable,
        system=tuple(system),
        links=tuple(top),
        python=tuple(path for path in python if os.path.exists(path)),
        sites=tuple(sites),
        hidden=(),
    )
    return replace(layout, hidden=_find_hidden(layout))


def _find_hidden(layout: Layout) -> tuple[str, ...]:
    """Folders of the grader that lie inside a visible one."""
    package = Path(grader.__file__).resolve().parent
    candidates = [package]
    if package.parent.name not in _SITE_NAMES:  # a checkout: what lies beside the package is no secret to it
        candidates += [package.parent / name for name in ("assignments", "reference", "tests")]
    for site in layout.sites:
        candidates.append(Path(site, "grader"))
    return tuple(
        dict.fromkeys(
            str(path) for path in candidates if path.is_dir() and any(is_inside(str(path), r) for r in layout.roots)
        )
    )


def stage(folder: Path) -> None:
    """Copy the worker's files into an empty folder."""
    package = Path(grader.__file__).parent
    target = folder / "grader"
    target.mkdir()
    for name in STAGED:
        source = package / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copyfile(source, target / name)
    for path in (folder, *folder.rglob("*")):  # whatever the umask: another user will read these
        path.chmod(0o755 if path.is_dir() else 0o644)


def readable_rules(roots: tuple[str, ...], hidden: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Paths to read and folders to list for Landlock, which can allow a tree but not a hole in one.

    Around a hidden folder every neighbour is allowed by itself. Its parent may be listed, and because that
    right is inherited, so may the hidden folder: names of files can be read there, contents cannot.
    """
    readable: list[str] = []
    listable: list[str] = []
    todo = list(roots)
    while todo:
        path = todo.pop()
        if path in hidden:
            continue
        if any(is_inside(secret, path) for secret in hidden):
            listable.append(path)
            todo.extend(entry.path for entry in os.scandir(path))
        else:
            readable.append(path)
    return sorted(readable), sorted(listable)


def unreadable(paths: tuple[str, ...], passed: tuple[str, ...] = ()) -> str | None:
    """The first folder on the way that keeps other users out, or None.

    Args:
        passed: folders that need not be listed, only passed through.
    """
    for path in (*paths, *passed):
        real = Path(os.path.realpath(path))
        for folder in (*reversed(real.parents), real):
            wanted = stat.S_IXOTH
            if folder == real and path not in passed:
                wanted = stat.S_IROTH | stat.S_IXOTH if real.is_dir() else stat.S_IROTH
            if folder.stat().st_mode & wanted != wanted:
                return str(folder)
    return None


def python_path(worker: str, layout: Layout) -> str:
    """PYTHONPATH inside: the worker's copy of the grader comes before all else."""
    return os.pathsep.join((worker, *layout.sites))


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _outermost(paths: tuple[str, ...]) -> tuple[str, ...]:
    unique = dict.fromkeys(paths)
    return tuple(path for path in unique if not any(is_inside(path, other) for other in unique if other != path))
