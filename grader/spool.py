"""Reports on disk while a run goes on: a class of ten thousand never stands in memory, and a run that was cut off is
continued where it ended.

The first line of the journal says what run it is (`grader.identity`); every other line is one submission: whose it is
and its digest, its row, its report. A submission's pages are written before its line, so whoever has a line has pages.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grader.closing import Closing
from grader.journal import Journal
from grader.row import Row
from grader.verdict import Report

NAME = ".grader-journal"
_TAB = b"\t"  # JSON writes one in a text as \t


class Spool(Closing):
    """One line a report in a journal, in the order they came; read in the order of their numbers."""

    def __init__(self, count: int, folder: Path | None = None) -> None:
        """A place for reports numbered from 0.

        Args:
            folder: where the journal lies, on the disk that takes the pages too; None: nobody continues this.
        """
        self._journal = Journal(folder / NAME if folder is not None else None)
        self._offsets = array("q", [-1]) * count
        self._head: bytes | None = None  # what is to be written before the first report

    def resume(self, identity: dict[str, Any], keys: Sequence[str]) -> None:
        """Take over what a run of this identity left; of any other, forget it.

        Args:
            keys: what a submission was known by, number by number. What the grader failed on is not taken over.
        """
        lines = iter(self._journal)
        head = next(lines, None)
        if head is None or json.loads(head[1]) != {"identity": identity}:
            self.begin(identity)
            return
        numbers = {key: number for number, key in enumerate(keys)}
        for offset, line in lines:
            key, row, _ = line.split(_TAB, 2)
            number = numbers.get(json.loads(key))
            if number is not None and not json.loads(row)["broke"]:
                self._offsets[number] = offset

    def begin(self, identity: dict[str, Any]) -> None:
        """Forget what is there, for a run of this identity; on the disk not before there is a report."""
        self._head = json.dumps({"identity": identity}).encode()

    def append(self, number: int, row: Row, report: str, key: str = "") -> None:
        """Keep a report: its row, and its entry of results.json as one line of JSON."""
        if self._head is not None:
            self._journal.clear()
            self._journal.append(self._head)
            self._head = None
        line = _TAB.join([json.dumps(key).encode(), json.dumps(asdict(row)).encode(), report.encode()])
        self._offsets[number] = self._journal.append(line)

    def missing(self) -> list[int]:
        """The numbers of which there is no report."""
        return [number for number, offset in enumerate(self._offsets) if offset < 0]

    def rows(self) -> Iterator[Row]:
        """All rows, sorted by number."""
        for _, row, _ in self._known():
            yield Row(**json.loads(row))

    def reports(self) -> Iterator[Report]:
        """All reports, sorted by number, one at a time."""
        for _, _, report in self._known():
            entry: dict[str, Any] = json.loads(report)
            yield Report.model_validate(entry)

    def finish(self) -> None:
        """Everything is written that this was kept for."""
        self._journal.remove()

    def _known(self) -> Iterator[list[bytes]]:
        return (self._journal.at(offset).split(_TAB, 2) for offset in self._offsets if offset >= 0)

    def close(self) -> None:
        self._journal.close()
