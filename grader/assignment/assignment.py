"""An assignment: a list of exercises of all kinds, and what holds for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from grader.assignment.choice import ChoiceExercise
from grader.assignment.essay import EssayExercise
from grader.assignment.experiment import ExperimentExercise
from grader.assignment.function import FunctionExercise
from grader.assignment.module import ModuleExercise
from grader.assignment.network import NetworkExercise
from grader.assignment.predict import PredictExercise
from grader.assignment.settings import Hints, Limits, Release
from grader.assignment.spec import Identifier, Spec
from grader.language import SOURCE, languages

CodeExercise = ModuleExercise | NetworkExercise
CalledExercise = CodeExercise | FunctionExercise | ExperimentExercise
QuizExercise = ChoiceExercise | PredictExercise
Exercise = Annotated[
    ModuleExercise
    | NetworkExercise
    | FunctionExercise
    | ExperimentExercise
    | EssayExercise
    | ChoiceExercise
    | PredictExercise,
    Field(discriminator="kind"),
]


class Assignment(Spec):
    """The declarative spec of one homework."""

    id: Identifier = Field(description="stable, small letters, digits and hyphens: notebooks name it")
    title: str = Field(description="what the pages call it")
    language: str = Field(SOURCE, description="in which students are told what is right and wrong: `en` or `de`")
    limits: Limits = Field(default_factory=Limits, description="what one submission may use")
    hints: Hints = Field(default_factory=Hints, description="when students see the last hint of each finding")
    release: Release = Field(default_factory=Release, description="what `grader release` gives to students")
    exercises: list[Exercise] = Field(alias="exercise", min_length=1, description="what is asked, in this order")
    guess: bool = Field(True, description="may it be chosen by what notebooks define, where they name no assignment?")

    folder: Path = Field(default=Path(), exclude=True, repr=False)

    @field_validator("language")
    @classmethod
    def _is_spoken(cls, language: str) -> str:
        if language not in languages():
            raise ValueError(f"there is no language {language!r}: choose from {', '.join(languages())}")
        return language

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Assignment:
        ids = [exercise.id for exercise in self.exercises]
        if len(set(ids)) != len(ids):
            raise ValueError(f"exercise ids must differ, found {', '.join(ids)}")
        return self

    @model_validator(mode="after")
    def _titles_are_unique(self) -> Assignment:
        """What is known of a case is kept by its title."""
        for exercise in self.exercises:
            titles = [case.title for case in getattr(exercise, "cases", [])]
            twice = next((title for title in titles if titles.count(title) > 1), None)
            if twice is not None:
                raise ValueError(f"exercise {exercise.id}: case: titles must differ, found {twice!r} twice")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Assignment:
        """What a student defines answers one exercise, never two."""
        owners: dict[str, str] = {}
        for exercise in [*self.called_exercises, *self.quiz_exercises]:
            for name in names_of(exercise):
                if owners.setdefault(name, exercise.id) != exercise.id:
                    raise ValueError(f"the name {name!r} belongs to both {owners[name]} and {exercise.id}")
        return self

    @model_validator(mode="after")
    def _networks_are_asked_for(self) -> Assignment:
        """The networks that experiments train belong to exercises of their own."""
        known = [exercise.id for exercise in self.exercises if isinstance(exercise, ModuleExercise)]
        for exercise in self.exercises:
            for series in exercise.series if isinstance(exercise, ExperimentExercise) else ():
                if series.network is not None and series.network.exercise not in known:
                    raise ValueError(
                        f"exercise {exercise.id}: series {series.id}: network: there is no exercise "
                        f"{series.network.exercise!r} of the kind module; expected one of {', '.join(known) or 'some'}"
                    )
        return self

    @property
    def max_score(self) -> float:
        return sum(exercise.max_score for exercise in self.exercises)

    @property
    def code_exercises(self) -> list[CodeExercise]:
        return [exercise for exercise in self.exercises if isinstance(exercise, CodeExercise)]

    @property
    def called_exercises(self) -> list[CalledExercise]:
        """Those that need the student's code to run."""
        return [exercise for exercise in self.exercises if isinstance(exercise, CalledExercise)]

    @property
    def quiz_exercises(self) -> list[QuizExercise]:
        return [exercise for exercise in self.exercises if isinstance(exercise, QuizExercise)]

    @property
    def names(self) -> list[str]:
        """What a submission is expected to define."""
        return [exercise.name for exercise in self.exercises if not isinstance(exercise, EssayExercise)]


def names_of(exercise: CalledExercise | QuizExercise) -> list[str]:
    """Every name under which a submission may define it."""
    return [exercise.name, *(exercise.aliases if isinstance(exercise, CalledExercise) else [])]
