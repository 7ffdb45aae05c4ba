"""Find a written answer among the markdown cells.

An answer stands in cells that the starter notebook marks, `{"grader": {"answer": "<exercise id>"}}` in the
cell's metadata or as nbgrader's solution with the exercise's `grade_id`, or below a heading that contains one of the
exercise's `headings`. What the starter itself says, the heading, cells marked `{"grader": {"prompt": true}}` or locked
by nbgrader and placeholders, is no part of the answer. Where the marked cell was left as it came, the cells below it
are looked at, and a cell that became code by mistake is read as the text that it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from grader.assignment import EssayExercise, QuizExercise
from grader.submission import nbgrader
from grader.submission.as_text import text_of
from grader.submission.named import behind_name, may_name
from grader.submission.nouns import Cell, Submission

_HEADING = re.compile(r" {0,3}(?P<level>#{1,6})(?:[ \t]++(?P<text>.*+))?$")
# What people take for a heading: without the space, in bold, in HTML, or before a colon.
_LIKE_HEADING = re.compile(
    r" {0,3}(?:#{1,6}(?P<close>[^\s#].*+)|(?:\*\*|__)(?P<bold>[^*_]++)(?:\*\*|__):?\s*+"
    r"|<h[1-6]>(?P<html>[^<]*+)</h[1-6]>\s*+|(?P<plain>[^:.#*_<]{1,60}+)(?::(?P<rest>.*+)|\s*+))$"
)
_UNDERLINE = re.compile(r" {0,3}(?:=++|-++)\s*+$")
_NUMBERED = re.compile(r"\s*+(?:answer|question|part|exercise|task|antwort|frage|aufgabe) ?\d", re.IGNORECASE)
_LOWEST = 7  # the level of what is only like a heading
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


def find_written(
    submission: Submission, exercise: EssayExercise | QuizExercise, texts: Texts | None = None
) -> Written | None:
    """The same, with its place.

    Args:
        texts: what was read of the submission's texts for an earlier question.
    """
    cells = list(_cells(submission, exercise))
    return _in_marked_cells(cells, exercise) or _below_heading(cells, exercise, texts or Texts())


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
        text = _text(marked.cell, exercise)
        if marked.answers == exercise.id and text is not None:
            own = text.split("\n")
            heading = _heading(own[0])
            if heading and not heading.rest and _is_asked(heading, _wanted(exercise)):
                del own[0]
            lines += [_Line(line, marked.cell.number) for line in [*own, ""]]
    return _written(lines)


def _text(cell: Cell, exercise: EssayExercise | QuizExercise) -> str | None:
    """What a cell says; code says nothing, and answers a question by what it binds."""
    if cell.kind != "code":
        return cell.source
    return text_of(cell.source) if isinstance(exercise, EssayExercise) else None


def _below_heading(cells: list[_Marked], exercise: EssayExercise | QuizExercise, texts: Texts) -> Written | None:
    wanted = _wanted(exercise)
    level = 0  # of the heading we are below; 0: we are below none
    lines: list[_Line] = []
    for marked in cells:
        text = _text(marked.cell, exercise)
        if text is None:
            if marked.cell.source.strip():
                level = 0
            continue
        if marked.answers is not None:
            # A place for another answer; or for this one, where nothing was written, and perhaps in the cell below.
            level = _LOWEST if marked.answers == exercise.id and isinstance(exercise, EssayExercise) else 0
            continue
        for heading, line, is_name in texts.lines(text):
            if is_name:
                heading = _named(line, exercise) or heading
            if heading is not None and _ends(heading, level, wanted):
                answer = _written(lines)
                if answer is not None:
                    return answer
                lines = []
                level = heading.level if _is_asked(heading, wanted) else 0
                if level and heading.rest:
                    lines.append(_Line(heading.rest, marked.cell.number))
            elif level and not marked.prompt:
                lines.append(_Line(line, marked.cell.number))
        lines.append(_Line("", marked.cell.number))
    return _written(lines)


@dataclass(frozen=True)
class _Heading:
    level: int
    text: str
    said: str = field(init=False)  # in small letters
    rest: str = ""  # of the line, behind a colon
    whole: bool = False  # a line of prose: it is one only if it says just what is asked for
    named: bool = False  # it names the question

    def __post_init__(self) -> None:
        object.__setattr__(self, "said", self.text.casefold().strip())


def _wanted(exercise: EssayExercise | QuizExercise) -> frozenset[str]:
    """The headings below which an answer stands, in small letters."""
    return frozenset(map(str.casefold, exercise.headings))


def _ends(heading: _Heading, level: int, wanted: frozenset[str]) -> bool:
    """Does this heading end what is above it? What is only like one has to be asked for, or numbered."""
    if heading.level < _LOWEST:
        return level == 0 or heading.level <= level
    if level and level < _LOWEST:
        return False
    return _is_asked(heading, wanted) or (not heading.whole and _NUMBERED.match(heading.text) is not None)


_Read = tuple[_Heading | None, str, bool]


class Texts:
    """The lines of texts, each read once, however many questions are looked for in them."""

    def __init__(self) -> None:
        self._lines: dict[str, list[_Read]] = {}

    def lines(self, source: str) -> list[_Read]:
        """Every line: its heading if it is one, itself, and whether it may name a question."""
        if source not in self._lines:
            self._lines[source] = list(_lines(source))
        return self._lines[source]


def _lines(source: str) -> Iterator[_Read]:
    """A `#` in a block of code is no heading."""
    fence = ""
    for line in source.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            yield None, line, False
        elif mark:
            fence = mark[1]
            yield None, line, False
        elif _UNDERLINE.fullmatch(line.rstrip("\r")):
            yield None, "", False
        else:
            yield _heading(line.rstrip("\r")), line, may_name(line)


def _heading(line: str) -> _Heading | None:
    if heading := _HEADING.match(line):
        return _Heading(len(heading["level"]), heading["text"] or "")
    if not (like := _LIKE_HEADING.match(line)):
        return None
    text = like["close"] or like["bold"] or like["html"] or like["plain"]
    return _Heading(_LOWEST, text, like["rest"] or "", whole=like["plain"] is not None)


def _named(line: str, exercise: EssayExercise | QuizExercise) -> _Heading | None:
    """A line that names the question in the student's own way, and perhaps gives the answer behind it."""
    if isinstance(exercise, EssayExercise) or (rest := behind_name(line, exercise)) is None:
        return None
    heading = _HEADING.match(line.rstrip("\r"))
    return _Heading(len(heading["level"]) if heading else _LOWEST, exercise.id, rest, named=True)


def _is_asked(heading: _Heading, wanted: frozenset[str]) -> bool:
    if heading.named or heading.said in wanted:
        return True
    if heading.whole:
        return False
    if heading.level < _LOWEST:
        return any(each in heading.said for each in wanted)
    return heading.said.startswith(tuple(wanted))


def _written(lines: list[_Line]) -> Written | None:
    """What is left without placeholders; None if that is nothing."""
    if not lines:
        return None
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
