"""Mistakes that are made in training alone, or in evaluation alone: behind an `if self.training:`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from grader.graph import Graph
from grader.judge.behaviour import first_difference
from grader.judge.examined import Examined
from grader.judge.forms import Edit, Form
from grader.judge.observed import Observation
from grader.language import later
from grader.mistakes._hypotheses import Step
from grader.mistakes._mistake import Plant

IN_TRAINING = later("In training mode alone: {message}")
IN_EVALUATION = later("In evaluation mode alone: {message}")


def wrong_mode(examined: Examined) -> bool | None:
    """In which mode a module is wrong that is right in the other one: True for training; None where there is no such
    mode. Large cases confirm what is found."""
    modes = [_wrong_modes(examined, seen) for seen in examined.wrong_small_cases]
    return next((training for training in (False, True) if modes and all({training} in each for each in modes)), None)


def may_be_trained_alone(observations: Iterable[Observation]) -> bool:
    """Are there parameters that are not used in evaluation? Which of them is for what is not known then, nor if the
    module is right in training."""
    return any(seen.has_graph and not seen.uses_every_parameter for seen in observations)


def _wrong_modes(examined: Examined, seen: Observation) -> list[set[bool]]:
    """The modes in which a module differs from each right form that has its parameters."""
    return [_modes(seen, form) for form in examined.right_forms(seen)]


def _modes(seen: Observation, form: Form) -> set[bool]:
    found: set[bool] = set()
    for probe in seen.probes.values():
        # Where layers may stand in any order there are hundreds of forms, and most are wrong in both modes at once.
        if probe.compares and probe.train not in found and first_difference(seen, form, probe) is not None:
            found.add(probe.train)
    return found


def in_mode(steps: Iterable[Step], *, training: bool) -> list[Step]:
    """The same mistakes, made in one mode alone."""
    return [Step(step.mistake, _plant_in_mode(step.plant, training=training)) for step in steps]


@cache
def _plant_in_mode(plant: Plant, *, training: bool) -> Plant:
    edits = tuple(_edit_in_mode(edit, training=training) for edit in plant.edits)
    return Plant(edits, plant.where, plant.message, plant.values)


@cache
def _edit_in_mode(edit: Edit, *, training: bool) -> Edit:
    def apply(graph: Graph) -> Graph:
        modes = {node.args[5] for node in graph.nodes if node.name == "native_batch_norm"}
        return edit(graph) if modes == {training} else graph

    return apply
