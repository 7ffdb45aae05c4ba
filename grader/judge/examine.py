"""Ask the student's module what the checks want to know, one case at a time."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError
from torch import Tensor

from grader.assignment import Case
from grader.errors import ProtocolViolated
from grader.graph import Graph
from grader.judge.alignment import (
    align,
    align_by,
    kept_as_right,
    kernels_in_matrices,
    may_be_told_by_two_ways,
    may_be_told_in_training,
    statistics_as_buffers,
)
from grader.judge.calls import Call
from grader.judge.draws import draw_input, input_shape
from grader.judge.forms import Form, first_of_each_variant
from grader.judge.observed import ALIKE, BUILD, Observation
from grader.judge.requests import Request, request, request_of
from grader.judge.right_forms import common_branch
from grader.judge.roles import Roles
from grader.language import say
from grader.observation import Answer, Built, Precision, Probe, Ran, Replies
from grader.wire import unpack

# Of several largest numbers which one gets the gradient is a matter of style.
EXTREMES = frozenset(
    "max min amax amin maximum minimum max_pool1d max_pool2d_with_indices max_pool3d_with_indices".split()
)
# What takes e to the power of its numbers. Of huge ones that leaves zeros and a one, infinity, or what stands in for
# minus infinity in a mask (-1e9, as most write it), all of which are a matter of style.
EXPONENTIALS = frozenset(
    "exp logsumexp _softmax _safe_softmax _log_softmax _scaled_dot_product_flash_attention_for_cpu".split()
)
MOST_EXPONENT = 8.0  # how wide inputs are spread there
COMPARISONS = frozenset("eq ne lt le gt ge isfinite isnan isinf logical_not bitwise_not argmax argmin".split())
REFUSALS = ("AssertionError", "ValueError")  # what code raises that checks its input
MOST_SAMPLES = 17  # of a size that was not chosen to be small
MOST_WEIGHTS: dict[Precision, int] = {"float64": 1 << 25, "float32": 1 << 26}  # numbers that are sent to a network
MOST_OUTPUTS = 1 << 20  # of a network, for which a gradient is sent whatever it was to give


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
    dropout: str = "",
    positions_first: bool = False,
    as_right: bool = False,
    record_always: bool = False,
    twice: bool = False,
    in_float32: bool = False,
) -> Observation:
    """Build the student's module for a case and run the probes on it.

    Args:
        roles: what is expected from other cases; then the module need not be recorded.
        call: how it is constructed; None for a stand-in, which is there already.
        forms: the right forms, or none when there is no reference to align with.
        output_shape: function of an input's shape that gives the shape the output should have.
        dropout: where is it free, as in a network of the student's own design: see `grader.worker.dropout`.
        positions_first: are kernels that are kept as matrices taken to have the positions of a patch in front of the
            channels? Where patches are cut by hand nothing tells.
        as_right: are weights of the same shape as a right form's taken to be kept as these are?
        record_always: is it recorded in a case that confirms too, though there are no forms?
        twice: is a second one constructed, to see what two of them share?
        in_float32: is it asked in float32, as a case that confirms always is?
        by_registration: may the order of registration tell the slots, where the graph's are no right form's?

    Raises:
        SessionEnded: the student's process is over.
    """
    probes = [as_taken(probe, case, forms) for probe in (ALIKE, *probes)]
    handle = f"{name}/{case.title}"
    # Without a reference nothing is aligned, and one recording is enough.
    record = bool(forms) or not case.confirm or record_always
    x = draw_input(seed, case.input, BUILD)
    called = {
        "name": name,
        "takes": case.takes,
        **({"positional": call.positional, "named": call.named} if call is not None else {}),
    }
    if case.confirm == "sizes":
        asked = {"handle": handle, **called, "sizes": True, "record": False, "brief": True, "precision": "float32"}
        return Observation(case, ask(worker, "build", asked, {"x": x}, Built, seconds)[0], "float32", seed)
    if roles is not None and not roles.tell_of(forms):
        roles = None
    arguments = {"handle": handle, **called, "record": record and roles is None, "brief": roles is not None}
    arguments |= {"dropout": dropout, "twice": twice and bool(forms)}
    # Real use is in float32: what behaves otherwise there shows in the confirming case.
    precision: Precision = "float32" if case.confirm or in_float32 else "float64"
    built = _build(worker, arguments, x, seconds, precision=precision)
    expected = roles.expect(built.tensors, forms) if roles is not None and built.is_as_usual else None
    if roles is not None and expected is None:
        arguments |= {"record": record, "brief": False}
        built = _build(worker, arguments, x, seconds, precision=precision)
    if precision == "float64" and insists_on_float32(built):
        # Code that insists on float32 is not wrong: it is judged in float32, with the tolerance of float32.
        rounded = _build(worker, arguments, x, seconds, precision="float32")
        if rounded.raised is None:
            built, precision = rounded, "float32"
    seen = Observation(case, built, precision, seed)
    if built.not_a_module is not None or (built.raised is not None and not built.tensors):
        return seen  # there is no module to ask
    if expected is not None:
        seen.aligned, seen.slots, seen.keeping = expected.form, expected.slots, expected.keeping
        seen.recorded = seen.expected = True
        seen.reads = roles is not None and roles.reads
    else:
        seen.reads = bool(built.facts.reads)
        align(seen, forms, by_registration=by_registration)
        recorded = {"record": True, "brief": False, "precision": precision}
        if by_registration and may_be_told_in_training(seen, forms):
            trained = _build(worker, arguments, x, seconds, train=True, **recorded)
            align_by(seen, trained.graph, forms)
        if by_registration and may_be_told_by_two_ways(seen):
            for other in _other_inputs(x):
                otherwise = _build(worker, arguments, other, seconds, **recorded)
                align_by(seen, otherwise.graph, forms, beside=True)
                if not may_be_told_by_two_ways(seen):
                    break
        if positions_first:
            seen.keeping |= kernels_in_matrices(seen)
        if as_right:
            seen.keeping |= kept_as_right(seen)
    statistics_as_buffers(seen)
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
    for probe in [probe for probe in seen.probes.values() if _nobody_asked_for(probe, seen, output_shape)]:
        if seen.answers[probe.name].raised is not None:  # nor need it take it
            del seen.probes[probe.name], seen.answers[probe.name]
    return seen


def _build(worker: Worker, arguments: Mapping[str, Any], x: Tensor, seconds: float, **changes: Any) -> Built:
    """Have a module built once more, with these of the arguments changed."""
    built: Built = ask(worker, "build", {**arguments, **changes}, {"x": x}, Built, seconds)[0]
    return built


def _other_inputs(x: Tensor) -> Iterator[Tensor]:
    """Inputs that may lead code another way that chooses it by the data."""
    yield from (-x, 100 * x, 0 * x, x.abs(), -x.abs(), x.flip(0), x.flip(-1))


def _nobody_asked_for(probe: Probe, seen: Observation, output_shape: Any) -> bool:
    """Is its size far from the declared one; or one that a module which strides refuses by itself, as not being a
    multiple of what is?"""
    if probe.far or probe.grow == (0, 0):
        return probe.far
    raised = seen.answers[probe.name].raised
    refuses = raised is not None and raised.type in REFUSALS and raised.operation is None and raised.cell is not None
    return refuses and not _divides(seen.case.input, input_shape(seen.case.input, probe), output_shape)


def _divides(declared: list[int], shape: tuple[int, ...], output_shape: Any) -> bool:
    """Are height and width of an input multiples of what a module strides by, which the declared size is?"""
    given = output_shape((shape[0], *declared))
    strides = [side // max(1, out) for side, out in zip(declared[1:], given[2:], strict=False)]
    return all(side % max(1, stride) == 0 for side, stride in zip(shape[2:], strides, strict=False))


def as_taken(probe: Probe, case: Case, forms: list[Form]) -> Probe:
    """A probe that can be put to the reference: of a size that it takes, since one that ends in a linear layer takes
    its own alone; with a gradient that is told, which is not so where equal numbers are compared; and with numbers
    whose exponential is one."""
    if (
        forms
        and (probe.gradient and probe.scale == 0.0)
        and any(node.name in EXTREMES for node in forms[0].recorded.nodes)
    ):
        probe = replace(probe, gradient=False)
    if probe.scale > MOST_EXPONENT and forms and any(node.name in EXPONENTIALS for node in forms[0].recorded.nodes):
        probe = replace(probe, scale=MOST_EXPONENT)
    if probe.grow == (0, 0):
        return probe
    shape = input_shape(case.input, probe)
    taken = forms[0].reference.takes(case, shape) if forms else case.told_output(shape) is not None
    # On maps that are larger than was meant, a large batch takes longer.
    return probe if taken else replace(probe, grow=(0, 0), far=False, batch=min(probe.batch, MOST_SAMPLES))


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
    # Others for each pass and case: code that is random must not look as if it were not.
    first_seed = zlib.crc32(handle.encode()) >> 8
    arguments = {
        "handle": handle,
        "layout": asked.layout,
        "probes": [
            {
                "train": p.train,
                "seed": first_seed + i,
                "values": p.recipe if p.recipe in asked.recipes else None,
                "of_input": p.of_input,
                "stands_first": p.stands_first,
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
        return request_of(form, seen.branch, probes, seen.precision)
    return request(
        seen.seed,
        seen.case.input,
        probes,
        seen.slots,
        branch=seen.branch,
        kept={slot: partial(seen.kept, key) for slot, key in seen.slots.items() if key in seen.keeping},
        output_shape=output_shape,
        precision=seen.precision,
    )


def record_again(
    worker: Worker, name: str, seen: Observation, call: Call, probe: Probe, *, dropout: str, seconds: float
) -> Graph | None:
    """What a module computes for the input and in the mode of a probe, by its own recording.

    Raises:
        SessionEnded: the student's process is over.
    """
    arguments = {
        "handle": f"{name}/{seen.case.title}/again",
        "name": name,
        "takes": seen.case.takes,
        "positional": call.positional,
        "named": call.named,
        "record": True,
        "precision": seen.precision,
        "train": probe.train,
        "dropout": dropout,
    }
    x = draw_input(seen.seed, seen.case.input, probe)
    graph: Graph | None = ask(worker, "build", arguments, {"x": x}, Built, seconds)[0].graph
    return graph if graph is not None and graph.is_sound else None


def _is_possible(probe: Probe, seen: Observation, forms: list[Form]) -> bool:
    if probe.choosing and not seen.reads:
        return False
    match probe.recipe:
        case "initial":  # with other weights the same is asked, and more
            return seen.aligned is None or not seen.recorded
        case "zero":
            if seen.aligned is not None:
                return seen.aligned.shortcut_is_free_of_weights
            plain = first_of_each_variant(forms)
            return bool(plain) and all(form.shortcut_is_free_of_weights for form in plain)
        case "zero-branch":  # without weights on the shortcut, this is "zero" again
            return seen.aligned is not None and seen.recorded and not seen.aligned.shortcut_is_free_of_weights
        case "constant-branch" | "faint-branch" | "fainter-branch":
            # The order of registration does not tell a branch from a projection.
            return seen.aligned is not None and (seen.recorded or seen.aligned.shortcut_is_free_of_weights)
        case "new-norms":  # what looks at nothing but its input, or at nothing at all, does not know of it
            return seen.aligned is not None and bool(seen.built.facts.own_reads)
        case "alike":  # otherwise it is known which of like slots is which
            return seen.aligned is not None and not seen.recorded and any(slot.index for slot in seen.slots)
        case "random":  # without a reference, to see whether a recorded graph tells the truth
            return bool(forms) or (
                seen.recorded and sum(math.prod(slot.shape) for slot in seen.slots) <= MOST_WEIGHTS[seen.precision]
            )


def insists_on_float32(built: Built) -> bool:
    """Does it give or take nothing else, or compute in it on the way, as norms that call `x.float()` do?"""
    if built.raised is not None:
        words = ("dtype", "Double", "double", "Float", "scalar type")
        return any(word in built.raised.message for word in words)
    if built.output is not None and built.output.dtype == "float32":
        return True
    return built.graph is not None and built.graph.is_sound and _rounds_on_the_way(built.graph)


def _rounds_on_the_way(graph: Graph) -> bool:
    """Is a value that depends on the input made float32? The outcome of a comparison loses nothing by it."""
    of_input: set[int] = set()
    for node in graph.nodes:
        is_input = node.leaf is not None and node.leaf.kind == "input"
        if is_input or (node.name not in COMPARISONS and not of_input.isdisjoint(node.inputs)):
            of_input.add(node.id)
            if node.name == "_to_copy" and node.kwargs.get("dtype") == {"dtype": "float32"}:
                return True
    return False


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
        raise ProtocolViolated(say("your code left its process unable to pass on what came of it"))
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
