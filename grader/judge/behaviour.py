"""Does a student's module behave like a form, right or wrong?"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from grader.judge.compare import Difference, all_gradients_equal_at_once, difference, equal, equal_gradients
from grader.judge.draws import OF_BRANCH
from grader.judge.failures import fails_like, failure_of, sizes_of
from grader.judge.forms import Form, Outcome
from grader.judge.observed import ALIKE, Observation
from grader.judge.replay import ReplayError
from grader.observation import Answer, Probe

ROUGHLY = 0.01
# How far apart in float64 what was rounded to float32 on the way may be. Who adds another epsilon is further away where
# numbers are small.
ROUNDED = 1e-6
# How far apart a confirming case in float32 may be, and its gradients. A quotient can lose most of its digits; other
# sizes of layers, for which these cases are there, lose all of them.
CONFIRMING, CONFIRMING_GRADIENTS = 0.1, 0.3

# What `F.batch_norm` refuses in training, and the operation itself does not.
SINGLE_VALUES = "Expected more than 1 value per channel when training"
NO_EPSILON = "batch_norm eps must be positive during training"


def first_difference(seen: Observation, form: Form, probe: Probe) -> Difference | None:
    """Where the student's answer to a probe first differs from a form's outcome, and by how much; or None. Kept."""
    key = (form, probe.name)
    if key not in seen.differences:
        seen.differences[key] = _first_difference(seen, asked_alike(seen, form, probe), probe)
    return seen.differences[key]


def asked_alike(seen: Observation, form: Form, probe: Probe) -> Form:
    """A form that is given the weights that the student's module was given, where a recipe sets the branch."""
    return form.asked_with(seen.branch) if probe.recipe in OF_BRANCH else form


def _first_difference(seen: Observation, form: Form, probe: Probe) -> Difference | None:
    return _difference_of_outputs(seen, form, probe) or _difference_of_gradients(seen, form, probe)


def _difference_of_outputs(seen: Observation, form: Form, probe: Probe) -> Difference | None:
    answer = seen.answers[probe.name]
    output = form.output(probe)
    if isinstance(output, ReplayError) or answer.y is None:
        raises = isinstance(output, ReplayError) or _is_refused_by_norm(answer, form, probe)
        return None if raises and answer.raised is not None else Difference("outcome", float("inf"))
    if list(answer.y.shape) != list(output.shape):
        return Difference("shape", float("inf"))
    if not equal(answer.y, output, seen.precision):
        return Difference("output", difference(answer.y, output))
    return None


def _is_refused_by_norm(answer: Answer, form: Form, probe: Probe) -> bool:
    """Did a layer refuse in training what a form normalises: single values, or without a small number?"""
    if answer.raised is None or not answer.raised.message.startswith((SINGLE_VALUES, NO_EPSILON)):
        return False
    graph, environment = form.passed(probe)
    norms = [node for node in graph.nodes if node.name == "native_batch_norm"]
    if answer.raised.message.startswith(NO_EPSILON):
        return any(norm.args[5] is True and norm.args[7] == 0 for norm in norms)
    inputs = (environment.get(norm.inputs[0]) for norm in norms)
    return any(isinstance(x, Tensor) and x.numel() == x.shape[1] for x in inputs)


def _difference_of_gradients(seen: Observation, form: Form, probe: Probe) -> Difference | None:
    answer = seen.answers[probe.name]
    if not probe.gradient or answer.y is None:
        return None
    if answer.raised is not None:
        return Difference("outcome", float("inf"))  # a backward pass that raises is none that gives zeros
    outcome = form.outcome(probe)
    if not answer.gradients and not outcome.has_expected_shape:
        return None  # no gradient was asked for: the cotangent has the shape that was expected
    if _gradients_agree_at_once(seen, probe, outcome):
        return None
    for slot, gradient in outcome.gradients.items():
        reported = seen.gradient(probe, slot)
        if not equal_gradients(reported, gradient, seen.precision):
            return Difference("gradient", difference(reported, gradient), slot)
    return None


def _gradients_agree_at_once(seen: Observation, probe: Probe, outcome: Outcome) -> bool:
    """Are all gradients reported, and equal in one comparison? It is stricter than one by one; a no says nothing."""
    reported = [seen.gradient(probe, slot) for slot in outcome.gradients]
    there = [gradient for gradient in reported if gradient is not None]
    return len(there) == len(reported) and all_gradients_equal_at_once(
        there, list(outcome.gradients.values()), seen.precision
    )


def behaves_like(seen: Observation, forms: Sequence[Form], *, at_once: bool = False) -> bool:
    """On every probe with random weights, does the student's module do exactly what one of the forms does?

    An exception counts as behaviour too: the same operation must raise for operands of the same shapes.

    Args:
        at_once: only the output on the first of these probes is looked at.
    """
    if seen.built.raised is not None:
        sizes = seen.sizes
        like = [form for form in forms if sizes is None or sizes == sizes_of(form)]
        return any(fails_like(seen, failure_of(form)) for form in like)
    probes = [probe for probe in seen.probes.values() if probe.compares]
    if not probes or any(form.signature != seen.signature for form in forms):
        return False
    if not any(_is_like(seen, form, probes[0], at_once=True) for form in forms):
        return False
    return at_once or all(any(_is_like(seen, form, probe) for form in forms) for probe in probes)


def orders(seen: Observation, form: Form) -> list[Form]:
    """A form with the keys of like slots exchanged in every way that the student's module leaves open, itself first."""
    return form.exchanged(seen.ties) if seen.recorded else form.relabelled


def possible_orders(seen: Observation, form: Form) -> list[Form]:
    """The same; itself alone where no order will do, since it gives something else even where like slots are alike."""
    if ALIKE.name in seen.answers and not _is_like(seen, form, ALIKE, at_once=True):
        return [form]
    return orders(seen, form)


def is_rounded(seen: Observation, form: Form) -> bool:
    """Are the outputs in float64 those of a form that keeps a table, but for what float32 rounds, as they are if the
    student's was computed in it?"""
    if seen.precision != "float64" or seen.built.raised is not None or form.signature != seen.signature:
        return False
    if not form.keeps_numbers:
        return False
    found = (first_difference(seen, form, probe) for probe in seen.probes.values() if probe.compares)
    return all(each is None or each.size <= ROUNDED for each in found)


def is_silent_like(seen: Observation, form: Form) -> bool:
    """Does a student's module that decides by the numbers give what a form gives where all weights are zero as well?"""
    probes = [probe for probe in seen.probes.values() if probe.recipe == "zero" and probe.name in seen.answers]
    return not seen.reads or all(_difference_of_outputs(seen, form, probe) is None for probe in probes)


def _is_like(seen: Observation, form: Form, probe: Probe, *, at_once: bool = False) -> bool:
    """Does the student do what a form does? In float32 not every digit need be repeated, least of all in a case that
    only confirms what was proven in float64."""
    form = asked_alike(seen, form, probe)
    if probe.gradient and not at_once:
        form.outcome(probe)  # gives the output too, and of a form that is alike both are wanted
    found = (_difference_of_outputs if at_once else first_difference)(seen, form, probe)
    if found is None or seen.precision != "float32":
        return found is None
    if not seen.case.confirm:
        return found.size < ROUGHLY
    return found.size < (CONFIRMING_GRADIENTS if found.what == "gradient" else CONFIRMING)
