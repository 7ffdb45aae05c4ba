"""Where the grader itself fails, that stays with the exercise, and costs nobody points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from walls import grading

from grader import exercise as judging
from grader import pipeline
from grader.pipeline import Grader
from grader.row import row_of
from grader.submission import HandIn
from grader.verdict import ExerciseReport, Status, SubmissionStatus

EXAMPLES = Path(__file__).parents[1] / "assignments" / "residual-blocks" / "examples"


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with grading(assignment="residual-blocks") as grader:
        yield grader


def failing(function: Callable[..., object], position: int) -> Callable[..., object]:
    """A function that fails where it is given the residual block's exercise."""

    def fail(*arguments: object, **named: object) -> object:
        given = arguments[position]
        if given.exercise.id == "resblock":  # type: ignore[attr-defined]
            raise IndexError("nothing there")
        return function(*arguments, **named)

    return fail


def graded(grader: Grader, example: str) -> tuple[dict[str, ExerciseReport], bool]:
    """The reports on its exercises, and whether the run says that the grader failed on it."""
    report = grader.grade(HandIn("student", f"{example}.ipynb", EXAMPLES / f"{example}.ipynb"))[0]
    assert SubmissionStatus.GRADED is report.status
    return {each.id: each for each in report.exercises}, row_of(report).broke


@pytest.mark.parametrize(
    ("module", "name", "position"), [(pipeline, "look_at", 1), (pipeline, "judge", 0), (judging, "judge_exercise", 0)]
)
def test_an_exercise_on_which_the_grader_fails_is_pending_alone(
    grader: Grader, module: object, name: str, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is the network, which is made of it; the other exercises are graded."""
    monkeypatch.setattr(module, name, failing(getattr(module, name), position))
    found, broke = graded(grader, "right-plain")
    for exercise in ("resblock", "network"):
        assert found[exercise].max_score == found[exercise].pending
        assert {Status.GRADER_BROKE} == {check.status for check in found[exercise].checks}
    assert all("IndexError: nothing there" in check.message for check in found["resblock"].checks)
    assert all("failed on resblock" in check.message for check in found["network"].checks)
    assert found["bottleneck"].correct
    assert found["bottleneck"].score == found["bottleneck"].max_score
    assert broke


def test_where_the_search_for_a_cause_fails_what_failed_is_pending(
    grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cause would have cost once; what passed has passed."""
    monkeypatch.setattr(judging, "diagnose", failing(judging.diagnose, 0))
    found, broke = graded(grader, "wrong-multiplied")
    assert broke
    block = found["resblock"]
    assert ["passed", "passed", "grader_broke", "grader_broke"] == [str(check.status) for check in block.checks]
    assert block.max_score == block.score + block.pending
    assert "under equal weights" in block.checks[2].message
    assert found["network"].max_score == found["network"].pending


def test_what_is_no_fault_of_the_grader_is_as_before(grader: Grader) -> None:
    """The same hand-in, graded without anything that fails."""
    found, broke = graded(grader, "wrong-multiplied")
    assert not broke
    assert 0 == found["resblock"].pending
