"""Everything that is counted while the reports of a class pass."""

from __future__ import annotations

from collections import Counter

from grader.assignment import Assignment
from grader.closing import Closing
from grader.formats._class.attention import Attention, Kinds, Look, reasons
from grader.formats._class.common import Common
from grader.formats._class.findings import Words
from grader.formats._class.groups import Groups
from grader.formats._class.items import Items
from grader.formats._class.names import Names
from grader.formats._class.scores import Scores
from grader.verdict import Report, SubmissionStatus

_DISTINCT = 1_000  # exercises that are told apart, whatever comes


class Tally(Closing):
    """What the reports say together."""

    def __init__(self, assignment: Assignment) -> None:
        self.kinds = Kinds(assignment)
        self.names = Names()
        self.statuses: Counter[SubmissionStatus] = Counter()
        self.scores = Scores()
        self.items = Items()
        self.common: dict[str, Common] = {exercise.id: Common() for exercise in assignment.exercises}
        self.groups = Groups()
        self.attention = Attention()
        self.pending = 0.0  # points
        self.waiting = 0  # students who have pending points
        self._words = Words(assignment)

    def add(self, report: Report) -> list[Look]:
        """Count a report. Returns why a human should look at it."""
        student = self.names.append(report.student)
        pending = report.pending
        self.statuses[report.status] += 1
        self.pending += pending
        self.waiting += pending > 0
        self.scores.add(student, report, pending)
        self.items.add(report, self.kinds.essay)
        looks = reasons(self.kinds, report)
        self.attention.add(student, looks)
        if report.status is not SubmissionStatus.GRADER_BROKE:
            for exercise in report.exercises:
                if exercise.id in self.common or len(self.common) < _DISTINCT:
                    findings = self._words.findings(exercise)
                    self.common.setdefault(exercise.id, Common()).add(student, findings)
                    self.groups.add(student, exercise.id, findings)
        return looks

    @property
    def size(self) -> int:
        return len(self.names)

    def close(self) -> None:
        self.names.close()
