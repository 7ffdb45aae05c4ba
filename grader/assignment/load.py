"""`assignment.toml`, read and checked."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from grader.assignment.assignment import Assignment
from grader.assignment.complaints import explain
from grader.assignment.module import ModuleExercise
from grader.assignment.network import NetworkExercise
from grader.errors import AssignmentError


def load_assignment(folder: Path) -> Assignment:
    """Read `folder/assignment.toml`.

    Raises:
        AssignmentError: the file is missing, is no TOML, or does not follow the spec. Names file, key and
            what was expected there, one line per mistake.
    """
    path = folder / "assignment.toml"
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise AssignmentError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AssignmentError(f"{path}: is not valid TOML: {error}") from error
    if "folder" in content:
        raise AssignmentError(f"{path}: folder: unknown key; remove it or check its spelling")
    try:
        assignment = Assignment.model_validate({**content, "folder": folder})
    except ValidationError as error:
        raise AssignmentError("\n".join(explain(path, content, error))) from None
    for exercise in assignment.code_exercises:
        _check_cases(path, exercise)
    return assignment


def _check_cases(path: Path, exercise: ModuleExercise | NetworkExercise) -> None:
    """Every case of a module names the same arguments, since they are given by position; it may leave out the last."""
    first = list(exercise.cases[0].arguments)
    wanted = f"expected {', '.join(first)} in this order" if first else "expected none"
    for case in exercise.cases:
        if isinstance(exercise, ModuleExercise) and list(case.arguments) != first[: len(case.arguments)]:
            raise AssignmentError(
                f"{path}: exercise {exercise.id}: case {case.title!r}: arguments: {wanted}, "
                f"as in the first case, found {', '.join(case.arguments) or 'none'}"
            )
        if isinstance(exercise, NetworkExercise) and exercise.exact_parameters and exercise.reference is None:
            raise AssignmentError(
                f"{path}: exercise {exercise.id}: exact_parameters: expected a reference, whose parameters are counted"
            )
        if isinstance(exercise, NetworkExercise) and exercise.outputs not in case.arguments:
            raise AssignmentError(
                f"{path}: exercise {exercise.id}: case {case.title!r}: arguments: expected the argument "
                f"{exercise.outputs!r}, which `outputs` names"
            )
