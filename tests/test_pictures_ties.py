"""Like layers side by side are exchanged until most values agree, before it is said where a module first differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging import examine_source

from grader.assignment import ModuleExercise, load_assignment
from grader.exercise import judge_exercise
from grader.illustrate import illustrate
from grader.judge.examined import Examined, RightAnswers
from grader.judge.reference import Reference

SPEC = """
id = "gated"
title = "Gated"
[[exercise]]
id = "gated"
kind = "module"
title = "Gated"
name = "Gated"
reference = "gated:Gated"
points = { gradient = 1, skip-connection = 1 }
case = [{ title = "small", arguments = { width = 6, hidden = 10 }, input = [6] }]
"""
GATED = """
from torch import nn
import torch.nn.functional as F

class Gated(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.a = nn.Linear(width, hidden, bias=False)
        self.b = nn.Linear(width, hidden, bias=False)
        self.c = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return x + self.c(F.silu(self.a(x)) * self.b(x))
"""


@pytest.fixture
def examined(tmp_path: Path) -> Examined:
    """A block with two like layers side by side, whose shortcut is missing."""
    (tmp_path / "gated").mkdir()
    (tmp_path / "gated" / "assignment.toml").write_text(SPEC)
    (tmp_path / "gated" / "gated.py").write_text(GATED)
    assignment = load_assignment(tmp_path / "gated")
    exercise = assignment.exercises[0]
    assert isinstance(exercise, ModuleExercise)
    answers = RightAnswers(Reference(assignment, exercise), 0, "cpu")
    return examine_source(GATED.replace("return x + ", "return "), exercise, answers)


def test_what_agrees_is_not_the_first_difference(examined: Examined) -> None:
    """Everything that this block computes is right, and so is everything that is drawn of it: what is missing is the
    sum."""
    report = judge_exercise(examined)
    assert "shortcut-missing" == report.diagnoses[0].mistake
    assert "does not compute" not in "".join(check.message for check in report.checks)
    pictures = illustrate(examined, report.checks)
    assert pictures is not None
    block = pictures.block
    assert block is not None
    assert block.reference is not None
    assert block.first is not None
    assert block.first.missing is not None
    assert "add" == block.reference.steps[block.first.missing].says
