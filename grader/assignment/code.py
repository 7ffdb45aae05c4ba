"""What modules and networks have in common: code that is constructed and compared in several sizes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from grader.assignment.case import Case
from grader.assignment.exercise import ScoredByCheck
from grader.assignment.spec import UNTOLD, Points, PythonName


class BaseCodeExercise(ScoredByCheck):
    """What is built out of modules, and compared in several sizes."""

    name: PythonName = Field(description="the name that students define")
    aliases: list[PythonName] = Field(default_factory=list, description="further names that are taken for it")
    points: dict[str, Points] = Field(description="of each check, by its id")
    cases: list[Case] = Field(alias="case", min_length=1, description="the sizes in which it is compared")
    mistakes: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, description="what a proven mistake costs, by its id; else the points of one check"
    )

    @property
    def tells_no_case(self) -> bool:
        """Is there nothing to call it with?"""
        return self.withheld and self.cases[0].title == UNTOLD
