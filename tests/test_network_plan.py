"""A network exercise may say which stages it wants, by a reference network."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging import block_judge, examine_source, find_exercise, residual_blocks
from networks import resnet

from grader.assignment import NetworkExercise
from grader.errors import AssignmentError
from grader.exercise import judge_exercise
from grader.judge.plan import Stage, planned_stages
from grader.verdict import ExerciseReport, Status


def planned(reference: str) -> NetworkExercise:
    """The shipped exercise, with a plan."""
    exercise = find_exercise("network")[1]
    assert isinstance(exercise, NetworkExercise)
    return exercise.model_copy(update={"id": f"planned {reference}", "reference": reference})


def judge(source: str) -> ExerciseReport:
    """The report on a network that is to have three stages of two blocks, with 16, 32 and 64 channels."""
    examined = examine_source(source, planned("network:build_network"), None)
    return judge_exercise(examined, block_judge())


def failed(report: ExerciseReport) -> dict[str, str]:
    return {check.id: check.message for check in report.checks if check.status is not Status.PASSED}


def test_the_plan_is_read_off_the_reference() -> None:
    """Channels and size of the maps, and how many blocks there are."""
    exercise = planned("network:build_network")
    expected = [Stage((16, 32, 32), 2), Stage((32, 16, 16), 2), Stage((64, 8, 8), 2)]
    assert expected == planned_stages(residual_blocks(), exercise, exercise.cases[0])
    free = exercise.model_copy(update={"reference": None})
    assert [] == planned_stages(residual_blocks(), free, free.cases[0])


def test_a_network_as_planned_gets_everything() -> None:
    """Whatever its modules are called."""
    report = judge(resnet({}, width=16, blocks=(2, 2, 2)))
    assert {} == failed(report)


def test_a_network_of_another_depth_is_told_by_stage() -> None:
    """One block too many in the second stage."""
    report = judge(resnet({}, width=16, blocks=(2, 3, 2)))
    assert ["skip-connection"] == list(failed(report))
    assert (
        "7 residual blocks found, expected 6: in the stages 2, 3, 2 instead of 2, 2, 2"
        in failed(report)["skip-connection"]
    )
    assert ["wrong-depth"] == [diagnosis.mistake for diagnosis in report.diagnoses]


def test_a_network_of_other_widths_has_other_stages() -> None:
    """The number of blocks is right, the maps are not."""
    report = judge(resnet({}, width=8, blocks=(2, 2, 2)))
    assert ["shape"] == list(failed(report))
    assert "8×32×32, 16×16×16, 32×8×8; expected 16×32×32, 32×16×16, 64×8×8" in failed(report)["shape"]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("padding=1, bias=False", "as many as convolutions in front of a batch norm have biases."),
        ("nn.Linear(channels, num_classes)", "16 more."),
    ],
)
def test_a_network_of_another_size_is_told_why(made: str, message: str) -> None:
    """Biases that a batch norm cancels are named where they are all that is too much."""
    other = {
        "padding=1, bias=False": "padding=1, bias=True",
        "nn.Linear(channels, num_classes)": "nn.Linear(channels, num_classes)\n        self.more = nn.BatchNorm2d(8)",
    }[made]
    exercise = planned("network:build_network").model_copy(update={"id": f"exact {made}", "exact_parameters": True})
    examined = examine_source(resnet({}, width=16, blocks=(2, 2, 2)).replace(made, other), exercise, None)
    assert message in failed(judge_exercise(examined, block_judge()))["parameters"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("network:build_nothing", "raises AttributeError"),
        ("nowhere:build_network", "there is no nowhere.py"),
        ("residual:ResBlock", "raises TypeError"),
        ("flat:build_network", "no residual blocks are found in it"),
    ],
)
def test_a_reference_that_is_no_plan_is_refused(tmp_path: Path, reference: str, message: str) -> None:
    """The message names the file, the exercise, and what is wrong."""
    (tmp_path / "flat.py").write_text(
        "from torch import nn\n\n\ndef build_network(num_classes):\n"
        "    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes)\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), *head)\n"
    )
    assignment = residual_blocks().model_copy(update={"folder": tmp_path})
    exercise = planned(reference)
    with pytest.raises(AssignmentError, match="exercise planned") as caught:
        planned_stages(assignment, exercise, exercise.cases[0])
    assert message in str(caught.value)
