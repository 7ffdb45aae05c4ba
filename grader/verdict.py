"""What is said of a submission, as plain data. `results.json` is these models, field by field.

`Field(exclude=True)` marks what only the pages show; everything else is the contract of schema version 1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer

from grader.language import later, say
from grader.pictures import Pictures

SCHEMA_VERSION = 1

# One rounding for all points, so that the same run gives the same bytes.
Points = Annotated[float, PlainSerializer(lambda points: round(points, 2) + 0.0, return_type=float)]


class Status(StrEnum):
    """How one check ended. "The student is wrong" and "the grader broke" are never the same value."""

    PASSED = "passed"
    FAILED = "failed"
    STUDENT_CRASHED = "student_crashed"
    TIMED_OUT = "timed_out"
    GRADER_BROKE = "grader_broke"
    SKIPPED = "skipped"

    @property
    def pending(self) -> bool:
        """Neither won nor lost: a human decides about these points."""
        return self in (Status.SKIPPED, Status.GRADER_BROKE)

    @property
    def wrong(self) -> bool:
        """Is the student's code wrong, by what it does or by raising?"""
        return self in (Status.FAILED, Status.STUDENT_CRASHED)


# Said of what only the instructor's copy of an assignment can judge.
LEFT_TO_THE_MARKING = later("Left to the marking: this copy of the assignment does not hold what it is compared with.")

# What a message may say about the proof behind its mistake, in brackets; a class is not told it.
PROVEN_TOGETHER = later("(Proven together with {mistake}: the reference with both behaves exactly like this code.)")
ALIKE = later("(With {mistakes} it would behave just the same.)")


class SubmissionStatus(StrEnum):
    """How far one submission got."""

    GRADED = "graded"
    UNREADABLE = "unreadable"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    GRADER_BROKE = "grader_broke"


class Proof(StrEnum):
    """What a diagnosis rests on."""

    REPLAYED = "replayed"  # the reference with exactly this mistake behaves exactly like the student's code
    MEASURED = "measured"  # a direct numeric witness
    REPORTED = "reported"  # the child's word alone; never costs points by itself


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lesson(_Record):
    """What a finding teaches: why it matters in two sentences, and hints that lead to the mend step by step.

    Attributes:
        hints: the concept, where to look, what to change; without the last where an assignment still holds it back.
    """

    why: str
    hints: tuple[str, str, str] | tuple[str, str]

    def said(self) -> Lesson:
        """The same, in the language that is spoken: lessons are constants in English."""
        concept, where, *what = map(say, self.hints)
        return Lesson(why=say(self.why), hints=(concept, where, what[0]) if what else (concept, where))

    def without_last(self) -> Lesson:
        """The same, with nothing in it that says what to change."""
        return Lesson(why=self.why, hints=self.hints[:2])


class CheckResult(_Record):
    """One check of one exercise. `cell` counts the notebook's cells from 1; `line` counts in that cell."""

    id: str
    status: Status
    score: Points
    max_score: Points
    message: str
    expected: JsonValue = None
    actual: JsonValue = None
    cell: int | None = None
    line: int | None = None

    title: str = Field(default="", exclude=True)
    advice: str = Field(default="", exclude=True)  # what to do next
    evidence: list[str] = Field(default_factory=list, exclude=True)  # further lines: one per witness
    notes: list[str] = Field(default_factory=list, exclude=True)  # worth knowing, costs nothing
    lesson: Lesson | None = Field(default=None, exclude=True)  # of a failure
    follows: str = Field(default="", exclude=True)  # id of the check that says why this one failed too


class Diagnosis(_Record):
    """A named mistake and what the naming rests on."""

    mistake: str
    proof: Proof
    message: str
    cell: int | None = None
    line: int | None = None

    lesson: Lesson | None = Field(default=None, exclude=True)
    explains: bool = Field(default=False, exclude=True)  # is it known to account for all that failed with it?
    mended: bool = Field(default=False, exclude=True)  # was the student's own code run again without it?

    @property
    def is_cause(self) -> bool:
        """Does every check of the exercise that failed fail by it? What was replayed accounts for all there is."""
        return self.explains or self.proof is Proof.REPLAYED


class _Asked(Protocol):
    """An exercise of an assignment."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def max_score(self) -> float: ...


class ExerciseReport(_Record):
    id: str
    score: Points
    max_score: Points
    correct: bool
    checks: list[CheckResult]
    diagnoses: list[Diagnosis]

    title: str = Field(default="", exclude=True)
    formula: str = Field(default="", exclude=True)  # what the student's module computes, when it was captured
    answer: str | None = Field(default=None, exclude=True)  # a written answer, as handed in (Markdown source)
    pictures: Pictures | None = Field(default=None, exclude=True)  # what is drawn of it

    @classmethod
    def of(
        cls,
        exercise: _Asked,
        checks: list[CheckResult],
        diagnoses: list[Diagnosis],
        *,
        formula: str = "",
        answer: str | None = None,
        pictures: Pictures | None = None,
    ) -> Self:
        """The report that these results make: their points, and whether all have passed."""
        return cls(
            id=exercise.id,
            title=exercise.title,
            score=sum(check.score for check in checks),
            max_score=exercise.max_score,
            correct=all(check.status is Status.PASSED for check in checks),
            checks=checks,
            diagnoses=diagnoses,
            formula=formula,
            answer=answer,
            pictures=pictures,
        )

    @property
    def pending(self) -> float:
        """Points that a human still decides about."""
        return sum(check.max_score for check in self.checks if check.status.pending)


class Report(_Record):
    """Everything that is said of one submission."""

    student: str
    file: str
    status: SubmissionStatus
    score: Points
    max_score: Points
    exercises: list[ExerciseReport]
    repairs: list[str]
    warnings: list[str]

    message: str = Field(default="", exclude=True)  # why the status is not `graded`, for the student

    @property
    def pending(self) -> float:
        """Points that a human still decides about: skipped checks, written answers, the grader's own faults."""
        return sum(exercise.pending for exercise in self.exercises)

    @property
    def percent(self) -> float:
        """Score in percent of the points that are decided, so that pending ones cost nothing."""
        decided = self.max_score - self.pending
        return 100.0 * self.score / decided if decided > 0 else 100.0


class Results(_Record):
    """`results.json`."""

    schema_version: int = SCHEMA_VERSION
    assignment: str
    grader_version: str
    seed: int
    isolation: str
    device: str
    submissions: list[Report]
