"""The parts of a residual block, found in its graph: where branch and shortcut meet, and what leads there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.graph import Graph, Node, leading_to
from grader.judge.uses import is_weighted, leaf_behind

# Operations with which students add two tensors: f + x, f - (-x), torch.stack([f, x]).sum(0).
SUMS = frozenset(("add", "sub", "rsub", "stack"))
MOST_BLOCKS = 500  # that are looked at in one network
# With which they combine two tensors at all.
COMBINATIONS = SUMS | frozenset(("mul", "div", "maximum", "minimum", "cat", "where", "max", "min"))
# The same with those that only work when shapes agree.
MEETINGS = COMBINATIONS | {"copy", "lerp", "addcmul"}
# And those that do so element by element: side by side two values keep apart.
ELEMENTWISE = MEETINGS - {"cat"}


@dataclass(frozen=True)
class Anatomy:
    """Node ids. `join` adds `branch` and `shortcut`; `after` are the operations from the join to the output."""

    join: int
    branch: int
    shortcut: int
    after: tuple[int, ...]


class Ancestry:
    """What each node depends on, itself included, as sets of bits: one pass however many nodes there are.

    Students' graphs are self-reports; what is asked of them must not take quadratic time.
    """

    def __init__(self, graph: Graph) -> None:
        self._sets: dict[int, int] = {}
        self._convolutions = 0
        nodes = graph.by_id
        for position, node in enumerate(graph.nodes):
            bits = 1 << position
            if is_weighted(node, nodes):
                self._convolutions |= bits
            for i in node.inputs:
                bits |= self._sets[i]
            self._sets[node.id] = bits
        self._positions = {node.id: position for position, node in enumerate(graph.nodes)}

    def has(self, node: int, ancestor: int) -> bool:
        """Does a node depend on another one, or is it the same?"""
        return bool(self._sets[node] >> self._positions[ancestor] & 1)

    def convolutions(self, node: int, beyond: int | None = None) -> int:
        """How many convolutions a node depends on, not counting those that another node depends on too."""
        own = self._sets[node] & ~(self._sets[beyond] if beyond is not None else 0)
        return (own & self._convolutions).bit_count()

    def size(self, node: int) -> int:
        """How many nodes a node depends on."""
        return self._sets[node].bit_count()


def ancestors(graph: Graph, node: int) -> set[int]:
    """A node and everything it depends on."""
    return leading_to(graph.by_id, node)


def convolutions(graph: Graph, among: set[int]) -> list[Node]:
    """The convolutions among these nodes, in the order they run."""
    return [node for node in graph.nodes if node.id in among and node.name == "convolution"]


def _sums(graph: Graph, names: frozenset[str]) -> Iterator[tuple[Ancestry, Node, int, int]]:
    """Operations that combine two different values which both depend on the input, the last one first."""
    x = next((n.id for n in graph.nodes if n.leaf is not None and n.leaf.kind == "input"), None)
    if x is None:
        return
    ancestry = Ancestry(graph)
    for node in reversed(graph.nodes):
        if node.name in names and ancestry.has(graph.output, node.id) and len(set(node.inputs)) == 2:
            first, second = node.inputs[:2]
            if first != second and ancestry.has(first, x) and ancestry.has(second, x):
                yield ancestry, node, first, second


def anatomy(graph: Graph, joins: frozenset[str] = frozenset(("add",))) -> Anatomy | None:
    """The last addition of two values that both depend on the input, or None when there is none.

    Args:
        joins: other operations that may stand for the addition, as in a student's graph.
    """
    for ancestry, join, *sides in _sums(graph, joins):
        # The branch is the side with more weighted layers; on a tie, the one with more operations.
        shortcut, branch = sorted(sides, key=lambda side: (ancestry.convolutions(side), ancestry.size(side)))
        after = tuple(node.id for node in graph.nodes if node.id != join.id and ancestry.has(node.id, join.id))
        return Anatomy(join.id, branch, shortcut, after)
    return None


def dense_anatomy(graph: Graph) -> Anatomy | None:
    """The parts of a layer that ends by putting what it computed behind its input, along the channels; or None.

    Source: Huang et al., "Densely Connected Convolutional Networks" (2017), equation 2.
    """
    join = graph.by_id[graph.output]
    if join.name != "cat" or join.args[1:] != [1] or len(join.inputs) != 2 or join.inputs[0] != graph.input.id:
        return None
    return Anatomy(join.id, join.inputs[1], graph.input.id, (join.id,))


def follows_another(graph: Graph, parts: Anatomy) -> bool:
    """Does the shortcut come from another block's addition, as in a chain of them? Its parts are those of the last."""
    return any(
        node.id != parts.join and ancestry.has(parts.shortcut, node.id)
        for ancestry, node, _, _ in _sums(graph, frozenset(("add",)))
    )


def branch_keys(graph: Graph) -> set[str]:
    """Keys of the parameters and buffers that only the residual branch uses."""
    parts = anatomy(graph)
    if parts is None:
        return set()
    own = ancestors(graph, parts.branch) - ancestors(graph, parts.shortcut)
    return {node.leaf.key for node in graph.nodes if node.id in own and node.leaf is not None}


def residual_additions(graph: Graph) -> list[int]:
    """Ids of additions of a branch with at least two convolutions to a shortcut with at most one, first to last.

    Both sides must come from one value: the block's input.
    """
    return [addition for addition, _ in _residual_sums(graph)]


def _residual_sums(graph: Graph) -> list[tuple[int, int]]:
    """The residual additions, each with the side that is the branch; of several of the same two values, the first."""
    nodes = graph.by_id
    found = []
    for ancestry, node, first, second in _sums(graph, SUMS):
        own = {side: ancestry.convolutions(side, beyond=o) for side, o in ((first, second), (second, first))}
        shortcut, branch = sorted(own, key=lambda side: own[side])
        if own[shortcut] <= 1 and own[branch] >= 2 and all(len(nodes[i].shape) == 4 for i in own):
            found.append((node.id, branch))
    firsts = set({tuple(sorted(nodes[join].inputs)): join for join, _ in found}.values())  # the last one comes first
    return [(join, branch) for join, branch in found[::-1] if join in firsts]


def block_uses(graph: Graph) -> tuple[list[int], list[int]]:
    """Residual additions that are the first use of a block, and those that use one again.

    A block is known by the weights at the end of its branch. An addition with none there, such as a long skip over a
    whole stage, is neither.
    """
    nodes = graph.by_id
    used: set[str] = set()
    first: list[int] = []
    again: list[int] = []
    for addition, branch in _residual_sums(graph)[:MOST_BLOCKS]:
        own = _weights_near(nodes, branch)
        if own:
            (first if own - used else again).append(addition)
        used |= own
    return first, again


def _weights_near(nodes: dict[int, Node], node: int) -> set[str]:
    """Keys of the weights of the first layer met on each way up from a node."""
    found: set[str] = set()
    seen: set[int] = set()
    todo = [node]
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        if is_weighted(nodes[i], nodes):
            leaves = (leaf_behind(j, nodes) for j in nodes[i].inputs)
            found |= {node.leaf.key for node in leaves if node is not None and node.leaf is not None}
        elif nodes[i].name not in SUMS:
            todo += nodes[i].inputs
    return found
