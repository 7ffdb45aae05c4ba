"""The contract of a report format: one file in this folder is one format, found by walking the folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TextIO

from grader import __version__
from grader.assignment import Assignment
from grader.submission import HandIn, Submission
from grader.verdict import Report
from grader.whole import replacing


@dataclass(frozen=True)
class Run:
    """What all submissions of one run have in common.

    Attributes:
        hand_ins: by student, for formats that point into the files as they lie on disk; where a class is written.
    """

    assignment: Assignment
    seed: int
    isolation: str
    device: str
    grader_version: str = __version__
    hand_ins: Mapping[str, HandIn] = field(default_factory=dict, hash=False)


class Format(ABC):
    """Writes reports under the output folder. Formats render; verdicts do not know how they look.

    Attributes:
        draws: does it show the pictures of a report? Where no format does, none are made.
    """

    id: ClassVar[str]
    draws: ClassVar[bool] = False

    def require(self) -> None:
        """Raise UsageError if this format cannot be written here, before anything is graded."""
        return

    def write_student(self, output: Path, run: Run, report: Report, submission: Submission | None) -> None:
        """Write what belongs to one student, as soon as it is known. `submission` is None when unreadable."""
        return

    @abstractmethod
    def write_class(self, output: Path, run: Run, reports: Iterable[Report]) -> None:
        """Write what belongs to all of them. `reports` come sorted by student, one at a time from disk,
        without the fields that `results.json` excludes."""


class Document(Format):
    """A format that is one text file for the class, which may go to standard output instead.

    Attributes:
        file: its name in the output folder.
    """

    file: ClassVar[str]

    @abstractmethod
    def write(self, stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
        """Write the document. Whoever reads it may be a terminal or a CI runner's log: nothing that a student
        wrote may be obeyed there."""

    def write_class(self, output: Path, run: Run, reports: Iterable[Report]) -> None:
        with replacing(output / self.file) as stream:
            self.write(stream, run, reports)
