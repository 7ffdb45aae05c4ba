"""The code cells of a hand-in as lines, and what they are with some of them written otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from grader.submission import Cell

IN_FRONT = 0  # the number of a cell that stands in front of all others
LONGEST = 2000  # characters of a line in which anything is looked for
# Of a cell in which anything is: a hostile one must not make the search take quadratic time.
MOST_LINES, MOST_CHARACTERS = 2000, 200_000
_WORD = re.compile(r"[^\W\d]\w*+")
_COMMENT = re.compile(r"""(?:[^'"#]|'[^'\n]*+'|"[^"\n]*+")*+""")


@dataclass(frozen=True)
class Change:
    """Code with one place written otherwise.

    Attributes:
        cell, line: the place.
        now: how it reads there.
        in_front: is that missing at the top of all, and only wanted in this place?
    """

    code: Code
    cell: int
    line: int
    now: str
    in_front: bool = False


@dataclass(frozen=True)
class Block:
    """A class or function as it stands in a cell: its head and all that is indented below it."""

    cell: int
    first: int  # lines, from 1
    last: int
    indent: str  # of the head


@dataclass(frozen=True)
class Code:
    """All code cells of a hand-in, in their order."""

    cells: tuple[Cell, ...]

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> Code:
        return cls(tuple(cell for cell in cells if cell.kind == "code"))

    @cached_property
    def _lines(self) -> dict[int, list[str]]:
        """The lines of each cell that nobody made long to take time."""
        short = (cell for cell in self.cells if len(cell.source) <= MOST_CHARACTERS)
        found = ((cell.number, cell.source.split("\n")) for cell in short)
        return {number: lines for number, lines in found if len(lines) <= MOST_LINES}

    def lines(self, cell: int) -> list[str]:
        """The lines of a cell; none if there is no such cell, or it is longer than people write them."""
        return self._lines.get(cell, [])

    def line(self, cell: int | None, number: int | None) -> str:
        """One line without what stands behind it as a comment; "" where there is none, or none that is worth a look."""
        lines = self.lines(cell) if cell is not None else []
        if number is None or not 1 <= number <= len(lines) or len(lines[number - 1]) > LONGEST:
            return ""
        return code_of(lines[number - 1])

    def words(self, cell: int) -> list[str]:
        """The names that stand in a cell, each once."""
        return list(dict.fromkeys(_WORD.findall("\n".join(self.lines(cell)))))

    def written(self, cell: int, lines: Mapping[int, str], shown: int | None = None) -> Change:
        """The code with these lines of a cell.

        Args:
            shown: the line that tells best what is other; the first of them unless it is said.
        """
        kept = [lines.get(number, text) for number, text in enumerate(self.lines(cell), 1)]
        source = "\n".join(kept)
        cells = tuple(replace(each, source=source) if each.number == cell else each for each in self.cells)
        place = shown if shown is not None else min(lines)
        return Change(Code(cells), cell, place, lines[place].strip())

    def preceded(self, by: str, cell: int, line: int) -> Change:
        """The code with something in front of it all, which is wanted in this place."""
        return Change(Code((Cell(IN_FRONT, "code", by), *self.cells)), cell, line, by, in_front=True)

    def block(self, kind: str, name: str) -> Block | None:
        """The last class or function (`kind` is "class" or "def") of this name."""
        head = re.compile(rf"([ \t]*+)(?:async[ \t]++)?{kind}[ \t]++{re.escape(name)}\b")
        found = None
        for cell in self.cells:
            for number, text in enumerate(self.lines(cell.number), 1):
                if match := head.match(text):
                    found = Block(cell.number, number, self._end(cell.number, number, match[1]), match[1])
        return found

    def methods(self, block: Block) -> Iterator[tuple[str, Block]]:
        """The functions that are defined in a block, at any depth, with their names."""
        head = re.compile(r"([ \t]*+)(?:async[ \t]++)?def[ \t]++(\w++)")
        for number in range(block.first + 1, block.last + 1):
            if match := head.match(self.lines(block.cell)[number - 1]):
                yield match[2], Block(block.cell, number, self._end(block.cell, number, match[1]), match[1])

    def body(self, block: Block) -> range:
        """The numbers of the lines behind a block's head, which may take several."""
        depth = 0
        for number in range(block.first, block.last + 1):
            text = self.line(block.cell, number)
            depth += _opened(text)
            if depth <= 0 and text.rstrip().endswith(":"):
                return range(number + 1, block.last + 1)
        return range(block.last + 1, block.last + 1)

    def statements(self, block: Block) -> list[int]:
        """The lines of a block's body with which something begins: not those that go on in a line's brackets."""
        found, depth = [], 0
        for number in self.body(block):
            text = self.line(block.cell, number)
            if depth <= 0 and text.strip():
                found.append(number)
            depth += _opened(text)
        return found

    def _end(self, cell: int, first: int, indent: str) -> int:
        """The last line that is indented further than a head, or stands in its brackets."""
        end, depth = first, 0
        for number, text in enumerate(self.lines(cell)[first - 1 :], first):
            inside = depth > 0
            depth += _opened(text)
            if number == first or not text.strip():
                continue
            if not inside and len(indent_of(text)) <= len(indent):
                break
            end = number
        return end


def _opened(text: str) -> int:
    """How many more brackets are opened than closed."""
    return sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))


def code_of(line: str) -> str:
    """A line without its comment."""
    match = _COMMENT.match(line)
    return match[0].rstrip() if match is not None else line


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
