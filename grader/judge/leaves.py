"""The parameters and buffers of a module, each with the part that it plays and its place in a canonical order."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from grader.graph import Graph, Leaf, Node
from grader.judge.slots import Place, Role
from grader.judge.uses import (
    MOST_STEPS,
    MULTIPLYING,
    PARTINGS,
    VIEWS,
    FirstUse,
    Use,
    added_to,
    canonical_shape,
    first_uses,
    is_weighted,
    kept_use,
    leaf_behind,
    made_of_weights,
    of_numbers,
    of_products,
    role_by_start,
    shows,
    use_of,
)

JOININGS = frozenset(["cat", "stack"])


def places_in_graph(graph: Graph) -> list[Place]:
    """The parameters and buffers that a graph uses, each with its role and canonical place.

    The order is by depth (weighted layers between the input and the first use), then by height (weighted layers from
    there to the output, most first), then by the learned operations in front. Layers that work side by side on parts of
    one value come in the order of the parts, and those whose results are put side by side in the order of the results.
    Of what is left each comes as the layer in front of it does, so that a path stays together, and else by the number
    of operations on either side, which is a matter of style: see `ties`.
    """
    layers = _Layers(graph)
    return [Place(use.key, use.role, use.shape, layers.order(use.user), use.keeping) for use in _uses(graph, layers)]


def parts_in_graph(graph: Graph) -> list[tuple[str, Role, tuple[int, ...]]]:
    """Their keys with the parts that they play, in no order: much sooner told than their places."""
    return [(use.key, use.role, use.shape) for use in _uses(graph, _Layers(graph))]


class _Layers:
    """How many operations, and how many of them with weights, are before and behind each node; as far as asked for."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.nodes = graph.by_id
        self.users = graph.users
        numbers, products = of_numbers(graph), of_products(graph)
        self.of_input = numbers | products if products else numbers

    def order(self, node: Node) -> tuple[float, ...]:
        """Where a node stands: see `places_in_graph`."""
        return (
            self._before[0][node.id],
            -self._behind[0][node.id],
            self._learned[node.id],
            self._width(node),
            _first_channel(node, self.nodes, self.of_input),
            self._row[node.id],
            self._line[node.id],
            self._before[1][node.id],
            -self._behind[1][node.id],
        )

    def first(self, node: Node) -> tuple[float, ...]:
        """The least of this belongs to the node that comes first."""
        return self._before[0][node.id], -self._behind[0][node.id], self._before[1][node.id]

    @cached_property
    def _weighted(self) -> dict[int, bool]:
        made = made_of_weights(self._graph, self.of_input)
        return {
            node.id: is_weighted(node, self.nodes) or (node.name in MULTIPLYING and not made.isdisjoint(node.inputs))
            for node in self._graph.nodes
        }

    @cached_property
    def _learned(self) -> dict[int, int]:
        """How many operations that read something learnable: of a layer the bias comes before the shift of its norm."""
        found: dict[int, int] = {}
        for node in self._graph.nodes:
            leaves = (leaf_behind(i, self.nodes) for i in node.inputs)
            reads = any(leaf is not None and leaf.leaf is not None and leaf.leaf.learnable for leaf in leaves)
            counts = reads and not shows(node, self.nodes) and self._layer_of(node) in (None, node)
            found[node.id] = max((found[i] for i in node.inputs), default=0) + counts
        return found

    def _layer_of(self, node: Node) -> Node | None:
        """The weighted layer whose weight or bias an operation brings in, if it brings in either."""
        if self._weighted[node.id]:
            return node
        if node.name != "add":
            return None
        before = (self.nodes[i] for i in node.inputs)
        products = [each for each in map(self._behind_views, before) if self._weighted[each.id]]
        adds_leaf = any(leaf_behind(i, self.nodes) is not None for i in node.inputs)
        return products[0] if len(products) == 1 and adds_leaf else None

    def _behind_views(self, node: Node) -> Node:
        for _ in range(MOST_STEPS):
            if node.name not in VIEWS or not node.inputs:
                break
            node = self.nodes[node.inputs[0]]
        return node

    def _width(self, node: Node) -> float:
        """How large the weight of a layer is: its bias goes where that goes, in front of the shift of its norm."""
        layer = self._layer_of(node)
        leaves = [leaf_behind(i, self.nodes) for i in layer.inputs] if layer is not None else []
        sizes = (
            math.prod(leaf.shape)
            for leaf in leaves
            if leaf is not None and leaf.leaf is not None and leaf.leaf.kind != "input"
        )
        return max(sizes, default=math.inf)

    @cached_property
    def _before(self) -> tuple[dict[int, int], dict[int, int]]:
        depth: dict[int, int] = {}
        rank: dict[int, int] = {}
        for node in self._graph.nodes:
            added = added_to(node)
            depth[node.id] = max((depth[i] + self._counts(node, i, added) for i in node.inputs), default=0)
            rank[node.id] = max((rank[i] for i in node.inputs), default=-1) + 1
        return depth, rank

    @cached_property
    def _behind(self) -> tuple[dict[int, int], dict[int, int]]:
        height: dict[int, int] = {}
        rest: dict[int, int] = {}
        for node in reversed(self._graph.nodes):
            users = self.users[node.id]
            height[node.id] = max(
                (height[user.id] + self._counts(user, node.id, added_to(user)) for user in users), default=0
            )
            rest[node.id] = max((rest[user.id] + 1 for user in users), default=0)
        return height, rest

    @cached_property
    def _row(self) -> dict[int, int]:
        """Of each node which of the values that are put side by side comes of it, as in attention head by head, or of
        the path that it stands in; 0 if none, or several do."""
        found: dict[int, int] = {}
        for node in reversed(self._graph.nodes):
            ways = {
                user.inputs.index(node.id) if user.name in JOININGS else found[user.id] for user in self.users[node.id]
            }
            found[node.id] = ways.pop() if len(ways) == 1 else 0
        return found

    @cached_property
    def _line(self) -> dict[int, int]:
        """Of each node the number of the last layer in front of it, -1 if there is none. Layers as deep are numbered by
        those in front of them."""
        depth, rank = self._before
        rest = self._behind[1]
        by_depth: dict[int, list[Node]] = defaultdict(list)
        for node in self._graph.nodes:
            by_depth[depth[node.id]].append(node)
        line: dict[int, int] = {}
        number: dict[int, int] = {}  # of layers
        for deep in sorted(by_depth):
            layers = [node for node in by_depth[deep] if self._weighted[node.id]]
            for node in layers:
                line[node.id] = self._last(node, line, number)
            layers.sort(key=lambda node: (line[node.id], rank[node.id], -rest[node.id]))
            number.update((node.id, i) for i, node in enumerate(layers))
            for node in by_depth[deep]:
                if not self._weighted[node.id]:
                    line[node.id] = self._last(node, line, number)
        return line

    def _last(self, node: Node, line: dict[int, int], number: dict[int, int]) -> int:
        """The number of the deepest layer that a node reads, be it through others; of several as deep the least."""
        depth = self._before[0]
        deepest = max((depth[i] for i in node.inputs), default=0)
        return min((number.get(i, line.get(i, -1)) for i in node.inputs if depth[i] == deepest), default=-1)

    def _counts(self, node: Node, operand: int, added: int | None) -> bool:
        """Is it a weighted layer for this operand? Not for one that is only added to its product, as when the products
        with the weights of single pixels are summed up one after the other."""
        return self._weighted[node.id] and operand != added


def _uses(graph: Graph, layers: _Layers) -> Iterator[Use]:
    for node in graph.nodes:
        if node.leaf is None or node.leaf.kind == "input":
            continue
        users = layers.users[node.id]
        if len(users) == 1 and users[0].id in layers.of_input:  # as most are
            uses: list[FirstUse] = [(users[0], node.id, ())]
        else:
            uses = first_uses(node.id, layers.users, layers.of_input)
        if not uses:
            continue
        user, via, path = uses[0] if len(uses) == 1 else min(uses, key=lambda use: layers.first(use[0]))
        if path or user.name == "mul":
            joined, summed = _is_joined(user, layers), _summed(user, layers.users)
            use = use_of(node, user, layers.nodes[via], path, joined=joined, summed=summed)
        else:
            use = kept_use(node, user)
        if use is not None:
            yield use


def places_by_registration(tensors: Iterable[tuple[str, list[int], Leaf]]) -> list[Place]:
    """The same for a module that could not be recorded: key, shape and leaf in registration order."""
    found = []
    for number, (key, shape, leaf) in enumerate(tensors):
        # In four dimensions a number for each output is no vector over channels: a depthwise 1×1, part of a weight.
        is_weight = sum(size > 1 for size in shape) >= 2 or (len(shape) == 4 and shape[0] > 1)
        role: Role = "weight" if is_weight else role_by_start(leaf)
        found.append(Place(key, role, canonical_shape(role, shape), (number,)))
    return found


def with_unused(places: list[Place], registered: Iterable[Place]) -> list[Place]:
    """The places of a graph, and behind them whatever is registered and plays no part in it."""
    used = {place.key for place in places}
    unused = (place for place in registered if place.key not in used)
    return [*places, *(replace(place, order=(math.inf, *place.order)) for place in unused)]


def _first_channel(user: Node, nodes: dict[int, Node], of_input: set[int]) -> int:
    """Where the part that an operation works on was cut from a value: 0 if it was not.

    Looks back through a handful of operations, to the first that took a part.
    """
    node = user
    for _ in range(MOST_STEPS):
        args = node.args
        if node.name == "getitem" and nodes[node.inputs[0]].name in PARTINGS:
            return int(args[1]) if isinstance(args[1], int) else 0
        if node.name in ("slice", "select", "narrow") and len(args) > 2 and isinstance(args[2], int):
            return args[2]
        if node.op == "alias" and isinstance(args[1], int):
            return args[1]
        behind = [i for i in node.inputs if i in of_input]
        if len(behind) != 1:
            break
        node = nodes[behind[0]]
    return 0


def _is_joined(user: Node, layers: _Layers) -> bool:
    """Is what comes of an operation put side by side with other values, before any is added to it?"""
    node = user
    for _ in range(MOST_STEPS):
        if len(layers.users[node.id]) != 1:
            break
        before, node = node, layers.users[node.id][0]
        if node.name in JOININGS:
            return not any(following.name == "sum" for following in layers.users[node.id])
        if node.name not in VIEWS and any(i in layers.of_input for i in node.inputs if i != before.id):
            break
    return False


def _summed(user: Node, users: dict[int, list[Node]]) -> tuple[int, ...]:
    """The dimensions along which the result of an operation is summed up, counted from the last one, as a product
    element by element with a weight is; none if it is not, or along all."""
    following = users[user.id]
    if len(following) != 1 or following[0].name != "sum" or len(following[0].args) < 2:
        return ()
    dimensions = following[0].args[1]
    if not isinstance(dimensions, list) or not all(isinstance(each, int) for each in dimensions):
        return ()
    return tuple(each if each < 0 else each - len(user.shape) for each in dimensions)


def unregistered(graph: Graph | None) -> list[Node]:
    """The weights of layers that a module uses and does not register."""
    leaves = [(node, node.leaf) for node in (graph.nodes if graph is not None else [])]
    return [node for node, leaf in leaves if leaf is not None and leaf.kind == "unregistered" and leaf.learnable]
