"""Answers the judge from the student's own kernel: the worker's operations, on the objects that are there.

This is the one place where `grader.worker` runs outside of the wall. There can be no wall: the kernel is the student's
own, with their rights, on their machine, and what it answers decides nothing but what they see themselves.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from grader.errors import StudentTimedOut
from grader.language import say
from grader.notebook.borrowed import Borrowed, Lent
from grader.observation import Executed
from grader.sandbox import Answer
from grader.worker import cells
from grader.worker.devices import ABSENT, CpuInstead, replace_gpu
from grader.worker.operations import OPERATIONS, Student

_LENT = "<the module that is examined>"  # no name that code could define


class LiveWorker:
    """A student's process that is this one.

    Args:
        namespace: what the notebook defines.
        numbers: of the cells, by the names of files that stand for them.
        sources: of the cells; they tell whether the code was written for a GPU.
        seconds: for everything that is asked.
    """

    def __init__(
        self, namespace: Mapping[str, Any], numbers: Mapping[str, int], sources: list[str], seconds: float
    ) -> None:
        self._namespace = dict(namespace)
        self._student = Student(self._namespace)
        self._borrowed = Borrowed()
        self._numbers = dict(numbers)
        self._for_gpu = any(name in source for source in sources for name in (*ABSENT, "autocast"))
        self._seconds, self._deadline = seconds, time.monotonic() + seconds
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        cells.known_cells.update(self._numbers)
        self._stack.callback(cells.known_cells.clear)
        if self._for_gpu:
            self._stack.enter_context(replace_gpu())
            self._student.devices = CpuInstead()
        self._stack.callback(self._borrowed.give_back)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def executed(self, names: list[str]) -> Executed:
        """What running the cells has come to: nothing is run, they have been."""
        return Executed(problems=[], skipped=[], defined=cells.kinds(self._namespace, names))

    def call(
        self,
        operation: str,
        arguments: dict[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        *,
        seconds: float,
    ) -> Answer:
        """One operation, at once.

        Raises:
            StudentTimedOut: it took longer than it may.
            KeyboardInterrupt: the student has interrupted it, whatever their code makes of that.
        """
        asked = dict(arguments or {})
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise StudentTimedOut(say("stopped after {seconds} s in all", seconds=f"{self._seconds:g}"))
        # Copies, as a process of its own would have: code may write to what it is given.
        given = {name: tensor.clone() for name, tensor in (tensors or {}).items()}
        dtype = torch.get_default_dtype()
        try:
            with _watched(min(seconds, left)):
                if operation == "build":
                    return self._build(asked, given)
                fields, out = OPERATIONS[operation](self._student, asked, given)
                return Answer({"ok": True, **fields}, out)
        finally:
            torch.set_default_dtype(dtype)

    def _build(self, asked: dict[str, Any], given: dict[str, Tensor]) -> Answer:
        precision: torch.dtype = getattr(torch, asked["precision"])
        self._namespace[_LENT] = Lent(self._namespace[asked["name"]], self._borrowed, precision)
        fields, out = OPERATIONS["build"](self._student, {**asked, "name": _LENT}, given)
        subject = self._student.subjects.get(asked["handle"])
        if subject is not None:
            # Parameters that are no part of the module, which a recording alone has found.
            self._borrowed.note_tensors(subject.leaves.values())
        return Answer({"ok": True, **fields}, out)


class _OutOfTime(BaseException):
    """Raised in the student's code. Not an Exception: `except Exception` lets it pass."""


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """Ends what runs inside when its time is over, and when the student interrupts it.

    Operations note whatever is raised in a student's code, so both are raised anew once the operation has returned.
    """
    stopped: list[tuple[BaseException, tuple[int | None, int | None]]] = []
    is_over = False

    def stop(error: BaseException, frame: Any) -> None:
        if not is_over:
            stopped.append((error, _place(frame)))
            raise error

    def on_alarm(number: int, frame: Any) -> None:
        stop(_OutOfTime(), frame)

    def on_interrupt(number: int, frame: Any) -> None:
        stop(KeyboardInterrupt(), frame)

    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for name, handler in (("SIGINT", on_interrupt), ("SIGALRM", on_alarm)):
                if hasattr(signal, name):
                    stack.callback(signal.signal, getattr(signal, name), signal.signal(getattr(signal, name), handler))
            if hasattr(signal, "setitimer"):
                # Fires again every second, for code that swallows the first one.
                before = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
                stack.callback(signal.setitimer, signal.ITIMER_REAL, *before)
        try:
            yield
            is_over = True
        except (_OutOfTime, KeyboardInterrupt):
            if not stopped:
                raise
    for error, (cell, line) in stopped:
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt
        raise StudentTimedOut(_stopped(f"{seconds:g}", cell, line))


def _stopped(seconds: str, cell: int | None, line: int | None) -> str:
    if cell is None:
        return say("stopped after {seconds} s", seconds=seconds)
    return say("stopped after {seconds} s in In [{cell}], line {line}", seconds=seconds, cell=cell, line=line)


def _place(frame: Any) -> tuple[int | None, int | None]:
    """The innermost line of the student's that is running."""
    while frame is not None:
        place = cells.place_of(frame)
        if place[0] is not None:
            return place
        frame = frame.f_back
    return None, None
