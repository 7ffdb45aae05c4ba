"""What a proven mistake costs: once, however many checks it makes fail.

Where mistakes were replayed, the reference with just these behaves exactly like the student's code. So whatever fails,
fails by them, and all else is right. Each costs what the assignment says, or the points of one check: the one that it
belongs to, else the first that fails. The other checks have failed as well, and keep their points: reports say why. So
do outputs, gradients and shortcuts that could not be compared, since the code has other parameters than the reference.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

from grader.assignment import Assignment
from grader.errors import AssignmentError
from grader.language import say
from grader.mistakes import mistakes
from grader.mistakes._mistake import Noticed
from grader.verdict import CheckResult, Diagnosis, Proof, Status

COMPARED = ("gradient", "skip-connection")  # checks that set the reference's weights, where the code has these


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
    results: Sequence[CheckResult],
    diagnoses: Sequence[Diagnosis],
    weights: Mapping[str, float],
    *,
    decide: bool,
    paid: Collection[str] = (),
) -> list[CheckResult]:
    """The results with the points that proven mistakes leave.

    Args:
        weights: what a mistake costs, by its id, where the assignment says so.
        decide: do the mistakes account for all that could not be compared? Those of one block of a network do not.
        paid: those that have cost in another exercise.
    """
    measured = [found for each in diagnoses if each.proof is Proof.MEASURED and (found := _noticed(each)) is not None]
    proven = list(dict.fromkeys(each.mistake for each in diagnoses if each.proof is Proof.REPLAYED))
    if not proven:
        return _covered(results, measured)
    if not all(each.of_call for each in measured):
        return list(results)  # what was measured beside them may be another cause
    of_call = {each.check for each in measured}
    if decide:
        results = [_compared(result) for result in results]
    failed = {
        result.id: result.max_score
        for result in results
        if result.status.wrong and result.max_score > 0 and result.id not in of_call
    }
    left = dict(failed)
    for mistake in proven:
        if mistake in paid:
            continue
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


def _noticed(diagnosis: Diagnosis) -> Noticed | None:
    """The mistake that was noticed, if it was: a planted one can be measured too."""
    found = mistakes()[diagnosis.mistake]
    return found if isinstance(found, Noticed) else None


def _covered(results: Sequence[CheckResult], measured: Sequence[Noticed]) -> list[CheckResult]:
    """The results with the points of checks that fail by what was measured, where that costs in its own check."""
    failed = {result.id for result in results if result.status.wrong and result.max_score > 0}
    covered = {check for each in measured if each.check in failed for check in each.covers}
    kept = failed & covered - {each.check for each in measured}
    return [each.model_copy(update={"score": each.max_score}) if each.id in kept else each for each in results]


def _compared(result: CheckResult) -> CheckResult:
    """A check of outputs and gradients, if it could not be measured: these are what was compared in the replay."""
    if result.id not in COMPARED or result.status is not Status.SKIPPED:
        return result
    message = say(
        "With equal weights it cannot be compared, but the reference with what was found does exactly what your code "
        "does, in every case. So it differs from the reference by that, and by nothing else."
    )
    return result.model_copy(update={"status": Status.FAILED, "message": message, "advice": ""})
