"""Every known mistake can be tried on every right answer, whatever its dimensions are: none may stop the grader."""

from __future__ import annotations

import logging
from functools import cache

import pytest
from judging import judge_against, shipped
from subjects import POINTS, answers_to

from grader.assignment import ModuleExercise, find_assignment, shipped_assignments
from grader.judge.examined import RightAnswers
from grader.mistakes import known_steps
from grader.mistakes._mistake import changed
from grader.verdict import Proof

BLOCK = """
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            projection = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(out_channels))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))
"""
OF_VECTORS = """
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.first, self.second = nn.Linear(in_channels, out_channels), nn.Linear(out_channels, out_channels)
        self.norm1, self.norm2 = nn.BatchNorm1d(out_channels), nn.BatchNorm1d(out_channels)
        projected = in_channels != out_channels
        self.shortcut = nn.Linear(in_channels, out_channels) if projected else nn.Identity()

    def forward(self, x):
        out = F.relu(self.norm1(self.first(x)))
        return F.relu(self.norm2(self.second(out)) + self.shortcut(x))
"""
SIZES = {"0d": [], "1d": [9], "2d": [7, 7], "3d": [5, 5, 5]}
CHANNELS = [(4, 4, 1), (4, 8, 2), (4, 6, 1)]
SUM = "F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))"
SECOND = "nn.Conv2d(out_channels, out_channels, 3, padding=1"
WRONG = {
    "projection-ignores-stride": ("1, stride=stride", "1"),
    "final-relu-missing": (SUM, "self.bn2(self.conv2(out)) + self.shortcut(x)"),
    "extra-activation": ("self.bn2(self.conv2(out))", "F.relu(self.bn2(self.conv2(out)))"),
    "wrong-kernel": ("3, stride=stride, padding=1", "5, stride=stride, padding=2"),
    "stride-in-both": (SECOND, SECOND + ", stride=stride"),
    "stride-ignored": ("3, stride=stride", "3"),
    "shortcut-missing": (" + self.shortcut(x)", ""),
    "projection-without-bn": ("(projection, nn.BatchNorm2d(out_channels))", "(projection)"),
    "projection-wrong-kernel": ("1, stride=stride", "3, stride=stride, padding=1"),
    "wrong-padding": (SECOND, SECOND + ', padding_mode="reflect"'),
    "wrong-dilation": (SECOND, SECOND[:-1] + "2, dilation=2"),
    "groups-added": (SECOND, SECOND + ", groups=out_channels"),
    "wrong-normalisation": ("bn2 = nn.BatchNorm2d(out_channels)", "bn2 = nn.GroupNorm(1, out_channels)"),
}


@cache
def answers(dimensions: str) -> RightAnswers:
    """Those of a residual block of images, or of rows, volumes or vectors."""
    source = in_dimensions(BLOCK, dimensions) if SIZES[dimensions] else OF_VECTORS
    cases = [
        {
            "arguments": f"{{ in_channels = {into}, out_channels = {out}, stride = {stride} }}",
            "input": str([into, *SIZES[dimensions]]),
        }
        for into, out, stride in CHANNELS
    ]
    return answers_to(source, "Block", cases, (*POINTS, "skip-connection"))


def in_dimensions(source: str, dimensions: str) -> str:
    return source.replace("2d(", f"{dimensions}(")


def not_tried(answers: RightAnswers, log: pytest.LogCaptureFixture) -> list[str]:
    """Which mistakes could not be tried on these right answers, though nothing said so before."""
    with log.at_level(logging.DEBUG, "grader.judge.parts"):
        for case in answers.reference.exercise.cases[:2]:
            graphs = [form.recorded for form in answers.plain_forms(case)]
            for edit in known_steps(graphs):
                for graph in graphs:
                    edit(graph)
    return [record.getMessage() for record in log.records]


@pytest.mark.parametrize("assignment_id", shipped_assignments())
def test_on_what_ships(assignment_id: str, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake that raises would end the run of the whole class: what is known of mistakes is found before the first
    hand-in is read."""
    for exercise in find_assignment(assignment_id).exercises:
        if isinstance(exercise, ModuleExercise):
            assert not_tried(shipped(assignment_id, exercise.id)[1], caplog) == []


@pytest.mark.parametrize("dimensions", SIZES)
def test_in_other_dimensions(dimensions: str, caplog: pytest.LogCaptureFixture) -> None:
    """Residual blocks of vectors, of rows and of volumes."""
    assert not_tried(answers(dimensions), caplog) == []


@pytest.mark.parametrize("dimensions", ["1d", "3d"])
@pytest.mark.parametrize("mistake", WRONG)
def test_mistakes_of_images_are_found_in_rows_and_volumes(mistake: str, dimensions: str) -> None:
    """What a stride or a padding is does not hang on the number of dimensions."""
    right = answers(dimensions)
    source = in_dimensions(changed(BLOCK, WRONG[mistake]), dimensions)
    report = judge_against(source, right.reference.exercise, right)
    assert (mistake, Proof.REPLAYED) in [(each.mistake, each.proof) for each in report.diagnoses]
    assert not report.correct


@pytest.mark.parametrize("dimensions", SIZES)
def test_right_in_every_dimension(dimensions: str) -> None:
    """The reference itself, and with biases that batch norms take away again."""
    right = answers(dimensions)
    source = in_dimensions(BLOCK, dimensions) if SIZES[dimensions] else OF_VECTORS
    for each in (source, source.replace(", bias=False", "")):
        assert judge_against(each, right.reference.exercise, right).correct
