"""Do outputs and gradients agree with the reference, under equal weights, and does the gradient reach everything?"""

from __future__ import annotations

from collections.abc import Iterable

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks._check import Check, Finding, in_case, left_to_the_marking, not_everywhere, wrong_blocks
from grader.checks._compared import INITIAL, TRAINING, compared_probes
from grader.checks._departure import departure, is_equal
from grader.checks._logits import normalised_outputs
from grader.checks._mixed import frozen_norms, mixed_samples
from grader.checks._reach import reach_of
from grader.checks._trunk import trunk, unconfirmed
from grader.judge.compare import equal
from grader.judge.examined import Examined
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.language import later, say
from grader.observation import Probe
from grader.verdict import Status

REACHES = later("The gradient reaches everything in {some} of {all} cases")


class Gradient(Check):
    id = "gradient"
    title = later("Outputs and gradients")

    def probes(self, exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
        if not case.confirm:
            yield INITIAL
        if isinstance(exercise, ModuleExercise):
            yield from compared_probes(exercise, case)

    def judge_withheld(self, examined: Examined) -> Finding:
        wrong = reach_of(examined)
        if wrong is None and isinstance(examined.exercise, NetworkExercise):
            wrong = normalised_outputs(examined)
        if examined.paid:
            return left_to_the_marking()  # it may be a mistake of a block, which does not cost again
        if wrong is not None or not examined.ran:
            return wrong or left_to_the_marking()
        return not_everywhere(examined, REACHES) or left_to_the_marking(
            say("The gradient is finite and reaches the input and every parameter.")
        )

    def judge_module(self, examined: Examined) -> Finding:
        reach = reach_of(examined)
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
            findings = [departure(examined, seen, best) for seen in different[best]]
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
            if seen.aligned is not None and not any(is_equal(seen, f) for f in _forms(examined, seen, variant))
        ]

    def judge_network(self, examined: Examined) -> Finding:
        reach = reach_of(examined)
        if reach is not None:
            return reach
        normalised = normalised_outputs(examined)
        if normalised is not None:
            return normalised
        return (
            wrong_blocks(examined, self.id)
            or trunk(examined)
            or mixed_samples(examined)
            or frozen_norms(examined)
            or unconfirmed(examined)
            or not_everywhere(examined, REACHES)
            or Finding(
                Status.PASSED, say("The gradient is finite and reaches the input and every parameter of the network.")
            )
        )


def _forms(examined: Examined, seen: Observation, variant: int) -> list[Form]:
    """Accepted forms of one variant with the student's slots, which it may be."""
    return [form for form in examined.possible_forms(seen) if form.variant == variant]


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
        advice=say("Its points are pending, not lost: a human looks at the block.")
        if examined.form_of_like_number(seen) is not None
        else say("Once the number of parameters is right, this is checked too. Its points are pending, not lost."),
    )


def _statistics_note(examined: Examined, seen: Observation) -> list[str]:
    """Running statistics that differ are worth a note: the outputs of one step do not depend on them."""
    probe, answer = seen.probes.get(TRAINING.name), seen.answers.get(TRAINING.name)
    if probe is None or answer is None:
        return []
    for form in examined.right_forms(seen):
        outcome = form.outcome(probe)
        if all(
            equal(answer.buffers.get(seen.slots.get(slot, "")), value, seen.precision)
            for slot, value in outcome.buffers.items()
        ):
            return []
    return [say("After a step in training mode the running statistics of a batch norm differ from the reference's.")]
