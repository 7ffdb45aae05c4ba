"""Every mender, found by walking this folder, and the mends of one slip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from grader.family import members
from grader.mending._code import Code
from grader.mending._mend import Mend, Mender, Slip
from grader.submission import Cell

_PACKAGE = "grader.mending"


@cache
def menders() -> list[Mender]:
    """One for each known mistake that can be mended."""
    import grader.mending

    return [member() for member in members(_PACKAGE, grader.mending.__path__, Mender)]  # type: ignore[type-abstract]


def mends_for(slip: Slip, cells: Sequence[Cell]) -> Iterator[Mend]:
    """Ways to write what kept an answer from running as it was meant, the likeliest first."""
    code = Code.of(cells)
    for mender in menders():
        for change in mender.changes(slip, code):
            if change.code != code:
                yield Mend(mender.mistake, change)
