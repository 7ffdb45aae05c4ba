"""One name in place of another."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from grader.mending._code import Change, Code

ALIKE = 0.5  # how much of two names must be the same: what was not meant is not right either
MOST = 3  # names that are tried in place of another


def alike(name: str, names: Iterable[str]) -> list[str]:
    """Names that are spelt nearly like one, the most alike first."""
    others = {other.casefold(): other for other in names if other != name}
    return [others[close] for close in difflib.get_close_matches(name.casefold(), others, n=MOST, cutoff=ALIKE)]


def library_in(code: Code, cell: int) -> str:
    """What a cell calls `torch.nn` by."""
    return "nn" if "nn" in code.words(cell) else "torch.nn"


def instead(code: Code, cell: int, line: int, name: str, other: str) -> Change:
    """One name in place of another, wherever it stands in a line.

    An attribute begins with its dot, and what is called ends with its bracket.
    """
    in_front = r"" if name.startswith(".") else r"(?<![\w.])"
    text = code.lines(cell)[line - 1]
    behind = r"" if name.endswith("(") else r"\b"
    return code.written(cell, {line: re.sub(rf"{in_front}{re.escape(name)}{behind}", other, text)})
