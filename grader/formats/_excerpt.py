"""The student's own lines around the place that a finding names."""

from __future__ import annotations

import textwrap
from collections.abc import Sized
from dataclasses import dataclass

from markupsafe import Markup

from grader.formats._highlight import highlight
from grader.formats._text import one_line
from grader.formats._words import at
from grader.submission import Submission

_AROUND = 2  # lines before and after the one that is meant
_WIDTH = 200  # characters of a line; more is no line that anybody wrote
_LINES = 20_000  # of one cell, that are looked at


@dataclass(frozen=True)
class Line:
    """One line of source, numbered in its cell."""

    number: int
    code: Markup
    meant: bool


@dataclass(frozen=True)
class Place:
    """A cell, a line if one is known, and the source there if it can be shown."""

    cell: int
    line: int | None
    lines: list[Line]
    linked: bool  # the notebook's page has this cell

    @property
    def words(self) -> str:
        return at(self.cell, self.line)


def place(submission: Submission | None, cell: int | None, line: int | None) -> Place | None:
    """Where a finding points to. What the child reported may lie outside of the notebook: then no source."""
    if cell is None:
        return None
    exists = submission is not None and 1 <= cell <= len(submission.cells)
    if submission is None or not exists:
        return Place(cell, line, [], linked=False)
    if line is None:
        return Place(cell, None, [], linked=True)
    source = source_lines(submission.cells[cell - 1].source)
    line = clamped(line, source)
    first = max(1, line - _AROUND)
    cut = [_cut(text) for text in source[first - 1 : line + _AROUND]]
    coloured = highlight(textwrap.dedent("\n".join(cut)))
    lines = [Line(first + i, code, first + i == line) for i, code in enumerate(coloured)]
    return Place(cell, line, lines, linked=True)


def source_lines(source: str) -> list[str]:
    """The lines of a cell, as the editor numbers them; an empty last one is none."""
    return source.replace("\r\n", "\n").removesuffix("\n").split("\n", _LINES)[:_LINES]


def clamped(line: int, lines: Sized) -> int:
    """The nearest line there is: a reported line may be anything."""
    return max(1, min(line, len(lines)))


def _cut(text: str) -> str:
    """An endless line ends somewhere."""
    return text if len(text) <= _WIDTH else text[:_WIDTH] + " …"


def heading(text: str, otherwise: str) -> str:
    """A title, or what stands for it when there is none."""
    return one_line(text) or otherwise
