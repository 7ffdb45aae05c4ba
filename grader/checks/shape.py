"""Does the module accept the declared arguments and give a tensor of the right shape?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import groupby

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks import _shape_lessons as lessons
from grader.checks._check import Check, Finding, ended, in_case, left_to_the_marking, place, place_of_exception
from grader.judge.draws import input_shape
from grader.judge.examine import Observation
from grader.judge.examined import Examined, show
from grader.observation import Probe, Raised
from grader.verdict import Lesson, Status

REAL = ("float64", "float32", "float16", "bfloat16")


class Shape(Check):
    id = "shape"
    title = "Shape of the output"

    def probes(self, exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
        if not case.confirm:
            yield Probe("initial train", "initial", train=True)
            # What works only for a batch of square images is not yet right. A network is made for one size of image.
            odd = isinstance(exercise, ModuleExercise) and len(case.input) == 3
            yield Probe("initial one sample", "initial", batch=1, grow=(1, 3) if odd else (0, 0))

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
        return left_to_the_marking(f"It runs in {len(examined.observations)} cases." if examined.observations else "")

    def unmeasured(self, examined: Examined) -> Finding:
        if examined.found is None and examined.ended is None:
            return _undefined(examined)
        if not examined.observations:
            return super().unmeasured(examined)
        return self._judge(examined)

    def _judge(self, examined: Examined) -> Finding:
        passed: list[str] = []
        failed: list[Finding] = []
        for seen in examined.observations:
            finding = _judge_case(examined, seen)
            if finding is None:
                passed.append(f"{in_case(examined, seen)}: {show(_actual(seen))}, as expected.")
            else:
                failed.append(finding)
        if examined.departures:
            failed.insert(0, _explain_call(examined))
        if failed:
            first = failed[0]
            first.evidence = [finding.message for finding in failed[1:]] + passed
            return first
        if examined.ended is not None:
            return ended(examined)
        sizes = {in_case(examined, seen): _actual(seen) for seen in examined.observations}
        return Finding(
            Status.PASSED,
            f"The output has the right shape in all {len(passed)} cases.",
            expected=dict(sizes),  # type: ignore[arg-type]
            actual=dict(sizes),  # type: ignore[arg-type]
            evidence=passed,
        )


def _explain_call(examined: Examined) -> Finding:
    """The constructor takes other arguments than the task says."""
    case = examined.exercise.cases[0]
    mine = f"{examined.found}{examined.constructor}"
    return Finding(
        Status.FAILED,
        f"{mine} takes other arguments than the task says: it asks for {examined.signature}.",
        lesson=lessons.OTHER_ARGUMENTS,
        expected=examined.signature,
        actual=mine,
        advice=f"Everything else is judged as if it had been called as it wants to be: {examined.call(case)}.",
    )


def _actual(seen: Observation) -> list[int] | None:
    return seen.built.output.shape if seen.built.output else None


def _judge_case(examined: Examined, seen: Observation) -> Finding | None:
    """What is wrong in this case, or None."""
    where = in_case(examined, seen)
    if seen.built.not_a_module is not None:
        return Finding(
            Status.FAILED,
            f"{examined.call(seen.case)} gives a {seen.built.not_a_module}, which is no nn.Module.",
            lesson=lessons.NOT_A_MODULE,
            expected="an nn.Module",
            actual=seen.built.not_a_module,
            advice="Derive the class from nn.Module and call super().__init__() first.",
        )
    if seen.raised is not None and seen.raised.stage != "backward":
        return _explain_exception(examined, seen, seen.raised)
    output = seen.built.output
    if output is None:
        return Finding(Status.FAILED, f"{where}: nothing came back.", lesson=lessons.NO_OUTPUT)
    if output.kind != "tensor":
        return _explain_output(where, output.kind, output.length)
    if output.dtype not in REAL:
        return Finding(
            Status.FAILED,
            f"{where}: the output is a tensor of {output.dtype}.",
            lesson=lessons.WRONG_DTYPE,
            expected="a tensor of real floating point numbers",
            actual=output.dtype,
            **place(seen, "output"),
        )
    given = (2, *seen.case.input)
    shapes = [(given, output.shape)]
    for probe in seen.probes.values():
        answer = seen.answers[probe.name]
        if answer.output is not None:
            if answer.output.kind != "tensor":
                return _explain_output(f"{where}, {_mode(probe)}", answer.output.kind, answer.output.length)
            size = input_shape(seen.case.input, probe)
            shapes.append((size, list(answer.y.shape) if answer.y is not None else answer.output.shape))
    for size, actual in shapes:
        if not examined.knows_shape(seen.case, size):
            continue
        expected = examined.output_shape(seen.case, size)
        if actual != expected:
            return Finding(
                Status.FAILED,
                f"{where}: an input of {show(list(size))} must give {show(expected)}, but gives {show(actual)}.",
                expected=list(expected),
                actual=list(actual or []),
                advice=_advice(expected, actual or []),
                lesson=_lesson(expected, actual or []),
                **place(seen, "output"),
            )
    if isinstance(examined.exercise, NetworkExercise) and not examined.exercise.withheld:
        return _never_halves(examined, seen)
    return None


def _mode(probe: Probe) -> str:
    return "in training mode" if probe.train else f"for {probe.batch} sample{'s' if probe.batch > 1 else ''}"


def _advice(expected: list[int], actual: list[int]) -> str:
    if len(expected) != len(actual):
        return "Look at where dimensions are added or removed: flatten, view, squeeze, pooling."
    if expected[1] != actual[1]:
        return "The number of channels is wrong: follow the second dimension from layer to layer."
    return (
        "The height and width are wrong: follow them from layer to layer. A 3×3 convolution keeps them with padding 1 "
        "and halves them with stride 2 and padding 1; a 1×1 convolution needs no padding."
    )


def _lesson(expected: list[int], actual: list[int]) -> Lesson:
    if len(expected) != len(actual):
        return lessons.WRONG_DIMENSIONS
    return lessons.WRONG_CHANNELS if expected[1] != actual[1] else lessons.WRONG_SIZE


def _explain_output(where: str, kind: str, length: int | None) -> Finding:
    if kind == "NoneType":
        return Finding(
            Status.FAILED,
            f"{where}: forward returns None.",
            lesson=lessons.NO_OUTPUT,
            expected="a tensor",
            actual="None",
            advice="forward must end with `return` and the result.",
        )
    what = f"a {kind} of {length}" if length is not None else f"a {kind}"
    return Finding(
        Status.FAILED,
        f"{where}: forward returns {what} rather than one tensor.",
        lesson=lessons.NOT_ONE_TENSOR,
        expected="a tensor",
        actual=what,
        advice="Return the tensor alone; a trailing comma or a second value makes it a tuple.",
    )


def _explain_exception(examined: Examined, seen: Observation, raised: Raised) -> Finding:
    call = examined.call(seen.case)
    said = raised.words
    finding = Finding(Status.STUDENT_CRASHED, "", actual=said, **place_of_exception(raised))
    finding.lesson = lessons.RAISED
    operation = raised.operation
    if raised.type == "NotImplementedError" and raised.cell is not None and operation is None:
        finding.message = f"{call} is unfinished: its {raised.stage} raises NotImplementedError."
        finding.advice = "Replace `raise NotImplementedError` with your own code."
        finding.lesson = lessons.UNFINISHED
    elif examined.rejects_arguments(raised):
        finding.message = f"{call} does not accept its arguments: {raised.message}."
        finding.expected = examined.signature
        finding.lesson = lessons.REJECTS_ARGUMENTS
        finding.advice = f"The task asks for {examined.signature}, with the arguments in this order."
    elif operation is not None and operation.op.startswith(("aten.add", "aten.sub", "aten.mul")):
        shapes = " and ".join(show(shape) for shape in operation.shapes)
        finding.message = f"{in_case(examined, seen)}: tensors of {shapes} cannot be combined."
        finding.actual = [list(shape) for shape in operation.shapes]
        finding.lesson = lessons.CANNOT_BE_COMBINED
        finding.advice = (
            "Branch and shortcut must have the same shape before they are added. Where the block changes the "
            "number of channels or the resolution, the shortcut needs a 1×1 convolution with the same stride."
        )
    elif operation is not None:
        name = operation.op.split(".")[1]
        shapes = ", ".join(show(shape) for shape in operation.shapes)
        finding.message = f"{in_case(examined, seen)}: {name} raised {said} Its operands: {shapes}."
        finding.lesson = lessons.OPERATION_RAISED
        finding.advice = "Compare the shapes of the operands with what this layer was made for."
    else:
        verb = "cannot be constructed" if raised.stage == "constructor" else "cannot be run"
        finding.message = f"{in_case(examined, seen)} {verb}: {said}."
        finding.advice = "Run this call in your notebook and follow the traceback to the line named here."
    return finding


def _undefined(examined: Examined) -> Finding:
    name = examined.exercise.name
    broken = next((p for p in examined.problems if p.type in ("SyntaxError", "IndentationError", "TabError")), None)
    if broken is not None:
        return Finding(
            Status.FAILED,
            f"{name} is not defined: cell {broken.cell} is not valid Python ({broken.message}, line {broken.line}).",
            lesson=lessons.BROKEN_CELL,
            expected=name,
            cell=broken.cell,
            line=broken.line,
            advice="Mend the syntax error, run the notebook from top to bottom, and hand in again.",
        )
    # Where the text defines that very name, its cell is what did not run.
    close = [] if name in examined.defined else difflib.get_close_matches(name, examined.defined, n=1)
    failed = next((p for p in examined.problems if not p.is_import), None)
    hint = f" There is {close[0]}: did you mean that?" if close else ""
    if failed is not None and not close:
        said = f"{failed.type}: {failed.message}" if failed.message else failed.type
        hint = f" Cell {failed.cell} raised {said}" + (f", line {failed.line}." if failed.line else ".")
    return Finding(
        Status.FAILED,
        f"{name} is not defined in this notebook.{hint}",
        lesson=lessons.NOT_DEFINED,
        expected=examined.signature,
        cell=failed.cell if failed else None,
        line=failed.line if failed else None,
        advice=f"Define {examined.signature} at the top level of a cell, under exactly this name.",
    )


def _never_halves(examined: Examined, seen: Observation) -> Finding | None:
    """A network whose resolution never halves while its channels double."""
    if examined.network.graph is None or seen.case.confirm:
        return None
    if examined.plan:
        return _wrong_stages(examined, seen)
    maps = examined.block_maps
    if not maps:
        return None  # the skip-connection check has something to say about that
    stages = [size for size, _ in groupby((each[1], each[2]) for each in maps)]
    for i, (channels, height) in enumerate(stages):
        # In one step, or in two: blocks that only stride have a layer between them that doubles the channels.
        if any(wide == 2 * channels and low * 2 == height for wide, low in stages[i + 1 : i + 3]):
            return None
    sizes = ", ".join(show(size[1:]) for size in maps)
    return Finding(
        Status.FAILED,
        f"{in_case(examined, seen)}: from block to block the channels never double while the resolution halves.",
        lesson=lessons.NEVER_HALVES,
        expected="e.g. 16×32×32, 32×16×16, 64×8×8",
        actual=sizes,
        advice="Give the first block of each stage stride 2 and twice the channels.",
        **place(seen, "output"),
    )


def _wrong_stages(examined: Examined, seen: Observation) -> Finding | None:
    """Stages with other channels, or on other maps, than the plan has. How many blocks each has is another check."""
    wanted, found = ([list(stage.shape) for stage in each] for each in (examined.plan, examined.stages))
    if wanted == found:
        return None
    return Finding(
        Status.FAILED,
        f"{in_case(examined, seen)}: the stages give maps of {', '.join(map(show, found))}; "
        f"expected {', '.join(map(show, wanted))}.",
        lesson=lessons.WRONG_STAGES,
        expected=[list(shape) for shape in wanted],
        actual=[list(shape) for shape in found],
        advice="The first block of a stage changes channels and resolution, the others keep both.",
        **place(seen, "output"),
    )
