"""From the forms of all cases to one program."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch

from grader.assignment import Case
from grader.audit.arguments import Arguments
from grader.audit.layers import BARE, KINDS
from grader.audit.lift import Modes, lift_modes
from grader.audit.merge import Merger
from grader.audit.program import (
    Body,
    Choice,
    Layer,
    Program,
    Step,
    Tensor,
    Text,
    Unsayable,
    Value,
    Varying,
    Way,
    Weight,
    steps,
)
from grader.errors import AssignmentError
from grader.graph import Graph, Leaf
from grader.judge.forms import Form
from grader.judge.replay import Environment, ReplayError, evaluate

GROWN = (4, 6)  # rows and columns that the second recording has more: halves and quarters of odd sizes differ too
TRAINING = "not self.training"


@dataclass
class _Leaf:
    """A parameter or buffer in the cases that have it.

    Attributes:
        is_refused: is it of a layer that refuses what it is given?
    """

    leaf: Leaf
    shapes: dict[int, list[int]]
    is_refused: bool = False


def compose(
    signature: dict[str, str], cases: Sequence[tuple[object, ...]], ways: Sequence[Sequence[Form]], data: Sequence[str]
) -> Program:
    """One program that computes in every case what the case's form does.

    Args:
        signature: the constructor's arguments with their defaults as Python expressions, "" for none.
        cases: the value of every argument in each case.
        ways: the forms of all cases; several of these when the program chooses by its data.
        data: the conditions of that choice on `x`, one for each way but the last.

    Raises:
        Unsayable: a form computes something that the writer cannot write.
    """
    arguments = Arguments(signature, list(cases))
    merger = Merger(arguments)
    leaves: dict[str, _Leaf] = {}
    bodies = []
    for forms in ways:
        modes = [_lifted(form, case, leaves) for case, form in enumerate(forms)]
        split = any(len(mode) > 1 for mode in modes)
        merged = [merger.merge([mode[-1] if each else mode[0] for mode in modes]) for each in range(1 + split)]
        bodies.append(merger.choose(merged, [TRAINING]) if split else merged[0])
    body, output = merger.choose(bodies, data) if len(bodies) > 1 else bodies[0]
    layers = _layers(body, leaves, arguments)
    owners = {tensor.weight: layer for layer in layers for tensor in layer.tensors.values()}
    return Program(signature, layers, _with_texts(body, arguments), output, owners)


def case_values(signature: dict[str, object], case: Case) -> tuple[object, ...]:
    """Every argument's value in a case, defaults included."""
    given = list(case.arguments.values())
    return (*given, *list(signature.values())[len(given) :])


def _lifted(form: Form, case: int, leaves: dict[str, _Leaf]) -> Modes:
    """The steps of one case, and note its parameters and buffers."""
    if form.case.inputs:
        raise Unsayable("it takes several inputs")
    if form.keeps_numbers:
        raise Unsayable("it keeps numbers that nobody learns")
    size = form.case.input
    other = [size[0], size[1] + GROWN[0], size[2] + GROWN[1]] if len(size) == 3 else size
    shapes = [(2, *size), (3, *other)]
    try:
        modes = _in_both_modes(form, shapes)
    except AssignmentError:  # made for one size of image
        shapes[1] = (3, *size)
        modes = _in_both_modes(form, shapes)
    for graph in (graphs[0] for graphs in modes):
        refused = _refused(graph, shapes[0]) if form.edits else set()
        for node in graph.nodes:
            if node.leaf is not None and node.leaf.kind in ("parameter", "buffer"):
                known = leaves.setdefault(node.leaf.key, _Leaf(node.leaf, {}))
                if known.shapes.setdefault(case, node.shape) != node.shape:
                    raise Unsayable(f"{node.leaf.key} has two shapes")
                known.is_refused |= node.leaf.key in refused
    return lift_modes(*modes)


def _in_both_modes(form: Form, shapes: Sequence[tuple[int, ...]]) -> list[list[Graph]]:
    """What a form computes for inputs of these shapes: in evaluation mode, and in training."""
    graphs = [[form.graph(train=train, shape=shape) for shape in shapes] for train in (False, True)]
    if not form.edits:
        return graphs  # as they were recorded
    return [[_measured(graph, shape) for graph, shape in zip(mode, shapes, strict=True)] for mode in graphs]


def _measured(graph: Graph, shape: tuple[int, ...]) -> Graph:
    """A graph with the shapes that its values have: a mistake can change those of everything behind it."""
    environment = _run(graph, shape)
    nodes = []
    for node in graph.nodes:
        value = environment.get(node.id)
        values = value if isinstance(value, tuple) else (value,)
        shapes = [list(v.shape) for v in values] if all(isinstance(v, torch.Tensor) for v in values) else node.shapes
        nodes.append(node if shapes == node.shapes else node.changed(shapes=shapes))
    return Graph(nodes=nodes, output=graph.output)


def _refused(graph: Graph, shape: tuple[int, ...]) -> set[str]:
    """The keys of what the operation reads that raises, if one does."""
    environment, leaves = _run(graph, shape), {node.id: node.leaf for node in graph.nodes}
    refusing = next((node for node in graph.nodes if node.id not in environment), None)
    return {leaf.key for i in (refusing.inputs if refusing else ()) if (leaf := leaves[i]) is not None}


def _run(graph: Graph, shape: tuple[int, ...]) -> Environment:
    """What the nodes of a graph give, as far as it runs, where all numbers are zero."""
    zeros = {node.leaf.key: torch.zeros(node.shape) for node in graph.nodes if node.leaf is not None}
    environment: Environment = {}
    with torch.no_grad(), suppress(ReplayError, LookupError):
        evaluate(graph, torch.zeros(shape), zeros, environment)
    return environment


# ---------------------------------------------------------------------- layers


@dataclass
class _Use:
    """A layer as a step uses it, with its settings in each case."""

    kind: str
    rank: int
    roles: tuple[tuple[str, Weight], ...]
    settings: dict[str, dict[int, Any]]
    whole: bool = True  # can a layer of torch.nn say it?


def _layers(body: Body, leaves: dict[str, _Leaf], arguments: Arguments) -> list[Layer]:
    """The layers of a program in the order in which they are first used."""
    uses: dict[object, _Use] = {}
    bare: dict[Weight, None] = {}
    for step in steps(body):
        use = _use(step)
        if use is None:
            bare.update(dict.fromkeys(step.weights))
            continue
        known = uses.setdefault((use.kind, use.rank, use.roles), use)
        for name, by_case in use.settings.items():
            for case, number in by_case.items():
                known.whole &= known.settings[name].setdefault(case, number) == number
    owners: dict[Weight, int] = {}
    for use in uses.values():
        for _, weight in use.roles:
            owners[weight] = owners.get(weight, 0) + 1
    found: list[Layer] = []
    numbers: dict[str, int] = {}
    for use in uses.values():
        if not use.whole or any(owners[weight] > 1 or weight in bare for _, weight in use.roles):
            bare.update(dict.fromkeys(weight for _, weight in use.roles))
            continue
        label = KINDS[use.kind].label
        numbers[label] = numbers.get(label, 0) + 1
        tensors = {role: _tensor(leaves[weight.key], weight, arguments) for role, weight in use.roles}
        settings = {name: _setting(by_case, arguments) for name, by_case in use.settings.items()}
        condition = _condition(set(leaves[use.roles[0][1].key].shapes), arguments)
        refuses = any(leaves[weight.key].is_refused for _, weight in use.roles)
        found.append(Layer(f"{label}{numbers[label]}", use.kind, use.rank, tensors, settings, condition, refuses))
    for number, weight in enumerate(bare, 1):
        tensor = _tensor(leaves[weight.key], weight, arguments)
        condition = _condition(set(leaves[weight.key].shapes), arguments)
        found.append(Layer(f"w{number}", BARE, 0, {"": tensor}, {}, condition))
    return found


def _use(step: Step) -> _Use | None:
    """The step as the use of a layer, or None when it is none."""
    kind = KINDS.get(step.op)
    if kind is None or not isinstance(step.arguments.get("self"), Value):
        return None
    roles = {role: step.arguments.get(role) for role in kind.roles}
    tensors = tuple((role, term) for role, term in roles.items() if isinstance(term, Weight))
    if not tensors or any(term is not None and not isinstance(term, Weight) for term in roles.values()):
        return None
    if step.arguments.get("transposed"):
        return None
    if kind.paired and len(tensors) % 2:  # a norm's scale goes with its shift, its mean with its variance
        return None
    settings = {name: step.arguments[name] for name in kind.settings}
    return _Use(
        step.op,
        step.rank,
        tensors,
        {name: {case: _in_case(term, case) for case in step.cases} for name, term in settings.items()},
    )


def _in_case(term: Any, case: int) -> Any:
    if isinstance(term, list):
        return tuple(_in_case(item, case) for item in term)
    return dict(term.numbers)[case] if isinstance(term, Varying) else term


def _setting(by_case: dict[int, Any], arguments: Arguments) -> str:
    """A setting as a Python expression; of a tuple with equal numbers, the number."""
    first = next(iter(by_case.values()))
    if not isinstance(first, tuple):
        return arguments.number(by_case)
    texts = [arguments.number({case: numbers[i] for case, numbers in by_case.items()}) for i in range(len(first))]
    return texts[0] if len(set(texts)) == 1 else f"({', '.join(texts)})"


def _tensor(known: _Leaf, weight: Weight, arguments: Arguments) -> Tensor:
    rank = len(next(iter(known.shapes.values())))
    shape = [arguments.number({case: sizes[i] for case, sizes in known.shapes.items()}) for i in range(rank)]
    return Tensor(weight, tuple(shape), known.leaf.kind == "buffer", known.leaf.learnable, known.leaf.initial)


def _condition(cases: set[int], arguments: Arguments) -> str:
    among = set(range(len(arguments.cases)))
    return "" if cases == among else arguments.condition(cases, among)


# ---------------------------------------------------------------------- numbers


def _with_texts(body: Body, arguments: Arguments) -> Body:
    """The body with expressions for the numbers that differ from case to case."""

    def text(term: Any) -> Any:
        if isinstance(term, list):
            return [text(item) for item in term]
        return Text(arguments.number(dict(term.numbers))) if isinstance(term, Varying) else term

    def rewrite(element: Step | Choice) -> Step | Choice:
        if isinstance(element, Step):
            return replace(element, arguments={name: text(term) for name, term in element.arguments.items()})
        ways = tuple(Way(tuple(map(rewrite, way.body)), way.results) for way in element.ways)
        return replace(element, ways=ways)

    return tuple(map(rewrite, body))
