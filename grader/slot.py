"""Inside one slot: a process of its own that grades one submission at a time and writes its pages.

What is heavy (torch, the judge, the wall) is imported here and never by the process that hands out the work.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from grader.assignment import Assignment, Limits
from grader.device import choose_device
from grader.errors import AssignmentError, GraderError, OutputError, SlotError, UsageError, WallError
from grader.garbage import loading, look_seldom
from grader.language import SOURCE, later, speaking
from grader.row import Row, row_of
from grader.submission import HandIn, Submission
from grader.verdict import Report

if TYPE_CHECKING:
    from grader.formats import Run
    from grader.pipeline import Grader
    from grader.sandbox import Isolation, Zygote

_PR_SET_PDEATHSIG = 1
_GRACE = 20  # seconds in which a slot that was told to leave must be gone
# Every further page would meet these too: no room, no right, something else in the folder's place.
_NO_ROOM = frozenset(
    [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR, errno.EEXIST]
)
# What may cross from a slot to its parent, by name: the rest of the family stays with one submission.
_ERRORS = {error.__name__: error for error in (AssignmentError, OutputError, SlotError, UsageError, WallError)}


@dataclass(frozen=True)
class Order:
    """What every slot of a run is told at its start."""

    assignment: Assignment
    isolation: str
    device: str
    seed: int
    limits: Limits
    output: Path | None
    formats: tuple[str, ...]
    whole: bool = False  # send the whole report along, to be shown at once
    processor: int | None = None  # the one on which students' code runs
    now: datetime = field(default_factory=lambda: datetime.now(UTC))  # one moment for all: it opens the last hints
    language: str = SOURCE
    temporary: Path | None = None  # where temporary files lie: whoever is left at the end of a run clears up


@dataclass(frozen=True)
class Task:
    """One submission to grade; with `broke`, one to report as failed by the grader, and why."""

    number: int
    hand_in: HandIn
    broke: str = ""


@dataclass(frozen=True)
class Ready:
    """The slot can grade; what `auto` came to."""

    isolation: str
    device: str


@dataclass(frozen=True)
class Done:
    """One submission is graded and its pages are written. `text` is its entry of results.json."""

    number: int
    row: Row
    text: str
    report: Report | None


@dataclass(frozen=True)
class Failed:
    """No submission could be graded after this: an error of the grader's own family, by name."""

    error: str
    message: str

    def as_error(self) -> Exception:
        return _ERRORS[self.error](self.message)


def serve(connection: Connection, order: Order) -> None:
    """Say Ready, then answer every Task with Done until there is None; or say Failed."""
    _detach()
    try:
        if not _is_orphan():
            with speaking(order.language):
                _serve(connection, order)
    except (AssignmentError, OutputError, UsageError, WallError) as error:
        connection.send(Failed(type(error).__name__, str(error)))
    except (EOFError, BrokenPipeError):
        pass  # the parent is gone
    except Exception as error:
        if os.environ.get("GRADER_DEBUG"):
            traceback.print_exc()
        connection.send(Failed("SlotError", f"the grader failed: {type(error).__name__}: {error}"))
    finally:
        if order.temporary is not None and _is_orphan():
            shutil.rmtree(order.temporary, ignore_errors=True)


def _serve(connection: Connection, order: Order) -> None:
    if order.temporary is not None:
        tempfile.tempdir = str(order.temporary)

    from grader.sandbox import Zygote, choose

    isolation = choose(order.isolation)
    if not order.assignment.called_exercises:
        _grade_all(connection, order, isolation, None)  # nothing of a student's is run
        return
    # Before torch is imported here: the zygote imports it at the same time.
    with Zygote.start(isolation, order.processor) as zygote:
        _grade_all(connection, order, isolation, zygote)


def _grade_all(connection: Connection, order: Order, isolation: Isolation, zygote: Zygote | None) -> None:
    with loading():
        import torch

        from grader.formats import Run
        from grader.pipeline import Grader, Settings

    torch.set_num_threads(1)
    device = choose_device(order.device)
    settings = Settings(
        isolation=isolation,
        device=device,
        seed=order.seed,
        limits=order.limits,
        now=order.now,
        draw=draws(order),
    )
    run = Run(order.assignment, order.seed, isolation.value, device)
    with Grader(order.assignment, settings, zygote) as grader:
        grader.prepare()
        look_seldom()
        connection.send(Ready(isolation.value, device))
        while (task := connection.recv()) is not None:
            connection.send(_answer(task, order, run, grader))


def draws(order: Order) -> bool:
    """Does anything that is written show pictures?"""
    from grader.formats import formats

    return order.output is not None and any(formats()[name].draws for name in order.formats)


def _answer(task: Task, order: Order, run: Run, grader: Grader) -> Done:
    """Grade one submission. Whatever goes wrong with it, its pages included, stays with it."""
    if task.broke:
        return _given_up(task, order, run, task.broke)
    try:
        report, submission = grader.grade(task.hand_in)
        _write(order, run, report, submission)
        return _done(task, order, report)
    except GraderError:
        raise  # every submission would meet it
    except Exception as error:
        _no_room(error)
        return _given_up(task, order, run, later("{error} while its report was written", error=type(error).__name__))


def _given_up(task: Task, order: Order, run: Run, why: str) -> Done:
    """The grader failed on this one. Its page goes without what was handed in, which may have upset the first."""
    from grader.broken import grader_broke

    report = grader_broke(order.assignment, task.hand_in, why)
    try:
        _write(order, run, report, None)
    except Exception as error:
        _no_room(error)
    return _done(task, order, report)


def _done(task: Task, order: Order, report: Report) -> Done:
    from grader.formats.json import document

    return Done(task.number, row_of(report), json.dumps(document(report)), report if order.whole else None)


def _write(order: Order, run: Run, report: Report, submission: Submission | None) -> None:
    from grader.formats import formats

    if order.output is not None:
        for name in order.formats:
            formats()[name].write_student(order.output, run, report, submission)


def _no_room(error: Exception) -> None:
    """Raise what every further page would meet as well."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        raise OutputError(f"{error.filename or 'the output folder'}: cannot be written: {error.strerror}") from error


def _detach() -> None:
    """Ctrl-C is the parent's to handle, as the terminal's end is; when the parent ends, so does this; stdout belongs to
    the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if not os.environ.get("GRADER_DEBUG"):
        # Warnings of libraries would break into the progress bar, and tell nobody anything.
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 2)
        os.close(silence)
    os.dup2(2, 1)


def _leave(signal_number: int, frame: object) -> NoReturn:
    signal.alarm(_GRACE)  # kills, whatever swallows the exception or holds it up
    sys.exit(128 + signal_number)  # unwinds: the wall's processes and folders go first


def _is_orphan() -> bool:
    """Was the process killed that handed out the work?"""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()
