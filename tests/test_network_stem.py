"""A network exercise may say how many convolutions stand in front of its blocks, and to how many channels they lead."""

from __future__ import annotations

from functools import cache

import pytest
from judging import DEVICE, examine_source, judge, shipped

from grader.assignment import Assignment, NetworkExercise, find_assignment
from grader.blocks import BlockJudge
from grader.earlier import Earlier
from grader.exercise import judge_exercise
from grader.mistakes._mistake import changed
from grader.mistakes.network import AVERAGED, NETWORK
from grader.verdict import Status

SOURCE = """
from torch import nn

class ResBlock(nn.Module):
    def __init__(self, channels, stride=1):
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, stride, 1),
            nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, 1, 1),
        )
        self.shortcut = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, channels, 1, stride), nn.BatchNorm2d(channels))

    def forward(self, x):
        return self.branch(x) + self.shortcut(x)

def build_network(num_classes=10):
    return nn.Sequential(
        STEM,
        ResBlock(C), ResBlock(C, 2), nn.Conv2d(C, 2 * C, 1), ResBlock(2 * C), ResBlock(2 * C, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * C, num_classes),
    )
"""


@cache
def hackathon() -> Assignment:
    return find_assignment("hackathon-5")


def found(stem: str, channels: int, source: str = "") -> dict[str, str]:
    """What the checks say that do not pass, for a network with this in front of blocks of so many channels."""
    exercise = next(each for each in hackathon().exercises if isinstance(each, NetworkExercise))
    source = (source or SOURCE).replace("STEM", stem).replace("2 * C", str(2 * channels)).replace("(C", f"({channels}")
    report = judge_exercise(examine_source(source, exercise, None), BlockJudge(hackathon(), 0, DEVICE))
    return {check.id: check.message for check in report.checks if check.status is not Status.PASSED}


@pytest.mark.parametrize(
    ("stem", "channels"),
    [
        ("nn.Conv2d(3, 32, 3, padding=1)", 32),
        ("nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)", 64),
        ("nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1)", 64),
    ],
)
def test_one_or_two_convolutions_lead_to_the_first_block(stem: str, channels: int) -> None:
    """Whatever stands between them."""
    assert {} == found(stem, channels)


SHIFTED = "        return self.branch(x) + self.shortcut(x)\n"


@pytest.mark.parametrize(
    ("old", "new", "is_mixed"),
    [
        # The average of the whole batch, which every image is given.
        ("nn.AdaptiveAvgPool2d(1), nn.Flatten()", "Averaged()", True),
        ("nn.AdaptiveAvgPool2d(1), nn.Flatten()", "nn.AvgPool2d(8), nn.Flatten()", False),
        # A block that mixes images is marked in the exercise that asks for one.
        (SHIFTED, SHIFTED.replace("branch(x)", "branch(x - x.mean(0, keepdim=True))"), False),
    ],
)
def test_images_are_not_mixed_around_blocks_that_are_not_compared(old: str, new: str, *, is_mixed: bool) -> None:
    mean = "class Averaged(nn.Module):\n    def forward(self, x):\n        "
    mean += "return x.mean((0, 2, 3)).expand(len(x), -1)\n\n"
    source = changed(SOURCE, (old, new), ("def build_network", mean + "def build_network"))
    failed = found("nn.Conv2d(3, 32, 3, padding=1)", 32, source)
    assert (["gradient"] if is_mixed else []) == list(failed)


@pytest.mark.parametrize(
    ("stem", "channels", "said"),
    [
        ("nn.Conv2d(3, 16, 3, padding=1)", 16, "the first block is given 16 channels, by 1 layer with weights"),
        ("nn.Identity()", 3, "the first block is given 3 channels, by 0 layers with weights"),
        (
            "nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 1), nn.Conv2d(16, 32, 1)",
            32,
            "the first block is given 32 channels, by 3 layers with weights",
        ),
    ],
)
def test_another_stem_fails_the_shape_check(stem: str, channels: int, said: str) -> None:
    """With what was found; no other check fails for it."""
    failed = found(stem, channels)
    assert ["shape"] == list(failed)
    assert said in failed["shape"]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("stem", "channels", "right"),
    [
        ("nn.Identity()", 3, False),
        ("nn.BatchNorm2d(3), nn.ReLU()", 3, False),
        ("nn.Conv2d(3, 24, 7, padding=3)", 24, True),
        ("nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(4)])", 3, True),
    ],
)
def test_residual_blocks_asks_for_a_convolution_in_front(stem: str, channels: int, right: bool) -> None:
    """Of any kind, to any channels; blocks that are given the picture have no stem."""
    stages = [
        f"        ResBlock({entry})," for entry in (f"{channels}, 16", "16, 16", "16, 32, 2", "32, 32", "32, 64, 2")
    ]
    body = "\n".join([f"        {stem},", *stages])
    start, end = NETWORK.index("        nn.Conv2d(3, 16"), NETWORK.index("        nn.AdaptiveAvgPool2d(1)")
    report = judge(NETWORK[:start] + body + "\n" + NETWORK[end:], "network")
    failed = {check.id: check.message for check in report.checks if check.status is not Status.PASSED}
    assert ([] if right else ["shape"]) == list(failed)
    assert right or "the first block is given 3 channels, by" in failed["shape"]


STEM = "nn.Conv2d(3, 16, 3, padding=1, bias=False)"
POOL = "nn.AdaptiveAvgPool2d(1)"
LINEAR = "nn.Linear(64, num_classes)"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (POOL, "nn.AvgPool2d(8)"),
        (POOL, "nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)"),
        (POOL, "nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Dropout(0.5)"),
        (LINEAR, "nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, num_classes)"),
        (
            f"        {POOL},\n        nn.Flatten(),\n        {LINEAR},\n",
            f"        nn.Conv2d(64, num_classes, 1),\n        {POOL},\n        nn.Flatten(),\n",
        ),
        (STEM, "nn.Conv2d(3, 16, (3, 3), 1, 1), nn.Conv2d(16, 16, 1)"),
    ],
)
def test_a_stem_and_a_head_as_asked_for_pass(old: str, new: str) -> None:
    """However the average is taken, and whatever stands around it."""
    assert judge(changed(AVERAGED, (old, new)), "averaged-network").correct


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (POOL, "nn.AdaptiveMaxPool2d(1)", "no average over the image"),
        (POOL, "nn.MaxPool2d(8)", "no average over the image"),
        (POOL, "nn.AdaptiveAvgPool2d((1, 8)), nn.Flatten(), nn.Linear(64 * 8, 64)", "no average over the image"),
        (
            f"        {POOL},\n        nn.Flatten(),\n",
            "        Mean(),\n        nn.Flatten(),\n",
            "no average over the image",
        ),
        (STEM, "nn.Conv2d(3, 16, 7, padding=3, bias=False)", "The first convolution is of 7×7; the task asks for 3×3."),
        (STEM, "nn.Conv2d(3, 16, (3, 1), padding=(1, 0))", "The first convolution is of 3×1; the task asks for 3×3."),
    ],
)
def test_another_stem_or_head_fails_the_shape_check(old: str, new: str, said: str) -> None:
    """A mean over the channels, too, where the number of pixels happens to fit."""
    mean = "\n\nclass Mean(nn.Module):\n    def forward(self, x):\n        return x.mean(1)\n"
    report = judge(changed(AVERAGED, (old, new)) + mean, "averaged-network")
    failed = {check.id: check.message for check in report.checks if check.status is not Status.PASSED}
    assert ["shape"] == list(failed)
    assert said in failed["shape"]


@pytest.mark.parametrize(("end", "pending"), [("*", 5), ("-", 0), ("+ 0.5 *", 0), ("+", 0)])
def test_a_block_without_its_addition_costs_in_its_own_exercise(end: str, pending: float) -> None:
    """The network that is made of it, whatever its blocks may be, has no block that could be counted."""
    assignment = hackathon()
    exercises = {each.id: each for each in assignment.code_exercises}
    block, answers = shipped("hackathon-5", "resblock")
    network = exercises["network"]
    assert isinstance(network, NetworkExercise)
    source = SOURCE.replace("STEM", "nn.Conv2d(3, C, 3, padding=1)").replace("C", "32").replace("32onv", "Conv")
    source = source.replace("self.branch(x) +", f"self.branch(x) {end}")
    examined = examine_source(source, block, answers)
    earlier = {"resblock": Earlier(examined, judge_exercise(examined))}
    report = judge_exercise(examine_source(source, network, None), BlockJudge(assignment, 0, DEVICE), earlier)
    assert (end == "+") == earlier["resblock"].report.correct
    assert pending == report.pending
    assert report.max_score == report.score + report.pending
    assert (["no-residual-blocks"] if pending else []) == [diagnosis.mistake for diagnosis in report.diagnoses]
