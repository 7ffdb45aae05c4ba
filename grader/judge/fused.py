"""Layers side by side as one layer: query, key and value of attention, or the gates of an LSTM.

Layers of one kind that read the same value compute what one layer with all of their outputs computes, whose result is
cut into parts; in which order the parts stand is as free as names are. So a reference with separate layers gives the
forms with fused ones, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product

from grader.graph import Graph, Leaf, Node
from grader.judge.edits import Editor, ref

MOST_FAMILIES = 4  # of layers side by side, of which some are fused
MOST_ORDERS = 36  # in which the parts of fused layers may stand: of three families of two, or two of three

Family = tuple[str, ...]  # the keys of the weights of layers side by side
# Where an operation has its input, its weight and its bias.
POSITIONS: dict[str, tuple[int, int, int | None]] = {
    "addmm": (1, 2, 0),
    "mm": (0, 1, None),
    "convolution": (0, 1, 2),
}
RESHAPED = frozenset(["view", "_unsafe_view", "reshape"])


@dataclass(frozen=True)
class _Layer:
    """One use of a layer. `alike` is equal for those that may be fused."""

    node: Node
    weight: Node
    bias: Node | None
    alike: tuple[object, ...]


def ways_to_fuse(graph: Graph) -> Iterator[list[Callable[[Graph], Graph]]]:
    """The edits that fuse some of the families of a graph: for each choice of them one for each order of the parts.

    A choice of which not every order can be tried is none: what is right in another order would be taken for wrong.
    """
    families = _families(graph)[:MOST_FAMILIES]
    for number in range(1, len(families) + 1):
        for chosen in combinations(families, number):
            edits = [_fuse(dict(zip(chosen, orders, strict=True))) for orders in _orders(chosen)]
            if edits:
                yield edits


def _orders(families: Sequence[Family]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """In which order the parts of each family stand. Where there are too many ways, families of one size have them in
    the same order: so it is where the gates of an LSTM are made of input and state."""
    sizes = [len(family) for family in families]
    if _ways(sizes) > MOST_ORDERS:
        sizes = sorted(set(sizes))
    if _ways(sizes) <= MOST_ORDERS:
        for chosen in product(*(permutations(range(size)) for size in sizes)):
            of_size = dict(zip(sizes, chosen, strict=True))
            yield chosen if len(sizes) == len(families) else tuple(of_size[len(family)] for family in families)


def _ways(sizes: Sequence[int]) -> int:
    return math.prod(map(math.factorial, sizes))


def _families(graph: Graph) -> list[Family]:
    """Layers that stand side by side wherever they are used."""
    found = [tuple(_key(layer.weight) for layer in group) for group in _side_by_side(graph)]
    used = [key for family in dict.fromkeys(found) for key in family]
    return [
        family for family in dict.fromkeys(found) if len(family) > 1 and all(used.count(key) == 1 for key in family)
    ]


def _side_by_side(graph: Graph) -> list[list[_Layer]]:
    """The layers that read the same value, in the order in which they run."""
    groups: dict[tuple[object, ...], list[_Layer]] = {}
    for layer in _layers(graph):
        groups.setdefault(layer.alike, []).append(layer)
    return list(groups.values())


def _layers(graph: Graph) -> Iterator[_Layer]:
    nodes = graph.by_id
    for node in graph.nodes:
        if node.name not in POSITIONS or any(isinstance(value, float) for value in node.kwargs.values()):
            continue
        at_x, at_weight, at_bias = POSITIONS[node.name]
        settings = node.args[3:]
        if node.name == "convolution" and (node.args[6] or node.args[8] != 1):
            continue  # transposed or in groups
        weight = nodes[node.args[at_weight]["v"]]
        if node.name != "convolution":
            weight = nodes[weight.inputs[0]] if weight.name == "t" else node
        given = node.args[at_bias] if at_bias is not None else None
        bias = nodes[given["v"]] if given is not None else None
        if _is_parameter(weight) and (bias is None or (_is_parameter(bias) and len(bias.shape) == 1)):
            x = nodes[node.args[at_x]["v"]]
            alike = (node.op, _before_views(x, nodes), tuple(x.shape), tuple(weight.shape[1:]), str(settings))
            yield _Layer(node, weight, bias, (*alike, bias is None))


def _is_parameter(node: Node) -> bool:
    return node.leaf is not None and node.leaf.learnable


def _key(node: Node) -> str:
    assert node.leaf is not None
    return node.leaf.key


def _before_views(node: Node, nodes: dict[int, Node]) -> int:
    while node.name in RESHAPED:
        node = nodes[node.inputs[0]]
    return node.id


def _fuse(orders: Mapping[Family, tuple[int, ...]]) -> Callable[[Graph], Graph]:
    def edit(graph: Graph) -> Graph:
        editor = Editor(graph)
        leaves: dict[str, int] = {}
        for group in _side_by_side(graph):
            order = orders.get(tuple(_key(layer.weight) for layer in group))
            if order is not None:
                _fuse_group(editor, [group[i] for i in order], leaves)
        return editor.graph()

    return edit


def _fuse_group(editor: Editor, group: list[_Layer], leaves: dict[str, int]) -> None:
    """One layer in place of several, and a part of its result for whoever read one of theirs.

    Args:
        leaves: the fused weights and biases that there are already, for layers that are used again.
    """
    first, widths = group[0].node, [layer.weight.shape[0] for layer in group]
    _, at_weight, at_bias = POSITIONS[first.name]

    def leaf(parts: list[Node]) -> int:
        key = f"{len(parts)} as one, {_key(parts[0])} first"
        if key not in leaves:
            made = Leaf(kind="parameter", key=key, learnable=True)
            leaves[key] = editor.add_leaf(made, [sum(widths), *parts[0].shape[1:]])
        return leaves[key]

    weight = leaf([layer.weight for layer in group])
    if first.name != "convolution":
        weight = editor.add("aten.t.default", ref(weight), shapes=[[group[0].weight.shape[1], sum(widths)]])
    args = list(first.args)
    args[at_weight] = ref(weight)
    biases = [layer.bias for layer in group if layer.bias is not None]
    if at_bias is not None and biases:
        args[at_bias] = ref(leaf(biases))
    whole = [first.shape[0], sum(widths), *first.shape[2:]]
    fused = editor.add(first.op, *args, kwargs=first.kwargs, shapes=[whole])
    start = 0
    for layer, width in zip(group, widths, strict=True):
        part = [first.shape[0], width, *first.shape[2:]]
        cut = editor.add("aten.slice.Tensor", ref(fused), 1, start, start + width, shapes=[part])
        editor.redirect(layer.node.id, cut)
        start += width
