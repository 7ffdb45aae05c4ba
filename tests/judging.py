"""Judge a piece of source without a wall: the worker's operations run in this process, and nothing else is replaced."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grader.assignment import (
    Assignment,
    EssayExercise,
    Exercise,
    ModuleExercise,
    NetworkExercise,
    find_assignment,
    load_assignment,
)
from grader.blocks import BlockJudge
from grader.bundled import shipped_assignments
from grader.earlier import Earlier
from grader.exercise import judge_exercise
from grader.judge.examined import Examined, RightAnswers
from grader.judge.reference import Reference
from grader.observation import Executed
from grader.observing import observe
from grader.right import Right
from grader.sandbox import Answer
from grader.verdict import ExerciseReport
from grader.worker.operations import OPERATIONS, Student
from grader.worker.shell import make_shell

# Where right answers run: `GRADER_DEVICE=cuda make tests` judges all that is judged in the tests on a GPU.
DEVICE = os.environ.get("GRADER_DEVICE", "cpu")


class InProcessWorker:
    """A student's process that is this one. For code that is not hostile."""

    def __init__(self) -> None:
        shell()
        self._student = Student({"__name__": "__main__"})

    def call(
        self,
        operation: str,
        arguments: dict[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        *,
        seconds: float,
    ) -> Answer:
        """One operation, at once."""
        before = torch.get_default_dtype()
        try:
            fields, out = OPERATIONS[operation](self._student, arguments or {}, dict(tensors or {}))
        finally:
            torch.set_default_dtype(before)
        return Answer({"ok": True, **fields}, out)


@cache
def shell() -> object:
    """The process's one shell, which runs the cells."""
    return make_shell()


@cache
def residual_blocks() -> Assignment:
    """The shipped assignment."""
    return find_assignment("residual-blocks")


@cache
def families() -> Assignment:
    """One exercise for each relative of the residual block."""
    return load_assignment(Path(__file__).parent / "assignments" / "families")


@cache
def options() -> Assignment:
    """The basic block with other kinds of shortcut than the shipped assignment asks for, and one of several paths."""
    return load_assignment(Path(__file__).parent / "assignments" / "options")


@cache
def planned() -> Assignment:
    """A network that is held to its plan in every layer, and one that is held to its stem and head."""
    return load_assignment(Path(__file__).parent / "assignments" / "planned")


@cache
def find_exercise(exercise_id: str) -> tuple[Assignment, Exercise]:
    """An exercise of any of these assignments, and whose it is."""
    shipped = (find_assignment("densenet-layer"), find_assignment("cifar-resnet"))
    assignments = (residual_blocks(), families(), options(), planned(), *shipped)
    return next((a, e) for a in assignments for e in a.exercises if e.id == exercise_id)


@cache
def right_answers(exercise_id: str) -> RightAnswers | None:
    """Kept for the whole run, as a slot keeps them."""
    assignment, exercise = find_exercise(exercise_id)
    if not isinstance(exercise, ModuleExercise):
        return None
    if assignment.id in shipped_assignments():
        return shipped(assignment.id, exercise_id)[1]
    return RightAnswers(Reference(assignment, exercise), seed=0, device=DEVICE)


@cache
def shipped_right(assignment_id: str, device: str) -> Right:
    """What a shipped assignment is compared with, in this process and behind the wall: kept for the whole run."""
    return Right(find_assignment(assignment_id), 0, device)


@cache
def shipped(assignment_id: str, exercise_id: str) -> tuple[ModuleExercise, RightAnswers]:
    """A module exercise of any shipped assignment, for `judge_against`."""
    exercise = next(each for each in find_assignment(assignment_id).exercises if each.id == exercise_id)
    assert isinstance(exercise, ModuleExercise)
    right = shipped_right(assignment_id, DEVICE)
    right.prepare(exercise)
    return exercise, next(each for each in right.modules if each.reference.exercise.id == exercise_id)


def judge(source: str, exercise_id: str) -> ExerciseReport:
    """The report on one exercise of a one-cell notebook."""
    exercise = find_exercise(exercise_id)[1]
    assert not isinstance(exercise, EssayExercise)
    return judge_against(source, exercise, right_answers(exercise_id))


def judge_against(
    source: str, exercise: ModuleExercise | NetworkExercise, answers: RightAnswers | None
) -> ExerciseReport:
    """The same, with right answers of one's own."""
    blocks = block_judge(exercise.id in ("planned-network", "averaged-network")) if exercise.kind == "network" else None
    return judge_exercise(examine_source(source, exercise, answers), blocks)


def judge_all(source: str, *, draw: bool = False) -> dict[str, ExerciseReport]:
    """The reports on every exercise of the shipped assignment that a source answers, each knowing those before it."""
    earlier: dict[str, Earlier] = {}
    for exercise in residual_blocks().code_exercises:
        examined = examine_source(source, exercise, right_answers(exercise.id))
        if examined.found is not None:
            report = judge_exercise(examined, block_judge(), earlier, draw=draw)
            earlier[exercise.id] = Earlier(examined, report)
    return {name: each.report for name, each in earlier.items()}


def examine_source(source: str, exercise: ModuleExercise | NetworkExercise, answers: RightAnswers | None) -> Examined:
    """What is seen of one exercise of a one-cell notebook."""
    worker = InProcessWorker()
    names = [exercise.name, *exercise.aliases]
    cells = [{"number": 1, "source": source}]
    wanted = [*names, *residual_blocks().names]
    arguments = {"cells": cells, "names": wanted, "plan": "definitions", "seconds": 20.0}
    executed = Executed.model_validate(worker.call("execute", arguments, seconds=20).fields)
    examined = Examined(exercise, None, answers)
    observe(worker, examined, executed, names, seed=0)
    return examined


@cache
def block_judge(is_planned: bool = False) -> BlockJudge:
    """Judges the blocks of networks against the exercises of the shipped assignment, or of the planned network."""
    if is_planned:
        return BlockJudge(planned(), seed=0, device=DEVICE)
    return shipped_right("residual-blocks", DEVICE).blocks
