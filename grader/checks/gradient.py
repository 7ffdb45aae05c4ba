"""Do outputs and gradients agree with the reference, under equal weights, and does the gradient reach everything?"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pydantic import JsonValue

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks._check import Check, Finding, in_case, not_everywhere, place, place_of_exception
from grader.judge.behaviour import first_difference
from grader.judge.compare import equal
from grader.judge.examine import Observation
from grader.judge.examined import Examined
from grader.judge.forms import Form, Outcome
from grader.observation import Answer, Probe
from grader.verdict import Status

INITIAL = Probe("initial train", "initial", train=True)
# Several scales, signs, sizes and numbers of samples, in both modes: a block that is right at one scale and
# wrong at another must not pass.
COMPARED = (
    Probe("random", "random"),
    Probe("random large", "random", batch=3, scale=4.0, shift=0.5, grow=(-1, 2)),
    Probe("random train", "random", train=True, batch=4, scale=1.5),
    Probe("random one small sample", "random", batch=1, scale=0.05, shift=-0.02, grow=(1, 3)),
)


class Gradient(Check):
    id = "gradient"
    title = "Outputs and gradients"

    def probes(self, exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
        if isinstance(exercise, ModuleExercise):
            yield INITIAL
            yield from compared_probes(case)
        elif not case.confirm:
            yield INITIAL

    def judge_module(self, examined: Examined) -> Finding:
        reach = self._reach(examined)
        if reach is not None:
            return reach
        assert examined.answers is not None
        variants = range(len(examined.answers.reference.variants))
        different = {variant: self._different(examined, variant) for variant in variants}
        best = min(variants, key=lambda variant: len(different[variant]))
        if different[best]:
            findings = [_difference(examined, seen, best) for seen in different[best]]
            findings[0].evidence = [finding.message for finding in findings[1:]]
            return findings[0]
        unaligned = [seen for seen in examined.ran if seen.aligned is None]
        if unaligned:
            return _not_comparable(examined, unaligned[0])
        incomplete = not_everywhere(examined, "Outputs and gradients equal the reference's")
        if incomplete is not None:
            return incomplete
        cases = len(examined.ran)
        notes = [note for seen in examined.ran for note in _statistics_note(examined, seen)]
        return Finding(
            Status.PASSED,
            f"Under equal weights, outputs and all gradients equal the reference's in {cases} cases, each on "
            "several fresh inputs, in training and in evaluation mode.",
            notes=notes[:1],
        )

    def _different(self, examined: Examined, variant: int) -> list[Observation]:
        """Cases that can be compared and in which no accepted form of a variant does the same."""
        return [
            seen
            for seen in examined.ran
            if (forms := _forms(examined, seen, variant)) and not any(_is_equal(seen, form) for form in forms)
        ]

    def judge_network(self, examined: Examined) -> Finding:
        reach = self._reach(examined)
        if reach is not None:
            return reach
        return not_everywhere(examined, "The gradient reaches everything") or Finding(
            Status.PASSED, "The gradient is finite and reaches the input and every parameter of the network."
        )

    def _reach(self, examined: Examined) -> Finding | None:
        """What is wrong with the gradients of the module as constructed, or None."""
        for seen in examined.ran:
            answer = seen.answers.get(INITIAL.name)
            if answer is not None:
                finding = _reach(in_case(examined, seen), seen, answer)
                if finding is not None:
                    return finding
        return None


def compared_probes(case: Case) -> Iterable[Probe]:
    """The probes on which a module must equal the reference in this case."""
    for probe in COMPARED:
        if case.confirm and probe.name != "random train":
            continue
        if len(case.input) != 3:
            yield Probe(probe.name, probe.recipe, probe.train, probe.batch, probe.scale, probe.shift)
        else:
            yield probe


def _reach(where: str, seen: Observation, answer: Answer) -> Finding | None:
    if answer.raised is not None:
        if answer.raised.stage != "backward":
            return None  # the shape check says so
        return Finding(
            Status.FAILED,
            f"{where}: forward runs, but the backward pass raises {answer.raised.type}: {answer.raised.message}",
            advice="An in-place operation (`+=`, `relu_`, `inplace=True`) changed a value that the gradient needs.",
            **place(seen, "output"),
        )
    if answer.y is None:
        return None
    if not torch.isfinite(answer.y).all():
        return Finding(Status.FAILED, f"{where}: the output holds NaN or infinity.", **place(seen, "output"))
    if not answer.gradients:
        return Finding(
            Status.FAILED,
            f"{where}: no gradient leaves the output.",
            expected="a gradient for the input and every parameter",
            advice="Something cuts the result from autograd: detach(), .data, torch.no_grad() or a new tensor.",
            **place(seen, "output"),
        )
    for key, gradient in answer.gradients.items():
        if not torch.isfinite(gradient).all():
            return Finding(Status.FAILED, f"{where}: the gradient of {_name(key)} holds NaN or infinity.")
    if "x" not in answer.gradients or not answer.gradients["x"].any():
        return Finding(
            Status.FAILED,
            f"{where}: no gradient reaches the input.",
            expected="a gradient for the input",
            actual="none",
            advice="Layers in front of this one could never learn. Look for detach(), .data or torch.no_grad().",
            **place(seen, "output"),
        )
    frozen = [p.key for p in seen.built.parameters if not p.learnable]
    unreached = [p.key for p in seen.built.parameters if p.learnable and p.key not in answer.gradients]
    if frozen or unreached:
        names = ", ".join(_name(key) for key in (frozen or unreached)[:6])
        return Finding(
            Status.FAILED,
            f"{where}: no gradient reaches {names}.",
            expected="a gradient for every parameter",
            actual="requires_grad is False" if frozen else "not used for the output",
            advice=(
                "Do not set requires_grad to False."
                if frozen
                else "A layer that forward does not use is never trained: use it, or remove it."
            ),
        )
    return None


def _name(key: str) -> str:
    return "the input" if key == "x" else key.removeprefix("p:")


def _forms(examined: Examined, seen: Observation, variant: int) -> list[Form]:
    """Accepted forms of one variant with the student's slots."""
    return [form for form in examined.right_forms(seen) if form.variant == variant]


def _asked(seen: Observation) -> list[Probe]:
    return [probe for probe in compared_probes(seen.case) if probe.name in seen.answers]


def _is_equal(seen: Observation, form: Form) -> bool:
    return all(first_difference(seen, form, probe) is None for probe in _asked(seen))


def _difference(examined: Examined, seen: Observation, variant: int) -> Finding:
    """Where the module first differs from the first accepted form."""
    form = _forms(examined, seen, variant)[0]
    where = in_case(examined, seen)
    differences = ((probe, first_difference(seen, form, probe)) for probe in _asked(seen))
    probe, found = next((probe, found) for probe, found in differences if found is not None)
    raised = seen.answers[probe.name].raised
    if raised is not None:
        return Finding(
            Status.STUDENT_CRASHED,
            f"{where}: the {raised.stage} pass raises {raised.type}: {raised.message}",
            **place_of_exception(raised),
        )
    what, size = found
    mode = "training" if probe.train else "evaluation"
    expected, actual = _samples(seen, form.outcome(probe), probe, what)
    return Finding(
        Status.FAILED,
        f"{where}: under equal weights, the {what} differs from the reference's in {mode} mode, by {size:.3g} of the "
        "largest value.",
        expected=expected,
        actual=actual,
        advice="The layers are there, but not combined as the task asks: compare forward step by step.",
        **place(seen, "output"),
    )


def _samples(seen: Observation, outcome: Outcome, probe: Probe, what: str) -> tuple[JsonValue, JsonValue]:
    """The first values of both outputs, to look at."""
    answer = seen.answers[probe.name]
    expected, actual = (
        (outcome.y, answer.y) if what == "output" else (outcome.gradients.get(None), answer.gradients.get("x"))
    )
    if what not in ("output", "gradient of the input") or expected is None or actual is None:
        return None, None
    return _few(expected), _few(actual)


def _few(values: torch.Tensor) -> JsonValue:
    return [
        float(f"{value:.6g}") if value == value and abs(value) < 1e300 else 0.0
        for value in values.reshape(-1)[:4].double().tolist()
    ]


def _not_comparable(examined: Examined, seen: Observation) -> Finding:
    why = "the parameters are not those of the reference" if seen.recorded else "its computation could not be recorded"
    return Finding(
        Status.SKIPPED,
        f"The gradient is finite and reaches every parameter. It was not compared with the reference's in "
        f"{in_case(examined, seen)}: {why}, so equal weights cannot be set.",
        advice="Once the number of parameters is right, this is checked too. Its points are pending, not lost.",
    )


def _statistics_note(examined: Examined, seen: Observation) -> list[str]:
    """Running statistics that differ are worth a note: the outputs of one step do not depend on them."""
    probe = COMPARED[2]
    answer = seen.answers.get(probe.name)
    for form in examined.right_forms(seen):
        outcome = form.outcome(probe)
        if answer is None or all(
            equal(answer.buffers.get(seen.slots.get(slot, "")), value, seen.precision)
            for slot, value in outcome.buffers.items()
        ):
            return []
    return ["After a step in training mode the running statistics of a batch norm differ from the reference's."]
