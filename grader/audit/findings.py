"""What an audit found, as plain data; `--format json` is these models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Missed(_Record):
    """A mistake that gets full marks, and what it would take to catch it."""

    mistake: str
    remedy: str
    style: str
    source: str


class Accused(_Record):
    """A right answer that does not get full marks."""

    style: str
    messages: list[str]
    source: str


class ExerciseAudit(_Record):
    """One exercise.

    Attributes:
        right, wrong: how many programs of either kind were graded.
        caught: mistakes of which every program lost points.
        without_effect: mistakes that make no difference in this exercise, whatever its cases.
        not_written: what could not be written as a program, with the reason.
    """

    exercise: str
    what: str
    right: int
    wrong: int
    caught: list[str]
    without_effect: list[str]
    missed: list[Missed]
    accused: list[Accused]
    not_written: list[str]


class Audit(_Record):
    """One assignment."""

    assignment: str
    exercises: list[ExerciseAudit]

    @property
    def is_clean(self) -> bool:
        """Is no mistake missed, and no right answer accused?"""
        return not any(each.missed or each.accused for each in self.exercises)
