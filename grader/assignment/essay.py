"""Exercises of the kind `essay`: what a right answer says, and what is often said wrongly."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from grader.assignment.answered import AnsweredExercise
from grader.assignment.spec import Identifier, Spec
from grader.essay import Pattern, PatternError, parse


class Concept(Spec):
    """Something that a right answer says."""

    id: Identifier
    title: str
    points: float = Field(gt=0, allow_inf_nan=False)
    says: list[str] = Field(min_length=1, description="the ways to say it: see grader/essay/pattern.py")


class Misconception(Spec):
    """Something wrong, or not the whole truth, that students say. It costs nothing and gets its reply."""

    id: Identifier
    says: list[str] = Field(min_length=1, description="the ways to say it")
    reply: str = Field(min_length=1, description="what the student is told, word for word")
    contradicts: list[Identifier] = Field(
        default_factory=list, description="concepts that are left to a human where this is said"
    )


class EssayExercise(AnsweredExercise):
    """A written answer. It is collected and shown; a human marks it, until then its points are pending.

    Where there are concepts, points are proposed for those that were surely read; all others stay pending.
    """

    kind: Literal["essay"]
    words: dict[Identifier, str] = Field(
        default_factory=dict, description="lists of words, separated by |, that patterns use as {name}"
    )
    others: str = Field(
        default="",
        description="things, separated by |, that an answer may also speak of: no clause about them is read",
    )
    concepts: list[Concept] = Field(alias="concept", default_factory=list)
    misconceptions: list[Misconception] = Field(alias="misconception", default_factory=list)

    @property
    def check_ids(self) -> list[str]:
        return [concept.id for concept in self.concepts] or ["answer"]

    @cached_property
    def patterns(self) -> dict[str, list[Pattern]]:
        """The ways to say each concept and misconception, by its id."""
        return {each.id: [self._parsed(way) for way in each.says] for each in self._said}

    def _parsed(self, way: str) -> Pattern:
        return parse(f"{way} !{self.others}" if self.others else way, self.words)

    @property
    def _said(self) -> list[Concept | Misconception]:
        return [*self.concepts, *self.misconceptions]

    @model_validator(mode="after")
    def _rubric_fits(self) -> EssayExercise:
        ids = [each.id for each in self._said]
        if len(set(ids)) != len(ids):
            raise ValueError(f"ids of concepts and misconceptions must differ, found {', '.join(ids)}")
        total = sum(concept.points for concept in self.concepts)
        if self.concepts and not math.isclose(total, self.max_points):
            raise ValueError(f"the points of the concepts make {total:g}; expected the exercise's {self.max_points:g}")
        known = [concept.id for concept in self.concepts]
        for misconception in self.misconceptions:
            for name in misconception.contradicts:
                if name not in known:
                    raise ValueError(
                        f"misconception {misconception.id}: contradicts: there is no concept {name!r}; "
                        f"expected one of {', '.join(known) or 'none'}"
                    )
        for each in self._said:
            for way in each.says:
                try:
                    self._parsed(way)
                except PatternError as error:
                    raise ValueError(f"{each.id}: says: {error}") from None
        return self
