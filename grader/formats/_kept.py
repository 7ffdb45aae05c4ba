"""Words for a check that fails and keeps points: a proven mistake costs once, however many checks fail by it."""

from __future__ import annotations

from collections.abc import Callable

from grader.formats._words import CHECK, Label, points
from grader.language import later, say
from grader.verdict import CheckResult, ExerciseReport

# Beside full points `Failed` alone would read as a contradiction.
COSTS_NOTHING = Label("wrong", "✗", later("Fails too, costs nothing more"))


def name_of(check: CheckResult) -> str:
    """As pages call it; where only the contract's fields are there, its id."""
    return check.title or check.id


def keeps_all(check: CheckResult) -> bool:
    """Did it fail, and was the mistake paid for elsewhere?"""
    return _fails(check) and 0 < check.max_score <= check.score


def kept_words(
    exercise: ExerciseReport,
    check: CheckResult,
    name: Callable[[CheckResult], str] = name_of,
    may_be_named: Callable[[CheckResult], bool] = lambda check: True,
) -> str:
    """Why a check that fails has points; "" where that needs no words.

    Args:
        name: what a check is called.
        may_be_named: may another check be spoken of here? On a platform its result may be held back for longer.
    """
    if not _fails(check) or check.score <= 0:
        return ""
    if not keeps_all(check):
        lost = check.max_score - check.score
        return say(
            "What makes this fail costs {lost} of these {max_score} points.",
            lost=points(lost),
            max_score=points(check.max_score),
        )
    paid = [other for other in exercise.checks if _fails(other) and other.score < other.max_score]
    if not paid or not all(map(may_be_named, paid)):
        return say("What makes this fail has cost its points at another check; here it costs nothing.")
    return say(
        "What makes this fail has cost its points at {checks}; here it costs nothing.",
        checks=say(" and ").join(map(name, paid)),
    )


def points_words(exercise: ExerciseReport, check: CheckResult) -> str:
    """`10 of 10 points.`, and why it has them where it fails all the same."""
    won = say("{score} of {max_score} points.", score=points(check.score), max_score=points(check.max_score))
    return f"{won} {kept_words(exercise, check)}".rstrip()


def _fails(check: CheckResult) -> bool:
    return CHECK[check.status].look == "wrong"
