"""Where a module first differs from the accepted forms, in words and numbers."""

from __future__ import annotations

import math

import torch
from pydantic import JsonValue

from grader.checks import _gradient_lessons as lessons
from grader.checks._check import Finding, in_case, place, place_of_exception
from grader.judge.behaviour import first_difference
from grader.judge.compare import Difference
from grader.judge.draws import input_shape
from grader.judge.examined import Examined
from grader.judge.forms import Form, Outcome
from grader.judge.observed import Observation
from grader.judge.places import closest, first_departure
from grader.language import later, say
from grader.observation import Probe
from grader.verdict import Status


def _asked(seen: Observation) -> list[Probe]:
    return [probe for probe in seen.probes.values() if probe.compares]


def is_equal(seen: Observation, form: Form) -> bool:
    return all(first_difference(seen, form, probe) is None for probe in _asked(seen))


def departure(examined: Examined, seen: Observation, variant: int) -> Finding:
    """Where the module first differs from an accepted form, of this variant if it has one with the same slots."""
    where = in_case(examined, seen)
    if any(is_equal(seen, form) for form in examined.possible_forms(seen)):
        return Finding(
            Status.FAILED,
            say("{case}: the block follows another of the accepted ways here than in other cases.", case=where),
            lesson=lessons.TWO_WAYS,
            expected=say("one way in all cases"),
            advice=say("The task leaves a choice, but one that is made once: the same kind of block in every case."),
            **place(seen, "join"),
        )
    accepted = list(examined.right_forms(seen))
    form = closest(seen, [form for form in accepted if form.variant == variant] or accepted[:1])
    differences = ((probe, first_difference(seen, form, probe)) for probe in _asked(seen))
    probe, found = next((probe, found) for probe, found in differences if found is not None)
    raised = seen.answers[probe.name].raised
    if raised is not None:
        text = (
            say("{case}: the backward pass raises {error}", case=where, error=raised.words)
            if raised.stage == "backward"
            else say("{case}: the forward pass raises {error}", case=where, error=raised.words)
        )
        return Finding(
            Status.STUDENT_CRASHED,
            text,
            lesson=lessons.RAISES_ON_FRESH_INPUT,
            **place_of_exception(raised),
        )
    expected, actual = _samples(seen, form.outcome(probe), probe, found)
    found_at = first_departure(seen, form)
    finding = Finding(
        Status.FAILED,
        f"{_differs(where, seen, probe, found)} {input_of(seen, probe)}".rstrip(),
        lesson=lessons.GRADIENT_DIFFERS if found.what == "gradient" else lessons.DIFFERS,
        expected=expected,
        actual=actual,
        advice=say("The layers are there, but not combined as the task asks: compare forward step by step."),
        **place(seen, "output"),
    )
    if found_at is not None:
        node, what = found_at
        first = say("The first value that the reference does not compute comes out of {what}.", what=what)
        finding.message = f"{finding.message} {first}"
        finding.cell, finding.line = node.cell, node.line
    return finding


def input_of(seen: Observation, probe: Probe) -> str:
    """What it was given, where that is no batch of two of the declared size: with that a student sees no difference."""
    if (probe.batch, probe.grow) == (2, (0, 0)) and probe.scale:
        return ""
    shape = seen.case.said_input(input_shape(seen.case.input, probe))
    if not probe.scale:
        return say("The input was {shape}, each number of it {value}.", shape=shape, value=f"{probe.shift:g}")
    return say("The input was {shape}.", shape=shape)


WHAT = {"outcome": later("what comes back"), "shape": later("the shape of the output"), "output": later("the output")}


def _differs(where: str, seen: Observation, probe: Probe, found: Difference) -> str:
    if found.what != "gradient":
        what = say(WHAT[found.what])
    elif found.slot is None:
        what = say("the gradient of the input")
    elif (key := seen.slots.get(found.slot, ""))[:2] in ("p:", "b:"):
        what = say("the gradient of {parameter}", parameter=key[2:])
    else:
        what = say("the gradient of an unregistered {role}", role=found.slot.role)
    values = {"case": where, "what": what, "size": f"{found.size:.3g}"}
    if not math.isfinite(found.size):  # something else than numbers of this shape, or numbers that are none
        if probe.train:
            return say("{case}: under equal weights, {what} is not the reference's in training mode.", **values)
        return say("{case}: under equal weights, {what} is not the reference's in evaluation mode.", **values)
    if probe.train:
        return say(
            "{case}: under equal weights, {what} differs from the reference's in training mode, by {size} of the "
            "largest value.",
            **values,
        )
    return say(
        "{case}: under equal weights, {what} differs from the reference's in evaluation mode, by {size} of the "
        "largest value.",
        **values,
    )


FEW = 4  # values that are shown


def _samples(seen: Observation, outcome: Outcome, probe: Probe, found: Difference) -> tuple[JsonValue, JsonValue]:
    """A few values of both outputs, or of both gradients of the input, to look at: the first, or where these are alike
    those from where they differ most."""
    answer = seen.answers[probe.name]
    of_output = found.what == "output"
    expected, actual = (outcome.y, answer.y) if of_output else (outcome.gradients.get(None), answer.gradients.get("x"))
    is_told = of_output or (found.what == "gradient" and found.slot is None)
    if not is_told or expected is None or actual is None:
        return None, None
    mine, theirs = actual.reshape(-1).double(), expected.reshape(-1).double()
    if _few(mine) == _few(theirs) and mine.numel() == theirs.numel() > FEW:
        start = min(int((mine - theirs).abs().nan_to_num().argmax()), mine.numel() - FEW)
        mine, theirs = mine[start:], theirs[start:]
    return _few(theirs), _few(mine)


def _few(values: torch.Tensor) -> list[JsonValue]:
    return [float(f"{value:.6g}") if value == value and abs(value) < 1e300 else 0.0 for value in values[:FEW].tolist()]
