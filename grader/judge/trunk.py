"""What stands before, between and behind the blocks of a network, compared with the same of the reference network.

Each part of either network is run alone, on the same input and with the same values in the slots of its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from grader.graph import Graph, Node
from grader.judge.chain import steps_of
from grader.judge.chain_edits import is_moderate, remade
from grader.judge.chain_topics import MOST_TOPICS, Compared
from grader.judge.compare import difference, equal
from grader.judge.draws import draw_input, draw_value
from grader.judge.forms import add_every_bias
from grader.judge.keeping import Keeping
from grader.judge.leaves import places_in_graph
from grader.judge.narrow import in_training
from grader.judge.segments import part_of
from grader.judge.slots import Signature, fill_slots, signature
from grader.judge.trusted import Untold, run_guarded
from grader.observation import Precision, Probe

Where = Literal["stem", "between", "head", "in training"]
INPUT = Probe("trunk", "random", batch=2, scale=1.5)


@dataclass(frozen=True)
class Departure:
    """A part of the trunk that does something else than the reference's.

    Attributes:
        size: by how much, relative to the largest value; infinite where parameters or shapes are others.
        node: of the student's graph, at which the part ends; in training, where it is not known which part it is, the
            last one.
        cause: its steps beside the reference's, if the reference with just these does the same.
        counted: is it said elsewhere, since it has other parameters?
    """

    where: Where
    size: float
    node: Node
    cause: Compared | None = None
    counted: bool = False


def trunk_departure(
    network: Graph,
    blocks: Sequence[Graph],
    reference: Graph,
    wanted: Sequence[Graph],
    *,
    seed: int,
    trains: bool,
    counted: bool,
) -> Departure | None:
    """The first part of the trunk that differs; None if none does, or it cannot be told.

    What another check says is not said again: that the output has another shape.

    Args:
        blocks, wanted: the blocks of the student's network and of the reference, as many of each, in order, as graphs
            with the ids of their network.
        trains: does the graph, put into training mode, do what the network does there?
        counted: has the whole network another number of parameters, which is said elsewhere?
    """
    said: Departure | None = None
    for number, (mine, theirs) in enumerate(zip(_ends(network, blocks), _ends(reference, wanted), strict=True)):
        where: Where = "stem" if number == 0 else "head" if number == len(blocks) else "between"
        if where == "head" and network.by_id[network.output].shape != reference.by_id[reference.output].shape:
            return None
        part, model = part_of(network, *mine), part_of(reference, *theirs)
        if _leads_around(part):
            return Departure(where, math.inf, network.by_id[mine[1]])
        comparison = Comparison(part, seed, trains=trains, behind_block=number > 0)
        size = comparison.difference(model)
        if size is None:
            continue
        found = Departure(where, size, network.by_id[mine[1]], comparison.cause(model))
        if not counted or _with_parameters_of(part, model) is not None:
            return found
        said = said or replace(found, counted=True)
    return said if said is not None and said.cause is not None else None


def _ends(graph: Graph, blocks: Sequence[Graph]) -> list[tuple[int, int]]:
    """First and last node of each part."""
    gaps = [(before.output, behind.input.id) for before, behind in pairwise(blocks)]
    return [(graph.input.id, blocks[0].input.id), *gaps, (blocks[-1].output, graph.output)]


class Comparison:
    """A student's part, held against what it may be.

    Args:
        trains: is it compared in training mode as well?
        behind_block: is its input what a block gives? Most end in a ReLU.
    """

    def __init__(self, part: Graph, seed: int, *, trains: bool, behind_block: bool) -> None:
        self._part = part
        self._modes = (False, True) if trains else (False,)
        places = places_in_graph(part)
        self._slots = fill_slots(places)
        self._drawn = {slot: draw_value(seed, slot, "random", in_branch=False) for slot in self._slots}
        shapes = {node.leaf.key: node.shape for node in part.nodes if node.leaf is not None}
        kept = {place.key: place.keeping for place in places}
        self._mine = {key: _keep(self._drawn[slot], kept[key], shapes[key]) for slot, key in self._slots.items()}
        x = draw_input(seed, part.input.shape[1:], INPUT)
        self._x = x.relu() if behind_block else x

    def difference(self, model: Graph, *, untold: float | None = None) -> float | None:
        """By how much the part differs from another one with the same parameters; None if it does not, infinite where
        it has others or gives another shape.

        Args:
            untold: what is said where one of the two cannot be run.
        """
        same = _with_parameters_of(self._part, model)
        if same is None:
            return math.inf
        theirs = {key: self._drawn[slot] for slot, key in fill_slots(places_in_graph(same)).items()}
        for train in self._modes:
            try:
                given, expected = _run(self._part, self._x, self._mine, train), _run(same, self._x, theirs, train)
            except Untold:
                if untold is not None:
                    return untold
                continue
            if given.shape != expected.shape:
                return math.inf
            precision: Precision = "float32" if given.dtype is torch.float32 else "float64"
            if not equal(given.to(expected.dtype), expected, precision):
                return difference(given, expected)
        return None

    def cause(self, model: Graph) -> Compared | None:
        """In which steps it differs, if the reference's part with just these does the same."""
        channels = [graph.by_id[graph.output].shape[1:2] for graph in (self._part, model)]
        if channels[0] != channels[1]:
            return None  # then the blocks behind it have other channels as well
        wanted, found = steps_of(model), steps_of(self._part)
        if wanted is None or found is None:
            return None
        compared = Compared.of(wanted, found, bias_free=True, of_part=True)
        wrong = remade(model, wanted, compared.items)
        is_proven = is_moderate(wrong) and self.difference(wrong, untold=math.inf) is None
        topics = {each.topic for each in compared.differences}
        return compared if is_proven and 0 < len(topics) <= MOST_TOPICS else None


def _leads_around(part: Graph) -> bool:
    """Does a part read something from before its start? Then it has two inputs, and a path leads around blocks."""
    return sum(node.leaf is not None and node.leaf.kind == "input" for node in part.nodes) > 1


def _with_parameters_of(part: Graph, model: Graph) -> Graph | None:
    """The reference's part with the parameters of the student's, which may have redundant biases; None if it has
    others."""
    mine = _parameters(part)
    return next((each for each in (model, add_every_bias(model)) if _parameters(each) == mine), None)


def _parameters(graph: Graph) -> Signature:
    return signature(fill_slots(places_in_graph(graph)))


def _keep(value: Tensor, keeping: Keeping | None, shape: list[int]) -> Tensor:
    """A value as the student's tensor keeps it."""
    return value if keeping is None else keeping.keep(value, shape)


def _run(graph: Graph, x: Tensor, values: Mapping[str, Tensor], train: bool) -> Tensor:
    """What a part gives for an input."""
    environment: dict[int, object] = {}
    with torch.no_grad():
        run_guarded(in_training(graph) if train else graph, x, values, environment)
    result = environment[graph.output]
    if not isinstance(result, Tensor):
        raise Untold("it gives no tensor")
    return result
