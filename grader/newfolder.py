"""A folder that is there as a whole, or not at all: written beside its place, then moved there in one step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_beside(target: Path, files: Mapping[str, bytes], *, instead: bool = False) -> Iterator[Path]:
    """A folder with these files, which becomes `target` at the end, if all went well until then.

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
