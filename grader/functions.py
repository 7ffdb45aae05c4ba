"""The verdict on a function: what it returns, and the gradients through it, call by call."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from grader.judge._call_lessons import NO_GRADIENT, OTHER_GRADIENT, OTHER_VALUE, RAISES
from grader.judge.absent import Finding, ended, missing, noticed, with_said_lesson
from grader.judge.functions import Call, Called, Question, RightFunction
from grader.judge.values import show, unlike
from grader.language import many, say
from grader.mistakes import with_lesson
from grader.observation import Raised
from grader.verdict import LEFT_TO_THE_MARKING, CheckResult, Diagnosis, ExerciseReport, Lesson, Proof, Status


def judge_function(called: Called) -> ExerciseReport:
    """Every check's result, and what explains what is wrong."""
    exercise = called.exercise
    results = []
    for name, points in exercise.points.items():
        status, finding = (_values if name == "values" else _gradient)(called)
        score = points if status is Status.PASSED else 0.0
        title = say("Returned values") if name == "values" else say("Gradient")
        told = with_said_lesson(finding)
        results.append(CheckResult(id=name, title=title, status=status, score=score, max_score=points, **told))
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
        wrong = _wrong_value(called, call)
        if wrong is not None:
            return wrong
    if called.ended is not None:
        return ended(called, _words(called, called.asked) if called.asked is not None else "")
    notes = list(_notes(called))
    times = len(called.calls)
    if exercise.withheld:
        runs = many("It returns in {n} call.", "It returns in {n} calls.", times)
        return Status.SKIPPED, {"message": f"{runs if times else ''} {say(LEFT_TO_THE_MARKING)}".strip()}
    said = many("It returns what it should in {n} call.", "It returns what it should in {n} calls.", times)
    return Status.PASSED, {"message": said, "notes": notes}


def _wrong_value(called: Called, call: Call) -> Finding | None:
    """What is wrong about what one call returns, if anything is."""
    words = _words(called, call.question)
    if call.raised is not None:
        raised = call.raised
        return Status.STUDENT_CRASHED, {
            "message": say("{call}, raises {error}", call=words, error=raised.words),
            "cell": raised.cell,
            "line": raised.line,
            "advice": say("Call it with these arguments in a cell of your own: you get the same error there."),
            "lesson": RAISES,
        }
    difference = None if called.exercise.withheld else called.unlike(call, called.exercise.reference)
    if difference is None:
        return None
    where = say("the value at {place}", place=difference.where) if difference.where else say("what it returns")
    return Status.FAILED, {
        "message": say(
            "{call}: {what} should be {expected}, and is {found}.",
            call=words,
            what=where,
            expected=difference.expected,
            found=difference.found,
        ),
        "expected": difference.expected,
        "actual": difference.found,
        "evidence": _arguments(call),
        "advice": say("Work out this call by hand, and compare step by step."),
        "lesson": OTHER_VALUE,
    }


def _gradient(called: Called) -> Finding:
    if called.found is None or called.ended is not None or any(call.raised for call in called.calls):
        return Status.STUDENT_CRASHED, {
            "message": say("Not measured, because there is nothing that runs."),
            "follows": "values",
            "lesson": RAISES,
        }
    if called.exercise.withheld:
        return Status.SKIPPED, {"message": say(LEFT_TO_THE_MARKING)}
    for number, call in enumerate(called.calls):
        if called.right.cotangents[number] is None:
            continue
        for name, expected in called.right.gradients(number).items():
            wrong = _wrong_gradient(called, call, name, expected)
            if wrong is not None:
                return wrong
    return Status.PASSED, {"message": say("The gradients through it are as they should be.")}


def _wrong_gradient(called: Called, call: Call, name: str, expected: Tensor) -> Finding | None:
    """What is wrong about the gradient of one argument in one call, if anything is."""
    words = _words(called, call.question)
    if call.refused is not None:
        return _refused(words, call.refused)
    if name not in call.gradients:
        return Status.FAILED, {
            "message": say("{call}: no gradient reaches {name}.", call=words, name=name),
            "advice": say("Something on the way cuts the graph: detach, .data, .item(), or numbers made anew."),
            "lesson": NO_GRADIENT,
        }
    difference = unlike(expected, call.gradients[name], called.tolerance_of(call))
    if difference is None:
        return None
    return Status.FAILED, {
        "message": say(
            "{call}: the gradient of {name} at {place} should be {expected}, and is {found}.",
            call=words,
            name=name,
            place=difference.where or say("its value"),
            expected=difference.expected,
            found=difference.found,
        ),
        "expected": difference.expected,
        "actual": difference.found,
        "lesson": OTHER_GRADIENT,
    }


def _refused(words: str, refused: Raised) -> Finding:
    """A call that runs, and raises where a gradient is wanted."""
    return Status.FAILED, {
        "message": say("{call}: the backward pass raises {error}", call=words, error=refused.words)
        if refused.stage == "backward"
        else say("{call}, with arguments that want a gradient, raises {error}", call=words, error=refused.words),
        "advice": say("An in-place operation (`+=`, `relu_`, `inplace=True`) changed a value that the gradient needs.")
        if "inplace operation" in refused.message
        else say("Run one backward pass in your notebook and follow the traceback."),
        "lesson": NO_GRADIENT,
    }


def _words(called: Called, question: Question) -> str:
    """A call, and the case that it belongs to."""
    return f"{called.found}{question}, {question.case.title}"


def _notes(called: Called) -> Iterator[str]:
    """What a right function does besides: each argument is fresh here, but not in a notebook."""
    for name in dict.fromkeys(name for call in called.calls for name in call.changed):
        yield say("It writes into its argument {name}.", name=name)
    for name in dict.fromkeys(name for call in called.calls for name in call.left):
        yield say(
            "It leaves a gradient in its argument {name} (`{name}.grad`). If it is called again with the same tensor, "
            "backward() adds to it, and the answer is wrong, unless it is cleared first.",
            name=name,
        )


def _arguments(call: Call) -> list[str]:
    """Those that were drawn, where they are few enough to be read."""
    return [f"{name} = {show(tensor)}" for name, tensor in call.question.drawn.items()]


def _diagnoses(called: Called) -> Iterator[Diagnosis]:
    withheld = called.exercise.withheld
    for fault in called.exercise.faults if not withheld else ():
        if _behaves_like(called, fault.reference):
            lesson = Lesson(why=fault.why, hints=fault.hints)
            yield Diagnosis(mistake=fault.id, proof=Proof.REPLAYED, message=fault.message, lesson=lesson)
    if (
        called.ran
        and all(call.value is None for call in called.calls)
        and not (withheld or _returns_none(called.right))
    ):
        message = say("It returns nothing: is there a return?")
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
    failed = [result for result in results if result.status.wrong]
    return [
        result.model_copy(update={"score": result.max_score}) if result in failed[1:] else result for result in results
    ]
