"""Convolutions by hand, however they are computed and however their kernels are kept, get full marks in any block."""

from __future__ import annotations

import pytest
import torch
from hand_made_convolutions import BLOCKS, CONVOLUTIONS
from judging import judge, judge_against, shipped
from torch import nn
from torch.nn import functional

from grader.verdict import ExerciseReport

pytestmark = pytest.mark.heavy

IMPORTS = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"


def judged(source: str, block: str) -> ExerciseReport:
    """The report on a block that is made of a convolution."""
    source = IMPORTS + source + BLOCKS[block]
    return (
        judge_against(source, *shipped("hackathon-5", "resblock")) if block == "hackathon-5" else judge(source, block)
    )


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_it_computes_what_a_convolution_does(name: str) -> None:
    """With a single output of its own for each weight: as many parameters, and a linear map that strides and pads."""
    names = {"torch": torch, "nn": nn, "F": functional}
    exec(CONVOLUTIONS[name], names)
    convolution = names["Conv"](4, 6, 3, 2, 1, 2, bias=True).double()
    assert 6 * 2 * 9 + 6 == sum(parameter.numel() for parameter in convolution.parameters())
    assert [2, 6, 4, 3] == list(convolution(torch.randn(2, 4, 7, 6).double()).shape)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_block_of_hand_made_convolutions_is_right(name: str, block: str) -> None:
    """Which parameter is for what shows in what is computed of it and in how the results are put together."""
    report = judged(CONVOLUTIONS[name], block)
    assert [] == [check.message for check in report.checks if check.status != "passed"]
    assert report.correct


@pytest.mark.parametrize("name", ["by a real Fourier transform", "by baddbmm"])
def test_a_block_of_hand_made_convolutions_that_forgets_its_shortcut_is_wrong(name: str) -> None:
    """What is right is told from what is wrong in them as well."""
    source = BLOCKS["resblock"].replace(" + self.shortcut(x))", ")")
    report = judge(IMPORTS + CONVOLUTIONS[name] + source, "resblock")
    assert not report.correct
    assert "failed" == next(check.status for check in report.checks if check.id == "skip-connection")
