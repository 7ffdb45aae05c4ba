"""What a module is sent to be probed: inputs, cotangents and values for its parameters and buffers, in one row.

What goes to a module that is expected to do as a right form does depends on the form alone: it is drawn once and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from grader.judge.draws import draw_cotangent, draw_input, draw_value
from grader.judge.forms import Form
from grader.judge.slots import Slot
from grader.observation import Probe, Recipe
from grader.wire import Layout, in_a_row

Kept = Callable[[Tensor], Tensor]  # from outputs × inputs to how a weight is kept

MOST_KEPT = 1 << 18  # numbers in a row: those of wide blocks, which come in all sizes, would fill the memory

_kept: WeakKeyDictionary[Form, dict[tuple[frozenset[Slot], tuple[Probe, ...], str], Request]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Request:
    """Probes, with all that is sent for them.

    Attributes:
        slots: whose values each recipe sets, in the order in which `row` has them.
        recipes: those with values in the row, under their own names.
        layout: takes the row apart; see `grader.worker.operations.run`.
    """

    probes: tuple[Probe, ...]
    slots: tuple[Slot, ...]
    recipes: frozenset[Recipe]
    layout: Layout
    row: Tensor


def request(
    seed: int,
    size: list[int],
    probes: Sequence[Probe],
    slots: Iterable[Slot],
    *,
    branch: Collection[Slot],
    kept: Mapping[Slot, Kept] = MappingProxyType({}),
    output_shape: Callable[[tuple[int, ...]], list[int]],
    precision: str,
) -> Request:
    """Draw all that is sent for some probes.

    Args:
        size: that the case declares for an input.
        branch: slots of the residual branch.
        kept: how weights are kept, where not as outputs × inputs.
        output_shape: gives the shape that the output for an input of some shape should have.
        precision: of the module that is asked: what it rounds anyway, millions of weights, need not travel in float64.
    """
    slots = tuple(slots)
    recipes = frozenset(probe.recipe for probe in probes if slots) - {"initial"}
    values: list[Tensor] = []
    layout: Layout = []
    for recipe in sorted(recipes):
        drawn = [(slot, draw_value(seed, slot, recipe, in_branch=slot in branch)) for slot in slots]
        rows = [kept[slot](value) if slot in kept else value for slot, value in drawn]
        layout.append((recipe, [sum(row.numel() for row in rows)]))
        values += rows
    for i, probe in enumerate(probes):
        given = {"x": draw_input(seed, size, probe)}
        if probe.gradient:
            given["cotangent"] = draw_cotangent(seed, output_shape(tuple(given["x"].shape)), probe)
        layout += [(f"{i}/{name}", list(tensor.shape)) for name, tensor in given.items()]
        values += given.values()
    return Request(tuple(probes), slots, recipes, layout, in_a_row(values, getattr(torch, precision)))


def request_of(form: Form, branch: frozenset[Slot], probes: Sequence[Probe], precision: str) -> Request:
    """What is sent to a module with the slots of a right form, and these in its branch, if all weights are kept as
    usual; kept."""
    kept = _kept.setdefault(form, {})
    key = (branch, tuple(probes), precision)
    if key in kept:
        return kept[key]
    case = form.case
    made = request(
        form.seed,
        case.input,
        probes,
        form.slots,
        branch=branch,
        output_shape=lambda shape: form.reference.output_shape(case, shape),
        precision=precision,
    )
    if made.row.numel() <= MOST_KEPT:
        kept[key] = made
    return made
