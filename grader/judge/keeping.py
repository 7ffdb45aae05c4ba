"""How a weight is kept: which of its dimensions are its outputs, and in which order they stand.

A weight of a layer is outputs × inputs of each output (Out × In × height × width in a convolution of PyTorch). People
who come from elsewhere keep it in another order: a matrix as inputs × outputs, the kernel of a convolution as height ×
width × In × Out, that of a grouped one with the groups in front.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from grader.graph import Node

# Views that move numbers about and make none.
REARRANGEMENTS = frozenset("t transpose permute unsqueeze squeeze view _unsafe_view reshape".split())
VIEWS_OF_COPIES = ("view", "_unsafe_view")  # a student's graph may have made a copy before, which moves no number
MOST_NUMBERS = 1 << 20


@dataclass(frozen=True)
class Keeping:
    """The dimensions of a kept weight in the order outputs, inputs.

    Attributes:
        axes: all of them, those of the outputs first.
        outputs: how many of them are of the outputs.
        positions: of a kernel that is kept as a matrix, how many positions of the patch stand in front of the channels;
            1 where the channels are in front, as those of `F.unfold` are.
    """

    axes: tuple[int, ...]
    outputs: int
    positions: int = 1

    def shape(self, kept: Sequence[int]) -> tuple[int, int]:
        """Outputs and inputs of each output of a weight that is kept in this shape."""
        outputs = math.prod(kept[axis] for axis in self.axes[: self.outputs])
        return outputs, math.prod(kept) // max(1, outputs)

    def keep(self, value: Tensor, kept: Sequence[int]) -> Tensor:
        """A weight, outputs × inputs, as it is kept."""
        back = sorted(range(len(self.axes)), key=self.axes.__getitem__)
        if self.positions > 1:
            value = value.reshape(len(value), -1, self.positions).transpose(1, 2)
        return value.reshape([kept[axis] for axis in self.axes]).permute(back)

    def read(self, value: Tensor, kept: Sequence[int]) -> Tensor:
        """What is kept, as outputs × inputs."""
        found = value.reshape(list(kept)).permute(self.axes).reshape(self.shape(kept))
        return (
            found if self.positions == 1 else found.reshape(len(found), self.positions, -1).transpose(1, 2).flatten(1)
        )


def keeping(shape: Sequence[int], operand: Sequence[int], path: Iterable[Node], factor: int | None) -> Keeping | None:
    """How a weight of this shape is kept; None where that is as usual, or not told.

    Numbers that are carried through the views between the weight and the layer that uses it tell which of its
    dimensions is which there.

    Args:
        operand: the shape of what the layer reads.
        path: operations on the way.
        factor: of a product, 0 for the left and 1 for the right one; None for a convolution.
    """
    if len(shape) < 2 or math.prod(shape) > MOST_NUMBERS:
        return None
    numbers = torch.arange(math.prod(shape)).view(*shape)
    try:
        for node in path:
            if node.name in REARRANGEMENTS:
                name = "reshape" if node.name in VIEWS_OF_COPIES else node.name
                numbers = getattr(torch.ops.aten, name)(numbers, *node.args[1:])
    except (RuntimeError, TypeError, IndexError, ValueError):
        return None
    if factor == 1 and numbers.dim() > 1:  # a product sums over the last dimension but one of its right factor
        numbers = numbers.transpose(-1, -2)
        operand = [*operand[:-2], *operand[-2:][::-1]]
    last = 2 if factor is not None else len(operand)
    if len(shape) > 2 and list(numbers.shape[-last:]) != list(operand[-last:]):
        return None  # something else was done to it on the way
    if factor is not None:
        return _told(numbers, shape, outputs=numbers.dim() - 1)
    found = _told(numbers, shape, outputs=1)
    return None if found is None or _is_turned(found) else found


def _is_turned(found: Keeping) -> bool:
    """Are height and width of a kernel behind, as PyTorch keeps them, or in exchanged order? Then it is no other habit:
    outputs and inputs, or the sides, have been mixed up."""
    sides = found.axes[2:]
    return list(sides) != sorted(sides) or (bool(sides) and sides[-1] == len(found.axes) - 1)


def _told(numbers: Tensor, shape: Sequence[int], *, outputs: int) -> Keeping | None:
    """How it is kept, from its numbers with the outputs in front: these stand in so many dimensions."""
    rows = math.prod(numbers.shape[:outputs])
    if torch.equal(numbers.reshape(-1), torch.arange(numbers.numel())):
        # In order, but maybe with the outputs in several dimensions.
        for leading in range(1, len(shape)):
            if math.prod(shape[:leading]) == rows:
                return Keeping(tuple(range(len(shape))), leading) if leading > 1 else None
        return None
    axes: list[int] = []
    of_outputs = 0
    for dimension, size in enumerate(numbers.shape):
        if size == 1:
            continue
        row = numbers[tuple(slice(None) if i == dimension else 0 for i in range(numbers.dim()))]
        found = _axes_of(row, shape, axes)
        if not found:
            return None
        axes += found
        of_outputs += len(found) * (dimension < outputs)
    rest = [axis for axis in range(len(shape)) if axis not in axes]
    if any(shape[axis] != 1 for axis in rest) or not of_outputs:
        return None
    axes += rest
    return Keeping(tuple(axes), of_outputs)


def _axes_of(row: Tensor, shape: Sequence[int], taken: Sequence[int]) -> list[int]:
    """The dimensions that were made one, outer ones first, as the numbers along it tell; none if they do not."""
    found: list[int] = []
    length = 1
    while length < len(row):
        step = int(row[length] - row[0])
        free = (axis for axis, size in enumerate(shape) if size > 1 and axis not in (*taken, *found))
        axis = next((axis for axis in free if math.prod(shape[axis + 1 :]) == step), None)
        if axis is None:
            return []
        found.insert(0, axis)
        length *= shape[axis]
    return found if length == len(row) else []
