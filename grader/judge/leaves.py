"""Which value of one graph plays the part of which value of another: by role and place, never by name.

Every parameter and buffer gets a *slot*: its role (weight, scale, shift, mean, variance), its shape, and its number
among those of the same role and shape in a canonical order over the graph. Equal slots of the student's module and
of the reference hold equal values; whether that pairing was right is then a matter of numbers alone.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby, islice, permutations, product
from typing import Literal

from grader.graph import Graph, Leaf, Node
from grader.judge.keeping import Keeping, keeping
from grader.judge.latest import Latest

Role = Literal["weight", "scale", "shift", "mean", "variance"]
# Operations that hand a value on without computing: a parameter's role is that of what uses it behind them.
VIEWS = frozenset(
    [
        "t",
        "view",
        "_unsafe_view",
        "permute",
        "unsqueeze",
        "expand",
        "clone",
        "transpose",
        "select",
        "squeeze",
        "reshape",
        "contiguous",
        "lift_fresh",
        "detach",
        "alias",
        "slice",
        "_to_copy",
    ]
)
ROOTS = frozenset("sqrt rsqrt pow".split())  # what is done to a variance
_USUAL = Keeping((0,), 1)
MOST_EXCHANGES = 24  # ways to fill like slots that are tried
TOLD = 6  # of a place's order so many numbers tell what it is for; the others depend on style
# From a parameter to where it is used. Real code takes a handful of steps; a graph made to be slow takes no more.
MOST_STEPS = 64
# Operations that cut a value into several parts.
PARTINGS = frozenset(["split", "split_with_sizes", "chunk", "unbind", "tensor_split"])
JOININGS = frozenset(["cat", "stack"])
PRODUCTS = frozenset(["addmm", "mm", "bmm", "linear", "matmul", "baddbmm"])
# What each argument of a layer is for.
BY_POSITION: dict[str, dict[int, Role]] = {
    "convolution": {1: "weight", 2: "shift"},
    "native_batch_norm": {1: "scale", 2: "shift", 3: "mean", 4: "variance"},
    "native_group_norm": {1: "scale", 2: "shift"},
    "native_layer_norm": {2: "scale", 3: "shift"},
    "addmm": {0: "shift", 2: "weight"},
}


def is_learnable(role: Role) -> bool:
    """Is it a parameter's, and not a buffer's?"""
    return role in ("weight", "scale", "shift")


@dataclass(frozen=True, order=True)
class Slot:
    """A part that a parameter or buffer plays. `shape` is canonical: outputs and inputs of each output for weights
    (so that a 3×3 convolution's weight is the same as a matrix for unfolded patches), one number for the others."""

    role: Role
    shape: tuple[int, ...]
    index: int

    @property
    def learnable(self) -> bool:
        return is_learnable(self.role)


@dataclass(frozen=True)
class Place:
    """A leaf of a graph and where in the graph it acts."""

    key: str
    role: Role
    shape: tuple[int, ...]
    order: tuple[float, ...] = ()
    keeping: Keeping | None = None  # of a weight that is not kept as outputs × inputs


def layout(places: Iterable[Place]) -> Counter[tuple[object, ...]]:
    """Roles and shapes with how deep and how high they stand: tells a bias of one layer from that of another."""
    return Counter((place.role, place.shape, *place.order[:2]) for place in places)


class Signature(Counter[tuple[Role, tuple[int, ...]]]):
    """How many slots of each role and shape; not to be changed. None is counted zero times, so that two compare as
    dictionaries do: a search compares thousands."""

    __eq__ = dict.__eq__
    __ne__ = dict.__ne__

    def __hash__(self) -> int:  # type: ignore[override]
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(frozenset(self.items()))


def fill_slots(places: Iterable[Place]) -> dict[Slot, str]:
    """The key that fills each slot, in canonical order."""
    groups: dict[tuple[Role, tuple[int, ...]], list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda place: place.order):
        groups[place.role, place.shape].append(place)
    return {
        Slot(role, shape, index): place.key
        for (role, shape), group in groups.items()
        for index, place in enumerate(group)
    }


def relabellings(filled: Mapping[Slot, str], most: int = MOST_EXCHANGES) -> Iterator[dict[Slot, str]]:
    """Other ways to fill the slots: keys exchanged among slots of one role and shape.

    The four vectors of a batch norm move together, and so the vectors of one length that there are equally many of.
    """
    groups: dict[tuple[bool, tuple[int, ...], int], list[Role]] = defaultdict(list)
    counts = signature(filled)
    for (role, shape), number in counts.items():
        if number > 1:
            groups[role == "weight", shape, number].append(role)
    ways = [
        [
            {Slot(role, shape, i): filled[Slot(role, shape, j)] for role in roles for i, j in enumerate(order)}
            for order in islice(permutations(range(number)), most)  # seven like layers have 5,040 orders
        ]
        for (_, shape, number), roles in groups.items()
    ]
    for chosen in islice(product(*ways), 1, most):
        exchanged = dict(filled)
        for change in chosen:
            exchanged.update(change)
        yield exchanged


def ties(places: Iterable[Place]) -> tuple[tuple[Slot, ...], ...]:
    """Runs of slots that only style orders: like layers side by side, as those of query, key and value are."""
    groups: dict[tuple[Role, tuple[int, ...]], list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda place: place.order):
        groups[place.role, place.shape].append(place)
    runs: list[tuple[Slot, ...]] = []
    for (role, shape), group in groups.items():
        numbered = ((place.order[:TOLD], Slot(role, shape, i)) for i, place in enumerate(group))
        for _, run in groupby(numbered, key=lambda pair: pair[0]):
            tied = tuple(slot for _, slot in run)
            if len(tied) > 1:
                runs.append(tied)
    return tuple(runs)


def exchanges(filled: Mapping[Slot, str], runs: Iterable[tuple[Slot, ...]]) -> Iterator[dict[Slot, str]]:
    """Other ways to fill the slots of tied runs. All runs of one length are exchanged alike: weights and biases belong
    together, and so do the layers of one head and of the next."""
    by_length: dict[int, list[tuple[Slot, ...]]] = defaultdict(list)
    for run in runs:
        by_length[len(run)].append(run)
    orders = [islice(permutations(range(length)), MOST_EXCHANGES) for length in by_length]
    for chosen in islice(product(*orders), 1, MOST_EXCHANGES):
        exchanged = dict(filled)
        for order, alike in zip(chosen, by_length.values(), strict=True):
            for run in alike:
                exchanged.update({run[i]: filled[run[j]] for i, j in enumerate(order)})
        yield exchanged


def signature(filled: Iterable[Slot]) -> Signature:
    """How many slots of each role and shape: two modules can only be aligned if these agree."""
    return Signature((slot.role, slot.shape) for slot in filled)


def places_in_graph(graph: Graph) -> list[Place]:
    """The parameters and buffers that a graph uses, each with its role and canonical place.

    The order is by depth (weighted layers between the input and the first use), then by height (weighted layers from
    there to the output, most first), then by the learned operations in front. Layers that work side by side on parts of
    one value come in the order of the parts, and those whose results are put side by side in the order of the results;
    what is left is ordered by the number of operations on either side, which is a matter of style: see `ties`.
    """
    layers = _Layers(graph)
    return [Place(use.key, use.role, use.shape, layers.order(use.user), use.keeping) for use in _uses(graph, layers)]


def parts_in_graph(graph: Graph) -> list[tuple[str, Role, tuple[int, ...]]]:
    """Their keys with the parts that they play, in no order: much sooner told than their places."""
    return [(use.key, use.role, use.shape) for use in _uses(graph, _Layers(graph))]


@dataclass(frozen=True)
class _Use:
    """What a leaf is for, as the first operation shows that brings it together with the input."""

    key: str
    role: Role
    shape: tuple[int, ...]
    keeping: Keeping | None
    user: Node


class _Layers:
    """How many operations, and how many of them with weights, are before and behind each node; as far as asked for."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.nodes = graph.by_id
        self.users = graph.users
        products = _of_products(graph)
        self.of_input = graph.of_input | products if products else graph.of_input

    def order(self, node: Node) -> tuple[float, ...]:
        """Where a node stands: see `places_in_graph`."""
        return (
            self._before[0][node.id],
            -self._behind[0][node.id],
            self._learned[node.id],
            self._width(node),
            _first_channel(node, self.nodes, self.of_input),
            _place_in_row(node, self.users),
            self._before[1][node.id],
            -self._behind[1][node.id],
        )

    def first(self, node: Node) -> tuple[float, ...]:
        """The least of this belongs to the node that comes first."""
        return self._before[0][node.id], -self._behind[0][node.id], self._before[1][node.id]

    @cached_property
    def _weighted(self) -> dict[int, bool]:
        return {node.id: is_weighted(node, self.nodes) for node in self._graph.nodes}

    @cached_property
    def _learned(self) -> dict[int, int]:
        """How many operations that read something learnable: of a layer the bias comes before the shift of its norm."""
        found: dict[int, int] = {}
        for node in self._graph.nodes:
            leaves = (leaf_behind(i, self.nodes) for i in node.inputs)
            reads = any(leaf is not None and leaf.leaf is not None and leaf.leaf.learnable for leaf in leaves)
            counts = reads and not _shows(node, self.nodes) and self._layer_of(node) in (None, node)
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
            depth[node.id] = max((depth[i] for i in node.inputs), default=0) + self._weighted[node.id]
            rank[node.id] = max((rank[i] for i in node.inputs), default=-1) + 1
        return depth, rank

    @cached_property
    def _behind(self) -> tuple[dict[int, int], dict[int, int]]:
        height: dict[int, int] = {}
        rest: dict[int, int] = {}
        for node in reversed(self._graph.nodes):
            users = self.users[node.id]
            height[node.id] = max((height[user.id] + self._weighted[user.id] for user in users), default=0)
            rest[node.id] = max((rest[user.id] + 1 for user in users), default=0)
        return height, rest


def _uses(graph: Graph, layers: _Layers) -> Iterator[_Use]:
    for node in graph.nodes:
        if node.leaf is None or node.leaf.kind == "input":
            continue
        users = layers.users[node.id]
        if len(users) == 1 and users[0].id in layers.of_input:  # as most are
            uses: list[_FirstUse] = [(users[0], node.id, ())]
        else:
            uses = _first_uses(node.id, layers.users, layers.of_input)
        if not uses:
            continue
        user, via, path = uses[0] if len(uses) == 1 else min(uses, key=lambda use: layers.first(use[0]))
        if path:
            use = _use(node, user, layers.nodes[via], path)
        else:  # with the nodes, their ids last
            use = _kept.get((id(node), id(user)), partial(_with_nodes, node, user))[2]
        if use is not None:
            yield use


MOST_KEPT = 4096  # leaves with what reads them: edits leave most nodes as they are
_kept: Latest[tuple[Node, Node, _Use | None]] = Latest(MOST_KEPT)


def _with_nodes(leaf: Node, user: Node) -> tuple[Node, Node, _Use | None]:
    return leaf, user, _use(leaf, user, leaf, ())


def _use(leaf: Node, user: Node, via: Node, path: tuple[Node, ...]) -> _Use | None:
    """What a leaf is for; None for a constant of the computation, an epsilon for instance: nothing that could be
    set."""
    assert leaf.leaf is not None
    role = _role(leaf, user, via.id, path)
    is_norm = user.name.startswith("native_")
    if not leaf.leaf.learnable and not is_norm and (role == "weight" or math.prod(leaf.shape) == 1):
        return None
    kept = _keeping(leaf, user, via, path) if role == "weight" else None
    return _Use(leaf.leaf.key, role, canonical_shape(role, leaf.shape, kept), kept, user)


def places_by_registration(tensors: Iterable[tuple[str, list[int], Leaf]]) -> list[Place]:
    """The same for a module that could not be recorded: key, shape and leaf in registration order."""
    found = []
    for number, (key, shape, leaf) in enumerate(tensors):
        # In four dimensions a number for each output is no vector over channels: a depthwise 1×1, part of a weight.
        is_weight = sum(size > 1 for size in shape) >= 2 or (len(shape) == 4 and shape[0] > 1)
        role: Role = "weight" if is_weight else _role_by_start(leaf)
        found.append(Place(key, role, canonical_shape(role, shape), (number,)))
    return found


def with_unused(places: list[Place], registered: Iterable[Place]) -> list[Place]:
    """The places of a graph, and behind them whatever is registered and plays no part in it."""
    used = {place.key for place in places}
    unused = (place for place in registered if place.key not in used)
    return [*places, *(replace(place, order=(math.inf, *place.order)) for place in unused)]


def canonical_shape(role: Role, shape: Iterable[int], kept: Keeping | None = None) -> tuple[int, ...]:
    """A weight as outputs × inputs of each output; everything else as a vector."""
    shape = tuple(shape)
    if role != "weight":
        return (math.prod(shape),)
    return (kept or _USUAL).shape(shape)


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


def _place_in_row(user: Node, users: dict[int, list[Node]]) -> int:
    """Which of the values that are put side by side comes of an operation, as in attention head by head: 0 if none.

    Looks on through operations that alone use what is before them.
    """
    node = user
    for _ in range(MOST_STEPS):
        if len(users[node.id]) != 1:
            break
        following = users[node.id][0]
        if following.name in JOININGS:
            return following.inputs.index(node.id)
        node = following
    return 0


def is_weighted(node: Node, nodes: dict[int, Node]) -> bool:
    """Is this a convolution, or a product with a weight (as in a convolution by unfold and einsum)?"""
    if node.name == "convolution":
        return True
    return node.name in PRODUCTS and any(_is_weight(i, nodes) for i in node.inputs)


def leaf_behind(i: int, nodes: dict[int, Node]) -> Node | None:
    """The leaf that a node shows, through views; None when something was computed in between."""
    node = nodes[i]
    for _ in range(MOST_STEPS):
        if node.leaf is not None or not node.inputs or not _shows(node, nodes):
            break
        node = nodes[node.inputs[0]]
    return node if node.leaf is not None else None


def _shows(node: Node, nodes: dict[int, Node]) -> bool:
    """Does an operation only show what it is given, or one of the parts into which that is cut?"""
    is_part = node.name == "getitem" and nodes[node.inputs[0]].name in PARTINGS
    return is_part or node.name in VIEWS or node.name in PARTINGS


def _is_weight(i: int, nodes: dict[int, Node]) -> bool:
    node = leaf_behind(i, nodes)
    return node is not None and node.leaf is not None and node.leaf.kind != "input" and len(node.shape) >= 2


_FirstUse = tuple[Node, int, tuple[Node, ...]]  # see `_first_uses`


def _of_products(graph: Graph) -> set[int]:
    """What comes of a product of a constant with a weight, as the first step of a recurrent layer makes it: it is
    computed like what comes of the input."""
    if all(node.inputs or node.leaf is not None for node in graph.nodes):
        return set()  # there are no constants, as in most
    constant: set[int] = set()
    found: set[int] = set()
    for node in graph.nodes:
        if node.leaf is not None:
            continue
        if all(i in constant for i in node.inputs):
            constant.add(node.id)
        elif not found.isdisjoint(node.inputs) or (node.name in PRODUCTS and not constant.isdisjoint(node.inputs)):
            found.add(node.id)
    return found


def _first_uses(leaf: int, users: dict[int, list[Node]], of_input: set[int]) -> list[_FirstUse]:
    """Nodes that bring a leaf together with something that depends on the input, what they read there, and the
    operations on the way."""
    uses: list[_FirstUse] = []
    todo: list[tuple[int, tuple[Node, ...]]] = [(leaf, ())]
    seen = {leaf}
    while todo and len(seen) < MOST_STEPS:
        via, path = todo.pop()
        for user in users[via]:
            if user.id in of_input:
                uses.append((user, via, path))
            elif user.id not in seen:
                seen.add(user.id)
                todo.append((user.id, (*path, user)))
    return uses


def _role(leaf: Node, user: Node, via: int, path: tuple[Node, ...]) -> Role:
    """What a leaf is for: by its position in a layer, or, in hand-written code, by what is done with it."""
    assert leaf.leaf is not None
    if user.name in BY_POSITION:
        role = BY_POSITION[user.name].get(_position(user, via))
        if role is not None:
            return role
    if sum(size > 1 for size in leaf.shape) >= 2:
        return "weight"
    if not leaf.leaf.learnable:
        return "variance" if ROOTS & {user.name, *(node.name for node in path)} else "mean"
    if user.name in ("mul", "div"):
        return "scale"
    if user.name in ("add", "sub", "rsub"):
        return "shift"
    return _role_by_start(leaf.leaf)


def _position(user: Node, via: int) -> int:
    return next((i for i, a in enumerate(user.args) if isinstance(a, dict) and a.get("v") == via), -1)


def _keeping(leaf: Node, user: Node, via: Node, path: tuple[Node, ...]) -> Keeping | None:
    """How a weight is kept, if not as outputs × inputs."""
    if user.name == "convolution":
        return keeping(leaf.shape, via.shape, path, None) if path else None
    if user.name not in PRODUCTS:
        return None
    return keeping(leaf.shape, via.shape, path, _position(user, via.id) - (user.name in ("addmm", "baddbmm")))


def _role_by_start(leaf: Leaf) -> Role:
    """By what it starts with, where nothing better is known."""
    one = leaf.initial == "one"
    if leaf.kind == "buffer":
        return "variance" if one else "mean"
    return "scale" if one else "shift"
