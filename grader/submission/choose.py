"""Which assignment do these submissions belong to?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from grader.assignment import Assignment, find_assignment, load_assignment
from grader.errors import UsageError
from grader.submission.definitions import defines
from grader.submission.nouns import Submission

# A class of thousands must not be read to its end before the first is graded.
LOOK_AT = 20


def choose_assignment(wanted: str | None, submissions: Iterable[Submission], shipped: Mapping[str, Path]) -> Assignment:
    """The assignment asked for, else the one the notebooks name, else the one that fits what they define.

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
    known: dict[str, Assignment] = {}

    def told(submission: Submission) -> _Told:
        if submission.assignment_id is not None:
            return _Told(submission.file, submission.assignment_id)
        if not known:
            known.update({name: load_assignment(folder) for name, folder in shipped.items()})
        asked = {name for assignment in known.values() for name in _names(assignment)}
        return _Told(submission.file, None, frozenset(defines(submission, asked)))

    remaining = map(told, submissions)
    first = list(islice(remaining, LOOK_AT))
    if not first:
        raise UsageError(
            "no submission could be read, so the assignment is not clear: name it with --assignment, "
            f"{_choices(shipped)}"
        )
    chosen = _by_metadata(first, shipped) or _by_names(first, known)
    while chosen is None:
        # Nobody so far has written anything that tells; the next one may have.
        another = next(remaining, None)
        if another is None:
            raise UsageError(
                "the assignment is not clear: no notebook names one in its metadata, and none defines a name "
                f"that an assignment asks for; name it with --assignment, {_choices(shipped)}"
            )
        chosen = _by_metadata([another], shipped) or _by_names([another], known)
    return chosen


@dataclass(frozen=True)
class _Told:
    """What a submission says of its assignment. The rest is forgotten at once: twenty large ones fill the memory."""

    file: str
    assignment_id: str | None
    defines: frozenset[str] = frozenset()


def _by_metadata(submissions: list[_Told], shipped: Mapping[str, Path]) -> Assignment | None:
    """The assignment that the notebooks' metadata names."""
    naming: dict[str, str] = {}
    for submission in submissions:
        if submission.assignment_id is not None:
            naming.setdefault(submission.assignment_id, submission.file)
    if len(naming) > 1:
        listed = ", ".join(f"{file} names {name!r}" for name, file in sorted(naming.items()))
        raise UsageError(
            f"the submissions belong to different assignments: {listed}; grade them one at a time, or "
            f"name the one to use with --assignment"
        )
    for name, file in naming.items():
        if name not in shipped:
            raise UsageError(
                f"{file} names the assignment {name!r}, which is not here: give its folder with "
                f"--assignment, {_choices(shipped)}"
            )
        return load_assignment(shipped[name])
    return None


def _by_names(submissions: list[_Told], known: Mapping[str, Assignment]) -> Assignment | None:
    """The only assignment that knows every name which the submissions define and any assignment knows."""
    found = frozenset[str]().union(*(submission.defines for submission in submissions))
    if not found:
        return None
    names = {name: _names(assignment) for name, assignment in known.items()}
    fitting = [name for name in known if found <= names[name]]
    if len(fitting) == 1:
        return known[fitting[0]]
    told = ", ".join(sorted(found))
    why = "several assignments ask" if fitting else "no one assignment asks"
    listed = ", ".join(fitting or [name for name in known if found & names[name]])
    raise UsageError(
        f"the submissions define {told}, which {why} for: name the assignment with --assignment, one of {listed}"
    )


def _names(assignment: Assignment) -> set[str]:
    """Names of what it asks for."""
    return {each for exercise in assignment.code_exercises for each in (exercise.name, *exercise.aliases)}


def _choices(shipped: Mapping[str, Path]) -> str:
    return f"one of {', '.join(sorted(shipped))} or a folder with an assignment.toml" if shipped else "a folder"
