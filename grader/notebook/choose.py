"""Which exercise of which assignment is meant?

The assignment is found as `grader check` finds it: the one that was named, else the one that the notebook's metadata
name, else the only one that asks for this. Where that leaves a choice, the message lists it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import reduce

from grader.assignment import (
    Assignment,
    CalledExercise,
    Exercise,
    find_assignment,
    load_assignment,
    names_of,
    shipped_assignments,
)
from grader.candidates import candidates
from grader.errors import UsageError
from grader.language import later, say

_HOW = later("`grader.check(…, assignment=…)` or `%%check … --assignment …`")


def choose(
    exercise: str | None, names: list[str], assignment: str | None, named: str | None
) -> tuple[Assignment, CalledExercise]:
    """The exercise with an id, or the one that asks for what is defined under a name, and its assignment.

    Args:
        exercise: the id, or a name that it asks for; None: the names decide.
        names: of the object.
        assignment: an id or a folder, where one was given.
        named: the assignment in the notebook's metadata.

    Raises:
        UsageError: none, or more than one, is possible, or it is not one that can be checked here; lists the choices.
        AssignmentError: the assignment's file is wrong.
    """
    if exercise is None and not names:
        raise UsageError(
            say("What you gave has no name, so it is not clear what it answers: say it with `exercise=…`.")
        )
    what = f"'{exercise}'" if exercise is not None else names[0]

    def asked_in(each: Assignment) -> list[Exercise]:
        if exercise is not None:
            return [e for e in each.exercises if e.id == exercise] or _asking(each, [exercise])
        return _asking(each, names)

    home = _home(assignment, named)
    if home is None:
        home = _only(what, asked_in)
    found = asked_in(home)
    if not found:
        raise UsageError(_joined(_not_asked(home, what), _nearly(what, [home]), _it_has(home)))
    if len(found) > 1:
        raise UsageError(_may_answer(what, found))
    return home, _called(found[0])


def _not_asked(home: Assignment, what: str) -> str:
    return say("The assignment '{assignment}' asks for nothing that is called {name}.", assignment=home.id, name=what)


def _it_has(home: Assignment) -> str:
    listed = ", ".join(f"{e.id} ({e.name})" for e in home.called_exercises) or say("none with code")
    return say("It has {exercises}. Another assignment is named with {how}.", exercises=listed, how=say(_HOW))


def _may_answer(what: str, found: list[Exercise]) -> str:
    first, *others = (e.id for e in found)
    ids = reduce(lambda some, one: say("{some} or {one}", some=some, one=one), others, first)
    return say("{name} may answer {exercises}: name one with `exercise=…`.", name=what, exercises=ids)


def _home(assignment: str | None, named: str | None) -> Assignment | None:
    """The assignment that was named."""
    if assignment is not None:
        return find_assignment(assignment)
    if named is None:
        return None
    try:
        return find_assignment(named)
    except UsageError:
        raise UsageError(
            say(
                "This notebook names the assignment '{assignment}', which is not here: give the folder that holds its "
                "assignment.toml with {how}.",
                assignment=named,
                how=say(_HOW),
            )
        ) from None


def _only(what: str, asked_in: Callable[[Assignment], list[Exercise]]) -> Assignment:
    """The only shipped assignment that asks for it; what is answered in words counts where nothing else does."""
    loaded = [load_assignment(folder) for folder in shipped_assignments().values()]
    asking = [each for each in loaded if asked_in(each)]
    called = [each for each in asking if any(isinstance(e, CalledExercise) for e in asked_in(each))]
    open_ones = [each for each in called if each.guess] or [each for each in asking if each.guess]
    if len(open_ones) == 1:
        return open_ones[0]
    choices = ", ".join(each.id for each in open_ones or asking)
    if choices:
        raise UsageError(_choose_from(what, choices, several=len(open_ones or asking) > 1))
    raise UsageError(
        _joined(
            say("No assignment here asks for {name}.", name=what),
            _nearly(what, loaded),
            say(
                "If your course has one of its own, give the folder that holds its assignment.toml with {how}. "
                "The ones that are here: {assignments}.",
                how=say(_HOW),
                assignments=", ".join(each.id for each in loaded),
            ),
        )
    )


def _choose_from(what: str, choices: str, *, several: bool) -> str:
    if several:
        return say(
            "Several assignments ask for {name}: {assignments}. Name yours with {how}.",
            name=what,
            assignments=choices,
            how=say(_HOW),
        )
    return say(
        "An assignment that has to be named asks for {name}: {assignments}. Name yours with {how}.",
        name=what,
        assignments=choices,
        how=say(_HOW),
    )


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _asking(assignment: Assignment, names: Iterable[str]) -> list[Exercise]:
    """The exercises that ask for one of these names, or for one that is spelt a little differently."""
    given = set(names)
    named = [*assignment.called_exercises, *assignment.quiz_exercises]
    exact: list[Exercise] = [e for e in named if given & set(names_of(e))]
    return exact or [e for e in assignment.called_exercises if given & set(candidates(e, given))]


def _called(exercise: Exercise) -> CalledExercise:
    if isinstance(exercise, CalledExercise):
        return exercise
    raise UsageError(
        say(
            "'{exercise}' is answered in the notebook itself, in words or as a value, and such answers are read from "
            "its file: save it, and run `grader check` on it.",
            exercise=exercise.id,
        )
    )


def _nearly(what: str, loaded: Iterable[Assignment]) -> str:
    """The exercise that was meant, where something was misspelt."""
    known = [word for each in loaded for e in each.called_exercises for word in (e.id, *names_of(e))]
    like = get_close_matches(what.strip("'"), known, n=1)
    return say("Did you mean {name}?", name=like[0]) if like else ""
