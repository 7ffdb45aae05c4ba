"""What a written answer is worth, as far as that can be read: points are proposed, and nobody fails by it.

A concept that the answer surely states gets its points, with the sentence that says so. Everything else is
left to a human, with what was read and why it is not sure. A misconception costs nothing: its reply is shown,
and the concepts that it contradicts are left to a human too.
"""

from __future__ import annotations

import unicodedata

from grader.assignment import Assignment, Concept, EssayExercise, Misconception
from grader.essay import Given, Reading, Sight, Stance, is_foreign, read
from grader.language import later, say
from grader.starter import starter_cells
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Proof, Status

_QUOTED = 240  # characters of a sentence
_MOST_EVIDENCE = 5  # sentences
STANCES = {Stance.ASSERTED: later("asserted"), Stance.UNCLEAR: later("unclear"), Stance.DENIED: later("denied")}


def parts(exercise: EssayExercise) -> dict[str, float]:
    """Id and points of each check of a written answer."""
    return {concept.id: concept.points for concept in exercise.concepts} or {"answer": exercise.max_points}


def given_text(assignment: Assignment) -> str:
    """What students were given to read: the questions, and the starter's own words.

    Raises:
        AssignmentError: the starter is no notebook.
    """
    questions = [f"{exercise.title}\n\n{exercise.task}" for exercise in assignment.exercises]
    return "\n\n".join([*questions, *(source for kind, source in starter_cells(assignment) if kind == "markdown")])


def mark(exercise: EssayExercise, answer: str | None, given: str) -> ExerciseReport:
    """The report on one written answer.

    Args:
        given: what the student was given to read, and may have copied.
    """
    readings: dict[str, Reading] = {}
    if answer and (exercise.concepts or exercise.misconceptions):
        accusing = {each.id for each in exercise.misconceptions}
        readings = read(answer, exercise.patterns, Given(given), accusing=accusing)
    believed = [each for each in exercise.misconceptions if each.id in readings and readings[each.id].sure]
    if exercise.concepts and answer:
        checks = [_concept(each, readings[each.id], believed, foreign=is_foreign(answer)) for each in exercise.concepts]
    else:
        checks = [_pending(exercise, name, points, answer) for name, points in parts(exercise).items()]
    return ExerciseReport.of(exercise, checks, [_reply(each, readings[each.id]) for each in believed], answer=answer)


def _pending(exercise: EssayExercise, name: str, points: float, answer: str | None) -> CheckResult:
    message = (
        say("Pending: a human marks this answer.")
        if answer
        else say("Pending: no answer was found below its heading; a human looks for it and decides.")
    )
    titles = {concept.id: concept.title for concept in exercise.concepts}
    return CheckResult(
        id=name,
        title=titles[name] if name in titles else say("Written answer"),
        status=Status.SKIPPED,
        score=0.0,
        max_score=points,
        message=message,
    )


def _concept(concept: Concept, reading: Reading, believed: list[Misconception], *, foreign: bool) -> CheckResult:
    against = [each.id for each in believed if concept.id in each.contradicts]
    asserted, denied, unclear = (reading.of(stance) for stance in (Stance.ASSERTED, Stance.DENIED, Stance.UNCLEAR))
    passed = reading.sure and not against
    if passed:
        told = {"points": f"{concept.points:g}", "quote": _quote(asserted[0])}
        message = (
            say("Proposed: {points} of {points} points. Surely read, {n} times: {quote}", n=len(asserted), **told)
            if len(asserted) > 1
            else say("Proposed: {points} of {points} points. Surely read: {quote}", **told)
        )
    elif asserted and denied:
        message = say(
            "Left to a human: the answer says so, {quote}, and denies it, {denial}.",
            quote=_quote(asserted[0]),
            denial=_quote(denied[0]),
        )
    elif asserted:
        message = say(
            "Left to a human: {quote} says so, but the answer also says what speaks against it ({against}).",
            quote=_quote(asserted[0]),
            against=", ".join(against),
        )
    elif denied:
        message = say(
            "Left to a human: it was read as denied ({why}) in {quote}.",
            why=denied[0].why,
            quote=_quote(denied[0]),
        )
    elif foreign:
        message = say("Left to a human: only English is read, and this answer seems to be in another language.")
    elif unclear:
        message = say(
            "Left to a human, not sure: {quote} may say so, but {why}.",
            quote=_quote(unclear[0]),
            why=unclear[0].why,
        )
    else:
        message = say("Left to a human: no sentence was found that surely says this. It may be there in other words.")
    return CheckResult(
        id=concept.id,
        title=concept.title,
        status=Status.PASSED if passed else Status.SKIPPED,
        score=concept.points if passed else 0.0,
        max_score=concept.points,
        message=message,
        evidence=[_evidence(sight) for sight in reading.sights[:_MOST_EVIDENCE]],
    )


def _evidence(sight: Sight) -> str:
    said = f"{say(STANCES[sight.stance])}: {_quote(sight)}"
    return f"{said} ({say(sight.why)})" if sight.why else said


def _reply(misconception: Misconception, reading: Reading) -> Diagnosis:
    written = say("You write {quote}.", quote=_quote(reading.of(Stance.ASSERTED)[0]))
    return Diagnosis(
        mistake=misconception.id,
        proof=Proof.REPORTED,
        message=f"{written} {misconception.reply}",
    )


def _quote(sight: Sight) -> str:
    text = "".join(sign for sign in sight.sentence if unicodedata.category(sign)[0] != "C")
    return say("“{text}”", text=text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…")
