"""Convolutions of the branch with the wrong stride or number of channels, or used twice."""

from __future__ import annotations

from grader.judge.parts import Block, Edit, edit
from grader.judge.strides import put_stride
from grader.judge.widths import hidden_width, set_hidden_width
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant


def share(first: int, second: int, *, norm: bool, module: bool) -> Edit:
    """The second convolution is the first one again, and its batch norm too.

    Args:
        module: the whole layer is used again, its stride included, and not only its weight.
    """

    def change(block: Block) -> None:
        for nodes in (block.convolutions, block.norms if norm else []):
            if second < len(nodes):
                one, other = nodes[first], nodes[second]
                behind = one.args[3:] if module or nodes is block.norms else other.args[3:]
                block.editor.change(other.id, args=[other.args[0], *one.args[1:3], *behind])

    return edit(change)


def set_width(of: str, factor: float) -> Edit:
    """Another hidden width: a multiple of the "in" or "out" channels or of the right "hidden" width."""

    def change(block: Block) -> None:
        if len(block.convolutions) < 2:
            return
        last = block.convolutions[-1]
        channels = {
            "in": block.editor[block.x].shape[1],
            "out": block.editor[last.inputs[1]].shape[0],
            "hidden": hidden_width(block),
        }
        set_hidden_width(block, int(channels[of] * factor))

    return edit(change)


class StrideInBoth(Planted):
    id = "stride-in-both"
    message = (
        "More than one convolution of the branch has the stride, so the branch shrinks twice. Only one may have it."
    )
    plants = tuple(
        plant(put_stride(*numbers), where="convolution 1") for numbers in ((0, 1), (1, 2), (0, 2), (0, 1, 2))
    )
    broken = (
        changed(RESBLOCK, ("out_channels, out_channels, 3, stride=1", "out_channels, out_channels, 3, stride=stride")),
    )


class StrideIgnored(Planted):
    id = "stride-ignored"
    message = "No convolution of the branch uses the stride: F(x) keeps its resolution where it should be halved."
    plants = (plant(put_stride(), where="convolution 0"),)
    broken = (
        changed(RESBLOCK, ("in_channels, out_channels, 3, stride=stride", "in_channels, out_channels, 3, stride=1")),
    )


class WrongStrideLayer(Planted):
    id = "wrong-stride-layer"
    message = "The stride sits on another convolution of the branch than the one it belongs to."
    plants = tuple(plant(put_stride(number), where=f"convolution {number}") for number in (1, 2, 0))
    broken = (
        changed(
            RESBLOCK,
            ("in_channels, out_channels, 3, stride=stride", "in_channels, out_channels, 3, stride=1"),
            ("out_channels, out_channels, 3, stride=1", "out_channels, out_channels, 3, stride=stride"),
        ),
    )


class BottleneckNotNarrowed(Planted):
    id = "bottleneck-not-narrowed"
    message = (
        "The 3×3 convolution works on the full number of channels. A bottleneck first narrows to out_channels // "
        "4: that is what makes it cheap."
    )
    plants = (plant(set_width("out", 1), where="convolution 1"),)
    broken = (changed(BOTTLENECK, ("out_channels // 4", "out_channels")),)


class WrongChannels(Planted):
    id = "wrong-channels"
    message = "The first convolution keeps in_channels; it must already give out_channels."
    plants = (plant(set_width("in", 1), where="convolution 0"),)
    broken = (
        changed(
            RESBLOCK,
            (
                "nn.Conv2d(in_channels, out_channels, 3, stride=stride",
                "nn.Conv2d(in_channels, in_channels, 3, stride=stride",
            ),
            ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(in_channels)"),
            ("nn.Conv2d(out_channels, out_channels, 3", "nn.Conv2d(in_channels, out_channels, 3"),
        ),
    )


class WrongExpansion(Planted):
    id = "wrong-expansion"
    message = "The bottleneck narrows to another width than out_channels // 4."
    plants = tuple(
        plant(set_width(of, factor), where="convolution 0")
        for of, factor in (
            ("out", 1 / 2),
            ("in", 1 / 4),
            ("in", 1 / 2),
            ("out", 1 / 8),
            ("out", 4),
            ("out", 2),
            ("in", 4),
        )
    )
    broken = (
        changed(BOTTLENECK, ("out_channels // 4", "out_channels // 2")),
        changed(BOTTLENECK, ("out_channels // 4", "in_channels // 4")),
    )


class LayerShared(Planted):
    id = "layer-shared"
    message = "The same convolution is used twice. Each layer of the branch has weights of its own."
    plants = tuple(
        plant(share(first, second, norm=norm, module=module), where="convolution 1")
        for first, second in ((0, 1), (1, 2), (0, 2))
        for norm in (False, True)
        for module in (True, False)
    )
    broken = (
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn2(self.conv1(out))")),
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn1(self.conv1(out))")),
    )
