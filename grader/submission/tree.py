"""What lies in a folder or an archive, as a flat list: zips are opened on the way, and look like folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.language import later
from grader.submission import archive
from grader.submission.archive import MAX_DEPTH, Allowance, Unpacker
from grader.submission.endings import SUBMISSION_ENDINGS, ending

MAX_ZIPS_IN_ZIPS = 1  # a class zip of a learning platform holds one zip per student; nothing holds more

_LINK = later("it is a link, and links are not followed: hand in the file itself")
_NO_FILE = later("it is a pipe or a device, not a file: hand in the notebook itself")
SKIPPED = frozenset(["__macosx", "__pycache__", "node_modules", "site-packages"])


@dataclass(frozen=True)
class Found:
    """One thing on the way. `parts` is its path relative to the PATH given, through archives too."""

    parts: tuple[str, ...]
    path: Path
    kind: Literal["submission", "folder", "zip", "other"]
    problem: str = ""


def is_skipped(name: str) -> bool:
    """Hidden, or made by a tool: `.ipynb_checkpoints`, `._hw.ipynb`, `__MACOSX`, `__pycache__`."""
    return name.startswith(".") or name.casefold() in SKIPPED


def walk_folder(root: Path, unpacker: Unpacker) -> Iterator[Found]:
    """Everything below `root`, sorted. No link is followed: it may lead to a classmate's work, or round for ever.

    Raises:
        OSError: `root` itself cannot be listed.
    """
    with os.scandir(root):
        pass  # an unreadable folder further down is one student's problem, an unreadable root is not
    yield from _walk(root, (), unpacker)


def walk_zip(
    path: Path,
    parts: tuple[str, ...],
    unpacker: Unpacker,
    nesting: int = 0,
    allowance: Allowance | None = None,
) -> Iterator[Found]:
    """The archive itself, then everything in it; a `problem` where something cannot be unpacked.

    Args:
        allowance: of the archive around it, if that is one student's too.
    """
    if nesting > MAX_ZIPS_IN_ZIPS:
        problem = later("a zip inside a zip inside a zip is not opened; hand in the notebook itself, or one zip of it")
        yield Found(parts, path, "zip", problem)
        return
    allowance = allowance or unpacker.allowance(is_whole_class=not parts)
    problem, members = unpacker.unpack(path, allowance)
    yield Found(parts, path, "zip", problem)
    seen: set[tuple[str, ...]] = set()
    for member in members:
        if any(is_skipped(part) for part in member.parts):
            continue
        here = (*parts, *member.parts)
        for depth in range(len(parts) + 1, len(here)):  # zips need not list their folders
            if here[:depth] not in seen:
                seen.add(here[:depth])
                yield Found(here[:depth], path, "folder")
        name = member.parts[-1]
        if member.is_folder:
            yield Found(here, path, "folder")
        elif ending(name) == ".zip" and not member.problem:
            yield from walk_zip(member.path, here, unpacker, nesting + 1, allowance if parts else None)
        elif ending(name) in (*SUBMISSION_ENDINGS, ".zip"):
            yield Found(here, member.path, "submission", member.problem)
        else:
            yield Found(here, member.path, "other")


def _walk(folder: Path, parts: tuple[str, ...], unpacker: Unpacker) -> Iterator[Found]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield Found(parts, folder, "folder", later("the folder cannot be opened: {error}", error=error.strerror))
        return
    for entry in entries:
        if is_skipped(entry.name):
            continue
        here = (*parts, readable(entry.name))
        path = Path(entry.path)
        is_wanted = ending(entry.name) in (*SUBMISSION_ENDINGS, ".zip")
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except OSError:
            continue  # it went away
        if stat.S_ISDIR(mode):
            if len(here) <= MAX_DEPTH:
                yield Found(here, path, "folder")
                yield from _walk(path, here, unpacker)
        elif not stat.S_ISREG(mode):
            if is_wanted:
                yield Found(here, path, "submission", _NO_FILE if not stat.S_ISLNK(mode) else _LINK)
        elif ending(entry.name) == ".zip":
            yield from walk_zip(path, here, unpacker)
        elif is_wanted:
            yield Found(here, path, "submission")
        else:
            yield Found(here, path, "other")


def readable(name: str) -> str:
    """The name of a file on disk, so that it can be shown and written."""
    return archive.readable(os.fsencode(name))
