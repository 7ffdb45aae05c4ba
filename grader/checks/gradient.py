"""Do outputs and gradients agree with the reference, under equal weights, and does the gradient reach everything?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from pydantic import JsonValue

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks import _gradient_lessons as lessons
from grader.checks._check import (
    Check,
    Finding,
    in_case,
    left_to_the_marking,
    not_everywhere,
    place,
    place_of_exception,
    wrong_blocks,
)
from grader.checks._lessons import NOT_RUNNING
from grader.judge.behaviour import first_difference
from grader.judge.compare import Difference, equal
from grader.judge.draws import input_shape
from grader.judge.examined import Examined
from grader.judge.forms import Form, Outcome
from grader.judge.observed import RECORDED, Observation
from grader.judge.places import closest, first_departure
from grader.language import later, say
from grader.observation import Answer, Probe
from grader.verdict import Status

INITIAL = Probe("initial train", "initial", train=True)
# Several scales, signs, sizes and numbers of samples, in both modes, with gradients and without: a block that is right
# at one scale and wrong at another must not pass.
TRAINING = Probe("random train", "random", train=True, batch=4, scale=1.5, grow=(2, -1))
# With a gradient beyond what anybody's clipping lets through.
LARGE = Probe("random large", "random", batch=3, scale=4.0, shift=0.5, grow=(-1, 2), pull=1e3)
ONE_SMALL = Probe("random one small sample", "random", batch=1, scale=0.05, shift=-0.02, grow=(1, 3))
COMPARED = (RECORDED, LARGE, TRAINING, ONE_SMALL)
ONE_IN_TRAINING = Probe("one sample in training", "random", train=True, batch=1, gradient=False)
# What inputs look like elsewhere: behind a ReLU, blown up, vanished, in large batches and images. Forward only.
POSITIVE = Probe("positive", "random", batch=17, scale=0.5, shift=4.0, gradient=False)
NEGATIVE = Probe("negative", "random", batch=1, scale=0.5, shift=-4.0, grow=(10, 9), gradient=False)
CONSTANT = Probe("constant", "random", scale=0.0, shift=1.0, gradient=False)
RANGES = (
    POSITIVE,
    NEGATIVE,
    Probe("huge", "random", scale=3e4, gradient=False),
    Probe("tiny", "random", batch=3, scale=1e-4, grow=(-4, -4), gradient=False),
    CONSTANT,
    Probe("nothing", "random", batch=8, scale=0.0, gradient=False),
    ONE_IN_TRAINING,
)
# A branch that an `if` may take for no signal, where there is an `if`.
FAINT = (
    Probe("faint branch", "faint-branch", gradient=False, choosing=True),
    Probe("fainter branch", "fainter-branch", gradient=False, choosing=True),
)
# The same in a declared case: a batch as in training, an image of 32×32 and more, a map of one pixel, as behind the
# last stage; with gradients, since code may choose by the shape whether they pass.
FAR = {
    POSITIVE: replace(POSITIVE, batch=65, grow=(-4, -4), gradient=True),
    NEGATIVE: replace(NEGATIVE, grow=(28, 27), gradient=True, far=True),
    CONSTANT: replace(CONSTANT, batch=5, grow=(-40, -40), gradient=True, far=True),
}


class Gradient(Check):
    id = "gradient"
    title = later("Outputs and gradients")

    def probes(self, exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
        if not case.confirm:
            yield INITIAL
        if isinstance(exercise, ModuleExercise):
            yield from compared_probes(exercise, case)

    def judge_withheld(self, examined: Examined) -> Finding:
        wrong = self._reach(examined)
        if wrong is None and isinstance(examined.exercise, NetworkExercise):
            wrong = _normalised_outputs(examined)
        if examined.paid:
            return left_to_the_marking()  # it may be a mistake of a block, which does not cost again
        if wrong is not None or not examined.ran:
            return wrong or left_to_the_marking()
        return not_everywhere(examined, REACHES) or left_to_the_marking(
            say("The gradient is finite and reaches the input and every parameter.")
        )

    def judge_module(self, examined: Examined) -> Finding:
        reach = self._reach(examined)
        if reach is not None:
            return reach
        assert examined.answers is not None
        different: dict[int, list[Observation]] = {}
        for variant in range(len(examined.answers.reference.variants)):
            different[variant] = self._different(examined, variant)
            if not different[variant]:
                break  # the student follows this one
        best = min(different, key=lambda variant: len(different[variant]))
        if different[best]:
            findings = [_difference(examined, seen, best) for seen in different[best]]
            findings[0].evidence = [finding.message for finding in findings[1:]]
            return findings[0]
        unaligned = [seen for seen in examined.ran if seen.aligned is None]
        if unaligned:
            return _not_comparable(examined, unaligned[0])
        incomplete = not_everywhere(
            examined, later("Outputs and gradients equal the reference's in {some} of {all} cases")
        )
        if incomplete is not None:
            return incomplete
        notes = [note for seen in examined.ran for note in _statistics_note(examined, seen)]
        return Finding(
            Status.PASSED,
            say(
                "Under equal weights, outputs and all gradients equal the reference's in {n} cases, each on several "
                "fresh inputs, in training and in evaluation mode.",
                n=len(examined.ran),
            ),
            notes=notes[:1],
        )

    def _different(self, examined: Examined, variant: int) -> list[Observation]:
        """Cases that can be compared and in which no accepted form of a variant does the same.

        A student follows one variant in all cases: one that has other parameters in a case is not followed there.
        """
        return [
            seen
            for seen in examined.ran
            if seen.aligned is not None and not any(_is_equal(seen, f) for f in _forms(examined, seen, variant))
        ]

    def judge_network(self, examined: Examined) -> Finding:
        reach = self._reach(examined)
        if reach is not None:
            return reach
        normalised = _normalised_outputs(examined)
        if normalised is not None:
            return normalised
        return (
            wrong_blocks(examined, self.id)
            or not_everywhere(examined, REACHES)
            or Finding(
                Status.PASSED, say("The gradient is finite and reaches the input and every parameter of the network.")
            )
        )

    def _reach(self, examined: Examined) -> Finding | None:
        """What is wrong with the gradients of the module as constructed, or None."""
        for seen in examined.ran:
            if seen.unsteady:
                return Finding(
                    Status.FAILED,
                    say(
                        "{case}: the same input gives different outputs, with the same weights.",
                        case=in_case(examined, seen),
                    ),
                    lesson=lessons.UNSTEADY,
                    expected=say("one output for one input"),
                    advice=say(
                        "Look for random numbers, dropout, counters, and results kept from one call to the next."
                    ),
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


REACHES = later("The gradient reaches everything in {some} of {all} cases")
SQUASHING: dict[str, Callable[[torch.Tensor], bool]] = {
    "sigmoid": lambda y: bool(((y >= 0) & (y <= 1)).all()),
    "tanh": lambda y: bool((y.abs() <= 1).all()),
    "relu": lambda y: bool((y >= 0).all()),
}


def _normalised_outputs(examined: Examined) -> Finding | None:
    """Probabilities where logits are asked for: told by the numbers alone."""
    for seen in examined.ran:
        graph = seen.built.graph
        last = graph.by_id[graph.output].name if graph is not None and graph.is_sound else ""
        ys = [answer.y for answer in seen.answers.values() if answer.y is not None]
        if last in SQUASHING and ys and all(SQUASHING[last](y) for y in ys):
            return Finding(
                Status.FAILED,
                say(
                    "{case}: the network ends in {last}, and its outputs show it.",
                    case=in_case(examined, seen),
                    last=last,
                ),
                lesson=lessons.SQUASHED,
                expected=say("logits"),
                actual=last,
                advice=say("End with the linear layer: its outputs are the logits."),
                **place(seen, "output"),
            )
        for answer in seen.answers.values():
            if answer.y is None or answer.y.dim() != 2 or answer.y.shape[1] < 2:
                continue
            y = answer.y.double()
            softmax = bool((y >= 0).all()) and torch.allclose(y.sum(1), torch.ones(len(y), dtype=y.dtype), atol=1e-5)
            if softmax or torch.allclose(y.logsumexp(1), torch.zeros(len(y), dtype=y.dtype), atol=1e-5):
                case = in_case(examined, seen)
                return Finding(
                    Status.FAILED,
                    say("{case}: the outputs are probabilities.", case=case)
                    if softmax
                    else say("{case}: the outputs are logarithms of probabilities.", case=case),
                    lesson=lessons.PROBABILITIES,
                    expected=say("logits"),
                    actual="softmax" if softmax else "log-softmax",
                    advice=say("Leave out the softmax: nn.CrossEntropyLoss applies it to the logits itself."),
                    **place(seen, "output"),
                )
    return None


def compared_probes(exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
    """The probes on which a module must equal the reference in this case."""
    small = [each for each in exercise.cases if not each.confirm]
    # None for a case that the exercise does not declare, such as a block of a network: it is asked everything.
    number = next((i for i, each in enumerate(small) if each == case), None)
    flat = len(case.input) != 3
    for probe in COMPARED:
        if not case.confirm or probe.train:
            # In evaluation mode all gradients are compared on one input already: others are enough in some case.
            once = (probe is LARGE and not number) or (probe is ONE_SMALL and number == len(small) - 1)
            yield _asked_as(probe, flat, gradient=once or probe not in (LARGE, ONE_SMALL))
    for i, probe in enumerate(RANGES if not case.confirm else ()):
        if probe is ONE_IN_TRAINING and len(case.input) == 1:
            continue  # one value per feature: no batch norm can be trained on that
        # Every range in some case; in every case where the code looks at numbers, as an `if` does.
        if number == i % len(small):
            yield _asked_as(FAR.get(probe, probe), flat)
        else:
            yield _asked_as(probe, flat, choosing=number is not None)
    yield from FAINT if not case.confirm else ()


def _asked_as(probe: Probe, flat: bool, *, gradient: bool | None = None, choosing: bool = False) -> Probe:
    """A probe for one case: without rows and columns to add where an input has none."""
    gradient = probe.gradient if gradient is None else gradient
    if (gradient, choosing) == (probe.gradient, probe.choosing) and not flat:
        return probe
    return replace(probe, gradient=gradient, choosing=choosing, grow=(0, 0) if flat else probe.grow)


def _reach(examined: Examined, seen: Observation, answer: Answer) -> Finding | None:
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
    if not answer.gradients:
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
    if "x" not in answer.gradients and not examined.has_cost("x"):
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
    without = [p.key for p in seen.built.parameters if p.learnable and p.key not in answer.gradients]
    unreached = [key for key in without if not examined.has_cost(key)]
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


def _has_wrong_shape(examined: Examined, seen: Observation, answer: Answer) -> bool:
    """Is the output of another shape than what was sent back through it, so that no gradient could leave it? A network
    is sent what its own outputs take."""
    if isinstance(examined.exercise, NetworkExercise):
        return False
    probe = next(probe for name, probe in seen.probes.items() if seen.answers[name] is answer)
    size = input_shape(seen.case.input, probe)
    assert answer.y is not None
    return examined.knows_shape(seen.case, size) and list(answer.y.shape) != examined.output_shape(seen.case, size)


def _name(key: str) -> str:
    return key.removeprefix("p:")


def _forms(examined: Examined, seen: Observation, variant: int) -> list[Form]:
    """Accepted forms of one variant with the student's slots."""
    return [form for form in examined.right_forms(seen) if form.variant == variant]


def _asked(seen: Observation) -> list[Probe]:
    return [probe for probe in seen.probes.values() if probe.compares]


def _is_equal(seen: Observation, form: Form) -> bool:
    return all(first_difference(seen, form, probe) is None for probe in _asked(seen))


def _difference(examined: Examined, seen: Observation, variant: int) -> Finding:
    """Where the module first differs from an accepted form, of this variant if it has one with the same slots."""
    where = in_case(examined, seen)
    accepted = list(examined.right_forms(seen))
    if any(_is_equal(seen, form) for form in accepted):
        return Finding(
            Status.FAILED,
            say("{case}: the block follows another of the accepted ways here than in other cases.", case=where),
            lesson=lessons.TWO_WAYS,
            expected=say("one way in all cases"),
            advice=say("The task leaves a choice, but one that is made once: the same kind of block in every case."),
            **place(seen, "join"),
        )
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
    departure = first_departure(seen, form)
    finding = Finding(
        Status.FAILED,
        _differs(where, seen, probe, found),
        lesson=lessons.GRADIENT_DIFFERS if found.what == "gradient" else lessons.DIFFERS,
        expected=expected,
        actual=actual,
        advice=say("The layers are there, but not combined as the task asks: compare forward step by step."),
        **place(seen, "output"),
    )
    if departure is not None:
        node, what = departure
        first = say("The first value that the reference does not compute comes out of {what}.", what=what)
        finding.message = f"{finding.message} {first}"
        finding.cell, finding.line = node.cell, node.line
    return finding


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


def _samples(seen: Observation, outcome: Outcome, probe: Probe, found: Difference) -> tuple[JsonValue, JsonValue]:
    """The first values of both outputs, or of both gradients of the input, to look at."""
    answer = seen.answers[probe.name]
    of_output = found.what == "output"
    expected, actual = (outcome.y, answer.y) if of_output else (outcome.gradients.get(None), answer.gradients.get("x"))
    is_told = of_output or (found.what == "gradient" and found.slot is None)
    if not is_told or expected is None or actual is None:
        return None, None
    return _few(expected), _few(actual)


def _few(values: torch.Tensor) -> JsonValue:
    return [
        float(f"{value:.6g}") if value == value and abs(value) < 1e300 else 0.0
        for value in values.reshape(-1)[:4].double().tolist()
    ]


def _not_comparable(examined: Examined, seen: Observation) -> Finding:
    case = in_case(examined, seen)
    if examined.form_of_like_sizes(seen) is not None:
        return Finding(
            Status.SKIPPED,
            say(
                "The gradient is finite and reaches every parameter. It was not compared with the reference's in "
                "{case}: it could not be told which parameter is for what, so equal weights cannot be set.",
                case=case,
            ),
            advice=say("Its points are pending, not lost: a human looks at the block."),
        )
    return Finding(
        Status.SKIPPED,
        say(
            "The gradient is finite and reaches every parameter. It was not compared with the reference's in {case}: "
            "the parameters are not those of the reference, so equal weights cannot be set.",
            case=case,
        )
        if seen.recorded
        else say(
            "The gradient is finite and reaches every parameter. It was not compared with the reference's in {case}: "
            "its computation could not be recorded, so equal weights cannot be set.",
            case=case,
        ),
        advice=say("Once the number of parameters is right, this is checked too. Its points are pending, not lost."),
    )


def _statistics_note(examined: Examined, seen: Observation) -> list[str]:
    """Running statistics that differ are worth a note: the outputs of one step do not depend on them."""
    probe = TRAINING
    answer = seen.answers.get(probe.name)
    for form in examined.right_forms(seen):
        outcome = form.outcome(probe)
        if answer is None or all(
            equal(answer.buffers.get(seen.slots.get(slot, "")), value, seen.precision)
            for slot, value in outcome.buffers.items()
        ):
            return []
    return [say("After a step in training mode the running statistics of a batch norm differ from the reference's.")]
