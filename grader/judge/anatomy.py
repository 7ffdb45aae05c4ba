"""The parts of a residual block, found in its graph: where branch and shortcut meet, and what leads there."""

from __future__ import annotations

from dataclasses import dataclass

from grader.graph import Graph, Node

# Operations with which students add two tensors: f + x, f - (-x), torch.stack([f, x]).sum(0).
SUMS = frozenset(("add", "sub", "rsub", "stack"))
# With which they combine two tensors at all.
COMBINATIONS = SUMS | frozenset(("mul", "div", "maximum", "minimum", "cat", "where", "max", "min"))


@dataclass(frozen=True)
class Anatomy:
    """Node ids. `join` adds `branch` and `shortcut`; `after` are the operations from the join to the output."""

    join: int
    branch: int
    shortcut: int
    after: tuple[int, ...]


def ancestors(graph: Graph, node: int) -> set[int]:
    """A node and everything it depends on."""
    nodes = graph.by_id()
    found: set[int] = set()
    todo = [node]
    while todo:
        i = todo.pop()
        if i not in found:
            found.add(i)
            todo += nodes[i].inputs
    return found


def convolutions(graph: Graph, among: set[int]) -> list[Node]:
    """The convolutions among these nodes, in the order they run."""
    return [node for node in graph.nodes if node.id in among and node.name == "convolution"]


def anatomy(graph: Graph, joins: frozenset[str] = frozenset(("add",))) -> Anatomy | None:
    """The last addition of two values that both depend on the input, or None when there is none.

    Args:
        joins: other operations that may stand for the addition, as in a student's graph.
    """
    try:
        x = graph.input.id
    except LookupError:
        return None
    for join in reversed(graph.nodes):
        if join.name not in joins or len(set(join.inputs)) != 2:
            continue
        first, second = join.inputs[:2]
        sides = {side: ancestors(graph, side) for side in (first, second)}
        if not all(x in side for side in sides.values()):
            continue
        # The branch is the side with more weighted layers; on a tie, the one with more operations.
        shortcut, branch = sorted(sides, key=lambda s: (len(convolutions(graph, sides[s])), len(sides[s])))
        before = ancestors(graph, join.id)
        after = tuple(node.id for node in graph.nodes if node.id not in before and join.id in ancestors(graph, node.id))
        return Anatomy(join.id, branch, shortcut, after)
    return None


def branch_keys(graph: Graph) -> set[str]:
    """Keys of the parameters and buffers that only the residual branch uses."""
    parts = anatomy(graph)
    if parts is None:
        return set()
    own = ancestors(graph, parts.branch) - ancestors(graph, parts.shortcut)
    return {node.leaf.key for node in graph.nodes if node.id in own and node.leaf is not None}


def residual_additions(graph: Graph) -> list[int]:
    """Ids of additions of a branch with at least two convolutions to a shortcut with at most one.

    Both sides must come from one value: the block's input.
    """
    nodes = graph.by_id()
    x = graph.input.id if any(n.leaf is not None and n.leaf.kind == "input" for n in graph.nodes) else -1
    live = ancestors(graph, graph.output)
    found = []
    for node in graph.nodes:
        if node.id not in live or node.name not in SUMS or len(set(node.inputs)) != 2:
            continue
        first, second = (ancestors(graph, side) for side in node.inputs[:2])
        if x not in first or x not in second:
            continue
        common = first & second
        sides = sorted(len(convolutions(graph, side - common)) for side in (first, second))
        if sides[0] <= 1 and sides[1] >= 2 and all(len(nodes[i].shape) == 4 for i in node.inputs[:2]):
            found.append(node.id)
    return found
