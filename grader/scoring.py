"""What a proven mistake costs: once, however many checks it makes fail.

Where mistakes were replayed, the reference with just these behaves exactly like the student's code. So whatever fails,
fails by them, and all else is right. Each costs what the assignment says, or the points of one check: the one that it
belongs to, else the first that fails. The other checks have failed as well, and keep their points: reports say why. A
check that could not be measured, since the code has other parameters than the reference, is decided too: it fails if
nothing else does, and passes otherwise.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from grader.assignment import Assignment
from grader.errors import AssignmentError
from grader.language import say
from grader.mistakes import mistakes
from grader.verdict import CheckResult, Diagnosis, Proof, Status

FAILED = (Status.FAILED, Status.STUDENT_CRASHED)


def require_known_mistakes(assignment: Assignment) -> None:
    """Refuse a price for a mistake that does not exist.

    Raises:
        AssignmentError: names file, exercise and the mistakes that are meant, perhaps.
    """
    for exercise in assignment.code_exercises:
        for name in exercise.mistakes:
            if name not in mistakes():
                close = difflib.get_close_matches(name, mistakes(), n=3) or sorted(mistakes())
                raise AssignmentError(
                    f"{assignment.folder / 'assignment.toml'}: exercise {exercise.id}: mistakes: there is no mistake "
                    f"{name!r}; expected for instance {', '.join(close)}"
                )


def settle(
    results: Sequence[CheckResult], diagnoses: Sequence[Diagnosis], weights: Mapping[str, float], *, decide: bool
) -> list[CheckResult]:
    """The results with the points that proven mistakes leave.

    Args:
        weights: what a mistake costs, by its id, where the assignment says so.
        decide: do the mistakes account for all of it, what could not be measured included? Those of one block of a
            network do not.
    """
    proven = list(dict.fromkeys(each.mistake for each in diagnoses if each.proof is Proof.REPLAYED))
    if not proven or any(each.proof is Proof.MEASURED for each in diagnoses):
        return list(results)  # what was measured beside them may be another cause
    if decide:
        results = _decided(results, mistakes()[proven[0]].check)
    failed = {result.id: result.max_score for result in results if result.status in FAILED and result.max_score > 0}
    left = dict(failed)
    for mistake in proven:
        whole = [name for name in left if left[name] == failed[name]]
        if not whole:
            break
        home = mistakes()[mistake].check
        first = home if home in whole else whole[0]
        cost = weights.get(mistake, failed[first])
        for name in sorted(left, key=lambda name: name != first):
            taken = min(cost, left[name])
            left[name], cost = left[name] - taken, cost - taken
    return [result.model_copy(update={"score": left[result.id]}) if result.id in left else result for result in results]


def _decided(results: Sequence[CheckResult], home: str) -> list[CheckResult]:
    """The results with those decided that could not be measured, the reference with the mistakes being just the same.

    Args:
        home: the check that the first mistake belongs to.
    """
    skipped = [result.id for result in results if result.status is Status.SKIPPED]
    fails = any(result.status in FAILED for result in results)
    failing = None if fails or not skipped else home if home in skipped else skipped[0]
    return [
        result if result.id not in skipped else _failing(result) if result.id == failing else _passing(result)
        for result in results
    ]


def _failing(result: CheckResult) -> CheckResult:
    message = say("The reference with the mistake that was found does exactly what your code does, in every case.")
    return result.model_copy(update={"status": Status.FAILED, "message": message, "advice": ""})


def _passing(result: CheckResult) -> CheckResult:
    message = say(
        "It could not be measured by itself. But the reference with what was found does exactly what your code does, "
        "in every case: nothing else is wrong."
    )
    told = {"status": Status.PASSED, "score": result.max_score, "message": message, "advice": ""}
    return result.model_copy(update=told)
