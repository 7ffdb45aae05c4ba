"""Reports on disk while a run goes on, so that a class of ten thousand never stands in memory."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from grader.row import Row
from grader.verdict import Report


class Spool:
    """An unnamed file with two lines a report, in the order they came; read in the order of their numbers."""

    def __init__(self, count: int, folder: Path | None = None) -> None:
        """A place for reports numbered from 0; the file lies in `folder`, whose disk takes the pages too."""
        self._file = tempfile.TemporaryFile(dir=folder, prefix=".grader-spool-")  # noqa: SIM115  see `close`
        self._offsets = array("q", [-1]) * count
        self.count = 0

    def append(self, number: int, row: Row, report: str) -> None:
        """Keep a report: its row, and its entry of results.json as one line of JSON."""
        self._offsets[number] = self._file.seek(0, 2)
        self._file.write(json.dumps(asdict(row)).encode() + b"\n" + report.encode() + b"\n")
        self.count += 1

    def rows(self) -> Iterator[Row]:
        """All rows, sorted by number."""
        for offset in self._known():
            self._file.seek(offset)
            yield Row(**json.loads(self._file.readline()))

    def reports(self) -> Iterator[Report]:
        """All reports, sorted by number, one at a time."""
        for offset in self._known():
            self._file.seek(offset)
            self._file.readline()
            entry: dict[str, Any] = json.loads(self._file.readline())
            yield Report.model_validate(entry)

    def _known(self) -> Iterator[int]:
        return (offset for offset in self._offsets if offset >= 0)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
