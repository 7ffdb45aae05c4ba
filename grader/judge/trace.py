"""What a computation passes through: a few numbers about every value on its way.

Two computations of the same thing in different hands share most of their values, if not their operations. Where the
values of a student's module leave those of the reference is where the two first differ. A value is known by numbers
that do not change when it is reshaped or permuted, so that a batch norm over N × C × L and one over N × C × H × W are
the same. Traces come partly from a student's own report: they steer, and prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan

import torch
from torch import Tensor

from grader.graph import Graph
from grader.judge.replay import Environment

CUTS = frozenset(("slice", "select", "narrow"))  # what takes a part of a value, as `getitem` does of several
CLOSE = 1e-10  # relative; the values themselves are in float64


@dataclass(frozen=True)
class Trace:
    """Numbers about the values that depend on the input.

    Attributes:
        nodes: their ids, in the order they were made.
        numbers: one row for each: how many there are, their sum, their sum of squares, the largest and the smallest.
        others: what holds truth values or whole numbers, such as a mask: what is made with it is looked at instead.
    """

    nodes: list[int]
    numbers: Tensor
    others: frozenset[int] = frozenset()

    @staticmethod
    def of(graph: Graph, environment: Environment) -> Trace:
        """The trace of what `environment` holds of a graph."""
        reached: set[int] = set()
        nodes, rows, others = [], [], set()
        for node in graph.nodes:
            value = environment.get(node.id)
            if node.leaf is not None:
                if node.leaf.kind == "input":
                    reached.add(node.id)
                continue
            if reached.isdisjoint(node.inputs):
                continue
            reached.add(node.id)
            if isinstance(value, Tensor) and value.is_floating_point() and value.numel():
                nodes.append(node.id)
                rows.append(_numbers(value.detach()))
            elif isinstance(value, Tensor):
                others.add(node.id)
        return Trace(nodes, torch.tensor(rows, dtype=torch.float64).reshape(len(rows), 5), frozenset(others))

    @property
    def last(self) -> Trace:
        """The last value alone: the output, where all of it ran."""
        return Trace(self.nodes[-1:], self.numbers[-1:])

    def found_in(self, other: Trace) -> set[int]:
        """Nodes whose values the other computation passes through too."""
        if not self.nodes or not other.nodes:
            return set()
        mine, theirs = self.numbers[:, None], other.numbers[None]
        same = torch.isclose(theirs, mine, rtol=CLOSE, atol=CLOSE, equal_nan=True).all(dim=2).any(dim=1)
        return {node for node, is_there in zip(self.nodes, same.tolist(), strict=True) if is_there}


Digest = tuple[float, float, float, float, float]  # numbers about one value


def digest(value: Tensor) -> Digest | None:
    """Numbers about one value, as in a trace; None if it holds none."""
    if not value.is_floating_point() or not value.numel():
        return None
    numel, total, squares, largest, smallest = _numbers(value.detach())
    return numel, total, squares, largest, smallest


def is_near(one: Digest, other: Digest, tolerance: float) -> bool:
    """Are two values about the same? `tolerance` is relative, to 1 at least. What is not finite is like itself."""
    return all(
        abs(a - b) <= tolerance * (1.0 + abs(a)) if isfinite(a - b) else a == b or (isnan(a) and isnan(b))
        for a, b in zip(one, other, strict=True)
    )


def _numbers(value: Tensor) -> list[float]:
    value = value.double()
    return [
        float(value.numel()),
        float(value.sum()),
        float((value * value).sum()),
        float(value.max()),
        float(value.min()),
    ]


def divergence(graph: Graph, trace: Trace, known: set[int]) -> list[int]:
    """Where a computation leaves another one: nodes whose values are not known, though all that leads there is.

    A value that is not known is no divergence when something known depends on it: it was computed in another way. That
    must be more than some parts of it, which may be the same by chance: a ReLU leaves nothing of many.

    Args:
        trace: of `graph`, as far as it ran.
        known: nodes of it whose values the other computation passes through.
    """
    ran = set(trace.nodes)
    explained = {graph.input.id, *known}
    users = graph.users
    for node in reversed(graph.nodes):
        # What is no tensor of numbers, or does not depend on the input, is taken as known with what it leads to.
        parts = [user.id for user in users[node.id] if user.name in CUTS or user.op == "getitem"]
        whole = (user.id for user in users[node.id] if user.id not in parts)
        if not explained.isdisjoint(whole) or (parts and explained.issuperset(parts)):
            explained.add(node.id)
    of_input = graph.of_input
    for node in graph.nodes:
        if node.id in trace.others and all(i in explained or i not in of_input for i in node.inputs):
            explained.add(node.id)
    return [
        node.id
        for node in graph.nodes
        if node.id in of_input
        and node.leaf is None
        and node.id not in explained
        and (node.id in ran or node.op != "getitem")
        and all(i in explained or i not in of_input for i in node.inputs)
    ]
