"""What all kinds of exercises have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from grader.assignment.spec import Identifier, Spec

Visibility = Literal["visible", "after_due_date", "after_published", "hidden"]


def _when(value: object) -> object:
    """One word for all checks, or a table of them: the union would complain once for each of its members."""
    known = get_args(Visibility)
    words = list(value.values()) if isinstance(value, dict) else [value]
    wrong = [word for word in words if word not in known]
    if wrong:
        raise ValueError(f"expected one of {', '.join(known)}, or a table with one for each check, found {wrong[0]!r}")
    return value


class BaseExercise(Spec):
    """What is asked: one entry of [[exercise]]."""

    id: Identifier = Field(description="stable, small letters, digits and hyphens: scores are kept by it")
    title: str = Field(description="what the pages call it")
    task: str = Field("", description="one sentence that the feedback page shows; for a question the question")
    visibility: Annotated[Visibility | dict[str, Visibility], BeforeValidator(_when)] = Field(
        "visible", description="when students see the results on a platform that can hold them back; or by check"
    )
    grade_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]*$")] = Field(
        "", description="nbgrader's id of the cell that holds the answer, where it is not the exercise's own"
    )
    withheld: bool = Field(
        False, description="what is right is not told here, and left to the marking: so it is in a student's copy"
    )

    # What is required, and need not be told. Nothing may ask for it where it is not.
    _untold: ClassVar[dict[str, Any]] = {}

    @model_validator(mode="before")
    @classmethod
    def _needs_no_answer(cls, given: Any) -> Any:
        return {**cls._untold, **given} if isinstance(given, dict) and given.get("withheld") is True else given

    @property
    def max_score(self) -> float:
        raise NotImplementedError

    @property
    def check_ids(self) -> list[str]:
        """The checks that its report lists."""
        return ["answer"]

    @property
    def grade_ids(self) -> set[str]:
        """What nbgrader may call the cell that holds the answer."""
        return {self.grade_id or self.id}

    def visibility_of(self, check: str) -> Visibility:
        """When students see the result of one check, on a platform that can hold it back."""
        return self.visibility.get(check, "visible") if isinstance(self.visibility, dict) else self.visibility

    @model_validator(mode="after")
    def _visibility_names_checks(self) -> Self:
        for name in self.visibility if isinstance(self.visibility, dict) else ():
            if name not in self.check_ids:
                raise ValueError(
                    f"visibility: no points are given for a check {name!r}; expected one of {', '.join(self.check_ids)}"
                )
        return self


class ScoredByCheck(BaseExercise):
    """Its checks are those that it has points for."""

    if TYPE_CHECKING:  # each kind says which checks there are, and where among its keys they stand
        points: dict[Any, float]

    @property
    def max_score(self) -> float:
        return sum(self.points.values())

    @property
    def check_ids(self) -> list[str]:
        return [str(name) for name in self.points]
