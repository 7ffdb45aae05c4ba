"""Under which names a submission may answer an exercise."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.assignment import Assignment, CalledExercise, ModuleExercise, NetworkExercise, names_of
from grader.submission import Submission, defined_in
from grader.submission.nbgrader import Kind


def candidates(exercise: CalledExercise, defined: Iterable[str], marked: Iterable[str] = ()) -> list[str]:
    """Names under which an exercise may be defined, best first: its own, the same but for spelling, its aliases.

    Args:
        marked: names that the notebook itself says answer this exercise; they come last.
    """
    defined = list(defined)
    own = [name for name in defined if _plain(name) == _plain(exercise.name)]
    plain = {_plain(name) for name in exercise.aliases}
    spelt = [name for name in defined if _plain(name) in plain]
    return list(dict.fromkeys([exercise.name, *own, *exercise.aliases, *spelt, *marked]))


def marked(exercise: CalledExercise, submission: Submission, assignment: Assignment) -> list[str]:
    """Names that no other exercise asks for, where nbgrader says that this one is answered."""
    others = {name for each in assignment.called_exercises if each is not exercise for name in names_of(each)}
    kinds: dict[type, tuple[Kind, ...]] = {ModuleExercise: ("class",), NetworkExercise: ("class", "function")}
    found = defined_in(submission.notebook.cells, exercise.grade_ids, kinds.get(type(exercise), ("function",)))
    return [name for name in found if name not in others]


def _plain(name: str) -> str:
    return re.sub(r"[_\W]", "", name).casefold()
