"""Mistakes of whole networks."""

from __future__ import annotations

from abc import abstractmethod

from grader.assignment import NetworkExercise
from grader.graph import Graph, Node
from grader.judge.anatomy import residual_additions
from grader.judge.examined import Examined, OtherCounts
from grader.judge.head import head_without_average
from grader.judge.plan import blocks_by_channels
from grader.language import many, say
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

# The same, where the task fixes how it begins and ends.
AVERAGED = changed(NETWORK, ("build_network", "averaged_network"))

# The network for CIFAR-10 of the paper, which is held to its plan in every layer.
PLANNED = """
import torch
from torch import nn
import torch.nn.functional as F


class PlannedBlock(nn.Module):
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
        return F.relu(out + F.pad(x, (0, 0, 0, 0, 0, self.more)))


class PlannedNetwork(nn.Module):
    def __init__(self, depth, num_classes):
        super().__init__()
        n = (depth - 2) // 6
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        widths = [16] * n + [32] * n + [64] * n
        befores = [16, *widths]
        self.blocks = nn.Sequential(*(PlannedBlock(c, d, d // c) for c, d in zip(befores, widths)))
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def planned_network(depth, num_classes=10):
    return PlannedNetwork(depth, num_classes)
"""


class NetworkMistake(Noticed):
    def notice(self, examined: Examined) -> Notice | None:
        if not isinstance(examined.exercise, NetworkExercise) or not examined.ran:
            return None
        return self.notice_network(examined, examined.exercise)

    @abstractmethod
    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        """The evidence in a network that runs, or None."""


class NoResidualBlocks(NetworkMistake):
    id = "no-residual-blocks"
    message = "The network has no residual blocks: nowhere is a shortcut added to a branch."
    why = (
        "Plain networks get worse when they get very deep, even on the data they are trained on. The shortcut is what "
        "made networks with hundreds of layers possible."
    )
    hints = (
        "A residual network is a chain of blocks. Each block adds its own input to what its branch gives.",
        "Look at the code that builds the network. Does it use your block, and is there a sum in the `forward` of that "
        "block?",
        "Build the body of your own blocks: `nn.Sequential(ResBlock(16, 16), ResBlock(16, 32, stride=2))`, and so on.",
    )
    check = "skip-connection"
    covers = frozenset({"shape", "parameters"})
    broken = (changed(NETWORK, ("F.relu(out + identity)", "F.relu(out)")),)

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        graph = examined.network.graph
        if graph is None or residual_additions(graph) or examined.block_uses[0]:
            return None
        return Notice(Proof.MEASURED)


class WrongDepth(NetworkMistake):
    id = "wrong-depth"
    message = "The network has another number of residual blocks than the task asks for."
    why = (
        "In this task the depth is part of the question: networks are compared that differ in depth alone. With "
        "another number of blocks the results say something else."
    )
    hints = (
        "A stage is a run of blocks with the same channels. The task says how many blocks each stage has.",
        "Show the network with `print(net)`, and count the blocks of each stage.",
        "Change how often the loop of a stage runs, as in `for _ in range(n)`. Mind that the first block of a stage "
        "counts, too.",
    )
    check = "skip-connection"
    covers = frozenset({"shape", "parameters"})
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
            wanted, found = map(blocks_by_channels, (examined.plan, examined.stages))
            said = say(
                "The stages have {found} blocks instead of {wanted}.",
                found=", ".join(map(str, found)),
                wanted=", ".join(map(str, wanted)),
            )
            if found and wanted != found:
                return Notice(Proof.MEASURED, message=said)
            counts = examined.other_counts if examined.repeated is None else None
            return Notice(Proof.MEASURED, message=_told_by_size(examined, counts)) if counts is not None else None
        count = examined.block_uses[0]
        said = many(
            "The network has {n} residual block; the task asks for at least {wanted}.",
            "The network has {n} residual blocks; the task asks for at least {wanted}.",
            count,
            wanted=exercise.min_blocks,
        )
        is_told = examined.hides_blocks or examined.adds_nothing
        too_few = 0 < count < exercise.min_blocks and not is_told
        return Notice(Proof.MEASURED, message=said) if too_few else None


def _told_by_size(examined: Examined, found: OtherCounts) -> str:
    """By its parameters a network has other numbers of blocks."""
    parts = []
    for channels, more in found.more.items():
        if more > 0:
            parts.append(
                many(
                    "{n} block of {channels} channels too many",
                    "{n} blocks of {channels} channels too many",
                    more,
                    channels=channels,
                )
            )
        else:
            parts.append(
                many(
                    "{n} block of {channels} channels too few",
                    "{n} blocks of {channels} channels too few",
                    -more,
                    channels=channels,
                )
            )
    call = examined.call(found.seen.case)
    return say("By its parameters {call} has {blocks}.", call=call, blocks=", ".join(parts))


class NoDownsampling(NetworkMistake):
    id = "no-downsampling"
    message = "The resolution is the same in all blocks. Every few blocks it should halve while the channels double."
    why = (
        "On smaller maps the later layers see more of the picture and cost less. At full size to the end the network "
        "is slow, and its last layers still look at small patches."
    )
    hints = (
        "At the start of a stage the map halves and the channels double, so that all stages cost about the same.",
        "Look at the first block of each stage: which stride does it have, and which channels?",
        "Give it stride 2 and twice the channels: `ResBlock(16, 32, stride=2)`.",
    )
    check = "shape"
    covers = frozenset({"parameters"})
    broken = (changed(NETWORK, ("32, 2)", "32)"), ("64, 2)", "64)")),)

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        graph = examined.network.graph
        if graph is None:
            return None
        sizes = {tuple(shape[2:]) for shape in examined.block_maps}
        is_told = examined.hides_blocks or examined.misshapen
        return Notice(Proof.MEASURED) if len(sizes) == 1 and not is_told else None


class HeadMissing(NetworkMistake):
    id = "head-missing"
    message = "The network gives feature maps rather than one number for each class."
    why = (
        "The loss wants one number for each class. Maps hold thousands of numbers, and none of them stands for a class."
    )
    hints = (
        "The head turns maps into scores: the mean of each map, and then one linear layer.",
        "Look at the end of the network, behind its last block. What has to happen to get from maps to one row for "
        "each picture?",
        "Pool, flatten, and apply a linear layer: `self.fc(F.adaptive_avg_pool2d(out, 1).flatten(1))`.",
    )
    broken = (
        changed(
            NETWORK,
            ("        nn.AdaptiveAvgPool2d(1),\n        nn.Flatten(),\n        nn.Linear(64, num_classes),\n", ""),
        ),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        output = examined.ran[0].built.output
        return Notice(Proof.MEASURED) if output is not None and len(output.shape or []) == 4 else None


class HeadWithoutAverage(NetworkMistake):
    id = "head-not-averaged"
    message = "Behind the last block there is no average over the image."
    why = (
        "An average over all pixels gives one number for each channel, wherever in the picture something is. All "
        "pixels in a row make a linear layer that fits one size of pictures alone, and has many more weights."
    )
    hints = (
        "The last block gives a map for each channel. The head makes one number of each of these maps.",
        "Look at what stands between the last block and the linear layer, and over which dimensions it goes.",
        "Take the mean over height and width: `x.mean((2, 3))`, or `nn.AdaptiveAvgPool2d(1)` and `nn.Flatten()`.",
    )
    check = "shape"
    broken = (
        changed(AVERAGED, ("nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveMaxPool2d(1)")),
        changed(
            AVERAGED,
            ("        nn.AdaptiveAvgPool2d(1),\n", ""),
            ("nn.Linear(64, num_classes)", "nn.LazyLinear(num_classes)"),
        ),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        nodes = (head_without_average(examined, seen) for seen in examined.ran)
        found = next((node for node in nodes if node is not None), None)
        return Notice(Proof.MEASURED, found.cell, found.line) if found is not None else None


SOFTMAXES = ("_softmax", "_log_softmax")


class SoftmaxInForward(NetworkMistake):
    id = "softmax-in-forward"
    message = (
        "The network ends in a softmax. The task asks for logits; nn.CrossEntropyLoss applies the softmax itself, and "
        "with two of them the gradients are too small."
    )
    why = (
        "`nn.CrossEntropyLoss` has a softmax inside, so yours is the second one. Behind a softmax it makes all scores "
        "alike, the gradients get small, and training is slow; behind a log-softmax it has nothing left to do."
    )
    hints = (
        "Logits are raw scores of any size. To make probabilities of them is the work of the loss.",
        "Look at the last line of the network's `forward`, and at the last item of its `nn.Sequential`.",
        "Give back what the linear layer gives: `return self.fc(out)`.",
    )
    broken = (
        changed(NETWORK, ("nn.Linear(64, num_classes),", "nn.Linear(64, num_classes),\n        nn.Softmax(dim=1),")),
        changed(NETWORK, ("nn.Linear(64, num_classes),", "nn.Linear(64, num_classes),\n        nn.LogSoftmax(dim=1),")),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        graph = examined.ran[0].built.graph
        if graph is not None and graph.is_sound:
            last = graph.by_id[graph.output]
            if last.name == "_softmax":
                return Notice(Proof.MEASURED, last.cell, last.line)
            if last.name == "_log_softmax":
                said = say(
                    "The network ends in a log-softmax. The task asks for logits; nn.CrossEntropyLoss applies the "
                    "log-softmax itself."
                )
                return Notice(Proof.MEASURED, last.cell, last.line, said)
        return None


class BlockInstanceRepeated(NetworkMistake):
    id = "block-instance-repeated"
    message = "The same block is used several times: its weights are shared. Each block is an object of its own."
    why = (
        "One block object has one set of weights, however often it is used. Your network looks deep, but it has the "
        "weights of a shallow one."
    )
    hints = (
        "A list such as `[block] * 3` holds the same object three times. Each place in a network needs its own.",
        "Look for a star behind a list of blocks, or for one block that is called again and again in a loop.",
        "Make a new block for each place: `[ResBlock(16, 16) for _ in range(3)]`.",
    )
    check = "skip-connection"
    covers = frozenset({"parameters"})
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
        if examined.network.graph is None:
            return None
        if examined.repeated is not None:
            return Notice(Proof.MEASURED)
        if not examined.sharing_blocks:
            return None
        one, other, _ = examined.sharing_blocks[0]
        said = say(
            "{one} and {other} share some of their weights. Each block has layers of its own.",
            one=one.name,
            other=other.name,
        )
        return Notice(Proof.MEASURED, message=said)


FROZEN = """
    class Frozen(nn.Sequential):
        def forward(self, x):
            self.eval()
            return super().forward(x)
"""
CUTTING = "detach"
DETACHED = frozenset(["shortcut-detached", "branch-detached"])
PLANNED_BLOCKS = "        x = self.blocks(self.stem(x))\n"


class NormsFrozen(NetworkMistake):
    id = "norms-frozen"
    message = (
        "The network keeps batch norms in evaluation mode: in training they use what they have kept, and not the batch."
    )
    why = (
        "What a batch norm uses in evaluation it has gathered in training. One that never trains has gathered nothing, "
        "and passes its input on almost as it came."
    )
    hints = (
        "`train()` and `eval()` of a network reach every layer in it, and its batch norms follow that switch.",
        "Look around the blocks for `self.eval()` in `forward`, and for a method `train` of your own.",
        "Leave both out: whoever uses the network calls `net.train()` and `net.eval()`, and it never does so itself.",
    )
    check = "gradient"
    broken = (
        changed(PLANNED, (PLANNED_BLOCKS, f"        self.stem.eval()\n{PLANNED_BLOCKS}")),
        changed(AVERAGED, ("    return nn.Sequential(", f"{FROZEN}\n    return Frozen(")),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        norms = examined.frozen_norms
        return Notice(Proof.MEASURED, norms[0].cell, norms[0].line) if norms else None


class GradientCut(NetworkMistake):
    id = "gradient-cut"
    message = (
        "Between the blocks of the network, in front of them or behind, its value is cut from autograd: no layer in "
        "front of that place gets a gradient."
    )
    why = (
        "The gradient comes back from the loss layer by layer, as far as autograd has followed the values. In front of "
        "the cut nothing is learned, and those layers stay as they were drawn."
    )
    hints = (
        "Autograd remembers how each value came about. `detach()`, `.data` and `torch.no_grad()` make it forget.",
        "Look in the `forward` of the network for one of these three, around its blocks and not within them.",
        "Leave it out, and hand on the value as it is: `x = self.blocks(self.stem(x))`.",
    )
    check = "gradient"
    broken = (
        changed(PLANNED, (PLANNED_BLOCKS, PLANNED_BLOCKS.replace("self.stem(x)", "self.stem(x).detach()"))),
        changed(
            PLANNED,
            (
                PLANNED_BLOCKS,
                "        with torch.no_grad():\n            x = self.stem(x)\n        x = self.blocks(x)\n",
            ),
        ),
        changed(PLANNED, (PLANNED_BLOCKS, f"{PLANNED_BLOCKS}        x = x.data\n")),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        seen = examined.taken_apart
        if seen is None or examined.network.graph is None or not DETACHED.isdisjoint(examined.paid):
            return None
        if not all(block.right or not block.compared for block in examined.blocks):
            return None
        asked = [answer for name, answer in seen.answers.items() if seen.probes[name].gradient and answer.y is not None]
        if not asked or any("x" in answer.gradients for answer in asked) or examined.has_cost("x"):
            return None
        node = _cut(examined.network.graph)
        if node is None:
            return None
        # A value that is cut, as by `.data`, shows where it is used next, which may be inside of a block.
        return Notice(Proof.MEASURED) if node.name == CUTTING else Notice(Proof.MEASURED, node.cell, node.line)


def _cut(graph: Graph) -> Node | None:
    """The last operation on the way from a network's input to its output that autograd does not follow, though it reads
    what comes of the input; None if there is none."""
    followed: set[int] = set()
    found = None
    for node in graph.nodes:
        if node.id not in graph.of_input:
            continue
        reads = node.leaf is not None or not followed.isdisjoint(node.inputs)
        if reads and node.gradient and node.name != CUTTING:
            followed.add(node.id)
        elif reads:
            found = node
    return found if graph.output not in followed else None
