"""Find a written answer among the markdown cells.

An answer stands in cells that the starter notebook marks, `{"grader": {"answer": "<exercise id>"}}` in the
cell's metadata or as nbgrader's solution with the exercise's `grade_id`, or below a heading that contains one of the
exercise's `headings`. What the starter itself says, the heading, cells marked `{"grader": {"prompt": true}}` or locked
by nbgrader and placeholders, is no part of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grader.assignment import EssayExercise, QuizExercise
from grader.submission import nbgrader
from grader.submission.nouns import Cell, Submission

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]++(.*+))?$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")

# A whole line, in small letters, without the marks around it: "*Your answer here.*", "[Type your answer]".
_PLACEHOLDER = re.compile(
    r"(?:(?:please )?(?:write|type|enter|put|insert|add|place|fill in|double[- ]click to \w{1,10})(?: in)? )?"
    r"your (?:own )?(?:written )?(?:answers?|responses?|solutions?|text|essay|explanation)"
    r"(?: goes| go)?(?: here| below)?(?:,? replacing this text)?"
    r"|(?:replace|delete) this (?:text|line|cell)(?: (?:with|by) your (?:answer|text|essay))?"
    r"|double[- ]click (?:here )?to (?:edit|write|answer)(?: this cell)?"
    r"|(?:your )?(?:answer|text) goes here|answer here|todo|tbd"
)
_LONGEST_PLACEHOLDER = 120
_MARKS = "*_`~>#[](){}<>.…!:;-—– \t\r"


@dataclass(frozen=True)
class Written:
    """What a student wrote, as Markdown, and the cell in which it begins."""

    text: str
    cell: int


def find_answer(submission: Submission, exercise: EssayExercise) -> str | None:
    """The student's answer as Markdown, or None when there is none or nothing was written."""
    written = find_written(submission, exercise)
    return written.text if written else None


def find_written(submission: Submission, exercise: EssayExercise | QuizExercise) -> Written | None:
    """The same, with its place."""
    cells = list(_cells(submission, exercise))
    return _in_marked_cells(cells, exercise) or _below_heading(cells, exercise)


@dataclass(frozen=True)
class _Marked:
    cell: Cell
    answers: str | None  # the exercise that the starter says is answered here
    prompt: bool  # the starter says: this is the question


@dataclass(frozen=True)
class _Line:
    text: str
    cell: int


def _cells(submission: Submission, exercise: EssayExercise | QuizExercise) -> Iterator[_Marked]:
    for cell, node in zip(submission.cells, submission.notebook.cells, strict=True):
        mark: Any = node.metadata.get("grader")
        if not isinstance(mark, dict):
            mark = {}
        theirs = nbgrader.mark_of(node)
        answers, prompt = mark.get("answer"), mark.get("prompt") is True
        if answers is None and theirs and theirs.solution and theirs.grade_id in exercise.grade_ids:
            answers = exercise.id
        yield _Marked(cell, answers, prompt or (theirs is not None and theirs.locked))


def _in_marked_cells(cells: list[_Marked], exercise: EssayExercise | QuizExercise) -> Written | None:
    lines: list[_Line] = []
    for marked in cells:
        if marked.answers == exercise.id and marked.cell.kind != "code":
            own = marked.cell.source.split("\n")
            heading = _HEADING.match(own[0])
            if heading and _is_asked(heading, exercise):
                del own[0]
            lines += [_Line(line, marked.cell.number) for line in [*own, ""]]
    return _written(lines)


def _below_heading(cells: list[_Marked], exercise: EssayExercise | QuizExercise) -> Written | None:
    level = 0  # of the heading we are below; 0: we are below none
    lines: list[_Line] = []
    for marked in cells:
        if marked.cell.kind == "code":
            if marked.cell.source.strip():
                level = 0
            continue
        if marked.answers is not None:
            level = 0  # a place for another answer, or for this one, where nothing was written
            continue
        for line, heading in _lines(marked.cell.source):
            if heading is not None and (level == 0 or len(heading[1]) <= level):
                answer = _written(lines)
                if answer is not None:
                    return answer
                lines = []
                level = len(heading[1]) if _is_asked(heading, exercise) else 0
            elif level and not marked.prompt:
                lines.append(_Line(line, marked.cell.number))
        lines.append(_Line("", marked.cell.number))
    return _written(lines)


def _lines(source: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Every line, with its match if it is a heading. A `#` in a block of code is none."""
    fence = ""
    for line in source.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            yield line, None
        elif mark:
            fence = mark[1]
            yield line, None
        else:
            yield line, _HEADING.match(line.rstrip("\r"))


def _is_asked(heading: re.Match[str], exercise: EssayExercise | QuizExercise) -> bool:
    text = (heading[2] or "").casefold()
    return any(wanted.casefold() in text for wanted in exercise.headings)


def _written(lines: list[_Line]) -> Written | None:
    """What is left without placeholders; None if that is nothing."""
    text = _without_comments("\n".join(line.text for line in lines))
    kept = [line for line in text.split("\n") if not is_placeholder(line)]
    answer = "\n".join(kept).strip()
    if not any(sign.isalnum() for sign in answer):
        return None
    return Written(answer, next(line.cell for line in lines if line.text.strip() and not is_placeholder(line.text)))


def is_placeholder(line: str) -> bool:
    """Does this line only say that something is to be written here?"""
    if len(line) > _LONGEST_PLACEHOLDER:
        return False
    return _PLACEHOLDER.fullmatch(line.strip(_MARKS).casefold()) is not None


def _without_comments(text: str) -> str:
    """Without `<!-- … -->`. By `find`: a regex would take quadratic time on many unclosed ones."""
    kept: list[str] = []
    position = 0
    while (start := text.find("<!--", position)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            break
        kept.append(text[position:start])
        position = end + 3
    return "".join([*kept, text[position:]])
