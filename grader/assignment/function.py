"""Exercises of the kind `function`: arguments to call it with, and the faults that are known."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from grader.assignment.exercise import ScoredByCheck
from grader.assignment.spec import UNTOLD, Identifier, Plain, Points, PythonName, ReferenceName, Spec


class Drawn(Spec):
    """An argument that is drawn afresh: numbers of a normal distribution, or whole numbers between two bounds."""

    shape: list[Annotated[int, Field(ge=0)]] = Field(max_length=8)
    mean: float = 0.0
    spread: float = Field(1.0, gt=0)
    low: int | None = Field(None, description="with `high`: whole numbers from low up to, not including, high")
    high: int | None = None
    given_as: Literal["tensor", "array", "list", "number"] = Field("tensor", alias="as")

    @model_validator(mode="after")
    def _bounds_are_two(self) -> Drawn:
        if (self.low is None) != (self.high is None) or (
            self.low is not None and self.high is not None and self.low >= self.high
        ):
            raise ValueError("expected low and high together, low below high")
        if self.given_as == "number" and self.shape:
            raise ValueError('expected shape = [] for as = "number"')
        return self


def _is_drawn(value: object) -> str:
    return "(drawn)" if isinstance(value, dict | Drawn) else "(plain)"


# Told apart by what it looks like, so that what is wrong with one is not explained as what is wrong with both.
Given = Annotated[Annotated[Drawn, Tag("(drawn)")] | Annotated[Plain, Tag("(plain)")], Discriminator(_is_drawn)]


class FunctionCase(Spec):
    """One way to call a function: arguments by position, each plain or drawn."""

    title: str
    arguments: dict[str, Given] = Field(default_factory=dict)


def _three_hints(value: object) -> object:
    """Three, of which none is empty: said once here, and in the words of what each is for."""
    hints = value if isinstance(value, list) and all(isinstance(each, str) for each in value) else []
    if len(hints) != 3 or not all(hint.strip() for hint in hints):
        found = f"{len(hints)} texts" if hints else repr(value)
        raise ValueError(
            "expected three hints: the idea behind the mistake, where to look, what to change; "
            + ("found one that is empty" if len(hints) == 3 else f"found {found}")
        )
    return hints


class KnownFault(Spec):
    """A wrong function that students write: who behaves like it is told so, and what is to be learnt from it."""

    id: Identifier = Field(description="stable, small letters, digits and hyphens: what the mistake is called")
    reference: ReferenceName = Field(description="file:function, the wrong function")
    message: str = Field(min_length=1, description="what is wrong, for whoever's function behaves like it")
    why: str = Field(min_length=1, description="why it matters, in two sentences")
    hints: Annotated[tuple[str, str, str], BeforeValidator(_three_hints)] = Field(
        description="the idea behind it, where to look, what to change; the last one may be held back"
    )


class FunctionExercise(ScoredByCheck):
    """A function, compared with a reference function by what it returns."""

    _untold: ClassVar[dict[str, Any]] = {"reference": f"{UNTOLD}:{UNTOLD}", "case": [{"title": UNTOLD}]}

    kind: Literal["function"]
    name: PythonName
    aliases: list[PythonName] = Field(default_factory=list)
    reference: ReferenceName = Field(description="file:function, in the assignment's folder or in reference/")
    points: dict[Literal["values", "gradient"], Points]
    tolerance: float = Field(1e-6, gt=0, description="how far a number may be off, relative to the largest expected")
    cases: list[FunctionCase] = Field(alias="case", min_length=1)
    faults: list[KnownFault] = Field(default_factory=list, alias="fault")
