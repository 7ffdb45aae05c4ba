"""Mistakes of whole networks."""

from __future__ import annotations

from abc import abstractmethod

from grader.assignment import NetworkExercise
from grader.judge.anatomy import residual_additions
from grader.judge.examined import Examined
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.verdict import Proof

NETWORK = (
    RESBLOCK
    + """

def build_network(num_classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        ResBlock(16, 16),
        ResBlock(16, 32, 2),
        ResBlock(32, 32),
        ResBlock(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, num_classes),
    )
"""
)


class _NetworkMistake(Noticed):
    def notice(self, examined: Examined) -> Notice | None:
        if not isinstance(examined.exercise, NetworkExercise) or not examined.ran:
            return None
        return self.notice_network(examined, examined.exercise)

    @abstractmethod
    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        """The evidence in a network that runs, or None."""


class NoResidualBlocks(_NetworkMistake):
    id = "no-residual-blocks"
    message = "The network has no residual blocks: nowhere is a shortcut added to a branch."
    broken = (changed(NETWORK, ("F.relu(out + identity)", "F.relu(out)")),)

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        graph = examined.network.graph
        if graph is None or residual_additions(graph) or examined.block_uses[0]:
            return None
        return Notice(Proof.MEASURED)


class WrongDepth(_NetworkMistake):
    id = "wrong-depth"
    message = "The network has another number of residual blocks than the task asks for."
    broken = (
        changed(
            NETWORK, ("        ResBlock(32, 32),\n        ResBlock(32, 64, 2),", ""), ("nn.Linear(64", "nn.Linear(32")
        ),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        graph = examined.network.graph
        if graph is None:
            return None
        if examined.plan:
            wanted, found = ([stage.blocks for stage in each] for each in (examined.plan, examined.stages))
            said = f"The stages have {', '.join(map(str, found))} blocks instead of {', '.join(map(str, wanted))}."
            return Notice(Proof.MEASURED, message=said) if found and wanted != found else None
        count = examined.block_uses[0]
        said = f"The network has {count} residual blocks; the task asks for at least {exercise.min_blocks}."
        return Notice(Proof.MEASURED, message=said) if 0 < count < exercise.min_blocks else None


class NoDownsampling(_NetworkMistake):
    id = "no-downsampling"
    message = "The resolution is the same in all blocks. Every few blocks it should halve while the channels double."
    broken = (changed(NETWORK, ("32, 2)", "32)"), ("64, 2)", "64)")),)

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        graph = examined.network.graph
        if graph is None:
            return None
        sizes = {tuple(shape[2:]) for shape in examined.block_maps}
        return Notice(Proof.MEASURED) if len(sizes) == 1 else None


class HeadMissing(_NetworkMistake):
    id = "head-missing"
    message = "The network gives feature maps rather than one number for each class: pool, flatten, and a linear layer."
    broken = (
        changed(
            NETWORK,
            ("        nn.AdaptiveAvgPool2d(1),\n        nn.Flatten(),\n        nn.Linear(64, num_classes),\n", ""),
        ),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        output = examined.ran[0].built.output
        return Notice(Proof.MEASURED) if output is not None and len(output.shape or []) == 4 else None


class SoftmaxInForward(_NetworkMistake):
    id = "softmax-in-forward"
    message = (
        "The network ends in a softmax. The task asks for logits; nn.CrossEntropyLoss applies the softmax itself, and "
        "with two of them the gradients are too small."
    )
    broken = (
        changed(NETWORK, ("nn.Linear(64, num_classes),", "nn.Linear(64, num_classes),\n        nn.Softmax(dim=1),")),
        changed(NETWORK, ("nn.Linear(64, num_classes),", "nn.Linear(64, num_classes),\n        nn.LogSoftmax(dim=1),")),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        graph = examined.ran[0].built.graph
        if graph is not None and graph.is_sound():
            last = graph.by_id()[graph.output]
            if last.name in ("_softmax", "_log_softmax"):
                return Notice(Proof.MEASURED, last.cell, last.line)
        return None


class BlockInstanceRepeated(_NetworkMistake):
    id = "block-instance-repeated"
    message = "The same block is used several times: its weights are shared. Each block is an object of its own."
    broken = (
        changed(
            NETWORK,
            ("    return nn.Sequential(", "    same = ResBlock(16, 16)\n    return nn.Sequential("),
            ("        ResBlock(16, 16),\n", "        same,\n        same,\n        same,\n"),
            ("        ResBlock(32, 32),\n        ResBlock(32, 64, 2),\n", ""),
            ("nn.Linear(64", "nn.Linear(32"),
        ),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        graph = examined.network.graph
        return Notice(Proof.MEASURED) if graph is not None and examined.block_uses[1] else None
