"""Checks, one file each, found by walking this folder."""

from __future__ import annotations

from functools import cache

from grader.assignment import Assignment, Case, ModuleExercise, NetworkExercise
from grader.checks._check import Check
from grader.errors import AssignmentError
from grader.family import members
from grader.observation import Probe


@cache
def checks() -> dict[str, Check]:
    """Every check by its id."""
    return {member.id: member() for member in members(__name__, __path__, Check)}  # type: ignore[type-abstract]


def asked_probes(exercise: ModuleExercise | NetworkExercise, case: Case) -> list[Probe]:
    """All that an exercise's checks ask in a case, each once."""
    asked = (probe for name in exercise.points for probe in checks()[name].probes(exercise, case))
    return list({probe.name: probe for probe in asked}.values())


def require_known(assignment: Assignment) -> None:
    """Refuse points for a check that does not exist.

    Raises:
        AssignmentError: names file, exercise and the checks there are.
    """
    for exercise in assignment.code_exercises:
        for name in exercise.points:
            if name not in checks():
                raise AssignmentError(
                    f"{assignment.folder / 'assignment.toml'}: exercise {exercise.id}: points: there is no check "
                    f"{name!r}; expected some of {', '.join(sorted(checks()))}"
                )
