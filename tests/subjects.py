"""Assignments of one module each, of which a test writes the reference and the cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from judging import DEVICE

from grader.assignment import ModuleExercise, load_assignment
from grader.judge.examined import RightAnswers
from grader.judge.reference import Reference

POINTS = ("shape", "parameters", "gradient")


def one_module(
    folder: Path, source: str, name: str, cases: Iterable[Mapping[str, str]], points: Iterable[str] = POINTS
) -> Reference:
    """An assignment in a folder, with one point for each check.

    Args:
        cases: the keys of each, with their values in TOML.
    """
    (folder / "reference.py").write_text(source)
    spec = f'id = "{name.lower()}"\ntitle = "{name}"\n[[exercise]]\nid = "one"\nkind = "module"\ntitle = "{name}"\n'
    spec += f'name = "{name}"\nreference = "reference:{name}"\n'
    spec += f"points = {{ {', '.join(f'{check} = 1' for check in points)} }}\n"
    for title, case in zip(("one", "two", "three"), cases, strict=False):
        keys = {"title": f'"{title}"', **case}
        spec += "[[exercise.case]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
    (folder / "assignment.toml").write_text(spec)
    assignment = load_assignment(folder)
    (exercise,) = assignment.exercises
    assert isinstance(exercise, ModuleExercise)
    return Reference(assignment, exercise)


def answers_to(
    source: str, name: str, cases: Iterable[Mapping[str, str]], points: Iterable[str] = POINTS
) -> RightAnswers:
    """The right answers to such an exercise, whose folder is gone."""
    with TemporaryDirectory() as folder:
        found = RightAnswers(one_module(Path(folder), source, name, cases, points), seed=0, device=DEVICE)
        for case in found.reference.exercise.cases:
            found.forms(case)  # while its file is there
        return found
