"""Walls, graders and hand-ins for tests that go through the real thing."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import nbformat
import pytest
from judging import shipped_right
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import Assignment, Limits, find_assignment
from grader.errors import WallError
from grader.pipeline import Grader, Settings
from grader.right import Right
from grader.sandbox import Isolation, Zygote, choose
from grader.submission import find
from grader.verdict import Report

RESBLOCK = """
import torch
from torch import nn

class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False), nn.BatchNorm2d(out_channels),
        )
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        return torch.relu(self.branch(x) + self.shortcut(x))
"""


def wall(kind: str = "auto") -> Isolation:
    """The wall of this kind; the test is skipped where it cannot be built."""
    try:
        return choose(kind)
    except WallError as error:
        pytest.skip(f"this wall cannot be built here: {error}")


@cache
def zygote(isolation: Isolation) -> Zygote:
    """One for all tests that grade behind this wall: a start takes seconds, and every submission gets a fork of it."""
    started = Zygote.start(isolation)
    atexit.register(started.close)
    return started


class SharingGrader(Grader):
    """A grader like any other, but for its zygote and what it compares with, which others use before and after it.

    Args:
        right: what the assignment is compared with; made anew unless it is given.
    """

    def __init__(self, assignment: Assignment, settings: Settings, right: Right | None = None) -> None:
        super().__init__(assignment, settings, zygote(settings.isolation) if assignment.called_exercises else None)
        self._right = right or self._right

    def close(self) -> None:
        """The zygote stays."""


@contextmanager
def grading(
    kind: str = "auto", limits: Limits | None = None, *, diagnose: bool = True, assignment: str = "residual-blocks"
) -> Iterator[Grader]:
    """A grader of a shipped assignment, behind such a wall."""
    settings = Settings(wall(kind), "cpu", 0, limits or Limits(), diagnose=diagnose)
    right = shipped_right(assignment, settings.device)
    with SharingGrader(find_assignment(assignment), settings, right) as grader:
        grader.prepare()
        yield grader


def graded(grader: Grader, folder: Path, *cells: str) -> Report:
    """The report on a notebook of these cells."""
    path = folder / "mine.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)
    with find([path]) as hand_ins:
        return grader.grade(hand_ins[0])[0]
