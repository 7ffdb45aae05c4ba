"""The spec as far as students may know it. What may be told is listed: a new key is not told by accident."""

from __future__ import annotations

from typing import Any

from grader.assignment import Assignment, Exercise, ModuleExercise, NetworkExercise

_ALWAYS = ("id", "kind", "title", "task", "name", "aliases", "points", "headings", "grade_id")
# Whose answers are never in a student's copy.
_QUESTIONS = {"choice": ("several", "option"), "predict": (), "essay": ()}
_WITH_REFERENCE = {
    "module": (
        "call accept reference conv_bias stride_position shortcut_option activation_after_add sizes variants mistakes "
        "case"
    ).split(),
    "network": "accept outputs min_blocks stem head reference exact_parameters trunk blocks mistakes case".split(),
    "function": "reference tolerance case fault".split(),
    "experiment": "data measures rounds shape whole training series claim bound".split(),
}
_WITHOUT = {
    "module": "call accept case".split(),
    "network": "accept outputs case".split(),
    "function": "case".split(),
    "experiment": "shape whole".split(),
}
_OPTION = ("id", "text")


def public_spec(assignment: Assignment, outputs: dict[str, dict[str, list[Any]]]) -> dict[str, Any]:
    """What goes into a student's `assignment.toml`.

    Args:
        outputs: shapes that students may know, by exercise and the title of the case.
    """
    told: dict[str, Any] = {"id": assignment.id, "title": assignment.title}
    if not assignment.guess:
        told["guess"] = False
    if limits := assignment.limits.model_dump(exclude_unset=True):
        told["limits"] = limits
    if assignment.hints.last_from is not None:
        told["hints"] = {"last_from": assignment.hints.last_from}
    told["exercise"] = [_public(each, assignment, outputs.get(each.id, {})) for each in assignment.exercises]
    return told


def is_withheld(exercise: Exercise, assignment: Assignment) -> bool:
    """Is what is right left to the marking, in a student's copy?"""
    if exercise.withheld or exercise.kind in ("choice", "predict"):
        return True
    if exercise.kind == "essay":
        return False
    if any(exercise.visibility_of(check) != "visible" for check in exercise.check_ids):
        return True  # what a platform holds back is not told before it
    if assignment.release.reference == "public":
        return False
    if isinstance(exercise, NetworkExercise):
        # A network that names no reference is compared with those of the blocks, if there are any.
        modules = any(isinstance(each, ModuleExercise) for each in assignment.exercises)
        return exercise.reference is not None or (exercise.blocks == "as-exercises" and modules)
    return True


def _short(points: Any) -> Any:
    """10 rather than 10.0."""
    if isinstance(points, dict):
        return {name: _short(each) for name, each in points.items()}
    return int(points) if float(points).is_integer() else points


def _public(exercise: Exercise, assignment: Assignment, outputs: dict[str, list[Any]]) -> dict[str, Any]:
    # As the author wrote it: what was left out stays so.
    whole = exercise.model_dump(mode="json", by_alias=True, exclude_unset=True)
    withheld = is_withheld(exercise, assignment)
    if exercise.kind in _QUESTIONS:
        more = list(_QUESTIONS[exercise.kind])
    else:
        more = (_WITHOUT if withheld else _WITH_REFERENCE)[exercise.kind]
    told = {key: whole[key] for key in (*_ALWAYS, *more) if key in whole and whole[key] is not None}
    told["points"] = _short(told["points"])
    if withheld:
        told["withheld"] = True
    if "option" in told:
        told["option"] = [{key: option[key] for key in _OPTION} for option in told["option"]]
    for case in told.get("case", ()) if outputs else ():
        case["outputs"] = outputs[case["title"]]
    return told
