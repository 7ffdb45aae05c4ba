"""The verdict on an experiment: each claim and each bound, from numbers that were measured on the trusted side."""

from __future__ import annotations

import statistics

from grader.assignment import Bound, Claim
from grader.judge.absent import Finding, ended, missing, noticed
from grader.judge.experiment import Experimented, sign_test
from grader.mistakes import with_lesson
from grader.verdict import LEFT_TO_THE_MARKING, CheckResult, ExerciseReport, Lesson, Status

STOPS = Lesson(
    why="An experiment that stops with an error has no result for that round. A claim needs the numbers of all rounds.",
    hints=(
        "The same function is called again and again, with fresh data and another seed each time.",
        "Make the call in a cell of your own, with data of that kind, and read the last line of the error.",
        "Mend the line that stops, and run a few rounds with different seeds.",
    ),
)

NOT_THE_NUMBERS = Lesson(
    why=(
        "The measure is taken from what you return, so it has to be numbers of the right shape. Anything else cannot "
        "be measured."
    ),
    hints=(
        "You return predictions, and the grader says how good they are.",
        "Print the shape and the dtype of what your function returns, and look for NaN in it.",
        "Return what the task names, as finite numbers, one for each sample it asks for.",
    ),
)

NOT_HELD = Lesson(
    why=(
        "One lucky run proves nothing, so the claim was tested in many rounds. It held in too few of them to be more "
        "than chance."
    ),
    hints=(
        "A sign test asks in how many rounds one side was ahead. Chance alone gives about half of them.",
        "Look at the numbers of each round under the evidence. Is the difference small, or is it sometimes the wrong "
        "way?",
        "Train both sides in the same way, as long as the task says, and change only what the claim is about.",
    ),
)

NO_DIFFERENCE = Lesson(
    why=(
        "Two series that agree to the last digit are one and the same experiment. So what should differ between them "
        "does not reach your code."
    ),
    hints=(
        "A comparison changes one thing and holds all else equal. Here nothing was changed.",
        "Look at the argument that tells the series apart. Where does your function use it?",
        "Use that argument to build the network, in place of a fixed value.",
    ),
)

OTHER_WAY_ROUND = Lesson(
    why="The difference is there and it is sure, but it points the other way. Most likely the two sides were mixed up.",
    hints=(
        "A claim has a direction: which side is larger, and which is smaller.",
        "Check which network is built for which series, and whether a loss or an accuracy is returned.",
        "Swap the two where they are chosen.",
    ),
)

OUT_OF_BOUNDS = Lesson(
    why=(
        "The task gives a range in which the number should lie if all works. Outside of it the training did not do "
        "what it should, or something else was measured."
    ),
    hints=(
        "The middle value of all rounds is judged, so that one odd round does not decide.",
        "Look at the numbers round by round. Are all of them off, or only some?",
        "Check the learning rate, the number of steps and what is returned, against the task.",
    ),
)


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
            "message": f"{words}, raises {raised.words}",
            "cell": raised.cell,
            "line": raised.line,
            "advice": "Call it with arguments of this kind in a cell of your own: you get the same error there.",
            "lesson": STOPS,
        }
    shape = "×".join(map(str, experimented.exercise.shape))
    expected = f"finite numbers of shape {shape}" if shape else "one finite number"
    return Status.FAILED, {
        "message": f"{words}: expected {expected}, found {fault.returned}.",
        "expected": expected,
        "actual": fault.returned,
        "lesson": NOT_THE_NUMBERS,
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
    lesson = NOT_HELD
    advice = "Look at the numbers of every round: is each series trained as the task says?"
    if left == right:
        advice = "Both series measure the same in every round: does what differs between them reach your code?"
        lesson = NO_DIFFERENCE
    elif sign_test(other, right, left).passed:
        advice = "It is the other way round: are the two mixed up?"
        lesson = OTHER_WAY_ROUND
    return Status.FAILED, {
        "message": f"{message} Measured, round by round: {measured}.",
        "expected": f"{said} in {test.needed} of {test.rounds} rounds",
        "actual": f"in {test.held} of {test.rounds}",
        "advice": advice,
        "lesson": lesson,
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
        "lesson": OUT_OF_BOUNDS,
    }


def _said(left: str, relation: str, right: str, margin: float) -> str:
    by = f" by more than {margin:g}" if margin else ""
    return f"{left} {relation} {right}{by}"


def _row(series: str, numbers: list[float]) -> str:
    return f"{series} {', '.join(f'{number:.4g}' for number in numbers)}"
