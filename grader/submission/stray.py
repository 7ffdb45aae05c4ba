"""Text at a question that nobody handed out: an answer, perhaps, which only a human can read.

It stands in the question's own cell, below it, in the comments of the cell that was left as it came, or anywhere in a
line that names the question. Who wrote nothing has none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grader.assignment import ChoiceExercise, QuizExercise
from grader.submission.answers import is_placeholder
from grader.submission.as_text import text_of
from grader.submission.handed_out import HandedOut
from grader.submission.literals import LONGEST, Nothing, Unreadable, read_literal
from grader.submission.named import announces, may_announce
from grader.submission.nouns import Cell, Submission

# Characters of text that are looked through for answers. Nobody writes as many around a few questions.
MOST_TEXT = 1_000_000

_BOUND = re.compile(r"([^\W\d]\w*+)[ \t]*+(?::[^=]*+)?=(?!=)")
_BETWEEN_CELLS = re.compile(r"#\s*+(?:%%|In ?\[|-\*-|coding\b)")  # in a script, as Jupyter and editors write it
_EMPTY_BOX = re.compile(r"[-*+ \t]*+\[ ?\][^\n]*+")
_LITERAL = re.compile(r"(?:[^\W\d]\w*+[ \t]*+=(?!=)|print[ \t]*+(?=\())?+(.++)")
_LETTER = re.compile(r"\(?[A-Za-z]\)?")


@dataclass(frozen=True)
class Stray:
    """Something that was written where an answer is looked for, as Markdown, and the cell in which it begins."""

    text: str
    cell: int


class Strays:
    """What students wrote into a notebook beside the starter's words.

    Args:
        exercises: all questions that are asked, in their order.
    """

    def __init__(self, submission: Submission, exercises: Sequence[QuizExercise], given: HandedOut) -> None:
        self._cells = submission.cells
        self._marks = [node.metadata.get("grader") for node in submission.notebook.cells]
        self._exercises = exercises
        self._names = {exercise.name for exercise in exercises}
        self._given = given
        self._from_starter = [cell.kind != "code" and given.is_from(cell.source) for cell in submission.cells]
        letters = {option.id for each in exercises if isinstance(each, ChoiceExercise) for option in each.options}
        self._numbered = re.compile(
            rf"(?<![\w.])(\d{{1,2}})\s?[.):=-]?\s?(?:{'|'.join(map(re.escape, letters)) or 'a'})(?!\w)", re.IGNORECASE
        )
        self._own = list(self._own_lines())
        # Of each cell, what is the same for every question: there may be as many lines as questions, and more.
        self._plain = [given.plain_lines(cell.source) if cell.kind != "code" else frozenset() for cell in self._cells]
        self._begins = [self._begins_another(place) for place in range(len(self._cells))]

    def at(self, exercise: QuizExercise, code: int | None) -> Stray | None:
        """What may be meant for an answer to this question.

        Args:
            code: number of the cell that binds nothing to its name; None where no cell does.
        """
        found = [
            (text, cell.number) for cell in self._around(exercise, code) if (text := self._said(cell, exercise, code))
        ]
        if not found:
            return self._named_elsewhere(exercise)
        return Stray("\n\n".join(text for text, _ in found)[:LONGEST], found[0][1])

    def _own_lines(self) -> Iterator[_Own]:
        """Of each text cell the lines that say something: all of it, or what was added to the starter's."""
        left = MOST_TEXT
        for cell, from_starter in zip(self._cells, self._from_starter, strict=True):
            lines = [] if cell.kind == "code" or left < 0 else [line[:LONGEST] for line in cell.source.split("\n")]
            left -= sum(map(len, lines)) + len(lines)
            own = [line for line in lines if _says(line) and not (from_starter and self._given.has(line))]
            yield _Own(own, self._numbered)

    # ------------------------------------------------------------------ where

    def _around(self, exercise: QuizExercise, code: int | None) -> Iterator[Cell]:
        """The question's cells, and those below it up to the next question."""
        start = self._above(code) if code else self._asked(exercise)
        if start is None:
            return
        for place in range(start, len(self._cells)):
            if place > start and place >= (code or 0) and self._begins[place]:
                return
            if not self._answers_another(place, exercise):
                yield self._cells[place]

    def _above(self, code: int) -> int:
        """The place of the question's text, above the cell with its name."""
        for place in range(code - 2, -1, -1):
            if self._cells[place].kind == "code":
                return place + 1
            if self._from_starter[place]:
                return place
        return 0

    def _asked(self, exercise: QuizExercise) -> int | None:
        """The same, where no cell has the name any more."""
        start = self._given.question(exercise.name)
        return next((place for place, lines in enumerate(self._plain) if start and start in lines), None)

    def _begins_another(self, place: int) -> bool:
        """Does the starter go on here?"""
        cell = self._cells[place]
        if cell.kind != "code":
            return self._from_starter[place]
        return any(self._given.has(line) for line in cell.source.split("\n") if line.strip(" \t#"))

    def _answers_another(self, place: int, exercise: QuizExercise) -> bool:
        mark: Any = self._marks[place]
        return isinstance(mark, dict) and mark.get("answer") not in (None, exercise.id)

    # ------------------------------------------------------------------ what

    def _said(self, cell: Cell, exercise: QuizExercise, code: int | None) -> str:
        """What a student wrote in a cell, and "" where that is nothing."""
        if cell.kind != "code":
            return self._own[cell.number - 1].text(exercise)
        return self._in_code(cell, exercise, is_answer=cell.number == code)

    def _in_code(self, cell: Cell, exercise: QuizExercise, *, is_answer: bool) -> str:
        """Comments and bare values. Of code that computes something nobody can tell what it answers."""
        source = cell.source[:MOST_TEXT]
        lines = source.split("\n")
        if not is_answer and (text := text_of(source)) is not None:
            return "" if all(map(self._given.has, text.split("\n"))) else text.strip()[:LONGEST]
        if len(self._cells) == 1:
            lines = self._near(lines, exercise)
        read = [self._read(line) for line in lines]
        if not is_answer and None in read:
            return ""
        return "\n".join(each for each in read if each)

    def _near(self, lines: list[str], exercise: QuizExercise) -> list[str]:
        """In a script, the lines around the name, up to other code and to the marks between cells."""
        here = next((place for place, line in enumerate(lines) if self._bound(line) == exercise.name), len(lines))
        above, below = lines[:here][::-1], lines[here + 1 :]
        return [*list(self._up_to_code(above))[::-1], *lines[here : here + 1], *self._up_to_code(below)]

    def _up_to_code(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            if _BETWEEN_CELLS.match(line) or self._bound(line) or self._read(line) is None:
                return
            yield line

    def _read(self, line: str) -> str | None:
        """What a line of code says to a reader; "" where that is nothing, None where it does something."""
        line = line.strip()
        if self._given.has(line) or _BETWEEN_CELLS.match(line):
            return ""
        if self._bound(line) or line.startswith("#"):
            comment = line.partition("#")[2][:LONGEST]
            return "" if self._given.has(comment) or not _says(comment) else comment.strip("# \t")
        match = _LITERAL.fullmatch(line)
        if len(line) > LONGEST or match is None:
            return None
        text = match[1].strip(" \t;")
        value = read_literal(text)
        if isinstance(value, Unreadable) and not _LETTER.fullmatch(text):
            return None
        return "" if isinstance(value, Nothing) or not _says(text) else f"`{line}`"

    def _bound(self, line: str) -> str | None:
        """The name of a question to which this line binds something, or nothing."""
        match = _BOUND.match(line.strip())
        return match[1] if match and match[1] in self._names else None

    def _named_elsewhere(self, exercise: QuizExercise) -> Stray | None:
        """A line anywhere that names the question, as `sum: c`, or the list `1b 2d 3a` of all answers."""
        number = next(n for n, each in enumerate(self._exercises, start=1) if each.id == exercise.id)
        label = re.compile(
            rf"[\W_]*+(?:{re.escape(exercise.id)}|{re.escape(exercise.name)})[*_` ]*+[:=)–-][\W_]*+\w.*+", re.IGNORECASE
        )
        for place, own in enumerate(self._own):
            if not own.lines or self._answers_another(place, exercise):
                continue
            numbers = own.listed
            labelled = own.says(exercise.id, exercise.name) and any(map(label.fullmatch, own.lines))
            if labelled or (len(numbers) > 1 and str(number) in numbers):
                return Stray(own.text(exercise)[:LONGEST], self._cells[place].number)
        return None


class _Own:
    """The lines of a cell that say something and are the student's own. What is the same for all questions is kept."""

    def __init__(self, lines: list[str], numbered: re.Pattern[str]) -> None:
        self.lines = lines
        self._numbered = numbered

    def text(self, exercise: QuizExercise) -> str:
        """What is left without headings, and "" where no box is ticked."""
        if not self._may_announce:
            return self._whole
        return _text([line for line in self.lines if not announces(line, exercise)])

    def says(self, *names: str) -> bool:
        """Does one of these stand anywhere, in any case?"""
        return any(name.casefold() in self._folded for name in names)

    @cached_property
    def listed(self) -> list[str]:
        """The numbers of questions beside each of which stands an option: `1b 2d 3a`."""
        return [match for line in self.lines for match in self._numbered.findall(line)]

    @cached_property
    def _whole(self) -> str:
        return _text(self.lines)

    @cached_property
    def _folded(self) -> str:
        return "\n".join(self.lines).casefold()

    @cached_property
    def _may_announce(self) -> bool:
        return any(map(may_announce, self.lines))


def _text(lines: list[str]) -> str:
    return "" if all(map(_EMPTY_BOX.fullmatch, lines)) else "\n".join(lines).strip()


def _says(line: str) -> bool:
    return any(sign.isalnum() for sign in line) and not is_placeholder(line)
