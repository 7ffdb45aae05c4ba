"""Where a line of a cell stands in the file on disk: `git diff`, GitHub and GitLab count the lines of the JSON.

The text is scanned, not parsed: a parser forgets where things stood. What is no notebook has no places.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Self

from grader.submission.decode import decode_notebook, decode_script
from grader.submission.nouns import HandIn
from grader.submission.reading import file_bytes, is_notebook

_STRING = r'"(?:[^"\\]++|\\.)*+"'
_VALUE = re.compile(rf"\s*+({_STRING}|[\[{{]|[^\s,:\]}}\"\[{{]++)", re.DOTALL)
_KEY = re.compile(rf"\s*+,?+\s*+({_STRING})\s*+:", re.DOTALL)
_COMMA = re.compile(r"\s*+,?+\s*+(?=[^\s\]}])")
# What opens and closes, strings as a whole; anything between is passed over.
_NESTING = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
# A line end in a string, escaped as JSON wants it or as it is; or another escape, which is stepped over.
_LINE_END = re.compile(r"(\\r\\n|\\[nr]|\\u000[aAdD]|\r\n|[\r\n])|\\.", re.DOTALL)


@dataclass(frozen=True)
class FileText:
    """The text of a file as it lies on disk."""

    text: str
    is_notebook: bool

    @classmethod
    def of(cls, hand_in: HandIn) -> Self:
        """Read it, by the rules by which it was read to be graded.

        Raises:
            SubmissionError: it cannot be read.
        """
        data = file_bytes(hand_in.path)
        if is_notebook(hand_in.file, data):
            return cls(decode_notebook(data, []), is_notebook=True)
        return cls(decode_script(data, []), is_notebook=False)

    def line(self, cell: int | None, line: int | None) -> int | None:
        """The line of the file where this line of this cell stands, both from 1; None where there is no such place."""
        if cell is None:
            return None
        if not self.is_notebook:
            return min(line, self.text.count("\n") + 1) if cell == 1 and line and line > 0 else None
        if not 1 <= cell <= len(self._cells):
            return None
        at = self._cells[cell - 1]
        members = _members(self.text, at)
        source = members.get("source", members.get("input", at))
        # Past the end of the cell, its last line: what a student's process reports may be anything.
        starts = deque(islice(_line_starts(self.text, source), max(1, line or 1)), maxlen=1)
        return self.text.count("\n", 0, starts[0] if starts else source) + 1

    @cached_property
    def _cells(self) -> list[int]:
        return list(_cells(self.text))


def _cells(text: str) -> Iterator[int]:
    """Where each cell begins: of version 4, or those of all worksheets of the versions before."""
    start = len(text) - len(text.lstrip())
    notebook = _members(text, start)
    if "cells" in notebook:
        yield from _elements(text, notebook["cells"])
        return
    for sheet in _elements(text, notebook.get("worksheets", len(text))):
        yield from _elements(text, _members(text, sheet).get("cells", len(text)))


def _line_starts(text: str, at: int) -> Iterator[int]:
    """Where each line begins: a source is a string, or a list of strings of which most end a line."""
    begins = True
    for start in _elements(text, at) if text[at] == "[" else [at]:
        if begins:
            yield start
        begins, last = False, _end(text, start) - 1
        for end in _LINE_END.finditer(text, start, last):
            if end[1] and end.end() < last:
                yield end.end()
            elif end[1]:
                begins = True


def _members(text: str, at: int) -> dict[str, int]:
    """Where the value of each key of an object begins. As for every JSON reader, of two alike the last counts."""
    found: dict[str, int] = {}
    if text[at : at + 1] != "{":
        return found
    at += 1
    while key := _KEY.match(text, at):
        value = _VALUE.match(text, key.end())
        if value is None:
            break
        found[key[1][1:-1]] = value.start(1)
        at = _end(text, value.start(1))
    return found


def _elements(text: str, at: int) -> Iterator[int]:
    """Where each element of a list begins."""
    if text[at : at + 1] != "[":
        return
    at += 1
    while comma := _COMMA.match(text, at):
        yield comma.end()
        at = max(_end(text, comma.end()), comma.end() + 1)


def _end(text: str, at: int) -> int:
    """Where a value ends."""
    if text[at] not in "[{":
        value = _VALUE.match(text, at)
        return value.end() if value else len(text)
    depth = 0
    for token in _NESTING.finditer(text, at):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
            if depth == 0:
                return token.end()
    return len(text)
