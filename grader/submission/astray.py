"""Answers that went astray: bound to a name with a slip of the pen, or in a cell that is no code any more.

A name that is nearly the one that was asked for is not guessed at; a human looks at it. A line `q_depth = "b"` in a
Markdown or raw cell is read as it stands: somebody changed the cell's type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from grader.assignment import QuizExercise
from grader.submission import nbgrader
from grader.submission.answers import is_placeholder
from grader.submission.literals import LONGEST, Nothing, Read, read_literal
from grader.submission.named import announces
from grader.submission.nouns import Submission

_SHORTEST = 5  # letters of a name: in a shorter one a slip makes another name
_WORD_OR_TWO = 20  # characters
_COMMENT = re.compile(r"\s*+#[^'\"]*+$")


@dataclass(frozen=True)
class Misnamed:
    """Nothing is bound to the name that was asked for, and something to one that is nearly the same."""

    name: str


@dataclass(frozen=True)
class Line:
    """What a line outside of code gives for a name."""

    text: str
    value: Read
    cell: int


def in_text(submission: Submission, name: str) -> Line | None:
    """The last line `name = …` of a cell that is no code, and not the question."""
    line = re.compile(rf"[\W_]*?(?<!\w){re.escape(name)}[*_` ]*+=(?!=)\s*+(\S.*+)")
    found = None
    for cell, node in zip(submission.cells, submission.notebook.cells, strict=True):
        if cell.kind == "code" or name not in cell.source or _is_question(node):
            continue
        for each in cell.source.split("\n"):
            if len(each) <= LONGEST and (match := line.fullmatch(each.strip())):
                text = _COMMENT.sub("", match[1]).strip(" `*;")
                value = read_literal(text)
                if not isinstance(value, Nothing) and not (isinstance(value, str) and is_placeholder(value)):
                    found = Line(text, value, cell.number)
    return found


def just_below(submission: Submission, cell: int, exercise: QuizExercise) -> Line | None:
    """A word or two in the Markdown cell below the one that was left as it came: `b`, `Answer: 2.0`."""
    if cell >= len(submission.cells):
        return None
    below, node = submission.cells[cell], submission.notebook.cells[cell]
    text = below.source.strip()
    short = len(text) <= _WORD_OR_TWO and not text.startswith("#") and any(sign.isalnum() for sign in text)
    if below.kind != "markdown" or not short or "grader" in node.metadata or _is_question(node):
        return None
    if all(is_placeholder(line) or announces(line, exercise) for line in text.split("\n") if line.strip()):
        return None
    return Line(text, text, below.number)


def nearest(name: str, others: Iterable[str], asked: Collection[str]) -> str | None:
    """The name that differs from this one by a slip, and is not asked for itself."""
    return next((other for other in others if other not in asked and _is_near(other, name)), None)


def _is_question(node: Any) -> bool:
    mark = node.metadata.get("grader")
    theirs = nbgrader.mark_of(node)
    return (isinstance(mark, dict) and mark.get("prompt") is True) or (theirs is not None and theirs.locked)


def _is_near(other: str, name: str) -> bool:
    """In other cases, without underscores, or one letter wrong, missing, too many or changed with the next."""
    left, right = _folded(other), _folded(name)
    if left == right:
        return True
    if len(right) < _SHORTEST or abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    rest, wanted = left[start:], right[start:]
    if len(rest) == len(wanted):
        return rest[1:] == wanted[1:] or rest[:2] + wanted[2:] == wanted[1::-1] + rest[2:]
    return rest[1:] == wanted if len(rest) > len(wanted) else rest == wanted[1:]


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")
