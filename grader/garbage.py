"""How often Python looks for garbage that refers to itself."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MADE = 20_000  # objects more than went, until it looks


def look_seldom() -> None:
    """For a process that has loaded what it needs: that stays, and little of what comes after goes round in circles.

    With Python's own settings a twentieth of a judge's time is spent looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(MADE, 20, 100)


@contextmanager
def loading() -> Iterator[None]:
    """Python does not look while a process loads what stays: of the time that importing torch takes it is a tenth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
