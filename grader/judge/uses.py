"""What each parameter and buffer of a graph is for.

The first operation tells that brings it together with the input.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from grader.graph import Graph, Leaf, Node
from grader.judge.keeping import Keeping, keeping
from grader.judge.latest import Latest
from grader.judge.slots import Role

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
# From a parameter to where it is used. Real code takes a handful of steps; a graph made to be slow takes no more.
MOST_STEPS = 64
# Operations that cut a value into several parts.
PARTINGS = frozenset(["split", "split_with_sizes", "chunk", "unbind", "tensor_split"])
PRODUCTS = frozenset(["addmm", "mm", "bmm", "linear", "matmul", "baddbmm"])
# What a weight can be multiplied with the input by: sums of element-wise products are products of matrices.
MULTIPLYING = PRODUCTS | {"convolution", "mul", "addcmul"}
# Of what these are given they read how it is shaped, and none of its numbers.
BLANKS = frozenset("new_zeros new_ones new_full new_empty zeros_like ones_like full_like empty_like".split())
MASKING = frozenset(["mul", "div", "where", "masked_fill", "index", "index_select"])
ADDING = frozenset(["addmm", "baddbmm", "addcmul"])  # their first argument is added to the product of the others
# What each argument of a layer is for.
BY_POSITION: dict[str, dict[int, Role]] = {
    "convolution": {1: "weight", 2: "shift"},
    "native_batch_norm": {1: "scale", 2: "shift", 3: "mean", 4: "variance"},
    "native_group_norm": {1: "scale", 2: "shift"},
    "native_layer_norm": {2: "scale", 3: "shift"},
    "addmm": {0: "shift", 2: "weight"},
    "prelu": {1: "slope"},
    "_prelu_kernel": {1: "slope"},
}


@dataclass(frozen=True)
class Use:
    """What a leaf is for, as the first operation shows that brings it together with the input."""

    key: str
    role: Role
    shape: tuple[int, ...]
    keeping: Keeping | None
    user: Node


def use_of(
    leaf: Node,
    user: Node,
    via: Node,
    path: tuple[Node, ...],
    *,
    joined: bool = False,
    summed: tuple[int, ...] = (),
) -> Use | None:
    """What a leaf is for; None for a constant of the computation, an epsilon for instance: nothing that could be
    set.

    Args:
        joined: is the result put beside those of other parts of the leaf?
        summed: the dimensions along which it is summed up, counted from the last one.
    """
    assert leaf.leaf is not None
    role = _role(leaf, user, via.id, path)
    # A mean is subtracted: what the input is multiplied with, or chosen by, is a mask. And what is of another type was
    # there before the module.
    is_constant = leaf.leaf.dtype is not None or (role == "mean" and user.name in MASKING)
    if (
        not leaf.leaf.learnable
        and (role == "weight" or math.prod(leaf.shape) == 1 or is_constant)
        and not _is_statistic(leaf, user, role)
    ):
        return None
    kept = _keeping(leaf, user, via, path, joined, summed) if role == "weight" else None
    return Use(leaf.leaf.key, role, canonical_shape(role, leaf.shape, kept), kept, user)


def _is_statistic(leaf: Node, user: Node, role: Role) -> bool:
    """Is a buffer of a batch norm, also of a single channel: a mean of zeros that is subtracted, a variance of ones?"""
    if user.name.startswith("native_"):
        return True
    assert leaf.leaf is not None
    is_of_channel = bool(leaf.shape) and 1 in user.shape[1:]
    starts = {"mean": "zero", "variance": "one"}.get(role)
    return is_of_channel and leaf.leaf.initial == starts and (role == "variance" or user.name == "sub")


MOST_KEPT = 4096  # leaves with what reads them: edits leave most nodes as they are
_kept: Latest[tuple[Node, Node, Use | None]] = Latest(MOST_KEPT)


def kept_use(leaf: Node, user: Node) -> Use | None:
    """The same for a leaf that is read as it is; kept, together with the nodes, so that their ids stay theirs."""
    return _kept.get((id(leaf), id(user)), partial(_with_nodes, leaf, user))[2]


def _with_nodes(leaf: Node, user: Node) -> tuple[Node, Node, Use | None]:
    return leaf, user, use_of(leaf, user, leaf, ())


def canonical_shape(role: Role, shape: Iterable[int], kept: Keeping | None = None) -> tuple[int, ...]:
    """A weight as outputs × inputs of each output; everything else as a vector."""
    shape = tuple(shape)
    if role != "weight":
        return (math.prod(shape),)
    return (kept or _USUAL).shape(shape)


def is_weighted(node: Node, nodes: dict[int, Node]) -> bool:
    """Is this a convolution, or a product with a weight (as in a convolution by unfold and einsum)?"""
    if node.name == "convolution":
        return True
    return node.name in PRODUCTS and any(_is_weight(i, nodes) for i in node.inputs)


def made_of_weights(graph: Graph, of_input: set[int]) -> set[int]:
    """Weights, and what is computed of them alone, such as the Fourier transform of a kernel."""
    found: set[int] = set()
    for node in graph.nodes:
        if node.leaf is not None:
            if node.leaf.learnable and sum(size > 1 for size in node.shape) >= 2:
                found.add(node.id)
        elif node.id not in of_input and not found.isdisjoint(node.inputs):
            found.add(node.id)
    return found


def added_to(node: Node) -> int | None:
    """What an operation adds to the product that it makes, if it does."""
    first = node.args[0] if node.name in ADDING and node.args else None
    return first.get("v") if isinstance(first, dict) else None


def leaf_behind(i: int, nodes: dict[int, Node]) -> Node | None:
    """The leaf that a node shows, through views; None when something was computed in between."""
    node = nodes[i]
    for _ in range(MOST_STEPS):
        if node.leaf is not None or not node.inputs or not shows(node, nodes):
            break
        node = nodes[node.inputs[0]]
    return node if node.leaf is not None else None


def shows(node: Node, nodes: dict[int, Node]) -> bool:
    """Does an operation only show what it is given, or one of the parts into which that is cut?"""
    is_part = node.name == "getitem" and nodes[node.inputs[0]].name in PARTINGS
    return is_part or node.name in VIEWS or node.name in PARTINGS


def _is_weight(i: int, nodes: dict[int, Node]) -> bool:
    node = leaf_behind(i, nodes)
    return node is not None and node.leaf is not None and node.leaf.kind != "input" and len(node.shape) >= 2


def of_products(graph: Graph) -> set[int]:
    """What comes of a product of a constant with a weight, as the first step of a recurrent layer makes it: it is
    computed like what comes of the input."""
    if all(node.leaf is not None or (node.inputs and node.name not in BLANKS) for node in graph.nodes):
        return set()  # there are no constants, as in most
    constant: set[int] = set()
    found: set[int] = set()
    for node in graph.nodes:
        if node.leaf is not None:
            continue
        if node.name in BLANKS or all(i in constant for i in node.inputs):
            constant.add(node.id)
        elif not found.isdisjoint(node.inputs) or (node.name in PRODUCTS and not constant.isdisjoint(node.inputs)):
            found.add(node.id)
    return found


def of_numbers(graph: Graph) -> set[int]:
    """What depends on the numbers of the input, and not on its shape alone."""
    if all(node.name not in BLANKS for node in graph.nodes):
        return graph.of_input
    found: set[int] = set()
    for node in graph.nodes:
        is_input = node.leaf is not None and node.leaf.kind == "input"
        if is_input or (node.name not in BLANKS and not found.isdisjoint(node.inputs)):
            found.add(node.id)
    return found


FirstUse = tuple[Node, int, tuple[Node, ...]]


def first_uses(leaf: int, users: dict[int, list[Node]], of_input: set[int]) -> list[FirstUse]:
    """Nodes that bring a leaf together with something that depends on the input, what they read there, and the
    operations on the way."""
    uses: list[FirstUse] = []
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
    return role_by_start(leaf.leaf)


def _position(user: Node, via: int) -> int:
    return next((i for i, a in enumerate(user.args) if isinstance(a, dict) and a.get("v") == via), -1)


def _keeping(
    leaf: Node, user: Node, via: Node, path: tuple[Node, ...], joined: bool, summed: tuple[int, ...]
) -> Keeping | None:
    """How a weight is kept, if not as outputs × inputs."""
    factor = None
    if user.name in PRODUCTS:
        factor, summed = _position(user, via.id) - (user.name in ("addmm", "baddbmm")), ()
    elif user.name == "convolution" and path:
        summed = ()
    elif user.name != "mul" or not summed:
        return None
    return keeping(leaf.shape, via.shape, path, factor, joined=joined, summed=summed)


def role_by_start(leaf: Leaf) -> Role:
    """By what it starts with, where nothing better is known."""
    one = leaf.initial == "one"
    if leaf.kind == "buffer":
        return "variance" if one else "mean"
    return "scale" if one else "shift"
