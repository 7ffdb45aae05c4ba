"""`nbgrader.csv`: scores as `nbgrader export` writes them, by its own columns.

Source: `nbgrader/plugins/export.py` of jupyter/nbgrader. What nbgrader knows and a folder of hand-ins does not, is
empty, as nbgrader leaves it: due date, time stamp, names. The scores of a student are empty too while a human still
decides about some of the points.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from grader.formats._format import Document, Run
from grader.formats._grades import Grade, grades
from grader.formats._spreadsheet import cell, number, table
from grader.verdict import Report

COLUMNS = ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"]
COLUMNS += ["raw_score", "late_submission_penalty", "score", "max_score"]
_NO_PENALTY = number(0)


class Nbgrader(Document):
    """Writes `nbgrader.csv`."""

    id = "nbgrader"
    file = "nbgrader.csv"

    def write(self, stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
        rows = table(stream)
        rows.writerow(COLUMNS)
        for each in grades(reports):
            rows.writerow(_row(run.assignment.id, each))


def _row(assignment: str, of: Grade) -> list[str]:
    student = [cell(of.whose.key), "", "", cell(of.whose.email)]
    return [assignment, "", "", *student, of.final, _NO_PENALTY, of.final, number(of.max_points)]
