"""The loop of a student's process: read a request, run the operation, answer.

Nothing that a student's code raises ends the loop, and what it leaves switched on (timers, trace functions,
a tiny recursion limit) is switched off before the next request. What it can still do is end the process or
answer wrongly; the judge is prepared for both.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from torch import Tensor

import grader
from grader import wire
from grader.worker.operations import OPERATIONS, Student

_RECURSION_LIMIT = sys.getrecursionlimit()


def serve(channel: socket.socket) -> NoReturn:
    """Answer requests until the judge hangs up."""
    grader.check = _check_nothing
    student = Student()
    while (request := wire.receive(channel)) is not None:
        fields, tensors = request
        answer, results = _answer(student, fields, tensors)
        try:
            frame = wire.frame({"id": fields["id"], **answer}, results)
        except BaseException as error:
            frame = wire.frame({"id": fields["id"], **_fault(error)})
        for part in frame:
            channel.sendall(part)
    os._exit(0)


def _check_nothing(*_: Any, **__: Any) -> Any:
    """A notebook's check of itself: nobody is here to read the card."""


def _answer(student: Student, fields: dict[str, Any], tensors: dict[str, Tensor]) -> wire.Message:
    try:
        answer, results = OPERATIONS[fields["operation"]](student, fields["arguments"], tensors)
        return {"ok": True, **answer}, results
    except BaseException as error:
        return _fault(error), {}
    finally:
        _settle()


def _fault(error: BaseException) -> dict[str, Any]:
    """The exception as data; its own `__str__` is a student's code too."""
    try:
        message = str(error)[:2000]
    except BaseException:
        message = ""
    return {"ok": False, "error": {"type": type(error).__name__[:200], "message": message}}


def _settle() -> None:
    """Leave nothing of the student's running between two requests, as far as this thread is concerned."""
    sys.settrace(None)
    sys.setprofile(None)
    sys.setrecursionlimit(_RECURSION_LIMIT)
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
