"""What is wrong with a plain network is named, located and costs once; in hands other than those of the mistakes."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

import pytest
from judging import judge

from grader.mistakes._mistake import changed
from grader.mistakes.chain import PLAIN
from grader.verdict import Proof

LOOP = """
import torch
from torch import nn

def plain(depth, num_classes=10):
    n = (depth - 2) // 6
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for stage, width in enumerate([16, 32, 64]):
        for i in range(2 * n):
            stride = 2 if stage > 0 and i == 0 else 1
            layers += [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers, nn.AvgPool2d(8), nn.Flatten(), nn.Linear(channels, num_classes))
"""
FLAG = """
import torch
from torch import nn
import torch.nn.functional as F

class Block(nn.Module):
    def __init__(self, c_in, c_out, stride, residual):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(),
            nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False), nn.BatchNorm2d(c_out),
        )
        self.residual, self.stride, self.pad = residual, stride, (c_out - c_in) // 2

    def forward(self, x):
        y = self.body(x)
        if self.residual:
            y = y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(y)

class Net(nn.Module):
    def __init__(self, depth, num_classes, residual):
        super().__init__()
        n = (depth - 2) // 6
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        widths = [16] * n + [32] * n + [64] * n
        self.blocks = nn.ModuleList(Block(a, b, b // a, residual) for a, b in zip([16, *widths], widths))
        self.linear = nn.Linear(64, num_classes)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.linear(x.mean(dim=(2, 3)))

def plain(depth, num_classes=10):
    return Net(depth, num_classes, residual=False)
"""
LAZY = """
import torch
from torch import nn
import torch.nn.functional as F

class plain(nn.Module):
    def __init__(self, depth, num_classes=10):
        super().__init__()
        n = (depth - 2) // 3
        steps = [(16, 1)] * (n + 1) + [(32, 2)] + [(32, 1)] * (n - 1) + [(64, 2)] + [(64, 1)] * (n - 1)
        self.convs = nn.ModuleList(nn.LazyConv2d(w, 3, stride=s, padding=1, bias=False) for w, s in steps)
        self.norms = nn.ModuleList(nn.LazyBatchNorm2d() for _ in steps)
        self.head = nn.LazyLinear(num_classes)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x)).relu_()
        return self.head(F.adaptive_avg_pool2d(x, 1).view(len(x), -1))
"""
HANDS = {"loop": LOOP, "flag": FLAG, "lazy": LAZY}
ROW = "nn.BatchNorm2d(width), nn.ReLU()]"
CASES = {
    # name: source, the points that are left, the mistake, some of its words
    "no ReLU": (changed(LOOP, (ROW, "nn.BatchNorm2d(width)]")), 10, "chain-activation-missing", "every convolution but the first"),
    "one ReLU": (changed(FLAG, ("return F.relu(y)", "return F.relu(y) if self.pad else y")), 10, "chain-activation-missing", "blocks.0.body.3"),
    "no norm, but biases": (changed(LOOP, ("1, bias=False), " + ROW, "1), nn.ReLU()]")), 15, "chain-norm-missing", "every convolution but the first"),
    "norm in front": (changed(LAZY, ("norm(conv(x)).relu_()", "conv(norm(x)).relu_()")), 10, "chain-order", "batch norm → convolution → ReLU"),
    "stage too long": (changed(LOOP, ("range(2 * n)", "range(2 * n + (stage == 1))")), 15, "chain-length", "3, 3, 2 and 1"),
    "depth ignored": (changed(FLAG, ("(depth - 2) // 6", "2")), 15, "chain-length", "whatever the arguments say"),
    "stride behind": (changed(LOOP, ("i == 0", "i == 1")), 10, "chain-stride", "convolution 5 has stride 2 instead of 1"),
    "not doubled": (changed(LOOP, ("[16, 32, 64]", "[16, 32, 32]")), 15, "chain-width", "32 instead of 64"),
    "ten classes": (changed(LAZY, ("LazyLinear(num_classes)", "LazyLinear(10)")), 15, "chain-width", "plain(20, 7)"),
    "wide kernels": (changed(LOOP, ("width, 3, stride, 1", "width, 5, stride, 2")), 15, "chain-kernel", "5×5 instead of 3×3"),
    "stem of ImageNet": (changed(FLAG, ("nn.Conv2d(3, 16, 3, 1, 1", "nn.Conv2d(3, 16, 7, 2, 3")), 15, "chain-kernel", "stride 2 instead of 1"),
    "shortcuts": (changed(FLAG, ("residual=False", "residual=True")), 10, "chain-shortcut", "blocks.0.body.3, blocks.1.body.3"),
    "projections": (changed(FLAG, ("self.residual, self.stride, self.pad = residual, stride, (c_out - c_in) // 2", "self.short = nn.Identity() if stride == 1 else nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))"), ("        if self.residual:\n            y = y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.pad, self.pad))\n", "        y = y + self.short(x)\n")), 10, "chain-shortcut", "an earlier value is added"),
    "largest value": (changed(LOOP, ("AvgPool2d(8)", "MaxPool2d(8)")), 10, "chain-step-changed", "max pooling instead of average pooling"),
    "GELU": (changed(LOOP, (ROW, "nn.BatchNorm2d(width), nn.GELU()]")), 10, "chain-step-changed", "gelu instead of ReLU"),
    "softmax": (changed(FLAG, ("self.linear(x.mean(dim=(2, 3)))", "self.linear(x.mean(dim=(2, 3))).softmax(1)")), 10, "chain-step-extra", "softmax"),
    "no bias": (changed(LAZY, ("(num_classes)", "(num_classes, bias=False)")), 15, "chain-step-missing", "bias of head"),
    "no padding": (changed(LOOP, ("stride, 1, bias", "stride, 0, bias"), ("AvgPool2d(8)", "AdaptiveAvgPool2d(1)")), 15, "chain-kernel", "padding is 0 instead of 1"),
    "channels do not fit": (changed(FLAG, ("zip([16, *widths], widths)", "zip([16] * n + [16] * n + [32] * n, widths)"), ("b // a", "max(1, b // a)")), 15, "chain-width", "takes 16 channels"),
    "pooling too small": (changed(LOOP, ("AvgPool2d(8)", "AvgPool2d(4)")), 10, "chain-step-changed", "4×4 instead of the whole map"),
}  # fmt: skip


@pytest.mark.parametrize("hand", HANDS)
def test_the_hands_are_right(hand: str) -> None:
    report = judge(HANDS[hand], "plain")
    assert (report.score, report.diagnoses) == (20, [])


@pytest.mark.heavy
@pytest.mark.parametrize("case", list(CASES))
def test_the_cause_in_a_plain_network_is_proven(case: str) -> None:
    """One mistake, made in every layer or in one, is one cause, and costs once."""
    source, points, mistake, words = CASES[case]
    report = judge(source, "plain")
    assert not report.correct
    told = [diagnosis for diagnosis in report.diagnoses if diagnosis.proof is Proof.REPLAYED]
    assert [mistake] == [diagnosis.mistake for diagnosis in told]
    assert words in told[0].message, told[0].message
    assert report.score == points


def test_two_mistakes_are_told_together() -> None:
    """Each says that it was proven with the other, and each costs."""
    source = changed(LOOP, (ROW, "nn.BatchNorm2d(width)]"), ("num_classes))", "num_classes, bias=False))"))
    report = judge(source, "plain")
    assert ["chain-activation-missing", "chain-step-missing"] == [d.mistake for d in report.diagnoses]
    assert all("Proven together" in diagnosis.message for diagnosis in report.diagnoses)
    assert report.score == 5


def test_what_shows_in_another_case_alone_is_told_as_well() -> None:
    """Ten outputs are right where ten are asked for: there the ReLU alone is missing."""
    report = judge(changed(LOOP, (ROW, "nn.BatchNorm2d(width)]"), ("channels, num_classes", "channels, 10")), "plain")
    assert ["chain-activation-missing", "chain-width"] == [d.mistake for d in report.diagnoses]
    assert report.diagnoses[1].message.startswith("Not in all cases, but in plain(20, 7)")
    assert report.score == 5


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(changed(LAZY, ("relu_()", "relu_().square().sqrt().flip(1)")), id="flipped"),
        pytest.param(changed(LOOP, (ROW, "nn.BatchNorm2d(width), nn.ReLU(), Turned()]"), ("def plain", "class Turned(nn.Module):\n    def forward(self, x):\n        return x.transpose(2, 3)\n\ndef plain")), id="turned"),
        pytest.param(changed(PLAIN, ("return F.relu(out)", "return F.relu(out * torch.sigmoid(out))")), id="gated by itself"),
    ],
)  # fmt: skip
def test_no_cause_is_made_up(source: str) -> None:
    """What is no step that is known is not explained, and does not pass."""
    report = judge(source, "plain")
    assert not report.correct
    assert report.score < 20
    assert [] == [diagnosis.mistake for diagnosis in report.diagnoses if diagnosis.proof is Proof.REPLAYED]
