"""A mistake in code that two exercises run costs once; two that are made alike, each in its own lines, cost twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from handed_in import cell, hand_in, notebook
from walls import graded, grading

from grader.pipeline import Grader
from grader.submission import function_at, read
from grader.verdict import ExerciseReport

pytestmark = pytest.mark.heavy

UNIT = """
import torch
from torch import nn
import torch.nn.functional as F

class Unit(nn.Module):
    def __init__(self, in_channels, out_channels, kernel, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        return self.norm(self.conv(x))

class Residual(nn.Module):
    def join(self, branch, x):
        shortcut = x if self.projection is None else self.projection(x)
        return F.relu(branch + shortcut)
"""
BLOCKS = """
class ResBlock(Residual):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.one = Unit(in_channels, out_channels, 3, stride)
        self.two = Unit(out_channels, out_channels, 3)
        same = stride == 1 and in_channels == out_channels
        self.projection = None if same else Unit(in_channels, out_channels, 1, stride)

    def forward(self, x):
        return self.join(self.two(F.relu(self.one(x))), x)

class Bottleneck(Residual):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        width = out_channels // 4
        self.one = Unit(in_channels, width, 1)
        self.two = Unit(width, width, 3, stride)
        self.three = Unit(width, out_channels, 1)
        same = stride == 1 and in_channels == out_channels
        self.projection = None if same else Unit(in_channels, out_channels, 1, stride)

    def forward(self, x):
        return self.join(self.three(F.relu(self.two(F.relu(self.one(x))))), x)
"""
NETWORKS = """
class CifarBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, residual=True):
        super().__init__()
        self.one = Unit(in_channels, out_channels, 3, stride)
        self.two = Unit(out_channels, out_channels, 3)
        self.stride, self.more, self.residual = stride, out_channels - in_channels, residual

    def forward(self, x):
        out = F.relu(self.one(x))
        out = self.two(out)
        if self.residual:
            shortcut = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.more))
            out = out + shortcut
        return F.relu(out)

class Network(nn.Module):
    def __init__(self, depth, num_classes, residual):
        super().__init__()
        self.stem = Unit(3, 16, 3)
        blocks, channels = [], 16
        for width, stride in (16, 1), (32, 2), (64, 2):
            for number in range((depth - 2) // 6):
                blocks.append(CifarBlock(channels, width, 1 if number else stride, residual))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(64, num_classes)

    def forward(self, x):
        x = self.blocks(F.relu(self.stem(x)))
        return self.head(x.mean((2, 3)))

def cifar_resnet(depth, num_classes=10):
    return Network(depth, num_classes, True)

def plain(depth, num_classes=10):
    return Network(depth, num_classes, False)
"""


@pytest.fixture(scope="module")
def blocks() -> Iterator[Grader]:
    with grading() as ready:
        yield ready


@pytest.fixture(scope="module")
def networks() -> Iterator[Grader]:
    with grading(assignment="cifar-resnet") as ready:
        yield ready


def changed(source: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return source


def reports(grader: Grader, folder: Path, *cells: str) -> dict[str, ExerciseReport]:
    return {each.id: each for each in graded(grader, folder, *cells).exercises}


OWN = """
    def own(self, branch, x):
        shortcut = x if self.projection is None else self.projection(x)
        return branch + shortcut
"""
RELU = ("return F.relu(branch + shortcut)", "return branch + shortcut")


def test_what_is_right_costs_nothing(blocks: Grader, networks: Grader, tmp_path: Path) -> None:
    """So that all else here is told by what was changed."""
    found = reports(blocks, tmp_path, UNIT, BLOCKS)
    assert found["resblock"].correct
    assert found["bottleneck"].correct
    found = reports(networks, tmp_path, UNIT, NETWORKS)
    assert found["cifar-block"].correct
    assert found["network"].correct
    assert found["plain"].correct


@pytest.mark.parametrize(
    ("mistake", "change"),
    [("final-relu-missing", RELU), ("shortcut-missing", ("F.relu(branch + shortcut)", "F.relu(branch)"))],
)
def test_a_mistake_in_what_two_blocks_share_costs_in_the_first(
    blocks: Grader, tmp_path: Path, mistake: str, change: tuple[str, str]
) -> None:
    """It is named in both; the second says where it cost, and its checks have failed all the same."""
    found = reports(blocks, tmp_path, changed(UNIT, change), BLOCKS)
    first, second = found["resblock"], found["bottleneck"]
    assert [mistake] == [each.mistake for each in first.diagnoses] == [each.mistake for each in second.diagnoses]
    assert first.score < first.max_score
    assert second.score == second.max_score
    assert not second.correct
    assert "resblock runs the same code" in second.diagnoses[0].message
    assert "runs the same code" not in first.diagnoses[0].message


def test_a_mistake_that_is_made_twice_costs_twice(blocks: Grader, tmp_path: Path) -> None:
    """Each class has its own last line, and both lack the same."""
    call, instead = "return self.join(", "return self.own("
    source = changed(BLOCKS, (call, instead), (", x)\n\nclass", f", x)\n{OWN}\nclass")) + OWN
    found = reports(blocks, tmp_path, UNIT, source)
    assert ["final-relu-missing"] * 2 == [found[each].diagnoses[0].mistake for each in ("resblock", "bottleneck")]
    assert all(found[each].score < found[each].max_score for each in ("resblock", "bottleneck"))


def test_another_mistake_beside_the_repeated_one_costs(blocks: Grader, tmp_path: Path) -> None:
    branch = ("self.three(F.relu(self.two(F.relu(self.one(x)))))", "self.three(F.relu(self.two(self.one(x))))")
    found = reports(blocks, tmp_path, changed(UNIT, RELU), changed(BLOCKS, branch))["bottleneck"]
    assert {"final-relu-missing", "inner-relu-missing"} == {each.mistake for each in found.diagnoses}
    assert 0 < found.score < found.max_score
    assert ["runs the same code" in each.message for each in found.diagnoses].count(True) == 1


@pytest.mark.parametrize(
    "change",
    [
        ("x = self.blocks(F.relu(self.stem(x)))", "x = self.blocks(self.stem(x))"),  # beside the blocks
        ("range((depth - 2) // 6)", "range((depth - 2) // 6 + 1)"),  # in the plan
        ("return F.relu(out)", "return out"),  # in each block, where the chain calls it by another name
        ("out = self.two(out)", "out = self.two.conv(out)"),
    ],
)
def test_a_mistake_in_what_two_networks_share_costs_in_the_first(
    networks: Grader, tmp_path: Path, change: tuple[str, str]
) -> None:
    found = reports(networks, tmp_path, UNIT, changed(NETWORKS, change))
    before = [found["cifar-block"], found["network"]]
    assert sum(each.score < each.max_score for each in before) == 1
    assert found["plain"].diagnoses
    assert not found["plain"].correct
    assert found["plain"].score == found["plain"].max_score
    assert "runs the same code" in found["plain"].diagnoses[0].message


@pytest.mark.parametrize(
    "change",
    [
        (
            "return Network(depth, num_classes, False)",
            "return nn.Sequential(Network(depth, num_classes, False), nn.ReLU())",
        ),
        ("        return F.relu(out)", "            return F.relu(out)\n        return out"),  # where nothing is added
    ],
)
def test_what_is_wrong_in_the_second_alone_costs_there(
    networks: Grader, tmp_path: Path, change: tuple[str, str]
) -> None:
    """Also where the first is wrong by something else."""
    source = changed(NETWORKS, change)
    for also in ([], [("x.mean((2, 3))", "x.amax((2, 3))")]):
        found = reports(networks, tmp_path, UNIT, changed(source, *also))
        assert found["network"].correct is not bool(also)
        assert found["plain"].score < found["plain"].max_score


@pytest.mark.parametrize(
    "change",
    [
        ("self.two = Unit(out_channels, out_channels, 3)", "self.two = Unit(out_channels, out_channels, 5)"),
        (
            "self.one = Unit(in_channels, out_channels, 3, stride)\n",
            "self.one = Unit(in_channels, out_channels, 1, stride)\n",
        ),
        (
            "self.two = Unit(out_channels, out_channels, 3)",
            "self.two = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)",
        ),
    ],
)
def test_a_block_with_other_parameters_costs_nothing_in_the_network(
    networks: Grader, tmp_path: Path, change: tuple[str, str]
) -> None:
    """Which has others by it, in each of its depths; what it has beside that costs."""
    source = changed(NETWORKS, change)
    found = reports(networks, tmp_path, UNIT, source)
    assert found["cifar-block"].score < found["cifar-block"].max_score
    assert found["network"].score == found["network"].max_score
    more = changed(
        source, ("self.head = nn.Linear(64, num_classes)", "self.head = nn.Linear(64, num_classes, bias=False)")
    )
    found = reports(networks, tmp_path, UNIT, more)
    assert found["network"].score < found["network"].max_score


def test_a_line_stands_in_the_nearest_function_around_it(tmp_path: Path) -> None:
    source = "def f(x):\n    y = x\n\n    def g():\n        return y\n\n    return g\n\nz = 1\n\nclass C:\n    a = f\n"
    submission = read(hand_in(tmp_path, notebook(cell("markdown", "def f(x):"), cell(source=source))))
    number = submission.cells[-1].number
    lines = source.splitlines()
    found = [function_at(submission, number, line) for line in range(len(lines) + 2)]
    assert found == [None, None, 1, None, 1, 4, None, 1, None, None, None, None, None, None]
    assert function_at(submission, number + 7, 1) is None
