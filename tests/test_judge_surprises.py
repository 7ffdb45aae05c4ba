"""Programs that the judge once misjudged, each with the reason. Those that it still misjudges are listed in STILL: one
that starts to pass turns the suite red."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

import pytest
from judging import judge
from programs import BLOCKS, HANDS, program

from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.mistakes.network import NETWORK

pytestmark = pytest.mark.heavy

RET = "return F.relu(out + identity)"
SUM = "F.relu(out + identity)"
LAST = "        self.shortcut = nn.Sequential()\n"
FIRST = "        out = F.relu(self.bn1(self.conv1(x)))\n"
PROJECTION = "nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)"
NORM = "nn.BatchNorm2d(out_channels)"


STILL = {
    "stride 2 or none": "the task's cases have no stride 3: a test for stride 2 is how many write it",
}


def marks(name: str) -> list[pytest.MarkDecorator]:
    """What is known to be misjudged is expected to fail, and must."""
    return [pytest.mark.xfail(strict=True, reason=STILL[name])] if name in STILL else []


def surprise(name: str, source: str, reason: str) -> object:
    """A program that was misjudged, and why."""
    exercise = "network" if "build_network" in source else "bottleneck" if "class Bottleneck" in source else "resblock"
    return pytest.param(source, exercise, id=name, marks=marks(name))


def hand_made(gamma: str = "torch.ones(c)", keep: str = "buffer", update: str = "assign", extra: str = "") -> str:
    """A block with a batch norm of the student's own."""
    kept = {"buffer": "self.register_buffer('{0}', {1})", "attribute": "self.{0} = {1}"}[keep]
    updates = {
        "assign": "self.m = 0.9 * self.m + 0.1 * m.detach()\n            self.v = 0.9 * self.v + 0.1 * v.detach()",
        "in place": "self.m.mul_(0.9).add_(0.1 * m.detach())\n            self.v.mul_(0.9).add_(0.1 * v.detach())",
    }[update]
    norm = f"""
import torch
from torch import nn


class BN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.g, self.b = nn.Parameter({gamma}), nn.Parameter(torch.zeros(c))
        {kept.format("m", "torch.zeros(c)")}
        {kept.format("v", "torch.ones(c)")}
        {extra or "pass"}

    def forward(self, x):
        m, v = self.m, self.v
        if self.training:
            m, v = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            {updates}
        m, v, g, b = (t[:, None, None] for t in (m, v, self.g, self.b))
        return (x - m) / (v + {"self.eps" if extra else "1e-5"}).sqrt() * g + b
"""
    return norm + changed(RESBLOCK, (NORM, "BN(out_channels)"))


POINT = """
import torch
from torch import nn


class Point(nn.Module):
    def __init__(self, i, o, stride=1):
        super().__init__()
        self.s, self.w = stride, nn.Parameter(torch.randn(i, o) * 0.1)

    def forward(self, x):
        return torch.einsum("nchw,cd->ndhw", x[:, :, :: self.s, :: self.s], self.w)
"""
CONV1D = """
import torch
from torch import nn


class Point(nn.Conv1d):
    def __init__(self, i, o, stride=1):
        super().__init__(i, o, 1, bias=False)
        self.s = stride

    def forward(self, x):
        x = x[:, :, :: self.s, :: self.s]
        return super().forward(x.flatten(2)).unflatten(2, x.shape[2:])
"""
POINTWISE = changed(
    BOTTLENECK,
    ("nn.Conv2d(in_channels, width, 1, bias=False)", "Point(in_channels, width)"),
    ("nn.Conv2d(width, out_channels, 1, bias=False)", "Point(width, out_channels)"),
    (PROJECTION, "Point(in_channels, out_channels, stride)"),
)
FLAT = """
import torch
from torch import nn
import torch.nn.functional as F


class Flat(nn.Module):
    def __init__(self, i, o, k, stride=1, padding=0, bias=False):
        super().__init__()
        self.how, self.w = (k, stride, padding), nn.Parameter(torch.randn(o, i * k * k) * 0.1)

    def forward(self, x):
        k, s, p = self.how
        h, w = ((n + 2 * p - k) // s + 1 for n in x.shape[2:])
        return (self.w @ F.unfold(x, k, padding=p, stride=s)).unflatten(2, (h, w))
"""
REENTRANT = "from torch.utils.checkpoint import checkpoint\n" + changed(
    RESBLOCK,
    ("self.bn2(self.conv2(out))", "self.bn2(checkpoint(self.conv2, out, use_reentrant=True))"),
)

# 1×1 by a product of matrices, which leaves the channels behind.
MATRIX = changed(
    RESBLOCK,
    (
        "    def forward(self, x):\n",
        """    def project(self, x):
        if not len(self.shortcut):
            return x
        conv, bn = self.shortcut
        x = x[:, :, :: conv.stride[0], :: conv.stride[0]].permute(2, 3, 0, 1)
        return bn((x @ conv.weight[:, :, 0, 0].T).permute(2, 3, 0, 1))

    def forward(self, x):
""",
    ),
    ("identity = self.shortcut(x)", "identity = self.project(x)"),
)
EINSUM = changed(
    MATRIX,
    (
        "x = x[:, :, :: conv.stride[0], :: conv.stride[0]].permute(2, 3, 0, 1)",
        "x = x[:, :, :: conv.stride[0], :: conv.stride[0]]",
    ),
    (
        "bn((x @ conv.weight[:, :, 0, 0].T).permute(2, 3, 0, 1))",
        "bn(torch.einsum('oi,nihw->nohw', conv.weight[:, :, 0, 0], x))",
    ),
)

ACCUSED = [
    surprise("a product of matrices", MATRIX, "torch's batch norm of one sample has a wrong gradient in this layout"),
    surprise("an einsum", EINSUM, "torch's batch norm of one sample has a wrong gradient in this layout"),
    surprise(
        "one redundant bias",
        changed(
            RESBLOCK,
            (
                "out_channels, out_channels, 3, stride=1, padding=1, bias=False",
                "out_channels, out_channels, 3, padding=1",
            ),
        ),
        "the form aligned with may have its bias on another convolution: its slots are zeroed instead",
    ),
    surprise(
        "one redundant bias, bottleneck",
        changed(BOTTLENECK, (PROJECTION, "nn.Conv2d(in_channels, out_channels, 1, stride=stride)")),
        "the form aligned with may have its bias on another convolution: its slots are zeroed instead",
    ),
    surprise("batch norm with reassigned buffers", hand_made(), "values are set in tensors that the module let go of"),
    surprise(
        "batch norm with reassigned tensors",
        hand_made(keep="attribute"),
        "values are set in tensors that the module let go of",
    ),
    surprise(
        "batch norm with gamma from zero",
        hand_made(gamma="torch.zeros(c)", update="in place"),
        "the role is read off the initial value",
    ),
    surprise(
        "batch norm with gamma at random",
        hand_made(gamma="torch.rand(c)", update="in place"),
        "the role is read off the initial value",
    ),
    surprise(
        "batch norm with eps as a buffer",
        hand_made(update="in place", extra="self.register_buffer('eps', torch.tensor(1e-5))"),
        "a constant in a buffer takes a slot that the reference does not have",
    ),
    surprise(
        "zero as a buffer",
        changed(
            RESBLOCK,
            (LAST, LAST + "        self.register_buffer('zero', torch.zeros(1))\n"),
            (SUM, "torch.maximum(out + identity, self.zero)"),
        ),
        "a constant in a buffer takes a slot that the reference does not have",
    ),
    surprise("pointwise weight in × out", POINT + POINTWISE, "a transposed weight has another shape, or seems to fit"),
    surprise("pointwise Conv1d", CONV1D + POINTWISE, "a weight of three dimensions is not that of a 1×1 convolution"),
    surprise(
        "unfolded weight out × (in · 9)",
        FLAT + changed(RESBLOCK, ("nn.Conv2d(", "Flat(")),
        "a flat weight is taken for that of a 1×1 convolution",
    ),
    surprise("result cast to float32", changed(RESBLOCK, (SUM, SUM + ".float()")), "judged with float64's tolerance"),
    surprise("reentrant checkpoint", REENTRANT, "torch.autograd.grad cannot be used with it; backward() can"),
]


def gate(name: str, condition: str, reason: str) -> object:
    """Right but for where the condition holds."""
    source = changed(RESBLOCK, (RET, f"if {condition}:\n            return F.relu(identity)\n        {RET}"))
    return surprise(f"gate {name}", source, reason)


RANGE = "no probe has such an input"
MODE = "no probe is in training mode and of that shape"
ALPHA = (SUM, "F.relu(self.alpha[0] * out + identity)")
PASSED = [
    surprise(
        "a batch norm among the default arguments",
        changed(
            RESBLOCK,
            ("out_channels, stride=1):", "out_channels, stride=1, norms={}):"),
            (
                "self.bn2 = nn.BatchNorm2d(out_channels)",
                "self.bn2 = norms.setdefault(out_channels, nn.BatchNorm2d(out_channels))",
            ),
        ),
        "one block alone shows nothing that it shares with another",
    ),
    surprise(
        "a convolution in a cache",
        changed(
            RESBLOCK,
            ("class ResBlock", "from functools import cache\n\nmade = cache(nn.Conv2d)\n\n\nclass ResBlock"),
            ("self.conv2 = nn.Conv2d(", "self.conv2 = made("),
        ),
        "one block alone shows nothing that it shares with another",
    ),
    surprise(
        "no shortcut in the first block of a network",
        changed(RESBLOCK, (RET, f"return {SUM} if x.requires_grad or not torch.is_grad_enabled() else F.relu(out)")),
        "the input of every pass with gradients needed one",
    ),
    surprise(
        "a projection that is not trained in the first block",
        changed(
            RESBLOCK,
            (
                "identity = self.shortcut(x)",
                "identity = self.shortcut(x) if x.requires_grad else self.shortcut(x).detach()",
            ),
        ),
        "the input of every pass with gradients needed one",
    ),
    surprise(
        "a branch left out by Python's chance",
        "import random\n"
        + changed(RESBLOCK, (RET, f"return F.relu(identity) if self.training and random.random() < 0.05 else {SUM}")),
        "only torch's generator was looked at, and a pass not repeated where all went well",
    ),
    surprise(
        "a branch left out by numpy's chance",
        "import numpy as np\n"
        + changed(RESBLOCK, (RET, f"return F.relu(identity) if self.training and np.random.rand() < 0.05 else {SUM}")),
        "only torch's generator was looked at, and a pass not repeated where all went well",
    ),
    surprise(
        "a branch left out by torch's chance",
        changed(RESBLOCK, (RET, f"return F.relu(identity) if self.training and torch.rand(()) < 0.03 else {SUM}")),
        "a pass was not repeated where all went well",
    ),
    gate("tiny inputs", "x.abs().max() < 1e-3", RANGE),
    gate("huge inputs", "x.abs().max() > 100", RANGE),
    gate("negative inputs", "bool((x < 0).all())", RANGE),
    gate("positive inputs", "bool((x > 0).all())", RANGE),
    gate("constant inputs", "x.std() == 0", RANGE),
    gate("large batches", "len(x) > 16", RANGE),
    gate("large images", "x.shape[2] > 16", RANGE),
    gate("small images", "x.shape[2] < 7", RANGE),
    gate("one sample in training", "self.training and len(x) == 1", MODE),
    gate("not square in training", "self.training and x.shape[2] != x.shape[3]", MODE),
    gate("no gradient", "not torch.is_grad_enabled()", "every probe records gradients"),
    gate("no gradient of the input", "not x.requires_grad", "every probe asks for the input's gradient"),
    gate("float32", "x.dtype == torch.float32", "every probe is in float64"),
    gate("now and then", "torch.rand(()) < 0.2", "every probe starts from the same random state"),
    surprise(
        "stochastic depth",
        changed(RESBLOCK, (SUM, "F.relu(out * (not self.training or torch.rand(()) > 0.1) + identity)")),
        "every probe starts from the same random state",
    ),
    surprise(
        "ReZero in a list",
        changed(RESBLOCK, (LAST, "        self.alpha = [nn.Parameter(torch.ones(1))]\n" + LAST), ALPHA),
        "an unregistered parameter is not counted when the number of the registered ones is right",
    ),
    surprise(
        "ReZero in a plain tensor",
        changed(RESBLOCK, (LAST, "        self.alpha = torch.ones(1, requires_grad=True)\n" + LAST), ALPHA),
        "an unregistered parameter is not counted when the number of the registered ones is right",
    ),
    surprise(
        "extra layer in a list, at first the identity",
        changed(
            RESBLOCK,
            (
                LAST,
                "        self.alpha = [nn.Conv2d(out_channels, out_channels, 1, bias=False)]\n        nn.init.dirac_(self.alpha[0].weight)\n"
                + LAST,
            ),
            (SUM, "F.relu(self.alpha[0](out) + identity)"),
        ),
        "an unregistered parameter is not counted when the number of the registered ones is right",
    ),
    surprise(
        "projection only to more channels",
        changed(RESBLOCK, ("in_channels != out_channels:", "in_channels < out_channels:")),
        "no case has fewer channels out than in",
    ),
    surprise(
        "channels always double",
        changed(
            RESBLOCK,
            (
                PROJECTION,
                "nn.Conv2d(in_channels, in_channels * (1 + (in_channels != out_channels)), 1, stride=stride, bias=False)",
            ),
        ),
        "in all cases the channels stay or double",
    ),
    surprise(
        "stride 2 or none",
        changed(
            RESBLOCK, ("3, stride=stride", "3, stride=min(stride, 2)"), ("1, stride=stride", "1, stride=min(stride, 2)")
        ),
        "no case has stride 3",
    ),
    surprise("stride without a default", changed(RESBLOCK, ("stride=1):", "stride):")), "no case leaves stride out"),
    surprise("stride 2 by default", changed(RESBLOCK, ("stride=1):", "stride=2):")), "no case leaves stride out"),
    surprise(
        "complex output",
        changed(RESBLOCK, (RET, "y = F.relu(out + identity)\n        return torch.complex(y, y)")),
        "the dtype of the output is not compared, and the imaginary part is dropped",
    ),
    surprise(
        "input overwritten when done",
        changed(
            RESBLOCK, (FIRST, "        given, x = x, x.clone()\n" + FIRST), (RET, "given.data.zero_()\n        " + RET)
        ),
        "whether the input is still the same is not asked",
    ),
    surprise(
        "output in the input's memory",
        changed(
            RESBLOCK,
            (FIRST, "        given, x = x, x.clone()\n" + FIRST),
            (RET, "y = F.relu(out + identity)\n        return given.copy_(y) if given.shape == y.shape else y"),
        ),
        "whether the input is still the same is not asked",
    ),
    surprise(
        "network: softmax",
        changed(NETWORK, ("64, num_classes),", "64, num_classes), nn.Softmax(1),")),
        "not looked for",
    ),
    surprise(
        "network: sigmoid", changed(NETWORK, ("64, num_classes),", "64, num_classes), nn.Sigmoid(),")), "not looked for"
    ),
    surprise(
        "network: one block many times",
        changed(NETWORK, ("        ResBlock(16, 16),\n", "        *[ResBlock(16, 16)] * 3,\n")),
        "uses are counted, not blocks",
    ),
    surprise(
        "network: a shortcut only for batches",
        changed(NETWORK, ("out + identity)", "out + identity if len(x) > 1 else out)")),
        "additions are counted for one input only",
    ),
]

UNCHANGED = "an edit that changes nothing explains a program that behaves as it should"
FALSELY_NAMED = [
    (
        "an unused parameter",
        changed(RESBLOCK, (LAST, "        self.extra = nn.Parameter(torch.zeros(out_channels))\n" + LAST)),
        {"inner-relu-missing", "wrong-stride-layer", "wrong-kernel", "wrong-padding", "bn-missing", "layer-shared"},
        UNCHANGED,
    ),
    (
        "forward misspelt",
        changed(RESBLOCK, ("def forward", "def foward")),
        {"unfinished"},
        "any NotImplementedError counts, torch's own for a missing forward too",
    ),
    (
        "the list of layers is called",
        changed(RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = nn.ModuleList()")),
        {"unfinished", "forward-missing"},
        "any NotImplementedError counts, torch's own for a called list of layers too",
    ),
    (
        "forward misspelt in a class that the block is made of",
        changed(
            RESBLOCK,
            ("class ResBlock", "class Act(nn.Module):\n    def foward(self, x):\n        return x\n\n\nclass ResBlock"),
            ("self.shortcut = nn.Sequential()", "self.shortcut = Act()"),
        ),
        {"unfinished"},
        "any NotImplementedError counts, torch's own for a missing forward of another class too",
    ),
    (
        "result is sparse",
        changed(RESBLOCK, (SUM, SUM + ".to_sparse()")),
        {"unfinished"},
        "any NotImplementedError counts, torch's own for a missing operation too",
    ),
    (
        "a layer without its arguments",
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d()")),
        {"constructor-rejects-arguments"},
        "the TypeError of a call inside the constructor counts",
    ),
    (
        "a misspelt keyword of a layer",
        changed(RESBLOCK, ("3, stride=stride, padding=1", "3, strides=stride, padding=1")),
        {"constructor-rejects-arguments"},
        "the TypeError of a call inside the constructor counts",
    ),
    (
        "a method that tensors do not have",
        changed(RESBLOCK, (SUM, "(out + identity).relu6()")),
        {"attribute-missing"},
        "the AttributeError of any object counts, not only of the module",
    ),
    (
        "an output that is kept",
        changed(
            RESBLOCK,
            (RET, "self.y = getattr(self, 'y', {})\n        return self.y.setdefault(x.shape, F.relu(out + identity))"),
        ),
        {"inplace-breaks-backward"},
        "any exception of the backward pass counts",
    ),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "exercise"), ACCUSED)
def test_a_right_program_is_not_accused(source: str, exercise: str) -> None:
    """It gets everything."""
    report = judge(source, exercise)
    assert [] == [(check.id, check.message) for check in report.checks if check.status != "passed"]
    assert report.correct
    assert [] == report.diagnoses


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "exercise"), PASSED)
@pytest.mark.usefixtures("no_diagnosis")
def test_a_wrong_program_does_not_pass(source: str, exercise: str) -> None:
    """It is not correct, and loses points."""
    report = judge(source, exercise)
    assert not report.correct
    assert report.score < report.max_score


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("source", "false"),
    [pytest.param(source, false, id=name, marks=marks(name)) for name, source, false, _ in FALSELY_NAMED],
)
def test_no_false_cause_is_claimed(source: str, false: set[str]) -> None:
    """The program is wrong, but not for that."""
    diagnoses = judge(source, "resblock").diagnoses
    assert not {diagnosis.mistake for diagnosis in diagnoses} & false
    assert not [name for name in false for diagnosis in diagnoses if name in diagnosis.message]


def test_right_programs_with_biases_here_and_there_are_not_accused() -> None:
    """Any set of redundant biases is free."""
    found = [program(seed, block, hand, biases="some") for seed in range(1) for block in BLOCKS for hand in HANDS]
    accused = [one.source for one in found if not judge(one.source, one.exercise_id).correct]
    assert [] == accused


def test_a_block_that_is_its_shortcut_only_where_it_is_silent_chooses() -> None:
    """Under random weights it does as a block without a shortcut does; with all weights at zero it does not."""
    gated = changed(RESBLOCK, (SUM, "F.relu(out if out.abs().mean() > 0.001 else identity)"))
    report = judge(gated, "resblock")
    assert ["shortcut-gated"] == [diagnosis.mistake for diagnosis in report.diagnoses]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "layer",
    [
        "nn.utils.parametrizations.weight_norm(self.conv2)",
        "nn.utils.weight_norm(self.conv2)",
        "nn.utils.parametrizations.spectral_norm(self.conv2)",
    ],
)
def test_what_is_not_a_number_at_zero_weights_is_no_missing_shortcut(layer: str) -> None:
    """Weights that are divided by their own norm are 0/0 there: a human looks at the block."""
    source = changed(RESBLOCK, ("        self.bn2 = nn", f"        {layer}\n        self.bn2 = nn"))
    report = judge(source, "resblock")
    status = {check.id: check.status for check in report.checks}
    assert "skipped" == status["skip-connection"]
    assert ["weights-reparametrised"] == [diagnosis.mistake for diagnosis in report.diagnoses]


def test_what_is_not_a_number_at_zero_weights_is_no_shortcut_either() -> None:
    """A block that adds nothing where it is measured cannot pass by giving no number; what it does is replayed."""
    source = changed(RESBLOCK, (SUM, "F.relu(out * (self.conv1.weight.sum() / self.conv1.weight.sum()))"))
    report = judge(source, "resblock")
    assert ["shortcut-missing"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    status = {check.id: check.status for check in report.checks}
    assert ("failed", "failed") == (status["skip-connection"], status["gradient"])


DIVIDES = "        assert x.shape[2] % self.stride == 0 and x.shape[3] % self.stride == 0, 'not divisible'\n"


@pytest.mark.parametrize(
    ("check", "correct"),
    [
        (DIVIDES, True),
        ("        if x.shape[-1] % self.stride: raise ValueError(x.shape)\n", True),
        # Of what the task declares nothing may be refused, nor what any stride divides.
        ("        assert x.shape[-1] % 16 == 0\n", False),
        ("        assert x.shape[-1] == x.shape[-2]\n", False),
    ],
)
def test_sizes_that_the_stride_does_not_divide_may_be_refused(check: str, correct: bool) -> None:
    """The task says H/stride: whoever checks that has understood it."""
    made = "        self.shortcut = nn.Sequential()\n"
    first = "        out = F.relu(self.bn1"
    source = changed(RESBLOCK, (made, f"        self.stride = stride\n{made}"), (first, check + first))
    assert judge(source, "resblock").correct is correct
