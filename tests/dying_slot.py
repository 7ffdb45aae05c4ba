"""`grader` with one change: grading the student `b-dies` kills the process that does it. Run by test_cli."""

from __future__ import annotations

import functools
import os
import signal
from multiprocessing.connection import Connection

from grader import batch, slot, slots
from grader.slot import Order


def serve(connection: Connection, order: Order) -> None:
    """A real slot, in which one submission is deadly."""
    from grader.pipeline import Grader

    grade = Grader.grade

    def deadly(grader, hand_in):  # type: ignore[no-untyped-def]
        if hand_in.student == "b-dies":
            os.kill(os.getpid(), signal.SIGKILL)
        return grade(grader, hand_in)

    Grader.grade = deadly  # type: ignore[method-assign]
    slot.serve(connection, order)


if __name__ == "__main__":
    batch.Slots = functools.partial(slots.Slots, serve=serve)  # type: ignore[assignment,misc]

    from grader.cli import app

    app()
