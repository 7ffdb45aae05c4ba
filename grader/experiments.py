"""The verdict on an experiment: each claim and each bound, from numbers that were measured on the trusted side."""

from __future__ import annotations

import statistics

from grader.assignment import Bound, Claim
from grader.judge._call_lessons import (
    NO_DIFFERENCE,
    NOT_AS_LONG,
    NOT_HELD,
    NOT_THE_NUMBERS,
    ONE_NUMBER,
    OTHER_WAY_ROUND,
    OUT_OF_BOUNDS,
    STOPS,
)
from grader.judge.absent import Finding, ended, missing, noticed, with_said_lesson
from grader.judge.experiment import Experimented, sign_test
from grader.language import many, say
from grader.mistakes import with_lesson
from grader.verdict import LEFT_TO_THE_MARKING, CheckResult, ExerciseReport, Status


def judge_experiment(experimented: Experimented) -> ExerciseReport:
    """Every claim's and bound's result."""
    exercise = experimented.exercise
    results = []
    for name, points in exercise.points.items():
        judged = exercise.judged.get(name)
        status, finding = _judge(experimented, judged) if judged is not None else _withheld(experimented)
        score = points if status is Status.PASSED else 0.0
        results.append(
            CheckResult(
                id=name,
                title=judged.title if judged is not None else name,
                status=status,
                score=score,
                max_score=points,
                **with_said_lesson(finding),
            )
        )
    correct = all(result.status is Status.PASSED for result in results)
    return ExerciseReport.of(exercise, results, [] if correct else list(map(with_lesson, noticed(experimented))))


def _judge(experimented: Experimented, judged: Claim | Bound) -> Finding:
    if experimented.found is None:
        return missing(experimented)
    series = [judged.series] if isinstance(judged, Bound) else [judged.left, judged.right]
    for name in series:
        if name in experimented.faults:
            return _fault(experimented, name)
    if experimented.broken:
        return Status.GRADER_BROKE, {
            "message": say(
                "What was returned could not be measured ({error}). This is not the student's fault and costs nothing.",
                error=experimented.broken,
            )
        }
    if experimented.ended is not None:
        return ended(experimented, _call(experimented, *experimented.asked) if experimented.asked else "")
    departed = [name for name in series if name in experimented.departures]
    if sure := next((name for name in departed if experimented.departures[name][1].is_sure), None):
        return _budget(experimented, sure)
    measured = _bound(experimented, judged) if isinstance(judged, Bound) else _claim(experimented, judged)
    return _budget(experimented, departed[0]) if departed and measured[0] is Status.PASSED else measured


def _withheld(experimented: Experimented) -> Finding:
    """A student's copy holds neither data nor measures."""
    return (
        missing(experimented)
        if experimented.found is None
        else (
            Status.SKIPPED,
            {"message": say(LEFT_TO_THE_MARKING)},
        )
    )


def _fault(experimented: Experimented, series: str) -> Finding:
    fault = experimented.faults[series]
    words = _call(experimented, series, fault.round)
    if fault.raised is not None:
        raised = fault.raised
        return Status.STUDENT_CRASHED, {
            "message": say("{call}, raises {error}", call=words, error=raised.words),
            "cell": raised.cell,
            "line": raised.line,
            "advice": say("Call it with arguments of this kind in a cell of your own: you get the same error there."),
            "lesson": STOPS,
        }
    expected = _asked_for(experimented.exercise.shape, whole=experimented.exercise.whole)
    return Status.FAILED, {
        "message": say(
            "{call}: expected {expected}, found {found}.", call=words, expected=expected, found=fault.returned
        ),
        "expected": expected,
        "actual": fault.returned,
        "lesson": NOT_THE_NUMBERS,
    }


def _budget(experimented: Experimented, series: str) -> Finding:
    """Of numbers that come from another training than the task's: nothing can be claimed of them, whatever they are."""
    number, departure = experimented.departures[series]
    words = say(
        "{call}: expected {expected}, found {found}.",
        call=_call(experimented, series, number),
        expected=departure.expected,
        found=departure.found,
    )
    if not departure.is_sure:
        left = say("Whether it was trained as the task says is left to a human.")
        return Status.SKIPPED, {"message": f"{words} {left}"}
    return Status.FAILED, {
        "message": words,
        "expected": departure.expected,
        "actual": departure.found,
        "advice": say("Train every network with the same loop, as the task gives it, and leave its constants alone."),
        "lesson": NOT_AS_LONG,
    }


def _call(experimented: Experimented, series: str, number: int) -> str:
    """One run, in words."""
    return say(
        "{function}, series {series}, round {round}", function=experimented.found, series=series, round=number + 1
    )


def _asked_for(sizes: list[int], *, whole: bool) -> str:
    """What the function was to return."""
    if len(sizes) == 1:
        if whole:
            return many("a list of one whole number", "{n} whole numbers", sizes[0])
        return many("a list of one finite number", "{n} finite numbers", sizes[0])
    shape = "×".join(map(str, sizes))
    if whole:
        return say("whole numbers of shape {shape}", shape=shape) if shape else say("one whole number")
    return say("finite numbers of shape {shape}", shape=shape) if shape else say("one finite number")


def _claim(experimented: Experimented, claim: Claim) -> Finding:
    left, right = (experimented.numbers(series, claim) for series in (claim.left, claim.right))
    test = sign_test(claim, left, right)
    said = _said(claim.left, claim.relation, claim.right, claim.margin)
    message = say(
        "{claim} held in {held} of {rounds} rounds; expected {needed} or more (one-sided sign test, confidence "
        "{confidence} %).",
        claim=said,
        held=test.held,
        rounds=test.rounds,
        needed=test.needed,
        confidence=f"{100 * claim.confidence:g}",
    )
    rows = f"{_row(claim.left, left)}; {_row(claim.right, right)}"
    measured = say("Measured, round by round: {numbers}.", numbers=f"{experimented.exercise.measured(claim)}: {rows}")
    evidence = [
        say(
            "round {round} (seed {seed}): {left}, {right}",
            round=number + 1,
            seed=round_.seed,
            left=f"{claim.left} {a:.4g}",
            right=f"{claim.right} {b:.4g}",
        )
        for number, (round_, a, b) in enumerate(zip(experimented.right.rounds, left, right, strict=True))
    ]
    if test.passed:
        return Status.PASSED, {"message": message, "evidence": evidence}
    other = claim.model_copy(update={"left": claim.right, "right": claim.left})
    lesson = NOT_HELD
    advice = say("Look at the numbers of every round: is each series trained as the task says?")
    if len({*left, *right}) == 1:
        advice = say(
            "Both series measure {number} in every round: are both as good as can be, is a constant returned, or does "
            "what differs between them not reach your code?",
            number=f"{left[0]:.4g}",
        )
        lesson = ONE_NUMBER
    elif left == right:
        advice = say("Both series measure the same in every round: does what differs between them reach your code?")
        lesson = NO_DIFFERENCE
    elif sign_test(other, right, left).passed:
        advice = say("It is the other way round: are the two mixed up? Where an error rate is near 1, the classes are.")
        lesson = OTHER_WAY_ROUND
    return Status.FAILED, {
        "message": f"{message} {measured}",
        "expected": say("{claim} in {needed} of {rounds} rounds", claim=said, needed=test.needed, rounds=test.rounds),
        "actual": say("in {held} of {rounds}", held=test.held, rounds=test.rounds),
        "advice": advice,
        "lesson": lesson,
        "evidence": evidence,
    }


def _bound(experimented: Experimented, bound: Bound) -> Finding:
    numbers = experimented.numbers(bound.series, bound)
    median = statistics.median(numbers)
    low, high = bound.at_least, bound.at_most
    wanted = _wanted(low, high)
    passed = (low is None or median >= low) and (high is None or median <= high)
    told = {
        "measure": experimented.exercise.measured(bound),
        "series": bound.series,
        "rounds": len(numbers),
        "median": f"{median:.4g}",
        "wanted": wanted,
    }
    if passed:
        message = say("{measure} of {series}: the median of {rounds} rounds is {median}, {wanted}.", **told)
        return Status.PASSED, {"message": message}
    message = say("{measure} of {series}: the median of {rounds} rounds is {median}; expected {wanted}.", **told)
    measured = say("Measured, round by round: {numbers}.", numbers=_row(bound.series, numbers))
    return Status.FAILED, {
        "message": f"{message} {measured}",
        "expected": wanted,
        "actual": f"{median:.4g}",
        "lesson": OUT_OF_BOUNDS,
    }


def _wanted(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return say("at least {low} and at most {high}", low=f"{low:g}", high=f"{high:g}")
    if high is not None:
        return say("at most {high}", high=f"{high:g}")
    return say("at least {low}", low=f"{low:g}")


def _said(left: str, relation: str, right: str, margin: float) -> str:
    claim = f"{left} {relation} {right}"
    return say("{claim} by more than {margin}", claim=claim, margin=f"{margin:g}") if margin else claim


def _row(series: str, numbers: list[float]) -> str:
    return f"{series} {', '.join(f'{number:.4g}' for number in numbers)}"
