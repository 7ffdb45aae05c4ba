"""What students were handed out: the starter's cells, without the author's solutions."""

from __future__ import annotations

import nbformat

from grader.assignment import Assignment
from grader.errors import AssignmentError
from grader.stripping import MarkerError, strip_code, strip_text
from grader.submission import HandedOut

SourceOf = tuple[str, str]  # a cell's type, and what it says


def starter_cells(assignment: Assignment) -> list[SourceOf]:
    """The cells as students get them; none, where the assignment has no starter.

    Raises:
        AssignmentError: the starter is no notebook.
    """
    starter = assignment.folder / "starter.ipynb"
    if not starter.is_file():
        return []
    try:
        cells = nbformat.read(starter, as_version=4).cells
    except Exception as error:  # whatever nbformat finds wrong with it
        raise AssignmentError(f"{starter}: cannot be read: {error}") from error
    return [(cell.cell_type, _released(cell.cell_type, cell.source)) for cell in cells]


def handed_out(assignment: Assignment) -> HandedOut | None:
    """The starter's lines, to tell a student's own from them; None, where the assignment has no starter.

    Raises:
        AssignmentError: the starter is no notebook.
    """
    cells = starter_cells(assignment)
    return HandedOut(cells) if cells else None


def _released(kind: str, source: str) -> str:
    """What students read of it: not the author's solution, which a right answer may well be like."""
    try:
        return (strip_code if kind == "code" else strip_text)(source).text
    except MarkerError:
        return source
