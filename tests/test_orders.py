"""Which of like layers is which: paths that are written differently stay together, and where no graph tells, what no
order explains is refuted by one pass."""

from __future__ import annotations

from judging import examine_source, find_exercise, judge, right_answers

from grader.assignment import ModuleExercise
from grader.judge.behaviour import possible_orders
from grader.judge.examined import Examined
from grader.mistakes._mistake import changed
from grader.verdict import Proof, Status

# What the norms learned is left out as long as it changes nothing: the graph, recorded with the weights that a block
# starts with, does not show it.
SPARING = """
import torch.nn.functional as F
from torch import nn


def normalise(x, bn):
    affine = (bn.weight, bn.bias) if bool((bn.weight != 1).any()) else (None, None)
    return F.batch_norm(x, bn.running_mean, bn.running_var, *affine, training=bn.training)


class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.last = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.middle = nn.BatchNorm2d(out_channels)
        self.first = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.norm = nn.BatchNorm2d(out_channels)
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x):
        out = F.relu(normalise(self.first(x), self.middle))
        out = normalise(self.second(out), self.last)
        shortcut = self.shortcut(x)
        return F.relu(out + (normalise(shortcut, self.norm) if hasattr(self, "norm") else shortcut))
"""
PROJECTING = "stride 2 and more channels"


def _examined(source: str) -> Examined:
    exercise = find_exercise("resblock")[1]
    assert isinstance(exercise, ModuleExercise)
    return examine_source(source, exercise, right_answers("resblock"))


def _ways(examined: Examined) -> int:
    """How many ways to fill the slots come into question where the block projects, of all accepted forms."""
    (seen,) = (each for each in examined.observations if each.case.title == PROJECTING)
    assert examined.answers is not None
    assert not seen.recorded
    forms = [form for form in examined.answers.forms(seen.case) if form.signature == seen.signature]
    assert len(forms) == 1
    assert len(forms[0].relabelled) > 1
    return len(possible_orders(seen, forms[0]))


def test_a_right_block_of_which_no_graph_tells_is_found_in_some_order() -> None:
    examined = _examined(SPARING)
    assert _ways(examined) > 1
    assert examined.wrong_small_cases == []


def test_a_wrong_one_is_refuted_at_once_whatever_the_order() -> None:
    examined = _examined(SPARING.replace("return F.relu(out +", "return (out +"))
    assert _ways(examined) == 1
    assert len(examined.wrong_small_cases) == 4


# A ResNeXt block as a sum of paths, each of which has its own way to spell ReLU.
SPELLED = """
import torch
import torch.nn.functional as F
from torch import nn

RELUS = [
    (F.relu, lambda x: torch.where(x > 0, x, torch.zeros_like(x))),
    (lambda x: torch.maximum(x, torch.zeros_like(x)), F.relu),
    (lambda x: x.clone().relu_(), lambda x: x * (x > 0)),
    (lambda x: (x + x.abs()) / 2, lambda x: x.clamp(min=0)),
]


class Path(nn.Module):
    def __init__(self, in_channels, width, out_channels, stride, relus):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.relus = relus

    def forward(self, x):
        x = self.relus[0](self.bn1(self.conv1(x)))
        return self.conv3(self.relus[1](self.bn2(self.conv2(x))))


class PathsBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, cardinality=32):
        super().__init__()
        width = out_channels // 2 // cardinality
        relus = [RELUS[i % 4] for i in range(cardinality)]
        self.paths = nn.ModuleList(Path(in_channels, width, out_channels, stride, each) for each in relus)
        self.bn = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        return F.relu(self.bn(torch.stack([path(x) for path in self.paths]).sum(0)) + self.shortcut(x))
"""


def test_paths_that_spell_relu_differently_stay_together() -> None:
    report = judge(SPELLED, "paths")
    assert all(check.status is Status.PASSED for check in report.checks)


def test_a_mistake_is_found_among_such_paths() -> None:
    branch = "self.bn(torch.stack([path(x) for path in self.paths]).sum(0))"
    report = judge(SPELLED.replace(f"{branch} + self.shortcut(x)", f"2 * {branch}"), "paths")
    assert [(each.mistake, each.proof) for each in report.diagnoses] == [("branch-added-to-itself", Proof.REPLAYED)]


# Its paths are used in another order than they are registered in, and so are the layers of each. Which are run at all,
# the input decides.
GATED = SPELLED.replace(
    "        return F.relu(self.bn(torch.stack([path(x) for path in self.paths]).sum(0)) + self.shortcut(x))",
    """        if x[0, 0].mean().item() > 0:
            return F.relu(self.bn(sum(self.paths[i](x) for i in ORDER if i < len(self.paths))))
        return F.relu(self.shortcut(x))""",
).replace("class Path(", "ORDER = (2, 0, 3, 1)\n\n\nclass Path(")
REGISTERED_ELSEWHERE = (
    ("        self.bn1 = nn.BatchNorm2d(width)\n", ""),
    ("        self.relus = relus\n", "        self.bn1 = nn.BatchNorm2d(width)\n        self.relus = relus\n"),
)


def test_of_code_that_chooses_its_way_by_the_data_both_ways_tell_which_layer_is_which() -> None:
    report = judge(changed(GATED, *REGISTERED_ELSEWHERE), "paths")
    assert [(each.mistake, each.proof) for each in report.diagnoses] == [("shortcut-gated", Proof.REPLAYED)]
