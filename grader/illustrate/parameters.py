"""Parameters layer by layer, the student's beside the reference's."""

from __future__ import annotations

import math
from dataclasses import dataclass

from grader.graph import Graph
from grader.illustrate.align import NEVER, aligned
from grader.illustrate.operations import MOST_LETTERS
from grader.illustrate.steps import Drawn, drawn_form, layer_of
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.pictures import MOST_STEPS, ParameterPicture, ParameterRow

MOST_ROWS = 24
MOST_LAYERS = 80  # that are put side by side


@dataclass
class _Layer:
    """A layer with the shapes of its parameters."""

    name: str
    shapes: list[tuple[int, ...]]
    place: float = 0.0  # the step that uses it first
    registered: bool = True
    on_skip: bool = False

    @property
    def size(self) -> int:
        return sum(map(math.prod, self.shapes))

    @property
    def kind(self) -> tuple[int, ...]:
        """What it is, as far as shapes tell: a kernel, a matrix, vectors."""
        largest = max(self.shapes, key=len, default=())
        return (len(largest), *largest[2:])


def parameter_picture(case: str, seen: Observation, mine: Drawn | None, form: Form | None) -> ParameterPicture | None:
    """The picture; None where every layer has as many as the reference's."""
    if form is None or not seen.built.tensors:
        return None
    reference = drawn_form(form)
    graph = form.graph(train=False, shape=(2, *form.case.input))
    shapes = {
        node.leaf.key: tuple(node.shape)
        for node in graph.nodes
        if node.leaf is not None and node.leaf.kind == "parameter"
    }
    their_layers = _layers(shapes, reference)
    my_layers = _layers({p.key: tuple(p.shape) for p in seen.built.parameters}, mine)
    my_layers = sorted([*my_layers, *_unregistered(seen.built.graph, mine)], key=lambda layer: layer.place)
    if len(my_layers) > MOST_LAYERS or len(their_layers) > MOST_LAYERS:
        return None
    rows: list[ParameterRow] = []
    for on_skip in (False, True):
        my, their = ([layer for layer in each if layer.on_skip == on_skip] for each in (my_layers, their_layers))
        rows += [
            _row(None if i is None else my[i], None if j is None else their[j])
            for i, j in aligned(my, their, _unlike, _gap)
        ]
    if all(row.mine == row.reference and not row.unregistered for row in rows):
        return None
    return ParameterPicture(case=case, rows=tuple(rows[:MOST_ROWS]), left_out=max(0, len(rows) - MOST_ROWS))


def _layers(shapes: dict[str, tuple[int, ...]], drawing: Drawn | None) -> list[_Layer]:
    """Parameters by layer, in the order in which they run where that is known; the others behind them."""
    place: dict[str, tuple[int, bool]] = {}
    if drawing is not None:
        for number, (step, keys) in enumerate(zip(drawing.flow.steps, drawing.keys, strict=True)):
            for key in keys:
                place.setdefault(key, (number, step.on_skip))
    found: dict[str, _Layer] = {}
    for key, shape in shapes.items():
        name = layer_of(key) or key
        number, on_skip = place.get(key, (MOST_STEPS + len(found), False))
        layer = found.setdefault(name, _Layer(name[:MOST_LETTERS], [], number, on_skip=on_skip))
        layer.shapes.append(shape)
        layer.place = min(layer.place, number)
    return sorted(found.values(), key=lambda layer: layer.place)


def _unregistered(graph: Graph | None, drawing: Drawn | None) -> list[_Layer]:
    """What a module trains and does not know of, layers in a Python list for instance, in the order they run."""
    if graph is None or drawing is None:
        return []
    shapes = {
        node.leaf.key: tuple(node.shape)
        for node in graph.nodes
        if node.leaf is not None and node.leaf.kind == "unregistered" and node.leaf.learnable
    }
    found = []
    for number, (step, keys) in enumerate(zip(drawing.flow.steps, drawing.keys, strict=True)):
        own = [shapes[key] for key in keys if key in shapes]
        if own:
            found.append(_Layer(step.says, own, number, registered=False, on_skip=step.on_skip))
    return found


def _gap(layer: _Layer) -> float:
    return 1.0


def _unlike(mine: _Layer, theirs: _Layer) -> float:
    if sorted(mine.shapes) == sorted(theirs.shapes):
        return 0.0 if mine.registered else 0.2
    if mine.kind == theirs.kind:
        return 0.4
    return 0.9 if len(mine.kind) == len(theirs.kind) > 1 else NEVER


def _row(mine: _Layer | None, theirs: _Layer | None) -> ParameterRow:
    counts = mine is not None and mine.registered
    return ParameterRow(
        mine_name=mine.name if mine is not None else "",
        mine=mine.size if mine is not None and counts else 0,
        unregistered=mine.size if mine is not None and not counts else 0,
        reference_name=theirs.name if theirs is not None else "",
        reference=theirs.size if theirs is not None else 0,
    )
