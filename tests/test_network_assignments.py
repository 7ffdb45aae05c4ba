"""The assignments resnet and cifar-resnet: every number that they ask for, and every wrong one by its mistake."""

from __future__ import annotations

from functools import cache, partial

import pytest
import torch
from judging import DEVICE, examine_source, judge_against
from torch import nn

from grader.assignment import Assignment, ModuleExercise, NetworkExercise, PredictExercise, find_assignment
from grader.blocks import BlockJudge
from grader.exercise import judge_exercise
from grader.judge.examined import RightAnswers
from grader.judge.plan import planned_parameters
from grader.judge.reference import Reference
from reference.cifar import CifarNetwork, cifar_resnet, plain
from reference.cost import multiply_adds, parameters
from reference.projection import ProjectionBlock
from reference.resnet import resnet


@cache
def assignment(name: str) -> Assignment:
    return find_assignment(name)


def question(name: str, exercise_id: str) -> PredictExercise:
    exercise = next(each for each in assignment(name).exercises if each.id == exercise_id)
    assert isinstance(exercise, PredictExercise)
    return exercise


def values(exercise: PredictExercise) -> list[object]:
    """The right value, then the wrong ones."""
    return [exercise.value, *(wrong.value for wrong in exercise.wrong)]


def biases(network: nn.Module) -> int:
    """How many biases the convolutions would have."""
    return sum(layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d))


def statistics(network: nn.Module) -> int:
    """Running means and variances."""
    return sum(buffer.numel() for buffer in network.buffers() if buffer.ndim)


def test_parameters_of_18_layers() -> None:
    """Right; with biases; without the linear layer; with running statistics; without projections."""
    with torch.device("meta"):
        network = resnet(18)
    count = parameters(network)
    projections = sum(p.numel() for name, p in network.named_parameters() if "shortcut" in name)
    expected = [count, count + biases(network), count - 513_000, count + statistics(network), count - projections]
    assert expected == values(question("resnet", "parameters-18"))


def test_parameters_of_50_layers() -> None:
    """Right; with biases; with running statistics; without the linear layer; of the network with 34 layers."""
    with torch.device("meta"):
        network, smaller = resnet(50), resnet(34)
    count = parameters(network)
    head = 2048 * 1000 + 1000
    expected = [count, count + biases(network), count + statistics(network), count - head, parameters(smaller)]
    assert expected == values(question("resnet", "parameters-50"))


def test_multiply_adds_of_both_versions() -> None:
    """v1; v1.5; v1 with a multiplication and an addition counted as two. One percent tells them apart."""
    with torch.device("meta"):
        v1 = multiply_adds(resnet(50, stride_on="1x1"), 3, 224, 224)
        later = multiply_adds(resnet(50, stride_on="3x3"), 3, 224, 224)
    exercise = question("resnet", "work-v1")
    assert [v1, later, 2 * v1] == values(exercise)
    assert exercise.relative * v1 < (later - v1) / 2
    assert 0.055 < later / v1 - 1 < 0.065


def test_parameters_of_the_cifar_networks() -> None:
    """Right; with projections (option B); with biases; with running statistics."""
    with torch.device("meta"):
        network = cifar_resnet(20)
        projected = CifarNetwork(partial(ProjectionBlock, option="B"), 3, 10)
    count = parameters(network)
    expected = [count, parameters(projected), count + biases(network), count + statistics(network)]
    assert expected == values(question("cifar-resnet", "parameters-20"))


def test_shortcuts_of_zeros_cost_nothing() -> None:
    """None; or those of two projections, at any depth."""
    with torch.device("meta"):
        network, without = cifar_resnet(56), plain(56)
        projected = CifarNetwork(partial(ProjectionBlock, option="B"), 9, 10)
    expected = [parameters(network) - parameters(without), parameters(projected) - parameters(without)]
    assert expected == values(question("cifar-resnet", "difference"))


def test_the_plans_are_the_published_networks() -> None:
    """With another number of classes the linear layer is smaller or larger, and nothing else."""
    expected = {
        "resnet": {
            "18 layers, 10 classes": 11_689_512 - 513 * 990,
            "50 layers, 1000 classes": 25_557_032,
            "34 layers": 21_797_672,
            "101 layers": 44_549_160,
            "152 layers": 60_192_808,
        },
        "cifar-resnet": {
            "20 layers, 10 classes": 269_722,
            "32 layers, 100 classes": 464_154 + 65 * 90,
            "110 layers, 10 classes": 1_727_962,
        },
    }
    for name, counts in expected.items():
        exercise = next(each for each in assignment(name).exercises if isinstance(each, NetworkExercise))
        assert counts == planned_parameters(assignment(name), exercise)


def own(name: str, exercise_id: str) -> tuple[ModuleExercise, RightAnswers]:
    """An exercise of a shipped assignment, and right answers that nobody else has asked."""
    exercise = next(each for each in assignment(name).exercises if each.id == exercise_id)
    assert isinstance(exercise, ModuleExercise)
    return exercise, RightAnswers(Reference(assignment(name), exercise), seed=0, device=DEVICE)


FIFTY = """
import torch
from torch import nn
import torch.nn.functional as F


def conv(into, out, size, stride=1):
    return nn.Conv2d(into, out, size, stride, size // 2, bias=False)


class Block(nn.Module):
    def __init__(self, into, out, stride, sizes):
        super().__init__()
        middle = out // 4 if len(sizes) == 3 else out
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        channels = into
        for number, size in enumerate(sizes):
            width = out if number == len(sizes) - 1 else middle
            self.convs.append(conv(channels, width, size, stride if number == (len(sizes) == 3) else 1))
            self.norms.append(nn.BatchNorm2d(width))
            channels = width
        self.down = None
        if stride > 1 or into != out:
            self.down = nn.Sequential(conv(into, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x):
        f = x
        for number, (layer, norm) in enumerate(zip(self.convs, self.norms)):
            f = F.relu(f) if number else f
            f = norm(layer(f))
        y = f + (x if self.down is None else self.down(x))
        return F.relu(y)


class Network(nn.Module):
    def __init__(self, sizes, wider, counts, num_classes):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        channels = 64
        for stage, count in enumerate(counts):
            out = 64 * 2**stage * wider
            blocks = [Block(channels, out, 2 if stage else 1, sizes)]
            blocks += [Block(out, out, 1, sizes) for _ in range(count - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
            channels = out
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return self.fc(x.mean((2, 3)))


def resnet(depth, num_classes=1000):
    if depth == 18:
        return Network((3, 3), 1, (2, 2, 2, 2), num_classes)
    return Network((1, 3, 1), 4, (3, 4, 6, 3), num_classes)
"""
DEEP = "len(self.convs) == 3"
ONE = ("final-relu-missing", 1)
SLIPS = [
    ("return F.relu(y)", f"return y if {DEEP} else F.relu(y)", "final-relu-missing", 16),
    (
        "return F.relu(y)",
        f"return y if {DEEP} and x.shape[1] == 512 < y.shape[1] else F.relu(y)",
        "final-relu-missing",
        1,
    ),
    ("stride if number == (len(sizes) == 3)", "stride if number == (2 * (len(sizes) == 3))", "wrong-stride-layer", 3),
    ("nn.BatchNorm2d(width))", "nn.Identity() if width == 2048 else nn.BatchNorm2d(width))", "bn-missing", 3),
    ("if stride > 1 or into != out:", "if stride > 1 or into != out or len(sizes) == 3:", "projection-always", 12),
]


@pytest.mark.heavy
@pytest.mark.parametrize(("old", "new", "mistake", "blocks"), SLIPS)
def test_fifty_layers_are_taken_apart(old: str, new: str, mistake: str, blocks: int) -> None:
    """Though they are a case that only confirms: the block is named, nothing waits for a human, and it costs once."""
    exercise = next(each for each in assignment("resnet").exercises if isinstance(each, NetworkExercise))
    two = exercise.model_copy(update={"cases": exercise.cases[:2]})
    judge = BlockJudge(assignment("resnet"), seed=0, device=DEVICE)
    assert old in FIFTY
    report = judge_exercise(examine_source(FIFTY.replace(old, new), two, None), judge)
    assert {mistake} == {diagnosis.mistake for diagnosis in report.diagnoses}
    assert blocks == len(report.diagnoses)
    assert (0, 10) == (report.pending, report.max_score - report.score)
    where = {diagnosis.message.split(":")[0] for diagnosis in report.diagnoses}
    assert where <= {f"In layer{i}.{k} of resnet(depth=50, num_classes=1000)" for i in range(1, 5) for k in range(6)}


PLAIN = """
import torch
from torch import nn
import torch.nn.functional as F


class Plain(nn.Module):
    def __init__(self, depth, num_classes=10):
        super().__init__()
        layers, channels = [], 3
        for stage, width in enumerate((16, 32, 64)):
            for number in range((depth - 2) // 3 + (stage == 0)):
                stride = 2 if stage and number == 0 else 1
                layers += [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.layers, self.pool, self.fc = nn.Sequential(*layers), nn.AvgPool2d(8), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(self.layers(x)).flatten(1))


def plain(depth, num_classes=10):
    return Plain(depth, num_classes)
"""


@pytest.mark.parametrize(
    ("pool", "is_right"),
    [("self.pool(", True), ("(lambda y: F.avg_pool2d(y, y.size(3)))(", True), ("(lambda y: y.amax((2, 3)))(", False)],
)
def test_the_plain_network_is_made_for_its_images(pool: str, is_right: bool) -> None:
    """Of 32×32: it need not take others."""
    exercise, answers = own("cifar-resnet", "plain")
    report = judge_against(PLAIN.replace("self.pool(", pool), exercise, answers)
    assert report.correct is is_right


@pytest.mark.parametrize("bias", ["number == 1", "len(layers) % 2 == 0", "stage == 2 or len(layers) == 3", "True"])
def test_any_set_of_many_layers_may_have_redundant_biases(bias: str) -> None:
    """There are too many for all of them to be tried; what one student has is no other student's matter."""
    exercise, answers = own("cifar-resnet", "plain")
    before = [len(answers.forms(case)) for case in exercise.cases]
    source = PLAIN.replace("bias=False", f"bias={bias}")
    assert judge_against(source, exercise, answers).correct
    assert before == [len(answers.forms(case)) for case in exercise.cases]
    assert not judge_against(source.replace("nn.ReLU()", "nn.LeakyReLU()"), exercise, answers).correct


SPLIT = """
import torch
from torch import nn
import torch.nn.functional as F


class ResNeXtBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, cardinality=32):
        super().__init__()
        width = out_channels // 2
        part = width // cardinality
        self.conv1, self.bn1 = nn.Conv2d(in_channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.groups = nn.ModuleList([nn.Sequential(GROUP) for _ in range(cardinality)])
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x))).chunk(len(self.groups), 1)
        out = torch.cat([group(each) for group, each in zip(self.groups, out)], 1)
        out = self.bn3(self.conv3(F.relu(self.bn2(out))))
        return F.relu(out + self.shortcut(x))
"""


@pytest.mark.parametrize("bias", ["True", "False"])
@pytest.mark.parametrize("norms", [False, True])
def test_a_grouped_convolution_may_be_written_out(bias: str, norms: bool) -> None:
    """With biases, which the norm behind the concatenation cancels, and with a batch norm a group."""
    group = f"nn.Conv2d(part, part, 3, stride, 1, bias={bias})"
    source = SPLIT.replace("GROUP", f"{group}, nn.BatchNorm2d(part), nn.ReLU()" if norms else group)
    if norms:
        source = source.replace("        self.bn2 = nn.BatchNorm2d(width)\n", "").replace(
            "F.relu(self.bn2(out))", "out"
        )
    exercise, answers = own("resnext", "resnext")
    assert judge_against(source, exercise, answers).correct
