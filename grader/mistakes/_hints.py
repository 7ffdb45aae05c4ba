"""What a student's own graphs show of the constants in their code: factors, slopes, kernels, groups, widths.

A graph is a self-report. What is read here only says what is worth trying; whether it explains the behaviour is found
out by replay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from grader.graph import Graph, Node
from grader.judge.observed import Observation

Hint = TypeVar("Hint")
MOST = 6  # hints of a kind: real code shows one or two, a graph that was made to be slow no more


def nodes(observations: Sequence[Observation]) -> Iterator[tuple[Node, dict[int, Node]]]:
    """Every operation of the recorded graphs, with the nodes of its graph."""
    for graph in graphs(observations):
        by_id = graph.by_id
        for node in graph.nodes:
            if node.leaf is None:
                yield node, by_id


def graphs(observations: Sequence[Observation]) -> list[Graph]:
    """The graphs that were recorded."""
    found = [seen.built.graph for seen in observations]
    return [graph for graph in found if graph is not None and graph.is_sound]


def few(hints: Iterable[Hint]) -> list[Hint]:
    """The first different ones."""
    return list(islice(dict.fromkeys(hints), MOST))


def factors(observations: Sequence[Observation]) -> list[float]:
    """Constants with which something is multiplied; negative ones too where something is subtracted."""
    found = few(_factors(observations))
    subtracts = any(node.name in ("sub", "rsub", "neg") for node, _ in nodes(observations))
    return few([*found, *(-factor for factor in found if subtracts)])


def _factors(observations: Sequence[Observation]) -> Iterator[float]:
    for node, by_id in nodes(observations):
        if node.name not in ("mul", "div", "add", "sub", "rsub", "lerp"):
            continue
        leaves = [by_id[i].leaf for i in node.inputs]
        constants = [*node.args[1:], *(leaf.value for leaf in leaves if leaf is not None), *node.kwargs.values()]
        for constant in constants:
            if isinstance(constant, int | float) and not isinstance(constant, bool) and constant not in (0, 1):
                number = float(constant)
                yield from {"div": [1 / number], "lerp": [number, 1 - number]}.get(node.name, [number])
