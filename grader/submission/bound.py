"""What the names of a notebook are bound to in the end, as far as that can be read.

    q_depth = "b"                        the last binding at the left margin of any code cell
    q_first, q_second = "a", (1, 64)
    q_depth = b                          a letter without its quotes, if nothing is bound to it

Where anything else than such a binding comes last, what a name stands for can't be told: a block that may never be run,
or often, `del`, `import`, `.append("b")` on it or on another name of the same list. It is no answer, and no silence.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from grader.submission.answers import Written, is_placeholder
from grader.submission.astray import Misnamed
from grader.submission.literals import LONGEST, Nothing, Read, Unreadable, read_items, read_literal
from grader.submission.nouns import Cell, Submission
from grader.submission.statements import BLOCK, Statement, makes_a_module, statements, without_strings
from grader.submission.stray import Stray
from grader.submission.touched import defined, names_in, touched

# Characters of code that are read for answers. The code of whole courses has fewer.
MOST_CODE = 1_000_000

_NAME = r"[^\W\d]\w*+"
_BINDING = re.compile(rf"({_NAME})[ \t]*+(?::[^=]*+)?=(?!=)")  # name = …, name: type = …
_CHAINED = re.compile(rf"\s*+({_NAME})[ \t]*+=(?!=)")
_UNPACKING = re.compile(rf"[(\[]?+\s*+({_NAME}(?:\s*+,\s*+{_NAME})*+)\s*+,?+\s*+[)\]]?+\s*+=(?!=)")
_MENTION = re.compile(rf"({_NAME})[ \t]*+(?:==|:|->|<-|=>|['\"])[ \t]*+[\w'\"(\[]")  # somebody meant to bind it
_LETTER = re.compile(r"[A-Za-z](?=\)?$)")  # b, b)
_MADE = re.compile(r"[\[{]|\w\s*+\(")  # a list, a set, what a call gives: it may be changed in place


@dataclass(frozen=True)
class Given:
    """What stands as an answer, and where."""

    value: Read | Written | Misnamed | Stray
    source: str  # as it was written, not too long
    cell: int
    line: int | None = None


def find_bound(submission: Submission, names: Collection[str]) -> dict[str, Given]:
    """What names are bound to at the end, by name: all that stand at the left margin, and these in blocks too."""
    run, files = _Reading(names), _Reading(names)
    left = MOST_CODE
    for cell in submission.cells:
        if cell.kind != "code":
            continue
        left -= len(cell.source)
        reading = files if makes_a_module(cell.source) else run
        if left < 0:
            reading.leave_unread(cell)
        else:
            reading.read(cell)
    found = run.found()
    for name, given in files.found().items():
        if is_open(found.get(name)):
            found[name] = given  # a cell that is written to a file is not run, and counts where nothing else does
    return found


def is_open(given: Given | None) -> bool:
    """Is there no answer yet?"""
    return given is None or isinstance(given.value, Nothing)


class _Reading:
    """One reading of cells, from the top.

    Args:
        names: that are asked for.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._known: dict[str, Read] = {}
        self._given: dict[str, Given] = {}
        self._hints: dict[str, Given] = {}  # for names that are asked for, where nothing is surely bound to them
        self._same = _Same()
        self._functions: set[str] = set()
        self._everywhere: set[str] = set()  # names that a function binds, whenever it is called

    def found(self) -> dict[str, Given]:
        """By name, all that is bound at the left margin, and for those that are asked for what else there is."""
        hints = {name: self._hints[name] for name in self._names if name in self._hints}
        return {**self._given, **{name: hint for name, hint in hints.items() if is_open(self._given.get(name))}}

    def leave_unread(self, cell: Cell) -> None:
        named = (name for name in self._names if name in cell.source)
        self._given.update((name, Given(Unreadable(""), "", cell.number)) for name in named)

    def read(self, cell: Cell) -> None:
        function = ""  # that the statement is in
        for statement in statements(textwrap.dedent(cell.source)):  # Jupyter runs a cell that is indented as a whole
            if not statement.indented:
                function = defined(statement.text)
                self._functions.update([function] if function else [])
            if statement.indented or BLOCK.match(statement.text):
                self._touch(cell, statement, function)
            else:
                self._read_plain(cell, statement)

    def _read_plain(self, cell: Cell, statement: Statement) -> None:
        """A statement that is surely run, and once."""
        if (mention := _MENTION.match(statement.text)) and mention[1] in self._names:
            self._hints[mention[1]] = _unclear(cell, statement)
        bindings = list(_bindings(statement.text, self._known))
        names = [name for name, _, _ in bindings]
        self._touch(cell, statement, plain=names)
        for name, value, source in bindings:
            self._bind(name, value, _given(cell, statement, value, source))
        if names:
            self._same.bind(names, statement.text)

    def _touch(self, cell: Cell, statement: Statement, function: str = "", plain: Collection[str] = ()) -> None:
        """Whatever a statement does but bind plainly makes its names unclear; what a function binds is its own."""
        does = touched(statement, self._functions)
        if not does.bound and not does.changed:
            return
        unclear = _unclear(cell, statement)
        self._everywhere |= does.everywhere
        for name in does.changed:
            for other in self._same.names(name):
                self._lose(other, unclear)
        for name in does.bound.difference(plain):
            if function and name != function and name not in self._everywhere:
                self._known[name] = Unreadable(unclear.source)  # nor is it clear what follows from it
                self._hints[name] = unclear
            else:
                self._lose(name, unclear)
        for name in does.changed.difference(self._known).intersection(self._names):
            self._hints[name] = unclear

    def _lose(self, name: str, unclear: Given) -> None:
        self._known[name] = Unreadable(unclear.source)
        self._same.forget(name)
        if name in self._given or name in self._names:
            self._given[name] = unclear

    def _bind(self, name: str, value: Read, given: Given) -> None:
        if name in self._everywhere:
            value = Unreadable(given.source)
            given = replace(given, value=value)
        if isinstance(given.value, Nothing) and name in self._names and not is_open(self._given.get(name)):
            if isinstance(value, str) or given.source == "...":
                return  # the starter's cell once more, which takes nothing back
            given = replace(given, value=Unreadable(given.source))
        self._known[name] = value
        self._given[name] = given


class _Same:
    """Names that may stand for the same list, set or tensor: what changes one changes the others."""

    def __init__(self) -> None:
        self._groups: dict[str, set[str]] = {}

    def names(self, name: str) -> list[str]:
        """All that may change with this one; none, where it stands for a text or a number."""
        return list(self._groups.get(name, ()))

    def forget(self, name: str) -> None:
        self._groups.pop(name, set()).discard(name)

    def bind(self, names: list[str], text: str) -> None:
        """These names were bound by a statement: to something new, or to what others stand for."""
        value = without_strings(text).partition("=")[2]
        groups = [self._groups[name] for name in names_in(value) if name in self._groups]
        for name in names:
            self.forget(name)
        if groups or _MADE.search(value):
            largest = max(groups, key=len, default=set())
            moved = {*names, *(name for group in groups if group is not largest for name in group)}
            largest |= moved
            self._groups.update(dict.fromkeys(moved, largest))


def _unclear(cell: Cell, statement: Statement) -> Given:
    return _given(cell, statement, Unreadable(statement.text), statement.text)


def _given(cell: Cell, statement: Statement, value: Read, source: str) -> Given:
    if isinstance(value, str) and (is_placeholder(value) or not any(sign.isalnum() for sign in value)):
        value = Nothing()  # "your answer here", "?"
    return Given(value, source[:LONGEST], cell.number, statement.line)


def _bindings(text: str, known: dict[str, Read]) -> Iterator[tuple[str, Read, str]]:
    """The names that a statement plainly binds, each with its value and the text of it."""
    if match := _BINDING.match(text):
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


def _shown(value: Read, source: str) -> str:
    """One of several values that stand in one line."""
    if isinstance(value, Unreadable):
        return source
    return "..." if isinstance(value, Nothing) else repr(value)
