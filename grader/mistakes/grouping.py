"""ResNeXt blocks whose convolutions are not grouped as they should be.

Source: Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (2017), section 3.3, figure 3(c).
"""

from __future__ import annotations

from grader.graph import Node
from grader.judge.parts import Block, Edit, edit
from grader.judge.widths import fix_groups, groups_of
from grader.mistakes._families import RESNEXT
from grader.mistakes._mistake import Planted, changed, plant

GROUPS = "groups=cardinality"
OTHERS = (1, 2, 4, 8, 16, 32, 64)
DILATED = (
    "The number of groups stands where `nn.Conv2d` takes the dilation: the 3×3 is dilated and not grouped. By position "
    "the dilation is the sixth argument and the groups are the seventh, so name it: `groups=cardinality`."
)
LAST = "nn.Conv2d(width, out_channels, 1, bias=False)"
FIRST = "nn.Conv2d(in_channels, width, 1, bias=False)"


def regroup(block: Block, node: Node, groups: int) -> None:
    """A convolution in so many groups, or as it is where they do not divide its channels."""
    out, into, *_ = block.editor[node.inputs[1]].shape
    if groups and out % groups == 0 and into * groups_of(node) % groups == 0:
        fix_groups(block, node, groups)


def dilate_by_groups(block: Block) -> None:
    """The number of groups is handed over where the dilation stands: dilated, and not grouped."""
    for node in block.convolutions if _narrows_and_widens(block) else ():
        groups = groups_of(node)
        if groups > 1:
            regroup(block, node, 1)
            block.editor.set_argument(node.id, 5, [groups for _ in node.shape[2:]])


def _narrows_and_widens(block: Block) -> bool:
    """Is it 1×1, a larger convolution and 1×1, as the words of these mistakes have it? Others are grouped too."""
    kernels = [block.editor[node.inputs[1]].shape[2:] for node in block.convolutions]
    return len(kernels) == 3 and all(set(kernel) == {1} for kernel in kernels[::2])


def set_groups(groups: int | str) -> Edit:
    """Other groups in the convolution that is grouped: a number, "channels" for one each, or "width" for as many as
    there should be channels in each."""

    def change(block: Block) -> None:
        for node in block.convolutions if _narrows_and_widens(block) else ():
            if groups_of(node) > 1:
                out = block.editor[node.inputs[1]].shape[0]
                wanted = {"channels": out, "width": out // groups_of(node)}
                if isinstance(groups, str):
                    regroup(block, node, wanted[groups])
                else:
                    fix_groups(block, node, groups)

    return edit(change)


def group_instead(*numbers: int) -> Edit:
    """The groups on these convolutions and on no other."""

    def change(block: Block) -> None:
        groups = max((groups_of(node) for node in block.convolutions), default=1) if _narrows_and_widens(block) else 1
        for number, node in enumerate(block.convolutions):
            if groups > 1:
                regroup(block, node, groups if number in numbers else 1)

    return edit(change)


class GroupsMissing(Planted):
    id = "groups-missing"
    message = "The 3×3 convolution is not grouped: this is a wide bottleneck, not a ResNeXt block."
    why = (
        "Groups split the channels among many small roads, and that is the idea of ResNeXt. Without them the 3×3 has "
        "many times the weights, and the block is only a wide bottleneck."
    )
    hints = (
        "In a grouped convolution an output channel sees the channels of its own group alone. With g groups there are "
        "g times fewer weights.",
        "Look at the 3×3 convolution in the constructor. Where does the argument `cardinality` go?",
        "Hand it over there: `nn.Conv2d(width, width, 3, stride=stride, padding=1, groups=cardinality, bias=False)`.",
    )
    plants = (
        plant(set_groups(1), where="convolution 1"),
        plant(edit(dilate_by_groups), where="convolution 1", message=DILATED),
    )
    broken = (
        changed(RESNEXT, (f", {GROUPS}", "")),
        changed(RESNEXT, (f"stride=stride, padding=1, {GROUPS}", "stride, 1, cardinality")),
        changed(RESNEXT, (GROUPS, "dilation=cardinality")),
    )


class WrongCardinality(Planted):
    id = "wrong-cardinality"
    message = "The 3×3 convolution has another number of groups than asked for: it is the argument cardinality."
    why = (
        "Cardinality is the number of roads in a block, and ResNeXt is about that number. With another one this is "
        "another model, with another number of weights."
    )
    hints = (
        "`groups` says how many groups there are. It does not say how many channels are in each.",
        "Look at what stands behind `groups=` in the 3×3 convolution. Is it a fixed number, or a division?",
        "Hand the argument over as it comes: `groups=cardinality`.",
    )
    plants = (
        plant(set_groups("width"), where="convolution 1"),
        *(plant(set_groups(groups), where="convolution 1") for groups in OTHERS if groups > 1),
    )
    broken = (
        changed(RESNEXT, (GROUPS, "groups=2")),
        changed(RESNEXT, (GROUPS, "groups=32")),
        changed(RESNEXT, (GROUPS, "groups=width // cardinality")),
    )


class Depthwise(Planted):
    id = "groups-depthwise"
    message = "The 3×3 convolution is depthwise: each channel is a group of its own. There are `cardinality` groups."
    why = (
        "With as many groups as channels each filter sees one channel alone, and nothing is mixed. ResNeXt has fewer "
        "and wider groups: 32 in the paper."
    )
    hints = (
        "A depthwise convolution is the extreme case of a grouped one, known from MobileNet. Here a group holds "
        "several channels.",
        "Look at what stands behind `groups=` in the 3×3 convolution. It is the number of channels.",
        "Use the number of groups that was asked for: `groups=cardinality` in place of `groups=width`.",
    )
    plants = (plant(set_groups("channels"), where="convolution 1"),)
    broken = (changed(RESNEXT, (GROUPS, "groups=width")),)


class GroupsMisplaced(Planted):
    id = "groups-misplaced"
    message = "The groups are on the wrong convolutions. Only the 3×3 is grouped; the two 1×1 mix all channels."
    why = (
        "In the two 1×1 convolutions all channels meet. If these are grouped, the roads through the block do not share "
        "what they have found."
    )
    hints = (
        "Split, transform, merge: the first 1×1 hands out, the grouped 3×3 works on each part, the last 1×1 brings all "
        "together.",
        "Look for `groups=` in all three convolutions of the branch. Which of them should have it?",
        "Keep `groups=cardinality` on the 3×3 alone, and drop it from both 1×1 convolutions.",
    )
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
