"""Ask the student's module what the checks want to know, one case at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError
from torch import Tensor

from grader.assignment import Case
from grader.errors import ProtocolViolated
from grader.graph import Graph, Leaf
from grader.judge.calls import Call
from grader.judge.compare import Difference
from grader.judge.draws import draw_input, draw_value, input_shape
from grader.judge.forms import Form, common_branch
from grader.judge.keeping import AS_USUAL, Keeping
from grader.judge.leaves import (
    Place,
    Signature,
    Slot,
    fill_slots,
    layout,
    places_by_registration,
    places_in_graph,
    signature,
    ties,
    with_unused,
)
from grader.judge.requests import Request, request, request_of
from grader.judge.roles import Roles
from grader.judge.trace import Trace
from grader.judge.trusted import Unlike, Untold
from grader.judge.verified import Verified, trace_of_failure, verify
from grader.language import say
from grader.observation import Answer, Built, Precision, Probe, Raised, Ran, Replies
from grader.wire import unpack

MOST_WEIGHTS = 1 << 25  # numbers that are sent to a network
MOST_OUTPUTS = 1 << 20  # of a network, for which a gradient is sent whatever it was to give
Sizes = frozenset[tuple[int, int]] | None  # numbers of elements, and how many parameters have as many
BUILD = Probe("build", "initial")  # the input with which a module is built and recorded
RECORDED = Probe("random", "random")  # asked as the recorded pass was, but for weights and input


class Worker(Protocol):
    """The student's process, or a stand-in for it."""

    def call(
        self,
        operation: str,
        arguments: dict[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        *,
        seconds: float,
    ) -> Any:
        """Ask for one operation; an answer has `fields` and `tensors`."""


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
        return not self.reads or self._uses_every_parameter

    @property
    def _uses_every_parameter(self) -> bool:
        """Does its graph?"""
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
        probe = next((p for p in self.probes.values() if _is_as_recorded(p)), None)
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


def examine(
    worker: Worker,
    name: str,
    case: Case,
    probes: Iterable[Probe],
    *,
    call: Call | None = None,
    forms: list[Form],
    output_shape: Any,
    seed: int,
    seconds: float,
    roles: Roles | None = None,
    by_registration: bool = True,
    free_head: bool = False,
    positions_first: bool = False,
) -> Observation:
    """Build the student's module for a case and run the probes on it.

    Args:
        roles: what is expected from other cases; then the module need not be recorded.
        call: how it is constructed; None for a stand-in, which is there already.
        forms: the right forms, or none when there is no reference to align with.
        output_shape: function of an input's shape that gives the shape the output should have.
        free_head: may there be dropout in its head, as in a network of the student's own design?
        positions_first: are kernels that are kept as matrices taken to have the positions of a patch in front of the
            channels? Where patches are cut by hand nothing tells.
        by_registration: may the order of registration tell the slots, where the graph's are no right form's?

    Raises:
        SessionEnded: the student's process is over.
    """
    probes = [_as_taken(probe, case, forms) for probe in probes]
    handle = f"{name}/{case.title}"
    # Without a reference nothing is aligned, and one recording is enough.
    record = bool(forms) or not case.confirm
    x = draw_input(seed, case.input, BUILD)
    called = {"name": name, **({"positional": call.positional, "named": call.named} if call is not None else {})}
    if roles is not None and not roles.tell_of(forms):
        roles = None
    arguments = {"handle": handle, **called, "record": record and roles is None, "brief": roles is not None}
    arguments["free_head"] = free_head
    # Real use is in float32: what behaves otherwise there shows in the confirming case.
    precision: Precision = "float32" if case.confirm else "float64"
    built = ask(worker, "build", arguments | {"precision": precision}, {"x": x}, Built, seconds)[0]
    expected = roles.expect(built.tensors, forms) if roles is not None and built.is_as_usual else None
    if roles is not None and expected is None:
        arguments |= {"record": record, "brief": False}
        built = ask(worker, "build", arguments | {"precision": precision}, {"x": x}, Built, seconds)[0]
    if precision == "float64" and insists_on_float32(built):
        # Code that insists on float32 is not wrong: it is judged in float32, with the tolerance of float32.
        again = ask(worker, "build", arguments | {"precision": "float32"}, {"x": x}, Built, seconds)[0]
        if again.raised is None:
            built, precision = again, "float32"
    seen = Observation(case, built, precision, seed)
    if built.not_a_module is not None or (built.raised is not None and not built.tensors):
        return seen  # there is no module to ask
    if expected is not None:
        seen.aligned, seen.slots, seen.keeping = expected.form, expected.slots, expected.keeping
        seen.recorded = seen.expected = True
        seen.reads = roles is not None and roles.reads
    else:
        seen.reads = bool(built.facts.reads)
        _align(seen, forms, by_registration=by_registration)
        if by_registration and _may_be_told_in_training(seen, forms):
            in_training = {"record": True, "brief": False, "train": True, "precision": precision}
            trained = ask(worker, "build", arguments | in_training, {"x": x}, Built, seconds)[0]
            _align_by(seen, trained.graph, forms)
        if positions_first:
            seen.keeping |= kernels_in_matrices(seen)
    if seen.aligned is not None:
        seen.branch = common_branch(seen.aligned, forms)
    if not forms:
        output_shape = _own_shape(seen, output_shape)
    _ask(worker, handle, seen, [p for p in probes if _is_possible(p, seen, forms)], output_shape, seconds)
    refused = [probe for probe in seen.probes.values() if not probe.gradient and seen.wants_gradients(probe)]
    if refused:
        again = [replace(p, name=f"{p.name}, with gradients", gradient=True) for p in refused]
        _ask(worker, handle, seen, again, output_shape, seconds)
        for probe in refused + [p for p in again if seen.wants_gradients(p)]:
            del seen.probes[probe.name], seen.answers[probe.name]
    for probe in [probe for probe in seen.probes.values() if probe.far]:
        if seen.answers[probe.name].raised is not None:  # nor need it take what nobody asked for
            del seen.probes[probe.name], seen.answers[probe.name]
    return seen


def _as_taken(probe: Probe, case: Case, forms: list[Form]) -> Probe:
    """A probe of a size that the reference takes."""
    shape = input_shape(case.input, probe)
    refused = probe.far and forms and not forms[0].reference.takes(case, shape)
    return replace(probe, grow=(0, 0), far=False) if refused else probe


def _own_shape(seen: Observation, output_shape: Any) -> Any:
    """The shape that a network gives, as one number of outputs or another: what has too many has gradients as well."""
    output = seen.built.output
    own = output.shape if output is not None else None
    if not own or len(own) < 2 or own[0] != BUILD.batch or math.prod(own) > MOST_OUTPUTS:
        return output_shape
    return lambda shape: [shape[0], *own[1:]]


def _ask(
    worker: Worker, handle: str, seen: Observation, probes: list[Probe], output_shape: Any, seconds: float
) -> None:
    """Run probes on a module that was built."""
    asked = _request(seen, probes, output_shape)
    arguments = {
        "handle": handle,
        "layout": asked.layout,
        "probes": [
            # Another seed for each: code that is random must not look as if it were not.
            {
                "train": p.train,
                "seed": i,
                "values": p.recipe if p.recipe in asked.recipes else None,
                "of_input": p.of_input,
            }
            for i, p in enumerate(probes)
        ],
        "values": {recipe: [seen.slots[slot] for slot in asked.slots] for recipe in asked.recipes},
        # A module that is as expected after all of these passes has no state that another one could show.
        "repeat": not seen.expected,
    }
    reply, _, given = ask(worker, "run", arguments, {"row": asked.row}, Replies, seconds)
    try:
        found = unpack(reply.layout, given.get("row", asked.row[:0]))
    except ValueError as error:
        text = say("your process sent an answer that cannot be read: {why}", why=error)
        raise ProtocolViolated(text) from error
    if len(reply.answers) != len(probes):
        raise ProtocolViolated(say("your process answered another number of probes than were asked"))
    for i, (probe, answer) in enumerate(zip(probes, reply.answers, strict=True)):
        seen.probes[probe.name] = probe
        seen.answers[probe.name] = _answer(answer, i, found)


def _request(seen: Observation, probes: list[Probe], output_shape: Any) -> Request:
    """All that is sent to a module for these probes."""
    form = seen.aligned
    if form is not None and not seen.keeping and form.seed == seen.seed and form.slots.keys() == seen.slots.keys():
        return request_of(form, seen.branch, probes)
    return request(
        seen.seed,
        seen.case.input,
        probes,
        seen.slots,
        branch=seen.branch,
        kept={slot: partial(seen.kept, key) for slot, key in seen.slots.items() if key in seen.keeping},
        output_shape=output_shape,
    )


def record_again(
    worker: Worker, name: str, seen: Observation, call: Call, probe: Probe, *, free_head: bool, seconds: float
) -> Graph | None:
    """What a module computes for the input and in the mode of a probe, by its own recording.

    Raises:
        SessionEnded: the student's process is over.
    """
    arguments = {
        "handle": f"{name}/{seen.case.title}/again",
        "name": name,
        "positional": call.positional,
        "named": call.named,
        "record": True,
        "precision": seen.precision,
        "train": probe.train,
        "free_head": free_head,
    }
    x = draw_input(seen.seed, seen.case.input, probe)
    graph: Graph | None = ask(worker, "build", arguments, {"x": x}, Built, seconds)[0].graph
    return graph if graph is not None and graph.is_sound else None


def _is_as_recorded(probe: Probe) -> bool:
    """Is it asked like the pass that was recorded, but for weights and input?"""
    same = (probe.train, probe.batch, probe.grow) == (BUILD.train, BUILD.batch, BUILD.grow)
    return same and probe.recipe == "random"


def _align(seen: Observation, forms: list[Form], *, by_registration: bool) -> None:
    """Find the student's slots, and a right form that has the same.

    The graph comes first, since it knows what each parameter does; then the graph with what it does not use. The order
    of registration comes last: code that chooses its way by the data shows only one of its ways in the graph.
    """
    graph = seen.built.graph
    ways: list[tuple[list[Place], bool]] = []
    if graph is not None and graph.is_sound and not _graph_is_odd(graph):
        ways.append((places_in_graph(graph), True))
    leaves = [
        (tensor.key, tensor.shape, Leaf(kind=tensor.kind, key=tensor.key, initial=tensor.initial))
        for tensor in seen.built.tensors
        if tensor.floating
    ]
    registered = places_by_registration(leaves)
    if ways and not seen.built.facts.reads:
        ways.append((with_unused(ways[0][0], registered), True))
    if not ways or (by_registration and not _brings_its_own(graph)):
        ways.append((registered, False))
    for places, recorded in (*ways, ways[0]):  # if neither aligns, what the graph says stays
        if _take(seen, places, forms, recorded=recorded):
            return


def _take(seen: Observation, places: list[Place], forms: list[Form], *, recorded: bool) -> bool:
    """Take the slots that places tell. Has a right form the same?"""
    seen.slots, seen.recorded, seen.layout = fill_slots(places), recorded, layout(places)
    seen.ties = ties(places) if recorded else ()
    seen.keeping = {place.key: place.keeping for place in places if place.keeping is not None}
    like = _with_slots(forms, seen.slots)
    if like:
        # Redundant biases on different layers have one signature; their places tell them apart.
        seen.aligned = next((form for form in like if form.layout == seen.layout), like[0])
    return bool(like)


def _with_slots(forms: list[Form], slots: Iterable[Slot]) -> list[Form]:
    found = signature(slots)
    return [form for form in forms if form.signature == found]


def kernels_in_matrices(seen: Observation) -> dict[str, Keeping]:
    """How the kernels are kept, by key, that are kept as matrices, if the positions of a patch come before channels."""
    form = seen.aligned
    if form is None or not seen.recorded:
        return {}
    sides = {node.leaf.key: math.prod(node.shape[2:]) for node in form.recorded.nodes if node.leaf is not None}
    found = {}
    for slot, key in seen.slots.items():
        positions = sides.get(form.slots.get(slot, ""), 1)
        if slot.role == "weight" and positions > 1 and len(seen.shapes.get(key, ())) == 2:
            found[key] = replace(seen.keeping.get(key, AS_USUAL), positions=positions)
    return found


def _may_be_told_in_training(seen: Observation, forms: list[Form]) -> bool:
    """Did its graph not tell the slots of what has parameters of the right sizes, and computes the same each time?

    Code that folds its batch norms into the convolutions shows them in training mode alone.
    """
    if not seen.has_graph or seen.reads or (seen.aligned is not None and seen.recorded):
        return False
    if _brings_its_own(seen.built.graph):
        return False
    return any(form.sizes == seen.counted_sizes for form in forms)


def _align_by(seen: Observation, graph: Graph | None, forms: list[Form]) -> None:
    """Find the slots by another graph, if they are a right form's."""
    if graph is None or not graph.is_sound or _graph_is_odd(graph) or _brings_its_own(graph):
        return
    places = places_in_graph(graph)
    slots = fill_slots(places)
    if _with_slots(forms, slots) and set(slots.values()) <= seen.shapes.keys():  # else it has no lasting key
        _take(seen, places, forms, recorded=True)


def _brings_its_own(graph: Graph | None) -> bool:
    """Is there a parameter that is not registered? Then the order of registration does not tell all."""
    return graph is not None and any(node.leaf is not None and node.leaf.kind == "unregistered" for node in graph.nodes)


def _graph_is_odd(graph: Graph) -> bool:
    """Does a key stand for two leaves? Then nothing can be said about its place."""
    keys = [node.leaf.key for node in graph.nodes if node.leaf is not None]
    return len(set(keys)) != len(keys)


def _is_possible(probe: Probe, seen: Observation, forms: list[Form]) -> bool:
    if probe.choosing and not seen.reads:
        return False
    match probe.recipe:
        case "initial":  # with other weights the same is asked, and more
            return seen.aligned is None or not seen.recorded
        case "zero":
            if seen.aligned is not None:
                return seen.aligned.shortcut_is_free_of_weights
            plain = {form.variant: form for form in reversed(forms)}.values()
            return bool(forms) and all(form.shortcut_is_free_of_weights for form in plain)
        case "zero-branch":  # without weights on the shortcut, this is "zero" again
            return seen.aligned is not None and seen.recorded and not seen.aligned.shortcut_is_free_of_weights
        case "constant-branch" | "faint-branch" | "fainter-branch":
            # The order of registration does not tell a branch from a projection.
            return seen.aligned is not None and (seen.recorded or seen.aligned.shortcut_is_free_of_weights)
        case "random":  # without a reference, to see whether a recorded graph tells the truth
            return bool(forms) or (seen.recorded and sum(math.prod(slot.shape) for slot in seen.slots) <= MOST_WEIGHTS)


def insists_on_float32(built: Built) -> bool:
    if built.raised is not None:
        words = ("dtype", "Double", "double", "Float", "scalar type")
        return any(word in built.raised.message for word in words)
    return built.output is not None and built.output.dtype == "float32"


def ask(
    worker: Worker,
    operation: str,
    arguments: dict[str, Any],
    tensors: Mapping[str, Tensor],
    model: Any,
    seconds: float,
) -> tuple[Any, dict[str, Any], dict[str, Tensor]]:
    """One operation: its answer as `model` (None when that is not wanted), as plain fields, and its tensors.

    Raises:
        ProtocolViolated: the answer is not what was asked for.
        SessionEnded: the student's process is over.
    """
    answer = worker.call(operation, arguments, tensors, seconds=seconds)
    if answer.fields.get("ok") is not True:
        raise ProtocolViolated(say("the student's process could not answer {operation}", operation=repr(operation)))
    checked = None if model is None else _checked(model, answer.fields)
    return checked, answer.fields, answer.tensors


def _checked(model: type[BaseModel], fields: object) -> Any:
    try:
        return model.model_validate(fields)
    except (ValidationError, RecursionError) as error:
        raise ProtocolViolated(say("an answer is malformed: {error}", error=type(error).__name__)) from error


def _answer(ran: Ran, number: int, tensors: Mapping[str, Tensor]) -> Answer:
    gradients = _apart(tensors.get(f"{number}/gradients"), ran.gradients)
    of_x = tensors.get(f"{number}/x")
    return Answer(
        y=tensors.get(f"{number}/y"),
        gradients=gradients if of_x is None else {"x": of_x, **gradients},
        buffers=_apart(tensors.get(f"{number}/buffers"), ran.buffers),
        output=ran.output,
        raised=ran.raised,
        input_changed=ran.input_changed,
        unsteady=ran.unsteady,
        draws=ran.draws,
        by_mode=ran.by_mode,
        kept=ran.kept,
    )


def _apart(row: Tensor | None, sizes: list[tuple[str, int]]) -> dict[str, Tensor]:
    """The values of each key from a row of them."""
    if row is None:
        return {}
    if row.dim() != 1 or sum(size for _, size in sizes) != row.numel():
        raise ProtocolViolated(say("your process sent gradients of another size than it announced"))
    parts = row.split_with_sizes([size for _, size in sizes])
    return {key: part for (key, _), part in zip(sizes, parts, strict=True)}
