"""Find what a notebook gives as the answer to a question: bound to the question's name, or written in Markdown.

    q_depth = "b"                        the last binding at the left margin of any code cell
    q_first, q_second = "a", (1, 64)
    q_depth = b                          a letter without its quotes, if nothing is bound to it
    ### Answer: b                        else as an essay's answer is found: a marked cell, a heading

What is bound inside of a block may never be run, or run twice: it is no answer, and no silence either.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from grader.assignment import QuizExercise
from grader.submission import astray
from grader.submission.answers import Written, find_written, is_placeholder
from grader.submission.literals import LONGEST, Nothing, Read, Unreadable, read_items, read_literal
from grader.submission.nouns import Cell, Submission
from grader.submission.statements import Statement, statements

# Characters of code that are read for answers. The code of whole courses has fewer.
MOST_CODE = 1_000_000

_NAME = r"[^\W\d]\w*+"
_BINDING = re.compile(rf"({_NAME})[ \t]*+(?::[^=]*+)?=(?!=)")  # name = …, name: type = …
_CHAINED = re.compile(rf"\s*+({_NAME})[ \t]*+=(?!=)")
_UNPACKING = re.compile(rf"[(\[]?+\s*+({_NAME}(?:\s*+,\s*+{_NAME})*+)\s*+,?+\s*+[)\]]?+\s*+=(?!=)")
_CHANGING = re.compile(rf"({_NAME})[ \t]*+(?:\*\*|//|<<|>>|[-+*/%@&|^])=")
_BLOCK = re.compile(r"(?:if|elif|else|for|while|with|try|except|finally|def|class|async|match|case)\b")
_LOOP = re.compile(rf"for\s++\(?+\s*+({_NAME}(?:\s*+,\s*+{_NAME})*+)")
_MENTION = re.compile(rf"({_NAME})[ \t]*+(?:==|:|->|<-|=>|['\"])[ \t]*+[\w'\"(\[]")  # somebody meant to bind it
_LETTER = re.compile(r"[A-Za-z](?=\)?$)")  # b, b)
_IN_BLOCK = re.compile(rf":\s*+({_NAME})[ \t]*+=(?!=)")


@dataclass(frozen=True)
class Given:
    """What stands as an answer, and where."""

    value: Read | Written | astray.Misnamed
    source: str  # as it was written, not too long
    cell: int
    line: int | None = None


def find_given(submission: Submission, exercises: Iterable[QuizExercise]) -> dict[str, Given]:
    """What is given for each exercise, by its id. An exercise that is not mentioned anywhere has none."""
    wanted = {exercise.name: exercise for exercise in exercises}
    bound = _bound(submission, frozenset(wanted)) if wanted else {}
    found: dict[str, Given] = {}
    for name, exercise in wanted.items():
        given = bound.get(name)
        if given is None or isinstance(given.value, Nothing):
            given = _elsewhere(submission, exercise, bound, wanted) or _below(submission, given) or given
        if given is not None:
            found[exercise.id] = given
    return found


def _elsewhere(
    submission: Submission, exercise: QuizExercise, bound: Mapping[str, Given], wanted: Collection[str]
) -> Given | None:
    """What was written in Markdown, or bound to a name that is nearly the same."""
    line = astray.in_text(submission, exercise.name)
    if line is not None:
        value = Written(line.text, line.cell) if isinstance(line.value, Unreadable) else line.value
        return Given(value, line.text[:LONGEST], line.cell)
    written = find_written(submission, exercise)
    if written is not None:
        return Given(written, written.text[:LONGEST], written.cell)
    others = [name for name, given in bound.items() if not isinstance(given.value, Nothing)]
    near = astray.nearest(exercise.name, others, wanted)
    return replace(bound[near], value=astray.Misnamed(near)) if near else None


def _below(submission: Submission, empty: Given | None) -> Given | None:
    line = astray.just_below(submission, empty.cell) if empty else None
    return Given(Written(line.text, line.cell), line.text, line.cell) if line else None


def _bound(submission: Submission, names: frozenset[str]) -> dict[str, Given]:
    """What names are bound to at the end, by name: all that stand at the left margin, and these in blocks too."""
    known: dict[str, Read] = {}
    found: dict[str, Given] = {}
    inside: dict[str, Given] = {}
    left = MOST_CODE
    for cell in submission.cells:
        if cell.kind != "code":
            continue
        left -= len(cell.source)
        if left < 0:
            too_long = (name for name in names if name in cell.source)
            found.update((name, Given(Unreadable(""), "", cell.number)) for name in too_long)
            continue
        for statement in statements(textwrap.dedent(cell.source)):  # Jupyter runs a cell that is indented as a whole
            if statement.indented or _BLOCK.match(statement.text):
                for name in _names_in_block(statement):
                    known[name] = Unreadable(statement.text)  # nor is it clear what follows from it
                    inside[name] = _given(cell, statement, Unreadable(statement.text), statement.text)
                continue
            if (mention := _MENTION.match(statement.text)) and mention[1] in names:
                inside[mention[1]] = _given(cell, statement, Unreadable(statement.text), statement.text)
            for name, value, source in _bindings(statement.text, known):
                known[name] = value
                found[name] = _given(cell, statement, value, source)
    for name, given in inside.items():
        if name in names and (name not in found or isinstance(found[name].value, Nothing)):
            found[name] = given
    for name in sorted(names - set(found)):
        if (written := _in_expression(submission, name)) is not None:
            found[name] = written
    return found


def _in_expression(submission: Submission, name: str) -> Given | None:
    """What seems to be bound within an expression, where nothing is read: `print(q_depth := "b")`."""
    binding = re.compile(rf"(?<![\w.]){name}[ \t]*+:=[ \t]*+([^\n]*+)")
    for cell in submission.cells:
        match = binding.search(cell.source) if cell.kind == "code" else None
        if match is not None:
            line = cell.source.count("\n", 0, match.start()) + 1
            return Given(Unreadable(match[0]), match[0][:LONGEST], cell.number, line)
    return None


def _given(cell: Cell, statement: Statement, value: Read, source: str) -> Given:
    if isinstance(value, str) and (is_placeholder(value) or not any(sign.isalnum() for sign in value)):
        value = Nothing()  # "your answer here", "?"
    return Given(value, source[:LONGEST], cell.number, statement.line)


def _bindings(text: str, known: dict[str, Read]) -> Iterator[tuple[str, Read, str]]:
    """The names that a statement binds, each with its value and the text of it."""
    match = _BINDING.match(text)
    if match:
        names = [match[1]]
        end = match.end()
        while match := _CHAINED.match(text, end):
            names.append(match[1])
            end = match.end()
        source = text[end:].strip()
        value = read_literal(source, known)
        if isinstance(value, Unreadable) and (letter := _LETTER.match(source)) and letter[0] not in known:
            value = letter[0]
        yield from ((name, value, source) for name in names)
    elif match := _UNPACKING.match(text):
        names = [name.strip() for name in match[1].split(",")]
        source = text[match.end() :].strip()
        items = read_items(source, known)
        if items is None or len(items) != len(names):
            items = [Unreadable(source)] * len(names)
        yield from ((name, value, _shown(value, source)) for name, value in zip(names, items, strict=True))
    elif match := _CHANGING.match(text):
        yield match[1], Unreadable(text), text


def _shown(value: Read, source: str) -> str:
    """One of several values that stand in one line."""
    if isinstance(value, Unreadable):
        return source
    return "..." if isinstance(value, Nothing) else repr(value)


def _names_in_block(statement: Statement) -> Iterator[str]:
    if statement.indented and (match := _BINDING.match(statement.text) or _CHANGING.match(statement.text)):
        yield match[1]
    if match := _LOOP.match(statement.text):
        yield from (name.strip() for name in match[1].split(","))
    if _BLOCK.match(statement.text):
        yield from (match[1] for match in _IN_BLOCK.finditer(statement.text))
