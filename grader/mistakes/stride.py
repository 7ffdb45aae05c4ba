"""The branch's stride on another convolution than its own, on several, or on none."""

from __future__ import annotations

from grader.judge.strides import put_stride
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant


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
        changed(BOTTLENECK, ("nn.Conv2d(in_channels, width, 1, ", "nn.Conv2d(in_channels, width, 1, stride=stride, ")),
    )


class StrideIgnored(Planted):
    id = "stride-ignored"
    message = "No convolution of the branch uses the stride: F(x) keeps its resolution."
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
        changed(
            BOTTLENECK, ("3, stride=stride, ", "3, "), ("(width, out_channels, 1,", "(width, out_channels, 1, stride,")
        ),
    )
