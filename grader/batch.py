"""One run of `grader check`: find, choose the assignment, grade, write. What is shown meanwhile is a Watcher's.

find        which files there are                          grader.submission
choose      which assignment they belong to                grader.submission
grade       on several processes, each report to a spool   grader.slots, grader.spool
write       what belongs to the class                      grader.formats
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from grader.assignment import Assignment, Limits, shipped_assignments
from grader.errors import ALL_PASSED, GRADER_FAILED, SOME_BELOW, GraderError, OutputError, SubmissionError, UsageError
from grader.folderlock import FolderLock
from grader.formats import Document, Run, formats
from grader.identity import identity
from grader.interruption import Interruption
from grader.language import languages, speaking
from grader.row import Row
from grader.slot import Order, Ready
from grader.slots import Slots
from grader.spool import Spool
from grader.stdout import for_reader
from grader.submission import HandIn, Submission, choose_assignment, find, fingerprint, read
from grader.verdict import Report
from grader.whole import clear_halves


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    paths: list[Path]
    assignment: str | None
    output: Path | None  # None: one document on standard output, and nothing else
    formats: tuple[str, ...]
    jobs: int | None  # None: as many as there are processors, where that is of use
    device: str
    seed: int
    isolation: str
    limits: dict[str, float | int]  # those of the assignment's that the command line overrides, by their names
    fail_under: float | None
    language: str | None = None  # None: the assignment's
    fresh: bool = False  # start over, where a run was cut off
    one_student: bool = False  # is all of it of one, so that its files may import each other?


@dataclass
class Tally:
    """How a run went, as far as it went."""

    total: int
    fail_under: float | None
    finished: int = 0
    passed: int = 0
    correct: int = 0  # of those that passed: nothing to fix
    below: int = 0  # not graded, or below the threshold
    broke: int = 0
    signal_code: int | None = None  # what to exit with when a signal cut the run short

    def add(self, row: Row) -> None:
        self.finished += 1
        self.broke += row.broke
        if not row.broke:
            self.passed += row.passes(self.fail_under)
            self.correct += row.passes(self.fail_under) and row.correct
            self.below += not row.passes(self.fail_under)

    @property
    def exit_code(self) -> int:
        if self.signal_code is not None:
            return self.signal_code
        if self.broke:
            return GRADER_FAILED
        return SOME_BELOW if self.below else ALL_PASSED


class Watcher(Protocol):
    """Whoever shows how a run goes."""

    def left_out(self, files: Sequence[str]) -> None: ...
    def begin(self, assignment: Assignment, total: int, continued: int) -> None: ...
    def ready(self, run: Run) -> None: ...
    def done(self, row: Row) -> None: ...
    def end(self, request: Request, tally: Tally, rows: Iterable[Row], only: Report | None) -> None: ...


@dataclass(frozen=True)
class Prepared:
    """What a run has before anything is graded."""

    order: Order
    hand_ins: list[HandIn]
    spool: Spool
    left_out: list[str]  # files that may be meant as hand-ins


def check(request: Request, watcher: Watcher) -> int:
    """Grade what `request.paths` hold; the exit code.

    Raises:
        GraderError: nothing, or not everything, could be graded or written. What was finished is written.
    """
    with prepared(request) as ready:
        if ready.left_out:
            watcher.left_out(ready.left_out)
        return _grade(request, ready.order, ready.hand_ins, ready.spool, watcher)


@contextlib.contextmanager
def prepared(request: Request) -> Iterator[Prepared]:
    """Find the hand-ins, choose their assignment, and take the output folder until the end of the run.

    Raises:
        UsageError: what is asked for cannot be.
    """
    _check_formats(request)
    if request.language is not None and request.language not in languages():
        raise UsageError(f"unknown language {request.language!r}: choose from {', '.join(languages())}")
    with contextlib.ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-", ignore_cleanup_errors=True)))
        temporary.chmod(0o711)  # behind the wall another user passes through
        left_out: list[str] = []
        hand_ins = stack.enter_context(find(request.paths, temporary, left_out, one_student=request.one_student))
        assignment = _choose(request, hand_ins)
        spool = stack.enter_context(_spool(request, len(hand_ins)))
        order = _order(request, assignment, temporary, whole=len(hand_ins) == 1)
        stack.enter_context(speaking(order.language))
        yield Prepared(order, hand_ins, spool, left_out)


def _grade(request: Request, order: Order, hand_ins: list[HandIn], spool: Spool, watcher: Watcher) -> int:
    assignment = order.assignment
    tally = Tally(len(hand_ins), request.fail_under)
    run: Run | None = None
    only: Report | None = None
    keys = _continue(request, spool, order, hand_ins)
    for row in spool.rows():
        tally.add(row)
    todo = spool.missing()
    watcher.begin(assignment, len(hand_ins), tally.finished)
    with Interruption() as interruption:
        try:
            left = [hand_ins[number] for number in todo] or hand_ins[:1]  # one slot at least says what it grades with
            with Slots(order, left, _jobs(request, left), eager=request.jobs is not None) as slots:
                for message in slots.run(stop=lambda: interruption.requested):
                    if isinstance(message, Ready):
                        run = run_of(request, order, message, hand_ins)
                        watcher.ready(run)
                        if not todo:
                            break
                        continue
                    number = todo[message.number]
                    spool.append(number, message.row, message.text, keys[number])
                    tally.add(message.row)
                    only = message.report
                    watcher.done(message.row)
        except (GraderError, OSError) as error:
            # What is finished is not lost; but a disk that is full stays full, and the first error counts.
            if run is not None and tally.finished and not isinstance(error, OutputError):
                with contextlib.suppress(OSError):
                    _write(request, run, spool)
            if isinstance(error, OSError):
                raise OutputError(f"a report cannot be kept: {error.strerror or error}") from error
            raise
        if interruption.requested:
            tally.signal_code = interruption.exit_code
        if run is not None and tally.finished:
            write(request, run, spool)
            if tally.finished == tally.total:
                with _explained(request):
                    spool.finish()
    watcher.end(request, tally, spool.rows(), only)
    return tally.exit_code


def run_of(request: Request, order: Order, ready: Ready, hand_ins: list[HandIn]) -> Run:
    """What the formats are told of a run, once it is known what it grades with."""
    by_student = {hand_in.student: hand_in for hand_in in hand_ins}
    return Run(order.assignment, request.seed, ready.isolation, ready.device, hand_ins=by_student)


def write(request: Request, run: Run, spool: Spool) -> None:
    """Write what belongs to the class.

    Raises:
        OutputError: it cannot be written.
    """
    with _explained(request):
        _write(request, run, spool)


@contextlib.contextmanager
def _explained(request: Request) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or request.output or "standard output"
        raise OutputError(f"{where}: cannot be written: {error.strerror}") from error


def _write(request: Request, run: Run, spool: Spool) -> None:
    for form in (formats()[name] for name in request.formats):
        if request.output is not None:
            form.write_class(request.output, run, spool.reports())
        elif isinstance(form, Document):
            with for_reader() as output:
                form.write(output, run, spool.reports())


# ---------------------------------------------------------------------- what was asked for


def _check_formats(request: Request) -> None:
    known = formats()
    if not request.formats:
        raise UsageError(f"--format names no format: choose from {', '.join(known)}")
    for name in request.formats:
        if name not in known:
            raise UsageError(f"unknown format {name!r}: choose from {', '.join(known)}")
        known[name].require()
    documents = [name for name, form in known.items() if isinstance(form, Document)]
    if request.output is None and not (len(request.formats) == 1 and request.formats[0] in documents):
        raise UsageError(
            "--output - prints one document on standard output, JSON if --format is left out: "
            f"choose one of {', '.join(documents)}"
        )


def _choose(request: Request, hand_ins: list[HandIn]) -> Assignment:
    problems: list[str] = []

    def readable() -> Iterator[Submission]:
        for hand_in in hand_ins:
            try:
                yield read(hand_in)
            except SubmissionError as error:
                problems.append(str(error))

    try:
        return choose_assignment(request.assignment, readable(), shipped_assignments())
    except UsageError as error:
        if len(problems) < len(hand_ins):
            raise
        # Nothing can be read, and why is the news.
        more = f"\n(and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UsageError(f"{error}\n{problems[0]}{more}") from None


@contextlib.contextmanager
def _spool(request: Request, count: int) -> Iterator[Spool]:
    """The spool, in an output folder that is made, ours alone, and free of files that are half written.

    One notebook is graded anew, and shown whole: its spool is not to be continued.
    """
    output = request.output
    with contextlib.ExitStack() as stack:
        try:
            if output is not None:
                output.mkdir(parents=True, exist_ok=True)
                stack.enter_context(FolderLock(output))
                clear_halves(output)
            spool = stack.enter_context(Spool(count, output if count > 1 else None))
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(f"--output {output}: this is a file; name a folder") from error
        except OSError as error:
            raise UsageError(f"--output {output}: cannot be written: {error.strerror}") from error
        yield spool


def _continue(request: Request, spool: Spool, order: Order, hand_ins: list[HandIn]) -> list[str]:
    """Take over the reports that a run which was cut off has left; what each submission is known by."""
    if request.output is None or order.whole:
        return [""] * len(hand_ins)
    keys = [json.dumps([each.student, each.file, fingerprint(each)]) for each in hand_ins]
    if request.fresh:
        spool.begin(identity(order))
    else:
        spool.resume(identity(order), keys)
    return keys


def _order(request: Request, assignment: Assignment, temporary: Path, *, whole: bool) -> Order:
    return Order(
        assignment=assignment,
        isolation=request.isolation,
        device=request.device,
        seed=request.seed,
        limits=_limits(request, assignment),
        output=request.output,
        formats=request.formats,
        whole=whole,
        temporary=temporary,
        language=request.language or assignment.language,
    )


def _limits(request: Request, assignment: Assignment) -> Limits:
    limits = assignment.limits
    seconds = request.limits.get("seconds", limits.seconds)
    # Who gives a notebook twice the time gives its cells twice the time.
    in_proportion = {"cell_seconds": limits.cell_seconds * seconds / limits.seconds}
    return limits.model_copy(update=in_proportion | request.limits)


def _jobs(request: Request, hand_ins: list[HandIn]) -> int:
    return min(request.jobs or len(os.sched_getaffinity(0)), len(hand_ins))
