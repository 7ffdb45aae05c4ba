"""What a student is told is true of their code: the cause, and every sentence about it."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

import pytest
from family_programs import SLICES
from judging import judge, judge_against, judge_all, shipped

from grader.mistakes._families import BIASED, PREACT, PREACT_BOTTLENECK, RES2NET, RESNEXT_PATHS, SE, SE_BOTTLENECK
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.mistakes.network import NETWORK
from grader.verdict import ExerciseReport, Status

pytestmark = pytest.mark.heavy

FIRST = "out = F.relu(self.bn1(x))"
RETURN = "return F.relu(out + identity)"
IDENTITY = "identity = x if self.shortcut is None else self.shortcut(out)"
NOT_AFFINE = "nn.BatchNorm2d(out_channels, affine=False)"
GATE = "        out = self.gate(out)\n"
SCALE = "return u * z[:, :, None, None]"
PADDED = """
import torch
from torch import nn
import torch.nn.functional as F


class PaddedBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.stride, self.more = stride, out_channels - in_channels

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        x = x[:, :, :: self.stride, :: self.stride]
        return F.relu(out + F.pad(x, (0, 0, 0, 0, {})))
"""
# What is wrong, where, the mistakes that are named, and what the sentences must say and must not say.
CAUSES = {
    "a batch norm in the gate": (
        changed(SE_BOTTLENECK, ("            nn.ReLU(inplace=True),\n", "            nn.BatchNorm2d(channels // reduction),\n            nn.ReLU(inplace=True),\n")),
        "se-bottleneck",
        ["shape-mismatch"],
        "the map of a single image is 1×1",
        "shapes of tensors do not fit",
    ),
    "the mean of a gate over the rows alone": (
        changed(SE_BOTTLENECK, ("self.avg_pool(x)", "x.mean(3, keepdim=True)")),
        "se-bottleneck",
        ["se-squeeze-wrong"],
        "over one of height and width",
        "",
    ),
    "the mean of a gate over the batch, too": (
        changed(SE, ("z = u.mean((2, 3))", "z = u.mean((0, 2, 3)).expand(len(u), -1)")),
        "se",
        ["se-squeeze-wrong"],
        "over the images of the batch",
        "",
    ),
    "a gate from halfway": (
        changed(
            SE,
            ("out = self.bn2(self.conv2(out))", "first = out\n        out = self.bn2(self.conv2(out))"),
            ("        out = self.gate(out)\n", "        out = self.gate(out, first)\n"),
            ("def gate(self, u):", "def gate(self, u, v):"),
            ("z = u.mean((2, 3))", "z = v.mean((2, 3))"),
        ),
        "se",
        ["se-misplaced"],
        "from a value inside the branch",
        "",
    ),
    "one batch norm in front of its convolution": (
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.conv2(self.bn2(out))")),
        "resblock",
        ["wrong-order"],
        "A batch norm of the branch comes before its convolution",
        "",
    ),
    "the kernels of the parts of a Res2Net block": (
        changed(RES2NET, ("width, width, 3, padding=1", "width, width, 5, padding=2")),
        "res2net",
        ["wrong-kernel"],
        "of the parts have a 5×5 kernel",
        "",
    ),
    "a part of a Res2Net block that is not read": (
        changed(RES2NET, ("part = parts[i] if i == 1 else parts[i] + ys[-1]", "part = parts[i] if i == 1 else ys[-1]")),
        "res2net",
        ["res2net-wrong-link"],
        "a part is not read",
        "",
    ),
    "parts of a Res2Net block joined backwards, but for the one that is handed on": (
        changed(RES2NET, ("torch.cat(ys, dim=1)", "torch.cat(ys[:1] + ys[:0:-1], dim=1)")),
        "res2net",
        ["res2net-wrong-order"],
        "in another order",
        "",
    ),
    "the input beside a projection that is always there": (
        changed(
            RESBLOCK,
            ("ResBlock", "ProjectedBlock"),
            ("stride != 1 or in_channels != out_channels", "True"),
            (RETURN, "return F.relu(out + identity + (x if x.shape == out.shape else 0))"),
        ),
        "projected",
        ["shortcut-added-twice"],
        "Beside the projection x itself is added",
        "F(x) + 2",
    ),
    "stride 2 wherever the channels change": (
        changed(
            BOTTLENECK,
            ("__init__()\n", "__init__()\n        if in_channels != out_channels:\n            stride = 2\n"),
        ),
        "bottleneck",
        ["argument-ignored"],
        "Wherever the number of channels changes, the block has stride 2",
        "as if stride were always",
    ),
    "one path in the place of all": (
        changed(RESNEXT_PATHS, ("[make_path(in_channels, stride) for _ in range(cardinality)]", "[make_path(in_channels, stride)] * cardinality")),
        "paths",
        ["layer-shared"],
        "All paths have the same layers",
        "res2net",
    ),
    "paths in a row": (
        changed(RESNEXT_PATHS, ("out = sum(path(x) for path in self.paths)", "out = x\n        for path in self.paths:\n            out = path(out)")),
        "paths",
        ["paths-not-added"],
        "one behind the other",
        "the shapes do not fit",
    ),
    "a batch norm that refuses to train, for lack of a small number": (
        changed(RESBLOCK, ("bn2 = nn.BatchNorm2d(out_channels)", "bn2 = nn.BatchNorm2d(out_channels, eps=0)")),
        "resblock",
        ["wrong-epsilon"],
        "Some of the batch norms add 0 to the variance",
        "",
    ),
    "a function on the branch that is a ReLU is one": (
        changed(RESBLOCK, ("return F.relu(out + identity)", "return F.relu((out + out.abs()) / 2 + identity)")),
        "resblock",
        ["extra-activation"],
        "on F(x) before the addition",
        "function-before-add",
    ),
    "twice the gate, where it is made": (
        changed(SE, ("z = torch.sigmoid(self.fc2(F.relu(self.fc1(z))))", "z = 2 * torch.sigmoid(self.fc2(F.relu(self.fc1(z))))")),
        "se",
        ["se-gate-wrong"],
        "The gate does not end in one sigmoid alone but in these operations: sigmoid, mul.",
        "instead of F(x) + x",
    ),
    "twice the branch, beside its gate": (
        changed(SE, (SCALE, "return (2 * u) * z[:, :, None, None]")),
        "se",
        ["shortcut-scaled"],
        "2·F(x) + x instead of F(x) + x",
        "sigmoid",
    ),
    "pixels of the shortcut from the second on": (
        changed(
            RESBLOCK,
            ("nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)", "nn.Conv2d(in_channels, out_channels, 1, bias=False)"),
            ("self.shortcut(x)", "self.shortcut(x if self.conv1.stride == (1, 1) else x[:, :, 1::2, 1::2])"),
        ),
        "resblock",
        ["projection-wrong-stride"],
        "from the second row and column on",
        "shapes of tensors do not fit",
    ),
    "a batch norm in front of a convolution is missing": (
        changed(PREACT, ("self.bn2(out)", "out"), ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", "")),
        "preact",
        ["bn-missing"],
        "every convolution of the branch has one of its own",
        "followed by one",
    ),
    "a batch norm of a pre-activation block is made for the other channels": (
        changed(PREACT, ("self.bn1 = nn.BatchNorm2d(in_channels)", "self.bn1 = nn.BatchNorm2d(out_channels)")),
        "preact",
        ["wrong-channels"],
        "A batch norm is made for another number of channels than it gets",
        "Between its two convolutions",
    ),
    "the third ReLU of a pre-activation bottleneck": (
        changed(PREACT_BOTTLENECK, ("F.relu(self.bn3(out))", "self.bn3(out)")),
        "preact-bottleneck",
        ["inner-relu-missing"],
        "",
        "two convolutions in a row",
    ),
    "batch norm and ReLU in front of the last convolution": (
        changed(
            PREACT_BOTTLENECK,
            ("F.relu(self.bn3(out))", "out"),
            ("        self.bn3 = nn.BatchNorm2d(width)\n", ""),
        ),
        "preact-bottleneck",
        ["bn-missing", "inner-relu-missing"],
        "",
        "",
    ),
    "another function in one place": (
        changed(PREACT, (FIRST, FIRST.replace("relu", "leaky_relu"))),
        "preact",
        ["wrong-activation"],
        "",
        "",
    ),
    "a projection that is assigned and not added": (
        changed(PREACT, ("return out + identity", "return out")),
        "preact",
        ["result-discarded", "shortcut-missing"],
        "Keep what it gives, as in `out = …`, and go on with that",
        "Assign",
    ),
    "the gate of the branch behind the sum": (
        changed(
            SE,
            (GATE, "        s = self.gate(out)\n"),
            (SCALE, "return z[:, :, None, None]"),
            ("return F.relu(out + identity)", "return F.relu(out + identity) * s"),
        ),
        "se",
        ["se-after-add"],
        "",
        "",
    ),
    "the gate of the branch on the shortcut": (
        changed(
            SE,
            (GATE, "        s = self.gate(out)\n"),
            (SCALE, "return z[:, :, None, None]"),
            ("out + identity", "out + s * identity"),
        ),
        "se",
        ["se-on-shortcut"],
        "",
        "",
    ),
    "a linear layer that does not fit": (
        changed(SE, ("self.fc1 = nn.Linear(out_channels", "self.fc1 = nn.Linear(out_channels + 1")),
        "se",
        ["shape-mismatch"],
        "addmm raised RuntimeError",
        "Branch and shortcut must have the same shape",
    ),
    "no biases": (
        changed(BIASED, ("padding=1)", "padding=1, bias=False)")),
        "biased",
        ["bias-missing"],
        "",
        "",
    ),
    "always a projection, where channels never change": (
        changed(BIASED, ("if stride != 1:", "if True:")),
        "biased",
        ["projection-always"],
        "The shortcut is always a projection",
        "if in_channels == out_channels",
    ),
    "fewer pixels in place of a projection": (
        changed(
            BIASED,
            ("nn.Sequential(nn.Conv2d(channels, channels, 1, stride=stride), nn.BatchNorm2d(channels))", "nn.AvgPool2d(1, stride)"),
        ),
        "biased",
        ["projection-missing"],
        "there is no projection: x loses rows and columns by the stride",
        "x is padded",
    ),
    "nearly the shortcut": (
        changed(RESBLOCK, ("F.relu(out + identity)", "F.relu(out + identity) + 1e-7")),
        "resblock",
        [],
        "the block is not its shortcut",
        "gives 1 times its shortcut",
    ),
    "a batch norm of the branch behind the sum": (
        changed(RESBLOCK, ("F.relu(out + identity)", "F.relu(self.bn2(out + identity))")),
        "resblock",
        [],
        "or the sum goes through a layer of the branch",
        "",
    ),
    "a projection with a kernel as large as its stride": (
        changed(RESBLOCK, ("nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)", "nn.Conv2d(in_channels, out_channels, stride, stride, bias=False)")),
        "resblock",
        ["projection-wrong-kernel"],
        "The convolution on the shortcut must be 1×1",
        "do not fit",
    ),
    "pooling and zeros in place of a projection": (
        changed(RESBLOCK, ("if stride != 1 or in_channels != out_channels", "if False"), ("        return F", "        if x.shape[2:] != out.shape[2:]:\n            identity = F.avg_pool2d(x, 2, ceil_mode=True)\n        identity = F.pad(identity, (0, 0, 0, 0, 0, out.shape[1] - x.shape[1]))\n        return F")),
        "resblock",
        ["projection-pooled"],
        "has zeros where channels are missing",
        "",
    ),
    "pooling in place of every second pixel": (
        changed(PADDED.format("0, self.more"), ("x = x[:, :, :: self.stride, :: self.stride]", "x = F.avg_pool2d(x, self.stride)")),
        "padded",
        ["projection-pooled"],
        "Neither option A of the paper",
        "there is no projection",
    ),
    "the shortcut of a pre-activation block behind its first ReLU": (
        changed(BIASED, ("forward(self, x):\n", "forward(self, x):\n        x = F.relu(self.bn1(x))\n"), ("self.conv1(F.relu(self.bn1(x)))", "self.conv1(x)")),
        "biased",
        ["identity-activated"],
        "It must start at x itself",
        "Where shapes agree",
    ),
    "a projection of what the first ReLU gives": (
        changed(BIASED, ("        out = self.conv1(F.relu(self.bn1(x)))\n", "        h = F.relu(self.bn1(x))\n        out = self.conv1(h)\n"), ("out + self.shortcut(x)", "out + (self.shortcut(h) if out.shape != x.shape else x)")),
        "biased",
        ["shortcut-from-wrong-tensor"],
        "Here it projects x itself",
        "",
    ),
    "a batch norm and a ReLU in front of a projection": (
        changed(BIASED, ("nn.Conv2d(channels, channels, 1, stride=stride), nn.BatchNorm2d(channels)", "nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1, stride=stride)")),
        "biased",
        ["projection-without-bn"],
        "stands in front of the 1×1 convolution",
        "is not followed by",
    ),
    "a pre-activation block of one convolution": (
        changed(PREACT, ("        out = self.conv2(F.relu(self.bn2(out)))\n", ""), ("        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)\n", ""), ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", "")),
        "preact",
        ["layer-missing"],
        "A convolution of the branch is missing",
        "",
    ),
    "a bottleneck of three 3×3": (
        changed(BOTTLENECK, ("nn.Conv2d(in_channels, width, 1", "nn.Conv2d(in_channels, width, 3, padding=1"), ("nn.Conv2d(width, out_channels, 1", "nn.Conv2d(width, out_channels, 3, padding=1")),
        "bottleneck",
        ["wrong-kernel"],
        "have the kernels 3×3, 3×3, 3×3",
        "",
    ),
    "a bottleneck whose 3×3 comes first": (
        changed(BOTTLENECK, ("nn.Conv2d(in_channels, width, 1", "nn.Conv2d(in_channels, width, 3, stride=stride, padding=1"), ("nn.Conv2d(width, width, 3, stride=stride, padding=1", "nn.Conv2d(width, width, 1")),
        "bottleneck",
        ["wrong-kernel"],
        "have the kernels 3×3, 1×1, 1×1",
        "is missing",
    ),
    "dropout in a network's blocks": (
        changed(NETWORK, ("self.bn2(self.conv2(out))", "F.dropout(self.bn2(self.conv2(out)), 0.2, self.training)")),
        "network",
        ["dropout-added"],
        "There is dropout in the network",
        "in the block;",
    ),
    "a block that ends in a vector": (
        changed(RESBLOCK, (RETURN, "return torch.flatten(F.relu(out + identity), 1)")),
        "resblock",
        ["head-in-block"],
        "it is flattened",
        "single pixel",
    ),
    "a block that ends in an average, without the task's last ReLU": (
        changed(BIASED, ("return out + self.shortcut(x)", "return (out + self.shortcut(x)).mean((2, 3), keepdim=True)")),
        "biased",
        ["head-in-block"],
        "averages each map to a single pixel",
        "it is flattened",
    ),
    "a softmax in place of the last ReLU": (
        changed(BOTTLENECK, (RETURN, "return torch.softmax(out + identity, dim=1)")),
        "bottleneck",
        ["head-in-block"],
        "The block ends in a softmax",
        "log-softmax",
    ),
    "stride and padding exchanged in the projection alone": (
        changed(RESBLOCK, ("1, stride=stride, bias", "1, 1, stride, bias")),
        "resblock",
        ["stride-and-padding-exchanged"],
        "The 1×1 on the shortcut is padded by the block's stride",
        "of a convolution have changed places",
    ),
    "channels exchanged in a pre-activation block": (
        changed(PREACT, ("nn.Conv2d(in_channels, out_channels, 3", "nn.Conv2d(out_channels, in_channels, 3")),
        "preact",
        ["wrong-channels"],
        "The channels in and out of a convolution have changed places",
        "batch norm is made",
    ),
    "the projection's batch norm for the channels that come in": (
        changed(BOTTLENECK, ("                nn.BatchNorm2d(out_channels)", "                nn.BatchNorm2d(in_channels)")),
        "bottleneck",
        ["wrong-channels"],
        "The batch norm of the shortcut is made for another number of channels",
        "A batch norm is made",
    ),
    "a batch norm of a bottleneck behind the wider convolution too": (
        changed(PREACT_BOTTLENECK, ("self.bn3(out)", "self.bn1(out)"), ("        self.bn3 = nn.BatchNorm2d(width)\n", "")),
        "preact-bottleneck",
        ["bn-shared"],
        "One batch norm is used in two places",
        "another number of channels",
    ),
    "groups that divide the channels of some blocks alone": (
        changed(RESBLOCK, ("stride=stride, padding=1", "stride=stride, padding=1, groups=in_channels")),
        "resblock",
        ["groups-added"],
        "A convolution of the branch works in groups",
        "on the shortcut works",
    ),
    "a shortcut in training alone": (
        changed(RESBLOCK, (RETURN, "return F.relu(out + identity) if self.training else F.relu(out)")),
        "resblock",
        ["shortcut-in-one-mode"],
        "in evaluation the block gives F(x) without x",
        "in training the block gives F(x) without x",
    ),
    "zeros behind the columns": (
        PADDED.replace("(0, 0, 0, 0, {})", "(0, self.more)"),
        "padded",
        ["zero-padding-wrong"],
        "begins with the last dimension",
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "exercise", "mistakes", "words", "untrue"), [pytest.param(*each, id=name) for name, each in CAUSES.items()]
)  # fmt: skip
def test_what_is_told_is_true(source: str, exercise: str, mistakes: list[str], words: str, untrue: str) -> None:
    report = judge(source, exercise)
    assert not report.correct
    assert sorted(mistakes) == sorted(diagnosis.mistake for diagnosis in report.diagnoses)
    assert words in told(report)
    assert not untrue or untrue not in told(report)


@pytest.mark.parametrize("padding", ["0, self.more", "self.more, 0", "self.more // 2, self.more - self.more // 2"])
def test_zeros_may_stand_on_any_side(padding: str) -> None:
    """Option A of the paper adds channels of zeros and does not say where."""
    report = judge(PADDED.format(padding), "padded")
    assert report.correct, told(report)


def told(report: ExerciseReport) -> str:
    """Everything that the page says of it."""
    findings = [f"{check.message} {check.advice}" for check in report.checks if check.status != "passed"]
    return " ".join([*findings, *(diagnosis.message for diagnosis in report.diagnoses)])


def test_the_shift_of_a_norm_is_no_redundant_bias() -> None:
    """Without the ReLU behind it the next norm cancels it, as it would the bias of a convolution."""
    report = judge(changed(SLICES, ("torch.relu(bn(conv(part)))", "bn(conv(part))")), "res2net")
    assert ["res2net-relu-missing"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert ["gradient"] == [check.id for check in report.checks if check.status is Status.FAILED]


def test_what_is_said_of_the_number_of_parameters_adds_up() -> None:
    """Biases that a batch norm cancels are no surplus, and do not make up for what is missing."""
    source = changed(RESBLOCK, ("bias=False", "bias=True"), ("nn.BatchNorm2d(out_channels)", NOT_AFFINE))
    check = next(check for check in judge(source, "resblock").checks if check.id == "parameters")
    assert isinstance(check.actual, int)
    assert isinstance(check.expected, int)
    assert check.actual < check.expected
    assert "only yours has" not in check.message


def test_a_bias_elsewhere_is_not_taken_for_a_redundant_one() -> None:
    """There are as many parameters as with a redundant bias in front of a norm: compared with that, conv1 would be it
    that differs."""
    report = judge(
        changed(PREACT, ("out_channels, 3, stride=1, padding=1, bias=False", "out_channels, 3, stride=1, padding=1")),
        "preact",
    )
    assert ["preact-bias"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert "conv1" not in str([check.message for check in report.checks])


FUSED = """
import torch
from torch import nn
import torch.nn.functional as F


class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.stride = stride
        self.conv1, self.norm1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1), nn.BatchNorm2d(out_channels)
        self.conv2, self.norm2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels)
        self.projection = None
        if (in_channels, stride) != (out_channels, 1):
            self.projection, self.norm3 = nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)

    def forward(self, x):
        if self.projection is None:
            y, z = self.conv1(x), x
        else:
            weight = torch.cat([self.conv1.weight, F.pad(self.projection.weight, (1, 1, 1, 1))])
            bias = torch.cat([self.conv1.bias, self.projection.bias])
            y, z = F.conv2d(x, weight, bias, stride=self.stride, padding=1).chunk(2, 1)
            z = self.norm3(z)
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(y)))) + z)
"""


def test_biases_of_which_it_is_not_known_whose_they_are_accuse_nobody() -> None:
    report = judge(FUSED, "resblock")
    assert [] == report.diagnoses
    assert [] == [check.message for check in report.checks if check.status is Status.FAILED]


def test_the_input_is_told_that_a_module_does_not_take() -> None:
    """A student who runs the call with the size that the case declares sees nothing."""
    source = changed(
        RESBLOCK, ("identity = self.shortcut(x)", "identity = self.shortcut(x)\n        assert len(x) != 1")
    )
    check = next(check for check in judge(source, "resblock").checks if check.id == "shape")
    assert "AssertionError. The input was 1×8×" in check.message


def test_values_are_shown_that_differ() -> None:
    """The first ones of a block that ends in a ReLU may all be zero."""
    half = "return torch.cat([out[..., :4], 2 * out[..., 4:]], -1)"
    source = changed(RESBLOCK, ("return F.relu(out + identity)", f"out = F.relu(out + identity)\n        {half}"))
    check = next(check for check in judge(source, "resblock").checks if check.id == "gradient")
    assert isinstance(check.actual, list)
    assert check.actual != check.expected


def test_a_stride_without_a_default_costs_one_check() -> None:
    """All that works when it is given is right; that it must be given is told."""
    report = judge(changed(RESBLOCK, ("out_channels, stride=1):", "out_channels, stride):")), "resblock")
    assert ["shape"] == [check.id for check in report.checks if check.status is Status.FAILED]
    assert 30 == report.score
    assert "write `stride=1`" in report.diagnoses[0].message


ON_BOTH_SIDES = "(0, 0, 0, 0, self.more // 2, self.more - self.more // 2)"
OPTION_A = changed(
    PADDED,
    ("PaddedBlock", "PaddingBlock"),
    ("        x = x[:, :, :: self.stride, :: self.stride]\n", "        step = self.stride\n        PIXELS\n"),
    ("F.pad(x, (0, 0, 0, 0, {}))", "F.pad(x, (0, 0, 0, 0, 0, self.more))"),
)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        ("x = x[:, :, ::step, ::step]", ""),
        ("x = x[:, :, ::2, ::2] if self.more or step != 1 else x", "always takes every second pixel"),
        (
            "x = x[:, :, ::step, ::step] if self.more else x",
            "With a stride and equal channels the shortcut is x itself",
        ),
        (
            "x, self.more = (x[:, :, ::step, ::step], self.more) if step != 1 else (x, 0)",
            "With stride 1 and more channels",
        ),
        ("x = F.max_pool2d(x, step, ceil_mode=True)", "changes the resolution by pooling"),
        ("x = x[:, :, : out.shape[2], : out.shape[3]]", "a corner of the map"),
        (
            f"return F.relu(out + F.pad(x[:, :, : out.shape[2], : out.shape[3]], {ON_BOTH_SIDES}))",
            "a corner of the map",
        ),
        (f"return F.relu(out + F.pad(x[:, :, ::step, ::step], {ON_BOTH_SIDES}, value=1.0))", "shortcut are ones"),
        (
            f"return F.relu(out + self.bn2(F.pad(x[:, :, ::step, ::step], {ON_BOTH_SIDES})) if self.more or step > 1 else out + x)",
            "through a batch norm of the branch",
        ),
    ],
)
def test_what_is_wrong_about_option_a_is_said(pixels: str, said: str) -> None:
    """Whether it raises or not; it costs once."""
    report = judge_against(changed(OPTION_A, ("PIXELS", pixels)), *shipped("projection-shortcut", "option-a"))
    assert report.correct is not bool(said)
    assert [said] == [said for diagnosis in report.diagnoses if said in diagnosis.message] or not said
    lost = [check.max_score for check in report.checks if not check.score]
    assert len(lost) == bool(said)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_a_reduction_that_the_gate_ignores_is_named_where_it_leaves_no_channels() -> None:
    """`SELayer(channels)` beside `def __init__(self, channels, reduction=16)`: of eight channels none are left."""
    report = judge(changed(SE, ("out_channels // reduction", "out_channels // 16")), "se")
    assert ["se-wrong-reduction"] == [diagnosis.mistake for diagnosis in report.diagnoses]


IN_ONE_BRANCH = {
    "no ReLU where the shortcut is the identity": (
        changed(RESBLOCK, (RETURN, "return out + x if len(self.shortcut) == 0 else F.relu(out + identity)")),
        "resblock",
        "final-relu-missing",
        "ResBlock(8, 8, 1)",
    ),
    "no ReLU where there is a projection": (
        changed(BOTTLENECK, (RETURN, "return F.relu(out + x) if len(self.shortcut) == 0 else out + identity")),
        "bottleneck",
        "final-relu-missing",
        "Bottleneck(16, 32, 2)",
    ),
    "a ReLU on the sum where there is a projection": (
        changed(PREACT, ("return out + identity", "return out + identity if self.shortcut is None else F.relu(out + identity)")),
        "preact",
        "relu-after-add",
        "PreActBlock(8, 12, 1)",
    ),
    "the sum is a difference where there is a projection": (
        changed(RESBLOCK, (RETURN, "return F.relu(out + x) if len(self.shortcut) == 0 else F.relu(out - identity)")),
        "resblock",
        "shortcut-subtracted",
        "ResBlock(8, 16, 2)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "exercise", "mistake", "call"), IN_ONE_BRANCH.values(), ids=list(IN_ONE_BRANCH))
def test_a_mistake_in_one_branch_of_an_if_is_replayed_there(
    source: str, exercise: str, mistake: str, call: str
) -> None:
    """It is said where it is made, and costs one check."""
    report = judge(source, exercise)
    named = {each.mistake: each.message for each in report.diagnoses}
    assert list(named) == [mistake]
    assert f"Not in all cases, but in {call}:" in named[mistake]
    lost = [check.id for check in report.checks if check.score < check.max_score]
    assert len(lost) == 1


def test_a_layer_that_is_never_used_costs_once() -> None:
    """In the block and in the network that is made of it; another mistake beside it costs as well."""
    made = "        self.shortcut = nn.Sequential()\n"
    unused = changed(RESBLOCK, (made, f"        self.conv3 = nn.Conv2d(8, 8, 3)\n{made}"))
    reports = judge_all(changed(NETWORK, (RESBLOCK, unused)))
    assert [each.mistake for each in reports["resblock"].diagnoses] == ["layer-unused"]
    assert [check.score for check in reports["resblock"].checks] == [10, 0, 10, 10]
    assert reports["network"].correct
    both = judge(changed(unused, (RETURN, "return out + identity")), "resblock")
    assert {each.mistake for each in both.diagnoses} == {"layer-unused", "final-relu-missing"}
    assert both.score == 20


PATHS = """
import torch.nn.functional as F
from torch import nn


class ResNeXtBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, cardinality=32):
        super().__init__()
        part = out_channels // 2 // cardinality
        self.paths = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(in_channels, part, 1, bias=False), nn.BatchNorm2d(part), nn.ReLU(),
                nn.Conv2d(part, part, 3, stride, padding=1, bias=False), nn.BatchNorm2d(part), nn.ReLU(),
                nn.Conv2d(part, out_channels, 1, bias=False),
            )
            for _ in range(cardinality)
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        return F.relu(self.bn(sum(path(x) for path in self.paths)) + self.shortcut(x))
"""
IN_EVERY_PATH = {
    "bn-missing": (("1, bias=False), nn.BatchNorm2d(part)", "1, bias=False)"),),
    "inner-relu-missing": (("padding=1, bias=False), nn.BatchNorm2d(part), nn.ReLU()", "padding=1, bias=False), nn.BatchNorm2d(part)"),),
    "wrong-stride-layer": (("part, 1, bias", "part, 1, stride, bias"), ("part, 3, stride", "part, 3, 1")),
    "wrong-kernel": (("3, stride, padding=1", "1, stride"),),
    "bn-without-affine": (("self.bn = nn.BatchNorm2d(out_channels", "self.bn = nn.BatchNorm2d(out_channels, affine=False"),),
    "wrong-order": (
        ("part, out_channels, 1, bias=False)", "part, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)"),
        ("        self.bn = nn.BatchNorm2d(out_channels)\n", ""),
        ("self.bn(sum(path(x) for path in self.paths))", "sum(path(x) for path in self.paths)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", IN_EVERY_PATH)
def test_a_mistake_in_every_path_of_a_block_is_replayed(mistake: str) -> None:
    """A block of several paths has each of its layers several times."""
    resnext = shipped("resnext", "resnext")
    assert judge_against(PATHS, *resnext).correct
    report = judge_against(changed(PATHS, *IN_EVERY_PATH[mistake]), *resnext)
    assert mistake in " ".join(f"{each.mistake} {each.message}" for each in report.diagnoses)
    assert report.score == 30


def test_a_sum_of_equal_shapes_that_raises_is_not_said_to_be_one_of_others() -> None:
    whole = "out = torch.zeros_like(out, dtype=torch.long).add_(out)\n        return F.relu(out + identity)"
    report = judge(changed(RESBLOCK, ("return F.relu(out + identity)", whole)), "resblock")
    said = " ".join(check.message for check in report.checks)
    assert "can't be cast" in said
    assert "cannot be combined" not in said


def test_of_equal_causes_the_one_that_does_the_same_in_all_blocks_is_named() -> None:
    """A block for one number of channels has no `in_channels != out_channels` that a projection could stand under."""
    source = """
import torch.nn.functional as F
from torch import nn


class ResBlock(nn.Module):
    def __init__(self, channels, stride=1):
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x):
        return x + self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
"""
    report = judge_against(source, *shipped("hackathon-5", "resblock"))
    assert [diagnosis.mistake for diagnosis in report.diagnoses] == ["projection-missing"]


@pytest.mark.parametrize("kept", ["self.kept is None", "self.kept is None or self.kept.shape != out.shape"])
def test_what_an_earlier_call_left_is_the_only_cause_of_its_exception(kept: str) -> None:
    """No operation in place, and no shapes that do not fit: the grader sets weights anew between two calls, and a
    result that is kept was computed by those before."""
    source = changed(
        RESBLOCK,
        ("identity = self.shortcut(x)\n", f"identity = self.kept = self.shortcut(x) if {kept} else self.kept\n"),
        (
            "        self.shortcut = nn.Sequential()\n",
            "        self.kept = None\n        self.shortcut = nn.Sequential()\n",
        ),
    )
    report = judge(source, "resblock")
    assert [diagnosis.mistake for diagnosis in report.diagnoses] == ["state-kept"]


def test_gradients_that_are_missing_for_an_image_alone_are_told_so() -> None:
    """A checkpoint of the old kind hands no gradient to the weights where the input needs none."""
    detached = "out = F.relu(self.bn1(self.conv1(x)))\n        out = out if x.requires_grad else out.detach()"
    report = judge(changed(RESBLOCK, ("out = F.relu(self.bn1(self.conv1(x)))", detached)), "resblock")
    assert [diagnosis.mistake for diagnosis in report.diagnoses] == ["gradient-altered"]
    assert "where the input needs no gradient" in report.diagnoses[0].message


def test_a_factor_of_nearly_one_is_not_said_to_be_one() -> None:
    """In few digits it would be."""
    report = judge(changed(RESBLOCK, ("out + identity", "out + (1 - 1e-7) * identity")), "resblock")
    assert "F(x) + 0.9999999·x instead" in report.diagnoses[0].message
    assert "x · 0.9999999" in report.formula
