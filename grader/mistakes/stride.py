"""The branch's stride on another convolution than its own, on several, or on none."""

from __future__ import annotations

from grader.judge.strides import put_stride
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant


class StrideInBoth(Planted):
    id = "stride-in-both"
    message = (
        "More than one convolution of the branch has the stride, so the branch shrinks twice. Only one may have it."
    )
    why = (
        "Each stride of 2 halves the map, so two of them leave a quarter of the height and the width. The shortcut "
        "shrinks once, and then the two do not fit."
    )
    hints = (
        "A block has one stride, and it is used once on the branch.",
        "Look at the stride of each convolution on the branch. How many of them have the argument?",
        "Keep it in one of them, and give the others stride 1, as in `nn.Conv2d(out_channels, out_channels, 3, "
        "stride=1, padding=1, bias=False)`.",
    )
    plants = tuple(
        plant(put_stride(*numbers), where="convolution 1") for numbers in ((0, 1), (1, 2), (0, 2), (0, 1, 2))
    )
    broken = (
        changed(RESBLOCK, ("out_channels, out_channels, 3, stride=1", "out_channels, out_channels, 3, stride=stride")),
        changed(BOTTLENECK, ("nn.Conv2d(in_channels, width, 1, ", "nn.Conv2d(in_channels, width, 1, stride=stride, ")),
    )


class StrideIgnored(Planted):
    id = "stride-ignored"
    message = "No convolution of the branch uses the stride: F(x) keeps its resolution."
    why = (
        "The branch keeps the full size where it should halve it. The shortcut follows the stride, so the two do not "
        "fit, or the network never gets to smaller maps."
    )
    hints = (
        "The stride says how far a filter moves each time. With 2 the map comes out at half the size.",
        "Follow the argument `stride` in the constructor: does any convolution of the branch get it?",
        "Hand it to the one that the task names, in a basic block to the first: `nn.Conv2d(in_channels, out_channels, "
        "3, stride=stride, padding=1, bias=False)`.",
    )
    plants = (plant(put_stride(), where="convolution 0"),)
    broken = (
        changed(RESBLOCK, ("in_channels, out_channels, 3, stride=stride", "in_channels, out_channels, 3, stride=1")),
    )


class WrongStrideLayer(Planted):
    id = "wrong-stride-layer"
    message = "The stride sits on another convolution of the branch than the one it belongs to."
    why = (
        "The result has the right size, but other values are left out on the way. The layers in front of the stride "
        "also work on larger maps, which costs more."
    )
    hints = (
        "The place of the stride decides which layers see the large map and which the small one.",
        "Find the convolution that has the stride, and read in the task on which one it belongs.",
        "Move `stride=stride` there, in a basic block to the first convolution, and give the others stride 1.",
    )
    plants = tuple(plant(put_stride(number), where=f"convolution {number}") for number in (1, 2, 0))
    broken = (
        changed(
            RESBLOCK,
            ("in_channels, out_channels, 3, stride=stride", "in_channels, out_channels, 3, stride=1"),
            ("out_channels, out_channels, 3, stride=1", "out_channels, out_channels, 3, stride=stride"),
        ),
        changed(
            BOTTLENECK, ("3, stride=stride, ", "3, "), ("(width, out_channels, 1,", "(width, out_channels, 1, stride,")
        ),
    )
