"""Find a student's slots, and a right form that has the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from grader.graph import Graph, Leaf
from grader.judge.forms import Form
from grader.judge.keeping import Keeping
from grader.judge.leaves import places_by_registration, places_in_graph, with_unused
from grader.judge.observed import Observation
from grader.judge.slots import Place, Slot, fill_slots, layout, signature, ties
from grader.judge.uses import PRODUCTS, leaf_behind


def align(seen: Observation, forms: list[Form], *, by_registration: bool) -> None:
    """Find the student's slots, and a right form that has the same.

    The graph comes first, since it knows what each parameter does; then the graph with what it does not use. The order
    of registration comes last: code that chooses its way by the data shows only one of its ways in the graph.
    """
    graph = seen.built.graph
    ways: list[tuple[list[Place], bool]] = []
    if graph is not None and graph.is_sound and not _graph_is_odd(graph):
        unset = {tensor.key for tensor in seen.built.tensors if not tensor.floating}  # complex ones
        ways.append(([place for place in places_in_graph(graph) if place.key not in unset], True))
    leaves = [
        (tensor.key, tensor.shape, Leaf(kind=tensor.kind, key=tensor.key, initial=tensor.initial))
        for tensor in seen.built.tensors
        if tensor.floating
    ]
    registered = places_by_registration(leaves)
    if ways and not seen.built.facts.reads and not seen.built.facts.own_reads:
        ways.append((with_unused(ways[0][0], registered), True))
    if not ways or (by_registration and not _brings_its_own(graph)):
        ways.append((registered, False))
    for places, recorded in (*ways, ways[0]):  # if neither aligns, what the graph says stays
        if _take(seen, places, forms, recorded=recorded):
            return


def _take(seen: Observation, places: list[Place], forms: list[Form], *, recorded: bool) -> bool:
    """Take the slots that places tell. Has a right form the same, be it with its redundant biases elsewhere?"""
    seen.slots, seen.recorded, seen.layout = fill_slots(places), recorded, layout(places)
    seen.ties = ties(places) if recorded else ()
    seen.keeping = {place.key: place.keeping for place in places if place.keeping is not None}
    like = _with_slots(forms, seen.slots)
    # Redundant biases on different layers have one signature; their places tell them apart. Of layers that were made
    # one, one may lead further than the other: not all other places need be a right form's.
    placed = [form for form in like if not recorded or _has_biases_of(form, seen, forms)]
    if placed:
        seen.aligned = max(placed, key=lambda form: (form.layout & seen.layout).total())
    return bool(like)


def _has_biases_of(form: Form, seen: Observation, forms: list[Form]) -> bool:
    """Has a right form its redundant biases, if it has any, where a student's module has them?"""
    return not _is_biased(form, forms) or _shifts(form.layout) == _shifts(seen.layout)


def _is_biased(form: Form, forms: list[Form]) -> bool:
    """Has a right form redundant biases? Of each variant the one without comes first."""
    plain = next(each for each in forms if each.variant == form.variant)
    return form.signature != plain.signature


def _shifts(places: Counter[tuple[object, ...]]) -> Counter[tuple[object, ...]]:
    """Of a layout what biases and shifts of norms make of it."""
    return Counter({place: number for place, number in places.items() if place[0] == "shift"})


def _with_slots(forms: list[Form], slots: Iterable[Slot]) -> list[Form]:
    found = signature(slots)
    return [form for form in forms if form.signature == found]


def kept_as_right(seen: Observation) -> dict[str, Keeping]:
    """How weights are kept that have the shape of a right form's, if as they are there: with that, how all are kept. Of
    outputs in several dimensions nothing else may tell which comes first. Empty where that is nothing new."""
    form = seen.aligned
    if form is None or not seen.recorded or not (seen.keeping or form.keeping):
        return {}
    shapes = {node.leaf.key: node.shape for node in form.recorded.nodes if node.leaf is not None}
    found = dict(seen.keeping)
    for slot, key in seen.slots.items():
        right = form.slots.get(slot, "")
        if slot.role == "weight" and seen.shapes.get(key) == shapes.get(right):
            as_usual = Keeping(tuple(range(len(seen.shapes[key]))), 1)
            found[key] = form.keeping[right][0] if right in form.keeping else as_usual
    return found if found != seen.keeping else {}


def kernels_in_matrices(seen: Observation) -> dict[str, Keeping]:
    """How the kernels are kept, by key, that are used as matrices, if the positions of a patch come before channels."""
    form, graph = seen.aligned, seen.built.graph
    if form is None or not seen.recorded or graph is None or not graph.is_sound:
        return {}
    in_products = _weights_of_products(graph)
    sides = _kernels(form.recorded)
    found = {}
    for slot, key in seen.slots.items():
        positions = sides.get(form.slots.get(slot, ""), 1)
        shape = seen.shapes.get(key, [])
        is_matrix = key in in_products or sum(size > 1 for size in shape) <= 2
        if slot.role == "weight" and positions > 1 and shape and is_matrix:
            as_usual = Keeping(tuple(range(len(shape))), 1)
            found[key] = replace(seen.keeping.get(key, as_usual), positions=positions)
    return found


def _kernels(graph: Graph) -> dict[str, int]:
    """How many positions the kernel of each convolution has, by the key of its weight."""
    nodes = graph.by_id
    read = (leaf_behind(node.inputs[1], nodes) for node in graph.nodes if node.name == "convolution")
    return {leaf.leaf.key: math.prod(leaf.shape[2:]) for leaf in read if leaf is not None and leaf.leaf is not None}


def _weights_of_products(graph: Graph) -> set[str]:
    """Keys of parameters that a product reads, through views or as they are."""
    leaves = (leaf_behind(i, graph.by_id) for node in graph.nodes if node.name in PRODUCTS for i in node.inputs)
    return {leaf.leaf.key for leaf in leaves if leaf is not None and leaf.leaf is not None and len(leaf.shape) > 1}


def statistics_as_buffers(seen: Observation) -> None:
    """Count running statistics that are kept in parameters which need no gradient among the buffers, as which a batch
    norm uses them: nobody is to train them. Nor is anybody to train what a right form has no parameter for, such as a
    table of positions."""
    frozen = {tensor.key for tensor in seen.built.parameters if not tensor.learnable}
    if not frozen:
        return
    used = {key for slot, key in seen.slots.items() if not slot.learnable} if seen.aligned is not None else set()
    if seen.has_graph and seen.built.graph is not None:
        used |= _read_as_statistics(seen.built.graph)
        if seen.aligned is not None and seen.recorded:
            read = {node.leaf.key for node in seen.built.graph.nodes if node.leaf is not None}
            used |= read - set(seen.slots.values())
    count_as_buffers(seen, frozen & used)


def count_as_buffers(seen: Observation, keys: set[str]) -> None:
    """Parameters that are none, but for their class."""
    tensors = [
        tensor.model_copy(update={"kind": "buffer"}) if tensor.key in keys else tensor for tensor in seen.built.tensors
    ]
    seen.built = seen.built.model_copy(update={"tensors": tensors})
    seen.__dict__.pop("counted_sizes", None)  # which counts parameters


def _read_as_statistics(graph: Graph) -> set[str]:
    """Keys of what batch norms read as their running statistics."""
    norms = (node for node in graph.nodes if node.name == "native_batch_norm")
    read = (argument for node in norms for argument in node.args[3:5] if isinstance(argument, dict))
    leaves = (leaf_behind(argument["v"], graph.by_id) for argument in read if "v" in argument)
    return {leaf.leaf.key for leaf in leaves if leaf is not None and leaf.leaf is not None}


def may_be_told_in_training(seen: Observation, forms: list[Form]) -> bool:
    """Did its graph not tell the slots of what has parameters of the right sizes, and computes the same each time?

    Code that folds its batch norms into the convolutions shows them in training mode alone.
    """
    if not seen.has_graph or seen.reads or _is_told(seen):
        return False
    if _brings_its_own(seen.built.graph):
        return False
    return any(form.sizes == seen.counted_sizes for form in forms)


def may_be_told_by_two_ways(seen: Observation) -> bool:
    """Does it choose its way by the data, and did the one that was recorded lead past some of its parameters? Another
    input may lead by those."""
    return seen.reads and seen.has_graph and not _is_told(seen) and not seen.uses_every_parameter


def _is_told(seen: Observation) -> bool:
    """Does its graph tell a right form's slots?"""
    return seen.aligned is not None and seen.recorded


def align_by(seen: Observation, graph: Graph | None, forms: list[Form], *, beside: bool = False) -> None:
    """Find the slots by another graph, if they are a right form's.

    Args:
        beside: does the graph that there is tell them too, and the other one only what that does not read?
    """
    graphs = [graph, seen.built.graph] if beside else [graph]
    if any(each is None or not each.is_sound or _graph_is_odd(each) or _brings_its_own(each) for each in graphs):
        return
    places = {place.key: place for each in graphs if each is not None for place in places_in_graph(each)}
    slots = fill_slots(places.values())
    if _with_slots(forms, slots) and set(slots.values()) <= seen.shapes.keys():  # else it has no lasting key
        _take(seen, list(places.values()), forms, recorded=True)


def _brings_its_own(graph: Graph | None) -> bool:
    """Is there a parameter that is not registered? Then the order of registration does not tell all."""
    return graph is not None and any(node.leaf is not None and node.leaf.kind == "unregistered" for node in graph.nodes)


def _graph_is_odd(graph: Graph) -> bool:
    """Does a key stand for two leaves? Then nothing can be said about its place."""
    keys = [node.leaf.key for node in graph.nodes if node.leaf is not None]
    return len(set(keys)) != len(keys)
