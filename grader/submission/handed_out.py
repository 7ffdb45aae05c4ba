"""What a starter says, line by line, to tell what students wrote from it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BINDING = r"[ \t]*+(?::[^=\n]*+)?=(?!=)"  # behind a name


class HandedOut:
    """The lines of the notebook that students were given.

    Args:
        cells: each cell's type and source.
    """

    def __init__(self, cells: Iterable[tuple[str, str]]) -> None:
        self._cells = list(cells)
        sources = [source for _, source in self._cells]
        lines = [line for source in sources for line in source.split("\n")]
        comments = [line.partition("#")[2] for kind, source in self._cells if kind == "code" for line in _lines(source)]
        self._lines = {_plain(line) for line in [*lines, *comments]} | {""}
        self._headings = {heading for kind, source in self._cells if kind != "code" if (heading := _first(source))}

    def has(self, line: str) -> bool:
        """Did this line stand there? White space and the signs of a heading or a comment do not count."""
        return _plain(line) in self._lines

    def is_from(self, source: str) -> bool:
        """Is this a text cell of the starter's, whatever was added to it? It keeps what the cell begins with."""
        return any(_plain(line) in self._headings for line in source.split("\n"))

    def question(self, name: str) -> str | None:
        """How the text begins that stands above the cell which binds this name."""
        bound = re.compile(rf"^{re.escape(name)}{_BINDING}", re.MULTILINE)
        above = ""
        for kind, source in self._cells:
            if kind != "code":
                above = _first(source) or above
            elif bound.search(source):
                return above or None
        return None

    @staticmethod
    def plain_lines(source: str) -> frozenset[str]:
        """What the lines of a cell say: one of them may be what `question` tells."""
        return frozenset(map(_plain, source.split("\n")))


def _lines(source: str) -> list[str]:
    return source.split("\n")


def _first(source: str) -> str:
    return next((plain for line in source.split("\n") if (plain := _plain(line))), "")


def _plain(line: str) -> str:
    return " ".join(line.lstrip("# \t").split()).casefold()
