"""Gradients that are other than the recorded operations give.

Autograd does not see what is done through `.data` or under no_grad, and functions of the student's own have a way back
of their own. Whether a tensor requires a gradient tells: where that is not what its node should have, something else
stands for the node.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from grader.capture.nodes import Nodes

Json = Any


class Gradients:
    """Puts into the graph what autograd sees.

    Attributes:
        created: places where a parameter was first used that was made meanwhile.
    """

    def __init__(self, nodes: Nodes, registered: set[int]) -> None:
        self.created: list[dict[str, Json]] = []
        self._nodes = nodes
        self._parameters = registered  # their identities
        self._made: list[Tensor] = []  # parameters made meanwhile: while they live, no other gets their identity
        self._results: dict[int, Any] = {}  # for a node: a weak reference to the tensor that it gave
        self._instead: dict[int, int] = {}  # for a node: what stands for it
        self._kept: dict[int, int] = {}  # for a node that wrote, unseen by autograd: what was there before

    def gave(self, node: int, tensor: Tensor) -> None:
        """A node gave this tensor."""
        self._results[node] = weakref.ref(tensor)

    def result(self, node: int) -> Tensor | None:
        """The tensor that a node gave, if something still keeps it."""
        return self._results[node]() if node in self._results else None

    def wrote(self, before: int, after: int, tensor: Tensor) -> None:
        """Memory that `before` stood for now holds `after`; it was written through `tensor`."""
        if self._nodes.tracked[before] and not (tensor.requires_grad and torch.is_grad_enabled()):
            # Who tracks this memory does not learn of it: its gradient is still that of what was there before.
            self._nodes.tracked[after] = False
            self._kept[after] = self._kept.get(before, before)

    def as_seen(self, node: int, tensor: Tensor) -> int:
        """What stands for the node whose value `tensor` holds."""
        tracked = self._nodes.tracked[node]
        if not (tensor.is_floating_point() or tensor.is_complex()):
            return node
        if tensor.requires_grad and node in self._kept:
            return self._replaced(node, lambda: self._unseen_by_autograd(self._kept[node], node))
        if tensor.requires_grad and tensor.is_leaf and self._nodes.said[node]["op"] != "leaf":
            self._note_parameter(tensor)
            return self._replaced(node, lambda: self._detached(node)) if tracked else node
        if tensor.requires_grad and not tracked:
            self._let_through(node)
        elif tracked and not tensor.requires_grad and self.result(node) is not tensor:
            # `.data`, or a view made under no_grad. (What an operation gave, as it is, is used below autograd.)
            return self._replaced(node, lambda: self._detached(node))
        return node

    def _note_parameter(self, tensor: Tensor) -> None:
        if isinstance(tensor, nn.Parameter) and id(tensor) not in self._parameters:
            self._parameters.add(id(tensor))
            self._made.append(tensor)
            self.created.append(self._nodes.here)

    def _replaced(self, node: int, other: Callable[[], int]) -> int:
        if node not in self._instead:
            self._instead[node] = other()
        return self._instead[node]

    def _operation(self, name: str, inputs: list[int], tracked: bool) -> int:
        """An operation that no code called."""
        args = [{"v": i} for i in inputs]
        shapes = self._nodes.said[inputs[0]].get("shapes", [])[:1]
        return self._nodes.new(f"aten.{name}", inputs, tracked, args=args, shapes=shapes, gradient=True)

    def _detached(self, node: int) -> int:
        return self._operation("detach.default", [node], False)

    def _unseen_by_autograd(self, before: int, after: int) -> int:
        """The value of `after` with the gradient of `before`, as when memory is written through `.data`."""
        change = self._operation("sub.Tensor", [self._detached(after), self._detached(before)], False)
        return self._operation("add.Tensor", [before, change], True)

    def _let_through(self, node: int) -> None:
        """A gradient flows although nothing was tracked: an autograd.Function or a reentrant checkpoint has its own
        way back. Taken to be the derivative; where it is not, the numbers will tell."""
        todo = [node]
        while todo:
            i = todo.pop()
            if not self._nodes.tracked[i] and self._nodes.inputs[i]:
                self._nodes.tracked[i] = True
                self._nodes.said[i]["gradient"] = True
                if self._nodes.said[i]["op"] == "aten.detach.default":
                    self._nodes.said[i]["op"] = "aten.alias.default"
                todo += self._nodes.inputs[i]
