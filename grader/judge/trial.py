"""Further mistakes tried on a form: only what they change is computed again, and looked at in passing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from grader.graph import Graph
from grader.judge.anatomy import MEETINGS
from grader.judge.failures import Operands, is_like
from grader.judge.forms import Edit, Form
from grader.judge.replay import Environment, ReplayError, evaluate
from grader.judge.skeleton import slots_in
from grader.judge.trace import Digest, digest
from grader.observation import Operation, Probe


@dataclass(frozen=True)
class Glance:
    """What a form gives, in short.

    Attributes:
        output: of the output, if there is one and it is known.
        is_known: is it? With parameters that the form does not have, only what raises is.
        operation: what raised, or "".
        operands: the shape of each of its operands, and how many layers lead to it, sorted.
        meetings: the shapes of values that are brought together; empty where something raised.
    """

    output: Digest | None = None
    is_known: bool = True
    operation: str = ""
    operands: Operands = field(default_factory=list)
    meetings: list[list[list[int]]] = field(default_factory=list)

    def raises(self, operation: Operation) -> bool:
        """Can it be that such an operation raises?"""
        if self.operation:
            operands = sorted(zip(operation.shapes, operation.depths, strict=False))
            return is_like(self.operation, self.operands, operation.op, operands)
        return sorted(operation.shapes) in self.meetings


class Trial:
    """A form with what it gives on one probe, to which edits are made."""

    def __init__(self, form: Form, probe: Probe) -> None:
        self._form, self._probe = form, probe
        self._graph, self._passed = form.passed(probe)
        self._values = form.values(probe)
        self._nodes = self._graph.by_id

    def glance(self, edit: Edit, *, moved: bool = False) -> Glance | None:
        """What an edit makes of it, every parameter as the form has it; None when it cannot be edited.

        Args:
            moved: do its parameters stand in other slots with the edit? Then they have the values of these.
        """
        environment: Environment = {}
        try:
            graph = edit(self._graph)
            if graph is self._graph and self._own is not None:
                return self._own  # many find nothing to change
            x = self._passed[graph.input.id]
            other = self._moved(edit, graph) if moved else {}
            leaves = [leaf for leaf in _leaves(graph) if leaf[0] not in other]
            new = {key: x.new_ones(shape) for key, shape in leaves if not self._has(key, shape)}
            for node in graph.nodes:
                is_other = node.leaf is not None and node.leaf.key in other
                as_before = self._nodes.get(node.id) is node and all(i in environment for i in node.inputs)
                if as_before and not is_other and node.id in self._passed:
                    environment[node.id] = self._passed[node.id]
            with torch.no_grad():
                evaluate(graph, x, {**self._values, **new, **other}, environment)
        except ReplayError as error:
            return Glance(operation=error.operation, operands=sorted(zip(error.shapes, error.depths, strict=True)))
        except (LookupError, TypeError, ValueError, RuntimeError, AssertionError):
            return None
        return _glance(graph, environment, is_known=not new)

    def _moved(self, edit: Edit, edited: Graph) -> dict[str, Tensor]:
        """The values of parameters that stand in other slots with an edit than the form has them in, by key. Where they
        stand is told by the graph that is recorded, whatever the probe."""
        before, recorded = self._form.slots, self._form.recorded
        slots = slots_in(edited if self._graph is recorded else edit(recorded)).items()
        moved = ((slot, key) for slot, key in slots if before.get(slot) != key)
        return {key: self._form.kept(key, self._form.value(slot, self._probe)) for slot, key in moved}

    @cached_property
    def _own(self) -> Glance | None:
        """What the form itself gives, in short; None when it raises."""
        return _glance(self._graph, self._passed) if self._graph.output in self._passed else None

    def _has(self, key: str, shape: list[int]) -> bool:
        """Has the form a parameter or buffer of this name and size?"""
        return key in self._values and self._values[key].numel() == math.prod(shape)


def _glance(graph: Graph, environment: Environment, *, is_known: bool = True) -> Glance:
    """What a graph gives that ran to its end, in short."""
    output = environment[graph.output]
    known = digest(output) if isinstance(output, Tensor) and is_known else None
    return Glance(known, is_known, meetings=_meetings(graph, environment))


def _leaves(graph: Graph) -> Iterator[tuple[str, list[int]]]:
    """Key and shape of each parameter and buffer."""
    for node in graph.nodes:
        if node.leaf is not None and node.leaf.kind != "input" and node.leaf.value is None:
            yield node.leaf.key, node.shape


def _meetings(graph: Graph, environment: Environment) -> list[list[list[int]]]:
    values = ([environment[i] for i in node.inputs] for node in graph.nodes if node.name in MEETINGS)
    return [sorted(list(value.shape) for value in each if isinstance(value, Tensor)) for each in values]
