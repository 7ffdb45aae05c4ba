"""The accepted ways to do a case: each variant, with redundant biases here or there, with layers side by side as one.

A bias in front of a batch norm changes nothing that a module computes, nor does it matter whether layers that read the
same value are one layer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from weakref import WeakKeyDictionary

from grader.assignment import Case
from grader.graph import Graph, Leaf, Node
from grader.judge.biases import normed_convolutions, normed_linears
from grader.judge.edits import Editor, ref
from grader.judge.forms import Edit, Form
from grader.judge.fused import ways_to_fuse
from grader.judge.reference import Reference
from grader.judge.slots import Role, Signature, Slot

MOST_BIASES = 8  # layers with a redundant bias or not in every combination
MOST_LAYERS = 60  # each of which may have one where a student has
BIAS_WITH = "bias of convolution"  # how the key of a redundant bias begins, behind which its weight is named


def right_forms(reference: Reference, case: Case, seed: int, device: str) -> Iterator[Form]:
    """Every accepted way to do a case: each variant, with each set of redundant biases that is allowed.

    Of one variant, the form without biases comes first and the one with all of them last.
    """
    for variant in range(len(reference.variants)):
        plain = Form(reference, case, variant, (), seed, device)
        yield from biased_forms(plain) if reference.exercise.conv_bias == "free" else [plain]


def common_branch(form: Form, forms: list[Form]) -> frozenset[Slot]:
    """What only the residual branch uses in each of some forms that have a form's slots in the same places; kept.

    Where the first batch norm of a pre-activation block may stand in front of the projection or not, nothing but
    numbers tells which a student chose.
    """
    if form not in _branches:
        like = (each for each in forms if each.signature == form.signature and each.layout == form.layout)
        _branches[form] = form.branch.intersection(*(each.branch for each in like))
    return _branches[form]


_branches: WeakKeyDictionary[Form, frozenset[Slot]] = WeakKeyDictionary()


def biased_forms(plain: Form) -> Iterator[Form]:
    """A form with every set of redundant biases: with none, which is itself, first; with all of them last."""
    yield plain
    layers = _layers_without_bias(plain.recorded)
    nodes = plain.recorded.by_id
    for chosen in _sets_of_biases([tuple(nodes[layer.inputs[1]].shape) for layer in layers]):
        yield _with_biases(plain, layers, chosen)


def _with_biases(plain: Form, layers: list[Node], chosen: frozenset[int]) -> Form:
    """A form with redundant biases on these of the layers that may have them."""
    form = plain.rewritten(_add_biases(chosen))
    # Known before its graph is: most forms are only asked for this, and told apart by it.
    biases = Counter[tuple[Role, tuple[int, ...]]](("shift", (layers[i].shape[1],)) for i in chosen)
    form.signature = Signature(plain.signature + biases)
    return form


def biased_like(plain: Form, wanted: Counter[tuple[object, ...]]) -> Form | None:
    """A form with redundant biases just where a layout has more shifts, of whose layers there are too many for every
    set of them to be tried; None if that is not all in which the two differ."""
    more = wanted - plain.layout
    layers = _layers_without_bias(plain.recorded)
    if not more or plain.layout - wanted or not MOST_BIASES < len(layers) <= MOST_LAYERS:
        return None
    chosen = set()
    for i in range(len(layers)):
        place = _with_biases(plain, layers, frozenset([i])).layout - plain.layout
        if place <= more:
            more -= place
            chosen.add(i)
    return _with_biases(plain, layers, frozenset(chosen)) if not more else None


def linear_like(plain: Form, wanted: Counter[tuple[object, ...]]) -> Form | None:
    """A form whose linear layers in front of batch norms have a bias, which is redundant there, just where a layout has
    one; None if that is not all in which the two differ."""
    more, fewer = wanted - plain.layout, plain.layout - wanted
    layers = normed_linears(plain.recorded) if (more or fewer) else []
    chosen = set()
    for i in range(min(len(layers), MOST_LAYERS)):
        other = plain.with_edit(_with_other_biases(frozenset([i]))).layout
        if other - plain.layout <= more and plain.layout - other <= fewer:
            more, fewer = more - (other - plain.layout), fewer - (plain.layout - other)
            chosen.add(i)
    if more or fewer or not chosen:
        return None
    return plain.rewritten(_with_other_biases(frozenset(chosen)))


def fused_like(plain: Form, wanted: Signature) -> list[Form]:
    """A form whose layers side by side are one layer where a signature has it so, in every order of their parts; empty
    if that is not all in which the two differ."""
    if sum(number * math.prod(shape) for (_, shape), number in (wanted - plain.signature).items()) == 0:
        return []
    for edits in ways_to_fuse(plain.recorded):
        forms = [plain.rewritten(edit) for edit in edits]
        if forms[0].signature == wanted:
            for form in forms:
                form.signature = wanted  # whatever the order
            return forms
    return []


def _with_other_biases(chosen: frozenset[int]) -> Edit:
    """Take the bias of these of the linear layers that may have one, or give them one."""

    def edit(graph: Graph) -> Graph:
        editor = Editor(graph)
        for number, node in enumerate(normed_linears(graph)):
            if number not in chosen:
                continue
            if node.name == "addmm":
                editor.change(node.id, op="aten.mm.default", args=node.args[1:])
            else:
                leaf = Leaf(kind="parameter", key=f"bias of linear layer {number}", learnable=True)
                bias = ref(editor.add_leaf(leaf, [node.shape[1]]))
                editor.change(node.id, op="aten.addmm.default", args=[bias, *node.args])
        return editor.graph()

    return edit


def takes_biases(form: Form) -> bool:
    """Has it convolutions without a bias, in front of a batch norm, to which one could be added?"""
    return bool(_layers_without_bias(form.recorded))


def _sets_of_biases(shapes: list[tuple[int, ...]]) -> Iterator[frozenset[int]]:
    """Which layers may have one, the fewest first. Of many layers: one, all but one, and all or none of each shape."""
    layers = range(len(shapes))
    if len(shapes) <= MOST_BIASES:
        sets = {frozenset(chosen) for size in layers for chosen in combinations(layers, size + 1)}
    else:
        alike = [frozenset(i for i in layers if shapes[i] == shape) for shape in dict.fromkeys(shapes)]
        some = range(1, len(alike) + 1) if len(alike) <= MOST_BIASES else (1, len(alike))
        sets = {frozenset().union(*chosen) for size in some for chosen in combinations(alike, size)}
        sets |= {frozenset([i]) for i in layers} | {frozenset(layers) - {i} for i in layers}
    yield from sorted(sets, key=lambda chosen: (len(chosen), sorted(chosen)))


def _layers_without_bias(graph: Graph) -> list[Node]:
    """Convolutions without a bias that go into a batch norm: there it would be redundant."""
    return [node for node in normed_convolutions(graph) if node.args[2] is None]


def add_every_bias(graph: Graph) -> Graph:
    """Give every convolution in front of a batch norm a bias, if it has none."""
    return _add_biases(frozenset(range(sum(node.name == "convolution" for node in graph.nodes))))(graph)


def _add_biases(chosen: frozenset[int]) -> Edit:
    """Give these of the layers that may have a bias one."""

    def edit(graph: Graph) -> Graph:
        editor = Editor(graph)
        layers = _layers_without_bias(graph)
        number_of = {node.id: number for number, node in enumerate(n for n in graph.nodes if n.name == "convolution")}
        for node in (layer for number, layer in enumerate(layers) if number in chosen):
            # The number alone is not enough: a layer that a mistake brings in takes the number of another one.
            weight = editor[node.inputs[1]].leaf
            key = f"{BIAS_WITH} {number_of[node.id]} with {weight.key if weight is not None else 'a weight'}"
            leaf = Leaf(kind="parameter", key=key, learnable=True)
            editor.set_argument(node.id, 2, ref(editor.add_leaf(leaf, [node.shape[1]])))
        return editor.graph()

    return edit
