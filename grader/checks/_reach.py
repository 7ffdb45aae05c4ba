"""Does the gradient of a module as constructed reach its input and every parameter?"""

from __future__ import annotations

import torch

from grader.assignment import NetworkExercise
from grader.checks import _gradient_lessons as lessons
from grader.checks._check import Finding, in_case, place
from grader.checks._compared import INITIAL, TRAINING
from grader.checks._lessons import NOT_RUNNING
from grader.judge.draws import input_shape
from grader.judge.examined import Examined
from grader.judge.observed import Observation
from grader.language import say
from grader.observation import Answer
from grader.verdict import Status

# Mistakes of a block that make it give something else each time, and the network with it.
UNSTEADY = frozenset(["dropout-added", "random-behaviour", "state-kept", "layer-created-in-forward"])


def reach_of(examined: Examined) -> Finding | None:
    """What is wrong with the gradients of the module as constructed, or None."""
    for seen in examined.ran:
        if seen.unsteady and UNSTEADY.isdisjoint(examined.paid):
            return Finding(
                Status.FAILED,
                say(
                    "{case}: the same input gives different outputs, with the same weights.",
                    case=in_case(examined, seen),
                ),
                lesson=lessons.UNSTEADY,
                expected=say("one output for one input"),
                advice=say("Look for random numbers, dropout, counters, and results kept from one call to the next."),
                **place(seen, "output"),
            )
        if any(answer.input_changed for answer in seen.answers.values()):
            return Finding(
                Status.FAILED,
                say("{case}: forward changes its input in place.", case=in_case(examined, seen)),
                lesson=lessons.INPUT_CHANGED,
                expected=say("an input that is the same afterwards"),
                advice=say("The layer before needs that value for its gradient: make a new tensor instead."),
            )
    for seen in examined.ran:
        answer = seen.answers.get(INITIAL.name) or seen.answers.get(TRAINING.name)
        if answer is not None and not seen.case.confirm:
            finding = _reach(examined, seen, answer)
            if finding is not None:
                return finding
    return None


def _reach(examined: Examined, seen: Observation, answer: Answer) -> Finding | None:
    """The same of one case, as one of its answers tells."""
    where = in_case(examined, seen)
    if answer.raised is not None:
        if answer.raised.stage != "backward" or "inplace-breaks-backward" in examined.paid:
            return None  # the shape check says so, or the block's own exercise
        return Finding(
            Status.FAILED,
            say(
                "{case}: forward runs, but the backward pass raises {error}",
                case=where,
                error=answer.raised.words,
            ),
            lesson=lessons.BACKWARD_RAISES,
            advice=(
                say("An in-place operation (`+=`, `relu_`, `inplace=True`) changed a value that the gradient needs.")
                if "inplace operation" in answer.raised.message
                else say("Run one backward pass in your notebook and follow the traceback.")
            ),
            **place(seen, "output"),
        )
    if answer.y is None:
        return None
    if not torch.isfinite(answer.y).all():
        return Finding(
            Status.FAILED,
            say("{case}: the output holds NaN or infinity.", case=where),
            lesson=lessons.OUTPUT_NOT_FINITE,
            **place(seen, "output"),
        )
    if not answer.gradients and _has_wrong_shape(examined, seen, answer):
        # Nothing could be sent back through it: that says nothing about its gradient.
        return Finding(
            Status.FAILED,
            say("{case}: not measured, because the output has the wrong shape: see the shape check.", case=where),
            follows="shape",
            lesson=NOT_RUNNING,
        )
    if not answer.gradients and not _is_so_in_reference(examined, seen):
        return Finding(
            Status.FAILED,
            say("{case}: no gradient leaves the output.", case=where),
            lesson=lessons.NO_GRADIENT,
            expected=say("a gradient for the input and every parameter"),
            advice=say("Something cuts the result from autograd: detach(), .data, torch.no_grad() or a new tensor."),
            **place(seen, "output"),
        )
    for key, gradient in answer.gradients.items():
        if not torch.isfinite(gradient).all():
            return Finding(
                Status.FAILED,
                say("{case}: the gradient of the input holds NaN or infinity.", case=where)
                if key == "x"
                else say(
                    "{case}: the gradient of {parameter} holds NaN or infinity.", case=where, parameter=_name(key)
                ),
                lesson=lessons.GRADIENT_NOT_FINITE,
            )
    # A gradient of zeros is one that arrives: layers may start at zero. With other weights its values are compared.
    is_cut = "x" not in answer.gradients and seen.case.is_differentiable and not examined.has_cost("x")
    if is_cut and not _is_so_in_reference(examined, seen):
        return Finding(
            Status.FAILED,
            say("{case}: no gradient reaches the input.", case=where),
            lesson=lessons.NOT_TO_INPUT,
            expected=say("a gradient for the input"),
            actual=say("none"),
            advice=say("Layers in front of this one could never learn. Look for detach(), .data or torch.no_grad()."),
            **place(seen, "output"),
        )
    is_paid = "parameters-frozen" in examined.paid
    frozen = [] if is_paid else [p.key for p in seen.built.parameters if not p.learnable]
    # Of complex parameters no gradient is asked.
    without = [p.key for p in seen.built.parameters if p.learnable and p.floating and p.key not in answer.gradients]
    unreached = [key for key in without if not examined.has_cost(key)]
    if unreached and _is_so_in_reference(examined, seen):
        unreached = [key for key in unreached if key not in seen.slots.values()]  # what it uses is as it is there
    if frozen or unreached:
        names = ", ".join(_name(key) for key in (frozen or unreached)[:6])
        return Finding(
            Status.FAILED,
            say("{case}: no gradient reaches {parameters}.", case=where, parameters=names),
            lesson=lessons.FROZEN if frozen else lessons.UNUSED,
            expected=say("a gradient for every parameter"),
            actual=say("requires_grad is False") if frozen else say("not used for the output"),
            advice=(
                say("Do not set requires_grad to False.")
                if frozen
                else say("A layer that forward does not use is never trained: use it, or remove it.")
            ),
        )
    return None


def _is_so_in_reference(examined: Examined, seen: Observation) -> bool:
    """Does it do as a right form does, gradients included? What none reaches, none reaches there. Of what the module
    has beside that form's parameters this says nothing."""
    return examined.right_form(seen) is not None


def _has_wrong_shape(examined: Examined, seen: Observation, answer: Answer) -> bool:
    """Is the output of another shape than what was sent back through it, so that no gradient could leave it? A network
    is sent what its own outputs take, one row of them for each sample."""
    probe = next(probe for name, probe in seen.probes.items() if seen.answers[name] is answer)
    size = input_shape(seen.case.input, probe)
    assert answer.y is not None
    if isinstance(examined.exercise, NetworkExercise):
        own = seen.built.output.shape if seen.built.output is not None else None
        return own is not None and list(answer.y.shape) != [size[0], *own[1:]]
    return examined.knows_shape(seen.case, size) and list(answer.y.shape) != examined.output_shape(seen.case, size)


def _name(key: str) -> str:
    return key.removeprefix("p:")
