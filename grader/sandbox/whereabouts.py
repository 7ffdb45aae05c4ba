"""Where in the notebook a student's process is, by its own word: for the message when it has to be stopped.

The process says on a pipe which cell it begins, and its interpreter writes there, on a signal and in a crash, the
stack of the main thread, even while it is busy in C. A student can forge both, which changes a message and no points.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Callable

_PIPE = 64 << 10  # bytes that a pipe holds: one reading empties it, unless somebody writes meanwhile
_WAIT = 0.2  # seconds for a stack to arrive
_BEGUN = re.compile(rb"^cell (\d{1,6})$", re.MULTILINE)
# faulthandler's traceback, the innermost frame first; as the worker names its cells.
_FRAME = re.compile(rb'^  File "<cell (\d{1,6})>", line (\d{1,7}) in ', re.MULTILINE)


class Whereabouts:
    """The reading end of the pipe, which this closes in the end.

    Args:
        clock: of the session.
    """

    def __init__(self, descriptor: int, clock: Callable[[], float]) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.cell: int | None = None  # the one that runs
        self.began = 0.0  # when a statement of it did, by the clock of the session
        self._clock = clock
        self.ended = False  # is nobody left to write?
        self._said = b""  # the last of it

    def look(self) -> None:
        """Read what was written since; keeps the last cell that was begun."""
        try:
            said = os.read(self.descriptor, _PIPE)
        except BlockingIOError:
            return
        self.ended = not said
        self._said = (self._said + said)[-_PIPE:]
        begun = _BEGUN.findall(said)
        if begun:
            self.cell, self.began = int(begun[-1]), self._clock()

    def idle(self) -> None:
        """No cell runs."""
        self.look()
        self.cell, self._said = None, b""

    def stack(self) -> tuple[int | None, int | None]:
        """Cell and line of the innermost frame that is a cell's, in a stack that is there or arrives in a moment; else
        the cell that was begun."""
        deadline = time.monotonic() + _WAIT
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        # Whoever floods the pipe gets no more of our time than whoever is silent.
        while (found := _FRAME.search(self._said)) is None and not self.ended:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                break
            self.look()
        return (int(found[1]), int(found[2])) if found else (self.cell, None)

    def close(self) -> None:
        os.close(self.descriptor)
