"""The norm of the gradient at every layer, the student's against the reference's, under equal weights."""

from __future__ import annotations

import math

from torch import Tensor

from grader.illustrate.block import is_unregistered
from grader.illustrate.operations import MOST_LETTERS
from grader.illustrate.steps import Drawn, layer_of
from grader.judge.behaviour import first_difference
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.language import later, say
from grader.observation import Probe
from grader.pictures import GradientPicture, GradientRow

MOST_ROWS = 24
SHOWS = 0.02  # a relative difference that can be seen
INPUT = later("input")


def gradient_picture(case: str, seen: Observation, drawing: Drawn | None, form: Form | None) -> GradientPicture | None:
    """The picture, of the first input on which the module differs from a form; None where no norm differs visibly."""
    if form is None or form.signature != seen_signature(seen) or is_unregistered(seen):
        return None
    probe = next((p for p in seen.probes.values() if _is_asked(seen, p) and first_difference(seen, form, p)), None)
    if probe is None:
        return None
    expected = form.outcome(probe).gradients
    mine: dict[str, list[Tensor | None]] = {say(INPUT): [seen.gradient(probe, None)]}
    theirs: dict[str, list[Tensor | None]] = {say(INPUT): [expected.get(None)]}
    unnamed = _unnamed(drawing)
    for slot, key in seen.slots.items():
        if slot.learnable and slot in expected:
            layer = layer_of(key)[:MOST_LETTERS] or unnamed.get(key, say("unnamed {role}", role=slot.role))
            mine.setdefault(layer, []).append(seen.gradient(probe, slot))
            theirs.setdefault(layer, []).append(expected[slot])
    rows = [GradientRow(layer=name, mine=_norm(mine[name]), reference=_norm(theirs[name])) for name in mine]
    if not any(map(_differs, rows)):
        return None
    rows = [rows[0], *_in_order(seen, rows[1:])]
    return GradientPicture(
        case=case, training=probe.train, rows=tuple(rows[:MOST_ROWS]), left_out=max(0, len(rows) - MOST_ROWS)
    )


def seen_signature(seen: Observation) -> object:
    """How many slots of each role and shape the student's module has."""
    return seen.aligned.signature if seen.aligned is not None else None


def _unnamed(drawing: Drawn | None) -> dict[str, str]:
    """What to call layers that have no name, by the keys of their parameters: `conv 3×3 (step 1)`."""
    names: dict[str, str] = {}
    if drawing is not None:
        for number, (step, keys) in enumerate(zip(drawing.flow.steps, drawing.keys, strict=True)):
            name = say("{step} (step {number})", step=step.says, number=number)
            names.update({key: name for key in keys if not layer_of(key)})
    return names


def _is_asked(seen: Observation, probe: Probe) -> bool:
    answer = seen.answers.get(probe.name)
    return probe.recipe == "random" and probe.gradient and answer is not None and answer.y is not None


def _in_order(seen: Observation, rows: list[GradientRow]) -> list[GradientRow]:
    """As the module's author made the layers."""
    made = [layer_of(tensor.key)[:MOST_LETTERS] for tensor in seen.built.tensors]
    place = {name: number for number, name in reversed(list(enumerate(made)))}
    return sorted(rows, key=lambda row: place.get(row.layer, len(made)))


def _norm(gradients: list[Tensor | None]) -> float | None:
    """Of all of a layer's gradients together; None where none is there, infinity where they are no numbers."""
    squares = [float(g.double().square().sum()) for g in gradients if g is not None and g.numel()]
    total = math.sqrt(sum(squares)) if all(map(math.isfinite, squares)) else math.inf
    return total or None


def _differs(row: GradientRow) -> bool:
    if row.mine is None or row.reference is None:
        return row.mine != row.reference
    if math.isinf(row.mine) or math.isinf(row.reference):
        return row.mine != row.reference
    return abs(row.mine - row.reference) > SHOWS * max(row.mine, row.reference)
