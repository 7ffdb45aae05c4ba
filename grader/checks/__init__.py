"""Checks, one file each, found by walking this folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from grader.assignment import Assignment
from grader.checks._check import Check
from grader.errors import AssignmentError


@cache
def checks() -> dict[str, Check]:
    """Every check by its id."""
    found: dict[str, Check] = {}
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, Check) and value.__module__ == module.__name__:
                    found[value.id] = value()
    return found


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
