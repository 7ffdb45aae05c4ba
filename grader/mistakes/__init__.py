"""Known mistakes, found by walking this folder, and the search for those that explain a student's behaviour."""

from __future__ import annotations

from functools import cache

from grader.family import members
from grader.judge.behaviour import behaves_like
from grader.judge.examine import Observation
from grader.judge.examined import Examined, RightAnswers, redundant_biases
from grader.judge.leaves import signature
from grader.judge.places import place_of
from grader.mistakes._mistake import Mistake, Noticed, Plant, Planted
from grader.verdict import Diagnosis, Proof


@cache
def mistakes() -> dict[str, Mistake]:
    """Every known mistake by its id."""
    found: dict[str, Mistake] = {}
    for member in members(__name__, __path__, Mistake):
        assert member.id not in found, member.id
        found[member.id] = member()
    return found


def diagnose(examined: Examined) -> list[Diagnosis]:
    """The mistakes that explain what a wrong submission does, the most telling first.

    Noticed ones are all named. Of planted ones the first that explains every case is named; if others explain it
    equally, the message says so. When nothing explains it, nothing is claimed.
    """
    noticed: list[Diagnosis] = []
    explained = False
    for mistake in mistakes().values():
        notice = mistake.notice(examined) if isinstance(mistake, Noticed) else None
        if notice is not None and isinstance(mistake, Noticed):
            message = notice.message or mistake.message
            found = Diagnosis(
                mistake=mistake.id, proof=notice.proof, message=message, cell=notice.cell, line=notice.line
            )
            noticed.append(found)
            explained |= mistake.explains
    return noticed if explained else _replay(examined) + noticed


def _replay(examined: Examined) -> list[Diagnosis]:
    observations = list(examined.observations)
    if examined.answers is None or not observations or examined.ended is not None:
        return []
    # The cases that are wrong come first: they tell the mistakes apart.
    right = {id(seen): any(behaves_like(seen, [form]) for form in examined.right_forms(seen)) for seen in observations}
    if all(right.values()):
        return []  # it behaves as it should; what is wrong is something else
    observations.sort(key=lambda seen: right[id(seen)])
    explaining = _explanations(examined.answers, observations, several=False)
    # A block that does one thing is told from one that chooses between two.
    explaining = explaining or _explanations(examined.answers, observations, several=True)
    if not explaining:
        return []
    first, *others = explaining
    message = mistakes()[first].message
    if others:
        message += f" (With {' or '.join(others)} it would behave just the same.)"
    cell, line = place_of(observations[0], explaining[first].where)
    return [Diagnosis(mistake=first, proof=Proof.REPLAYED, message=message, cell=cell, line=line)]


def _explanations(answers: RightAnswers, observations: list[Observation], *, several: bool) -> dict[str, Plant]:
    """Every mistake that behaves as the student's code does, with its way of doing so.

    Args:
        several: look at the ways that choose between several edits, or at those with one.
    """
    found = {}
    for mistake in mistakes().values():
        if isinstance(mistake, Planted):
            plants = [plant for plant in mistake.plants if (len(plant.edits) > 1) is several]
            plant = _explains(answers, observations, plants)
            if plant is not None:
                found[mistake.id] = plant
    return found


def _explains(answers: RightAnswers, observations: list[Observation], plants: list[Plant]) -> Plant | None:
    """The first of these ways to behave as the student's code does in every case."""
    for variant in range(len(answers.reference.variants)):
        for plant in plants:
            if all(_fits(answers, plant, seen, variant) for seen in observations):
                return plant
    return None


def _fits(answers: RightAnswers, plant: Plant, seen: Observation, variant: int) -> bool:
    """Does the reference with this mistake behave as the student's code does in one case?"""
    mine = signature(seen.slots)
    biases = redundant_biases(mine)
    if seen.built.raised is not None:
        return any(behaves_like(seen, answers.planted(edit, seen.case, variant, biases)) for edit in plant.edits)
    # For each edit the forms with the student's slots: one, or one for each way to fill like slots.
    ways = []
    for edit in plant.edits:
        forms = [f for f in answers.planted(edit, seen.case, variant, biases) if f.signature == mine]
        ways.append([each for form in forms for each in ([form] if seen.recorded else form.relabelled)])
    return any(behaves_like(seen, forms) for forms in zip(*ways, strict=False))
