"""Where a student's process is: read from what it says, whatever it says."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from grader.sandbox.whereabouts import Whereabouts

STACK = b"""Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "<cell 7>", line 3 in inner
  File "<cell 5>", line 9 in outer
"""


@contextmanager
def saying(*words: bytes) -> Iterator[Whereabouts]:
    reading, writing = os.pipe()
    for each in words:
        os.write(writing, each)
    os.close(writing)
    where = Whereabouts(reading, time.monotonic)
    try:
        yield where
    finally:
        where.close()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), (None, None)),
        ((b"cell 2\n", b"cell 4\n"), (4, None)),
        ((b"cell 4\n", STACK), (7, 3)),
        ((b"\xff" * 60_000, b"\ncell 4\n"), (4, None)),
        ((b"cell 12345678\n", b"cell \xd9\xa4\n"), (None, None)),
    ],
)
def test_the_innermost_frame_of_a_cell_else_the_cell(
    words: tuple[bytes, ...], expected: tuple[int | None, int | None]
) -> None:
    with saying(*words) as where:
        assert expected == where.stack()


def test_nothing_is_left_of_an_earlier_question() -> None:
    """However much was said: of a cell that has ended, nothing may count against a later call."""
    with saying(b"cell 3\n" * 9_000) as where:
        where.idle()
        where.look()
        assert where.cell is None


def test_whoever_never_stops_writing_gets_no_more_time() -> None:
    """A pipe that is always full is given up like one that is silent."""

    def give_up(*_: object) -> None:
        raise AssertionError("it is still being read")

    where = Whereabouts(os.open("/dev/zero", os.O_RDONLY), time.monotonic)
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(20)
    try:
        assert (None, None) == where.stack()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        where.close()
