"""Mistakes in a layer that puts what it computes behind its input.

Source: G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely Connected Convolutional Networks" (2017), section
3: equation 2, and "Bottleneck layers".
"""

from __future__ import annotations

from collections.abc import Callable

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._changes import set_channels
from grader.mistakes._families import HEAD
from grader.mistakes._mistake import Planted, changed, plant
from grader.mistakes._orders import activate_end, activate_sum, take_shortcut

DENSE = f"""{HEAD}
class DenseLayer(nn.Module):
    def __init__(self, in_channels, growth_rate, bn_size=4):
        super().__init__()
        width = bn_size * growth_rate
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, growth_rate, 3, padding=1, bias=False)

    def forward(self, x):
        out = self.conv1(F.relu(self.bn1(x)))
        out = self.conv2(F.relu(self.bn2(out)))
        return torch.cat([x, out], 1)
"""
ADDED = "The layer adds its input to what it computed. A dense layer puts them side by side."
END = "return torch.cat([x, out], 1)"
FIRST = "out = self.conv1(F.relu(self.bn1(x)))"


def dense(change: Callable[[Block], None]) -> Edit:
    """An edit of layers that concatenate; others stay as they are."""
    return edit(lambda block: change(block) if block.is_dense else None)


def put_first(block: Block) -> None:
    block.editor.set_argument(block.parts.join, 0, [ref(block.parts.branch), ref(block.x)])


def along(dimension: int) -> Callable[[Block], None]:
    """The concatenation along another dimension."""

    def change(block: Block) -> None:
        block.editor.set_argument(block.parts.join, 1, dimension)

    return change


def leave_out_input(block: Block) -> None:
    block.editor.output = block.parts.branch


def add_input(block: Block) -> None:
    block.editor.change(block.parts.join, op="aten.add.Tensor", args=[ref(block.x), ref(block.parts.branch)])


def activate_input(block: Block) -> None:
    block.join(block.parts.branch, block.activate(block.x))


def activate_both_ends(block: Block) -> None:
    block.join(block.activate(block.parts.branch), block.activate(block.x))


def detach_input(block: Block) -> None:
    shapes = [block.editor[block.x].shape]
    block.join(block.parts.branch, block.editor.add("aten.detach.default", ref(block.x), shapes=shapes))


def give_all(*, concatenates: bool) -> Callable[[Block], None]:
    """The last convolution gives as many channels as the layer should, which stand alone or behind the input."""

    def change(block: Block) -> None:
        channels = block.editor[block.parts.join].shape[1]
        set_channels(block, block.convolutions[-1], out=channels)
        if not concatenates:
            leave_out_input(block)

    return change


def set_width(width: Callable[[int, int, int], int]) -> Edit:
    """Another width of the 1×1.

    Args:
        width: of the channels of the input, those that are added, and the width that there should be.
    """

    def change(block: Block) -> None:
        if len(block.convolutions) == len(block.norms) == 2:
            first, second = block.convolutions
            right, channels = block.editor[first.inputs[1]].shape[:2]
            other = width(channels, block.editor[second.inputs[1]].shape[0], right)
            set_channels(block, first, out=other)
            set_channels(block, block.norms[1], out=other)
            set_channels(block, second, into=other)

    return dense(change)


class GrowthWrong(Planted):
    id = "growth-wrong"
    message = "The layer adds as many channels as it gives in all. It adds growth_rate channels to those of x."
    why = (
        "A dense layer is narrow: it computes a few new channels and leaves the old ones as they are. With more the "
        "network grows faster and faster."
    )
    hints = (
        "What stands behind x has `growth_rate` channels, whatever x has.",
        "Look at the second argument of the 3×3 convolution.",
        "Make it `nn.Conv2d(bn_size * growth_rate, growth_rate, 3, padding=1, bias=False)`.",
    )
    of_sum, of_concatenation = False, True
    plants = (plant(dense(give_all(concatenates=True)), where="convolution 1"),)
    broken = (changed(DENSE, ("nn.Conv2d(width, growth_rate, 3", "nn.Conv2d(width, in_channels + growth_rate, 3")),)


class ConcatenatedBackwards(Planted):
    id = "concatenation-reversed"
    message = "The new channels stand in front of x. They belong behind it: first x, then what the layer computed."
    why = (
        "Whoever reads the result counts on the order: the first channels are those that were there before. With "
        "another order the next layer reads other values than it was made for."
    )
    hints = (
        "A dense layer adds to what is there: x stays in front, and each layer puts its few channels behind.",
        "Look at the list that `torch.cat` is given. What stands first in it?",
        "Write `torch.cat([x, out], 1)`.",
    )
    of_sum, of_concatenation = False, True
    plants = (plant(dense(put_first)),)
    broken = (changed(DENSE, (END, "return torch.cat([out, x], dim=1)")),)


class ConcatenatedAlongOther(Planted):
    id = "concatenation-wrong-dimension"
    message = "The concatenation runs along another dimension than the channels, which are dimension 1."
    why = (
        "In N×C×H×W only the channels may differ between x and what the layer computed. Along any other dimension the "
        "two do not fit, or images are mixed up."
    )
    hints = (
        "The dimensions are counted from 0: images, channels, rows, columns.",
        "Look at the second argument of `torch.cat`. Without one it is 0.",
        "Name the dimension: `torch.cat([x, out], dim=1)`.",
    )
    of_sum, of_concatenation = False, True
    plants = tuple(plant(dense(along(dimension))) for dimension in (0, 2, 3))
    broken = (
        changed(DENSE, (END, "return torch.cat([x, out])")),
        changed(DENSE, (END, "return torch.cat([x, out], 2)")),
    )


class InputNotConcatenated(Planted):
    id = "concatenation-missing"
    message = "The layer returns its new channels alone. Its input belongs in front of them: `torch.cat([x, out], 1)`."
    why = (
        "In a dense block every layer sees what all layers before it computed. A layer that hands on its own channels "
        "alone cuts all the others off."
    )
    hints = (
        "What a dense layer returns has `in_channels + growth_rate` channels: x, and the new ones behind it.",
        "Look at the last line of `forward`. Is x in it?",
        "Return `torch.cat([x, out], 1)`.",
    )
    of_sum, of_concatenation = False, True
    plants = (
        plant(dense(leave_out_input)),
        plant(dense(add_input), message=ADDED),
        plant(
            dense(give_all(concatenates=False)),
            message="The last convolution computes all channels anew. It makes growth_rate of them, and x stands in "
            "front: `torch.cat([x, out], 1)`.",
        ),
    )
    broken = (
        changed(DENSE, (END, "return out")),
        changed(DENSE, (END, "return x + out")),
    )


class ConcatenatedInputChanged(Planted):
    id = "concatenated-input-changed"
    message = "What is put in front of the new channels is no longer x: BN or ReLU has changed it."
    why = (
        "Each layer chooses by its own BN and ReLU what it needs of x. If x itself is handed on changed, all later "
        "layers have lost the rest of it."
    )
    hints = (
        "Into the layers goes what BN and ReLU make of x. Into the concatenation goes x.",
        "Is the name `x` assigned again before the last line, or does an `inplace=True` write into it?",
        "Give the result of BN and ReLU a name of its own, and concatenate x as it came.",
    )
    of_sum, of_concatenation = False, True
    plants = (
        plant(take_shortcut("activation")),
        plant(take_shortcut("norm")),
        plant(dense(activate_input)),
    )
    broken = (
        changed(DENSE, (FIRST, "x = F.relu(self.bn1(x))\n        out = self.conv1(x)")),
        changed(DENSE, (FIRST, "x = self.bn1(x)\n        out = self.conv1(F.relu(x))")),
        changed(DENSE, (END, "return torch.cat([F.relu(x), out], 1)")),
    )


class ActivationAtEnd(Planted):
    id = "relu-ends-layer"
    message = (
        "There is a ReLU at the end of the layer. BN and ReLU stand in front of the convolutions; behind the last one "
        "comes nothing."
    )
    why = (
        "The next layer begins with BN and ReLU of its own. One more at the end throws away what is negative before "
        "any later layer has seen it."
    )
    hints = (
        "The order is BN, ReLU, convolution, twice, and then the concatenation.",
        "Look behind the second convolution, and at the line that returns.",
        "Return `torch.cat([x, out], 1)` with `out` as the last convolution gave it.",
    )
    of_sum, of_concatenation = False, True
    plants = (plant(dense(activate_end)), plant(dense(activate_sum)), plant(dense(activate_both_ends)))
    broken = (
        changed(DENSE, (END, "return torch.cat([x, F.relu(out)], 1)")),
        changed(DENSE, (END, "return F.relu(torch.cat([x, out], 1))")),
    )


class ConcatenatedInputDetached(Planted):
    id = "concatenated-input-detached"
    message = "x is cut from autograd before it is put in front of the new channels: no gradient flows back through it."
    why = (
        "Through the concatenation the loss reaches every layer before this one directly. Cut off, they learn only by "
        "way of the convolutions."
    )
    hints = (
        "Concatenation hands gradients on as they are, each to the part that it came from.",
        "Look for `detach()`, `.data` and `torch.no_grad()` around x.",
        "Concatenate x itself.",
    )
    of_sum, of_concatenation = False, True
    plants = (plant(dense(detach_input)),)
    broken = (changed(DENSE, (END, "return torch.cat([x.detach(), out], 1)")),)


class DenseWidthWrong(Planted):
    id = "bottleneck-width-wrong"
    message = "The 1×1 does not make bn_size * growth_rate channels."
    why = (
        "The 1×1 keeps the 3×3 cheap, however many channels have come together. How wide it may be is the task's "
        "choice, and the number of weights depends on it."
    )
    hints = (
        "The width between the two convolutions depends on growth_rate alone, not on how many channels come in.",
        "Look at the second argument of the first convolution, and at the default of `bn_size`.",
        "Set `width = bn_size * growth_rate`, and use it in both convolutions and in the second batch norm.",
    )
    of_sum, of_concatenation = False, True
    plants = tuple(
        plant(set_width(width), where="convolution 0")
        for width in (
            lambda channels, growth, right: 4 * growth,
            lambda channels, growth, right: growth,
            lambda channels, growth, right: right // growth,
            lambda channels, growth, right: channels,
            lambda channels, growth, right: channels * (right // growth),
            lambda channels, growth, right: 2 * growth,
        )
    )
    broken = (
        changed(DENSE, ("width = bn_size * growth_rate", "width = 4 * growth_rate")),
        changed(DENSE, ("width = bn_size * growth_rate", "width = growth_rate")),
        changed(DENSE, ("width = bn_size * growth_rate", "width = bn_size * in_channels")),
    )
