"""The class at a glance. Rows go to disk as they come, so that ten thousand students cost no memory."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

from grader.assignment import EssayExercise
from grader.formats import _words
from grader.formats._format import Run
from grader.formats._pages import render
from grader.formats._text import one_line
from grader.verdict import Report, SubmissionStatus

_BARS = 10
_CHUNK = 16_384  # characters copied at a time
_MISTAKES = 12  # lines of the table of mistakes
_DISTINCT = 500  # names that are counted: ids come from the grader, yet memory stays flat whatever comes


@dataclass
class ExerciseSum:
    """One exercise over the class."""

    title: str
    count: int = 0
    correct: int = 0
    score: float = 0.0
    max_score: float = 0.0


@dataclass
class Class:
    """What is counted while the rows pass."""

    statuses: Counter[SubmissionStatus] = field(default_factory=Counter)
    percents: array[float] = field(default_factory=lambda: array("d"))
    mistakes: Counter[str] = field(default_factory=Counter)
    exercises: dict[str, ExerciseSum] = field(default_factory=dict)
    flagged: int = 0
    pending: float = 0.0

    def add(self, run: Run, report: Report) -> None:
        self.statuses[report.status] += 1
        self.pending += report.pending
        if report.status is not SubmissionStatus.UNREADABLE:
            self.percents.append(report.percent)
        for exercise in report.exercises:
            if exercise.id not in self.exercises:
                title = next((s.title for s in run.assignment.exercises if s.id == exercise.id), exercise.id)
                self.exercises[exercise.id] = ExerciseSum(title)
            line = self.exercises[exercise.id]
            line.count += 1
            line.correct += exercise.correct
            line.score += exercise.score
            line.max_score += exercise.max_score
        # A student counts once for a mistake, in however many places it was made.
        for mistake in sorted(_mistakes(report)):
            if mistake in self.mistakes or len(self.mistakes) < _DISTINCT:
                self.mistakes[mistake] += 1

    @property
    def size(self) -> int:
        return self.statuses.total()

    @property
    def median(self) -> float | None:
        return statistics.median(self.percents) if self.percents else None

    @property
    def bars(self) -> list[tuple[str, int, float]]:
        """Range, how many, and how long a bar that stands for: the longest is 100."""
        counts = [0] * _BARS
        for percent in self.percents:
            counts[max(0, min(_BARS - 1, int(percent * _BARS / 100)))] += 1
        longest = max(counts) or 1
        width = 100 // _BARS
        names = [f"{i * width}–{i * width + width - 1}" for i in range(_BARS - 1)] + [f"{100 - width}–100"]
        return [(name, count, 100 * count / longest) for name, count in zip(names, counts, strict=True)]


def write_class_page(stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
    """Write the page: counts first, then who needs a human, then everybody else."""
    seen = Class()
    with _rows() as flagged, _rows() as others:
        for report in reports:
            seen.add(run, report)
            why = needs_human(run, report)
            seen.flagged += bool(why)
            row = render(
                "class_row.html.j2",
                report=report,
                file=one_line(report.file, 120),
                status=_words.SUBMISSION[report.status],
                why=why,
            )
            (flagged if why else others).write(row)
        context = {
            "run": run,
            "seen": seen,
            "statuses": [(_words.SUBMISSION[status], count) for status, count in sorted(seen.statuses.items())],
            "mistakes": seen.mistakes.most_common(_MISTAKES),
            "isolation": _words.isolation(run),
            "walled": run.isolation == "bwrap",
        }
        stream.write(render("class_head.html.j2", **context))
        for rows, title, count in (
            (flagged, "Look at these first", seen.flagged),
            (others, "Everybody else" if seen.flagged else "Everybody", seen.size - seen.flagged),
        ):
            if count:
                stream.write(render("class_table.html.j2", title=title, count=count, part="head"))
                rows.seek(0)
                shutil.copyfileobj(rows, stream, _CHUNK)
                stream.write(render("class_table.html.j2", title=title, count=count, part="tail"))
        stream.write(render("class_tail.html.j2", **context))


def needs_human(run: Run, report: Report) -> str:
    """Why somebody should look at this submission, or nothing. A written answer alone is no reason: everybody
    has one, and its points show as pending. What is left of one for which points were proposed is a reason."""
    if report.status is not SubmissionStatus.GRADED:
        return _words.SUBMISSION[report.status].word
    essays = {spec.id for spec in run.assignment.exercises if isinstance(spec, EssayExercise)}
    open_points = sum(exercise.pending for exercise in report.exercises if exercise.id not in essays)
    open_checks = any(
        check.status.pending for exercise in report.exercises if exercise.id not in essays for check in exercise.checks
    )
    if open_checks:
        return f"{_words.points(open_points)} points could not be judged"
    read = {spec.id for spec in run.assignment.exercises if isinstance(spec, EssayExercise) and spec.concepts}
    unread = sum(exercise.pending for exercise in report.exercises if exercise.id in read)
    return f"{_words.points(unread)} points of written answers are left to read" if unread else ""


def _mistakes(report: Report) -> set[str]:
    return {diagnosis.mistake for exercise in report.exercises for diagnosis in exercise.diagnoses}


def _rows() -> tempfile._TemporaryFileWrapper[str]:
    return tempfile.NamedTemporaryFile("w+", encoding="utf-8", newline="\n")
