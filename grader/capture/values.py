"""Which node made what a tensor holds now.

A value is identified by its memory (storage), its geometry (offset, shape, strides, type) and the version of that
memory, so that views, in-place operations, `.data` aliases and `out=` all resolve to the node that last wrote what
is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

# Offset, shape, strides; then how the numbers are to be read: type, conjugate, negative.
Geometry = tuple[int, tuple[int, ...], tuple[int, ...], torch.dtype, bool, bool]
Json = Any


class Values:
    """The memory in use while a module is recorded, and the node that wrote each part of it last.

    Args:
        new: makes a node and gives its id.
        leaf: makes a node for a tensor that no recorded operation made.
        as_seen: a node as a tensor sees it that shows part of its value.
    """

    def __init__(
        self, new: Callable[..., int], leaf: Callable[[Tensor], int], as_seen: Callable[[int, Tensor], int]
    ) -> None:
        self._new = new
        self._leaf = leaf
        self._as_seen = as_seen
        self._alive: dict[object, object] = {}  # memory must not be reused while its address is an identity
        self._version: dict[object, int] = {}
        self._whole: dict[object, tuple[int, Geometry]] = {}  # memory: the node that holds all of it
        self._known: dict[tuple[object, Geometry], tuple[int, int]] = {}  # one geometry of it: version and node

    def memory(self, tensor: Tensor) -> object:
        """An identity of the memory that a tensor shows."""
        storage = tensor.untyped_storage()
        memory = storage.data_ptr() or ("empty", storage._cdata)
        self._alive.setdefault(memory, storage)
        return memory

    def bind(self, tensor: Tensor, node: int) -> None:
        """`tensor` is fresh memory that `node` made."""
        self._bind(tensor, node, self.memory(tensor))

    def _bind(self, tensor: Tensor, node: int, memory: object) -> None:
        geometry = _geometry(tensor)
        self._version[memory] = self._version.get(memory, -1) + 1
        self._whole[memory] = (node, geometry)
        self._known[memory, geometry] = (self._version[memory], node)

    def bind_result(self, tensor: Tensor, node: int, read: set[object]) -> None:
        """`node` gave `tensor`: fresh memory, or a view of memory that it read."""
        memory = self.memory(tensor)
        if memory not in read or memory not in self._whole:
            self._bind(tensor, node, memory)
            return
        seen = (memory, _geometry(tensor))
        if self._known.get(seen, (-1, -1))[0] != self._version[memory]:
            self._known[seen] = (self._version[memory], node)

    def read(self, tensor: Tensor, memory: object) -> int:
        """The node whose result `tensor`, which shows this memory, holds now."""
        geometry = _geometry(tensor)
        if memory not in self._whole:
            node = self._leaf(tensor)
            self._bind(tensor, node, memory)
            return node
        version, node = self._known.get((memory, geometry), (-1, -1))
        if version != self._version[memory]:
            root, whole = self._whole[memory]
            node = root
            if whole != geometry:
                root = self._as_seen(root, tensor)
                part = [{"v": root}, *_relative(geometry, whole)]
                node = self._new("alias", args=part, inputs=[root], shapes=[list(tensor.shape)])
            self._known[memory, geometry] = (self._version[memory], node)
        return node

    def write(self, tensor: Tensor, node: int) -> tuple[int, int]:
        """`node` wrote into the memory of `tensor`.

        Returns:
            The node that held all of this memory before, and the one that does now.
        """
        memory, geometry = self.memory(tensor), _geometry(tensor)
        self.read(tensor, memory)
        root, whole = self._whole[memory]
        self._version[memory] += 1
        before = root
        fills = tensor.is_contiguous() and tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes()
        if whole == geometry or fills:
            self._whole[memory] = (node, geometry)
        else:
            rest = [{"v": root}, {"v": node}, *_relative(geometry, whole)]
            root = self._new("scatter", args=rest, inputs=[root, node], shapes=[list(whole[1])])
            self._whole[memory] = (root, whole)
            self._known[memory, whole] = (self._version[memory], root)
        self._known[memory, geometry] = (self._version[memory], node)
        return before, self._whole[memory][0]


def _geometry(tensor: Tensor) -> Geometry:
    place = (int(tensor.storage_offset()), tuple(tensor.shape), tuple(tensor.stride()))
    return (*place, tensor.dtype, tensor.is_conj(), tensor.is_neg())


def _relative(part: Geometry, whole: Geometry) -> list[Json]:
    """Offset, shape and strides of a part, relative to the whole: arguments for `torch.as_strided`; then the strides of
    the whole, which decide what lies where.

    Raises:
        ValueError: the memory is read as numbers of another type, or has gaps.
    """
    room = 1 + sum((size - 1) * stride for size, stride in zip(whole[1], whole[2], strict=True))
    if part[3:] != whole[3:] or room != math.prod(whole[1]):
        raise ValueError("memory is read as numbers of another type, or has gaps")
    return [part[0] - whole[0], list(part[1]), list(part[2]), list(whole[2])]


def tensors(values: Iterable[object]) -> Iterator[Tensor]:
    """Every tensor in nested lists and tuples."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors(value)
