"""Pages: one of feedback for each student, the notebook beside it, and one table of the class.

    index.html                  the class
    students/<student>.html     feedback, to hand to the student
    notebooks/<student>.html    the notebook as handed in, with every finding at its cell

Notebooks have a folder of their own: a student `anna-notebook` may sit beside a student `anna`, and no
page may ever take the place of another student's.
"""

from __future__ import annotations

from collections.abc import Iterable
from os.path import exists
from pathlib import Path

from grader.formats._class_page import write_class_page
from grader.formats._feedback import feedback_page
from grader.formats._format import Format, Run
from grader.formats._notebook import notebook_page
from grader.submission import Submission
from grader.verdict import Report
from grader.whole import replacing


class Html(Format):
    """Writes pages that need nothing but themselves: no script, no request."""

    id = "html"
    draws = True

    def write_student(self, output: Path, run: Run, report: Report, submission: Submission | None) -> None:
        with replacing(output / "students" / f"{report.student}.html") as file:
            file.write(feedback_page(run, report, submission))
        if submission is not None:
            with replacing(output / "notebooks" / f"{report.student}.html") as file:
                file.write(notebook_page(run, report, submission))

    def write_class(self, output: Path, run: Run, reports: Iterable[Report]) -> None:
        with replacing(output / "index.html") as file:
            # Not pathlib, which would remember every name.
            write_class_page(file, run, reports, lambda student: exists(f"{output}/notebooks/{student}.html"))
