"""`grader check mine.ipynb --watch`: check, wait for the next save, check again.

The process that grades stays, warm, and so does its wall: a check again costs what grading one notebook costs.
What is graded is a copy of what was saved, so that a save in the midst of a check spoils neither.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from grader.batch import Prepared, Request, Tally, prepared, run_of, write
from grader.errors import SubmissionError, UsageError
from grader.formats import Run
from grader.interruption import Interruption
from grader.language import say
from grader.saves import saves
from grader.slot import Done, Ready
from grader.slots import Slots
from grader.submission import HandIn, read
from grader.terminal import Terminal
from grader.verdict import Report

_WATCHED = frozenset([".ipynb", ".py"])


def watch(request: Request, terminal: Terminal) -> int:
    """Check after every save until Ctrl-C; the exit code of the last check, or of the interruption before the first.

    Raises:
        GraderError: as `batch.check`.
    """
    path = _only_file(request)
    with prepared(request) as ready, Interruption() as interruption:
        last = _Watch(request, ready, terminal, path).run(interruption)
        return interruption.exit_code if last is None or interruption.signal != signal.SIGINT else last


class _Watch:
    def __init__(self, request: Request, ready: Prepared, terminal: Terminal, path: Path) -> None:
        self._request, self._ready, self._terminal, self._path = request, ready, terminal, path
        assert ready.order.temporary is not None
        self._copy = ready.order.temporary / f"saved{path.suffix.lower()}"
        self._graded: Run | None = None
        self._report: Report | None = None  # of the last check

    def run(self, interruption: Interruption) -> int | None:
        """The exit code of the last check; None if there was none."""
        code = None
        with Slots(self._ready.order, [], jobs=1) as slots:
            self._terminal.begin(self._ready.order.assignment, 1, 0)
            for _ in saves(self._path, lambda: interruption.requested):
                hand_in = self._saved()
                if hand_in is None:
                    continue
                begun = time.monotonic()
                slots.add(hand_in)
                for message in slots.run(stop=lambda: interruption.requested):
                    if isinstance(message, Ready):
                        self._graded = run_of(self._request, self._ready.order, message, self._ready.hand_ins)
                        self._terminal.ready(self._graded)
                    else:
                        code = self._checked(message, time.monotonic() - begun)
        return code

    def _saved(self) -> HandIn | None:
        """A copy of what was saved, if it can be read: what is half written is not the student's last word."""
        hand_in = replace(self._ready.hand_ins[0], path=self._copy)
        try:
            shutil.copyfile(self._path, self._copy)
            read(hand_in)
        except FileNotFoundError:
            return None  # gone again: that is seen
        except OSError as error:
            raise UsageError(f"{self._path}: cannot be copied: {error.strerror}") from error
        except SubmissionError as error:
            waiting = say("{time}  waiting for the next save: {reason}", time=_clock(), reason=error)
            self._terminal.tell(waiting, style="yellow")
            return None
        return hand_in

    def _checked(self, done: Done, seconds: float) -> int:
        tally = Tally(1, self._request.fail_under)
        tally.add(done.row)
        self._ready.spool.append(0, done.row, done.text)
        assert self._graded is not None
        write(self._request, self._graded, self._ready.spool)
        self._terminal.clear()
        self._terminal.end(self._request, tally, [done.row], done.report)
        if self._report is not None and done.report is not None:
            for line in changes(self._report, done.report):
                self._terminal.tell(line, style="bold")
        self._terminal.tell(
            say(
                "Checked at {time} in {seconds} s. Waiting for the next save; Ctrl-C ends.",
                time=_clock(),
                seconds=f"{seconds:.1f}",
            )
        )
        self._report = done.report
        return tally.exit_code


def changes(before: Report, after: Report) -> Iterable[str]:
    """What became of what, one line each."""
    old, new = _statuses(before), _statuses(after)
    absent = say("not there")
    lines = [
        f"{name}: {old.get(name, absent)} -> {new.get(name, absent)}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]
    if before.score != after.score:
        lines.append(say("score: {before} -> {after}", before=f"{before.score:g}", after=f"{after.score:g}"))
    return lines or [say("Nothing changed since the last check.")]


def _statuses(report: Report) -> dict[str, str]:
    """Of the whole, and of every check of every exercise; a check's id alone where no other exercise has it."""
    found = {report.file: report.status.value}
    for exercise in report.exercises:
        for check in exercise.checks:
            found[f"{exercise.id} {check.id}"] = check.status.value
    return found


def _only_file(request: Request) -> Path:
    if request.output is None:
        raise UsageError("--watch shows every check in the terminal: leave out --output -")
    path, *others = request.paths
    if others or path.is_dir() or path.suffix.lower() not in _WATCHED:
        raise UsageError("--watch takes one notebook (.ipynb), or one .py file: name it")
    return path


def _clock() -> str:
    return time.strftime("%H:%M:%S")
