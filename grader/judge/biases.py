"""Biases that a batch norm cancels: a layer in front of one may have its bias or not, and computes the same."""

from __future__ import annotations

from grader.graph import Graph, Node
from grader.judge.edits import Editor
from grader.judge.uses import leaf_behind


def normed_convolutions(graph: Graph) -> list[Node]:
    """Convolutions that go into a batch norm, straight, added to others or side by side with them."""
    return _normed(graph, "convolution")


def normed_linears(graph: Graph) -> list[Node]:
    """Products with a weight that do, with or without a bias."""
    products = ((node, leaf_behind(node.inputs[-1], graph.by_id)) for node in _normed(graph, "mm", "addmm"))
    return [
        node for node, weight in products if weight is not None and weight.leaf is not None and weight.leaf.learnable
    ]


def _normed(graph: Graph, *names: str) -> list[Node]:
    users = graph.users
    normed: dict[int, bool] = {}  # does nothing but a batch norm read it, or a sum or row that only one reads?
    for node in reversed(graph.nodes):
        readers = users[node.id]
        normed[node.id] = bool(readers) and all(
            user.name == "native_batch_norm" or (user.name in ("add", "cat") and normed[user.id]) for user in readers
        )
    return [node for node in graph.nodes if node.name in names and normed[node.id]]


def without_redundant_biases(graph: Graph) -> Graph:
    """The same computation, its convolutions in front of a batch norm without their biases."""
    editor = Editor(graph)
    for node in normed_convolutions(graph):
        if node.args[2] is not None:
            editor.set_argument(node.id, 2, None)
    return editor.graph()
