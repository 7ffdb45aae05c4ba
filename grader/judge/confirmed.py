"""Does a large network give what the reference network gives, all of its weights being equal?

In the case that only confirms, a network is not taken apart. Its parameters are told by their places in its graph, and
its output is compared: what is equal is right, and what is not may be right in a way that nobody thought of.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

import torch

from grader.graph import Graph
from grader.judge.compare import difference
from grader.judge.draws import draw_input, draw_value
from grader.judge.edits import Editor
from grader.judge.leaves import Slot, fill_slots, places_in_graph
from grader.judge.network import AS_RECORDED
from grader.judge.observed import Observation
from grader.judge.replay import replay

ROUGHLY = 1e-2  # relative: in float32, through dozens of layers


def gives_as(seen: Observation, reference: Graph) -> bool | None:
    """Does a network do what the reference does, be it with its strides elsewhere? None where it was not asked, or it
    cannot be told which way round its weights are kept."""
    answer = seen.answers.get(AS_RECORDED.name)
    if answer is None:
        return None
    slots = fill_slots(places_in_graph(reference))
    if answer.y is None or not seen.recorded or _sizes(slots) != _sizes(seen.slots):
        return False
    if slots.keys() != seen.slots.keys():
        return None
    dtype = answer.y.dtype
    x = draw_input(seen.seed, seen.case.input, AS_RECORDED).to(dtype)
    drawn = {key: draw_value(seen.seed, slot, "random", in_branch=False).to(dtype) for slot, key in slots.items()}
    with torch.no_grad():
        ways = (replay(graph, x, drawn)[0] for graph in _ways(reference))
        return any(difference(answer.y, y) < ROUGHLY for y in ways)


def _sizes(slots: Iterable[Slot]) -> Counter[int]:
    return Counter(math.prod(slot.shape) for slot in slots)


def _ways(reference: Graph) -> Iterator[Graph]:
    """As it is, and with the stride of each 3×3 in the 1×1 in front of it (He et al. 2015, and Goyal et al. 2017)."""
    yield reference
    editor, moved = Editor(reference), False
    for node in reference.nodes:
        if node.name != "convolution" or node.args[3] == [1, 1] or _kernel(reference, node.id) != [3, 3]:
            continue
        before = _convolution_before(reference, node.inputs[0])
        if before is not None and _kernel(reference, before) == [1, 1]:
            editor.set_argument(before, 3, node.args[3])
            editor.set_argument(node.id, 3, [1, 1])
            moved = True
    if moved:
        yield editor.graph()


def _kernel(graph: Graph, convolution: int) -> list[int]:
    return graph.by_id[graph.by_id[convolution].inputs[1]].shape[2:]


def _convolution_before(graph: Graph, node: int) -> int | None:
    """The convolution that a value comes of, through its norm and activation."""
    nodes = graph.by_id
    while nodes[node].name in ("relu", "getitem", "native_batch_norm"):
        node = nodes[node].inputs[0]
    return node if nodes[node].name == "convolution" else None
