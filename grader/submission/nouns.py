"""What a student handed in: found, and read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nbformat import NotebookNode

Kind = Literal["code", "markdown", "raw"]
Beside = tuple[tuple[str, Path], ...]  # Python files, by what they are imported as from the notebook's folder


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook."""

    number: int  # from 1, counting all cells of the notebook
    kind: Kind
    source: str


@dataclass(frozen=True)
class Submission:
    """One file of one student, read and repaired."""

    student: str  # names files and stands in results.json; unique in a run
    file: str  # what the instructor recognises: relative to the PATH given
    cells: list[Cell]
    notebook: NotebookNode  # nbformat 4 and valid, to render the hand-in from
    repairs: list[str]  # what was wrong with the file and was mended, one sentence each
    warnings: list[str]  # what is odd about it but was left alone, one sentence each
    assignment_id: str | None  # the assignment that the notebook's metadata names
    files: dict[str, str] = field(default_factory=dict)  # Python files that it imports, handed in beside it


@dataclass(frozen=True)
class HandIn:
    """A file that was found and not yet read; can be pickled."""

    student: str
    file: str
    path: Path
    problem: str = ""  # not empty: it cannot be read, and why, in words for the student that are said later
    beside: Beside = ()
