"""Batch norms that are missing, misplaced, or in the wrong mode.

Source: Ioffe and Szegedy, "Batch Normalization" (2015), section 3.1 for the two modes.
"""

from __future__ import annotations

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._changes import value_at
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant


def drop(*numbers: int, projection: bool = False) -> Edit:
    def change(block: Block) -> None:
        for number in numbers:
            if number < len(block.norms):
                block.bypass(block.norms[number])
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


def set_mode(training: bool) -> Edit:
    """All batch norms always in one mode."""

    def change(block: Block) -> None:
        for node in block.source.nodes:
            if node.name == "native_batch_norm":
                block.editor.set_argument(node.id, 5, training)

    return edit(change)


class BNMissing(Planted):
    id = "bn-missing"
    message = "A batch norm is missing: every convolution of the branch is followed by one."
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


class BNFrozen(Planted):
    id = "bn-frozen"
    message = "The batch norms use their running statistics in training mode too; there they must use the batch's own."
    plants = (plant(set_mode(False), where="convolution 0"),)
    broken = (
        changed(RESBLOCK, ("        out = F.relu(self.bn1", "        self.eval()\n        out = F.relu(self.bn1")),
    )


class BNAlwaysTraining(Planted):
    id = "bn-always-training"
    message = "The batch norms use the batch's statistics in evaluation mode too; there they must use the running ones."
    plants = (plant(set_mode(True), where="convolution 0"),)
    broken = (
        changed(RESBLOCK, ("        out = F.relu(self.bn1", "        self.train()\n        out = F.relu(self.bn1")),
    )
