"""Exercises of the kind `predict`: a question whose answer is a number, or a shape."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from grader.assignment.answered import AnsweredExercise
from grader.assignment.spec import PythonName, Spec

ROUNDING = 1e-9  # what a float may be off for no better reason than being one


def _value(value: object) -> object:
    """A number, or a shape: the union would complain once for each of its members."""
    if isinstance(value, list) and value and all(type(each) is int and each >= 0 for each in value):
        return value
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise ValueError(f"expected a number, or a shape such as [1, 64, 32, 32], found {value!r}")


Value = Annotated[int | float | list[int], BeforeValidator(_value)]


class WrongValue(Spec):
    """A value that students give for a reason, and what is wrong with that reason."""

    value: Value
    explanation: str = Field(min_length=1)


class PredictExercise(AnsweredExercise):
    """A number or a shape, bound to a name or written below a heading."""

    _untold: ClassVar[dict[str, Any]] = {"value": 0}

    kind: Literal["predict"]
    task: str = Field(min_length=1, description="the question")
    name: PythonName
    value: Value
    tolerance: float = Field(0.0, ge=0, allow_inf_nan=False, description="how far a right number may be off")
    relative: float = Field(0.0, ge=0, lt=1, description="the same, as a part of the value: 0.01 is one percent")
    explanation: str = Field("", description="what whoever is right reads")
    wrong: list[WrongValue] = Field(default_factory=list)

    def means(self, value: float | list[int], given: float | list[int]) -> bool:
        """Is this value given, as exactly as this exercise asks for it?"""
        if isinstance(value, list) or isinstance(given, list):
            return value == given
        if isinstance(value, int) and isinstance(given, int) and not self.tolerance and not self.relative:
            return value == given
        # The last digits of a float are nobody's mistake.
        return abs(given - value) <= max(self.tolerance, self.relative * abs(value)) + ROUNDING * abs(value)

    @model_validator(mode="after")
    def _values_differ(self) -> PredictExercise:
        known = [self.value]
        for wrong in self.wrong:
            if isinstance(wrong.value, list) != isinstance(self.value, list):
                raise ValueError(f"wrong: {wrong.value} is a number where the value is a shape, or the other way round")
            if any(self.means(each, wrong.value) or self.means(wrong.value, each) for each in known):
                raise ValueError(f"wrong: {wrong.value} cannot be told from the value or from another wrong one")
            known.append(wrong.value)
        return self
