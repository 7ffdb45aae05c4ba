"""`results.csv`: one row a submission, for pandas, R and spreadsheets.

As RFC 4180 has it: a header, commas, CRLF, quotes where they are needed. UTF-8 without a byte order mark: programs
would take the mark for a part of the first column's name, while spreadsheets ask for the encoding, or take UTF-8, when
a file is imported (Data > From Text/CSV). Numbers have a decimal point. What would be a formula has an apostrophe
before it.

`pending` are points that a human still decides about. They are in no `score`, and `percent` is of the points that are
decided. An empty cell is not 0: where nothing is decided, or nothing could be asked, there is no score.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from grader.formats._format import Document, Run
from grader.formats._spreadsheet import cell
from grader.verdict import ExerciseReport, Report

_HEAD = ["student", "file", "status", "score", "max_score", "pending", "percent"]
_LONGEST = 1_000  # characters of one cell
_OF_EXERCISE = ["score", "max_score", "pending", "correct"]

Value = str | float | None


class Csv(Document):
    """Writes `results.csv`."""

    id = "csv"
    file = "results.csv"

    def write(self, stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
        exercises = [exercise.id for exercise in run.assignment.exercises]
        rows = csv.writer(stream)  # by default as RFC 4180 has it
        rows.writerow([*_HEAD, *(f"{id}.{name}" for id in exercises for name in _OF_EXERCISE), "mistakes"])
        for report in reports:
            rows.writerow(_row(report, exercises))


def _row(report: Report, exercises: list[str]) -> list[Value]:
    decided = report.pending < report.max_score
    row: list[Value] = [
        cell(report.student, _LONGEST),
        cell(report.file, _LONGEST),
        report.status.value,
        _number(report.score) if decided else None,
        _number(report.max_score),
        _number(report.pending),
        _number(report.percent) if decided else None,
    ]
    by_id = {exercise.id: exercise for exercise in report.exercises}
    for id in exercises:
        row += _exercise(by_id.get(id))
    mistakes = {diagnosis.mistake for exercise in report.exercises for diagnosis in exercise.diagnoses}
    return [*row, cell(" ".join(sorted(mistakes)), _LONGEST)]


def _exercise(exercise: ExerciseReport | None) -> list[Value]:
    if exercise is None:
        return [None] * len(_OF_EXERCISE)
    decided = exercise.pending < exercise.max_score
    return [
        _number(exercise.score) if decided else None,
        _number(exercise.max_score),
        _number(exercise.pending),
        int(exercise.correct) if decided else None,
    ]


def _number(value: float) -> float:
    return round(value, 2) + 0.0
