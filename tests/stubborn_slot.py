"""`grader` with one change: grading the student `b-stays` swallows whatever would end it. Run by test_salvage."""

from __future__ import annotations

import contextlib
import functools
import time
from multiprocessing.connection import Connection
from pathlib import Path

from grader import batch, slot, slots
from grader.slot import Order


def serve(connection: Connection, order: Order) -> None:
    """A real slot, which one submission holds up for good."""
    from grader.pipeline import Grader

    grade = Grader.grade

    def stubborn(grader, hand_in):  # type: ignore[no-untyped-def]
        while hand_in.student == "b-stays":
            with contextlib.suppress(BaseException):
                (Path(order.output or ".") / "stays").touch()
                time.sleep(100)
        return grade(grader, hand_in)

    Grader.grade = stubborn  # type: ignore[method-assign]
    slot._GRACE = 1
    slot.serve(connection, order)


if __name__ == "__main__":
    batch.Slots = functools.partial(slots.Slots, serve=serve)  # type: ignore[assignment,misc]

    from grader.cli import app

    app()
