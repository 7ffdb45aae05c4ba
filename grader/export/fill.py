"""Fill a platform's own gradebook with the scores of results.json: nobody is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.assignment import Assignment
from grader.export.matching import match
from grader.export.platforms import MoodleGradebook, Platform, choose_column
from grader.export.sheet import Sheet, read_sheet, write_sheet
from grader.formats import Run
from grader.formats._grades import Grade, grades
from grader.formats._spreadsheet import number
from grader.formats.moodle import feedback
from grader.verdict import Results


@dataclass
class Outcome:
    """What became of every hand-in and every student of the gradebook."""

    column: str
    filled: list[str] = field(default_factory=list)
    so_far: list[str] = field(default_factory=list)  # filled in though points are open, as was asked
    kept: list[str] = field(default_factory=list)  # points are open: what stood there stays
    not_there: list[str] = field(default_factory=list)  # hand-ins without a row
    contested: list[str] = field(default_factory=list)  # several hand-ins that lead to one row
    no_hand_in: list[str] = field(default_factory=list)  # rows without a hand-in
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Has every hand-in found its row?"""
        return not (self.not_there or self.contested)


def fill(
    platform: Platform,
    results: Results,
    assignment: Assignment,
    gradebook: Path,
    output: Path,
    *,
    column: str | None = None,
    so_far: bool = False,
) -> Outcome:
    """Write the gradebook again, with scores and, where it has a place for it, feedback.

    Args:
        so_far: write the points won so far where a human still decides about some.

    Raises:
        UsageError: the gradebook cannot be used; nothing was written.
    """
    sheet = read_sheet(gradebook)
    chosen = choose_column(platform, sheet, column, (assignment.title, assignment.id))
    outcome = Outcome(chosen)
    at = sheet.header.index(chosen) if chosen in sheet.header else 0
    rows = [(row, known) for row in _of(platform, sheet, chosen) if (known := platform.student(sheet, row))]
    found = grades(results.submissions)
    told = _feedback(platform, results, assignment)
    matches = match([platform.person(sheet, each.whose) for each in found], [known for _, known in rows])
    for i, row_number in sorted(matches.row_of.items()):
        points = _points(found[i], outcome, so_far=so_far)
        platform.put(sheet, rows[row_number][0], at, points, told[i])
    contested = {i for claiming in matches.contested.values() for i in claiming}
    outcome.not_there = [_called(each) for i, each in enumerate(found) if i not in {*matches.row_of, *contested}]
    for row_number, claiming in sorted(matches.contested.items()):
        label = platform.label(sheet, rows[row_number][0])
        outcome.contested.append(f"{label}: {', '.join(_called(found[i]) for i in claiming)}")
    reached = {*matches.row_of.values(), *matches.contested}
    outcome.no_hand_in = [platform.label(sheet, row) for i, (row, _) in enumerate(rows) if i not in reached]
    outcome.notes = list(_notes(platform, sheet, at, assignment))
    write_sheet(sheet, output)
    return outcome


def _points(of: Grade, outcome: Outcome, *, so_far: bool) -> str:
    """What is written; nothing where what stands there is to stay."""
    if of.final:
        outcome.filled.append(_called(of))
        return of.final
    if so_far and of.points is not None:
        outcome.so_far.append(f"{_called(of)}: {of.points}, and {number(of.pending)} open")
        return of.points
    outcome.kept.append(f"{_called(of)}: {of.points or 'nothing'} so far, and {number(of.pending)} open")
    return ""


def _of(platform: Platform, sheet: Sheet, chosen: str) -> list[list[str]]:
    """The rows that are about this assignment."""
    assignment = sheet.column("assignment") if platform.id == "nbgrader" else None
    return [row for row in sheet.rows if assignment is None or sheet.value(row, assignment) == chosen]


def _feedback(platform: Platform, results: Results, assignment: Assignment) -> Sequence[str]:
    if not isinstance(platform, MoodleGradebook):
        return [""] * len(results.submissions)
    run = Run(assignment, results.seed, results.isolation, results.device, results.grader_version)
    return [feedback(run, report) for report in results.submissions]


def _notes(platform: Platform, sheet: Sheet, at: int, assignment: Assignment) -> Iterator[str]:
    most = platform.max_points(sheet, at)
    try:
        differs = bool(most) and abs(float(most.replace(",", ".")) - assignment.max_score) > 0.005
    except ValueError:
        differs = False
    if differs:
        yield (
            f"there are {most} points in the gradebook, and {number(assignment.max_score)} in the assignment: "
            "scores are written as they are, so set the points there to the same number"
        )
    if isinstance(platform, MoodleGradebook) and platform.feedback_column(sheet, at) is None:
        yield (
            "the gradebook has no column for feedback, so that none was written: export it with feedback, or import "
            "the grade alone, mapping no feedback"
        )


def _called(of: Grade) -> str:
    return of.student if of.file.startswith(of.student) else f"{of.student} ({of.file})"
