"""The shipped examples, graded behind the real wall: each gets the verdicts that stand beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from walls import grading

from grader.assignment import EssayExercise, shipped_assignments
from grader.pipeline import Grader
from grader.submission import HandIn, find
from grader.verdict import Report, SubmissionStatus

EXAMPLES = shipped_assignments()["residual-blocks"] / "examples"
# Every example of every shipped assignment, as (assignment, name).
NAMES = [
    (assignment, path.name.removesuffix(".expected.json"))
    for assignment, folder in shipped_assignments().items()
    for path in sorted((folder / "examples").glob("*.expected.json"))
]
RIGHT = [(assignment, name) for assignment, name in NAMES if name.startswith("right")]
LARGE = ("cifar-resnet", "degradation", "resnet")  # seconds each: a right one and a wrong one are tried every time


def tried(examples: list[tuple[str, str]]) -> list[Any]:
    """As parameters; of the large assignments all but the first of each kind are slow."""
    seen: set[tuple[str, str]] = set()
    found: list[Any] = []
    for assignment, name in examples:
        kind = (assignment, name.split("-")[0])
        slow = assignment in LARGE and kind in seen
        seen.add(kind)
        found.append(pytest.param(assignment, name, marks=[pytest.mark.slow] if slow else []))
    return found


@dataclass(frozen=True)
class Graded:
    """One slot's grader of an assignment, on the strongest wall there is, and the assignment's examples by name."""

    grader: Grader
    hand_ins: dict[str, HandIn]
    reports: dict[str, Report] = field(default_factory=dict)

    def report(self, name: str) -> Report:
        """Of one example; kept."""
        if name not in self.reports:
            self.reports[name] = self.grader.grade(self.hand_ins[name])[0]
        return self.reports[name]


@pytest.fixture(scope="module")
def graders() -> Iterator[Callable[[str], Graded]]:
    """The graders of the shipped assignments, each started when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def of(assignment: str) -> Graded:
            grader = stack.enter_context(grading(assignment=assignment))
            found = stack.enter_context(find([shipped_assignments()[assignment] / "examples"]))
            return Graded(grader, {hand_in.student: hand_in for hand_in in found})

        yield of


@pytest.fixture
def grader(graders: Callable[[str], Graded]) -> Grader:
    return graders("residual-blocks").grader


@pytest.fixture
def hand_ins(graders: Callable[[str], Graded]) -> dict[str, HandIn]:
    return graders("residual-blocks").hand_ins


def grade_source(grader: Grader, folder: Path, source: str) -> Report:
    """The report on a script with this source."""
    path = folder / "student.py"
    path.write_text(source, encoding="utf-8")
    return grader.grade(HandIn("student", "student.py", path))[0]


def test_every_shipped_assignment_has_examples() -> None:
    """Right ones and wrong ones, or nobody knows what it grades like."""
    for assignment in shipped_assignments():
        kinds = {name.split("-")[0] for other, name in NAMES if other == assignment}
        assert {"right", "wrong"} <= kinds, assignment


@pytest.mark.parametrize(("assignment", "name"), tried(NAMES))
def test_an_example_gets_its_expected_verdicts(graders: Callable[[str], Graded], assignment: str, name: str) -> None:
    """Right answers are never accused, wrong ones never pass, and the true cause is named."""
    folder = shipped_assignments()[assignment] / "examples"
    expected: dict[str, Any] = json.loads((folder / f"{name}.expected.json").read_text("utf-8"))
    given = graders(assignment)
    report = given.report(name)
    assert expected["status"] == report.status, report.message
    exercises = {exercise.id: exercise for exercise in report.exercises}
    for exercise_id, wanted in expected["exercises"].items():
        exercise = exercises[exercise_id]
        statuses = {check.id: check.status for check in exercise.checks}
        for check_id, status in wanted.get("checks", {}).items():
            assert statuses[check_id] in ([status] if isinstance(status, str) else status), (exercise_id, check_id)
        assert wanted["correct"] == exercise.correct, exercise_id
        assert set(wanted.get("mistakes", [])) <= {diagnosis.mistake for diagnosis in exercise.diagnoses}


@pytest.mark.parametrize(("assignment", "name"), tried(RIGHT))
def test_a_right_example_gets_all_points_that_are_decided(
    graders: Callable[[str], Graded], assignment: str, name: str
) -> None:
    """Only written answers are left: for what was read in them points are proposed, the rest is pending."""
    given = graders(assignment)
    report = given.report(name)
    spec = given.grader.assignment
    essays = sum(exercise.max_score for exercise in spec.exercises if isinstance(exercise, EssayExercise))
    assert 100.0 == report.percent
    assert report.pending <= essays
    assert spec.max_score == report.score + report.pending


def test_the_same_submission_gives_the_same_report(grader: Grader, hand_ins: dict[str, HandIn]) -> None:
    """Nothing in a report depends on time, chance, or who was graded before."""
    first, _ = grader.grade(hand_ins["wrong-detached"])
    grader.grade(hand_ins["right-cuda"])
    assert first == grader.grade(hand_ins["wrong-detached"])[0]


BLOCK = """
import os, time
import torch
from torch import nn


class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1)

    def forward(self, x):
        {does}
        return self.conv(x)
"""


@pytest.mark.parametrize(
    ("does", "statuses"),
    [
        ("os._exit(0)", {SubmissionStatus.CRASHED}),
        ("time.sleep(1000)", {SubmissionStatus.TIMED_OUT}),
        # The kernel refuses it at once: an exception like any other.
        ("x = torch.ones(2**40)", {SubmissionStatus.GRADED}),
        # Which limit is met first depends on how fast the machine fills memory.
        (
            "x = [bytearray(2**26) for _ in range(4000)]",
            {SubmissionStatus.GRADED, SubmissionStatus.OUT_OF_MEMORY, SubmissionStatus.TIMED_OUT},
        ),
    ],
)
def test_a_process_that_ends_costs_only_its_exercise(
    grader: Grader,
    hand_ins: dict[str, HandIn],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    does: str,
    statuses: set[SubmissionStatus],
) -> None:
    """What else is in the notebook is graded in a new process, and the next submission is graded as ever."""
    monkeypatch.setattr("grader.observing.CALL_SECONDS", 2.0)
    right = (EXAMPLES / "right-script.py").read_text("utf-8")
    renamed = right.replace("class ResBlock", "class _Base").replace("(ResBlock)", "(_Base)")
    report = grade_source(grader, tmp_path, renamed.replace("super(ResBlock", "super(_Base") + BLOCK.format(does=does))
    assert report.status in statuses, report.message
    exercises = {exercise.id: exercise for exercise in report.exercises}
    assert not exercises["resblock"].correct
    assert exercises["bottleneck"].correct, [check.message for check in exercises["bottleneck"].checks]
    assert 100.0 == grader.grade(hand_ins["right-plain"])[0].percent


def test_cells_that_end_the_process_leave_nothing_to_grade(grader: Grader, tmp_path: Path) -> None:
    """A definition that kills the process: every check says that it was not measured."""
    report = grade_source(grader, tmp_path, "import os\n\n\nclass ResBlock:\n    os._exit(3)\n")
    assert SubmissionStatus.CRASHED == report.status
    assert 0.0 == report.score
    assert "exit status 3" in report.message
