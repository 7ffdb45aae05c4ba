"""Which assignment do these submissions belong to?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from grader.assignment import Assignment, find_assignment, load_assignment, names_of
from grader.errors import UsageError
from grader.submission.definitions import defines
from grader.submission.nouns import Submission

# A class of thousands must not be read to its end before the first is graded.
LOOK_AT = 20


def choose_assignment(wanted: str | None, submissions: Iterable[Submission], shipped: Mapping[str, Path]) -> Assignment:
    """The assignment asked for, else the one that the notebooks are for: that their metadata name, or that asks for
    what they define. One in four may be for another one, or for none: nobody decides for a class.

    Args:
        wanted: an id or a folder, as given on the command line.
        submissions: read one by one, and only the first few, until the assignment is clear.
        shipped: id and folder of the assignments to choose from.

    Raises:
        UsageError: none, or more than one, is possible; the message lists the choices.
        AssignmentError: the assignment's file is wrong.
    """
    if wanted is not None:
        return find_assignment(wanted)
    asked: dict[str, set[str]] = {}

    def told(submission: Submission) -> _Told:
        name = submission.assignment_id
        if name is not None:
            return _Told(submission.file, f"names {name!r}", frozenset([name]), frozenset([name]))
        if not asked:
            loaded = {name: load_assignment(folder) for name, folder in shipped.items()}
            asked.update({name: _names(each) for name, each in loaded.items() if each.guess})
        found = frozenset(defines(submission, set().union(*asked.values())))
        fits = frozenset(name for name in asked if found and found <= asked[name])
        partly = frozenset(name for name in asked if found & asked[name])
        return _Told(submission.file, f"defines {', '.join(sorted(found))}" if found else "", fits, partly)

    remaining = map(told, submissions)
    first = list(islice(remaining, LOOK_AT))
    if not first:
        raise UsageError(
            "no submission could be read, so the assignment is not clear: name it with --assignment, "
            f"{_choices(shipped)}"
        )
    telling = [each for each in first if each.what] or list(islice((each for each in remaining if each.what), 1))
    if not telling:
        raise UsageError(
            "the assignment is not clear: no notebook names one in its metadata, and none defines a name "
            f"that an assignment asks for; name it with --assignment, {_choices(shipped)}"
        )
    name = _vote(telling)
    if name not in shipped:
        file = next(each.file for each in telling if name in each.fits)
        raise UsageError(
            f"{file} names the assignment {name!r}, which is not here: give its folder with "
            f"--assignment, {_choices(shipped)}"
        )
    return load_assignment(shipped[name])


@dataclass(frozen=True)
class _Told:
    """What a submission says of its assignment. The rest is forgotten at once: twenty large ones fill the memory."""

    file: str
    what: str  # that it names an assignment, or defines what some ask for; "" where neither
    fits: frozenset[str]  # the assignments that it may be for
    partly: frozenset[str]  # those that ask for a part of what it defines


def _vote(submissions: list[_Told]) -> str:
    """The assignment that nearly all of them may be for."""
    votes = Counter(name for submission in submissions for name in sorted(submission.fits))
    most = max(votes.values(), default=0)
    best = [name for name in votes if votes[name] == most]
    if len(best) == 1 and most >= 3 * (len(submissions) - most):
        return best[0]
    kinds = {submission.fits: f"{submission.file} {submission.what}" for submission in reversed(submissions)}
    if len(kinds) > 1:
        listed = ", ".join(kinds[fits] for fits in sorted(kinds, key=sorted))
        raise UsageError(
            f"the submissions belong to different assignments: {listed}; grade them one at a time, or "
            f"name the one to use with --assignment"
        )
    first = submissions[0]
    why = "several assignments ask" if first.fits else "no one assignment asks"
    listed = ", ".join(sorted(first.fits or first.partly))
    raise UsageError(
        f"{first.file} {first.what}, which {why} for: name the assignment with --assignment, one of {listed}"
    )


def _names(assignment: Assignment) -> set[str]:
    """Names of what it asks for."""
    exercises = [*assignment.called_exercises, *assignment.quiz_exercises]
    return {name for exercise in exercises for name in names_of(exercise)}


def _choices(shipped: Mapping[str, Path]) -> str:
    return f"one of {', '.join(sorted(shipped))} or a folder with an assignment.toml" if shipped else "a folder"
