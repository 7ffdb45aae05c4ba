"""Which of like layers is which, where no graph tells: what no order explains is refuted by one pass."""

from __future__ import annotations

from judging import examine_source, find_exercise, right_answers

from grader.assignment import ModuleExercise
from grader.judge.behaviour import in_every_order
from grader.judge.examined import Examined

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
    return len(in_every_order(seen, forms[0]))


def test_a_right_block_of_which_no_graph_tells_is_found_in_some_order() -> None:
    examined = _examined(SPARING)
    assert _ways(examined) > 1
    assert examined.wrong_small_cases == []


def test_a_wrong_one_is_refuted_at_once_whatever_the_order() -> None:
    examined = _examined(SPARING.replace("return F.relu(out +", "return (out +"))
    assert _ways(examined) == 1
    assert len(examined.wrong_small_cases) == 4
