"""The relatives of the residual block, in many hands: right ones get full marks, wrong ones do not."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from family_programs import RIGHT
from judging import families, judge, judge_against, shipped

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


NOTHING = """
import torch.nn.functional as F
from torch import nn


class PaddedBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.stride, self.more = stride, out_channels - in_channels

    def forward(self, x):
        return F.relu(F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more)))
"""


def test_a_block_without_parameters_is_judged() -> None:
    """There is no gradient to compare where its input needs none."""
    report = judge(NOTHING, "padded")
    assert not report.correct
    assert "failed" == next(check.status for check in report.checks if check.id == "parameters")


PATHS = """
import torch
import torch.nn.functional as F
from torch import nn


class ResNeXtBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, cardinality=32):
        super().__init__()
        d = out_channels // 2 // cardinality
        self.paths = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(in_channels, d, 1, bias=FIRST), nn.BatchNorm2d(d), nn.ReLU(),
                nn.Conv2d(d, d, 3, stride, 1, bias=SECOND), nn.BatchNorm2d(d), nn.ReLU(),
                nn.Conv2d(d, out_channels, 1, bias=THIRD),
            )
            for _ in range(cardinality)
        )
        self.last = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        return F.relu(self.last(SUM) + self.shortcut(x))
"""


@pytest.mark.parametrize(
    "total", ["sum(path(x) for path in self.paths)", "torch.stack([path(x) for path in self.paths]).sum(0)"]
)
@pytest.mark.parametrize("biased", ["FIRST", "SECOND", "THIRD"])
def test_paths_may_have_redundant_biases(total: str, biased: str) -> None:
    """Figure 3(a) of the paper: thirty-two paths that are summed into one batch norm."""
    source = PATHS.replace("SUM", total).replace(biased, "True")
    for name in ("FIRST", "SECOND", "THIRD"):
        source = source.replace(name, "False")
    exercise, answers = shipped("resnext", "resnext")
    small = exercise.model_copy(update={"cases": exercise.cases[:2]})
    report = judge_against(source, small, answers)
    assert [] == [check.message for check in report.checks if check.status != "passed"]


# Each of the three convolutions whole, or written out for each path.
MIXED = """
import torch
from torch import nn
import torch.nn.functional as F


def several(number, make):
    return nn.ModuleList(make() for _ in range(number))


class ResNeXtBlock(nn.Module):
    def __init__(self, i, o, s=1, cardinality=32):
        super().__init__()
        w, g = o // 2, cardinality
        f, m, l = FIRST and g or 1, MIDDLE and g or 1, LAST and g or 1
        fn, mn = FIRST == 2 and g or 1, MIDDLE == 2 and g or 1
        self.c1 = several(f, lambda: nn.Conv2d(i, w // f, 1, bias=False))
        self.n1 = several(fn, lambda: nn.BatchNorm2d(w // fn))
        self.c2 = several(m, lambda: nn.Conv2d(w // m, w // m, 3, s, 1, groups=g // m, bias=False))
        self.n2 = several(mn, lambda: nn.BatchNorm2d(w // mn))
        self.c3 = several(l, lambda: nn.Conv2d(w // l, o, 1, bias=False))
        self.n3 = nn.BatchNorm2d(o)
        self.down = nn.Sequential()
        if s != 1 or i != o:
            self.down = nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o))

    def each(self, layers, x):
        return torch.cat([layer(part) for layer, part in zip(layers, x.chunk(len(layers), 1))], 1)

    def forward(self, x):
        y = torch.cat([c(x) for c in self.c1], 1)
        y = F.relu(self.each(self.n1, y))
        y = F.relu(self.each(self.n2, self.each(self.c2, y)))
        y = self.n3(sum(c(part) for c, part in zip(self.c3, y.chunk(len(self.c3), 1))))
        return F.relu(y + self.down(x))
"""


def mixed(first: int, middle: int, last: int) -> str:
    """Each is 1 where that convolution is written out, 2 where the norm behind it is as well."""
    return MIXED.replace("FIRST", str(first)).replace("MIDDLE", str(middle)).replace("LAST", str(last))


@pytest.mark.verdict
@pytest.mark.parametrize("parts", list(product(range(3), range(3), range(2))), ids=str)
def test_paths_of_resnext_may_be_written_out_in_any_part(parts: tuple[int, int, int]) -> None:
    """Not only as one of the figures of the paper has it: each of its convolutions by itself."""
    report = judge_against(mixed(*parts), *shipped("resnext", "resnext"))
    assert [] == [check.message for check in report.checks if check.status != "passed"]


def test_a_shortcut_is_missed_beside_paths_that_are_written_out() -> None:
    """All of them, norms too: right where the shortcut is there."""
    source = mixed(2, 2, 1).replace("y + self.down(x)", "y")
    report = judge_against(source, *shipped("resnext", "resnext"))
    assert ["shortcut-missing"] == [diagnosis.mistake for diagnosis in report.diagnoses]


# Figure 3(a) of ResNeXt with a norm of its own in every path, behind its layers of one width.
IN_PATHS = """
import torch
from torch import nn
import torch.nn.functional as F


class Path(nn.Module):
    def __init__(self, into, width, out, stride):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(into, width, 1, bias=False), NORM, nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), NORM, nn.ReLU(),
            nn.Conv2d(width, out, 1, bias=False),
        )

    def forward(self, x):
        return self.layers(x)


class ResNeXtBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, cardinality=32):
        super().__init__()
        width = out_channels // 2 // cardinality
        self.paths = nn.ModuleList(Path(in_channels, width, out_channels, stride) for _ in range(cardinality))
        self.norm = nn.BatchNorm2d(out_channels)
        self.down = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            layers = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            self.down = nn.Sequential(*layers)

    def forward(self, x):
        return F.relu(self.norm(sum(path(x) for path in self.paths)) + self.down(x))
"""
NORMS = {
    "nn.BatchNorm2d(width)": [],
    "nn.InstanceNorm2d(width)": ["wrong-normalisation"],
    "nn.GroupNorm(1, width)": ["wrong-normalisation"],
    "nn.GroupNorm(width, width)": ["wrong-normalisation"],
}


@pytest.mark.parametrize("norm", NORMS)
def test_another_norm_in_every_path_is_named(norm: str) -> None:
    """In as many paths as there are; none of it waits for a human."""
    report = judge_against(IN_PATHS.replace("NORM", norm), *shipped("resnext", "resnext"))
    assert NORMS[norm] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert report.pending == 0
