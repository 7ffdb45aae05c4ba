"""Does the module accept the declared arguments and give a tensor of the right shape?"""

from __future__ import annotations

from collections.abc import Iterable

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks import _shape_lessons as lessons
from grader.checks._check import Check, Finding, ended, in_case, left_to_the_marking, place, place_of_exception
from grader.checks._departure import input_of
from grader.checks._stages import wrong_head, wrong_stages, wrong_stem
from grader.checks._undefined import undefined
from grader.judge.calls import DEFAULT_MISSING
from grader.judge.draws import input_shape
from grader.judge.examined import Examined, show
from grader.judge.observed import Observation
from grader.language import later, many, say
from grader.observation import Operation, Output, Probe, Raised
from grader.verdict import Lesson, Status

REAL = ("float64", "float32", "float16", "bfloat16")


class Shape(Check):
    id = "shape"
    title = later("Shape of the output")

    def probes(self, exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
        if not case.confirm:
            yield Probe("initial train", "initial", train=True)
            # What works only for a batch of square images is not yet right. A network is made for one size of image,
            # and its gradients are millions of numbers.
            module = isinstance(exercise, ModuleExercise)
            odd = module and len(case.input) == 3
            yield Probe("initial one sample", "initial", batch=1, grow=(1, 3) if odd else (0, 0), gradient=module)

    def judge_module(self, examined: Examined) -> Finding:
        return self._judge(examined)

    def judge_network(self, examined: Examined) -> Finding:
        return self._judge(examined)

    def judge_withheld(self, examined: Examined) -> Finding:
        finding = self._judge(examined)
        told = isinstance(examined.exercise, ModuleExercise) and all(
            examined.knows_shape(seen.case, (2, *seen.case.input)) for seen in examined.observations
        )
        if finding.status is not Status.PASSED or (told and examined.observations):
            return finding
        # Of a network the stages are left to compare, of a module the shapes.
        runs = len(examined.observations)
        return left_to_the_marking(many("It runs in {n} case.", "It runs in {n} cases.", runs) if runs else "")

    def unmeasured(self, examined: Examined) -> Finding:
        if examined.found is None and examined.ended is None:
            return undefined(examined)
        if not examined.observations:
            return super().unmeasured(examined)
        return self._judge(examined)

    def _judge(self, examined: Examined) -> Finding:
        passed: list[str] = []
        failed: list[Finding] = []
        for seen in examined.observations:
            finding = _judge_case(examined, seen)
            if finding is None:
                shape = show(_actual(seen))
                passed.append(say("{case}: {shape}, as expected.", case=in_case(examined, seen), shape=shape))
            else:
                failed.append(finding)
        if examined.departures:
            failed.insert(0, _explain_call(examined))
        if failed:
            first = next((finding for finding in failed if finding.status is not Status.SKIPPED), failed[0])
            first.evidence = [finding.message for finding in failed if finding is not first] + passed
            return first
        if examined.ended is not None:
            return ended(examined)
        sizes = {in_case(examined, seen): _actual(seen) for seen in examined.observations}
        return Finding(
            Status.PASSED,
            many("The output has the right shape.", "The output has the right shape in all {n} cases.", len(passed)),
            expected=dict(sizes),  # type: ignore[arg-type]
            actual=dict(sizes),  # type: ignore[arg-type]
            evidence=passed,
        )


def _explain_call(examined: Examined) -> Finding:
    """The constructor takes other arguments than the task says."""
    case = examined.exercise.cases[0]
    mine = f"{examined.found}{examined.constructor}"
    without_default = DEFAULT_MISSING in examined.departures
    return Finding(
        Status.FAILED,
        say(
            "{found} has no default value for {argument}, which the task leaves out in one of the cases.",
            found=mine,
            argument=", ".join(examined.convention.defaults if examined.convention is not None else ()),
        )
        if without_default
        else say(
            "{found} takes other arguments than the task says: it asks for {wanted}.",
            found=mine,
            wanted=examined.signature,
        ),
        lesson=lessons.OTHER_ARGUMENTS,
        expected=examined.signature,
        actual=mine,
        advice=say(
            "Everything else is judged as if it had been called as it wants to be: {call}.", call=examined.call(case)
        ),
    )


def _actual(seen: Observation) -> list[int] | None:
    return seen.built.output.shape if seen.built.output else None


def _judge_case(examined: Examined, seen: Observation) -> Finding | None:
    """What is wrong in this case, or None."""
    where = in_case(examined, seen)
    if seen.built.not_a_module is not None:
        return Finding(
            Status.FAILED,
            say(
                "{call} gives a {type}, which is no nn.Module.",
                call=examined.call(seen.case),
                type=seen.built.not_a_module,
            ),
            lesson=lessons.NOT_A_MODULE,
            expected=say("an nn.Module"),
            actual=seen.built.not_a_module,
            advice=say("Derive the class from nn.Module and call super().__init__() first."),
        )
    if seen.raised is not None and seen.raised.stage != "backward":
        return _explain_exception(examined, seen, seen.raised)
    output = seen.built.output
    if output is None:
        return Finding(Status.FAILED, say("{case}: nothing came back.", case=where), lesson=lessons.NO_OUTPUT)
    if output.kind != "tensor":
        return _explain_output(where, output.kind, output.length)
    if output.dtype not in REAL:
        return Finding(
            Status.FAILED,
            say("{case}: the output is a tensor of {dtype}.", case=where, dtype=output.dtype),
            lesson=lessons.WRONG_DTYPE,
            expected=say("a tensor of real floating point numbers"),
            actual=output.dtype,
            **place(seen, "output"),
        )
    given = (2, *seen.case.input)
    shapes = [(given, output)]
    for probe in seen.probes.values():
        answer = seen.answers[probe.name]
        if answer.output is not None:
            if answer.output.kind != "tensor":
                return _explain_output(f"{where}, {_mode(probe)}", answer.output.kind, answer.output.length)
            shape = list(answer.y.shape) if answer.y is not None else answer.output.shape
            shapes.append((input_shape(seen.case.input, probe), answer.output.model_copy(update={"shape": shape})))
    for size, came in shapes:
        if not examined.knows_shape(seen.case, size):
            continue
        expected, actual = examined.output_shape(seen.case, size), came.shape
        several = examined.output_shapes(seen.case, size)
        if came.several != several and not examined.exercise.withheld:
            return _explain_several(seen, where, size, several or [expected], came)
        if actual != expected:
            return Finding(
                Status.FAILED,
                say(
                    "{case}: an input of {input} must give {expected}, but gives {found}.",
                    case=where,
                    input=seen.case.said_input(size),
                    expected=show(expected),
                    found=show(actual),
                ),
                expected=list(expected),
                actual=list(actual or []),
                advice=_advice(expected, actual or []),
                lesson=_lesson(expected, actual or []),
                **place(seen, "output"),
            )
    if isinstance(examined.exercise, NetworkExercise) and not examined.exercise.withheld:
        return wrong_stem(examined, seen) or wrong_stages(examined, seen) or wrong_head(examined, seen)
    return None


def _explain_several(
    seen: Observation, where: str, size: tuple[int, ...], expected: list[list[int]], came: Output
) -> Finding:
    """Another number of tensors, or of other shapes."""
    found = came.several or [came.shape or []]
    return Finding(
        Status.FAILED,
        say(
            "{case}: for {input} forward must return {expected}, but returns {found}.",
            case=where,
            input=seen.case.said_input(size),
            expected=_tensors_of(expected),
            found=_tensors_of(found),
        ),
        expected=_tensors_of(expected),
        actual=_tensors_of(found),
        lesson=lessons.WRONG_DIMENSIONS,
        advice=say("Return what the task names, in this order, and nothing else."),
        **place(seen, "output"),
    )


def _tensors_of(shapes: list[list[int]]) -> str:
    """Two tensors, 2×4 and 2×4: several shapes, as people write them."""
    listed = ", ".join(map(show, shapes))
    return many("a tensor of {shapes}", "{n} tensors, of {shapes}", len(shapes), shapes=listed)


def _mode(probe: Probe) -> str:
    return say("in training mode") if probe.train else many("for {n} sample", "for {n} samples", probe.batch)


def _advice(expected: list[int], actual: list[int]) -> str:
    if len(expected) != len(actual):
        return say("Look at where dimensions are added or removed: flatten, view, squeeze, pooling.")
    number = _first_wrong(expected, actual)
    if number == 1:
        return say("The number of channels is wrong: follow the second dimension from layer to layer.")
    if not _are_maps(expected, number):
        return say("Dimension {n} is wrong: follow it from step to step.", n=number + 1)
    return say(
        "The height and width are wrong: follow them from layer to layer. A 3×3 convolution keeps them with padding 1 "
        "and halves them with stride 2 and padding 1; a 1×1 convolution needs no padding."
    )


def _lesson(expected: list[int], actual: list[int]) -> Lesson:
    if len(expected) != len(actual):
        return lessons.WRONG_DIMENSIONS
    number = _first_wrong(expected, actual)
    if number == 1:
        return lessons.WRONG_CHANNELS
    return lessons.WRONG_SIZE if _are_maps(expected, number) else lessons.WRONG_DIMENSION


def _first_wrong(expected: list[int], actual: list[int]) -> int:
    """Which is the first dimension that has another length?"""
    return next(i for i, (wanted, found) in enumerate(zip(expected, actual, strict=True)) if wanted != found)


def _are_maps(shape: list[int], number: int) -> bool:
    """Is this dimension the height or the width of images?"""
    return len(shape) == 4 and number > 1


def _explain_output(where: str, kind: str, length: int | None) -> Finding:
    if kind == "NoneType":
        return Finding(
            Status.FAILED,
            say("{case}: forward returns None.", case=where),
            lesson=lessons.NO_OUTPUT,
            expected=say("a tensor"),
            actual="None",
            advice=say("forward must end with `return` and the result."),
        )
    what = say("a {type} of {n}", type=kind, n=length) if length is not None else say("a {type}", type=kind)
    return Finding(
        Status.FAILED,
        say("{case}: forward returns {what} rather than one tensor.", case=where, what=what),
        lesson=lessons.NOT_ONE_TENSOR,
        expected=say("a tensor"),
        actual=what,
        advice=say("Return the tensor alone; a trailing comma or a second value makes it a tuple."),
    )


def _cannot_be_combined(operation: Operation) -> bool:
    """Is it a sum or product of tensors of different shapes? Of equal ones, it raises for something else."""
    name = operation.op.split(".")[1].rstrip("_")
    return name in ("add", "sub", "rsub", "mul") and len({tuple(shape) for shape in operation.shapes}) > 1


def _explain_exception(examined: Examined, seen: Observation, raised: Raised) -> Finding:
    call, case = examined.call(seen.case), in_case(examined, seen)
    said = raised.words
    finding = Finding(Status.STUDENT_CRASHED, "", actual=said, **place_of_exception(raised))
    finding.lesson = lessons.RAISED
    operation = raised.operation
    if raised.is_unfinished:
        finding.message = (
            say("{call} is unfinished: its constructor raises NotImplementedError.", call=call)
            if raised.stage == "constructor"
            else say("{call} is unfinished: its forward raises NotImplementedError.", call=call)
        )
        finding.advice = say("Replace `raise NotImplementedError` with your own code.")
        finding.lesson = lessons.UNFINISHED
    elif examined.rejects_arguments(raised):
        finding.message = say("{call} does not accept its arguments: {error}.", call=call, error=raised.message)
        finding.expected = examined.signature
        finding.lesson = lessons.REJECTS_ARGUMENTS
        finding.advice = say("The task asks for {wanted}, with the arguments in this order.", wanted=examined.signature)
    elif operation is not None and _cannot_be_combined(operation):
        shapes = say(" and ").join(show(shape) for shape in operation.shapes)
        finding.message = say("{case}: tensors of {shapes} cannot be combined.", case=case, shapes=shapes)
        finding.actual = [list(shape) for shape in operation.shapes]
        finding.lesson = lessons.CANNOT_BE_COMBINED
        finding.advice = say(
            "Branch and shortcut must have the same shape before they are added. Where the block changes the "
            "number of channels or the resolution, the shortcut needs a 1×1 convolution with the same stride."
        )
    elif operation is not None:
        name = operation.op.split(".")[1]
        shapes = ", ".join(show(shape) for shape in operation.shapes)
        finding.message = say(
            "{case}: {operation} raised {error} Its operands: {shapes}.",
            case=case,
            operation=name,
            error=said,
            shapes=shapes,
        )
        finding.lesson = lessons.OPERATION_RAISED
        finding.advice = say("Compare the shapes of the operands with what this layer was made for.")
    else:
        finding.message = (
            say("{case} cannot be constructed: {error}.", case=case, error=said)
            if raised.stage == "constructor"
            else say("{case} cannot be run: {error}.", case=case, error=said)
        )
        finding.advice = say("Run this call in your notebook and follow the traceback to the line named here.")
    probe = next((probe for name, probe in seen.probes.items() if seen.answers[name].raised is not None), None)
    if raised is not seen.built.raised and probe is not None:
        finding.message = f"{finding.message} {input_of(seen, probe)}".rstrip()
    return finding
