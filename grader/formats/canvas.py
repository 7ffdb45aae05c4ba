"""`canvas.csv`: a gradebook for Canvas to import.

Source: the importer itself (`lib/gradebook_importer.rb` of instructure/canvas-lms). It wants `Section` last of the
student's columns, takes a row that begins with `Points Possible` as the points of the assignments, and finds a student
by the user's id, else by the login, else by the name. Points that are not settled leave an empty cell: Canvas would
take the points won so far for the grade. `EX`, excused, is never written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from grader.formats._format import Document, Run
from grader.formats._grades import Grade, grades
from grader.formats._spreadsheet import cell, number, table
from grader.verdict import Report

STUDENT_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
# The importer looks for these words in the first cell, and takes such rows for no student's.
_POINTS_ROW = "Points Possible"


class Canvas(Document):
    """Writes `canvas.csv`."""

    id = "canvas"
    file = "canvas.csv"

    def write(self, stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
        rows = table(stream)
        rows.writerow([*STUDENT_COLUMNS, cell(run.assignment.title)])
        rows.writerow([f"    {_POINTS_ROW}", "", "", "", "", number(run.assignment.max_score)])
        for each in grades(reports):
            rows.writerow([_name(each), each.whose.canvas, "", _login(each), "", each.final])


def _name(of: Grade) -> str:
    name = cell(of.whose.name)
    return name.replace(_POINTS_ROW, _POINTS_ROW.replace(" ", "_"))


def _login(of: Grade) -> str:
    """The name of a folder that no platform made may be a login; the importer can tell."""
    return cell(of.whose.key) if of.whose.key == of.whose.name else ""
