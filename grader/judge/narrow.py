"""Make a student's block small: fewer channels, in the same proportions.

What a block computes does not depend on how many channels it has, and most of the time goes into wide ones. So a block
is judged narrow first. What depends on its width after all (a slice up to channel 32, a number of groups) shows when
the verdict is confirmed at the width that it has.
"""

from __future__ import annotations

import json
import math

from grader.graph import Graph, Node
from grader.judge.edits import ref

LEAST_CHANNELS = 4


def channel_counts(graph: Graph) -> set[int]:
    """Sizes of the dimensions that count channels, of the input and of every parameter and buffer."""
    return {node.shape[position] for node in graph.nodes for position in _channel_positions(node)}


def possible_factors(graph: Graph) -> list[int]:
    """By which all channels can be divided, the largest factor first; none where numbers that are kept are used."""
    if any(node.leaf is not None and node.leaf.values is not None for node in graph.nodes):
        return []
    counts = channel_counts(graph)
    common, least = math.gcd(*counts), min(counts, default=1)
    return [f for f in range(min(common, least // LEAST_CHANNELS), 1, -1) if common % f == 0]


def narrowed(graph: Graph, factor: int) -> Graph:
    """The same computation with all channels divided by a factor."""
    nodes = [_narrowed(node, factor) if node.leaf is not None else _padded(node, factor) for node in graph.nodes]
    return Graph.model_construct(nodes=nodes, output=graph.output)


def _narrowed(node: Node, factor: int) -> Node:
    shape = list(node.shape)
    for position in _channel_positions(node):
        shape[position] //= factor
    return node.changed(shapes=[shape])


def _padded(node: Node, factor: int) -> Node:
    """An operation; if it adds channels of zeros, with so many fewer of them."""
    sizes = node.args[1] if node.name == "constant_pad_nd" and len(node.shape) == 4 and len(node.args) > 1 else None
    if not isinstance(sizes, list) or len(sizes) < 5:
        return node
    channels = [size for size in sizes[4:6] if isinstance(size, int) and size % factor == 0]
    if len(channels) < len(sizes[4:6]):
        return node
    padded = [*sizes[:4], *(size // factor for size in channels), *sizes[6:]]
    return node.changed(args=[node.args[0], padded, *node.args[2:]])


def _channel_positions(node: Node) -> list[int]:
    """Dimensions of a leaf that count channels: of a weight its outputs and inputs, of the input the second."""
    if node.leaf is None:
        return []
    first = 1 if node.leaf.kind == "input" else 0
    return [position for position in range(first, min(2, len(node.shape))) if node.shape[position] > 1]


def in_training(graph: Graph) -> Graph:
    """With every batch norm in training mode, as far as the recording in evaluation mode tells."""
    nodes = [
        node.changed(args=[*node.args[:5], True, *node.args[6:]])
        if node.name == "native_batch_norm" and len(node.args) >= 8 and node.args[3] is not None
        else node
        for node in graph.nodes
    ]
    return Graph.model_construct(nodes=nodes, output=graph.output)


def fingerprint(graph: Graph) -> str:
    """The computation alone: equal for graphs that compute the same in the same way, wherever they were written."""
    number = {node.id: position for position, node in enumerate(graph.nodes)}
    rows: list[object] = []
    for node in graph.nodes:
        if node.leaf is not None:
            leaf = node.leaf
            rows.append([leaf.kind, leaf.learnable, leaf.initial, leaf.value, leaf.values, leaf.dtype, node.shape])
        else:
            plain = [_renumbered(value, number) for value in (node.args, node.kwargs)]
            rows.append([node.op, *plain, node.gradient])
    return json.dumps([rows, number[graph.output]])


def _renumbered(value: object, number: dict[int, int]) -> object:
    if isinstance(value, dict):
        if isinstance(value.get("v"), int):
            return ref(number[value["v"]])
        return {name: _renumbered(item, number) for name, item in value.items()}
    if isinstance(value, list):
        return [_renumbered(item, number) for item in value]
    return value
