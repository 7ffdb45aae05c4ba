"""One line for each hand-in, as a gradebook wants it: whose, and how many points, if that is settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from grader.formats._plain import nothing_decided
from grader.formats._spreadsheet import number
from grader.formats._whose import Whose, whose
from grader.verdict import Report, SubmissionStatus


@dataclass(frozen=True)
class Grade:
    """What a gradebook takes from one report.

    Attributes:
        points: what was won so far, with two decimals; None where nothing is decided.
        pending: how much of the points a human still decides about.
        twice: is there another hand-in of the same student, so that it is not clear which of them counts?
    """

    student: str
    file: str
    whose: Whose
    points: str | None
    max_points: float
    pending: float
    twice: bool = False

    @property
    def final(self) -> str:
        """The points where they are settled, else nothing: a score that is not complete is no grade."""
        return self.points if self.points is not None and self.pending <= 0 and not self.twice else ""


def grade(report: Report) -> Grade:
    """What a gradebook takes from this report."""
    open_points = report.max_score if report.status is SubmissionStatus.GRADER_BROKE else report.pending
    return Grade(
        student=report.student,
        file=report.file,
        whose=whose(report),
        points=None if nothing_decided(report) else number(report.score),
        max_points=report.max_score,
        pending=open_points,
    )


def grades(reports: Iterable[Report]) -> list[Grade]:
    """The same of all of them. Reports are forgotten one by one, so that a class of thousands fits in memory."""
    found = [grade(report) for report in reports]
    count = Counter(_person(each) for each in found)
    return [replace(each, twice=count[_person(each)] > 1) for each in found]


def _person(of: Grade) -> tuple[str, str]:
    """Equal where two hand-ins are surely of one student."""
    for kind in ("canvas", "participant"):
        if known := getattr(of.whose, kind):
            return kind, known
    return "key", of.whose.key.casefold()
