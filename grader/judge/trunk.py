"""What stands before, between and behind the blocks of a network, compared with the same of the reference network.

Each part of either network is run alone, on the same input and with the same values in the slots of its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from grader.graph import Graph, Node
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
    """

    where: Where
    size: float
    node: Node


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
        counted: is it said elsewhere where there are other parameters?
    """
    for number, (mine, theirs) in enumerate(zip(_ends(network, blocks), _ends(reference, wanted), strict=True)):
        where: Where = "stem" if number == 0 else "head" if number == len(blocks) else "between"
        if where == "head" and network.by_id[network.output].shape != reference.by_id[reference.output].shape:
            return None
        part, model = part_of(network, *mine), part_of(reference, *theirs)
        if _leads_around(part):
            return Departure(where, math.inf, network.by_id[mine[1]])
        same = _with_parameters_of(part, model)
        if same is None and counted:
            continue
        size = math.inf if same is None else _differs(part, same, seed, trains=trains, behind_block=number > 0)
        if size is not None:
            return Departure(where, size, network.by_id[mine[1]])
    return None


def _ends(graph: Graph, blocks: Sequence[Graph]) -> list[tuple[int, int]]:
    """First and last node of each part."""
    gaps = [(before.output, behind.input.id) for before, behind in pairwise(blocks)]
    return [(graph.input.id, blocks[0].input.id), *gaps, (blocks[-1].output, graph.output)]


def _differs(part: Graph, model: Graph, seed: int, *, trains: bool, behind_block: bool) -> float | None:
    """By how much a part differs from the reference's, in evaluation mode or in training; None if it does not.

    Args:
        behind_block: is its input what a block gives? Most end in a ReLU.
    """
    places = places_in_graph(part)
    slots = fill_slots(places)
    drawn = {slot: draw_value(seed, slot, "random", in_branch=False) for slot in slots}
    shapes = {node.leaf.key: node.shape for node in part.nodes if node.leaf is not None}
    kept = {place.key: place.keeping for place in places}
    mine = {key: _keep(drawn[slot], kept[key], shapes[key]) for slot, key in slots.items()}
    theirs = {key: drawn[slot] for slot, key in fill_slots(places_in_graph(model)).items()}
    x = draw_input(seed, model.input.shape[1:], INPUT)
    x = x.relu() if behind_block else x
    for train in (False, True) if trains else (False,):
        try:
            given, expected = _run(part, x, mine, train), _run(model, x, theirs, train)
        except Untold:
            continue
        if given.shape != expected.shape:
            return math.inf
        precision: Precision = "float32" if given.dtype is torch.float32 else "float64"
        if not equal(given.to(expected.dtype), expected, precision):
            return difference(given, expected)
    return None


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
