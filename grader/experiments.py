"""The verdict on an experiment: each claim and each bound, from numbers that were measured on the trusted side."""

from __future__ import annotations

import statistics

from grader.assignment import Bound, Claim
from grader.judge.absent import Finding, ended, missing, noticed
from grader.judge.experiment import Experimented, sign_test
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
                **finding,
            )
        )
    correct = all(result.status is Status.PASSED for result in results)
    return ExerciseReport.of(exercise, results, [] if correct else list(noticed(experimented)))


def _judge(experimented: Experimented, judged: Claim | Bound) -> Finding:
    if experimented.found is None:
        return missing(experimented)
    series = [judged.series] if isinstance(judged, Bound) else [judged.left, judged.right]
    for name in series:
        if name in experimented.faults:
            return _fault(experimented, name)
    if experimented.broken:
        return Status.GRADER_BROKE, {
            "message": f"What was returned could not be measured ({experimented.broken}). "
            "This is not the student's fault and costs nothing."
        }
    if experimented.ended is not None:
        return ended(experimented)
    return _bound(experimented, judged) if isinstance(judged, Bound) else _claim(experimented, judged)


def _withheld(experimented: Experimented) -> Finding:
    """A student's copy holds neither data nor measures."""
    return missing(experimented) if experimented.found is None else (Status.SKIPPED, {"message": LEFT_TO_THE_MARKING})


def _fault(experimented: Experimented, series: str) -> Finding:
    fault = experimented.faults[series]
    words = f"{experimented.found}, series {series}, round {fault.round + 1}"
    if fault.raised is not None:
        raised = fault.raised
        return Status.STUDENT_CRASHED, {
            "message": f"{words}, raises {raised.type}: {raised.message}",
            "cell": raised.cell,
            "line": raised.line,
            "advice": "Call it with arguments of this kind in a cell of your own: you get the same error there.",
        }
    shape = "×".join(map(str, experimented.exercise.shape))
    expected = f"finite numbers of shape {shape}" if shape else "one finite number"
    return Status.FAILED, {
        "message": f"{words}: expected {expected}, found {fault.returned}.",
        "expected": expected,
        "actual": fault.returned,
    }


def _claim(experimented: Experimented, claim: Claim) -> Finding:
    left, right = (experimented.numbers(series, claim) for series in (claim.left, claim.right))
    test = sign_test(claim, left, right)
    said = _said(claim.left, claim.relation, claim.right, claim.margin)
    message = (
        f"{said} held in {test.held} of {test.rounds} rounds; expected {test.needed} or more "
        f"(one-sided sign test, confidence {100 * claim.confidence:g} %)."
    )
    measured = f"{experimented.exercise.measured(claim)}: {_row(claim.left, left)}; {_row(claim.right, right)}"
    evidence = [
        f"round {number + 1} (seed {round_.seed}): {claim.left} {a:.4g}, {claim.right} {b:.4g}"
        for number, (round_, a, b) in enumerate(zip(experimented.right.rounds, left, right, strict=True))
    ]
    if test.passed:
        return Status.PASSED, {"message": message, "evidence": evidence}
    other = claim.model_copy(update={"left": claim.right, "right": claim.left})
    advice = "Look at the numbers of every round: is each series trained as the task says?"
    if left == right:
        advice = "Both series measure the same in every round: does what differs between them reach your code?"
    elif sign_test(other, right, left).passed:
        advice = "It is the other way round: are the two mixed up?"
    return Status.FAILED, {
        "message": f"{message} Measured, round by round: {measured}.",
        "expected": f"{said} in {test.needed} of {test.rounds} rounds",
        "actual": f"in {test.held} of {test.rounds}",
        "advice": advice,
        "evidence": evidence,
    }


def _bound(experimented: Experimented, bound: Bound) -> Finding:
    numbers = experimented.numbers(bound.series, bound)
    median = statistics.median(numbers)
    low, high = bound.at_least, bound.at_most
    wanted = " and ".join(
        f"{words} {limit:g}" for words, limit in (("at least", low), ("at most", high)) if limit is not None
    )
    passed = (low is None or median >= low) and (high is None or median <= high)
    words = f"{experimented.exercise.measured(bound)} of {bound.series}: the median of {len(numbers)} rounds is"
    if passed:
        return Status.PASSED, {"message": f"{words} {median:.4g}, {wanted}."}
    row = _row(bound.series, numbers)
    return Status.FAILED, {
        "message": f"{words} {median:.4g}; expected {wanted}. Measured, round by round: {row}.",
        "expected": wanted,
        "actual": f"{median:.4g}",
    }


def _said(left: str, relation: str, right: str, margin: float) -> str:
    by = f" by more than {margin:g}" if margin else ""
    return f"{left} {relation} {right}{by}"


def _row(series: str, numbers: list[float]) -> str:
    return f"{series} {', '.join(f'{number:.4g}' for number in numbers)}"
