"""One check of one object: choose the exercise, ask the live object, judge it as `grader check` does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from grader.assignment import Assignment, CalledExercise, NetworkExercise
from grader.candidates import candidates
from grader.checks import require_known
from grader.earlier import Earlier
from grader.errors import AssignmentError, GraderError, SessionEnded, UsageError
from grader.exercise import judge, look_at
from grader.hints import exercise_without_last_hints
from grader.language import later, say, speaking
from grader.notebook.card import Card
from grader.notebook.choose import choose
from grader.notebook.kernel import Notebook, this_notebook
from grader.notebook.language import language_here
from grader.notebook.live import LiveWorker
from grader.notebook.untouched import untouched
from grader.right import Right
from grader.scoring import require_known_mistakes
from grader.verdict import ExerciseReport

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_SEED = 0  # as `grader check` has it unless told otherwise
_SECRET = later(
    "If your course keeps the solution to itself, it cannot be checked here: hand your notebook in as you were told."
)


def check(subject: Any, exercise: str | None = None, assignment: str | None = None) -> Card:
    """See `grader.check`."""
    if isinstance(subject, str) and exercise is None:
        return check_defined(subject, assignment)
    with speaking(language_here(assignment)):
        return _check(this_notebook(), subject, exercise, assignment)


def _check(notebook: Notebook, subject: Any, exercise: str | None, assignment: str | None) -> Card:
    note = ""
    if isinstance(subject, nn.Module):
        kind = type(subject)
        if not any(value is kind for value in notebook.namespace.values()):
            return Card.refusal(
                say(
                    "This is a module that is built already. Give the class or the function that builds it, as in "
                    "`grader.check(build_network)`: it is built anew for every case."
                )
            )
        note = say(
            "You gave an object; its class, {name}, was checked, and the object was left as it is.", name=kind.__name__
        )
        subject = kind
    if not callable(subject):
        return Card.refusal(
            say(
                "There is nothing to check in this {kind}: give the class, or the function, itself, as in "
                "`grader.check(ResBlock)`.",
                kind=type(subject).__name__,
            )
        )
    return _card(notebook, exercise, assignment, subject, note)


def check_defined(exercise: str, assignment: str | None = None, stale: Mapping[str, Any] = _NOTHING) -> Card:
    """Check what the notebook defines for the exercise with this id.

    Args:
        stale: what was defined before a cell that raised: what is still the same is not what the student means.
    """
    with speaking(language_here(assignment)):
        return _card(this_notebook(), exercise, assignment, None, "", stale)


def _card(
    notebook: Notebook,
    exercise: str | None,
    assignment: str | None,
    subject: Any,
    note: str,
    stale: Mapping[str, Any] = _NOTHING,
) -> Card:
    """The card of one check, whatever comes of it.

    Args:
        subject: what is checked; None: what the notebook defines for the exercise.
    """
    names = _names_of(subject, notebook) if subject is not None else []
    try:
        home, asked = choose(exercise, names, assignment, notebook.executed.assignment_id)
        if subject is None:
            name = _defined_for(notebook, asked)
            subject = notebook.namespace[name]
            if stale.get(name) is subject:
                raise UsageError(
                    say("The cell stopped before it defined {name} anew: mend the error, and run it again.", name=name)
                )
        else:
            name = next((n for n in candidates(asked, names) if n in names), names[0] if names else asked.name)
        with speaking(home.language), untouched():
            report = _judge(notebook, {**notebook.namespace, name: subject}, home, asked, name)
    except AssignmentError as error:
        return Card.refusal(str(error), say(_SECRET))
    except GraderError as error:
        return Card.refusal(str(error))
    except Exception as error:
        return Card.refusal(
            say(
                "The grader itself failed ({error}). That is no mistake of yours, and says nothing about your code.",
                error=f"{type(error).__name__}: {error}",
            ),
            say("Restart the kernel and try again. What you hand in is graded in another place."),
        )
    with speaking(home.language):
        return Card.of(report, home, notebook.executed, name, notebook.cell_of(subject), note)


def _judge(
    notebook: Notebook, namespace: dict[str, Any], home: Assignment, asked: CalledExercise, name: str
) -> ExerciseReport:
    right = _right(home)
    names = {each.id: candidates(each, notebook.defined) for each in home.called_exercises}
    names[asked.id] = [name]
    earlier: dict[str, Earlier] = {}
    with LiveWorker(namespace, notebook.numbers, notebook.sources, home.limits.seconds) as worker:
        executed = worker.executed(sorted({each for found in names.values() for each in found}))
        for each in _with_earlier(home, asked):
            seen = right.nothing_seen(each, notebook.defined)
            try:
                look_at(worker, seen, executed, names[each.id], _SEED, home.limits)
            except SessionEnded as error:
                seen.ended = error
            report = judge(seen, right, earlier)
    return report if home.hints.show_last(datetime.now(UTC)) else exercise_without_last_hints(report)


def _with_earlier(home: Assignment, asked: CalledExercise) -> list[CalledExercise]:
    """Before a network, what its blocks may have made wrong already, which does not count again."""
    before = home.code_exercises[: home.code_exercises.index(asked)] if isinstance(asked, NetworkExercise) else []
    return [*before, asked]


def _names_of(subject: Any, notebook: Notebook) -> list[str]:
    """Its own name, and those under which the notebook knows it."""
    own = getattr(subject, "__name__", None)
    known = [name for name in notebook.defined if notebook.namespace[name] is subject]
    return list(dict.fromkeys([*([own] if isinstance(own, str) else []), *known]))


def _defined_for(notebook: Notebook, asked: CalledExercise) -> str:
    """The name under which the notebook defines what an exercise asks for.

    Raises:
        UsageError: it does not.
    """
    for name in candidates(asked, notebook.defined):
        if callable(notebook.namespace.get(name)):
            return name
    raise UsageError(
        say(
            "There is no {name} yet: define it, spelt exactly so, run the cell that does, and check again.",
            name=asked.name,
        )
    )


_kept: dict[Path, tuple[Assignment, Right]] = {}


def _right(home: Assignment) -> Right:
    """Kept from check to check, as long as the assignment is the same: references are recorded once."""
    folder = home.folder.resolve()
    if folder not in _kept or _kept[folder][0] != home:
        require_known(home)
        require_known_mistakes(home)
        _kept[folder] = home, Right(home, _SEED, "cpu")
    return _kept[folder][1]
