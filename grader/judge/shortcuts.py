"""Edits that give a residual block another kind of shortcut.

Source: He et al., "Deep Residual Learning for Image Recognition" (2015), section 3.3: where shapes differ, (A) the
identity with a stride, the new channels zero, or (B) a projection; or (C) a projection everywhere.
"""

from __future__ import annotations

from typing import Literal

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.judge.strides import stride_of

Padding = Literal["end", "middle", "front"]


def drop_projection(block: Block) -> None:
    """The identity, whether it fits or not; of a block behind another one what is left out is another matter."""
    if not block.follows_another and _is_fitted(block):
        block.join(block.parts.branch, block.x)


def changes_shape(block: Block) -> bool:
    """Has what a block gives another shape than its input? Elsewhere a shortcut that is not the input is something else
    than a way to make it fit, as that of a highway is."""
    return block.editor[block.x].shape != block.editor[block.parts.join].shape


def _is_fitted(block: Block) -> bool:
    """Is there a shortcut that makes the input fit, or should there be?"""
    return block.projection is not None or changes_shape(block)


def pad_shortcut(where: Padding) -> Edit:
    """Option A: wherever there would be a projection, the strided identity with the new channels zero.

    Args:
        where: do the zeros stand behind the channels of x, half of them on either side, or in front? Fewer channels
            are cut off in the same places.
    """

    def change(block: Block) -> None:
        if block.follows_another:
            return
        join_padded(block, strided(block, stride_of(block)), where)

    return edit(change)


def strided(block: Block, step: int, first: int = 0) -> int:
    """The input's rows and columns with a step between them; nobody reads it yet."""
    value = block.x
    for dimension in range(2, len(block.editor[value].shape)) if step != 1 else ():
        value = block.editor.add("aten.slice.Tensor", ref(value), dimension, first, 2**62, step)
    return value


def join_padded(block: Block, source: int, where: Padding, value: float = 0.0) -> None:
    """Add a value to the branch in place of a projection, the channels that it lacks being of one value."""
    if not _is_fitted(block):
        return
    more = _more_channels(block)
    if more:
        before = {"end": 0, "middle": more // 2, "front": more}[where]
        space = block.editor[block.parts.join].shape[2:]
        padding = [*(0 for _ in space for _ in range(2)), before, more - before]
        shapes = [block.editor[block.parts.join].shape]
        source = block.editor.add("aten.constant_pad_nd.default", ref(source), padding, value, shapes=shapes)
    block.join(block.parts.branch, source)


def project_shortcut(*, always: bool, norm: bool = True) -> Edit:
    """Option B, or C if always: a 1×1 convolution with the block's stride, and a batch norm if the block has any.

    A projection that is there already stays; one that B does not ask for goes.
    """

    def change(block: Block) -> None:
        wanted = always or stride_of(block) != 1 or _more_channels(block) != 0
        if not wanted:
            drop_projection(block)
        elif block.projection is None:
            add_projection(block, norm=norm)

    return edit(change)


def add_projection(
    block: Block, *, norm: bool, bias: bool = False, stride: int | None = None, channels: int | None = None
) -> None:
    """A projection of the block's input where there is none: to the branch's stride and channels if not others."""
    if block.follows_another:
        return
    channels = channels or block.editor[block.x].shape[1] + _more_channels(block)
    projected = block.convolve(block.x, channels, 1, stride or stride_of(block), "projection", bias=bias)
    if norm and block.norms:
        projected = block.normalise(projected, block.norms[0], "projection")
    block.join(block.parts.branch, projected)


def _more_channels(block: Block) -> int:
    """How many more channels the block gives than it takes."""
    if not block.convolutions:
        return 0
    given = block.editor[block.convolutions[-1].inputs[1]].shape[0]
    return given - block.editor[block.x].shape[1]
