"""The examples of the assignment that is all words, graded behind the real wall: each gets its expected verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from walls import wall

from grader.assignment import EssayExercise, Limits, find_assignment
from grader.pipeline import Grader, Settings
from grader.submission import find
from grader.verdict import Proof, Report

ASSIGNMENT = find_assignment("residual-ideas")
EXAMPLES = ASSIGNMENT.folder / "examples"
NAMES = sorted(path.name.removesuffix(".expected.json") for path in EXAMPLES.glob("*.expected.json"))


@pytest.fixture(scope="module")
def reports() -> Iterator[dict[str, Report]]:
    """Every example's report, by its name."""
    settings = Settings(wall(), "cpu", 0, Limits())
    with Grader(ASSIGNMENT, settings) as grader, find([EXAMPLES]) as hand_ins:
        grader.prepare()
        yield {hand_in.student: grader.grade(hand_in)[0] for hand_in in hand_ins}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_gets_its_expected_verdicts(reports: dict[str, Report], name: str) -> None:
    """What is credited, what is left to a human, and which misconceptions are named: exactly."""
    expected: dict[str, Any] = json.loads((EXAMPLES / f"{name}.expected.json").read_text("utf-8"))
    report = reports[name]
    assert expected["status"] == report.status, report.message
    for exercise in report.exercises:
        wanted = expected["exercises"][exercise.id]
        assert wanted["checks"] == {check.id: check.status for check in exercise.checks}, exercise.checks
        assert wanted["correct"] == exercise.correct
        assert wanted["mistakes"] == [diagnosis.mistake for diagnosis in exercise.diagnoses]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_loses_a_point(reports: dict[str, Report], name: str) -> None:
    """What is not proposed is pending, and a misconception is a hint."""
    report = reports[name]
    assert 100.0 == report.percent
    assert report.max_score == report.score + report.pending
    proofs = {diagnosis.proof for exercise in report.exercises for diagnosis in exercise.diagnoses}
    assert proofs <= {Proof.REPORTED}


def test_every_question_has_its_marked_cell_in_the_starter() -> None:
    starter = nbformat.read(ASSIGNMENT.folder / "starter.ipynb", as_version=4)
    assert starter.metadata["grader"] == {"assignment": ASSIGNMENT.id}
    marked = [cell for cell in starter.cells if "grader" in cell.metadata]
    assert [exercise.id for exercise in ASSIGNMENT.exercises] == [cell.metadata["grader"]["answer"] for cell in marked]
    assert all(cell.source.endswith("*Your answer here*") for cell in marked)


def test_the_same_question_has_the_same_rubric_in_both_assignments() -> None:
    """`residual-blocks` asks the third of these questions."""
    essays = [
        next(e for e in find_assignment(name).exercises if isinstance(e, EssayExercise) and "Bottleneck" in e.title)
        for name in ("residual-blocks", "residual-ideas")
    ]
    assert essays[0].concepts == essays[1].concepts
    assert essays[0].misconceptions == essays[1].misconceptions
    assert essays[0].words == essays[1].words
