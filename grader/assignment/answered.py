"""What essays and quizzes have in common: they are answered in words or with a value."""

from __future__ import annotations

from pydantic import Field

from grader.assignment.exercise import BaseExercise


class AnsweredExercise(BaseExercise):
    """Answered in words or with a value, not with code."""

    max_points: float = Field(alias="points", ge=0, allow_inf_nan=False)
    headings: list[str] = Field(
        default_factory=list,
        description="the answer stands below a heading that contains one of these (in any case)",
    )

    @property
    def max_score(self) -> float:
        return self.max_points
