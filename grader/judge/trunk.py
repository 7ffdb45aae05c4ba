"""What stands before, between and behind the blocks of a network, compared with the same of the reference network.

Each part of either network is run alone, on the same inputs, small and large, and with the same values in the slots of
its parameters, forwards and backwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from grader.graph import Graph, Node
from grader.judge.chain import steps_of
from grader.judge.chain_edits import is_moderate, remade
from grader.judge.chain_topics import MOST_TOPICS, Compared
from grader.judge.compare import Difference, difference, equal, equal_gradients
from grader.judge.draws import draw_cotangent, draw_input, draw_value
from grader.judge.keeping import Keeping
from grader.judge.leaves import places_in_graph
from grader.judge.narrow import in_training
from grader.judge.right_forms import add_every_bias
from grader.judge.segments import part_of
from grader.judge.slots import Signature, Slot, fill_slots, signature
from grader.judge.trusted import Untold, run_guarded
from grader.observation import Precision, Probe

UNTOLD = Difference("outcome", math.inf)
Where = Literal["stem", "between", "head", "in training"]
INPUTS = (
    Probe("trunk", "random", batch=2, scale=1.5),
    Probe("large trunk", "random", batch=2, scale=1e3, gradient=False),
    Probe("small trunk", "random", batch=2, scale=1e-3, gradient=False),
)


@dataclass(frozen=True)
class Departure:
    """A part of the trunk that does something else than the reference's.

    Attributes:
        size: by how much, relative to the largest value; infinite where parameters or shapes are others.
        in_gradient: is it what comes back that differs?
        node: of the student's graph, at which the part ends; in training, where it is not known which part it is, the
            last one.
        cause: its steps beside the reference's, if the reference with just these does the same.
        counted: is it said elsewhere, since it has other parameters?
    """

    where: Where
    size: float
    node: Node
    in_gradient: bool = False
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
        activated = number > 0 and reference.by_id[theirs[0]].name == "relu"
        comparison = Comparison(part, seed, trains=trains, activated=activated)
        apart = comparison.difference(model)
        if apart is None:
            continue
        end = network.by_id[mine[1]]
        found = Departure(where, apart.size, end, apart.what == "gradient", comparison.cause(model))
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
        activated: is its input what a ReLU gives?
    """

    def __init__(self, part: Graph, seed: int, *, trains: bool, activated: bool) -> None:
        self._part = part
        self._seed = seed
        self._modes = (False, True) if trains else (False,)
        self._activated = activated
        self._kept = {place.key: place.keeping for place in places_in_graph(part)}

    def difference(self, model: Graph, *, untold: Difference | None = None) -> Difference | None:
        """In what the part differs from another one with the same parameters; None if it does not. Of another size or
        with other parameters it is infinitely far away.

        Args:
            untold: what is said where one of the two cannot be run.
        """
        same = _with_parameters_of(self._part, model)
        if same is None:
            return Difference("outcome", math.inf)
        for train in self._modes:
            for probe in INPUTS:
                try:
                    mine, theirs = self._run(self._part, probe, train), self._run(same, probe, train)
                except Untold:
                    if untold is not None:
                        return untold
                    continue
                apart = _apart(mine, theirs)
                if apart is not None:
                    return apart
        return None

    def _run(self, graph: Graph, probe: Probe, train: bool) -> Passed:
        """What a part gives for an input, and what comes back to its slots; under None to the input."""
        x = draw_input(self._seed, self._part.input.shape[1:], probe).requires_grad_(probe.gradient)
        given = x.relu() if self._activated else x.clone()  # it may be written to
        slots = fill_slots(places_in_graph(graph))
        drawn = {slot: draw_value(self._seed, slot, "random", in_branch=False).clone() for slot in slots}
        leaves = {slot: value.requires_grad_(slot.learnable and probe.gradient) for slot, value in drawn.items()}
        shapes = {node.leaf.key: node.shape for node in graph.nodes if node.leaf is not None}
        kept = self._kept if graph is self._part else {}
        values = {key: _keep(leaves[slot], kept.get(key), shapes[key]) for slot, key in slots.items()}
        environment: dict[int, object] = {}
        run_guarded(in_training(graph) if train else graph, given, values, environment)
        y = environment[graph.output]
        if not isinstance(y, Tensor):
            raise Untold("it gives no tensor")
        asked: dict[Slot | None, Tensor] = {None: x, **{slot: leaf for slot, leaf in leaves.items() if slot.learnable}}
        if not probe.gradient:
            return y, {}
        if not y.requires_grad:
            return y, dict.fromkeys(asked)
        cotangent = draw_cotangent(self._seed, list(y.shape), probe).to(y.dtype)
        try:
            found = torch.autograd.grad((y * cotangent).sum(), list(asked.values()), allow_unused=True)
        except RuntimeError as error:
            raise Untold(f"its gradient cannot be taken again: {error}") from error
        return y.detach(), dict(zip(asked, found, strict=True))

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
        is_proven = is_moderate(wrong) and self.difference(wrong, untold=UNTOLD) is None
        topics = {each.topic for each in compared.differences}
        return compared if is_proven and 0 < len(topics) <= MOST_TOPICS else None


Passed = tuple[Tensor, dict[Slot | None, Tensor | None]]
"""What a part gives, and what comes back to its slots, and under None to its input."""


def _leads_around(part: Graph) -> bool:
    """Does a part read something from before its start? Then it has two inputs, and a path leads around blocks."""
    return sum(node.leaf is not None and node.leaf.kind == "input" for node in part.nodes) > 1


def _with_parameters_of(part: Graph, model: Graph) -> Graph | None:
    """The reference's part with the parameters of the student's, which may have redundant biases; None if it has
    others."""
    mine = _parameters(part)
    return next((each for each in (model, add_every_bias(model)) if _parameters(each) == mine), None)


def _parameters(graph: Graph) -> Signature:
    """But for running statistics: a norm by hand does not read them in training."""
    slots = fill_slots(places_in_graph(graph))
    return signature(slot for slot in slots if slot.role not in ("mean", "variance"))


def _keep(value: Tensor, keeping: Keeping | None, shape: list[int]) -> Tensor:
    """A value as the student's tensor keeps it."""
    return value if keeping is None else keeping.keep(value, shape)


def _apart(mine: Passed, theirs: Passed) -> Difference | None:
    """In what two passes differ: in what they give, or in what comes back."""
    (given, back), (expected, wanted) = mine, theirs
    if given.shape != expected.shape:
        return Difference("shape", math.inf)
    precision: Precision = "float32" if given.dtype is torch.float32 else "float64"
    if not equal(given.to(expected.dtype), expected, precision):
        return Difference("output", difference(given, expected))
    for slot, gradient in wanted.items():
        right = gradient if gradient is not None else torch.zeros(1)
        found = back[slot]
        if gradient is None and found is None:
            continue
        if gradient is None and found is not None:
            right = torch.zeros_like(found)
        if not equal_gradients(found, right, precision):
            return Difference("gradient", difference(found, right), slot)
    return None
