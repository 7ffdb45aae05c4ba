"""Edits that put a residual branch's stride on another of its convolutions."""

from __future__ import annotations

from grader.graph import Node
from grader.judge.parts import Block, Edit, edit


def stride_of(block: Block) -> int:
    """The branch's stride, wherever it sits."""
    strides = [node.args[3] for node in block.convolutions]
    return max((stride[0] for stride in strides if isinstance(stride, list) and isinstance(stride[0], int)), default=1)


def put_stride(*numbers: int) -> Edit:
    """The block's stride on these convolutions of the branch, if it has them all, and on no other."""

    def change(block: Block) -> None:
        stride = stride_of(block)
        if max(numbers, default=0) < len(block.convolution_rows):
            for number, row in enumerate(block.convolution_rows):
                size = stride if number in numbers else 1
                for node in row:
                    block.set_stride(node, size)

    return edit(change)


def move_stride(number: int) -> Edit:
    """The block's stride on one convolution up to the last that is larger than 1×1; else the block stays as it is.

    Behind that one a stride would throw away values that were computed for nothing.
    """

    def change(block: Block) -> None:
        if any(_is_spatial(block, node) for row in block.convolution_rows[number:] for node in row):
            stride = stride_of(block)
            for position, row in enumerate(block.convolution_rows):
                size = stride if position == number else 1
                for node in row:
                    block.set_stride(node, size)

    return edit(change)


def _is_spatial(block: Block, node: Node) -> bool:
    """Is the kernel larger than 1×1?"""
    return any(size > 1 for size in block.editor[node.inputs[1]].shape[2:])
