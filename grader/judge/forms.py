"""A form: one way to do an exercise, right or wrong, that can be run on any probe.

Right forms are the accepted ones (`right_forms`); a known mistake applied to a right form is a wrong form (`wrongs`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from grader.assignment import Case
from grader.graph import Graph
from grader.judge.anatomy import branch_keys
from grader.judge.compare import equal
from grader.judge.draws import OF_BRANCH, draw_cotangent, draw_input, draw_value, input_shape
from grader.judge.keeping import Keeping
from grader.judge.latest import Latest
from grader.judge.leaves import places_in_graph
from grader.judge.reference import Reference
from grader.judge.replay import Environment, ReplayError, evaluate, replay
from grader.judge.skeleton import first_equal, identity, parts_in, slots_in
from grader.judge.slots import Role, Signature, Slot, exchanges, is_learnable, layout, relabellings, signature
from grader.judge.trace import Trace
from grader.observation import Probe, Recipe

Edit = Callable[[Graph], Graph]


@dataclass(frozen=True)
class Outcome:
    """What a form gives on a probe: an output with its gradients by slot, or the operation that raised."""

    y: Tensor | None = None
    gradients: dict[Slot | None, Tensor] = field(default_factory=dict)  # None stands for the input
    buffers: dict[Slot, Tensor] = field(default_factory=dict)
    error: ReplayError | None = None
    has_expected_shape: bool = True  # is the output of the shape that the reference gives?


MOST_KEPT = 1 << 15  # numbers, of one outcome of a wrong form
MOST_DRAWN = 16  # forms of which the weights are kept: they are asked about one probe after another

_drawn: Latest[dict[Slot, Tensor]] = Latest(MOST_DRAWN)


class Form:
    """One way to do one case of an exercise.

    Args:
        edits: applied one after another to the reference's graph, or to that of `base`.
        device: where it runs, "cpu" or "cuda".
        slots: the key in each slot, where it is not the graph's own canonical order.
        base: the form that this one changes.
    """

    def __init__(
        self,
        reference: Reference,
        case: Case,
        variant: int = 0,
        edits: tuple[Edit, ...] = (),
        seed: int = 0,
        device: str = "cpu",
        slots: dict[Slot, str] | None = None,
        base: Form | None = None,
    ) -> None:
        self.reference = reference
        self.case = case
        self.variant = variant
        self.edits = edits
        self.seed = seed
        self.device = torch.device(device)
        self._base = base
        self._is_right = base is None
        self._outcomes: dict[str, Outcome] = {}
        self._exchanged: dict[tuple[tuple[Slot, ...], ...], list[Form]] = {}
        self._asked_with: dict[frozenset[Slot], Form] = {}
        self._traces: dict[str, Trace] = {}
        self._outputs: dict[str, Tensor | ReplayError] = {}
        if slots is not None:
            self.slots = slots

    def with_edit(self, edit: Edit) -> Form:
        """This form with one more edit."""
        return self.with_edits((edit,))

    def with_edits(self, edits: tuple[Edit, ...]) -> Form:
        """This form with more edits, which come after its own."""
        return Form(self.reference, self.case, self.variant, edits, self.seed, str(self.device), base=self)

    def rewritten(self, edit: Edit) -> Form:
        """This form with an edit after which it does the same: as right as it is, and asked for as often."""
        form = self.with_edit(edit)
        form._is_right = self._is_right
        return form

    def with_unused(self, slots: dict[Slot, str]) -> Form:
        """This form with further keys, which it does not use, in slots behind its own."""
        found = dict(self.slots)
        number = Counter(signature(found))
        for slot, key in slots.items():
            if key not in self.slots.values():
                found[Slot(slot.role, slot.shape, number[slot.role, slot.shape])] = key
                number[slot.role, slot.shape] += 1
        return self.with_slots(found)

    def with_slots(self, slots: dict[Slot, str]) -> Form:
        """This form with other keys in its slots; keys that its graph does not use are fine."""
        return Form(self.reference, self.case, self.variant, (), self.seed, str(self.device), slots, self)

    def graph(self, *, train: bool, shape: tuple[int, ...]) -> Graph:
        """What the form computes for an input of this shape."""
        if not train and shape == (2, *self.case.input):
            return self._small
        return self._edited(train, shape)

    def _edited(self, train: bool, shape: tuple[int, ...]) -> Graph:
        if self._base is not None:
            graph = self._base.graph(train=train, shape=shape)
        else:
            graph = self.reference.graph(self.case, self.variant, train=train, shape=shape)
        for edit in self.edits:
            graph = edit(graph)
        return graph

    @cached_property
    def _small(self) -> Graph:
        """At the size at which modules are recorded: asked for most."""
        return first_equal(self._edited(False, (2, *self.case.input)))

    @property
    def recorded(self) -> Graph:
        """Its graph at the size at which modules are recorded."""
        return self._small

    @cached_property
    def slots(self) -> dict[Slot, str]:
        """The key of the graph's leaf in each slot."""
        return slots_in(self._small)

    @cached_property
    def layout(self) -> Counter[tuple[object, ...]]:
        """Where its leaves stand."""
        return layout(places_in_graph(self._small))

    @cached_property
    def parts(self) -> list[tuple[str, Role, tuple[int, ...]]]:
        """The key, role and shape of each slot, in no order: what is asked of most forms, and sooner told."""
        if "slots" in self.__dict__:
            return [(key, slot.role, slot.shape) for slot, key in self.slots.items()]
        return parts_in(self._small)

    @cached_property
    def signature(self) -> Signature:
        """How many slots of each role and shape."""
        return Signature((role, shape) for _, role, shape in self.parts)

    @cached_property
    def sizes(self) -> Counter[int]:
        """How many learnable parameters there are of each number of elements."""
        found: Counter[int] = Counter()
        for (role, shape), number in self.signature.items():
            if is_learnable(role):
                found[math.prod(shape)] += number
        return found

    @cached_property
    def branch(self) -> frozenset[Slot]:
        """Slots that only the residual branch uses."""
        keys = branch_keys(self._small)
        return frozenset(slot for slot, key in self.slots.items() if key in keys)

    @cached_property
    def asked_branch(self) -> frozenset[Slot]:
        """The slots that a recipe sets when it sets the branch: a mistake may leave none, so a right form says."""
        return self.branch if self._is_right or self._base is None else self._base.asked_branch

    def asked_with(self, branch: frozenset[Slot]) -> Form:
        """This form, for which a recipe that sets the branch sets these slots; kept."""
        if branch == self.asked_branch:
            return self
        if branch not in self._asked_with:
            form = self._asked_with[branch] = self.with_slots(self.slots)
            form.asked_branch = branch
        return self._asked_with[branch]

    @property
    def shortcut_is_free_of_weights(self) -> bool:
        """Is the shortcut the identity, or at least without parameters?"""
        return self.branch == self.slots.keys()

    @cached_property
    def relabelled(self) -> list[Form]:
        """The form with the keys of like slots exchanged in every way, itself first: ties are tried by number."""
        return [self, *(self.with_slots(slots) for slots in relabellings(self.slots))]

    def exchanged(self, runs: tuple[tuple[Slot, ...], ...]) -> list[Form]:
        """The form with the keys of tied slots exchanged, itself first; kept."""
        if not runs:
            return [self]
        if runs not in self._exchanged:
            self._exchanged[runs] = [self.with_slots(slots) for slots in exchanges(self.slots, runs)]
        return [self, *self._exchanged[runs]]

    def output(self, probe: Probe) -> Tensor | ReplayError:
        """Only the output on a probe, or what raised; kept as `outcome` is. Most forms are told apart by this."""
        if probe.name not in self._outputs:
            x, leaves = self._draw(probe)
            try:
                with torch.no_grad():
                    output = self._replay(probe, x, leaves)[0].cpu()
            except ReplayError as error:
                self._outputs[probe.name] = error
            else:
                if not self._is_right and output.numel() > MOST_KEPT:
                    return output
                self._outputs[probe.name] = output
        return self._outputs[probe.name]

    def computation(self, probe: Probe) -> Hashable:
        """What it computes on a probe, and from what: equal for forms that do the same in the same way."""
        graph = self.graph(train=probe.train, shape=input_shape(self.case.input, probe))
        return identity(graph), frozenset(self.slots.items()), self.asked_branch

    def passed(self, probe: Probe) -> tuple[Graph, Environment]:
        """The graph for a probe, and what its nodes give, as far as it runs."""
        x, leaves = self._draw(probe)
        graph = self.graph(train=probe.train, shape=tuple(x.shape))
        environment: Environment = {}
        with torch.no_grad(), suppress(ReplayError, LookupError):
            evaluate(graph, x, self._given(probe, leaves), environment)
        return graph, environment

    def values(self, probe: Probe) -> dict[str, Tensor]:
        """The value of each of its parameters and buffers on a probe, by key."""
        return self._given(probe, self._draw(probe)[1])

    def _given(self, probe: Probe, leaves: Mapping[Slot, Tensor]) -> dict[str, Tensor]:
        """What its graph reads besides the input, by key: constants of the reference, and these values of its slots."""
        shape = input_shape(self.case.input, probe)
        constants = self.reference.constants(self.case, self.variant, train=probe.train, shape=shape)
        values = {key: value.to(self.device) for key, value in constants.items()} if constants else {}
        return values | {key: self.kept(key, leaves[slot]) for slot, key in self.slots.items()}

    @property
    def keeps_numbers(self) -> bool:
        """Has the reference numbers that it keeps and nobody sets?"""
        return bool(self.reference.constants(self.case, self.variant, train=False, shape=(2, *self.case.input)))

    def kept(self, key: str, value: Tensor) -> Tensor:
        """The value of a slot as the graph keeps it that is in it."""
        if key not in self.keeping:
            return value
        keeping, shape = self.keeping[key]
        return keeping.keep(value, shape)

    @cached_property
    def keeping(self) -> dict[str, tuple[Keeping, list[int]]]:
        """The weights that its graph does not keep as outputs × inputs, by key: how, and in which shape."""
        if self._base is not None and not self._base.keeping:
            return {}
        keeping = {place.key: place.keeping for place in places_in_graph(self._small) if place.keeping is not None}
        leaves = ((node.leaf.key, node.shape) for node in self._small.nodes if keeping and node.leaf is not None)
        return {key: (keeping[key], shape) for key, shape in leaves if key in keeping}

    def value(self, slot: Slot, probe: Probe) -> Tensor:
        """The value that a slot has on a probe with random weights."""
        return draw_value(self.seed, slot, probe.recipe, in_branch=False).to(self.device)

    def gives_the_same(self, other: Form, probe: Probe) -> bool:
        """Has another form the same output on a probe, if it has the same values for the same keys and no others?"""
        x, leaves = self._draw(probe)
        values = self._given(probe, leaves)
        graph = other.graph(train=probe.train, shape=tuple(x.shape))
        try:
            with torch.no_grad():
                y = replay(graph, x * 1, values)[0].cpu()
        except (ReplayError, LookupError, RuntimeError):
            return False  # it has other parameters, or raises
        output = self.output(probe)
        return isinstance(output, Tensor) and output.shape == y.shape and equal(y, output)

    def trace(self, probe: Probe) -> Trace:
        """What it passes through on a probe; kept."""
        if probe.name not in self._traces:
            self._traces[probe.name] = Trace.of(*self.passed(probe))
        return self._traces[probe.name]

    def outcome(self, probe: Probe) -> Outcome:
        """Output, gradients and buffers on a probe; kept, unless it is large and that of a form seldom asked for."""
        if probe.name not in self._outcomes:
            outcome = self._run(probe)
            if not self._is_right and sum(gradient.numel() for gradient in outcome.gradients.values()) > MOST_KEPT:
                return outcome
            self._outcomes[probe.name] = outcome
        return self._outcomes[probe.name]

    def _run(self, probe: Probe) -> Outcome:
        if not probe.gradient:
            y = self.output(probe)
            return Outcome(error=y) if isinstance(y, ReplayError) else Outcome(y)
        x, leaves = self._draw(probe)
        leaves = {slot: leaf.detach().requires_grad_(slot.learnable) for slot, leaf in leaves.items()}
        learnable = {slot: leaf for slot, leaf in leaves.items() if slot.learnable}
        x.requires_grad_(not probe.stands_first)
        try:
            y, written = self._replay(probe, x, leaves)
        except ReplayError as error:
            self._outputs[probe.name] = error
            return Outcome(error=error)
        output = self._outputs[probe.name] = y.detach().cpu()
        fits = list(y.shape) == self.reference.output_shape(self.case, tuple(x.shape))
        of_input: list[tuple[Slot | None, Tensor]] = [] if probe.stands_first else [(None, x)]
        asked = [*of_input, *learnable.items()]
        found: Sequence[Tensor | None] = [None] * len(asked)  # a gradient of nothing is a gradient too: zero
        if y.requires_grad:
            cotangent = draw_cotangent(self.seed, list(y.shape), probe).to(self.device)
            # The gradient of this sum is that of `y` for the cotangent, for which torch would import sympy: seconds.
            found = torch.autograd.grad((y * cotangent).sum(), [leaf for _, leaf in asked], allow_unused=True)
        gradients = {
            slot: (torch.zeros_like(leaf) if gradient is None else gradient).cpu()
            for (slot, leaf), gradient in zip(asked, found, strict=True)
        }
        slot_of = {key: slot for slot, key in self.slots.items()}
        buffers = {slot_of[key]: value.detach().cpu() for key, value in written.items() if key in slot_of}
        return Outcome(output, gradients, buffers, has_expected_shape=fits)

    def _draw(self, probe: Probe) -> tuple[Tensor, dict[Slot, Tensor]]:
        """Input and weights of a probe. The weights are kept for others: nothing writes to them."""
        x = draw_input(self.seed, self.case.input, probe).to(self.device)
        return x, _drawn.get((self, probe.recipe), lambda: self._draw_weights(probe.recipe))

    def _draw_weights(self, recipe: Recipe) -> dict[Slot, Tensor]:
        branch = self.asked_branch if recipe in OF_BRANCH else ()
        return {
            slot: draw_value(self.seed, slot, recipe, in_branch=slot in branch).to(self.device) for slot in self.slots
        }

    def _replay(self, probe: Probe, x: Tensor, leaves: dict[Slot, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        graph = self.graph(train=probe.train, shape=tuple(x.shape))
        try:
            return replay(graph, x * 1, self._given(probe, leaves))
        except LookupError as error:
            if self._is_right:
                raise
            # A mistake that is made in one mode only: in the other one there are parameters that it took away.
            raise ReplayError("leaf", [], [], str(error)) from error


def first_of_each_variant(forms: Iterable[Form]) -> list[Form]:
    """Of right forms the first of each variant: the one with the fewest biases, and so the fewest parts."""
    found: dict[int, Form] = {}
    for form in forms:
        found.setdefault(form.variant, form)
    return list(found.values())
