"""Of secret references: the shapes of what they return, for the inputs that the check on shapes asks for."""

from __future__ import annotations

from typing import Any

from grader.assignment import Assignment, ModuleExercise


def told_outputs(assignment: Assignment) -> dict[str, dict[str, list[Any]]]:
    """By exercise and the title of the case: pairs of shapes, batch included. Empty, where they are not to be told.

    Raises:
        AssignmentError: a reference cannot be used.
    """
    if assignment.release.reference == "public" or not assignment.release.shapes:
        return {}
    asked = [each for each in assignment.exercises if isinstance(each, ModuleExercise) and not each.withheld]
    asked = [each for each in asked if "shape" in each.points]
    if not asked:
        return {}
    # They import torch, which takes its second.
    from grader.checks import checks
    from grader.judge.draws import input_shape
    from grader.judge.reference import Reference

    found: dict[str, dict[str, list[Any]]] = {}
    for exercise in asked:
        reference = Reference(assignment, exercise)
        for case in exercise.cases:
            sizes = [(2, *case.input)]
            sizes += [input_shape(case.input, probe) for probe in checks()["shape"].probes(exercise, case)]
            found.setdefault(exercise.id, {})[case.title] = [
                [list(size), reference.output_shape(case, size)]
                for size in dict.fromkeys(sizes)
                if size == sizes[0] or reference.takes(case, size)
            ]
    return found
