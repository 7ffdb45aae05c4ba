"""Does a large network give what the reference network gives, all of its weights being equal?

In the case that only confirms, a network is not taken apart. Its parameters are told by their places in its graph, and
its output is compared: what is equal is right, and what is not may be right in a way that nobody thought of.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

import torch
from torch import Tensor

from grader.assignment import Case
from grader.graph import Graph
from grader.judge.compare import difference
from grader.judge.draws import draw_input, draw_value
from grader.judge.edits import Editor
from grader.judge.leaves import places_in_graph
from grader.judge.narrow import in_training
from grader.judge.network import AS_RECORDED
from grader.judge.observed import Observation
from grader.judge.replay import replay
from grader.judge.slots import Slot, fill_slots
from grader.observation import Precision, Probe

# Relative, through dozens of layers.
ROUGHLY: dict[Precision, float] = {"float64": 1e-6, "float32": 1e-2}


class Whole:
    """A reference network in one case, and what it gives; kept, for its weights are millions."""

    def __init__(self, reference: Graph, case: Case, seed: int) -> None:
        self._reference, self._case, self._seed = reference, case, seed
        self._outputs: dict[tuple[Precision, Probe], list[Tensor]] = {}

    def is_given_by(self, seen: Observation) -> bool | None:
        """Does a network do what the reference does, be it with its strides elsewhere? None where it was not asked, or
        it cannot be told which way round its weights are kept."""
        size = self.departure(seen, AS_RECORDED)
        return None if size is None else size < ROUGHLY[seen.precision]

    def departure(self, seen: Observation, probe: Probe) -> float | None:
        """By how much what a network gives on a probe differs from what the reference gives, relative to the largest
        value."""
        answer = seen.answers.get(probe.name)
        if answer is None:
            return None
        if answer.y is None or not seen.recorded or _sizes(self._slots) != _sizes(seen.slots):
            return math.inf
        if self._slots.keys() != seen.slots.keys():
            return None
        return min(difference(answer.y, y) for y in self._given(seen.precision, probe))

    @cached_property
    def _slots(self) -> dict[Slot, str]:
        return fill_slots(places_in_graph(self._reference))

    def _given(self, precision: Precision, probe: Probe) -> list[Tensor]:
        """The output of each way to do it."""
        if (precision, probe) not in self._outputs:
            dtype = getattr(torch, precision)
            x = draw_input(self._seed, self._case.input, probe).to(dtype)
            ways = (in_training(graph) if probe.train else graph for graph in _ways(self._reference))
            drawn = {
                key: draw_value(self._seed, slot, "random", in_branch=False).to(dtype)
                for slot, key in self._slots.items()
            }
            with torch.no_grad():
                self._outputs[precision, probe] = [replay(graph, x, drawn)[0] for graph in ways]
        return self._outputs[precision, probe]


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
