"""How a weight is kept: which of its dimensions are its outputs, and in which order they stand.

A weight of a layer is outputs × inputs of each output (Out × In × height × width in a convolution of PyTorch). People
who come from elsewhere keep it in another order: a matrix as inputs × outputs, the kernel of a convolution as height ×
width × In × Out, that of a grouped one with the groups in front.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grader.graph import Node

# Views that move numbers about and make none.
REARRANGEMENTS = frozenset("t transpose permute unsqueeze squeeze view _unsafe_view reshape".split())
PARTS = frozenset("select slice split split_with_sizes chunk unbind tensor_split".split())  # and those that take some
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


def keeping(
    shape: Sequence[int],
    operand: Sequence[int],
    path: Iterable[Node],
    factor: int | None,
    *,
    joined: bool = False,
    summed: Sequence[int] = (),
) -> Keeping | None:
    """How a weight of this shape is kept; None where that is as usual, or not told.

    Numbers that are carried through the views between the weight and the layer that uses it tell which of its
    dimensions is which there.

    Args:
        operand: the shape of what the layer reads.
        path: operations on the way.
        factor: of a product, 0 for the left and 1 for the right one; None for a convolution.
        joined: if only a part is used there, are the results of the parts put side by side, as those of groups are?
            Else they are summed up, as those of a kernel's pixels are.
        summed: of a product element by element, the dimensions along which it is summed up, counted from the last one.
    """
    if len(shape) < 2 or math.prod(shape) > MOST_NUMBERS:
        return None
    try:
        numbers = _carried(torch.arange(math.prod(shape)).view(*shape), path)
    except (RuntimeError, TypeError, IndexError, ValueError, AttributeError, ZeroDivisionError):
        return None
    if summed:
        return _told(*_in_rows(numbers, summed), shape, joined=joined)
    if factor == 1 and numbers.dim() > 1:  # a product sums over the last dimension but one of its right factor
        numbers = numbers.transpose(-1, -2)
        operand = [*operand[:-2], *operand[-2:][::-1]]
    last = 2 if factor is not None else len(operand)
    if len(shape) > 2 and list(numbers.shape[-last:]) != list(operand[-last:]):
        return None  # something else was done to it on the way
    if factor is not None:
        return _told(numbers, numbers.dim() - 1, shape, joined=joined)
    found = _told(numbers, 1, shape, joined=joined) if numbers.dim() > 2 else None
    return None if found is None or _is_turned(found, sides=numbers.dim() - 2) else found


def _carried(numbers: Tensor, path: Iterable[Node]) -> Tensor:
    """What these views make of numbers, each of which is there once: a product of batches repeats a matrix for every
    sample."""
    copies = 1
    value: Any = numbers  # or the parts into which it is cut
    for node in path:
        if node.name == "getitem":
            value = value[node.args[1]]
        elif node.name == "expand":
            if math.prod(node.shape) > MOST_NUMBERS:
                raise ValueError("too many copies")
            copies *= math.prod(node.shape) // value.numel()
            value = value.expand(node.shape)
        elif node.name in REARRANGEMENTS or node.name in PARTS:
            name = "reshape" if node.name in VIEWS_OF_COPIES else node.name
            value = getattr(torch.ops.aten, name)(value, *node.args[1:])
            if not isinstance(value, Tensor) and len(value) == 1:
                value = value[0]  # a single part is not taken out of a list
    if not isinstance(value, Tensor):
        raise ValueError("parts, of which none was taken")
    return value if copies == 1 else value.reshape(copies, -1, *value.shape[1:])[0]


def _in_rows(numbers: Tensor, summed: Sequence[int]) -> tuple[Tensor, int]:
    """Numbers with the dimensions behind that are summed up, and how many are in front."""
    behind = [i for i in range(numbers.dim()) if i - numbers.dim() in summed]
    before = [i for i in range(numbers.dim()) if i not in behind]
    return numbers.permute(*before, *behind), len(before)


def _is_turned(found: Keeping, sides: int) -> bool:
    """Are height and width of a kernel behind, as PyTorch keeps them, and outputs and inputs exchanged; or are the
    sides? Then it is no other habit: something has been mixed up."""
    channels, kernel = list(found.axes[:-sides]), list(found.axes[-sides:])
    is_behind = kernel[-1] == len(found.axes) - 1
    return kernel != sorted(kernel) or (is_behind and channels != sorted(channels))


def _told(numbers: Tensor, outputs: int, shape: Sequence[int], *, joined: bool) -> Keeping | None:
    """How it is kept, from its numbers, or a part of them, with the outputs in front: these stand in so many
    dimensions."""
    is_part = numbers.numel() < math.prod(shape)
    rows = math.prod(numbers.shape[:outputs])
    if not is_part and torch.equal(numbers.reshape(-1), torch.arange(numbers.numel())):
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
    others = [axis for axis in rest if shape[axis] != 1]
    if not is_part and (others or not of_outputs):
        return None
    if joined and others:
        return Keeping((*others, *axes, *(axis for axis in rest if axis not in others)), len(others) + of_outputs)
    if axes == sorted(axes) and axes[:1] == [0] and of_outputs == 1:
        return None  # as usual, whichever parts of the inputs are summed up
    return Keeping((*axes, *rest), of_outputs) if of_outputs else None


def _axes_of(row: Tensor, shape: Sequence[int], taken: Sequence[int]) -> list[int]:
    """The dimensions that were made one, outer ones first, as the numbers along it tell; none if they do not. Of the
    outermost it may be a part."""
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
    return found if found and len(row) % (length // shape[found[0]]) == 0 else []
