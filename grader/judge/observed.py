"""Everything that was seen of a module in one case."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from grader.assignment import Case
from grader.judge.compare import Difference
from grader.judge.draws import draw_input, draw_value
from grader.judge.forms import Form
from grader.judge.keeping import Keeping
from grader.judge.leaves import places_in_graph
from grader.judge.slots import Signature, Slot, fill_slots, signature
from grader.judge.trace import Trace
from grader.judge.trusted import Unlike, Untold
from grader.judge.verified import Verified, trace_of_failure, verify
from grader.observation import Answer, Built, Precision, Probe, Raised

Sizes = frozenset[tuple[int, int]] | None  # numbers of elements, and how many parameters have as many
BUILD = Probe("build", "initial")  # the input with which a module is built and recorded
RECORDED = Probe("random", "random")  # asked as the recorded pass was, but for weights and input
ALIKE = Probe("alike", "alike", gradient=False)  # whatever the order of like layers, what comes of it is the same


@dataclass
class Observation:
    """Everything that was seen of a module in one case."""

    case: Case
    built: Built
    precision: Precision = "float64"
    seed: int = 0
    slots: dict[Slot, str] = field(default_factory=dict)  # the student's key in each slot
    ties: tuple[tuple[Slot, ...], ...] = ()  # slots that its graph does not tell apart
    keeping: dict[str, Keeping] = field(default_factory=dict)  # of weights not kept as outputs × inputs, by key
    layout: Counter[tuple[object, ...]] = field(default_factory=Counter)
    expected: bool = False  # are the slots those that other cases taught?
    reads: bool = False  # does it read numbers that depend on the input, where they may decide what is computed?
    recorded: bool = False  # are the slots from a graph, or only from the order of registration?
    aligned: Form | None = None  # a right form with the same slots
    branch: frozenset[Slot] = frozenset()  # of these what a recipe sets that sets the residual branch
    probes: dict[str, Probe] = field(default_factory=dict)  # what was asked, by name
    answers: dict[str, Answer] = field(default_factory=dict)
    differences: dict[tuple[Form, str], Difference | None] = field(default_factory=dict)  # from a form, by probe
    by_graph: Observation | None = None  # the same with the slots that its graph tells, where these are not
    untold: str = ""  # why its graph is not believed
    unlike: bool = False  # because it gives something else than the module does

    @property
    def registered_unlike_graph(self) -> bool:
        """Are its slots from the order of registration, though there is a graph that tells others?

        Code that chooses its way by the data shows one of its ways in the graph: what that does not use stays unknown.
        """
        if self.aligned is None or self.recorded or not self.has_graph:
            return False
        return not self.reads or self.uses_every_parameter

    @property
    def uses_every_parameter(self) -> bool:
        """Does its graph, which it must have?"""
        assert self.built.graph is not None
        used = {place.key for place in places_in_graph(self.built.graph)}
        return all(parameter.key in used for parameter in self.built.parameters)

    @property
    def sizes(self) -> Sizes:
        """How many numbers each parameter has: that is certain even of a module that raised, of which slots say little.
        None where it raised before its Lazy layers had any."""
        if not self.built.tensors:
            return None
        return frozenset(self.counted_sizes.items())

    @cached_property
    def counted_sizes(self) -> Counter[int]:
        """How many parameters there are of each number of elements, as `Form.sizes` counts them."""
        return Counter(math.prod(parameter.shape) for parameter in self.built.parameters)

    @property
    def parameter_count(self) -> int:
        """How many numbers its parameters have in all."""
        return sum(self.counted_sizes.elements())

    @cached_property
    def signature(self) -> Signature:
        """How many slots of each role and shape there are, once these are known."""
        return signature(self.slots)

    @property
    def unsteady(self) -> list[Answer]:
        """Answers to passes that gave something else when they were repeated.

        That it is something else only without gradients does not count where nothing can be compared: hand-written
        batch norms take it for the mode.
        """
        answers = (answer for answer in self.answers.values() if answer.unsteady)
        return [answer for answer in answers if self.aligned is not None or not answer.by_mode]

    @property
    def raised(self) -> Raised | None:
        """The first exception, wherever it came from."""
        if self.built.raised is not None:
            return self.built.raised
        return next((answer.raised for answer in self.answers.values() if answer.raised is not None), None)

    @property
    def has_kept(self) -> bool:
        """Does it raise only because it was called before?"""
        return self.built.raised is None and any(answer.kept for answer in self.answers.values())

    def wants_gradients(self, probe: Probe) -> bool:
        """Did it refuse a pass, for all that is known because no gradient was recorded? Code with tensor hooks does."""
        raised = self.answers[probe.name].raised
        return raised is not None and raised.stage == "forward" and "require" in raised.message

    def gradient(self, probe: Probe, slot: Slot | None) -> Tensor | None:
        """The reported gradient of the leaf in a slot, or of the input."""
        key = "x" if slot is None else self.slots.get(slot, "")
        gradient = self.answers[probe.name].gradients.get(key)
        kept = self.keeping.get(key)
        return gradient if gradient is None or kept is None else kept.read(gradient, self.shapes[key])

    @cached_property
    def verified(self) -> Verified | None:
        """Its graph, if that gives what the module gave under random weights; else None, and `untold` says why."""
        probe = next((p for p in self.probes.values() if is_as_recorded(p)), None)
        y = self.answers[probe.name].y if probe is not None else None
        if probe is None or y is None or not self.has_graph:
            return None
        assert self.built.graph is not None
        try:
            return verify(
                self.built.graph, draw_input(self.seed, self.case.input, probe), self.drawn, y, self.precision
            )
        except Untold as reason:
            self.untold, self.unlike = str(reason), isinstance(reason, Unlike)
            return None

    @cached_property
    def trace(self) -> Trace | None:
        """What it passes through under random weights, up to where it raises if it does; None when that is not known
        or its graph cannot be believed."""
        if self.verified is not None:
            return self.verified.trace
        partial = self.built.partial
        if self.built.raised is None or partial is None or not partial.is_sound:
            return None
        values = self._draw(fill_slots(places_in_graph(partial)))
        return trace_of_failure(partial, draw_input(self.seed, self.case.input, RECORDED), values)

    @property
    def has_graph(self) -> bool:
        return self.built.graph is not None and self.built.graph.is_sound

    @property
    def drawn(self) -> dict[str, Tensor]:
        """The random values of its parameters and buffers by key, flattened as its tensors keep them."""
        return self._draw(self.slots)

    def _draw(self, slots: dict[Slot, str]) -> dict[str, Tensor]:
        drawn = {slot: draw_value(self.seed, slot, "random", in_branch=False) for slot in slots}
        return {key: self.kept(key, drawn[slot]).reshape(-1) for slot, key in slots.items()}

    @cached_property
    def shapes(self) -> dict[str, list[int]]:
        """The shape of each of its tensors, by key."""
        return {tensor.key: tensor.shape for tensor in self.built.tensors}

    def kept(self, key: str, value: Tensor) -> Tensor:
        """A value as the student's tensor keeps it."""
        kept = self.keeping.get(key)
        return value if kept is None else kept.keep(value, self.shapes[key])


def is_as_recorded(probe: Probe) -> bool:
    """Is it asked like the pass that was recorded, but for weights and input?"""
    same = (probe.train, probe.batch, probe.grow) == (BUILD.train, BUILD.batch, BUILD.grow)
    return same and probe.recipe == "random"
