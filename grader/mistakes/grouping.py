"""ResNeXt blocks whose convolutions are not grouped as they should be.

Source: Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (2017), section 3.3, figure 3(c).
"""

from __future__ import annotations

from grader.graph import Node
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._families import RESNEXT
from grader.mistakes._mistake import Planted, changed, plant

GROUPS = "groups=cardinality"
OTHERS = (1, 2, 4, 8, 16, 32, 64)
LAST = "nn.Conv2d(width, out_channels, 1, bias=False)"
FIRST = "nn.Conv2d(in_channels, width, 1, bias=False)"


def groups_of(node: Node) -> int:
    groups = node.args[8]
    assert isinstance(groups, int)
    return groups


def regroup(block: Block, node: Node, groups: int) -> None:
    """A convolution in so many groups, or as it is where they do not divide its channels."""
    out, into, *kernel = block.editor[node.inputs[1]].shape
    into *= groups_of(node)
    if groups and out % groups == 0 and into % groups == 0:
        block.resize(node.args[1], [out, into // groups, *kernel])
        block.editor.set_argument(node.id, 8, groups)


def set_groups(groups: int | str) -> Edit:
    """Other groups in the convolution that is grouped: a number, "channels" for one each, or "width" for as many as
    there should be channels in each."""

    def change(block: Block) -> None:
        for node in block.convolutions:
            if groups_of(node) > 1:
                out = block.editor[node.inputs[1]].shape[0]
                wanted = {"channels": out, "width": out // groups_of(node)}
                regroup(block, node, wanted[groups] if isinstance(groups, str) else groups)

    return edit(change)


def group_instead(*numbers: int) -> Edit:
    """The groups on these convolutions and on no other."""

    def change(block: Block) -> None:
        groups = max((groups_of(node) for node in block.convolutions), default=1)
        for number, node in enumerate(block.convolutions):
            if groups > 1:
                regroup(block, node, groups if number in numbers else 1)

    return edit(change)


class GroupsMissing(Planted):
    id = "groups-missing"
    message = (
        "The 3×3 convolution is not grouped: this is a wide bottleneck, not a ResNeXt block. Give it "
        "groups=cardinality."
    )
    plants = (plant(set_groups(1), where="convolution 1"),)
    broken = (changed(RESNEXT, (f", {GROUPS}", "")),)


class WrongCardinality(Planted):
    id = "wrong-cardinality"
    message = "The 3×3 convolution has another number of groups than asked for: it is the argument cardinality."
    plants = (
        plant(set_groups("width"), where="convolution 1"),
        *(plant(set_groups(groups), where="convolution 1") for groups in OTHERS if groups > 1),
    )
    broken = (
        changed(RESNEXT, (GROUPS, "groups=2")),
        changed(RESNEXT, (GROUPS, "groups=width // cardinality")),
    )


class Depthwise(Planted):
    id = "groups-depthwise"
    message = "The 3×3 convolution is depthwise: each channel is a group of its own. There are `cardinality` groups."
    plants = (plant(set_groups("channels"), where="convolution 1"),)
    broken = (changed(RESNEXT, (GROUPS, "groups=width")),)


class GroupsMisplaced(Planted):
    id = "groups-misplaced"
    message = "The groups are on the wrong convolutions. Only the 3×3 is grouped; the two 1×1 mix all channels."
    plants = tuple(
        plant(group_instead(*numbers), where="convolution 0" if 0 in numbers else "convolution 2")
        for numbers in ((0,), (2,), (0, 1, 2), (0, 1), (1, 2), (0, 2))
    )
    broken = (
        changed(RESNEXT, (f", {GROUPS}", ""), (LAST, LAST.replace("1, bias", f"1, {GROUPS}, bias"))),
        changed(
            RESNEXT,
            (FIRST, FIRST.replace("1, bias", "1, groups=cardinality if in_channels % cardinality == 0 else 1, bias")),
            (LAST, LAST.replace("1, bias", f"1, {GROUPS}, bias")),
        ),
    )
