"""What the manual shows of an assignment works, and names every key."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path

import pytest
import torch
from pydantic import BaseModel
from specs import refusal
from torch import nn

from grader.assignment import (
    Assignment,
    Bound,
    Case,
    ChoiceExercise,
    Claim,
    Concept,
    Drawn,
    EssayExercise,
    ExperimentExercise,
    FunctionCase,
    FunctionExercise,
    Hints,
    KnownFault,
    Limits,
    Misconception,
    ModuleExercise,
    NetworkExercise,
    Option,
    PredictExercise,
    Release,
    Series,
    WrongValue,
    load_assignment,
)

MANUAL = (Path(__file__).parent.parent / "docs" / "writing-assignments.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    """The manual's blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)


def test_the_manuals_example_is_an_assignment_that_works(tmp_path: Path) -> None:
    """It loads, and its reference is built and run in every case, as far as a reader would copy it."""
    (tmp_path / "assignment.toml").write_text(fenced("toml")[0], encoding="utf-8")
    namespace: dict[str, type[nn.Module]] = {}
    exec(fenced("python")[0], namespace)  # our own manual

    exercise = load_assignment(tmp_path).exercises[0]
    assert isinstance(exercise, ModuleExercise)
    assert exercise.reference == "reference:PreActBlock"
    for case in exercise.cases:
        block = namespace["PreActBlock"](*case.arguments.values())
        assert block(torch.zeros(2, *case.input)).shape == (2, *case.input)


SHOWN = [textwrap.dedent(found) for found in re.findall(r"^ *```toml\n(.*?)^ *```$", MANUAL, re.M | re.DOTALL)][1:]
RUBRICS = [fragment for fragment in SHOWN if "[[exercise.concept]]" in fragment]
FRAGMENTS = [fragment for fragment in SHOWN if fragment not in RUBRICS]


@pytest.mark.parametrize("fragment", [each for each in FRAGMENTS if "[[exercise]]" not in each])
def test_a_fragment_of_the_manual_is_accepted_in_an_exercise(tmp_path: Path, fragment: str) -> None:
    """Pasted into the worked example, it says what the manual says it does."""
    spec = fenced("toml")[0].replace('conv_bias = "forbidden"\n', fragment)
    (tmp_path / "assignment.toml").write_text(spec, encoding="utf-8")
    given = tomllib.loads(fragment)
    exercise = load_assignment(tmp_path).exercises[0]
    assert given == {key: getattr(exercise, key) for key in given}


@pytest.mark.parametrize("fragment", [each for each in FRAGMENTS if "[[exercise]]" in each])
def test_an_exercise_of_the_manual_is_accepted_in_an_assignment(tmp_path: Path, fragment: str) -> None:
    """Pasted below the worked example, it is one exercise more."""
    (tmp_path / "assignment.toml").write_text(fenced("toml")[0] + fragment, encoding="utf-8")
    exercises = load_assignment(tmp_path).exercises
    assert [each["id"] for each in tomllib.loads(fragment)["exercise"]] == [each.id for each in exercises[2:]]


@pytest.mark.parametrize("rubric", RUBRICS)
def test_a_rubric_of_the_manual_is_accepted_in_the_written_answer(tmp_path: Path, rubric: str) -> None:
    """Pasted below the worked example, whose last exercise is the written answer."""
    (tmp_path / "assignment.toml").write_text(f"{fenced('toml')[0]}\n{rubric}", encoding="utf-8")
    essay = load_assignment(tmp_path).exercises[-1]
    assert isinstance(essay, EssayExercise)
    assert [concept["id"] for concept in tomllib.loads(rubric)["exercise"]["concept"]] == [
        concept.id for concept in essay.concepts
    ]


@pytest.mark.parametrize(
    "model",
    [
        *(
            Assignment,
            Hints,
            Limits,
            Release,
            ModuleExercise,
            NetworkExercise,
            FunctionExercise,
            FunctionCase,
            Drawn,
            KnownFault,
        ),
        *(ExperimentExercise, Series, Claim, Bound),
        *(EssayExercise, Case, Concept, Misconception, ChoiceExercise, Option, PredictExercise, WrongValue),
    ],
    ids=lambda m: m.__name__,
)
def test_the_manual_names_every_key(model: type[BaseModel]) -> None:
    """A key that the spec has and the manual does not would never be found."""
    keys = {field.alias or name for name, field in model.model_fields.items() if not field.exclude}
    assert [key for key in sorted(keys) if f"`{key}`" not in MANUAL] == []


def test_the_manual_shows_a_message_as_it_is(tmp_path: Path) -> None:
    """The message quoted in the manual is the one that the example with this slip gives."""
    spec = fenced("toml")[0].replace('name = "PreActBlock"', 'name = "PreActBlock"\nnmae = "PreActBlock"')
    assert f"preact/assignment.toml: {refusal(tmp_path, spec)}\n" in MANUAL
