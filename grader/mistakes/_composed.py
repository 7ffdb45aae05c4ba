"""Functions of one value that a student's code composes of elementwise operations: x·σ(1.7·x), x / (1 + |x|), a clamp.

They are read from recorded graphs, as constants are (see `_hints`), and written as text: equal ones are equal then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from grader.graph import Graph, Leaf, Node
from grader.judge.edits import Editor, ref
from grader.judge.observed import Observation
from grader.judge.replay import ReplayError, replay
from grader.judge.uses import VIEWS, is_weighted
from grader.mistakes._hints import graphs

# They give as many numbers as they get, and as they stand in one place. Not `relu`: where it stands is another matter.
ELEMENTWISE = frozenset(
    "abs add celu clamp clamp_max clamp_min cos div elu erf exp expm1 flip ge gelu gt hardshrink hardsigmoid hardswish "
    "hardtanh le leaky_relu log log1p log_sigmoid_forward logical_and logical_not lt maximum minimum mish mul neg pow "
    "reciprocal roll rsqrt rsub selu sigmoid sign silu sin softplus softshrink sqrt square sub tanh threshold "
    "where".split()
)
SCALINGS = frozenset("mul div neg".split())
MOST_STEPS = 12  # operations of one function


@dataclass(frozen=True)
class Composed:
    """A function of one value.

    Attributes:
        text: its operations in JSON; `{"v": 0}` is the value, `{"v": n}` what the n-th operation gives.
    """

    text: str

    @property
    def operations(self) -> list[str]:
        """Their names, in the order they run."""
        return [op.split(".")[1] for op, _, _ in json.loads(self.text)]

    @cached_property
    def is_told_otherwise(self) -> bool:
        """Does it only multiply by a constant, or is it a ReLU? Those have mistakes of their own."""
        return SCALINGS.issuperset(self.operations) or self._is_relu

    @property
    def _is_relu(self) -> bool:
        x = torch.linspace(-9, 9, 37, dtype=torch.float64)[None, None, None]
        value = Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[list(x.shape)])
        editor = Editor(Graph(nodes=[value], output=0))
        editor.output = self.of(editor, 0)
        try:
            return torch.equal(replay(editor.graph(), x, {})[0], x.relu())
        except ReplayError:
            return False

    def of(self, editor: Editor, value: int) -> int:
        """The function of a value; nobody reads it yet."""
        given = [value]
        shapes = [editor[value].shape]
        for op, args, kwargs in json.loads(self.text):
            args, kwargs = _replaced([args, kwargs], lambda i: ref(given[i]))
            given.append(editor.add(op, *args, kwargs=kwargs, shapes=shapes))
        return given[-1]


def in_front_of_layers(observations: Sequence[Observation]) -> Iterator[Composed]:
    """Functions of what a convolution reads, or the module gives."""
    for graph in graphs(observations):
        ends = [node.inputs[0] for node in graph.nodes if node.name == "convolution"]
        yield from _found(graph, [graph.output, *ends])


def in_front_of_sums(observations: Sequence[Observation]) -> Iterator[Composed]:
    """Functions of what is added to something else, or of what a convolution reads of the input."""
    for graph in graphs(observations):
        ends = [i for node in graph.nodes if node.name == "add" and len(set(node.inputs)) == 2 for i in node.inputs]
        ends += [node.inputs[0] for node in graph.nodes if node.name == "convolution"]
        yield from _found(graph, ends)


def in_front_of_products(observations: Sequence[Observation]) -> Iterator[Composed]:
    """Functions of what a layer gives, by which something is multiplied; how it is shaped in between is the same."""
    for graph in map(_without_views, graphs(observations)):
        ends = [i for node in graph.nodes if node.name == "mul" for i in node.inputs]
        yield from _found(graph, ends, of_layer=True)


def _without_views(graph: Graph) -> Graph:
    """Whoever reads a view of a value reads the value."""
    source: dict[int, int] = {}
    found = []
    for node in graph.nodes:
        reads = {i: source[i] for i in node.inputs if i in source}
        if node.name in VIEWS and len(node.inputs) == 1:
            source[node.id] = reads.get(node.inputs[0], node.inputs[0])
        elif reads:
            args, kwargs = _replaced([node.args, node.kwargs], lambda i: ref(source.get(i, i)))
            found.append(node.changed(args=args, kwargs=kwargs))
            continue
        found.append(node)
    return Graph(nodes=found, output=graph.output)


def _found(graph: Graph, ends: list[int], *, of_layer: bool = False) -> Iterator[Composed]:
    order = {node.id: place for place, node in enumerate(graph.nodes)}
    found = (_composed(graph, end, order, of_layer=of_layer) for end in dict.fromkeys(ends))
    for composed in dict.fromkeys(found):  # whether it is a ReLU is asked once of equal ones
        if composed is not None and not composed.is_told_otherwise:
            yield composed


def _composed(graph: Graph, end: int, order: dict[int, int], *, of_layer: bool) -> Composed | None:
    """What is made of one value up to a node, from as far in front of it as it is one value alone.

    Args:
        order: the place of each node in the graph.
        of_layer: is it the value of a layer with weights?
    """
    among = _region(graph, end, until=None)
    if among is None:
        return None
    nodes = graph.by_id
    borders = {i for node in among for i in nodes[node].inputs if i in graph.of_input and i not in among}
    for start in sorted(borders | among, key=order.__getitem__):
        steps = _region(graph, end, until=start)
        if of_layer and not is_weighted(nodes[start], nodes):
            continue
        if steps and all(_reads_only(nodes, node, steps | {start}) for node in steps):
            return _text(nodes, start, sorted(steps, key=order.__getitem__))
    return None


def _region(graph: Graph, end: int, *, until: int | None) -> set[int] | None:
    """Elementwise operations that lead to a node; None where there are too many, or none."""
    nodes = graph.by_id
    found: set[int] = set()
    todo = [end]
    while todo:
        i = todo.pop()
        if i in found or i == until or nodes[i].name not in ELEMENTWISE or i not in graph.of_input:
            continue
        found.add(i)
        if len(found) > MOST_STEPS:
            return None
        todo += nodes[i].inputs
    return found or None


def _reads_only(nodes: dict[int, Node], node: int, values: set[int]) -> bool:
    """Does an operation read nothing but these values and constants?"""
    return all(i in values or _constant(nodes[i]) is not None for i in nodes[node].inputs)


def _constant(node: Node) -> float | None:
    leaf = node.leaf
    value = leaf.value if leaf is not None and leaf.kind == "constant" else None
    return value if isinstance(value, int | float) else None


def _text(nodes: dict[int, Node], start: int, steps: list[int]) -> Composed:
    number = {start: 0} | {node: place for place, node in enumerate(steps, 1)}

    def named(i: int) -> object:
        return ref(number[i]) if i in number else _constant(nodes[i])

    told = []
    for node in map(nodes.__getitem__, steps):
        _, _, overload = node.op.split(".")
        told.append([f"aten.{node.name}.{overload}", *_replaced([node.args, node.kwargs], named)])
    return Composed(json.dumps(told, sort_keys=True))


def _replaced(value: Any, named: Callable[[int], object]) -> Any:
    """Arguments in which each value stands as it is named."""
    if isinstance(value, dict):
        return named(value["v"]) if "v" in value else {key: _replaced(each, named) for key, each in value.items()}
    return [_replaced(each, named) for each in value] if isinstance(value, list) else value
