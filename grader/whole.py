"""Files and folders that are either the old one or the whole new one, never half of it."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Open a text file that takes the place of `path` when the block ends well, and else vanishes.

    The bytes are the same on every system: UTF-8, and a line ends with a line feed.
    """
    with replacing_path(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        yield file


@contextmanager
def replacing_path(path: Path) -> Iterator[Path]:
    """The same for who opens files by name: where to write meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not `path.name` plus something: that name may already be as long as a name can be.
    part = path.parent / f".{os.getpid()}-{threading.get_ident()}.part"
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def clear_halves(folder: Path) -> None:
    """Remove what writers that were killed left. Nobody may be writing there."""
    for pattern in (".[0-9]*-[0-9]*.part", "*/.[0-9]*-[0-9]*.part"):
        for part in folder.glob(pattern):
            with suppress(OSError):
                part.unlink()


@contextmanager
def written_beside(target: Path, files: Mapping[str, bytes], *, instead: bool = False) -> Iterator[Path]:
    """A folder with these files, written beside its place: it becomes `target` at the end, if all goes well.

    Args:
        files: by their paths in the folder.
        instead: there is a folder already, which gives way.

    Raises:
        OSError: it cannot be written, or something stands in its place. What was there is there still.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".grader-", dir=target.parent) as beside:
        whole = Path(beside) / "new"
        whole.mkdir()
        for name, content in files.items():
            path = whole / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield whole
        if instead:
            target.rename(Path(beside) / "old")
        whole.rename(target)
