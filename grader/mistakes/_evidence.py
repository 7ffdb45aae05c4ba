"""What noticed mistakes are read off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from grader.graph import Node
from grader.judge.examined import Examined
from grader.language import say
from grader.mistakes._mistake import Notice
from grader.observation import Event, Facts, Raised
from grader.verdict import Proof

Happened = TypeVar("Happened", bound=Event)


def raised(examined: Examined) -> Raised | None:
    """The first exception in any case that does not come of earlier calls."""
    seen = (seen for seen in examined.observations if not seen.has_kept)
    return next((each.raised for each in seen if each.raised is not None), None)


def at(error: Raised, message: str = "") -> Notice:
    """A notice at the place of an exception. That it was raised is a fact; what it says is the student's word."""
    return Notice(Proof.MEASURED, error.cell, error.line, message)


def facts(examined: Examined) -> Iterator[Facts]:
    """What showed in each case, beyond graph and numbers. The student's word."""
    return (seen.built.facts for seen in examined.observations)


def places(events: Iterable[Event]) -> str:
    """Lines as people name them: "line 12" or "lines 12 and 14"; "" when none is known."""
    lines = [str(line) for line in sorted({event.line for event in events if event.line is not None})][:4]
    if not lines:
        return ""
    *most, last = lines
    return say("lines {lines} and {last}", lines=", ".join(most), last=last) if most else say("line {line}", line=last)


def is_unsteady(examined: Examined) -> bool:
    """Did a pass in training mode give something else when it was repeated?"""
    return any(seen.unsteady for seen in examined.ran)


def weights_are_computed(examined: Examined) -> bool:
    """Are there parameters from which PyTorch's weight_norm, spectral_norm or a parametrization computes weights? The
    student's word: their names. Where the reference has such a thing, it was asked for."""
    if any(_is_computed(node.leaf.key) for node in _right_nodes(examined) if node.leaf is not None):
        return False
    for seen in examined.ran:
        keys = {tensor.key for tensor in seen.built.tensors}
        for key in keys:
            stem = key.removesuffix("_g").removesuffix("_orig")
            if _is_computed(key) or (stem != key and keys & {stem + "_v", f"b:{stem[2:]}_u"}):
                return True
    return False


def _is_computed(key: str) -> bool:
    """Is this a parameter that a parametrization of PyTorch's made of a weight?"""
    return ".parametrizations." in f".{key[2:]}"


def _right_nodes(examined: Examined) -> Iterator[Node]:
    """The nodes of the reference in the first case."""
    if examined.answers is not None:
        yield from examined.answers.forms(examined.exercise.cases[0])[0].recorded.nodes
