"""Cut a code cell into the statements at its left margin, by its text alone, for nothing is parsed on this side.

Every pattern takes linear time: repetitions are possessive, and what is not closed ends with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = r"""(?: '''(?:[^'\\]++|\\.|'(?!''))*+(?:''')?+ | \"""(?:[^"\\]++|\\.|"(?!""))*+(?:\""")?+
                | '(?:[^'\\\n]++|\\.)*+'?+              | "(?:[^"\\\n]++|\\.)*+"?+ )"""
_STRINGS = re.compile(_STRING, re.VERBOSE | re.DOTALL)
# All that bears on where a statement ends; anything between is text.
_EVENT = re.compile(
    rf"""
      (?P<string> {_STRING} )
    | (?P<comment> \#[^\n]*+ )
    | (?P<joined> \\\n )
    | (?P<open> [(\[{{] )
    | (?P<close> [)\]}}] )
    | (?P<end> [\n;] )
    """,
    re.VERBOSE | re.DOTALL,
)
# A line for IPython: `!pip install …`, `%matplotlib inline`.
_MAGIC = re.compile(r"[ \t]*+[!%?][^\n]*+")
# Behind such a magic and its options stands a statement, and it is run.
_TIMED = re.compile(
    r"(?P<blank>[ \t]*+)%(?:time|timeit|prun)(?:[ \t]++-[a-zA-Z]\S*+(?:[ \t]++[0-9]++)?+)*+[ \t]++(?=[^\s-])"
)
# The cell is Python all the same; behind any other such line it is another language, or text.
_STILL_PYTHON = re.compile(
    r"\s*+%%(?:(?:time|timeit|capture|prun|check)\b[^\n]*+|(?:writefile|file)[ \t][^\n]*\.py\b[^\n]*+)"
)
_MAKES_A_MODULE = ("%%writefile", "%%file")
# What begins a block, over several lines or in one.
BLOCK = re.compile(r"(?:if|elif|else|for|while|with|try|except|finally|async|def|class)\b|(?:match|case)\s++[^\s=]")


@dataclass(frozen=True)
class Statement:
    """One statement, without comments."""

    line: int  # of the cell, from 1
    text: str
    indented: bool  # inside of a block: it may never be run, or often


def statements(source: str) -> Iterator[Statement]:
    """The statements of a cell, each with the line in which it begins. None, where the cell is no Python."""
    first = source.lstrip()
    start = 0
    if first.startswith("%%"):
        magic = _STILL_PYTHON.match(source)
        if magic is None:
            return
        start = magic.end()
    cut = _Cut(source)
    yield from cut.between(start)
    if cut.unclosed is not None:
        # Somebody forgot to close a bracket. What follows is not lost: every line is a statement of its own.
        yield from cut.between(cut.unclosed, brackets=False)


def makes_a_module(source: str) -> bool:
    """Is the cell written to a file, and not run?"""
    return source.lstrip().startswith(_MAKES_A_MODULE)


def without_strings(text: str) -> str:
    """A statement with all its strings empty, so that every name in it is one."""
    return _STRINGS.sub('""', text)


def other_language(source: str) -> str:
    """The magic that makes of a cell something else than Python; "" for Python."""
    first = source.lstrip().split("\n", 1)[0].split()
    if not first or not first[0].startswith("%%") or _STILL_PYTHON.match(source) or first[0] in _MAKES_A_MODULE:
        return ""
    return first[0][:40]


class _Cut:
    """One reading of a cell."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._line, self._counted = 1, 0
        self.unclosed: int | None = None  # where a statement begins that never ends

    def between(self, start: int, *, brackets: bool = True) -> Iterator[Statement]:
        """The statements from here to the end."""
        source = self._source
        depth, begin, here = 0, start, start
        pieces: list[str] = []
        own_line = True  # does the statement begin its line?
        indented = False
        while True:
            if here == begin and own_line and (timed := _TIMED.match(source, here)):
                pieces.append(timed["blank"])
                here = timed.end()
            elif here == begin and own_line and (magic := _MAGIC.match(source, here)):
                begin = here = magic.end()
            event = _EVENT.search(source, here)
            stop = event.start() if event else len(source)
            pieces.append(source[here:stop])
            if event is None:
                break
            here = event.end()
            kind = event.lastgroup
            if kind == "end" and not (depth and brackets):
                statement = self._statement(begin, pieces, own_line, indented)
                if statement is not None:
                    yield statement
                    indented = statement.indented or BLOCK.match(statement.text) is not None
                pieces, begin, depth = [], here, 0
                own_line = event[0] == "\n"
            elif kind in ("joined", "comment"):
                pieces.append(" ")
            else:
                pieces.append(event[0])
                depth += kind == "open"
                depth = max(0, depth - (kind == "close"))
        if depth and brackets:
            self.unclosed = begin
            return
        statement = self._statement(begin, pieces, own_line, indented)
        if statement is not None:
            yield statement

    def _statement(self, begin: int, pieces: list[str], own_line: bool, indented: bool) -> Statement | None:
        text = "".join(pieces)
        bare = text.strip()
        if not bare:
            return None
        self._line += self._source.count("\n", self._counted, begin)
        self._counted = begin
        blank = len(text) - len(text.lstrip())
        inside = text[0] in " \t" if own_line else indented
        return Statement(self._line + text.count("\n", 0, blank), bare, inside)
