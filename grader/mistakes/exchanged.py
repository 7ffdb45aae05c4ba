"""Stride and padding of a convolution that have changed places, as happens where they are given by position."""

from __future__ import annotations

from functools import partial

from grader.judge.parts import Block, edit
from grader.judge.strides import stride_of
from grader.language import later
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant
from grader.mistakes.kernel import NUMBERS, convolutions, size_of

FIRST = "nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)"
OF_PROJECTION = later(
    "The 1×1 on the shortcut is padded by the block's stride, and moves one step at a time. Behind the kernel come "
    "first the stride and then the padding."
)


def pad_by_stride(block: Block, numbers: tuple[int, ...], *, projection: bool = False) -> None:
    """These convolutions take the block's stride for their padding, and move one step at a time."""
    stride = stride_of(block)
    chosen = [node for node in convolutions(block, numbers) if size_of(block, node) > 1]
    if numbers and not chosen:
        return  # all that is left is what is said of the projection alone
    if projection and block.projection is not None:
        chosen.append(block.projection)
    for node in chosen:
        block.set_stride(node, 1)
        block.set_padding(node, stride)


def _padded(*numbers: int, projection: bool = False) -> Plant:
    change = edit(partial(pad_by_stride, numbers=numbers, projection=projection))
    if not numbers:
        return plant(change, where="projection", message=OF_PROJECTION)
    return plant(change, where=f"convolution {numbers[0]}")


class StrideAndPaddingExchanged(Planted):
    id = "stride-and-padding-exchanged"
    message = (
        "Stride and padding of a convolution have changed places: it is padded by the block's stride, and has none."
    )
    why = (
        "By position `nn.Conv2d` takes the stride before the padding. Exchanged, a stride of 2 makes the map larger in "
        "place of halving it, and with a stride of 1 nobody notices."
    )
    hints = (
        "What is given without a name is known by its place alone: channels in, channels out, kernel, stride, padding.",
        "Look at the numbers behind the kernel's size in each `nn.Conv2d`. Which of them is the stride?",
        "Give them their names, so that the order does not matter: `nn.Conv2d(in_channels, out_channels, 3, "
        "stride=stride, padding=1)`.",
    )
    plants = (
        *(_padded(*numbers, projection=both) for both in (False, True) for numbers in ((0,), (1,), NUMBERS)),
        _padded(projection=True),
    )
    broken = (
        changed(RESBLOCK, (FIRST, "nn.Conv2d(in_channels, out_channels, 3, 1, stride, bias=False)")),
        changed(BOTTLENECK, ("3, stride=stride, padding=1", "3, 1, stride")),
        changed(RESBLOCK, ("in_channels, out_channels, 1, stride=stride", "in_channels, out_channels, 1, 1, stride")),
        changed(
            RESBLOCK,
            (FIRST, "nn.Conv2d(in_channels, out_channels, 3, padding=stride, bias=False)"),
            ("out_channels, out_channels, 3, stride=1, padding=1", "out_channels, out_channels, 3, 1, stride"),
            ("in_channels, out_channels, 1, stride=stride", "in_channels, out_channels, 1, 1, stride"),
        ),
    )
