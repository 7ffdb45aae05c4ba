"""What the name of a file says it is."""

from __future__ import annotations

import os

SUBMISSION_ENDINGS = (".ipynb", ".py")
_SAVED_AS = frozenset([".txt", ".json", ".download"])


def ending(name: str) -> str:
    """`.ipynb` of `HW.IPYNB`, and of `hw.ipynb.txt`, as browsers and Windows save it."""
    stem, end = os.path.splitext(name)
    inner = os.path.splitext(stem)[1].casefold()
    return inner if end.casefold() in _SAVED_AS and inner in SUBMISSION_ENDINGS else end.casefold()


def stem(name: str) -> str:
    """`HW` of `HW.IPYNB`, `hw` of `hw.ipynb.txt`."""
    without = os.path.splitext(name)[0]
    return without if ending(name) == os.path.splitext(name)[1].casefold() else os.path.splitext(without)[0]
