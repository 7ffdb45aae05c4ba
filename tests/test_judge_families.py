"""The relatives of the residual block, in many hands: right ones get full marks, wrong ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from family_programs import RIGHT
from judging import families, judge

from grader.assignment import ModuleExercise

REFERENCES = Path(__file__).parents[1] / "reference"
EXERCISES = [exercise for exercise in families().exercises if isinstance(exercise, ModuleExercise)]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_the_reference_itself_is_right(exercise: ModuleExercise) -> None:
    """Handed in as a student's work, it gets full marks."""
    file = exercise.reference.split(":")[0]
    report = judge((REFERENCES / f"{file}.py").read_text(), exercise.id)
    assert report.correct, [check.message for check in report.checks]
    assert report.max_score == report.score


@pytest.mark.parametrize(
    ("exercise", "source"),
    [pytest.param(e, source, id=f"{e}: {hand}") for e, hands in RIGHT.items() for hand, source in hands.items()],
)
def test_a_right_block_is_right_in_every_hand(exercise: str, source: str) -> None:
    """Names, order, nesting, functions or modules, 1×1 or linear, chunks or slices: none of it matters."""
    report = judge(source, exercise)
    assert [] == [check.message for check in report.checks if check.status != "passed"]
    assert report.correct
