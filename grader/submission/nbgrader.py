"""What nbgrader has written into a notebook's cells: which of them answers what, and which are not to be changed.

    {"nbgrader": {"schema_version": 3, "grade_id": "resblock", "solution": true, "grade": false, "locked": false, …}}

Source: nbgrader's documentation, "JSON Metadata Format"; versions 1 to 3 are read. All of it comes from a student's
file: it helps to find an answer, and decides nothing. The assignment's points count, and never those that stand here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from nbformat import NotebookNode

from grader.language import say

Kind = Literal["class", "function"]

_MOST_POINTS = 1e9
_GRADE_ID = re.compile(r"[a-zA-Z0-9_-]{1,100}")
_DEFINED: dict[Kind, re.Pattern[str]] = {
    "class": re.compile(r"^class[ \t]++(\w++)", re.MULTILINE),
    "function": re.compile(r"^(?:async[ \t]++)?def[ \t]++(\w++)", re.MULTILINE),
}


@dataclass(frozen=True)
class Mark:
    """What one cell is to nbgrader.

    Attributes:
        solution: here students write.
        grade: points are given for it.
        locked: it is as it was handed out, or should be.
    """

    grade_id: str
    solution: bool
    grade: bool
    locked: bool
    points: float
    checksum: str


def is_grade_id(text: str) -> bool:
    """May nbgrader call a cell so?"""
    return _GRADE_ID.fullmatch(text) is not None


def mark_of(node: NotebookNode) -> Mark | None:
    """The mark of a cell; None where it has none that could be nbgrader's."""
    found: Any = node.metadata.get("nbgrader")
    if not isinstance(found, dict):
        return None
    grade_id, checksum, points = found.get("grade_id"), found.get("checksum"), found.get("points")
    if not isinstance(grade_id, str) or not is_grade_id(grade_id):
        return None
    solution, grade = found.get("solution") is True, found.get("grade") is True
    return Mark(
        grade_id=grade_id,
        solution=solution,
        grade=grade,
        # As nbgrader has it: tests are locked, whatever else is said, and what students write never is.
        locked=not solution and (grade or found.get("locked") is True),
        points=float(points) if isinstance(points, int | float) and abs(points) < _MOST_POINTS else 0.0,
        checksum=checksum if isinstance(checksum, str) else "",
    )


def defined_in(nodes: list[NotebookNode], grade_ids: set[str], kinds: tuple[Kind, ...]) -> list[str]:
    """Names that code defines where students answer one of these, the last first: helpers stand above."""
    found: list[str] = []
    for node in nodes:
        mark = mark_of(node)
        if node.cell_type == "code" and mark and mark.solution and mark.grade_id in grade_ids:
            defined = [match for kind in kinds for match in _DEFINED[kind].finditer(node.source)]
            found += [match[1] for match in sorted(defined, key=lambda match: match.start())]
    return found[::-1]


def changed(nodes: list[NotebookNode]) -> list[str]:
    """A sentence for each cell that nbgrader has locked and that is no longer what was handed out."""
    sentences = []
    for number, node in enumerate(nodes, start=1):
        mark = mark_of(node)
        if mark and mark.locked and mark.checksum and mark.checksum != _checksum(node, mark):
            sentence = say(
                "cell {cell} ({id}) is locked by nbgrader, and differs from what was handed out",
                cell=number,
                id=mark.grade_id,
            )
            sentences.append(sentence)
    return sentences


def _checksum(node: NotebookNode, mark: Mark) -> str:
    """As nbgrader makes it."""
    parts = [node.source, node.cell_type, str(mark.grade), str(mark.solution), str(mark.locked), mark.grade_id]
    if mark.grade:
        parts.append(str(mark.points))
    return hashlib.md5("".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
