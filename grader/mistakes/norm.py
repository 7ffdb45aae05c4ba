"""Batch norms that are missing, misplaced, or in the wrong mode.

Source: Ioffe and Szegedy, "Batch Normalization" (2015), section 3.1 for the two modes.
"""

from __future__ import annotations

from typing import Literal

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._changes import value_at
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant


def drop(*numbers: int, projection: bool = False) -> Edit:
    def change(block: Block) -> None:
        for number in numbers:
            for norm in block.norms_at(number):
                block.bypass(norm)
        if projection and block.projection_norm is not None:
            block.bypass(block.projection_norm)

    return edit(change)


def move_last(place: str) -> Edit:
    """The branch's last batch norm behind the addition ("join") or behind the ReLU that follows it ("output")."""

    def change(block: Block) -> None:
        value = value_at(block, place)
        if not block.norms or block.is_preactivated or value is None:
            return
        last = block.norms[-1]
        block.bypass(last)
        shape = block.editor[value].shape
        moved = block.editor.add(last.op, ref(value), *last.args[1:], shapes=[shape])
        block.editor.redirect(value, block.editor.add("getitem", ref(moved), 0, shapes=[shape]))

    return edit(change)


def set_mode(training: bool, which: Literal["all", "branch"] | int = "all") -> Edit:
    """Batch norms always in one mode: all, those of the branch, or the one of the branch with this number."""

    def change(block: Block) -> None:
        chosen = block.norms if which == "branch" else [n for n in block.source.nodes if n.name == "native_batch_norm"]
        for node in block.norms_at(which) if isinstance(which, int) else chosen:
            block.editor.set_argument(node.id, 5, training)

    return edit(change)


class BNMissing(Planted):
    id = "bn-missing"
    of_concatenation = True
    message = "A batch norm is missing: every convolution of the branch has one of its own."
    why = (
        "Batch norm keeps the values of each channel at a steady size, so that deep networks can learn fast. Without "
        "it the values drift from layer to layer."
    )
    hints = (
        "Each convolution of the branch has a batch norm behind it; in a pre-activation block it stands in front of "
        "the convolution.",
        "Write down each convolution of `forward`, with what comes before and behind it. Which one has no batch norm?",
        "Make it with `self.bn2 = nn.BatchNorm2d(channels)` in the constructor, for as many channels as it gets. Use "
        "it as `self.bn2(self.conv2(out))`, or in front: `self.conv2(F.relu(self.bn2(out)))`.",
    )
    plants = (
        plant(drop(0), where="convolution 0"),
        plant(drop(1), where="convolution 1"),
        plant(drop(2), where="convolution 2"),
        plant(drop(0, 1, 2), where="convolution 0"),
        plant(drop(0, 1, 2, projection=True), where="convolution 0"),
        plant(drop(0, 1), where="convolution 0"),
        plant(drop(1, 2), where="convolution 1"),
        plant(drop(0, 2), where="convolution 0"),
    )
    broken = (
        changed(
            RESBLOCK,
            ("self.bn2(self.conv2(out))", "self.conv2(out)"),
            ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", ""),
        ),
        changed(
            BOTTLENECK, ("self.bn1(self.conv1(x))", "self.conv1(x)"), ("        self.bn1 = nn.BatchNorm2d(width)\n", "")
        ),
    )


class BNAfterAdd(Planted):
    id = "bn-after-add"
    message = (
        "The last batch norm comes after the addition, where it normalises the shortcut too; it belongs before it."
    )
    why = (
        "Behind the sum a batch norm changes the shortcut as well, so that x does not get through untouched. In tests "
        "of the year 2016 such networks were harder to train."
    )
    hints = (
        "The branch ends with its batch norm. What is added is F(x), which is normalised, and x as it came.",
        "Look at the plus sign. Is the last batch norm called before it, or around it?",
        "Normalise first and add then: `F.relu(self.bn2(out) + shortcut)`.",
    )
    plants = (plant(move_last("join")), plant(move_last("output"), where="output"))
    broken = (
        changed(
            RESBLOCK,
            ("self.bn2(self.conv2(out))", "self.conv2(out)"),
            ("F.relu(out + identity)", "self.bn2(F.relu(out + identity))"),
        ),
        changed(
            RESBLOCK, ("self.bn2(self.conv2(out))", "self.conv2(out)"), ("out + identity", "self.bn2(out + identity)")
        ),
    )


SOME_FROZEN = (
    "Some of the batch norms use their running statistics in training mode too; there they must use the batch's own."
)
SOME_TRAINING = (
    "Some of the batch norms use the batch's statistics in evaluation mode too; there they must use the running ones."
)


def _in_one_mode(training: bool, of_some: str) -> tuple[Plant, ...]:
    """Ways to keep batch norms in one mode: all, those of the branch, one of them."""
    branch = plant(set_mode(training, "branch"), where="convolution 0", message=of_some)
    each = (plant(set_mode(training, i), where=f"convolution {i}", message=of_some) for i in range(3))
    return (plant(set_mode(training), where="convolution 0"), branch, *each)


class BNFrozen(Planted):
    id = "bn-frozen"
    of_concatenation = True
    message = "The batch norms use their running statistics in training mode too; there they must use the batch's own."
    why = (
        "In training a batch norm should use the mean and the spread of the batch at hand. With fixed numbers it does "
        "not follow the weights as they change, and normalises nothing."
    )
    hints = (
        "A batch norm has two modes: in training it uses the batch, and in evaluation the averages that it has kept.",
        "Look for `.eval()` on a batch norm, for a method `train` of your own, and for `training=False`.",
        "Take it out. If you call `F.batch_norm` yourself, hand over `training=self.training`.",
    )
    plants = _in_one_mode(False, SOME_FROZEN)
    broken = (
        changed(RESBLOCK, ("        out = F.relu(self.bn1", "        self.eval()\n        out = F.relu(self.bn1")),
        changed(RESBLOCK, ("        out = F.relu(self.bn1", "        self.bn1.eval()\n        out = F.relu(self.bn1")),
    )


class BNAlwaysTraining(Planted):
    id = "bn-always-training"
    of_concatenation = True
    message = "The batch norms use the batch's statistics in evaluation mode too; there they must use the running ones."
    why = (
        "In evaluation the answer for one picture would now depend on the others in its batch. Ask for the same "
        "picture in other company, and you get another answer."
    )
    hints = (
        "After `eval()` a batch norm uses the averages that it kept in training. Yours does not follow that switch.",
        "Look for `training=True` in a call of `F.batch_norm`, for `.train()` in `forward`, and for means that you "
        "compute by hand.",
        "Use `nn.BatchNorm2d(out_channels)`, which follows the switch by itself, or hand over "
        "`training=self.training`.",
    )
    plants = _in_one_mode(True, SOME_TRAINING)
    broken = (
        changed(RESBLOCK, ("        out = F.relu(self.bn1", "        self.train()\n        out = F.relu(self.bn1")),
        changed(RESBLOCK, ("        out = F.relu(self.bn1", "        self.bn2.train()\n        out = F.relu(self.bn1")),
    )
