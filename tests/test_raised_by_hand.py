"""Modules that raise elsewhere than torch's own layers would, since their layers are written by hand, or since Python
misses a part: the cause is the same."""

from __future__ import annotations

import pytest
from judging import judge

from grader.judge.failures import is_like
from grader.mistakes._families import PREACT, RES2NET, RESNEXT_PATHS
from grader.mistakes._mistake import RESBLOCK, changed
from grader.verdict import Proof

CONV = """

class Conv(nn.Module):
    def __init__(self, i, o, k, stride=1, padding=0, bias=False):
        super().__init__()
        self.w = nn.Parameter(torch.randn(o, i, k, k) * 0.1)
        self.b = nn.Parameter(torch.zeros(o)) if bias else None
        self.k, self.s, self.p = k, stride, padding

    def forward(self, x):
        h, w = ((size + 2 * self.p - self.k) // self.s + 1 for size in x.shape[2:])
        patches = F.unfold(x, self.k, padding=self.p, stride=self.s)
        out = self.w.view(-1, patches.shape[1]) @ patches
        out = out.view(len(x), -1, h, w)
        return out if self.b is None else out + self.b.view(-1, 1, 1)


class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(c)), nn.Parameter(torch.zeros(c))
        self.register_buffer("mean", torch.zeros(c))
        self.register_buffer("var", torch.ones(c))

    def forward(self, x):
        mean, var = self.mean, self.var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                self.mean.lerp_(mean, 0.1)
                self.var.lerp_(var * n / (n - 1), 0.1)
        mean, var, weight, bias = (v.view(1, -1, 1, 1) for v in (mean, var, self.weight, self.bias))
        return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


class"""
FIRST_CONV = "self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)"


def _by_hand(source: str, *, norms: bool = False, bias: bool = False) -> str:
    """A block with convolutions, and batch norms, that are written by hand; `bias` gives all convolutions one."""
    source = source.replace("nn.Conv2d(", "Conv(").replace("bias=False", f"bias={bias}")
    source = source.replace("nn.BatchNorm2d(", "Norm(") if norms else source
    return source.replace("\nclass", CONV, 1)


BRANCH = "        out = F.relu(self.bn1(self.conv1(out)))\n        out = self.bn2(self.conv2(out))\n"
RUN_TWICE = changed(RESBLOCK, (BRANCH.replace("conv1(out)", "conv1(x)"), "        out = x\n" + 2 * BRANCH))
ACTIVATED = "        out = F.relu(self.bn1(x))\n        identity = x if self.shortcut is None else self.shortcut(out)\n"
AGAIN = "        out = F.relu(self.bn1(self.conv2(F.relu(self.bn2(self.conv1(out))))))\n"
PREACT_TWICE = changed(PREACT, (ACTIVATED, ACTIVATED + AGAIN))
OUTPUTS_TWICE = changed(RESBLOCK, (FIRST_CONV, FIRST_CONV.replace("in_channels", "out_channels")))
AS_MANY_AS_INPUTS = changed(
    RES2NET,
    ("hidden = out_channels // 4", "hidden = in_channels // 4"),
    ("width = hidden // scale", "self.width = width = out_channels // 4 // scale"),
    ("(hidden, out_channels", "(hidden, in_channels"),
    ("(in_channels, out_channels", "(in_channels, in_channels"),
    ("BatchNorm2d(out_channels)", "BatchNorm2d(in_channels)"),
)
CHUNKS = "torch.chunk(out, self.scale, dim=1)"
NAMED = """
    def named(self, parts):
        if self.scale == 2:
            a, b = parts
            return a, b
        if self.scale == 3:
            a, b, c = parts
            return a, b, c
        a, b, c, d = parts
        return a, b, c, d

"""
NARROW = changed(RES2NET, ("width = hidden // scale", "hidden = out_channels // 8\n        width = hidden // scale"))
ONE_PATH = changed(
    RESNEXT_PATHS,
    ("make_path(in_channels, stride) for", "path for"),
    ("        self.paths", "        path = make_path(in_channels, stride)\n        self.paths"),
    ("bias=False", "bias=True"),
)
RAISING = {
    "a branch that is run twice": ("resblock", _by_hand(RUN_TWICE), "branch-run-twice"),
    "the same with biases": ("resblock", _by_hand(RUN_TWICE, bias=True), "branch-run-twice"),
    "the same with norms by hand": ("resblock", _by_hand(RUN_TWICE, norms=True), "branch-run-twice"),
    "pre-activation, where a norm by hand raises": ("preact", _by_hand(PREACT_TWICE, norms=True), "branch-run-twice"),
    "inputs for which the weight has too few numbers": ("resblock", _by_hand(OUTPUTS_TWICE), "wrong-channels"),
    "fewer parts than are asked for": (
        "res2net",
        changed(AS_MANY_AS_INPUTS, (CHUNKS, "torch.split(out, self.width, dim=1)")),
        "argument-ignored",
    ),
    "fewer parts than names": (
        "res2net",
        changed(
            AS_MANY_AS_INPUTS,
            (CHUNKS, "self.named(torch.split(out, self.width, dim=1))"),
            ("    def forward", NAMED + "    def forward"),
        ),
        "argument-ignored",
    ),
    "parts of one channel, with norms by hand": ("res2net", _by_hand(NARROW, norms=True), "res2net-wrong-width"),
    "biases in layers that all paths share": ("paths", ONE_PATH, "layer-shared"),
}


@pytest.mark.parametrize("what", RAISING)
def test_the_cause_does_not_depend_on_where_layers_by_hand_raise(what: str) -> None:
    exercise, source, mistake = RAISING[what]
    found = [(each.mistake, each.proof) for each in judge(source, exercise).diagnoses]
    assert found == [(mistake, Proof.REPLAYED)]


@pytest.mark.parametrize(("channels", "raises"), [(12, True), (32, False)])
def test_a_weight_that_leaves_no_whole_number_of_rows_cannot_be_read_as_such(channels: int, raises: bool) -> None:
    weight = ([8, 16, 3, 3], 0)
    operands = sorted([([2, channels, 8, 8], 1), weight])
    assert is_like("aten.convolution.default", operands, "aten.view.default", [weight]) is raises
