"""Right and wrong programs in many hands: none that is right is accused, none that is wrong passes.

The programs stand in right_structures.py, right_computations.py and wrong_programs.py.
"""

from __future__ import annotations

import pytest
from judging import judge
from programs import HEAD
from right_computations import COMPUTATIONS
from right_structures import STRUCTURES
from wrong_programs import WRONG

from grader.verdict import Status


def exercises(source: str) -> list[str]:
    """The exercises that a source answers."""
    if "build_network" in source:
        return ["network"]
    return [name.lower() for name in ("ResBlock", "Bottleneck") if name in source]


def cases(sources: dict[str, str]) -> list[object]:
    """Each source with each of its exercises."""
    return [
        pytest.param(source, exercise, id=f"{name}-{exercise}")
        for name, source in sources.items()
        for exercise in exercises(source)
    ]


@pytest.mark.verdict
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "exercise"), cases({**STRUCTURES, **COMPUTATIONS}))
def test_a_right_program_gets_everything(source: str, exercise: str) -> None:
    """Whatever the hand."""
    report = judge(HEAD + source, exercise)
    assert [] == [(check.id, check.message) for check in report.checks if check.status != "passed"]
    assert [] == report.diagnoses
    assert report.correct
    assert report.max_score == report.score


@pytest.mark.verdict
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "exercise"), cases(WRONG))
@pytest.mark.usefixtures("no_diagnosis")
def test_a_wrong_program_does_not_pass(source: str, exercise: str) -> None:
    """However well it hides."""
    report = judge(source, exercise)
    assert not report.correct
    assert report.score < report.max_score


KERNELS = """
import torch
from torch import nn
import torch.nn.functional as F


class Conv(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.s, self.o = s, o
        sizes = {"i": i, "o": o, "a": 3, "b": 3}
        MADE

    def forward(self, x):
        patches = F.pad(x, (1, 1, 1, 1)).unfold(2, 3, self.s).unfold(3, 3, self.s)
        USED


class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.a, self.n, self.b, self.m = Conv(i, o, s), nn.BatchNorm2d(o), Conv(o, o, 1), nn.BatchNorm2d(o)
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.m(self.b(F.relu(self.n(self.a(x))))) + self.p(x))
"""
KERNEL = "self.w = nn.Parameter(torch.randn([sizes[k] for k in '{order}']) * 0.1)"
WAYS = {
    **{
        f"einsum, {order}": (
            KERNEL.format(order=order),
            f"return torch.einsum('nihwab,{order}->nohw', patches, self.w)",
        )
        for order in ("oiab", "iabo", "oabi", "abio", "aiob")
    },
    "tensordot": (
        KERNEL.format(order="abio"),
        "return torch.tensordot(patches, self.w, dims=([4, 5, 1], [0, 1, 2])).movedim(-1, 1)",
    ),
    "positions in one": (
        "self.w = nn.Parameter(torch.randn(9, i, o) * 0.1)",
        "return torch.einsum('nihwk,kio->nohw', patches.flatten(4), self.w)",
    ),
    "columns into a 1×1": (
        "self.w = nn.Conv2d(9 * i, o, 1, bias=False)",
        "return self.w(patches.permute(0, 4, 5, 1, 2, 3).flatten(1, 3))",
    ),
    "columns of channels into a 1×1": (
        "self.w = nn.Conv2d(9 * i, o, 1)",
        "return self.w(patches.permute(0, 1, 4, 5, 2, 3).flatten(1, 3))",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_kernel_may_be_kept_in_any_order(way: str) -> None:
    """As outputs, inputs and positions stand in it, or as a matrix of them."""
    made, used = WAYS[way]
    source = KERNELS.replace("MADE", made).replace("USED", used)
    report = judge(source, "resblock")
    assert [] == [check.message for check in report.checks if check.status is not Status.PASSED]
    wrong = judge(source.replace("F.pad(x, (1, 1, 1, 1))", "F.pad(x, (1, 1, 1, 1)).roll(1, 3)"), "resblock")
    assert not wrong.correct
