"""The relatives of the residual block, in many hands: right ones get full marks, wrong ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest
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
