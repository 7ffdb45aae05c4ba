"""Inputs far from the declared size are asked where the reference takes them, and where the student's module does."""

from __future__ import annotations

import pytest
from judging import judge_against

from grader.assignment import ModuleExercise, load_assignment
from grader.judge.examined import RightAnswers
from grader.judge.reference import Reference

SPEC = """
id = "halves"
title = "Halves"

[[exercise]]
id = "half"
kind = "module"
title = "Half"
task = "Write Half(channels): a convolution, and the mean of every 2×2 pixels."
name = "Half"
reference = "right:Half"
points = { shape = 1, parameters = 1, gradient = 1 }
case = [{ title = "four", arguments = { channels = 4 }, input = [4, 8, 8] }]
"""
HALF = """
import torch
from torch import nn
import torch.nn.functional as F


class Half(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return F.avg_pool2d(self.conv(x), 2)
"""
POOLED = "F.avg_pool2d(self.conv(x), 2)"
ANYWHERE = "F.avg_pool2d(self.conv(x), 2) if x.shape[-1] > 1 else self.conv(x)"
SMALL_ONLY = "F.avg_pool2d(self.conv(x), 2) if x.shape[-1] < 30 else F.max_pool2d(self.conv(x), 2)"
REFUSES = "F.avg_pool2d(self.conv(x), 2) if x.shape[-1] < 30 else self.conv(x.reshape(1, 1, 1, 1))"


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModuleExercise, RightAnswers]:
    folder = tmp_path_factory.mktemp("halves")
    (folder / "right.py").write_text(HALF)
    (folder / "assignment.toml").write_text(SPEC)
    assignment = load_assignment(folder)
    (exercise,) = assignment.exercises
    assert isinstance(exercise, ModuleExercise)
    return exercise, RightAnswers(Reference(assignment, exercise), seed=0, device="cpu")


@pytest.mark.parametrize(
    ("body", "correct"), [(POOLED, True), (ANYWHERE, True), (REFUSES, True), (SMALL_ONLY, False)]
)  # fmt: skip
def test_what_nobody_asked_for_is_not_held_against_it(
    half: tuple[ModuleExercise, RightAnswers], body: str, correct: bool
) -> None:
    """The reference takes no map of one pixel, and a module may refuse a large one; but none may compute another
    thing there."""
    report = judge_against(HALF.replace(POOLED, body), *half)
    assert correct == report.correct, [check.message for check in report.checks]
