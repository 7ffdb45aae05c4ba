"""The processes that grade, seen from the one that hands out the work.

    Slots.run()    one Ready, then Done after Done, in the order they end

A slot that dies or hangs is replaced, and the submission it held is tried once more; if that costs a slot
too, it is reported as failed by the grader. Which submission a slot holds is known at any moment: that is
why this is no pool of the standard library, which loses all work when one worker dies.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from grader.errors import SlotError
from grader.language import later
from grader.sandbox.limits import PATIENCE
from grader.slot import Done, Failed, Order, Ready, Task, serve
from grader.submission import HandIn

Serve = Callable[[Connection, Order], None]

START_SECONDS = 300.0  # importing torch from a cold disk, on a machine under load
_LOOK_SECONDS = 0.2  # between two looks at deadlines and at Ctrl-C
_LEAVE_SECONDS = 5.0
_STILLBORN = 3  # slots that die before they are ready, one after the other, until we give up

# Not fork: threads and locks of this process must not be copied into one that imports torch.
_context = multiprocessing.get_context("spawn")


class _Slot:
    """One process, and what it is doing."""

    def __init__(self, target: Serve, order: Order) -> None:
        self.processor = order.processor
        self.connection, theirs = _context.Pipe()
        self.process = _context.Process(target=target, args=(theirs, order), daemon=False)
        self.ready = False
        self.task: Task | None = None
        self.given = time.monotonic()
        self.deadline = self.given + START_SECONDS
        self.reason = ""  # why it was killed, if it was
        with theirs, _ignoring_interrupts():
            self.process.start()

    def give(self, task: Task, seconds: float) -> None:
        self.task, self.given = task, time.monotonic()
        self.deadline = self.given + seconds
        with contextlib.suppress(OSError):  # it just died: that is seen where all deaths are
            self.connection.send(task)

    @property
    def age(self) -> float:
        """Seconds since it was given what it does."""
        return time.monotonic() - self.given

    def kill(self, reason: str) -> None:
        self.reason = reason
        self.process.kill()

    def end(self, *, now: bool) -> None:
        """Let it go: at its leisure, or in the midst of what it does."""
        if now:
            self.process.terminate()
        else:
            with contextlib.suppress(OSError):
                self.connection.send(None)

    def bury(self) -> str:
        """Wait for its end, by force if need be; how it ended, in words."""
        self.process.join(_LEAVE_SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        code = self.process.exitcode or 0
        self.connection.close()
        self.process.close()
        if self.reason:
            return self.reason
        if code < 0:
            return later("ended by {signal}", signal=_signal_name(-code))
        return later("ended with status {status}", status=code)


class Slots:
    """Grades hand-ins on several processes."""

    def __init__(
        self,
        order: Order,
        hand_ins: Sequence[HandIn],
        jobs: int,
        *,
        serve: Serve = serve,
        eager: bool = False,
        task_seconds: float | None = None,
    ) -> None:
        """Start the first slot; the others follow once it is known that slots can start at all.

        Args:
            order: what every slot is told.
            hand_ins: what to grade; `Done.number` counts in it.
            jobs: slots there may be.
            serve: what runs in a slot.
            eager: start all slots, even where the work is done sooner than they could start.
            task_seconds: when a slot that says nothing counts as hung.
        """
        self._order, self._hand_ins, self._jobs, self._serve = order, list(hand_ins), jobs, serve
        self._eager = eager
        # Two attempts at a notebook share the deadline of the student's code; the judge's own work comes on top.
        self._task_seconds = task_seconds or PATIENCE * order.limits.seconds + 120.0
        self._again: deque[Task] = deque()
        self._lost: set[int] = set()  # numbers of submissions that have cost a slot
        self._next = self._finished = self._stillborn = 0
        self._start_seconds = self._busy_seconds = 0.0
        self._begun = time.monotonic()
        self._announced = self._stopped = False
        self._slots: list[_Slot] = []
        self._open()

    @property
    def pids(self) -> list[int]:
        """Process ids of the slots that run."""
        return [slot.process.pid for slot in self._slots if slot.process.pid is not None]

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Ready | Done]:
        """Grade everything, or as much as is done when `stop` says so.

        Raises:
            GraderError: no slot can grade, and why: the assignment, the wall, the device, the output folder.
        """
        while self._finished < len(self._hand_ins) and not (self._stopped or stop()):
            for slot in self._talking():
                try:
                    message = slot.connection.recv()
                except (EOFError, OSError):
                    self._mourn(slot)
                    continue
                if isinstance(message, Failed):
                    raise message.as_error()
                if isinstance(message, Ready):
                    slot.ready, self._stillborn = True, 0
                    if not self._announced:
                        self._announced = True
                        self._start_seconds = time.monotonic() - self._begun
                        yield message
                else:
                    self._busy_seconds += slot.age
                    slot.task = None
                    self._finished += 1
                    self._hand_out()  # before the caller takes its time with what is done
                    yield message
            self._staff()
            self._hand_out()
        self._stopped = self._finished < len(self._hand_ins)

    def add(self, hand_in: HandIn) -> None:
        """One more, for the next `run`: until `close` the slots stay, warm."""
        self._hand_ins.append(hand_in)
        self._hand_out()

    def close(self) -> None:
        """End all slots, and with them everything that runs behind their walls."""
        for slot in self._slots:
            slot.end(now=self._stopped or slot.task is not None or not slot.ready)
        for slot in self._slots:
            slot.bury()
        self._slots.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = self._stopped or error is not None
        self.close()

    # ------------------------------------------------------------------ work

    @property
    def _waiting(self) -> int:
        """Submissions that nobody holds yet."""
        return len(self._again) + len(self._hand_ins) - self._next

    def _hand_out(self) -> None:
        for slot in self._slots:
            if slot.ready and slot.task is None and self._waiting:
                slot.give(self._take(), self._task_seconds)

    def _take(self) -> Task:
        if self._again:
            return self._again.popleft()
        number = self._next
        self._next += 1
        return Task(number, self._hand_ins[number])

    def _staff(self) -> None:
        """As many slots as there is work for, once the first has shown that they can start."""
        working = sum(slot.task is not None for slot in self._slots)
        wanted = min(self._jobs, working + self._waiting) if self._announced and self._is_worth_it() else 1
        while len(self._slots) < wanted:
            self._open()

    def _open(self) -> None:
        """One more slot, on the processor that the fewest have."""
        taken = [slot.processor for slot in self._slots]
        processor = min(sorted(os.sched_getaffinity(0)), key=taken.count)
        self._slots.append(_Slot(self._serve, replace(self._order, processor=processor)))

    def _is_worth_it(self) -> bool:
        """Would one slot take longer for what is waiting than another takes to start?"""
        if self._eager:
            return True
        mean = self._busy_seconds / max(1, self._finished)
        oldest = max((slot.age for slot in self._slots if slot.task is not None), default=0.0)
        return max(mean, oldest) * self._waiting > self._start_seconds

    # ------------------------------------------------------------------ life and death

    def _talking(self) -> list[_Slot]:
        """Slots that have something to say, if only that they are dead."""
        by_connection = {slot.connection: slot for slot in self._slots}
        ready = wait(list(by_connection), _LOOK_SECONDS)
        now = time.monotonic()
        for slot in self._slots:
            if now > slot.deadline and (slot.task is not None or not slot.ready) and not slot.reason:
                seconds = self._task_seconds if slot.ready else START_SECONDS
                slot.kill(later("said nothing for {seconds} s", seconds=f"{seconds:g}"))
        return [by_connection[connection] for connection in ready if isinstance(connection, Connection)]

    def _mourn(self, slot: _Slot) -> None:
        """A slot is dead: give its submission a second try, or give it up."""
        self._slots.remove(slot)
        how = slot.bury()
        if slot.task is not None and not slot.task.broke:
            lost_before = slot.task.number in self._lost
            self._lost.add(slot.task.number)
            broke = later("twice its process {how}", how=how) if lost_before else ""
            self._again.appendleft(replace(slot.task, broke=broke))
            return
        if slot.task is not None:
            self._again.appendleft(slot.task)
        self._stillborn += 1
        if self._stillborn >= _STILLBORN:
            raise SlotError(f"the processes that grade cannot be kept alive: the last one {how}")


@contextlib.contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """A process started in here is born deaf to Ctrl-C and to the terminal's end, which every process of it is told."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's alone
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
