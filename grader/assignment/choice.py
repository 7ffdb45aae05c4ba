"""Exercises of the kind `choice`: a question with options."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from grader.assignment.answered import AnsweredExercise
from grader.assignment.spec import Identifier, PythonName, Spec


class Option(Spec):
    """One option of a multiple choice."""

    id: Identifier
    text: str = Field(min_length=1)
    right: bool = False
    explanation: str = Field("", description="why it is wrong, for whoever chose it; what is right about a right one")


class ChoiceExercise(AnsweredExercise):
    """Multiple choice: the id of an option, bound to a name or written below a heading."""

    kind: Literal["choice"]
    task: str = Field(min_length=1, description="the question")
    name: PythonName
    several: bool = Field(False, description="must all that are right be chosen, or is one the answer?")
    options: list[Option] = Field(alias="option", min_length=2)

    @model_validator(mode="after")
    def _options_are_clear(self) -> ChoiceExercise:
        for what in ("id", "text"):
            said = [getattr(option, what).casefold() for option in self.options]
            twice = sorted({each for each in said if said.count(each) > 1})
            if twice:
                raise ValueError(f"every option needs its own {what}, found twice: {', '.join(twice)}")
        if self.withheld:
            return self  # which are right is not told
        if not any(option.right for option in self.options):
            raise ValueError("one option at least must be right: give it `right = true`")
        silent = [option.id for option in self.options if not option.right and not option.explanation.strip()]
        if silent:
            raise ValueError(f"every wrong option needs an explanation of its own, missing for: {', '.join(silent)}")
        return self
