"""Does a student's module behave like a form, right or wrong?"""

from __future__ import annotations

from collections.abc import Sequence

from grader.judge.anatomy import SUMS
from grader.judge.compare import difference, equal, equal_gradients
from grader.judge.examine import BUILD, Observation
from grader.judge.forms import Form
from grader.judge.leaves import Slot, signature
from grader.judge.replay import ReplayError
from grader.observation import Operation, Probe

ROUGHLY = 0.01


def first_difference(seen: Observation, form: Form, probe: Probe) -> tuple[str, float] | None:
    """Where the student's answer to a probe first differs from a form's outcome, and by how much; or None."""
    answer = seen.answers[probe.name]
    output = form.output(probe)
    if isinstance(output, ReplayError) or answer.y is None:
        both_raise = isinstance(output, ReplayError) and answer.raised is not None
        return None if both_raise else ("outcome", float("inf"))
    if list(answer.y.shape) != list(output.shape):
        return "shape of the output", float("inf")
    if not equal(answer.y, output, seen.precision):
        return "output", difference(answer.y, output)
    if not probe.gradient:
        return None
    outcome = form.outcome(probe)
    if not answer.gradients and not outcome.has_expected_shape:
        return None  # no gradient was asked for: the cotangent has the shape that was expected
    for slot, gradient in outcome.gradients.items():
        reported = seen.gradient(probe, slot)
        if not equal_gradients(reported, gradient, seen.precision):
            what = "gradient of the input" if slot is None else f"gradient of {_leaf(seen, slot)}"
            return what, difference(reported, gradient)
    return None


def behaves_like(seen: Observation, forms: Sequence[Form]) -> bool:
    """On every probe with random weights, does the student's module do exactly what one of the forms does?

    An exception counts as behaviour too: the same operation must raise for operands of the same shapes.
    """
    raised = seen.built.raised
    if raised is not None:
        if raised.stage != "forward" or raised.operation is None:
            return False
        outputs = [form.output(BUILD) for form in forms]
        return any(isinstance(out, ReplayError) and _same_operation(out, raised.operation) for out in outputs)
    fitting = [form for form in forms if form.signature == signature(seen.slots)]
    probes = [probe for probe in seen.probes.values() if probe.recipe == "random"]
    return (
        len(fitting) == len(forms)
        and bool(probes)
        and all(any(_is_like(seen, form, probe) for form in fitting) for probe in probes)
    )


def _is_like(seen: Observation, form: Form, probe: Probe) -> bool:
    """Does the student do what a form does? A confirming case in float32 need not repeat every digit: a quotient,
    for instance, can lose many of them."""
    found = first_difference(seen, form, probe)
    return found is None or (seen.precision == "float32" and found[1] < ROUGHLY)


def _same_operation(error: ReplayError, raised: Operation) -> bool:
    """The same operation on operands of the same shapes that come from equally deep, in whatever order.

    Two tensors can be added in many ways (f + x, f - (-x), stack and sum): for shapes that do not fit they are one.
    """
    mine, theirs = _plain(error.operation), _plain(raised.op)
    return (mine == theirs or {mine, theirs} <= SUMS) and sorted(
        zip(error.shapes, error.depths, strict=True)
    ) == sorted(zip(raised.shapes, raised.depths, strict=False))


def _plain(op: str) -> str:
    """`add` for `aten.add_.Tensor`."""
    return op.split(".")[1].rstrip("_") if "." in op else op


def _leaf(seen: Observation, slot: Slot) -> str:
    key = seen.slots.get(slot, "")
    return key[2:] if key[:2] in ("p:", "b:") else f"an unregistered {slot.role}"
