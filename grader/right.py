"""The right answers of one assignment: made when they are first asked for, and kept from submission to submission."""

from __future__ import annotations

from collections.abc import Mapping

from grader.assignment import (
    Assignment,
    CalledExercise,
    ExperimentExercise,
    FunctionExercise,
    ModuleExercise,
    NetworkExercise,
)
from grader.blocks import BlockJudge
from grader.judge.examined import Examined, RightAnswers
from grader.judge.experiment import Experimented, RightExperiment
from grader.judge.functions import Called, RightFunction
from grader.judge.reference import Reference
from grader.judge.seen import Seen
from grader.observation import ANYWHERE, Stands


class Right:
    """What the exercises of an assignment are compared with.

    Attributes:
        blocks: judges the blocks of networks against the module exercises of the same assignment.
    """

    def __init__(self, assignment: Assignment, seed: int, device: str) -> None:
        self.blocks = BlockJudge(assignment, seed, device)
        self._assignment = assignment
        self._seed, self._device = seed, device
        self._modules: dict[str, RightAnswers] = {}
        self._functions: dict[str, RightFunction] = {}
        self._experiments: dict[str, RightExperiment] = {}

    def prepare(self, exercise: CalledExercise) -> None:
        """Load what an exercise is compared with.

        Raises:
            AssignmentError: its reference cannot be used.
        """
        if exercise.id in self._kept:
            return
        if isinstance(exercise, FunctionExercise):
            self._functions[exercise.id] = RightFunction(self._assignment, exercise, self._seed)
        elif isinstance(exercise, ExperimentExercise):
            self._experiments[exercise.id] = RightExperiment(self._assignment, exercise, self._seed)
        elif exercise.withheld:
            return  # a student's copy holds no reference
        elif isinstance(exercise, NetworkExercise):
            self.blocks.planned.stages(exercise)
            self.blocks.planned.parameters(exercise)
        else:
            self._modules[exercise.id] = self._answers(exercise)

    def nothing_seen(self, exercise: CalledExercise, defined: list[str], stands: Stands = ANYWHERE) -> Seen:
        """Where what is seen of a student's answer is noted, beside what it is compared with.

        Args:
            defined: every name that the student's code defines.
            stands: where it defines this exercise's.
        """
        self.prepare(exercise)
        if isinstance(exercise, FunctionExercise):
            return Called(exercise, self._functions[exercise.id], defined=defined, stands=stands)
        if isinstance(exercise, ExperimentExercise):
            return Experimented(exercise, self._experiments[exercise.id], defined=defined, stands=stands)
        return Examined(exercise, None, self._modules.get(exercise.id), defined=defined, stands=stands)

    @property
    def modules(self) -> list[RightAnswers]:
        """What module exercises are compared with, as far as it is prepared."""
        return list(self._modules.values())

    @property
    def _kept(self) -> Mapping[str, object]:
        return {**self._modules, **self._functions, **self._experiments}

    def _answers(self, exercise: ModuleExercise) -> RightAnswers:
        reference = Reference(self._assignment, exercise)
        for case in exercise.cases:
            reference.output_shape(case, (2, *case.input))
        first = exercise.cases[0]
        reference.graph(first, 0, train=True, shape=(2, *first.input))  # what is random is so in training
        return RightAnswers(reference, self._seed, self._device)
