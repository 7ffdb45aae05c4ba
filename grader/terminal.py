"""A run as the terminal shows it: a bar while it goes on, then one notebook in full or a class as a table.

What a student wrote is inert here: `Text` is never read as markup, nothing invisible reaches the terminal, and
nothing that a CI runner obeys its log.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from grader.assignment import Assignment
from grader.batch import Request, Tally
from grader.formats import Run
from grader.formats._kept import kept_words
from grader.formats._text import no_command, one_line, visible
from grader.formats._words import CHECK, SUBMISSION, points
from grader.language import SOURCE, later, say, speaking, spoken
from grader.row import Row
from grader.verdict import CheckResult, ExerciseReport, Proof, Report, SubmissionStatus

MOST_ROWS = 40
_MOST_NAMES = 8  # of files that are left out
_WIDTH_OF_A_PIPE = 120
_COLOURS = {"right": "green", "wrong": "red", "open": "yellow"}
_WALLS = {
    "landlock": later(
        "Weaker wall: bubblewrap is missing or cannot be used here, so students' code was held back by Landlock "
        "and seccomp alone. Install bubblewrap for the full wall."
    ),
    "none": later("No wall: the code ran with all your rights, as you asked (--isolation none)."),
}
_PROOFS = {
    Proof.REPLAYED: later("replayed"),
    Proof.MEASURED: later("measured"),
    Proof.REPORTED: later("reported"),
}


def inert(text: str, limit: int = 300) -> str:
    """Text of a student's, on one line, with nothing in it that a terminal or a CI runner would act upon."""
    return no_command(visible(one_line(text, limit)))


class Terminal:
    """Shows one run on standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=False)
        # A pipe that is told to have colours (FORCE_COLOR) is still no screen, on which a bar could move.
        self._is_screen = sys.stderr.isatty() and self._console.is_interactive
        if not sys.stderr.isatty():
            self._console.width = max(self._console.width, _WIDTH_OF_A_PIPE)
        self._quiet = quiet
        self._isolation = self._assignment = ""
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._is_screen,
        )
        self._bar = self._progress.add_task("Starting", total=None)

    def left_out(self, files: Sequence[str]) -> None:
        """Files among the hand-ins that are none that can be graded: somebody may wait for an answer to them."""
        if not self._quiet:
            names = ", ".join(inert(name, 60) for name in files[:_MOST_NAMES])
            more = f" and {len(files) - _MOST_NAMES:,} more" if len(files) > _MOST_NAMES else ""
            text = f"Left out, for they are no notebooks, Python files or zips: {names}{more}"
            self._console.print(Text(text, style="yellow"), soft_wrap=True)

    def begin(self, assignment: Assignment, total: int, continued: int) -> None:
        if continued and not self._quiet:
            self._console.print(
                f"Continuing: {continued:,} of {total:,} were graded by a run that was cut off (--fresh starts over)."
            )
        self._assignment = assignment.id
        self._progress.update(self._bar, total=total, completed=continued)
        self._progress.start()

    def ready(self, run: Run) -> None:
        self._isolation = run.isolation
        self._progress.update(self._bar, description="Grading")

    def done(self, row: Row) -> None:
        self._progress.advance(self._bar)

    def end(self, request: Request, tally: Tally, rows: Iterable[Row], only: Report | None) -> None:
        self.close()
        if self._quiet:
            return
        # One notebook is shown to its student, in the language of the feedback; a class to whoever runs the command.
        with speaking(spoken() if only is not None else SOURCE):
            if only is not None:
                self._print_notebook(only)
            elif tally.finished:
                self._print_class(rows, tally)
            self._print_footer(request, tally, only)

    def note(self, text: str) -> None:
        """What is being done just now, while it is done."""
        self._progress.update(self._bar, description=text)
        self._progress.start()

    def tell(self, text: str, style: str = "") -> None:
        """One line, if nobody wants it quiet."""
        self.close()
        if not self._quiet:
            self._console.print(Text(inert(text), style=style), soft_wrap=True)

    def clear(self) -> None:
        """An empty screen, where this is one."""
        self.close()
        if self._is_screen and not self._quiet:
            self._console.clear()

    def close(self) -> None:
        """Take the bar away; also when the run failed."""
        self._progress.stop()

    def error(self, message: str) -> None:
        """One message, whatever else is quiet."""
        self.close()
        text = Text("grader: ", style="bold red")
        text.append("\n".join(no_command(visible(line)) for line in message.split("\n")), style="not bold default")
        self._console.print(text, soft_wrap=True)

    # ------------------------------------------------------------------ one notebook

    def _print_notebook(self, report: Report) -> None:
        label = SUBMISSION[report.status]
        head = Text(inert(report.file, 200), style="bold")
        head.append(f"   {_score(report.score, report.max_score, report.pending)}", style="bold")
        if report.status is not SubmissionStatus.GRADED:
            head.append(f"   {label.sign} {label.word}", style=_COLOURS[label.look])
        self._console.print(head)
        if report.message:
            self._console.print(Padding(Text(inert(report.message)), (0, 0, 0, 2), expand=False))
        for exercise in report.exercises:
            self._print_exercise(exercise)
        for repair in report.repairs:
            self._console.print(Text(f"· {inert(repair)}", style="dim"))
        for warning in report.warnings:
            if warning != report.message:
                self._console.print(Text(f"! {inert(warning)}", style="yellow"))

    def _print_exercise(self, exercise: ExerciseReport) -> None:
        self._console.print()
        head = Text(inert(exercise.title or exercise.id), style="bold")
        head.append(f"  {_score(exercise.score, exercise.max_score, exercise.pending)}", style="default")
        self._console.print(head)
        for check in exercise.checks:
            self._print_check(check, kept_words(exercise, check))
        for diagnosis in exercise.diagnoses:
            proof = say(_PROOFS[diagnosis.proof])
            text = Text("→ ", style="bold")
            text.append(inert(diagnosis.message), style="not bold")
            text.append(f"  [{diagnosis.mistake}, {proof}{_place(diagnosis.cell, diagnosis.line)}]", "dim")
            self._console.print(Padding(text, (0, 0, 0, 4), expand=False))

    def _print_check(self, check: CheckResult, kept: str) -> None:
        label = CHECK[check.status]
        text = Text(f"{label.sign} ", style=_COLOURS[label.look])
        text.append(inert(check.title or check.id), style="default")
        text.append(f"  {_score(check.score, check.max_score)}", style="dim")
        text.append(_place(check.cell, check.line, before="  "), style="dim")
        self._console.print(Padding(text, (0, 0, 0, 2), expand=False))
        if label.look != "right":
            for line in (check.message, kept, check.advice):
                if line:
                    self._console.print(Padding(Text(inert(line)), (0, 0, 0, 4), expand=False))

    # ------------------------------------------------------------------ a class

    def _print_class(self, rows: Iterable[Row], tally: Tally) -> None:
        everybody = tally.finished <= MOST_ROWS
        shown: list[Row] = []
        left_out = 0
        for row in rows:
            if everybody or not row.passes(tally.fail_under):
                if len(shown) < MOST_ROWS:
                    shown.append(row)
                else:
                    left_out += 1
        if shown:
            self._console.print(_table(shown))
        if left_out:
            self._console.print(Text(f"and {left_out} more that need a look: see the reports"))

    # ------------------------------------------------------------------ both

    def _print_footer(self, request: Request, tally: Tally, only: Report | None) -> None:
        self._console.print()
        if tally.finished < tally.total:
            stopped = say("Stopped: {some} of {all} were graded.", some=tally.finished, all=tally.total)
            self._console.print(Text(stopped, style="yellow"))
        if only is None:
            self._console.print(Text(_counts(tally)))
        if self._isolation in _WALLS:
            self._console.print(Text(say(_WALLS[self._isolation]), style="yellow"))
        if request.assignment is None and tally.finished:
            name = self._assignment
            chosen = say("Assignment: {id}, told by what was handed in; --assignment names another.", id=name)
            self._console.print(Text(chosen), soft_wrap=True)
        if request.output is not None and tally.finished:
            reports = say("Reports: {place}", place=_where(request.output, request.formats, only))
            self._console.print(Text(reports), soft_wrap=True)


def _table(rows: list[Row]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    table.add_column("Student", overflow="fold", max_width=32)
    table.add_column("Status", no_wrap=True)
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Pending", justify="right", no_wrap=True)
    table.add_column("First thing to fix", overflow="fold")
    for row in rows:
        label = SUBMISSION[SubmissionStatus(row.status)]
        look = label.look if label.look != "right" or row.correct else "open"
        table.add_row(
            Text(inert(row.student)),
            Text(f"{label.sign} {label.word}", style=_COLOURS[label.look]),
            Text(f"{points(row.score)} / {points(row.max_score)}", style=_COLOURS[look]),
            Text(points(row.pending) if row.pending else ""),
            Text(inert(row.fix, 160)),
        )
    return table


def _counts(tally: Tally) -> str:
    threshold = "" if tally.fail_under is None else f" and at {points(tally.fail_under)} % or above"
    parts = [f"{tally.passed} graded{threshold} ({tally.correct} with nothing to fix)"]
    if tally.below:
        parts.append(f"{tally.below} not")
    if tally.broke:
        parts.append(f"{tally.broke} on which the grader failed")
    return ", ".join(parts)


def _score(score: float, max_score: float, pending: float = 0.0) -> str:
    waits = " (" + say("{points} pending", points=points(pending)) + ")" if pending else ""
    return f"{points(score)} / {points(max_score)}{waits}"


def _place(cell: int | None, line: int | None, before: str = ", ") -> str:
    if cell is None:
        return ""
    if line is None:
        return before + say("cell {cell}", cell=cell)
    return before + say("cell {cell}, line {line}", cell=cell, line=line)


def _where(output: Path, formats: tuple[str, ...], only: Report | None) -> str:
    page = output / "students" / f"{only.student}.html" if only is not None else output / "index.html"
    return no_command(visible(str(page) if "html" in formats else f"{output}/"))
