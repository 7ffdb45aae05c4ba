"""Which submissions a human should look at, and why."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from grader.assignment import Assignment, ChoiceExercise, EssayExercise, PredictExercise
from grader.formats._class.items import OPEN
from grader.language import say
from grader.submission.surroundings import ONLY_A_HUMAN
from grader.verdict import Report, Status, SubmissionStatus


class Reason(StrEnum):
    """Why somebody should look, the most urgent first. Names of their own, not the statuses': a reason may rest on
    one check."""

    GRADER_BROKE = "grader-broke"
    UNREADABLE = "unreadable"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    OUT_OF_MEMORY = "out-of-memory"
    CHECK_BROKE = "check-broke"
    NOT_JUDGED = "not-judged"
    NOT_READ = "not-read"
    ASKS_WHERE_IT_RUNS = "asks-where-it-runs"
    PARTLY_READ = "partly-read"
    TO_MARK = "to-mark"

    @property
    def routine(self) -> bool:
        """Does it come with every written answer, so that it makes nobody stand out?"""
        return self in (Reason.PARTLY_READ, Reason.TO_MARK)


_STATUS = {
    SubmissionStatus.GRADER_BROKE: Reason.GRADER_BROKE,
    SubmissionStatus.UNREADABLE: Reason.UNREADABLE,
    SubmissionStatus.CRASHED: Reason.CRASHED,
    SubmissionStatus.TIMED_OUT: Reason.TIMED_OUT,
    SubmissionStatus.OUT_OF_MEMORY: Reason.OUT_OF_MEMORY,
}


@dataclass(frozen=True)
class Look:
    """One reason, and the points that hang on it."""

    reason: Reason
    points: float = 0.0


class Kinds:
    """The exercises of an assignment by what an open point in them means."""

    def __init__(self, assignment: Assignment) -> None:
        essays = [exercise for exercise in assignment.exercises if isinstance(exercise, EssayExercise)]
        self.rubric = frozenset(exercise.id for exercise in essays if exercise.concepts)
        self.essay = frozenset(exercise.id for exercise in essays)
        self.quiz = frozenset(e.id for e in assignment.exercises if isinstance(e, ChoiceExercise | PredictExercise))

    def reason(self, exercise: str, status: Status) -> Reason | None:
        """What it means that a check of this exercise ended so; None: nobody needs to look."""
        if not status.pending:
            return None
        if status is Status.GRADER_BROKE:
            return Reason.CHECK_BROKE
        if exercise in self.essay:
            return Reason.PARTLY_READ if exercise in self.rubric else Reason.TO_MARK
        return Reason.NOT_READ if exercise in self.quiz else Reason.NOT_JUDGED


def reasons(kinds: Kinds, report: Report) -> list[Look]:
    """Every reason once, the most urgent first."""
    status = _STATUS.get(report.status)
    points: dict[Reason, float] = {status: 0.0} if status else {}
    for exercise in report.exercises:
        for check in exercise.checks:
            if check.status not in OPEN:
                continue
            reason = kinds.reason(exercise.id, check.status)
            if reason is Reason.CHECK_BROKE and status is Reason.GRADER_BROKE:
                reason = status
            if reason is not None:
                points[reason] = points.get(reason, 0.0) + check.max_score
    if any(say(ONLY_A_HUMAN) in warning for warning in report.warnings):
        points[Reason.ASKS_WHERE_IT_RUNS] = 0.0
    return [Look(reason, points[reason]) for reason in Reason if reason in points]


@dataclass
class Attention:
    """Students by reason."""

    students: dict[Reason, array[int]] = field(default_factory=dict)
    points: dict[Reason, float] = field(default_factory=dict)

    def add(self, student: int, looks: list[Look]) -> None:
        for look in looks:
            self.students.setdefault(look.reason, array("I")).append(student)
            self.points[look.reason] = self.points.get(look.reason, 0.0) + look.points

    def __iter__(self) -> Iterator[tuple[Reason, float, array[int]]]:
        """Reason, points that hang on it, and students, the most urgent reason first."""
        return ((each, self.points[each], self.students[each]) for each in Reason if each in self.students)
