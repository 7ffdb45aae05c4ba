"""Right blocks as people write them who come from other libraries and other habits. Each was once accused, left
unjudged, or given a false reason."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

from pathlib import Path

import pytest
from judging import judge
from walls import graded, grading

from grader.mistakes import _search
from grader.mistakes._hypotheses import Explanation, Hypotheses, Seen
from grader.mistakes._mistake import RESBLOCK, changed
from grader.mistakes.network import NETWORK
from grader.verdict import ExerciseReport, Report, Status

pytestmark = pytest.mark.heavy

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
ADD = "return F.relu(out + identity)"
FIRST = "        out = F.relu(self.bn1(self.conv1(x)))\n"

KERAS = f"""{HEAD}
class Conv(nn.Module):
    # the kernel as Keras and JAX keep it: height × width × in × out
    def __init__(self, i, o, k, stride=1):
        super().__init__()
        self.kernel, self.stride = nn.Parameter(nn.init.xavier_uniform_(torch.empty(k, k, i, o))), stride

    def forward(self, x):
        return F.conv2d(x, self.kernel.permute(3, 2, 0, 1), stride=self.stride, padding=self.kernel.shape[0] // 2)


class ResBlock(nn.Module):
    def __init__(self, i, o, stride=1):
        super().__init__()
        self.f = nn.Sequential(Conv(i, o, 3, stride), nn.BatchNorm2d(o), nn.ReLU(), Conv(o, o, 3), nn.BatchNorm2d(o))
        self.g = nn.Sequential() if i == o and stride == 1 else nn.Sequential(Conv(i, o, 1, stride), nn.BatchNorm2d(o))

    def forward(self, x):
        return F.relu(self.f(x) + self.g(x))
"""
# Outputs first, and the channels behind.
CHANNELS_BEHIND = (
    KERAS.replace("torch.empty(k, k, i, o)", "torch.empty(o, k, k, i)")
    .replace("permute(3, 2, 0, 1)", "movedim(-1, 1)")
    .replace("self.kernel.shape[0] // 2", "self.kernel.shape[1] // 2")
)

# Patches cut by hand, the channels of each position side by side, and a matrix for them: im2col with channels last.
PATCHES = f"""{HEAD}
class Conv(nn.Module):
    def __init__(self, i, o, stride=1):
        super().__init__()
        self.w, self.s = nn.Parameter(torch.randn(9 * i, o) * 0.1), stride

    def forward(self, x):
        x = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        patches = x.unfold(1, 3, self.s).unfold(2, 3, self.s).permute(0, 1, 2, 4, 5, 3)
        return (patches.flatten(3) @ self.w).permute(0, 3, 1, 2)


class ResBlock(nn.Module):
    def __init__(self, i, o, stride=1):
        super().__init__()
        self.f = nn.Sequential(Conv(i, o, stride), nn.BatchNorm2d(o), nn.ReLU(), Conv(o, o), nn.BatchNorm2d(o))
        self.g = nn.Sequential()
        if i != o or stride != 1:
            self.g = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        return F.relu(self.f(x) + self.g(x))
"""
# Each group's weights in a matrix of its own: groups × outputs × inputs of each output.
GROUPED = f"""{HEAD}
class Grouped(nn.Module):
    def __init__(self, c, g, stride):
        super().__init__()
        self.g, self.s, self.weight = g, stride, nn.Parameter(torch.randn(g, c // g, 9 * c // g) * 0.1)

    def forward(self, x):
        n, c, h, w = x.shape
        h, w = (h - 1) // self.s + 1, (w - 1) // self.s + 1
        patches = F.unfold(x, 3, padding=1, stride=self.s).view(n, self.g, -1, h * w)
        return torch.einsum("goc,ngcl->ngol", self.weight, patches).reshape(n, c, h, w)


class ResNeXtBlock(nn.Module):
    def __init__(self, i, o, stride=1, cardinality=32):
        super().__init__()
        w = o // 2
        self.f = nn.Sequential(
            nn.Conv2d(i, w, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU(),
            Grouped(w, cardinality, stride), nn.BatchNorm2d(w), nn.ReLU(),
            nn.Conv2d(w, o, 1, bias=False), nn.BatchNorm2d(o),
        )
        self.g = nn.Sequential()
        if i != o or stride != 1:
            self.g = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        return F.relu(self.f(x) + self.g(x))
"""
SCRIPTED = (
    changed(RESBLOCK, ("class ResBlock", "class Block"))
    + """
def ResBlock(in_channels, out_channels, stride=1):
    return torch.jit.script(Block(in_channels, out_channels, stride))
"""
)
SCRIPTED_PART = changed(
    RESBLOCK,
    (
        "        self.shortcut = nn.Sequential()\n",
        "        self.conv2 = torch.jit.script(self.conv2)\n        self.shortcut = nn.Sequential()\n",
    ),
)
DOUBLE = changed(
    RESBLOCK,
    ("    def forward(self, x):\n", "        self.double()\n\n    def forward(self, x):\n        x = x.double()\n"),
)
AUTOCAST = changed(RESBLOCK, ("    def forward(self, x):\n", '    @torch.autocast("cpu")\n    def forward(self, x):\n'))
ON_THE_DEVICE = changed(
    RESBLOCK,
    (
        FIRST,
        "        with torch.autocast(device_type=x.device.type, dtype=torch.bfloat16):\n            out = F.relu(self.bn1(self.conv1(x)))\n",
    ),
)
WRITTEN = (
    HEAD,
    "%%writefile blocks/parts.py\nfrom torch import nn\n\n\ndef conv(i, o, k, s=1):\n    return nn.Conv2d(i, o, k, s, k // 2, bias=False)\n",
    "%%writefile blocks/residual.py\nfrom .parts import conv\n"
    + changed(
        RESBLOCK,
        (
            "nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)",
            "conv(in_channels, out_channels, 3, stride)",
        ),
    ),
    "from blocks.residual import ResBlock\nimport blocks.residual\n\nprint(blocks.residual.ResBlock(3, 8))",
)
# In evaluation mode the batch norms are folded into the convolutions, as one does before a network is used.
FOLDED = f"""{HEAD}
class ResBlock(nn.Module):
    def __init__(self, i, o, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o)
        self.conv3, self.bn3 = (nn.Conv2d(i, o, 1, stride), nn.BatchNorm2d(o)) if i != o or stride != 1 else (None, None)

    def layer(self, conv, bn, x):
        if self.training:
            return bn(conv(x))
        scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        bias = (conv.bias - bn.running_mean) * scale + bn.bias
        return F.conv2d(x, conv.weight * scale[:, None, None, None], bias, conv.stride, conv.padding)

    def forward(self, x):
        y = self.layer(self.conv2, self.bn2, F.relu(self.layer(self.conv1, self.bn1, x)))
        return F.relu(y + (x if self.conv3 is None else self.layer(self.conv3, self.bn3, x)))
"""
# As "Dive into Deep Learning" adds methods to a class in later cells.
ADDED_TO_CLASS = (
    HEAD
    + """
def add_to_class(Class):
    def wrapper(obj):
        setattr(Class, obj.__name__, obj)
    return wrapper
""",
    RESBLOCK[: RESBLOCK.index("    def forward")],
    "@add_to_class(ResBlock)\ndef forward(self, x):\n"
    + RESBLOCK[RESBLOCK.index(FIRST) :].replace("\n        ", "\n    ")[4:],
)
# Batch norm as "Dive into Deep Learning" writes it: whether gradients are recorded stands for the mode.
BY_GRADIENTS = f"""{HEAD}
class BatchNorm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(1, c, 1, 1)), nn.Parameter(torch.zeros(1, c, 1, 1))
        self.moving_mean, self.moving_var = torch.zeros(1, c, 1, 1), torch.ones(1, c, 1, 1)

    def forward(self, x):
        if not torch.is_grad_enabled():
            x_hat = (x - self.moving_mean) / torch.sqrt(self.moving_var + 1e-5)
        else:
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
            x_hat = (x - mean) / torch.sqrt(var + 1e-5)
            self.moving_mean = (0.9 * self.moving_mean + 0.1 * mean).data
            self.moving_var = (0.9 * self.moving_var + 0.1 * var).data
        return self.gamma * x_hat + self.beta
""" + changed(RESBLOCK, ("nn.BatchNorm2d", "BatchNorm"), ("bias=False", "bias=True"))


def assert_right(report: ExerciseReport) -> None:
    assert [] == [(check.id, check.message) for check in report.checks if check.status is not Status.PASSED]
    assert [] == report.diagnoses


def of(report: Report, exercise: str) -> ExerciseReport:
    return next(each for each in report.exercises if each.id == exercise)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(KERAS, id="kernels as in Keras"),
        pytest.param(CHANNELS_BEHIND, id="kernels with the channels behind"),
        pytest.param(PATCHES, id="patches cut by hand"),
        pytest.param(DOUBLE, id="float64 throughout"),
        pytest.param(FOLDED, id="batch norms folded in evaluation mode"),
    ],
)
def test_how_a_block_is_kept_does_not_matter(source: str) -> None:
    """In which order the dimensions of a weight stand, in which precision it computes, what it folds into what."""
    assert_right(judge(source, "resblock"))


def test_a_kernel_in_another_order_hides_no_mistake() -> None:
    """It is compared like any other."""
    wrong = judge(KERAS.replace("self.f(x) + self.g(x)", "self.f(x) - self.g(x)"), "resblock")
    assert "shortcut-subtracted" in [diagnosis.mistake for diagnosis in wrong.diagnoses]
    assert not judge(PATCHES.replace("self.f(x) + self.g(x)", "self.f(x) - self.g(x)"), "resblock").correct
    assert not judge(PATCHES.replace("permute(0, 1, 2, 4, 5, 3)", "permute(0, 1, 2, 5, 4, 3)"), "resblock").correct


def test_real_use_in_float32_stays_so() -> None:
    """Only its input in float64: that raises, for the layers are not."""
    report = judge(changed(DOUBLE, ("        self.double()\n\n", "\n")), "resblock")
    assert not report.correct


def test_the_parameters_of_a_group_may_stand_in_a_matrix_of_their_own(tmp_path: Path) -> None:
    """Groups × outputs × inputs, as one writes a grouped convolution by einsum."""
    with grading(assignment="resnext") as grader:
        assert_right(of(graded(grader, tmp_path, GROUPED), "resnext"))


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param((SCRIPTED,), id="torch.jit.script"),  # whose warning would be an error in this process
        pytest.param((SCRIPTED_PART,), id="one layer scripted"),
        pytest.param((AUTOCAST,), id="autocast for the CPU"),
        pytest.param((ON_THE_DEVICE,), id="autocast where the input is"),
        pytest.param(WRITTEN, id="modules written to files"),
        pytest.param(ADDED_TO_CLASS, id="methods added in later cells"),
    ],
)
def test_what_a_notebook_does_around_a_block_does_not_matter(cells: tuple[str, ...], tmp_path: Path) -> None:
    """Scripting, fewer digits on some machines, and files from which the block is imported."""
    with grading() as grader:
        report = graded(grader, tmp_path, *cells)
    assert_right(of(report, "resblock"))


def test_a_mistake_in_a_written_file_is_located_in_its_cell(tmp_path: Path) -> None:
    """The file's first line is the cell's second one."""
    with grading() as grader:
        written = "%%writefile block.py" + changed(RESBLOCK, (ADD, "return F.relu(out * identity)"))
        report = graded(grader, tmp_path, written, "from block import ResBlock")
    found = of(report, "resblock").diagnoses[0]
    line = RESBLOCK.splitlines().index("        " + ADD) + 1
    assert ("shortcut-multiplied", 1, line) == (found.mistake, found.cell, found.line)


@pytest.mark.parametrize("file", ["block.py", "my-block.py", "models/class.py"])
def test_what_is_written_to_a_file_and_not_imported_is_there(file: str, tmp_path: Path) -> None:
    """It was handed in; that no cell imports it is said."""
    with grading() as grader:
        report = graded(grader, tmp_path, f"%%writefile {file}{RESBLOCK}")
    assert_right(of(report, "resblock"))
    assert [f"ResBlock was taken from {file}, which a cell writes and none imports."] == [
        repair for repair in report.repairs if "taken" in repair
    ]


def test_a_notebook_that_goes_to_another_folder_keeps_its_files(tmp_path: Path) -> None:
    """They are called as they were when they were written."""
    moves = "%%writefile helper.py\nimport os\n\nos.makedirs('sub', exist_ok=True)\nos.chdir('sub')\n"
    with grading() as grader:
        report = graded(grader, tmp_path, f"%%writefile block.py{RESBLOCK}", moves, "import helper")
    assert_right(of(report, "resblock"))
    assert "ResBlock was taken from block.py, which a cell writes and none imports." in report.repairs


def test_what_cannot_be_imported_from_a_written_file_is_said(tmp_path: Path) -> None:
    """As of any other import that failed."""
    with grading() as grader:
        report = graded(grader, tmp_path, f"%%writefile block.py{RESBLOCK}\nresult = 1 / 0\n")
    shape = next(check for check in of(report, "resblock").checks if check.id == "shape")
    assert (Status.FAILED, 1) == (shape.status, shape.cell)
    assert "ZeroDivisionError" in shape.message


def test_what_asks_for_gradients_keeps_nothing() -> None:
    """A batch norm whose mode is whether gradients are recorded: its parameters are counted, no state is claimed, and
    what cannot be compared is left to a human."""
    report = judge(BY_GRADIENTS, "resblock")
    assert [] == report.diagnoses
    status = {check.id: check.status for check in report.checks}
    assert Status.PASSED is status["parameters"]
    gradient = next(check for check in report.checks if check.id == "gradient")
    assert Status.SKIPPED is gradient.status
    assert "which parameter is for what" in gradient.message


NETWORK_WITH_DROPOUT = NETWORK.replace("nn.Linear(64, num_classes)", "nn.Dropout(0.5), nn.Linear(64, num_classes)")


def test_the_head_of_a_network_may_have_dropout() -> None:
    """The task names average and linear layer; what else stands in front of the logits is the student's choice."""
    assert NETWORK != NETWORK_WITH_DROPOUT
    assert_right(judge(NETWORK_WITH_DROPOUT, "network"))


POOLING = "nn.AdaptiveAvgPool2d"
BETWEEN = {
    "before the average": [(POOLING, "nn.Dropout2d(0.5), " + POOLING)],
    "in place, of a value that no gradient needs": [
        (POOLING, "nn.Conv2d(64, 64, 1), nn.Dropout(0.1, inplace=True), " + POOLING)
    ],
    "of another kind": [(POOLING, "nn.AlphaDropout(0.3), " + POOLING)],
    "between blocks and in the head": [
        ("ResBlock(32, 64, 2),", "nn.Dropout2d(0.1), ResBlock(32, 64, 2), nn.Dropout(0.1),"),
        ("nn.Flatten(),", "nn.Flatten(), nn.Dropout(),"),
    ],
}


@pytest.mark.parametrize("how", BETWEEN)
def test_a_network_may_have_dropout_between_its_blocks(how: str) -> None:
    """The task says nothing of what stands between them; no edge leads around it, so the blocks are what they are."""
    assert_right(judge(changed(NETWORK, *BETWEEN[how]), "network"))


def test_dropout_that_is_always_active_is_a_mistake() -> None:
    """In evaluation mode it must do nothing, between blocks as in the head."""
    always = NETWORK_WITH_DROPOUT.replace("nn.Dropout(0.5)", "Always()").replace(
        "def build_network",
        "class Always(nn.Module):\n    def forward(self, x):\n        return F.dropout(x, 0.5)\n\n\ndef build_network",
    )
    between = always.replace("Always(), ", "").replace("nn.AdaptiveAvgPool2d", "Always(), nn.AdaptiveAvgPool2d")
    for source in (always, between):
        assert NETWORK_WITH_DROPOUT != source
        assert "dropout-added" in [diagnosis.mistake for diagnosis in judge(source, "network").diagnoses]


def test_a_search_among_many_parts_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs that are planted only to see which parts they have are counted as well: of a ResNeXt block whose weights
    could not be told they took minutes."""
    split = changed(
        RESBLOCK,
        ("F.relu(self.bn1(self.conv1(x)))", "F.relu(self.bn1(torch.cat([self.conv1(x), self.more(x)], 1)))"),
        (
            "        self.conv1 = nn.Conv2d(in_channels, out_channels, 3,",
            "        half = out_channels // 2\n"
            "        self.more = nn.Conv2d(in_channels, out_channels - half, 3, stride=stride, padding=1, bias=False)\n"
            "        self.conv1 = nn.Conv2d(in_channels, half, 3,",
        ),
    )
    planted: list[object] = []
    has_parts = Hypotheses.has_parts

    def counted(self: Hypotheses, variant: int, pair: Explanation, seen: Seen) -> bool:
        planted.append(pair)
        return has_parts(self, variant, pair, seen)

    monkeypatch.setattr(Hypotheses, "has_parts", counted)
    monkeypatch.setattr(_search, "MOST_PLANTED", 1)
    report = judge(split, "resblock")
    assert [] == report.diagnoses
    assert 0 < len(planted) <= 500  # behind one first mistake
