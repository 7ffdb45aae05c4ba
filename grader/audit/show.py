"""An audit as the terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator

from grader.audit.findings import Audit, ExerciseAudit

NOBODY = "none"


def lines(audit: Audit) -> Iterator[str]:
    """The audit in words, exercise by exercise."""
    for exercise in audit.exercises:
        yield from _exercise(exercise)
    if not audit.exercises:
        yield f"{audit.assignment}: no exercise asks for a module, so there is nothing to plant"
        return
    missed = sum(len(each.missed) for each in audit.exercises)
    accused = sum(len(each.accused) for each in audit.exercises)
    yield f"{audit.assignment}: mistakes that would be missed: {missed or NOBODY}"
    yield f"{audit.assignment}: right answers that would be accused: {accused or NOBODY}"


def _exercise(audit: ExerciseAudit) -> Iterator[str]:
    yield f"{audit.exercise}  ({audit.what})"
    yield f"  graded   {audit.right} right programs, {audit.wrong} wrong ones"
    yield f"  caught   {len(audit.caught)} mistakes"
    if not audit.right:
        yield "  UNTRIED  no right program could be written: whether right answers are accused is not known"
    if not audit.wrong:
        yield "  UNTRIED  no known mistake can be planted: whether wrong answers pass is not known"
    for missed in audit.missed:
        yield f"  MISSED   {missed.mistake}: {missed.remedy}"
    for accused in audit.accused:
        yield f"  ACCUSED  a right answer in the style {accused.style}: {' '.join(accused.messages)}"
    for text in audit.not_written:
        yield f"  skipped  {text}"
    if audit.without_effect:
        yield f"  no effect in this exercise: {', '.join(audit.without_effect)}"
    yield ""
