"""The verdict on a function: what it returns, and the gradients through it, call by call."""

from __future__ import annotations

from collections.abc import Iterator

from grader.judge.absent import Finding, ended, missing, noticed
from grader.judge.functions import Call, Called, RightFunction
from grader.judge.values import show, unlike
from grader.mistakes import with_lesson
from grader.verdict import LEFT_TO_THE_MARKING, CheckResult, Diagnosis, ExerciseReport, Lesson, Proof, Status

RAISES = Lesson(
    why=(
        "A function that stops with an error gives no answer, so no call behind it can be judged. The next person to "
        "use it would be stopped in the same way."
    ),
    hints=(
        "The last line of an error says what went wrong, and the lines above it say where.",
        "Make the same call in a cell of your own, and print the values in front of the line that stops.",
        "Mend that line so that all the calls of the task run through, the unusual ones as well.",
    ),
)

OTHER_VALUE = Lesson(
    why=(
        "The function runs, but what it returns is not what the task describes. Code that builds on it would carry the "
        "fault further without a word."
    ),
    hints=(
        "A function is right when it is right for each argument, and not only for the one you tried.",
        "Take the call that is named here, work it out by hand, and print each step of your function beside it.",
        "Change the first step whose value is not yours, and try a second call.",
    ),
)

NO_GRADIENT = Lesson(
    why=(
        "If no gradient gets through, nothing that stands before this function can learn. The value alone is only half "
        "of what is asked for."
    ),
    hints=(
        "PyTorch goes back along its own operations. A plain number has no way back.",
        "Look for `.item()`, `.data`, `detach()`, `float(...)` and tensors that are made anew from numbers.",
        "Stay with tensors from the argument to the result.",
    ),
)

OTHER_GRADIENT = Lesson(
    why=(
        "The values are right, but a small change of the argument would not have the effect that it should. Training "
        "would go in a wrong direction."
    ),
    hints=(
        "The gradient comes from each operation on the way. If one of them is left out of the history, its share is "
        "missing.",
        "Look for a step that is computed outside of PyTorch, rounded, or cut off.",
        "Write that step with operations of torch, so that its share is counted.",
    ),
)


def judge_function(called: Called) -> ExerciseReport:
    """Every check's result, and what explains what is wrong."""
    exercise = called.exercise
    results = []
    for name, points in exercise.points.items():
        status, finding = (_values if name == "values" else _gradient)(called)
        score = points if status is Status.PASSED else 0.0
        title = "Returned values" if name == "values" else "Gradient"
        results.append(CheckResult(id=name, title=title, status=status, score=score, max_score=points, **finding))
    correct = all(result.status is Status.PASSED for result in results)
    diagnoses = [] if correct else list(_diagnoses(called))
    if any(diagnosis.proof is Proof.REPLAYED for diagnosis in diagnoses):
        results = _once(results)
    return ExerciseReport.of(exercise, results, diagnoses)


def _values(called: Called) -> Finding:
    exercise = called.exercise
    if called.found is None:
        return missing(called)
    for call in called.calls:
        words = f"{called.found}{call.question}, {call.question.case.title}"
        if call.raised is not None:
            raised = call.raised
            return Status.STUDENT_CRASHED, {
                "message": f"{words}, raises {raised.words}",
                "cell": raised.cell,
                "line": raised.line,
                "advice": "Call it with these arguments in a cell of your own: you get the same error there.",
                "lesson": RAISES,
            }
        difference = None if exercise.withheld else called.unlike(call, exercise.reference)
        if difference is not None:
            where = f"the value at {difference.where}" if difference.where else "what it returns"
            return Status.FAILED, {
                "message": f"{words}: {where} should be {difference.expected}, and is {difference.found}.",
                "expected": difference.expected,
                "actual": difference.found,
                "evidence": _arguments(call),
                "advice": "Work out this call by hand, and compare step by step.",
                "lesson": OTHER_VALUE,
            }
    if called.ended is not None:
        return ended(called)
    notes = [f"It writes into its argument {name}." for call in called.calls for name in call.changed]
    times = len(called.calls)
    if exercise.withheld:
        runs = f"It returns in {times} {'call' if times == 1 else 'calls'} with fresh arguments." if times else ""
        return Status.SKIPPED, {"message": f"{runs} {LEFT_TO_THE_MARKING}".strip()}
    said = f"It returns what it should in {times} {'call' if times == 1 else 'calls'} with fresh arguments."
    return Status.PASSED, {"message": said, "notes": list(dict.fromkeys(notes))}


def _gradient(called: Called) -> Finding:
    if called.found is None or called.ended is not None or any(call.raised for call in called.calls):
        return Status.STUDENT_CRASHED, {
            "message": "Not measured, because there is nothing that runs.",
            "follows": "values",
            "lesson": RAISES,
        }
    if called.exercise.withheld:
        return Status.SKIPPED, {"message": LEFT_TO_THE_MARKING}
    for number, call in enumerate(called.calls):
        if called.right.cotangents[number] is None:
            continue
        for name, expected in called.right.gradients(number).items():
            words = f"{called.found}{call.question}, {call.question.case.title}"
            if name not in call.gradients:
                return Status.FAILED, {
                    "message": f"{words}: no gradient reaches {name}.",
                    "advice": "Something on the way cuts the graph: detach, .data, .item(), or numbers made anew.",
                    "lesson": NO_GRADIENT,
                }
            difference = unlike(expected, call.gradients[name], called.tolerance)
            if difference is not None:
                return Status.FAILED, {
                    "message": f"{words}: the gradient of {name} at {difference.where or 'its value'} should be "
                    f"{difference.expected}, and is {difference.found}.",
                    "expected": difference.expected,
                    "actual": difference.found,
                    "lesson": OTHER_GRADIENT,
                }
    return Status.PASSED, {"message": "The gradients through it are as they should be."}


def _arguments(call: Call) -> list[str]:
    """Those that were drawn, where they are few enough to be read."""
    return [f"{name} = {show(tensor)}" for name, tensor in call.question.drawn.items()]


def _diagnoses(called: Called) -> Iterator[Diagnosis]:
    withheld = called.exercise.withheld
    for fault in called.exercise.faults if not withheld else ():
        if _behaves_like(called, fault.reference):
            yield Diagnosis(mistake=fault.id, proof=Proof.REPLAYED, message=fault.message)
    if (
        called.ran
        and all(call.value is None for call in called.calls)
        and not (withheld or _returns_none(called.right))
    ):
        message = "It returns nothing: is there a return?"
        yield with_lesson(Diagnosis(mistake="output-missing", proof=Proof.MEASURED, message=message))
    yield from map(with_lesson, noticed(called))


def _behaves_like(called: Called, reference: str) -> bool:
    """Does every call give what a known fault gives, and one of them not what is right?"""
    if called.found is None or called.ended is not None:
        return False
    for call in called.calls:
        raises = called.right.of(reference, call.question).raises
        if raises != (call.raised is not None) or (not raises and called.unlike(call, reference) is not None):
            return False
    return any(call.raised or called.unlike(call, called.exercise.reference) for call in called.calls)


def _returns_none(right: RightFunction) -> bool:
    return all(right.of(right.exercise.reference, question).value is None for question in right.questions)


def _once(results: list[CheckResult]) -> list[CheckResult]:
    """A proven mistake costs the first check that fails; the others keep their points."""
    failed = [result for result in results if result.status in (Status.FAILED, Status.STUDENT_CRASHED)]
    return [
        result.model_copy(update={"score": result.max_score}) if result in failed[1:] else result for result in results
    ]
