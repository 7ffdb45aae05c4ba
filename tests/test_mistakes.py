"""Every known mistake carries sources that show it: they must be called wrong, and the mistake must be named.

Of each mistake the first two are judged, in the families the first; `GRADER_PROGRAMS` set to anything judges all.
"""

from __future__ import annotations

import os

import pytest
from judging import families, judge, options

from grader.mistakes import mistakes
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK
from grader.mistakes.chain import PLAIN
from grader.mistakes.dense import DENSE
from grader.mistakes.network import NETWORK, PLANNED
from grader.verdict import Proof

FAMILIES = {exercise.id for exercise in families().code_exercises}


def exercise_of(source: str) -> str:
    """The exercise that a source is about."""
    if "def build_network" in source:
        return "network"
    if "def averaged_network" in source:
        return "averaged-network"
    if "def planned_network" in source:
        return "planned-network"
    if "def plain(" in source:
        return "plain"
    if "class DenseLayer" in source:
        return "dense-layer"
    for exercise in families().code_exercises:
        if f"class {exercise.name}(" in source:
            return exercise.id
    named = (exercise.id for exercise in options().code_exercises if f"class {exercise.name}(" in source)
    return next(named, "bottleneck" if "class Bottleneck" in source else "resblock")


BROKEN = [
    pytest.param(mistake.id, source, id=f"{mistake.id}-{number}")
    for mistake in mistakes().values()
    for number, source in enumerate(mistake.broken)
    if number < (1 if exercise_of(source) in FAMILIES else 2) or "GRADER_PROGRAMS" in os.environ
]


@pytest.mark.parametrize("source", [RESBLOCK, BOTTLENECK, NETWORK, PLANNED, DENSE, PLAIN])
def test_the_sources_that_mistakes_change_are_right(source: str) -> None:
    """A mistake is a change to something right."""
    report = judge(source, exercise_of(source))
    assert [] == [check.message for check in report.checks if check.status != "passed"]
    assert report.correct
    assert [] == report.diagnoses


@pytest.mark.parametrize(("mistake", "source"), BROKEN)
def test_a_planted_mistake_is_wrong_and_named(mistake: str, source: str) -> None:
    """No wrong answer passes, and the cause is named first or as one that explains the behaviour equally."""
    report = judge(source, exercise_of(source))
    assert not report.correct
    assert report.score < report.max_score
    named = [diagnosis.mistake for diagnosis in report.diagnoses]
    said = " ".join(diagnosis.message for diagnosis in report.diagnoses)
    assert mistake in named or f"{mistake}" in said, (named, said, [c.message for c in report.checks])


# In these every convolution but the gate's is normalised.
NORMALISED = {"resblock", "bottleneck", "resnext", "se", "se-bottleneck", "res2net"}
WITH_BIASES = [
    pytest.param(mistake.id, source.replace("bias=False", "bias=True"), id=mistake.id)
    for mistake in mistakes().values()
    for source in mistake.broken[:1]
    if "bias=False" in source and exercise_of(source) in NORMALISED and "bias" not in mistake.id
]


@pytest.mark.parametrize(("mistake", "source"), WITH_BIASES)
def test_a_planted_mistake_is_named_beside_biases_that_norms_cancel(mistake: str, source: str) -> None:
    """Redundant biases are free, and what a mistake makes anew has them as well."""
    assert mistake in [each.mistake for each in judge(source, exercise_of(source)).diagnoses]


def test_every_mistake_has_sources_and_words() -> None:
    """A member without proof of its own does not count."""
    for mistake in mistakes().values():
        assert mistake.broken, mistake.id
        assert mistake.message.endswith("."), mistake.id


def test_a_replayed_mistake_points_at_the_students_line() -> None:
    """The addition that multiplies is pointed at."""
    source = RESBLOCK.replace("F.relu(out + identity)", "F.relu(out * identity)")
    report = judge(source, "resblock")
    diagnosis = report.diagnoses[0]
    assert diagnosis.proof is Proof.REPLAYED
    assert "out * identity" in source.splitlines()[(diagnosis.line or 0) - 1]
